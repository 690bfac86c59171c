"""The order journal: what was sent under which client order id, and what came of it. It is the authority.

One SQLite file per account, WAL with `synchronous=FULL`: what a method wrote is on the disk when it returns. The
account's worker writes orders; the front reads them, and writes the account's state (so that a halt works while the
worker hangs). States of an order::

    NEW ──► SENT ──► DONE | PARTIAL | PLACED | REJECTED
     │       ├─────► RETRYABLE            (nothing left this machine: may be tried again under the same id)
     │       └─────► UNKNOWN ──► DONE | PARTIAL | PLACED | REJECTED        (found at the broker)
     │                   └─────► FENCED ──► NOT_SENT | MANUAL  (not found: never sent again under this id)
     └─────────────► REJECTED             (refused before sending)

NEW and RETRYABLE are the only states an order is sent from, SENT is on the disk before the broker hears of it, and a
SENT found at start is UNKNOWN.
"""

import json
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from pydantic import TypeAdapter

from mt5_bridge.journal_file import JournalFile
from tradeloom.errors import Conflict, StorageUnavailable
from tradeloom.trading.intents import OrderIntent, OrderOutcome, OutcomeStatus, content_digest
from tradeloom.trading.methods import AccountStatus
from tradeloom.trading.risk import AccountState, RiskLimits, next_state


class OrderState(StrEnum):
    NEW = "new"
    SENT = "sent"
    DONE = "done"
    PARTIAL = "partial"
    PLACED = "placed"
    REJECTED = "rejected"
    RETRYABLE = "retryable"
    UNKNOWN = "unknown"
    FENCED = "fenced"
    NOT_SENT = "not_sent"
    MANUAL = "manual"


SENDABLE = frozenset({OrderState.NEW, OrderState.RETRYABLE})
UNSETTLED = frozenset({OrderState.SENT, OrderState.UNKNOWN, OrderState.FENCED, OrderState.MANUAL, OrderState.PLACED})
"""States in which the broker may still have news."""

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
_UNTOLD = {
    OrderState.SENT: "sent; no answer is known yet",
    OrderState.MANUAL: "not found at the broker: a person must look there and decide",
}
_INTENTS: TypeAdapter[OrderIntent] = TypeAdapter(OrderIntent)


@dataclass(frozen=True, slots=True)
class Entry:
    """One order's row. `attempts` counts transmissions; `sent_at` is market time (UTC) of the last one; `request` is
    what was handed to the terminal; `updated_at` is wall time."""

    intent: OrderIntent
    state: OrderState
    attempts: int
    sent_at: datetime | None
    request: dict[str, Any] | None
    result: OrderOutcome | None
    updated_at: datetime

    def outcome(self) -> OrderOutcome | None:
        """What may be told of it; None while nothing has been sent under the id."""
        if self.state in SENDABLE:
            return None
        if self.result is not None:
            return self.result
        return OrderOutcome(
            client_order_id=self.intent.client_order_id,
            status=OutcomeStatus.UNKNOWN,
            message=_UNTOLD.get(self.state, "the outcome is not known yet"),
        )


class Journal(JournalFile):
    """An open journal. Every method raises `StorageUnavailable` when the file cannot be read or written."""

    # Orders

    def claim(self, intent: OrderIntent) -> Entry:
        """The row of the intent's id, made (NEW) if there was none.

        A node that runs again, after a retry or a crash, may decide on other numbers: the market has moved. While
        nothing has been sent, the newer decision takes the older one's place; after that the row stays as it is.
        Raises `Conflict` when the id, or the magic number derived from it, belongs to another node's run.
        """
        digest = content_digest(intent)
        with self._transaction() as db:
            known = _read(db, intent.client_order_id)
            if known is None:
                if db.execute("SELECT 1 FROM orders WHERE magic = ?", (intent.magic,)).fetchone():
                    raise Conflict("another order already has this order's magic number", field="client_order_id")
                db.execute(
                    "INSERT INTO orders (client_order_id, magic, digest, intent, state, updated_at) "
                    "VALUES (?, ?, ?, ?, ?, ?)",
                    (intent.client_order_id, intent.magic, digest, _dump(intent), OrderState.NEW, self._now()),
                )
                self._log(db, intent.client_order_id, OrderState.NEW, {"intent": intent.model_dump(mode="json")})
            elif known.intent.origin != intent.origin:
                raise Conflict("this client order id was already used for a different order", field="client_order_id")
            elif known.state in SENDABLE and content_digest(known.intent) != digest:
                db.execute(
                    "UPDATE orders SET digest = ?, intent = ?, updated_at = ? WHERE client_order_id = ?",
                    (digest, _dump(intent), self._now(), intent.client_order_id),
                )
                self._log(db, intent.client_order_id, known.state, {"intent": intent.model_dump(mode="json")})
            entry = _read(db, intent.client_order_id)
        if entry is None:
            raise StorageUnavailable("the journal lost a row it had just written")
        return entry

    def sending(self, order_id: str, request: dict[str, Any], market_time: datetime) -> None:
        """Marks the order SENT, on the disk, before the broker hears of it."""
        with self._transaction() as db:
            db.execute(
                "UPDATE orders SET state = ?, attempts = attempts + 1, request = ?, sent_at = ?, outcome = NULL, "
                "updated_at = ? WHERE client_order_id = ?",
                (OrderState.SENT, json.dumps(request), market_time.isoformat(), self._now(), order_id),
            )
            self._log(db, order_id, OrderState.SENT, {"request": request})

    def note(self, order_id: str, what: str, detail: dict[str, Any]) -> None:
        """Adds to the order's log without changing its state: an answer that led to another attempt, say."""
        with self._transaction() as db:
            self._log(db, order_id, what, detail)

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
        with self._guarded() as db:
            return _read(db, order_id)

    def unsettled(self) -> list[str]:
        """Ids of the orders the broker may still have news of, oldest first."""
        marks = ", ".join("?" * len(UNSETTLED))
        with self._guarded() as db:
            rows = db.execute(
                f"SELECT client_order_id FROM orders WHERE state IN ({marks}) ORDER BY rowid",  # noqa: S608
                tuple(UNSETTLED),
            )
            return [row[0] for row in rows]

    def undecided(self) -> int:
        """How many orders nobody knows the fate of; pending orders at rest are not among them."""
        marks = ", ".join("?" * len(UNSETTLED))
        with self._guarded() as db:
            found: int = db.execute(
                f"SELECT COUNT(*) FROM orders WHERE state IN ({marks}) "  # noqa: S608
                "AND NOT (state = ? AND json_extract(intent, '$.kind') = 'pending')",
                (*UNSETTLED, OrderState.PLACED),
            ).fetchone()[0]
        return found

    def recover(self) -> int:
        """To be called once when the worker starts: what was SENT by a process that is gone is UNKNOWN. Counts them."""
        with self._transaction() as db:
            ids = [
                row[0] for row in db.execute("SELECT client_order_id FROM orders WHERE state = ?", (OrderState.SENT,))
            ]
            for order_id in ids:
                db.execute(
                    "UPDATE orders SET state = ?, updated_at = ? WHERE client_order_id = ?",
                    (OrderState.UNKNOWN, self._now(), order_id),
                )
                self._log(
                    db, order_id, OrderState.UNKNOWN, {"why": "the bridge stopped before the answer was recorded"}
                )
        return len(ids)

    def history(self, order_id: str) -> list[tuple[str, dict[str, Any]]]:
        """The order's log, oldest first, as (what, detail)."""
        with self._guarded() as db:
            rows = db.execute("SELECT what, detail FROM log WHERE client_order_id = ? ORDER BY id", (order_id,))
            return [(what, json.loads(detail)) for what, detail in rows]

    def workflows(self, magics: Iterable[int]) -> dict[int, str]:
        """The workflow behind each magic number that is ours."""
        wanted = tuple(set(magics))
        marks = ", ".join("?" * len(wanted))
        with self._guarded() as db:
            rows = db.execute(
                f"SELECT magic, json_extract(intent, '$.workflow_id') FROM orders WHERE magic IN ({marks})",  # noqa: S608
                wanted,
            )
            return dict(rows.fetchall())

    # The account

    def status(self) -> AccountStatus:
        """Raises `StorageUnavailable` too when limits were never set."""
        with self._guarded() as db:
            row = db.execute("SELECT state, reason, by, changed_at, limits FROM account").fetchone()
        if row is None:
            raise StorageUnavailable("the account's limits are not set")
        state, reason, by, changed_at, limits = row
        return AccountStatus(
            state=AccountState(state),
            reason=reason,
            by=by,
            changed_at=datetime.fromisoformat(changed_at),
            limits=RiskLimits.model_validate_json(limits),
        )

    def set_limits(self, limits: RiskLimits) -> None:
        """Puts the configured limits in force. A new account begins ACTIVE; an old one keeps its state."""
        text = limits.model_dump_json()
        with self._transaction() as db:
            row = db.execute("SELECT limits FROM account").fetchone()
            if row is None:
                db.execute(
                    "INSERT INTO account (id, state, reason, by, changed_at, limits) VALUES (1, ?, ?, ?, ?, ?)",
                    (AccountState.ACTIVE, "first start", "bridge", self._now(), text),
                )
            elif row[0] != text:
                db.execute("UPDATE account SET limits = ?", (text,))
            if row is None or row[0] != text:
                self._log(db, None, "limits", json.loads(text))

    def set_state(self, wanted: AccountState, *, reason: str, by: str, clear: bool) -> AccountStatus:
        """Raises `Conflict` when the change would loosen the state without `clear`."""
        with self._transaction() as db:
            row = db.execute("SELECT state FROM account").fetchone()
            if row is None:
                raise StorageUnavailable("the account's limits are not set")
            state = next_state(AccountState(row[0]), wanted, clear=clear)
            db.execute(
                "UPDATE account SET state = ?, reason = ?, by = ?, changed_at = ?", (state, reason, by, self._now())
            )
            self._log(db, None, f"state {state}", {"reason": reason, "by": by, "clear": clear})
        return self.status()

    def _change(self, order_id: str, state: OrderState, outcome: OrderOutcome | None, detail: dict[str, Any]) -> None:
        told = None if outcome is None else outcome.model_dump_json()
        with self._transaction() as db:
            db.execute(
                "UPDATE orders SET state = ?, outcome = ?, updated_at = ? WHERE client_order_id = ?",
                (state, told, self._now(), order_id),
            )
            self._log(db, order_id, state, detail | ({} if told is None else {"outcome": json.loads(told)}))

    def _log(self, db: sqlite3.Connection, order_id: str | None, what: str, detail: dict[str, Any]) -> None:
        db.execute(
            "INSERT INTO log (client_order_id, at, what, detail) VALUES (?, ?, ?, ?)",
            (order_id, self._now(), what, json.dumps(detail)),
        )


def _read(db: sqlite3.Connection, order_id: str) -> Entry | None:
    row = db.execute(
        "SELECT intent, state, attempts, sent_at, request, outcome, updated_at FROM orders WHERE client_order_id = ?",
        (order_id,),
    ).fetchone()
    if row is None:
        return None
    intent, state, attempts, sent_at, request, outcome, updated_at = row
    return Entry(
        intent=_INTENTS.validate_json(intent),
        state=OrderState(state),
        attempts=attempts,
        sent_at=None if sent_at is None else datetime.fromisoformat(sent_at),
        request=None if request is None else json.loads(request),
        result=None if outcome is None else OrderOutcome.model_validate_json(outcome),
        updated_at=datetime.fromisoformat(updated_at),
    )


def _dump(intent: OrderIntent) -> str:
    return _INTENTS.dump_json(intent).decode()
