"""One order handed in to the bridge, across lost replies and restarts of the bridge."""

from collections.abc import Callable

from tradeloom.errors import TradeloomError
from tradeloom.trading import methods, protocol
from tradeloom.trading.intents import OrderIntent, OrderOutcome, OutcomeStatus
from tradeloom.trading.mt5_answers import decode_outcome
from tradeloom.trading.mt5_transport import CallLost
from tradeloom.trading.protocol import UnreadableAnswer

Call = Callable[[str, bytes, float], bytes]
"""One call of a method with its payload, within so many seconds. Raises `BrokerUnavailable` when it was certainly not
received, and `CallLost` when it may have been."""


def hand_in(
    call: Call,
    account: str,
    intent: OrderIntent,
    *,
    timeout_s: float,
    settle_s: float,
    clock: Callable[[], float],
    pause: Callable[[float], None],
) -> OrderOutcome:
    """Sends the intent and learns its outcome.

    Once a call may have been received, the bridge's journal decides: it is asked for the outcome, and only when it
    knows nothing of the id is the same intent handed in again (its id makes that one order). What is still open after
    the time-out is UNKNOWN. Raises only while it is certain that nothing was sent.
    """
    order_id = intent.client_order_id
    sending = protocol.encode_request(account, methods.SendParams(intent=intent))
    asking, perhaps_received, settling, backoff = False, False, False, 0.05
    give_up = clock() + timeout_s
    known: OrderOutcome | None = None
    while (left := give_up - clock()) > 0:
        try:
            answer = call("outcome", _question(account, order_id), left) if asking else call("send", sending, left)
            outcome = decode_outcome(answer)
        except (CallLost, UnreadableAnswer):
            perhaps_received, asking = True, True
        except TradeloomError:
            if not perhaps_received:
                raise
        else:
            if outcome is None:
                asking = False
            elif outcome.status is not OutcomeStatus.UNKNOWN:
                return outcome
            else:
                if not settling:
                    settling, give_up = True, min(give_up, clock() + settle_s)
                known, perhaps_received, asking = outcome, True, True
        pause(min(backoff, max(give_up - clock(), 0)))
        backoff = min(backoff * 2, 1.0)
    return known or OrderOutcome(
        client_order_id=order_id, status=OutcomeStatus.UNKNOWN, message="sent; the bridge has not answered since"
    )


def _question(account: str, order_id: str) -> bytes:
    return protocol.encode_request(account, methods.OutcomeParams(client_order_id=order_id))
