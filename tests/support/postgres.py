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

TABLES = (
    "credentials",
    "orders",
    "trades",
    "notifications",
    "logs",
    "node_runs",
    "executions",
    "schedule_fires",
    "schedule_faults",
    "quota_starts",
    "quota_usage",
    "workflow_versions",
    "workflows",
    "variables",
    "variable_writes",
    "tenant_databases",
    "expectations",
)


class _Shared:
    """One server for a process, however many conftests bring the fixture: pytest counts each import as another."""

    def __init__(self) -> None:
        self._users = 0
        self._server: PostgresServer | None = None
        self.dsn = ""

    def take(self) -> str:
        self._users += 1
        if self._server is None:
            directory = Path(tempfile.mkdtemp(prefix="tl-pg-"))  # short: a socket's path has at most 107 characters
            self._server = PostgresServer(directory, url="")
            self.dsn = self._server.start()
        return self.dsn

    def give_back(self) -> None:
        self._users -= 1
        if self._users == 0 and self._server is not None:
            self._server.stop()
            shutil.rmtree(self._server.directory, ignore_errors=True)
            self._server = None


_shared = _Shared()


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
    name = f"tests_{uuid.uuid4().hex}"
    with psycopg.connect(postgres_server, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    dsn = make_conninfo(postgres_server, dbname=name)
    migrate(dsn)
    return dsn


@pytest.fixture
def postgres_dsn(postgres_database: str) -> str:
    """The DSN of a migrated database without rows."""
    with psycopg.connect(postgres_database) as connection:
        for table in TABLES:
            connection.execute(sql.SQL("DELETE FROM {}").format(sql.Identifier(table)))
    return postgres_database
