"""A PostgreSQL server for a test session, and empty databases on it."""

import shutil
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from tradeloom.storage.postgres.migrations import migrate
from tradeloom.storage.postgres.server import PostgresServer

_SCHEMAS_OWN = ["alembic_version", "schema_migrations"]
"""What says how far the schema is; every other table holds rows of tests."""


class _Shared:
    """One server for a process, however many conftests bring the fixture: pytest counts each import as another."""

    def __init__(self) -> None:
        self._users = 0
        self._server: PostgresServer | None = None
        self._template = ""
        self.dsn = ""

    def take(self) -> str:
        self._users += 1
        if self._server is None:
            directory = Path(tempfile.mkdtemp(prefix="tl-pg-"))  # short: a socket's path has at most 107 characters
            self._server = PostgresServer(directory, url="")
            self.dsn = self._server.start()
            _forgetful(self.dsn)
        return self.dsn

    def give_back(self) -> None:
        self._users -= 1
        if self._users == 0 and self._server is not None:
            self._server.stop()
            shutil.rmtree(self._server.directory, ignore_errors=True)
            self._server = None
            self._template = ""

    def template(self) -> str:
        """The name of a migrated database that nobody is connected to."""
        if not self._template:
            self._template = f"migrated_{uuid.uuid4().hex}"
            migrate(_created(self.dsn, self._template))
        return self._template


_shared = _Shared()


def _forgetful(dsn: str) -> None:
    """No test of this server cuts the power, so nothing has to be on a disk."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        for setting in ("fsync", "synchronous_commit", "full_page_writes"):
            connection.execute(sql.SQL("ALTER SYSTEM SET {} = off").format(sql.Identifier(setting)))
        connection.execute("SELECT pg_reload_conf()")


def _created(server: str, name: str, template: str = "template1") -> str:
    with psycopg.connect(server, autocommit=True) as connection:
        statement = sql.SQL("CREATE DATABASE {} TEMPLATE {}")
        connection.execute(statement.format(sql.Identifier(name), sql.Identifier(template)))
    return make_conninfo(server, dbname=name)


def new_database(server: str) -> str:
    """The DSN of a migrated database without rows that nobody else uses. `server` is the fixture `postgres_server`."""
    return _created(server, f"tests_{uuid.uuid4().hex}", _shared.template())


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The DSN of a server of this session's own."""
    try:
        yield _shared.take()
    finally:
        _shared.give_back()


@pytest.fixture(scope="session")
def postgres_database(postgres_server: str) -> str:
    """The DSN of a migrated database."""
    return new_database(postgres_server)


@pytest.fixture
def postgres_dsn(postgres_database: str) -> str:
    """The DSN of a migrated database without rows."""
    with psycopg.connect(postgres_database) as connection:
        tables = connection.execute(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> ALL(%s)", [_SCHEMAS_OWN]
        ).fetchall()
        for (table,) in tables:
            connection.execute(sql.SQL("DELETE FROM {}").format(sql.Identifier(table)))
    return postgres_database
