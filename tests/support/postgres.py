"""A PostgreSQL server for a test session, and empty databases on it."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from tradeloom.storage.postgres.migrations import migrate
from tradeloom.storage.postgres.server import PostgresServer

TABLES = (
    "notifications",
    "logs",
    "node_runs",
    "executions",
    "schedule_fires",
    "workflow_versions",
    "workflows",
)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The DSN of a server of this session's own."""
    directory = Path(tempfile.mkdtemp(prefix="tl-pg-"))  # short: a socket's path has at most 107 characters
    server = PostgresServer(directory, url="")
    try:
        yield server.start()
    finally:
        server.stop()
        shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres_database(postgres_server: str) -> str:
    """The DSN of a migrated database."""
    with psycopg.connect(postgres_server, autocommit=True) as connection:
        connection.execute("CREATE DATABASE tests")
    dsn = make_conninfo(postgres_server, dbname="tests")
    migrate(dsn)
    return dsn


@pytest.fixture
def postgres_dsn(postgres_database: str) -> str:
    """The DSN of a migrated database without rows."""
    with psycopg.connect(postgres_database) as connection:
        for table in TABLES:
            connection.execute(sql.SQL("DELETE FROM {}").format(sql.Identifier(table)))
    return postgres_database
