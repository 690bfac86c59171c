"""Brings a database's schema forward or back, under a lock, by alembic.

Two tables say where a database stands. `alembic_version` is alembic's. `schema_migrations` has a row for each revision
that is applied, with the checksum of its SQL: releases before alembic read it, and must go on refusing a
newer database. Both change in the revision's own transaction.
"""

import threading
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import psycopg

from tradeloom.errors import StorageUnavailable
from tradeloom.storage.postgres.migrations.pairs import Migration, migrations

_LOCK: Final = 7_233_401
"""Key of the advisory lock under which one process at a time migrates."""
_ONE_AT_A_TIME: Final = threading.Lock()
"""alembic's `context` and `op` are the process's, not a thread's."""
_NOTHING: Final = "base"


@dataclass(frozen=True, slots=True)
class Applied:
    """A revision a database has."""

    number: int
    name: str
    checksum: str
    applied_at: datetime


def migrate(dsn: str, target: int | None = None) -> list[int]:
    """Bring the schema to `target` (the newest when None), forward or back; the numbers applied or undone, in order.

    Raises `StorageUnavailable` when the database was migrated by a newer release, or by other files of these names.
    """
    known = {migration.number: migration for migration in migrations()}
    wanted = max(known) if target is None else target
    if wanted != 0 and wanted not in known:
        raise StorageUnavailable(
            f"There is no migration {wanted} in this release.", field="target", hint=f"The newest is {max(known)}."
        )
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("SELECT pg_advisory_lock(%s)", [_LOCK])
        connection.execute(
            "CREATE TABLE IF NOT EXISTS schema_migrations (number integer PRIMARY KEY, name text NOT NULL,"
            " checksum text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())"
        )
        applied = _applied(connection)
        check(applied, known)
        numbers = [each.number for each in applied]
        stands = numbers[-1] if numbers else 0
        stamped = _stamp(connection)
        if stamped is not None and stamped != stands:
            raise StorageUnavailable(
                f"The database says that it stands at {stamped} and that {stands} was applied last.",
                hint="Restore a backup: somebody changed its tables `alembic_version` or `schema_migrations`.",
            )
        if stands == wanted and stamped is not None:
            return []
        with _ONE_AT_A_TIME:
            _by_alembic(dsn, adopt=stands if stamped is None else None, wanted=wanted, stands=stands)
    if wanted >= stands:
        return [number for number in sorted(known) if stands < number <= wanted]
    return [number for number in reversed(numbers) if number > wanted]


def applied_migrations(dsn: str) -> list[Applied]:
    """What the database has, in order. Changes nothing; empty where it was never migrated."""
    with psycopg.connect(dsn, autocommit=True, connect_timeout=5) as connection:
        return _applied(connection) if _exists(connection, "schema_migrations") else []


def check(applied: list[Applied], known: dict[int, Migration]) -> None:
    """Raises `StorageUnavailable` when this release must not touch the database."""
    for each in applied:
        if each.number not in known:
            raise StorageUnavailable(
                f"The database was migrated to {each.number} by a newer release.",
                hint="Install that release, or restore.",
            )
        if known[each.number].checksum != each.checksum:
            raise StorageUnavailable(
                f"Migration {each.number} of this release is not the one the database was made with.",
                hint="Install the release that made it, or restore a backup.",
            )
    line = sorted(known)[: len(applied)]
    if [each.number for each in applied] != line:
        missing = min(set(line) - {each.number for each in applied})
        raise StorageUnavailable(f"Migration {missing} is missing between others that the database has.")


def _applied(connection: psycopg.Connection[Any]) -> list[Applied]:
    rows = connection.execute(
        "SELECT number, name, checksum, applied_at FROM schema_migrations ORDER BY number"
    ).fetchall()
    return [Applied(*row) for row in rows]


def _stamp(connection: psycopg.Connection[Any]) -> int | None:
    """Where alembic says the database stands, 0 at the very beginning; None for a database it has not met."""
    if not _exists(connection, "alembic_version"):
        return None
    row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    return int(row[0]) if row else 0


def _exists(connection: psycopg.Connection[Any], table: str) -> bool:
    row = connection.execute("SELECT to_regclass(%s) IS NOT NULL", [table]).fetchone()
    return bool(row and row[0])


def _by_alembic(dsn: str, *, adopt: int | None, wanted: int, stands: int) -> None:
    """`adopt` is where a database stands that releases before alembic made: nothing is run for what it has."""
    # Half a second of imports that a start without anything to migrate does not pay.
    from alembic import command
    from alembic.config import Config
    from sqlalchemy import create_engine
    from sqlalchemy.exc import DBAPIError
    from sqlalchemy.pool import NullPool

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["engine"] = create_engine(
        "postgresql+psycopg://", creator=lambda: psycopg.connect(dsn), poolclass=NullPool
    )
    try:
        if adopt is not None:
            command.stamp(config, _revision(adopt))
        if wanted > stands:
            command.upgrade(config, _revision(wanted))
        elif wanted < stands:
            command.downgrade(config, _revision(wanted))
    except DBAPIError as error:
        first = (str(error.orig).strip().splitlines() or ["no reason given"])[0]
        raise StorageUnavailable(
            f"The database cannot be brought from migration {stands} to {wanted}: {first}",
            hint="The migration that failed changed nothing, those before it are done. Remove the cause, start again.",
        ) from error


def _revision(number: int) -> str:
    return f"{number:04d}" if number else _NOTHING
