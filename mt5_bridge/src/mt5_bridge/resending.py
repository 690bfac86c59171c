"""Whether an order may stand in for one that was not sent.

The client asks for it and the journal decides, so that no client can send twice what was sent once: the order before is
fenced and certainly not sent, an account of real money never said so, and each has one stand-in, whose id follows from
its own.
"""

from mt5_bridge.journal import SENDABLE, Journal, OrderState
from tradeloom.errors import Conflict
from tradeloom.trading.intents import MAX_RESENDS, OrderIntent, resend_id


def check_resend(intent: OrderIntent, journal: Journal) -> None:
    """Raises `Conflict` for a stand-in that may not be sent. One that was sent before is for the journal to tell."""
    if intent.resend_of is None:
        return
    known = journal.entry(intent.client_order_id)
    if known is not None and known.state not in SENDABLE:
        return
    before = journal.entry(intent.resend_of)
    if before is None or before.state is not OrderState.NOT_SENT or before.result is None:
        raise _refused("the order it stands in for is not known to be unsent")
    if intent.client_order_id != resend_id(intent.resend_of) or intent.origin != before.intent.origin:
        raise _refused("it belongs to another order")
    until = before.result.resend_until
    if until is None:
        raise _refused("nothing may be sent in place of an order that a person settled, or of one with real money")
    if intent.deadline > until:
        raise _refused("it would outlive the order it stands in for")
    if _generation(intent, journal) > MAX_RESENDS:
        raise _refused(f"{MAX_RESENDS} others were tried before")


def _generation(intent: OrderIntent, journal: Journal) -> int:
    """How many orders it stands in for, one after the other."""
    count, earlier = 0, intent.resend_of
    while earlier is not None and count <= MAX_RESENDS:
        entry = journal.entry(earlier)
        count, earlier = count + 1, None if entry is None else entry.intent.resend_of
    return count


def _refused(why: str) -> Conflict:
    return Conflict(f"this order may not take the place of another: {why}; nothing was sent", field="resend_of")
