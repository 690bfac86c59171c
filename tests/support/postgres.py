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
def postgres_template(postgres_server: str) -> str:
    """The name of a migrated database that others are copied from."""
    with psycopg.connect(postgres_server, autocommit=True) as connection:
        connection.execute("CREATE DATABASE migrated")
    migrate(make_conninfo(postgres_server, dbname="migrated"))
    return "migrated"


@pytest.fixture
def postgres_dsn(postgres_server: str, postgres_template: str) -> Iterator[str]:
    """The DSN of a new, empty, migrated database."""
    name = f"t_{uuid.uuid4().hex}"
    with psycopg.connect(postgres_server, autocommit=True) as connection:
        connection.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY").format(
                sql.Identifier(name), sql.Identifier(postgres_template)
            )
        )
        yield make_conninfo(postgres_server, dbname=name)
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))
