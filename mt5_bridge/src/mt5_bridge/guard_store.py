"""The account's guards, beside the order journal: which are set, how far each has come, what kept it from acting.

The worker writes, the front reads. What was sent for a guard stands in the order journal under the id of its step, so
a line here that is one step behind, after a crash, is made up from there.
"""

import json
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from mt5_bridge.journal_file import JournalFile
from tradeloom.errors import Conflict, NotFound
from tradeloom.trading.guards import Guard, GuardKind, GuardMemory, GuardReport, GuardStatus, Trailing, step_order_id

_ONE_A_POSITION = frozenset({GuardKind.TRAILING, GuardKind.BREAK_EVEN})
"""Two stops on one position make no sense; two parts closed at different profits do."""
MOST_LISTED = 1_000
MOST_ACTIVE = 500
"""More than any account's positions need: each is looked at several times a second."""

_STATUSES = ", ".join(f"'{status}'" for status in GuardStatus)
_SCHEMA = (
    f"""CREATE TABLE IF NOT EXISTS guards (
        guard_id TEXT PRIMARY KEY,
        position INTEGER NOT NULL,
        symbol TEXT NOT NULL,
        kind TEXT NOT NULL,
        status TEXT NOT NULL CHECK (status IN ({_STATUSES})),
        sender TEXT NOT NULL,
        step INTEGER NOT NULL,
        report TEXT NOT NULL,
        updated_at TEXT NOT NULL
    )""",
    "CREATE INDEX IF NOT EXISTS guards_status ON guards (status)",
    "CREATE INDEX IF NOT EXISTS guards_position ON guards (position)",
    """CREATE TABLE IF NOT EXISTS guard_log (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        guard_id TEXT NOT NULL,
        at TEXT NOT NULL,
        what TEXT NOT NULL,
        detail TEXT NOT NULL
    )""",
    "CREATE INDEX IF NOT EXISTS guard_log_guard ON guard_log (guard_id)",
)


@dataclass(frozen=True, slots=True)
class Record:
    """A guard's row. `step` numbers what it does at the broker; `sender` is the execution that set it first, in whose
    name all its steps are sent: one order id has one origin."""

    report: GuardReport
    step: int
    sender: str

    @property
    def guard(self) -> Guard:
        return self.report.guard

    @property
    def guard_id(self) -> str:
        return self.report.guard.guard_id

    @property
    def is_active(self) -> bool:
        return self.report.status is GuardStatus.ACTIVE

    @property
    def step_id(self) -> str:
        return step_order_id(self.guard_id, self.step)

    def told(self, *, step: int | None = None, **changes: Any) -> "Record":
        """With some of the report's fields, and perhaps the step, changed."""
        report = self.report.model_copy(update=changes)
        return replace(self, report=report, step=self.step if step is None else step)


class GuardStore(JournalFile):
    """An open file of guards. Every method raises `StorageUnavailable` when it cannot be read or written."""

    schema = _SCHEMA
    schema_version = 1
    application_id = 0x544C4755  # "TLGU"
    what = "guards' file"
    while_damaged = "no guard is watched until it is restored"
    while_unusable = "the guard was not changed"

    def set(self, guard: Guard, market_time: datetime) -> Record:
        """The guard's row, active unless it had ended before and this is no new wish; see `_once_set`.

        Another trailing stop, or break-even, on the position is REPLACED. Raises `Conflict` for an id that belongs to
        another position, node or kind, and when there are `MOST_ACTIVE` already.
        """
        with self._transaction() as db:
            known = _read(db, guard.guard_id)
            record = _once_set(known, guard, market_time)
            if record == known:
                return record
            (active,) = db.execute("SELECT COUNT(*) FROM guards WHERE status = 'active'").fetchone()
            if active >= MOST_ACTIVE and (known is None or not known.is_active):
                raise Conflict(f"the account has {active} guards already", hint="take away those no longer wanted")
            if guard.kind in _ONE_A_POSITION:
                for other in _rows(db, "status = 'active' AND position = ? AND kind = ?", guard.position, guard.kind):
                    if other.guard_id != guard.guard_id:
                        reason = f"node {guard.node_id} of workflow {guard.workflow_id} set another"
                        self._write(db, other.told(status=GuardStatus.REPLACED, reason=reason), "replaced")
            self._write(db, record, "set")
        return record

    def put(self, record: Record, what: str) -> Record:
        """Records what became of a guard; `what` names it in the log."""
        with self._transaction() as db:
            self._write(db, record, what)
        return record

    def remove(self, guard_id: str) -> Record:
        """No longer watched. A guard that has ended stays as it is. Raises `NotFound`."""
        with self._transaction() as db:
            record = _read(db, guard_id)
            if record is None:
                raise NotFound(f"there is no guard {guard_id}", field="guard_id")
            if record.is_active:
                record = record.told(status=GuardStatus.REMOVED, reason="it was taken away", trouble=None)
                self._write(db, record, "removed")
        return record

    def find(self, guard_id: str) -> Record | None:
        with self._guarded() as db:
            return _read(db, guard_id)

    def active(self) -> list[Record]:
        """In the order they were set."""
        with self._guarded() as db:
            return list(_rows(db, "status = 'active'"))

    def count_active(self) -> int:
        with self._guarded() as db:
            return int(db.execute("SELECT COUNT(*) FROM guards WHERE status = 'active'").fetchone()[0])

    def listed(self, *, active_only: bool, symbol: str | None, position: int | None) -> list[GuardReport]:
        """The latest `MOST_LISTED`, oldest first."""
        conditions: list[tuple[str, Any]] = []
        if active_only:
            conditions.append(("status = ?", "active"))
        if symbol is not None:
            conditions.append(("symbol = ?", symbol))
        if position is not None:
            conditions.append(("position = ?", position))
        where = " AND ".join(condition for condition, _ in conditions) or "TRUE"
        with self._guarded() as db:
            return [record.report for record in _rows(db, where, *(value for _, value in conditions))][-MOST_LISTED:]

    def history(self, guard_id: str) -> list[str]:
        """What happened to a guard, oldest first."""
        with self._guarded() as db:
            rows = db.execute("SELECT what FROM guard_log WHERE guard_id = ? ORDER BY id", (guard_id,))
            return [row[0] for row in rows]

    def _write(self, db: sqlite3.Connection, record: Record, what: str) -> None:
        guard, report = record.guard, record.report.model_dump_json()
        where = guard.guard_id, guard.position, guard.symbol, guard.kind, record.sender
        db.execute(
            "INSERT INTO guards (guard_id, position, symbol, kind, sender, status, step, report, updated_at) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (guard_id) DO UPDATE SET status = excluded.status, "
            "step = excluded.step, report = excluded.report, updated_at = excluded.updated_at",
            (*where, record.report.status, record.step, report, self._now()),
        )
        db.execute(
            "INSERT INTO guard_log (guard_id, at, what, detail) VALUES (?, ?, ?, ?)",
            (guard.guard_id, self._now(), what, json.dumps({"step": record.step, "report": json.loads(report)})),
        )


def _once_set(known: Record | None, guard: Guard, market_time: datetime) -> Record:
    """What the row is once the guard was asked for.

    A node that runs again in its execution asks for what it has: one guard, ended ones stay ended. While it is active
    the newer numbers count, as with an order that was not sent yet. Another execution sets it anew, but a part that
    was closed is never closed a second time.
    """
    fresh = GuardReport(guard=guard, status=GuardStatus.ACTIVE, set_at=market_time)
    if known is None:
        return Record(fresh, 0, guard.execution_id)
    if _belongs(known.guard) != _belongs(guard):
        raise Conflict("this guard id was already used for another guard", field="guard.guard_id")
    same_run = known.guard.execution_id == guard.execution_id
    if known.guard == guard and (known.is_active or same_run):
        return known
    if (same_run and not known.is_active) or known.report.memory.closed:
        return known
    keeps = known.is_active and known.guard.rule == guard.rule and isinstance(guard.rule, Trailing)
    memory = known.report.memory if keeps else GuardMemory()
    return known.told(**dict(fresh) | {"memory": memory, "moves": known.report.moves})


def _belongs(guard: Guard) -> tuple[Any, ...]:
    return guard.account, guard.workflow_id, guard.node_id, guard.position, guard.symbol, guard.kind


def _read(db: sqlite3.Connection, guard_id: str) -> Record | None:
    return next(iter(_rows(db, "guard_id = ?", guard_id)), None)


def _rows(db: sqlite3.Connection, where: str, *values: Any) -> Iterable[Record]:
    """Rows where a condition (our own text, never a user's) holds, in the order they were first set."""
    rows = db.execute(f"SELECT report, step, sender FROM guards WHERE {where} ORDER BY rowid", values).fetchall()  # noqa: S608
    return [Record(GuardReport.model_validate_json(report), step, sender) for report, step, sender in rows]
