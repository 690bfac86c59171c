"""The schema, as numbered SQL files: `NNNN_name.up.sql` forward, `NNNN_name.down.sql` back."""

import hashlib
import re
from dataclasses import dataclass
from importlib.resources import files
from typing import Final

import psycopg

from tradeloom.errors import StorageUnavailable

_NAME: Final = re.compile(r"(\d{4})_([a-z0-9_]+)\.up\.sql")
_LOCK: Final = 7_233_401
"""Key of the advisory lock under which one process at a time migrates."""


@dataclass(frozen=True, slots=True)
class Migration:
    number: int
    name: str
    up: str
    down: str

    @property
    def checksum(self) -> str:
        return hashlib.sha256(self.up.encode()).hexdigest()


def migrations() -> list[Migration]:
    """All of them, in order."""
    folder = files(__name__)
    found = []
    for file in folder.iterdir():
        match = _NAME.fullmatch(file.name)
        if match:
            down = folder / file.name.replace(".up.", ".down.")
            found.append(Migration(int(match[1]), match[2], file.read_text("utf-8"), down.read_text("utf-8")))
    return sorted(found, key=lambda migration: migration.number)


def migrate(dsn: str, target: int | None = None) -> list[int]:
    """Bring the schema to `target` (the newest when None), forward or back; the numbers applied or undone.

    Raises `StorageUnavailable` when the database was migrated by a newer release, or by other files of these names.
    """
    known = {migration.number: migration for migration in migrations()}
    wanted = max(known) if target is None else target
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("SELECT pg_advisory_lock(%s)", [_LOCK])
        connection.execute(
            "CREATE TABLE IF NOT EXISTS schema_migrations (number integer PRIMARY KEY, name text NOT NULL,"
            " checksum text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())"
        )
        rows = connection.execute("SELECT number, checksum FROM schema_migrations ORDER BY number").fetchall()
        _check(dict(rows), known)
        applied = {number for number, _ in rows}
        forward = [number for number in sorted(known) if number <= wanted and number not in applied]
        back = [number for number in sorted(applied, reverse=True) if number > wanted]
        for number in forward:
            _apply(connection, known[number])
        for number in back:
            _undo(connection, known[number])
    return forward + back


def _check(applied: dict[int, str], known: dict[int, Migration]) -> None:
    for number, checksum in applied.items():
        if number not in known:
            raise StorageUnavailable(
                f"The database was migrated to {number} by a newer release.", hint="Install that release, or restore."
            )
        if known[number].checksum != checksum:
            raise StorageUnavailable(f"Migration {number} of this release is not the one the database was made with.")


def _apply(connection: psycopg.Connection, migration: Migration) -> None:
    with connection.transaction():
        connection.execute(migration.up)
        connection.execute(
            "INSERT INTO schema_migrations (number, name, checksum) VALUES (%s, %s, %s)",
            [migration.number, migration.name, migration.checksum],
        )


def _undo(connection: psycopg.Connection, migration: Migration) -> None:
    with connection.transaction():
        connection.execute(migration.down)
        connection.execute("DELETE FROM schema_migrations WHERE number = %s", [migration.number])
