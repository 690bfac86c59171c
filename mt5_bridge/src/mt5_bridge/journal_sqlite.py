"""The order journal's store in SQLite: one file per account, WAL with `synchronous=FULL`."""

import json
import sqlite3
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, Final

from pydantic import TypeAdapter

from mt5_bridge.journal_file import JournalFile
from mt5_bridge.journal_store import AccountRecord, Entry, JournalReader, JournalWriter, OrderState, SentOrder
from tradeloom.trading.intents import OrderIntent, OrderOutcome, content_digest
from tradeloom.trading.risk import AccountState

# ruff: noqa: S608 (what is put into statements are our own column names and question marks)

_INTENTS: TypeAdapter[OrderIntent] = TypeAdapter(OrderIntent)
_ENTRY: Final = "intent, state, attempts, sent_at, request, outcome, updated_at"


class SqliteJournalStore(JournalFile):
    """The journal's file. Its front and its worker have it open at once, each in its own process."""

    @contextmanager
    def reading(self) -> Iterator[JournalReader]:
        with self._guarded() as db:
            yield _Rows(db)

    @contextmanager
    def transaction(self) -> Iterator[JournalWriter]:
        with self._transaction() as db:
            yield _Rows(db)


class _Rows:
    """The tables, behind one connection that its caller guards."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def order(self, order_id: str) -> Entry | None:
        row = self._db.execute(f"SELECT {_ENTRY} FROM orders WHERE client_order_id = ?", (order_id,)).fetchone()
        return None if row is None else _entry(*row)

    def owner_of_magic(self, magic: int) -> str | None:
        row = self._db.execute("SELECT client_order_id FROM orders WHERE magic = ?", (magic,)).fetchone()
        return None if row is None else str(row[0])

    def orders_in(self, states: Collection[OrderState], *, besides_kind: str | None = None) -> list[str]:
        rows = self._db.execute(
            f"SELECT client_order_id FROM orders WHERE state IN ({_marks(states)})"
            " AND (? IS NULL OR json_extract(intent, '$.kind') IS NOT ?) ORDER BY rowid",
            (*states, besides_kind, besides_kind),
        )
        return [row[0] for row in rows]

    def count(self, states: Collection[OrderState], *, besides_kind: str | None = None) -> int:
        query = f"SELECT COUNT(*) FROM orders WHERE state IN ({_marks(states)})"
        if besides_kind is None:  # the index alone answers
            row = self._db.execute(query, tuple(states)).fetchone()
        else:
            query += " AND json_extract(intent, '$.kind') IS NOT ?"
            row = self._db.execute(query, (*states, besides_kind)).fetchone()
        return int(row[0])

    def sent_since(self, since: datetime, kinds: Collection[str]) -> list[SentOrder]:
        rows = self._db.execute(
            "SELECT client_order_id, json_extract(intent, '$.workflow_id'), json_extract(intent, '$.symbol'),"
            " json_extract(intent, '$.side'), sent_at FROM orders WHERE sent_at >= ?"
            f" AND json_extract(intent, '$.kind') IN ({_marks(kinds)}) ORDER BY sent_at",
            (since.astimezone(UTC).isoformat(), *kinds),
        )
        return [
            SentOrder(order_id, workflow_id, symbol, side, datetime.fromisoformat(sent_at))
            for order_id, workflow_id, symbol, side, sent_at in rows
        ]

    def workflows(self, magics: Iterable[int]) -> dict[int, str]:
        wanted = tuple(set(magics))
        rows = self._db.execute(
            f"SELECT magic, json_extract(intent, '$.workflow_id') FROM orders WHERE magic IN ({_marks(wanted)})",
            wanted,
        )
        return dict(rows.fetchall())

    def log_of(self, order_id: str) -> list[tuple[str, dict[str, Any]]]:
        rows = self._db.execute("SELECT what, detail FROM log WHERE client_order_id = ? ORDER BY id", (order_id,))
        return [(what, json.loads(detail)) for what, detail in rows]

    def account(self) -> AccountRecord | None:
        row = self._db.execute("SELECT state, reason, by, changed_at, limits FROM account").fetchone()
        if row is None:
            return None
        state, reason, by, changed_at, limits = row
        return AccountRecord(AccountState(state), reason, by, datetime.fromisoformat(changed_at), json.loads(limits))

    def fact(self, key: str) -> Any:
        row = self._db.execute("SELECT value FROM facts WHERE key = ?", (key,)).fetchone()
        return None if row is None else json.loads(row[0])

    def facts(self, prefix: str) -> dict[str, Any]:
        rows = self._db.execute(
            "SELECT key, value FROM facts WHERE substr(key, 1, ?) = ? ORDER BY key", (len(prefix), prefix)
        )
        return {key: json.loads(value) for key, value in rows}

    def insert(self, entry: Entry) -> None:
        self._db.execute(
            "INSERT INTO orders (client_order_id, magic, digest, intent, state, attempts, sent_at, request, outcome,"
            " updated_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (entry.intent.client_order_id, entry.intent.magic, *_decision(entry.intent), *_progress(entry)),
        )

    def update(self, entry: Entry) -> None:
        self._db.execute(
            "UPDATE orders SET state = ?, attempts = ?, sent_at = ?, request = ?, outcome = ?, updated_at = ?"
            " WHERE client_order_id = ?",
            (*_progress(entry), entry.intent.client_order_id),
        )

    def decide_anew(self, intent: OrderIntent, at: datetime) -> None:
        self._db.execute(
            "UPDATE orders SET digest = ?, intent = ?, updated_at = ? WHERE client_order_id = ?",
            (*_decision(intent), at.isoformat(), intent.client_order_id),
        )

    def log(self, order_id: str | None, at: datetime, what: str, detail: Mapping[str, Any]) -> None:
        self._db.execute(
            "INSERT INTO log (client_order_id, at, what, detail) VALUES (?, ?, ?, ?)",
            (order_id, at.isoformat(), what, json.dumps(detail)),
        )

    def put_account(self, record: AccountRecord) -> None:
        self._db.execute(
            "INSERT OR REPLACE INTO account (id, state, reason, by, changed_at, limits) VALUES (1, ?, ?, ?, ?, ?)",
            (record.state, record.reason, record.by, record.changed_at.isoformat(), json.dumps(record.limits)),
        )

    def put_fact(self, key: str, value: Any, at: datetime) -> None:
        if value is None:
            self._db.execute("DELETE FROM facts WHERE key = ?", (key,))
        else:
            self._db.execute(
                "INSERT OR REPLACE INTO facts (key, value, updated_at) VALUES (?, ?, ?)",
                (key, json.dumps(value), at.isoformat()),
            )


def _marks(values: Collection[Any]) -> str:
    return ", ".join("?" * len(values))


def _decision(intent: OrderIntent) -> tuple[str, str]:
    return content_digest(intent), _INTENTS.dump_json(intent).decode()


def _progress(entry: Entry) -> tuple[Any, ...]:
    return (
        entry.state,
        entry.attempts,
        # In UTC, so that the texts sort as the moments do.
        None if entry.sent_at is None else entry.sent_at.astimezone(UTC).isoformat(),
        None if entry.request is None else json.dumps(entry.request),
        None if entry.result is None else entry.result.model_dump_json(),
        entry.updated_at.isoformat(),
    )


def _entry(
    intent: str, state: str, attempts: int, sent_at: str | None, request: str | None, outcome: str | None, at: str
) -> Entry:
    try:
        return Entry(
            intent=_INTENTS.validate_json(intent),
            state=OrderState(state),
            attempts=attempts,
            sent_at=None if sent_at is None else datetime.fromisoformat(sent_at),
            request=None if request is None else json.loads(request),
            result=None if outcome is None else OrderOutcome.model_validate_json(outcome),
            updated_at=datetime.fromisoformat(at),
        )
    except ValueError as error:  # nothing we wrote: as good as a damaged page
        raise sqlite3.DatabaseError("an order's row cannot be read") from error
