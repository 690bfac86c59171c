"""The schema goes forward and back, once, whoever starts it."""

from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from tests.contract.storage.conftest import postgres_server
from tradeloom.errors import StorageUnavailable
from tradeloom.storage.postgres.migrations import migrate, migrations

__all__ = ["postgres_server"]

TABLES = {
    "credentials",
    "executions",
    "kill_wishes",
    "logs",
    "node_runs",
    "notifications",
    "orders",
    "schedule_fires",
    "schema_migrations",
    "tenant_databases",
    "trades",
    "variables",
    "variable_writes",
    "workflow_versions",
    "workflows",
}


@pytest.fixture
def empty(postgres_server: str, request: pytest.FixtureRequest) -> str:
    name = f"empty_{abs(hash(request.node.name))}"
    with psycopg.connect(postgres_server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    return make_conninfo(postgres_server, dbname=name)


def tables(dsn: str) -> set[str]:
    with psycopg.connect(dsn) as connection:
        rows = connection.execute("SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'")
        return {row[0] for row in rows}


def test_forward_and_back_and_forward(empty: str) -> None:
    numbers = [migration.number for migration in migrations()]
    assert numbers == list(range(1, len(numbers) + 1))
    assert migrate(empty) == numbers
    assert tables(empty) == TABLES
    assert migrate(empty) == []
    assert migrate(empty, 0) == numbers[::-1]
    assert tables(empty) == {"schema_migrations"}
    assert migrate(empty) == numbers


def test_processes_that_start_together_migrate_once(empty: str) -> None:
    with ThreadPoolExecutor(8) as threads:
        done = list(threads.map(lambda _: migrate(empty), range(8)))
    assert sorted(map(len, done)) == [0] * 7 + [len(migrations())]


def test_a_newer_database_is_refused(empty: str) -> None:
    migrate(empty)
    with psycopg.connect(empty) as connection:
        connection.execute("INSERT INTO schema_migrations (number, name, checksum) VALUES (9999, 'x', 'y')")
    with pytest.raises(StorageUnavailable, match="newer release"):
        migrate(empty)


def test_a_changed_migration_is_refused(empty: str) -> None:
    migrate(empty)
    with psycopg.connect(empty) as connection:
        connection.execute("UPDATE schema_migrations SET checksum = 'other' WHERE number = 1")
    with pytest.raises(StorageUnavailable, match="not the one"):
        migrate(empty)
