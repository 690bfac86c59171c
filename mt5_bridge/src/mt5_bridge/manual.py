"""A person's word on an order nobody else can settle: MANUAL, fenced and not found, with real money.

The broker's own records go before the word. What a person names must be there, fit what was sent, and be nobody else's;
who said what, and why, stays in the journal's log.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

from mt5_bridge.clock import AccountClock
from mt5_bridge.journal import Entry, Journal, OrderState
from mt5_bridge.reconciliation import Reconciler
from mt5_bridge.records import BrokerRecords
from tradeloom.errors import BrokerUnavailable, Conflict, InvalidInput, NotFound
from tradeloom.trading.exact import exact
from tradeloom.trading.intents import CancelIntent, CloseIntent, ModifyIntent, OrderOutcome, OutcomeStatus
from tradeloom.trading.methods import SettleParams

_SLACK = timedelta(days=1)
_CLAIMED = "manual/order/"
_OURS = frozenset({OrderState.DONE, OrderState.PARTIAL, OrderState.PLACED})
_LOOKED_THROUGH = 20_000
"""Of the orders whose outcome may name a ticket, so many of the newest are compared."""


class ManualDesk:
    def __init__(self, journal: Journal, records: BrokerRecords, reconciler: Reconciler, clock: AccountClock) -> None:
        self._journal = journal
        self._records = records
        self._reconciler = reconciler
        self._clock = clock

    def settle(self, said: SettleParams) -> OrderOutcome:
        """The order's outcome from now on. The same word again is answered with what it led to.

        Raises `NotFound` for an order or ticket that is not there, `Conflict` for an order that does not wait for a
        person and for a ticket of another order of ours, `InvalidInput` for a ticket that does not fit what was sent.
        """
        entry = self._journal.entry(said.client_order_id)
        if entry is None:
            raise NotFound(f"the journal has no order {said.client_order_id}", field="client_order_id")
        word = {"decision": said.decision, "ticket": said.ticket}
        if entry.state is not OrderState.MANUAL:
            return self._said_before(entry, word)
        if not self._records.connected():
            raise BrokerUnavailable("the terminal is not connected: nothing can be checked at the broker now")
        found = self._reconciler.settle(entry)
        if found.status is not OutcomeStatus.UNKNOWN:
            self._journal.note(said.client_order_id, "found before a person's word", word | {"by": said.by})
            return found
        outcome = self._outcome(entry, said)
        self._journal.settle(outcome, {"manual": word, "by": said.by, "why": said.reason})
        return outcome

    def _said_before(self, entry: Entry, word: dict[str, Any]) -> OrderOutcome:
        """The reply to the same word may have been lost."""
        outcome = entry.outcome()
        log = self._journal.history(entry.intent.client_order_id)
        if outcome is not None and any(detail.get("manual") == word for _, detail in log):
            return outcome
        told = f"it is {entry.state.replace('_', ' ')}"
        raise Conflict(f"this order does not wait for a person: {told}", field="client_order_id")

    def _outcome(self, entry: Entry, said: SettleParams) -> OrderOutcome:
        intent = entry.intent
        if said.ticket is None:
            return OrderOutcome(
                client_order_id=intent.client_order_id,
                status=OutcomeStatus.NOT_SENT,
                message=f"not sent, as {said.by} found: {said.reason}",
            )
        if isinstance(intent, ModifyIntent | CancelIntent):
            return self._changed(intent, said)
        order = self._order(entry, said.decision, said.ticket)
        self._check(entry, order)
        outcome = self._records.became(intent, entry.request or {}, order)
        if outcome is None:
            raise Conflict(f"order {order.ticket} is still under way at the broker: ask again", field="ticket")
        self._journal.keep({f"{_CLAIMED}{order.ticket}": intent.client_order_id})
        return outcome.model_copy(update={"message": f"{outcome.message}, as {said.by} found: {said.reason}"})

    def _changed(self, intent: ModifyIntent | CancelIntent, said: SettleParams) -> OrderOutcome:
        """A change leaves nothing of its own behind, so it is named by what it changed."""
        target = intent.ticket if isinstance(intent, ModifyIntent) else intent.order
        if said.ticket != target:
            raise InvalidInput(f"what was to be changed is {target}, not {said.ticket}", field="ticket")
        kind = "position" if isinstance(intent, ModifyIntent) and intent.target == "position" else "order"
        if said.decision != kind:
            raise InvalidInput(f"what was to be changed is {kind} {target}, no {said.decision}", field="decision")
        return OrderOutcome(
            client_order_id=intent.client_order_id,
            status=OutcomeStatus.DONE,
            order=target if kind == "order" else None,
            position=target if kind == "position" else None,
            message=f"carried out, as {said.by} found: {said.reason}",
        )

    def _order(self, entry: Entry, kind: str, ticket: int) -> Any:
        """The broker's order behind a ticket of any kind."""
        number = ticket if kind == "order" else self._order_behind(entry, kind, ticket)
        order = self._records.live_order(number) or self._records.past_order(number)
        if order is None:
            raise NotFound(f"the broker has no order {number}", field="ticket")
        return order

    def _order_behind(self, entry: Entry, kind: str, ticket: int) -> int:
        if kind == "deal":
            since = (entry.sent_at or entry.updated_at) - _SLACK
            deals = self._records.deals(since, max(self._clock.now(), since) + _SLACK)
            numbers = {deal.order for deal in deals if deal.ticket == ticket}
        else:
            deals = self._records.deals_of_position(ticket)
            side = (entry.request or {}).get("type", 0) % 2
            numbers = {deal.order for deal in deals if deal.type == side and exact(deal.volume) > 0}
        if not numbers:
            raise NotFound(f"the broker has no {kind} {ticket} that this order could have made", field="ticket")
        if len(numbers) > 1:
            named = ", ".join(str(number) for number in sorted(numbers))
            raise InvalidInput(
                f"several orders made position {ticket}: {named}", field="ticket", hint="name the order, or its deal"
            )
        return int(numbers.pop())

    def _check(self, entry: Entry, order: Any) -> None:
        request, intent = entry.request or {}, entry.intent
        if order.symbol != request.get("symbol"):
            raise _unfit(order, f"it is in {order.symbol}, and {request.get('symbol')} was sent")
        if order.type % 2 != request.get("type", 0) % 2:
            raise _unfit(order, "it is on the other side")
        if exact(order.volume_initial) != exact(request.get("volume", 0)):
            raise _unfit(order, f"it is for {order.volume_initial:g} lots, and {request.get('volume', 0):g} were sent")
        made = datetime.fromtimestamp(self._records.zone.to_utc(order.time_setup_msc / 1000), tz=UTC)
        if entry.sent_at is not None and made < entry.sent_at - _SLACK:
            raise _unfit(order, f"it was made at {made:%Y-%m-%d %H:%M} UTC, before this one was sent")
        if isinstance(intent, CloseIntent) and order.position_id not in (0, intent.position):
            raise _unfit(order, f"it acted on position {order.position_id}, not {intent.position}")
        self._check_owner(entry, order)

    def _check_owner(self, entry: Entry, order: Any) -> None:
        order_id = entry.intent.client_order_id
        if order.magic == entry.intent.magic:
            return
        owner = self._journal.orders_by_magic([order.magic]).get(order.magic)
        claimed = self._journal.fact(f"{_CLAIMED}{order.ticket}")
        if owner is not None or claimed not in (None, order_id) or self._named_by_another(order_id, order.ticket):
            raise Conflict(f"order {order.ticket} is another order's of ours", field="ticket")
        if order.magic:
            raise _unfit(order, f"it bears the magic number {order.magic} of another program")

    def _named_by_another(self, order_id: str, ticket: int) -> bool:
        """A broker that drops magic numbers leaves only the outcomes to tell."""
        for other in self._journal.settled_as(_OURS)[-_LOOKED_THROUGH:]:
            entry = None if other == order_id else self._journal.entry(other)
            if entry is not None and entry.result is not None and entry.result.order == ticket:
                return True
        return False


def _unfit(order: Any, why: str) -> InvalidInput:
    return InvalidInput(f"order {order.ticket} does not fit: {why}", field="ticket")
