"""The account's flattens, beside the order journal: what was asked for, and how far each thing on the account has come.

The front writes what is asked, the worker what became of it. What was sent stands in the order journal under the id of
the try, so a line here that is one try behind, after a crash, is made up from there.
"""

import sqlite3
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, Literal

from mt5_bridge.journal_file import JournalFile
from tradeloom.errors import Conflict
from tradeloom.trading.flattening import MOST_TOLD, FlattenReport, FlattenStatus, Remaining
from tradeloom.trading.intents import Side


class ItemState(StrEnum):
    """OPEN is on the account. DONE went by one of our orders, LEFT by itself: a stop, a fill, a person."""

    OPEN = "open"
    DONE = "done"
    LEFT = "left"


_STATUSES = ", ".join(f"'{status}'" for status in FlattenStatus)
_STATES = ", ".join(f"'{state}'" for state in ItemState)
_SCHEMA = (
    f"""CREATE TABLE IF NOT EXISTS flattens (
        flatten_id TEXT PRIMARY KEY,
        status TEXT NOT NULL CHECK (status IN ({_STATUSES})),
        reason TEXT NOT NULL,
        by TEXT NOT NULL,
        requested_at TEXT NOT NULL,
        finished_at TEXT,
        looked INTEGER NOT NULL DEFAULT 0,
        trouble TEXT
    )""",
    f"""CREATE TABLE IF NOT EXISTS flatten_items (
        flatten_id TEXT NOT NULL,
        kind TEXT NOT NULL CHECK (kind IN ('position', 'order')),
        ticket INTEGER NOT NULL,
        symbol TEXT NOT NULL,
        side TEXT NOT NULL,
        volume TEXT NOT NULL,
        attempt INTEGER NOT NULL,
        state TEXT NOT NULL CHECK (state IN ({_STATES})),
        trouble TEXT,
        PRIMARY KEY (flatten_id, kind, ticket)
    )""",
)
_ITEM = "kind, ticket, symbol, side, volume, attempt, state, trouble"
_HEAD = "flatten_id, status, reason, by, requested_at, finished_at, looked, trouble"


@dataclass(frozen=True, slots=True)
class Item:
    """A position or pending order a flatten has met. `attempt` numbers the try that is under way or next."""

    kind: Literal["position", "order"]
    ticket: int
    symbol: str
    side: Side
    volume: Decimal
    attempt: int = 0
    state: ItemState = ItemState.OPEN
    trouble: str | None = None

    @property
    def key(self) -> tuple[str, int]:
        return self.kind, self.ticket

    def told(self, **changes: Any) -> "Item":
        return replace(self, **changes)


class FlattenStore(JournalFile):
    """An open file of flattens. Every method raises `StorageUnavailable` when it cannot be read or written."""

    schema = _SCHEMA
    schema_version = 1
    application_id = 0x544C464C  # "TLFL"
    what = "flattens' file"
    while_damaged = "nothing is closed by a flatten until it is restored; close positions at the broker"
    while_unusable = "the flatten did not go on"
    _version = 0

    def request(self, flatten_id: str, *, reason: str, by: str) -> FlattenReport:
        """The flatten with this id, RUNNING when it is new; another one that was running is REPLACED by it."""
        with self._transaction() as db:
            known = _report(db, "flatten_id = ?", flatten_id)
            if known is not None:
                return known
            now = self._now()
            db.execute(
                "UPDATE flattens SET status = ?, finished_at = ? WHERE status = ?",
                (FlattenStatus.REPLACED, now, FlattenStatus.RUNNING),
            )
            db.execute(
                "INSERT INTO flattens (flatten_id, status, reason, by, requested_at) VALUES (?, ?, ?, ?, ?)",
                (flatten_id, FlattenStatus.RUNNING, reason, by, now),
            )
            made = _report(db, "flatten_id = ?", flatten_id)
        if made is None:
            raise Conflict("the flatten was lost right after it was written", field="flatten_id")
        return made

    def find(self, flatten_id: str) -> FlattenReport | None:
        with self._guarded() as db:
            return _report(db, "flatten_id = ?", flatten_id)

    def running(self) -> FlattenReport | None:
        with self._guarded() as db:
            return _report(db, "status = ?", FlattenStatus.RUNNING)

    def latest(self) -> FlattenReport | None:
        with self._guarded() as db:
            return _report(db, "rowid = (SELECT MAX(rowid) FROM flattens)")

    def end(self, status: FlattenStatus, *, flatten_id: str | None = None, trouble: str | None = None) -> None:
        """The one that is running, if any, and if it is the one meant, runs no longer."""
        with self._transaction() as db:
            db.execute(
                "UPDATE flattens SET status = ?, finished_at = ?, trouble = ? "
                "WHERE status = ? AND flatten_id = COALESCE(?, flatten_id)",
                (status, self._now(), trouble, FlattenStatus.RUNNING, flatten_id),
            )

    def tell(self, flatten_id: str, *, looked: bool, trouble: str | None) -> None:
        """`looked`: the account has been looked at, so what is left is known."""
        with self._transaction() as db:
            db.execute(
                "UPDATE flattens SET looked = looked OR ?, trouble = ? WHERE flatten_id = ?",
                (looked, trouble, flatten_id),
            )

    def changed(self) -> bool:
        """Whether another process has written since this was last asked."""
        with self._guarded() as db:
            version = int(db.execute("PRAGMA data_version").fetchone()[0])
        told, self._version = self._version, version
        return version != told

    def items(self, flatten_id: str) -> list[Item]:
        """Everything a flatten has met, in the order it met it."""
        with self._guarded() as db:
            rows = db.execute(
                f"SELECT {_ITEM} FROM flatten_items WHERE flatten_id = ? ORDER BY rowid",  # noqa: S608
                (flatten_id,),
            ).fetchall()
        return [_item(*row) for row in rows]

    def put(self, flatten_id: str, item: Item) -> None:
        columns = (item.kind, item.ticket, item.symbol, item.side, str(item.volume), item.attempt, item.state)
        with self._transaction() as db:
            db.execute(
                f"INSERT INTO flatten_items (flatten_id, {_ITEM}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) "  # noqa: S608
                "ON CONFLICT (flatten_id, kind, ticket) DO UPDATE SET volume = excluded.volume, side = excluded.side, "
                "attempt = excluded.attempt, state = excluded.state, trouble = excluded.trouble",
                (flatten_id, *columns, item.trouble),
            )


def _item(
    kind: Any, ticket: int, symbol: str, side: str, volume: str, attempt: int, state: str, trouble: str | None
) -> Item:
    return Item(kind, ticket, symbol, Side(side), Decimal(volume), attempt, ItemState(state), trouble)


def _report(db: sqlite3.Connection, where: str, *values: Any) -> FlattenReport | None:
    """The flatten where a condition (our own text) holds, with what became of everything it met."""
    row = db.execute(f"SELECT {_HEAD} FROM flattens WHERE {where}", values).fetchone()  # noqa: S608
    if row is None:
        return None
    flatten_id, status, reason, by, requested_at, finished_at, looked, trouble = row
    counted = {
        (kind, state): int(count)
        for kind, state, count in db.execute(
            "SELECT kind, state, COUNT(*) FROM flatten_items WHERE flatten_id = ? GROUP BY kind, state", (flatten_id,)
        )
    }
    open_ones = db.execute(
        f"SELECT {_ITEM} FROM flatten_items WHERE flatten_id = ? AND state = ? ORDER BY rowid LIMIT ?",  # noqa: S608
        (flatten_id, ItemState.OPEN, MOST_TOLD),
    ).fetchall()
    left = sum(count for (_, state), count in counted.items() if state == ItemState.OPEN)
    return FlattenReport(
        flatten_id=flatten_id,
        status=FlattenStatus(status),
        reason=reason,
        by=by,
        requested_at=datetime.fromisoformat(requested_at),
        finished_at=None if finished_at is None else datetime.fromisoformat(finished_at),
        closed=counted.get(("position", ItemState.DONE), 0),
        cancelled=counted.get(("order", ItemState.DONE), 0),
        left=left if looked else None,
        remaining=tuple(_remaining(_item(*row)) for row in open_ones),
        trouble=trouble,
    )


def _remaining(item: Item) -> Remaining:
    return Remaining(
        kind=item.kind, ticket=item.ticket, symbol=item.symbol, side=item.side, volume=item.volume, trouble=item.trouble
    )
