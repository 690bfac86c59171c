"""Settling orders nobody knows the fate of, on the broker's own records.

An order that was found settles as what it became. One that was not found may still turn up: only after a horizon, and
once its id is fenced so that nothing can be sent under it later, is it called NOT_SENT; on a real-money account never
by us: a person decides (MANUAL).
"""

import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from mt5_bridge.clock import AccountClock
from mt5_bridge.journal import UNSETTLED, Entry, Journal, OrderState
from mt5_bridge.records import BrokerRecords
from tradeloom.errors import StorageUnavailable, TradeloomError
from tradeloom.trading.intents import OrderOutcome, OutcomeStatus

_log = logging.getLogger(__name__)

_LOOK_AGAIN_S = 10.0
"""Between two looks at what the last stop left behind: each reads the broker's history."""
_OF_NO_FATE = frozenset({OrderState.SENT, OrderState.UNKNOWN, OrderState.FENCED})


def wall_clock() -> datetime:
    return datetime.now(UTC)


class Reconciler:
    """`horizon_s` is how long (wall time) a broker's history may lag; `real_money` says who may give an order up."""

    def __init__(
        self,
        journal: Journal,
        records: BrokerRecords,
        clock: AccountClock,
        *,
        horizon_s: float,
        real_money: Callable[[], bool],
        wall: Callable[[], datetime] = wall_clock,
    ) -> None:
        self._journal = journal
        self._records = records
        self._clock = clock
        self._horizon_s = horizon_s
        self._real_money = real_money
        self._wall = wall
        self._unwritten: dict[str, OrderOutcome] = {}
        self._left_behind: list[str] = []
        self._look_again_at: datetime | None = None
        self._connected_since: datetime | None = None

    def recover(self) -> None:
        """At start: SENT becomes UNKNOWN, then every open order is looked for.

        A journal that takes nothing for the moment (a full disk) is no reason to stay without trading for good: what is
        SENT is never sent again either. Orders whose fate stays open are looked for again between calls, asked for or
        not: whoever sent one may have been told its end, and would never ask.
        """
        try:
            self._journal.recover()
        except StorageUnavailable as error:
            _log.error("what was under way at the last stop cannot be written down yet: %s", error.message)
        self._left_behind = self._journal.unsettled()
        self._settle_left_behind()

    def patience_s(self) -> float | None:
        """How long `catch_up` and `look_again_if_due` may wait; None: there is nothing for them to do."""
        return 1.0 if self._unwritten or self._left_behind else None

    def look_again_if_due(self) -> None:
        """Between calls: goes on with what the last stop left behind."""
        if not self._left_behind or (self._look_again_at is not None and self._wall() < self._look_again_at):
            return
        try:
            self._settle_left_behind()
        except StorageUnavailable as error:
            _log.warning("%d orders of before the restart are still open: %s", len(self._left_behind), error.message)

    def _settle_left_behind(self) -> None:
        self._look_again_at = self._wall() + timedelta(seconds=_LOOK_AGAIN_S)
        still_open = []
        for order_id in self._left_behind:
            entry = self._journal.entry(order_id)
            if entry is None or entry.state not in UNSETTLED:
                continue
            outcome = self.settle(entry)
            _log.info("order %s from before the restart is %s", order_id, outcome.status)
            now = self._journal.entry(order_id)
            if now is not None and now.state in _OF_NO_FATE:
                still_open.append(order_id)
        self._left_behind = still_open

    def settle(self, entry: Entry) -> OrderOutcome:
        """The order's outcome as the broker's records tell it now. Never raises for an unreadable broker: then the
        order simply stays what it was."""
        self.catch_up()
        try:
            found = self._find(entry)
            if found is None:
                self._give_up_if_due(entry)
        except TradeloomError as error:
            _log.warning("order %s could not be reconciled: %s", entry.intent.client_order_id, error.message)
            found = None
        if found is not None and found != entry.result:
            return self.record(found)
        return self._stored(entry)

    def record(self, outcome: OrderOutcome) -> OrderOutcome:
        """Writes an outcome down. What happened is told even when the disk takes no more; it is written as soon as the
        disk does, and after a crash before that the row is settled from the broker's records."""
        self.catch_up()
        order_id = outcome.client_order_id
        self._unwritten.pop(order_id, None)
        try:
            return self._journal.settle(outcome)
        except StorageUnavailable as error:
            self._unwritten[order_id] = outcome
            _log.error("order %s is %s but: %s", order_id, outcome.status, error.message)
            return outcome

    def note_connection(self, *, connected: bool) -> None:
        """To be told now and then whether the terminal has its trade server: what came before a gap counts no more."""
        if not connected:
            self._connected_since = None
        elif self._connected_since is None:
            self._connected_since = self._wall()

    def catch_up(self) -> None:
        """Writes down what the journal could not take before; to be called now and then."""
        try:
            for order_id in list(self._unwritten):
                entry = self._journal.entry(order_id)
                if entry is not None and entry.state in UNSETTLED:
                    self._journal.settle(self._unwritten[order_id])
                del self._unwritten[order_id]
        except StorageUnavailable as error:
            _log.warning("%d outcomes are still to be written down: %s", len(self._unwritten), error.message)

    def _find(self, entry: Entry) -> OrderOutcome | None:
        if entry.request is None or entry.sent_at is None:
            return None
        accepted = entry.result.order if entry.result is not None else None
        now = self._clock.now()
        return self._records.find(entry.intent, entry.request, entry.attempts, entry.sent_at, now, accepted)

    def _give_up_if_due(self, entry: Entry) -> None:
        if entry.state is OrderState.SENT:
            self._journal.settle(unknown_outcome(entry, "sent; the broker's records do not show it yet"))
            return
        if entry.state not in (OrderState.UNKNOWN, OrderState.FENCED):
            return
        self.note_connection(connected=self._records.connected())
        now, since = self._wall(), self._connected_since
        # History may lag behind a new connection just as it does behind an order.
        if since is None or (now - since).total_seconds() < self._horizon_s:
            return
        if entry.state is OrderState.UNKNOWN and (now - entry.updated_at).total_seconds() < self._horizon_s:
            return
        order_id = entry.intent.client_order_id
        self._journal.fence(order_id)
        # Once more behind the fence: what was on its way when we last looked has arrived by now, or never will.
        found = self._find(entry)
        if found is not None:
            self._journal.settle(found)
        elif self._real_money():
            self._journal.park(order_id)
        else:
            message = "not found at the broker; nothing will be sent under this id"
            self._journal.settle(
                OrderOutcome(
                    client_order_id=order_id,
                    status=OutcomeStatus.NOT_SENT,
                    message=message,
                    resend_until=entry.intent.deadline,
                )
            )

    def _stored(self, entry: Entry) -> OrderOutcome:
        """The row's outcome as it is now, whatever changed it."""
        now = self._journal.entry(entry.intent.client_order_id) or entry
        return now.outcome() or unknown_outcome(entry, "the outcome is not known yet")


def unknown_outcome(entry: Entry, message: str) -> OrderOutcome:
    return OrderOutcome(client_order_id=entry.intent.client_order_id, status=OutcomeStatus.UNKNOWN, message=message)
