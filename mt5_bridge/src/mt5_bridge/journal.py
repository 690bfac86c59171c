"""The order journal: what was sent under which client order id, and what came of it. It is the authority.

Its rules are here, its rows in a store (`journal_store`; in a bridge a SQLite file per account): what a method wrote is
on the disk when it returns. The account's worker writes orders; the front reads them, and writes the account's state
(so that a halt works while the worker hangs). States of an order::

    NEW ──► SENT ──► DONE | PARTIAL | PLACED | REJECTED
     │       ├─────► RETRYABLE            (nothing left this machine: may be tried again under the same id)
     │       └─────► UNKNOWN ──► DONE | PARTIAL | PLACED | REJECTED        (found at the broker)
     │                   └─────► FENCED ──► NOT_SENT | MANUAL  (not found: never sent again under this id)
     └─────────────► REJECTED             (refused before sending)

NEW and RETRYABLE are the only states an order is sent from, SENT is on the disk before the broker hears of it, and a
SENT found at start is UNKNOWN.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from mt5_bridge import risk_facts
from mt5_bridge.journal_sqlite import SqliteJournalStore
from mt5_bridge.journal_store import (
    SENDABLE,
    UNSETTLED,
    AccountRecord,
    Entry,
    JournalReader,
    JournalStore,
    JournalWriter,
    OrderState,
    SentOrder,
)
from tradeloom.errors import Conflict, NotFound, StorageUnavailable
from tradeloom.trading.intents import OrderIntent, OrderOutcome, OutcomeStatus, asks_the_same
from tradeloom.trading.methods import AccountStatus, Throttle
from tradeloom.trading.risk import AccountState, next_state
from tradeloom.trading.risk_limits import RiskLimits, loosened

__all__ = ["SENDABLE", "UNSETTLED", "Entry", "Journal", "OrderState"]

_STATE_OF = {
    OutcomeStatus.DONE: OrderState.DONE,
    OutcomeStatus.PARTIAL: OrderState.PARTIAL,
    OutcomeStatus.PLACED: OrderState.PLACED,
    OutcomeStatus.CANCELLED: OrderState.DONE,  # it was placed, which is all the intent asked for
    OutcomeStatus.EXPIRED: OrderState.DONE,
    OutcomeStatus.REJECTED: OrderState.REJECTED,
    OutcomeStatus.UNKNOWN: OrderState.UNKNOWN,
    OutcomeStatus.NOT_SENT: OrderState.NOT_SENT,
}
_OPENING = ("market", "pending")


def _wall_clock() -> datetime:
    return datetime.now(UTC)


class Restrained(Exception):
    """What adds risk was to be marked SENT on an account that is not ACTIVE any more. Nothing was changed."""

    def __init__(self, state: AccountState) -> None:
        super().__init__(state)
        self.state = state


class Journal:
    """An open journal, over a store or the SQLite file at a path. `clock` gives wall time, for what is written beside
    each change. Every method raises `StorageUnavailable` when the store cannot be read or written."""

    def __init__(self, where: JournalStore | Path, clock: Callable[[], datetime] = _wall_clock) -> None:
        self._store = SqliteJournalStore(where) if isinstance(where, Path) else where
        self._now = clock
        self._limits: tuple[Mapping[str, Any], RiskLimits] | None = None  # as they were read last

    def close(self) -> None:
        self._store.close()

    # Orders

    def claim(self, intent: OrderIntent) -> Entry:
        """The row of the intent's id, made (NEW) if there was none.

        A node that runs again, after a retry or a crash, may decide on other numbers: the market has moved. While
        nothing has been sent, the newer decision takes the older one's place; after that the row stays as it is.
        Raises `Conflict` when the id, or the magic number derived from it, belongs to another node's run.
        """
        order_id, now = intent.client_order_id, self._now()
        with self._store.transaction() as store:
            known = store.order(order_id)
            if known is None:
                if store.owner_of_magic(intent.magic) is not None:
                    raise Conflict("another order already has this order's magic number", field="client_order_id")
                entry = Entry(intent, OrderState.NEW, 0, None, None, None, now)
                store.insert(entry)
            elif known.intent.origin != intent.origin:
                raise Conflict("this client order id was already used for a different order", field="client_order_id")
            elif known.state in SENDABLE and not asks_the_same(known.intent, intent):
                entry = known._replace(intent=intent, updated_at=now)
                store.decide_anew(intent, now)
            else:
                return known
            store.log(order_id, now, entry.state, {"intent": intent.model_dump(mode="json")})
        return entry

    def sending(
        self, order_id: str, request: dict[str, Any], market_time: datetime, *, adds_risk: bool = False
    ) -> None:
        """Marks the order SENT, on the disk, before the broker hears of it.

        Raises `Restrained` for one that adds risk to an account that was stopped since the gate looked: within one
        transaction, so that whoever is told that the account is stopped knows that nothing more is sent.
        """
        with self._store.transaction() as store:
            entry = _known(store, order_id)
            state = _set(store.account()).state if adds_risk else AccountState.ACTIVE
            if state is not AccountState.ACTIVE:
                raise Restrained(state)
            sent = entry._replace(
                state=OrderState.SENT,
                attempts=entry.attempts + 1,
                request=request,
                sent_at=market_time,
                result=None,
                updated_at=self._now(),
            )
            store.update(sent)
            store.log(order_id, sent.updated_at, OrderState.SENT, {"request": request})

    def note(self, order_id: str, what: str, detail: dict[str, Any]) -> None:
        """Adds to the order's log without changing its state: an answer that led to another attempt, say."""
        with self._store.transaction() as store:
            store.log(order_id, self._now(), what, detail)

    def settle(self, outcome: OrderOutcome, detail: dict[str, Any] | None = None) -> OrderOutcome:
        """Records the outcome and the state that follows from it; returns it."""
        self._change(outcome.client_order_id, _STATE_OF[outcome.status], outcome, detail or {})
        return outcome

    def retryable(self, order_id: str, why: str) -> None:
        """Nothing left this machine: the same id may be sent again."""
        self._change(order_id, OrderState.RETRYABLE, None, {"why": why})

    def fence(self, order_id: str) -> None:
        """Not found at the broker: from now on nothing is sent under this id, whatever arrives late."""
        self._change(order_id, OrderState.FENCED, None, {})

    def park(self, order_id: str) -> None:
        """Fenced and not found, with real money: a person decides what it was."""
        self._change(order_id, OrderState.MANUAL, None, {"why": "not found at the broker; a person must decide"})

    def entry(self, order_id: str) -> Entry | None:
        with self._store.reading() as store:
            return store.order(order_id)

    def unsettled(self) -> list[str]:
        """Ids of the orders the broker may still have news of, oldest first."""
        with self._store.reading() as store:
            return store.orders_in(UNSETTLED)

    def settled_as(self, states: frozenset[OrderState]) -> list[str]:
        """Ids of the orders in these states, oldest first."""
        with self._store.reading() as store:
            return store.orders_in(states)

    def counts(self) -> dict[OrderState, int]:
        """How many orders are in each state that has any."""
        with self._store.reading() as store:
            found = {state: store.count({state}) for state in OrderState}
        return {state: count for state, count in found.items() if count}

    def undecided(self) -> int:
        """How many orders nobody knows the fate of; pending orders at rest are not among them."""
        with self._store.reading() as store:
            return store.count(UNSETTLED - {OrderState.PLACED}) + store.count(
                {OrderState.PLACED}, besides_kind="pending"
            )

    def recover(self) -> int:
        """To be called once when the worker starts: what was SENT by a process that is gone is UNKNOWN. Counts them."""
        with self._store.transaction() as store:
            ids = store.orders_in({OrderState.SENT})
            for order_id in ids:
                entry = _known(store, order_id)._replace(state=OrderState.UNKNOWN, updated_at=self._now())
                store.update(entry)
                why = {"why": "the bridge stopped before the answer was recorded"}
                store.log(order_id, entry.updated_at, entry.state, why)
        return len(ids)

    def history(self, order_id: str) -> list[tuple[str, dict[str, Any]]]:
        """The order's log, oldest first, as (what, detail)."""
        with self._store.reading() as store:
            return store.log_of(order_id)

    def workflows(self, magics: Iterable[int]) -> dict[int, str]:
        """The workflow behind each magic number that is ours."""
        with self._store.reading() as store:
            return store.workflows(magics)

    def orders_by_magic(self, magics: Iterable[int]) -> dict[int, Entry]:
        """The order behind each magic number that is ours."""
        with self._store.reading() as store:
            owners = {magic: store.owner_of_magic(magic) for magic in set(magics)}
            found = {magic: store.order(order_id) for magic, order_id in owners.items() if order_id is not None}
        return {magic: entry for magic, entry in found.items() if entry is not None}

    def unaccounted(self) -> list[Entry]:
        """Orders that may be at the broker, or get there yet, without its lists showing them."""
        with self._store.reading() as store:
            # Pending orders that nobody asks about stay PLACED, and may be many: they are not read at all.
            found = store.orders_in(UNSETTLED - {OrderState.PLACED})
            found += store.orders_in({OrderState.PLACED}, besides_kind="pending")
            entries = [store.order(order_id) for order_id in found]
        return [
            entry
            for entry in entries
            if entry is not None and (entry.state is not OrderState.PLACED or entry.intent.kind == "market")
        ]

    def openings(self, since: datetime) -> list[SentOrder]:
        """The market and pending orders that were last transmitted at or after a market time."""
        with self._store.reading() as store:
            return store.sent_since(since, _OPENING)

    # The account

    def status(self) -> AccountStatus:
        """Raises `StorageUnavailable` too when limits were never set."""
        with self._store.reading() as store:
            return self._status(store)

    def in_force(self) -> tuple[AccountState, RiskLimits]:
        """The account's state and limits. Raises as `status` does."""
        with self._store.reading() as store:
            known = _set(store.account())
        return known.state, self._limits_of(known)

    def set_limits(self, limits: RiskLimits) -> None:
        """Puts the configured limits in force, unless they are those of before: then what was set since goes on. A new
        account begins ACTIVE; an old one keeps its state."""
        wanted, now = limits.model_dump(mode="json"), self._now()
        with self._store.transaction() as store:
            record = store.account()
            if record is None:
                store.put_account(AccountRecord(AccountState.ACTIVE, "first start", "bridge", now, wanted))
            elif store.fact(risk_facts.CONFIGURED) != wanted:
                store.put_account(replace(record, limits=wanted))
            else:
                return
            store.put_fact(risk_facts.CONFIGURED, wanted, now)
            store.log(None, now, "limits", wanted)

    def change_limits(
        self, limits: RiskLimits, *, reason: str, by: str, clear: bool, expected: RiskLimits | None = None
    ) -> AccountStatus:
        """Puts other limits in force until the configuration changes. Raises `Conflict` when they allow more than those
        of before, without `clear`, and when those of before are not the `expected` ones."""
        with self._store.transaction() as store:
            record, now = _set(store.account()), self._now()
            before = self._status(store).limits
            if expected is not None and expected != before:
                raise Conflict(
                    "somebody else changed the limits at the same time; nothing was changed now",
                    field="limits",
                    hint="Look at the limits that hold, then change them again.",
                )
            looser = loosened(before, limits)
            if looser and not clear:
                raise Conflict(
                    f"this would allow more by {', '.join(looser)}; only a person can loosen a limit",
                    field=f"limits.{looser[0]}",
                    hint="repeat the command with clear, once you know why the limit is there",
                )
            wanted = limits.model_dump(mode="json")
            store.put_account(replace(record, limits=wanted))
            store.log(None, now, "limits", {"limits": wanted, "reason": reason, "by": by, "clear": clear})
            return self._status(store)

    def throttle(self, throttle: Throttle) -> None:
        """From now on the workflow opens nothing, until `unthrottle`."""
        record = risk_facts.throttle_record(throttle)
        self.keep({risk_facts.THROTTLE + throttle.workflow_id: record}, log="throttled")

    def unthrottle(self, workflow_id: str, *, reason: str, by: str) -> AccountStatus:
        """Raises `NotFound` when the workflow is not throttled."""
        key = risk_facts.THROTTLE + workflow_id
        with self._store.transaction() as store:
            record, now = store.fact(key), self._now()
            if risk_facts.standing_throttle(record) is None:
                raise NotFound(f"the workflow {workflow_id} is not throttled", field="workflow_id")
            store.put_fact(key, record | {"cleared": True}, now)
            store.log(None, now, "unthrottled", {"workflow_id": workflow_id, "reason": reason, "by": by})
            return self._status(store)

    def set_state(self, wanted: AccountState, *, reason: str, by: str, clear: bool) -> AccountStatus:
        """Raises `Conflict` when the change would loosen the state without `clear`."""
        with self._store.transaction() as store:
            record = _set(store.account())
            state = next_state(record.state, wanted, clear=clear)
            changed = AccountRecord(state, reason, by, self._now(), record.limits)
            store.put_account(changed)
            if record.state is AccountState.HALTED and state is not AccountState.HALTED:
                store.put_fact(risk_facts.REBASE, {"by": by, "reason": reason}, changed.changed_at)
            store.log(None, changed.changed_at, f"state {state}", {"reason": reason, "by": by, "clear": clear})
            return self._status(store)

    def _status(self, store: JournalReader) -> AccountStatus:
        known = _set(store.account())
        return AccountStatus(
            state=known.state,
            reason=known.reason,
            by=known.by,
            changed_at=known.changed_at,
            limits=self._limits_of(known),
            throttled=risk_facts.standing_throttles(store.facts(risk_facts.THROTTLE)),
        )

    def _limits_of(self, record: AccountRecord) -> RiskLimits:
        if self._limits is None or self._limits[0] != record.limits:
            try:
                self._limits = record.limits, RiskLimits.model_validate(record.limits)
            except ValidationError as error:
                message = "the account's limits in the journal are another bridge's: start it anew"
                raise StorageUnavailable(message) from error
        return self._limits[1]

    # Facts: what the account's rules must remember across restarts (a day's first equity, say), as JSON by key

    def fact(self, key: str) -> Any:
        """The value kept under a key; None when there is none."""
        with self._store.reading() as store:
            return store.fact(key)

    def facts(self, prefix: str) -> dict[str, Any]:
        """All values whose key begins so, by key, sorted."""
        with self._store.reading() as store:
            return store.facts(prefix)

    def keep(self, facts: Mapping[str, Any], *, log: str | None = None) -> None:
        """Keeps JSON values by key, all or none; None takes one away. `log` also writes them into the account's log,
        under this name."""
        with self._store.transaction() as store:
            now = self._now()
            for key, value in facts.items():
                store.put_fact(key, value, now)
            if log is not None:
                store.log(None, now, log, dict(facts))

    def _change(self, order_id: str, state: OrderState, outcome: OrderOutcome | None, detail: dict[str, Any]) -> None:
        told = {} if outcome is None else {"outcome": outcome.model_dump(mode="json")}
        with self._store.transaction() as store:
            entry = _known(store, order_id)._replace(state=state, result=outcome, updated_at=self._now())
            store.update(entry)
            store.log(order_id, entry.updated_at, state, detail | told)


def _known(store: JournalWriter, order_id: str) -> Entry:
    entry = store.order(order_id)
    if entry is None:
        raise StorageUnavailable(f"the journal has no order {order_id}: it was not claimed, or its row is lost")
    return entry


def _set(record: AccountRecord | None) -> AccountRecord:
    if record is None:
        raise StorageUnavailable("the account's limits are not set")
    return record
