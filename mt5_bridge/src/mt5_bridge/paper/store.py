"""The broker's books on disk: `paper.db`, one SQLite file in the terminal's directory.

Every change happens inside `transaction()`, which leaves no trace when it fails, and is on the disk when it returns
(`synchronous=FULL`; the clock's position excepted). The file belongs to one process at a time: a second terminal on it
is refused, and a killed one lets go of it with its death.
"""

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import fields
from decimal import Decimal
from pathlib import Path
from typing import Any, get_type_hints

from mt5_bridge.paper.errors import TerminalStateError
from mt5_bridge.paper.records import Deal, Order, Position

STATE_FILE = "paper.db"
IN_MEMORY = Path(":memory:")
"""SQLite's name for a database that is in no file."""

_SCHEMA_VERSION = "1"

Record = Position | Order | Deal

_INDEXES = (
    "CREATE INDEX IF NOT EXISTS orders_done ON orders (login, time_done_msc)",
    "CREATE INDEX IF NOT EXISTS orders_position ON orders (login, position_id)",
    "CREATE INDEX IF NOT EXISTS deals_time ON deals (login, time_msc)",
    "CREATE INDEX IF NOT EXISTS deals_order ON deals (login, order_ticket)",
    "CREATE INDEX IF NOT EXISTS deals_position ON deals (login, position_id)",
)


class Table[R: Record]:
    """Maps a record type to its table: decimals and unsigned numbers are stored as text, exactly."""

    def __init__(self, record: type[R]) -> None:
        hints = get_type_hints(record)
        self._record: Callable[..., R] = record
        self._columns = [f.name for f in fields(record)]
        self._read = [hints[name] for name in self._columns]
        self._as_text = [hints[f.name] is Decimal or "sql" in f.metadata for f in fields(record)]
        self.name = record.table
        specs = ", ".join(
            f"{name} {'TEXT' if kind is str or text else 'INTEGER'} NOT NULL"
            for name, kind, text in zip(self._columns, self._read, self._as_text, strict=True)
        )
        marks = ", ".join("?" * len(self._columns))
        self.create = f"CREATE TABLE IF NOT EXISTS {self.name} ({specs}, PRIMARY KEY (login, ticket))"
        self.upsert = f"INSERT OR REPLACE INTO {self.name} VALUES ({marks})"  # noqa: S608
        self.select = f"SELECT {', '.join(self._columns)} FROM {self.name} WHERE "  # noqa: S608
        self.count = f"SELECT COUNT(*) FROM {self.name} WHERE "  # noqa: S608

    def row(self, record: R) -> list[Any]:
        values = (getattr(record, name) for name in self._columns)
        return [str(value) if text else value for value, text in zip(values, self._as_text, strict=True)]

    def load(self, row: tuple[Any, ...]) -> R:
        return self._record(*(kind(value) for kind, value in zip(self._read, row, strict=True)))


POSITIONS = Table(Position)
ORDERS = Table(Order)
DEALS = Table(Deal)
_TABLES: dict[type[Record], Table[Any]] = {Position: POSITIONS, Order: ORDERS, Deal: DEALS}


class Store:
    """Raises `TerminalStateError` when the file cannot be opened, is damaged, full or held by another process."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._db = sqlite3.connect(path, timeout=0.0, isolation_level=None, check_same_thread=False)
            try:
                self._prepare()
            except BaseException:
                self._db.close()
                raise
        except sqlite3.Error as error:
            hint = "Another process may run this terminal; a damaged file must be restored from a copy or moved away."
            raise TerminalStateError(f"{path}: {error}", hint=hint) from error

    def _prepare(self) -> None:
        for pragma in ("locking_mode=EXCLUSIVE", "journal_mode=WAL", "synchronous=FULL", "quick_check(1)"):
            answer = self._db.execute(f"PRAGMA {pragma}").fetchone()
        if answer[0] != "ok":
            raise sqlite3.DatabaseError(f"damaged: {answer[0]}")
        with self.transaction():
            self._db.execute("CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL)")
            self._db.execute("CREATE TABLE IF NOT EXISTS accounts (login INTEGER PRIMARY KEY, balance TEXT NOT NULL)")
            for table in _TABLES.values():
                self._db.execute(table.create)
            for index in _INDEXES:
                self._db.execute(index)
            version = self.meta("schema")
            if version not in (None, _SCHEMA_VERSION):
                raise TerminalStateError(f"{self.path} was written by another version (schema {version})")
            self.put_meta("schema", _SCHEMA_VERSION)

    @contextmanager
    def transaction(self, *, durable: bool = True) -> Iterator[None]:
        """All or nothing; nested use joins the outer one. Raises `TerminalStateError` if it cannot be committed.

        What is not `durable` survives a kill but perhaps not a power cut (until the next durable one): it costs no
        wait for the disk, which a replay that steps from event to event could not bear for its clock.
        """
        if self._db.in_transaction:
            yield
            return
        try:
            self._db.execute(f"PRAGMA synchronous={'FULL' if durable else 'NORMAL'}")
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._db.execute("COMMIT")
            except BaseException:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise
        except sqlite3.Error as error:
            raise TerminalStateError(f"{self.path}: {error}") from error

    @property
    def changes(self) -> int:
        """Rows written so far: tells whether anything was."""
        return self._db.total_changes

    def close(self) -> None:
        self._db.close()

    def meta(self, key: str) -> str | None:
        row = self._run("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
        return None if row is None else str(row[0])

    def put_meta(self, key: str, value: str) -> None:
        self._run("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, value))

    def balance(self, login: int) -> Decimal | None:
        row = self._run("SELECT balance FROM accounts WHERE login = ?", (login,)).fetchone()
        return None if row is None else Decimal(row[0])

    def put_balance(self, login: int, balance: Decimal) -> None:
        self._run("INSERT OR REPLACE INTO accounts VALUES (?, ?)", (login, str(balance)))

    def put(self, record: Record) -> None:
        table = _TABLES[type(record)]
        self._run(table.upsert, table.row(record))

    def delete_position(self, position: Position) -> None:
        self._run("DELETE FROM positions WHERE login = ? AND ticket = ?", (position.login, position.ticket))

    def select[R: Record](self, table: Table[R], where: str, *values: int) -> list[R]:
        """Records where a condition (our own text, never a user's) holds, by ticket."""
        rows = self._run(f"{table.select}{where} ORDER BY ticket", values).fetchall()
        return [table.load(row) for row in rows]

    def count(self, table: Table[Any], where: str, *values: int) -> int:
        return int(self._run(table.count + where, values).fetchone()[0])

    def _run(self, sql: str, values: Sequence[Any] = ()) -> sqlite3.Cursor:
        try:
            return self._db.execute(sql, values)
        except sqlite3.Error as error:
            raise TerminalStateError(f"{self.path}: {error}") from error
