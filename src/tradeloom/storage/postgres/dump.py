"""A whole database as one file and back, by PostgreSQL's own tools, as they come with the packaged server."""

import os
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from tradeloom.errors import Conflict, StorageUnavailable
from tradeloom.storage.postgres.server import tools

SWEEPING: Final = 7_233_404
"""Key of the advisory lock that a backup shares and a clean-up of blobs holds alone: what a dump names stays."""
_WAIT_S: Final = 60


@dataclass(frozen=True, slots=True)
class Dumped:
    """What a dump holds. `rows` counts by `schema.table`; `roles` are the tenants' logins, which no dump contains."""

    server_version: str
    rows: Mapping[str, int]
    roles: tuple[Mapping[str, str], ...]


@contextmanager
def dumping(dsn: str, file: Path) -> Iterator[Dumped]:
    """Dump the database as it is at one moment, beside whatever uses it. While the context is open no blob is cleaned
    up. Raises `StorageUnavailable`."""
    with _told(), psycopg.connect(dsn) as connection:
        connection.execute(f"SET LOCAL lock_timeout = '{_WAIT_S}s'")
        connection.execute("SELECT pg_advisory_lock_shared(%s)", [SWEEPING])
        connection.commit()
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        connection.read_only = True
        snapshot = _one(connection, "SELECT pg_export_snapshot()")
        version = str(_one(connection, "SHOW server_version"))
        dumped = Dumped(version, count_rows(connection), _roles(connection))
        _run("pg_dump", dsn, "--format=custom", f"--snapshot={snapshot}", f"--file={file}")
        connection.commit()
        yield dumped


def restore_dump(dsn: str, file: Path) -> None:
    """Into a database without tables of ours; all or nothing. Raises `Conflict`, `StorageUnavailable`."""
    require_empty(dsn)
    _run("pg_restore", dsn, "--exit-on-error", "--single-transaction", str(file))


def require_empty(dsn: str) -> None:
    """Raises `Conflict` when the database has tables, whose ever they are."""
    with _told(), psycopg.connect(dsn, autocommit=True) as connection:
        found = _tables(connection)
    if found:
        raise Conflict(
            f"The database that is to be restored into has {len(found)} tables already, such as {found[0][1]}.",
            field="DATABASE_URL",
            hint="Name an empty database. Nothing was changed.",
        )


def count_rows(connection: psycopg.Connection[Any]) -> dict[str, int]:
    """By `schema.table`, ours and the tenants' own."""
    count = sql.SQL("SELECT count(*) FROM {}")
    return {
        f"{schema}.{table}": int(_one(connection, count.format(sql.Identifier(schema, table))))
        for schema, table in _tables(connection)
    }


def _tables(connection: psycopg.Connection[Any]) -> list[tuple[str, str]]:
    return connection.execute(
        "SELECT schemaname, tablename FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
        " ORDER BY 1, 2"
    ).fetchall()


def _roles(connection: psycopg.Connection[Any]) -> tuple[Mapping[str, str], ...]:
    if _one(connection, "SELECT to_regclass('tenant_databases')") is None:
        return ()
    rows = connection.execute("SELECT role, password FROM tenant_databases ORDER BY role").fetchall()
    return tuple({"role": role, "password": password} for role, password in rows)


def _one(connection: psycopg.Connection[Any], query: Any) -> Any:
    row = connection.execute(query).fetchone()
    return row[0] if row else None


def _run(tool: str, dsn: str, *arguments: str) -> None:
    """A password goes by the environment: command lines can be read by others."""
    parts = {key: str(value) for key, value in conninfo_to_dict(dsn).items() if value is not None}
    password = parts.pop("password", None)
    environment = {**os.environ, **({"PGPASSWORD": password} if password is not None else {})}
    command = [str(tools() / tool), "--no-password", f"--dbname={make_conninfo(**parts)}", *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode != 0:
        lines = [line for line in done.stderr.strip().splitlines() if "error" in line] or done.stderr.splitlines()
        raise StorageUnavailable(
            f"{tool} failed: {lines[0] if lines else f'exit code {done.returncode}'}",
            hint=f"{tool} is PostgreSQL {tools().parent.name.removeprefix('pginstall') or '16'}'s; a newer server's "
            "database is dumped by that server's own tools. Is the disk full?",
        )


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except psycopg.Error as error:
        first = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise StorageUnavailable(f"The database cannot be read: {first}") from error
