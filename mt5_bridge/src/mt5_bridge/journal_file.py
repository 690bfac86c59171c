"""A file of the account's: opened, checked, guarded. What a transaction wrote is on the disk when it ends."""

import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import ClassVar

from mt5_bridge.schema import APPLICATION_ID, SCHEMA, SCHEMA_VERSION
from tradeloom.errors import StorageUnavailable

_BUSY_S = 5.0


def _wall_clock() -> datetime:
    return datetime.now(UTC)


class JournalFile:
    """One SQLite file in WAL mode with `synchronous=FULL`, safe for threads and for several processes.

    Raises `StorageUnavailable` for a file that cannot be opened, is damaged, or was written by a newer bridge.
    `clock` gives wall time, for what is written beside each change. The class attributes are the order journal's.
    """

    schema: ClassVar[tuple[str, ...]] = SCHEMA
    schema_version: ClassVar[int] = SCHEMA_VERSION
    application_id: ClassVar[int] = APPLICATION_ID
    what: ClassVar[str] = "order journal"
    while_damaged: ClassVar[str] = "nothing is sent until it is restored"
    while_unusable: ClassVar[str] = "nothing was sent"

    def __init__(self, path: Path, clock: Callable[[], datetime] = _wall_clock) -> None:
        self.path = path
        self._clock = clock
        self._lock = threading.Lock()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=_BUSY_S)
        except (OSError, sqlite3.Error) as error:
            raise self._unusable(error) from error
        try:
            self._prepare()
        except BaseException:
            self._db.close()
            raise

    def close(self) -> None:
        with self._lock:
            self._db.close()

    def _prepare(self) -> None:
        with self._guarded() as db:
            db.execute("PRAGMA journal_mode = WAL")
            db.execute("PRAGMA synchronous = FULL")
            version = db.execute("PRAGMA user_version").fetchone()[0]
            if version > self.schema_version:
                raise StorageUnavailable(f"{self.path} was written by a newer bridge (schema {version})")
            trouble = db.execute("PRAGMA quick_check(1)").fetchone()[0]
            if trouble != "ok":
                raise sqlite3.DatabaseError(trouble)
        if version < self.schema_version:
            with self._transaction() as db:
                for statement in self.schema:
                    db.execute(statement)
                db.execute(f"PRAGMA user_version = {self.schema_version}")
                db.execute(f"PRAGMA application_id = {self.application_id}")

    @contextmanager
    def _guarded(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            try:
                yield self._db
            except (sqlite3.Error, OSError) as error:
                raise self._unusable(error) from error

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._guarded() as db:
            db.execute("BEGIN IMMEDIATE")
            try:
                yield db
                db.execute("COMMIT")
            except BaseException:
                if db.in_transaction:
                    db.execute("ROLLBACK")
                raise

    def _unusable(self, error: Exception) -> StorageUnavailable:
        text = str(error)
        if isinstance(error, sqlite3.DatabaseError) and not isinstance(error, sqlite3.OperationalError):
            return StorageUnavailable(
                f"the {self.what} {self.path} is damaged ({text}); {self.while_damaged}",
                hint="stop the bridge, keep the file, check open orders at the broker, then restore the last backup",
            )
        return StorageUnavailable(f"the {self.what} {self.path} cannot be used ({text}); {self.while_unusable}")

    def _now(self) -> str:
        return self._clock().isoformat()
