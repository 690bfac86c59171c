"""The schema goes forward and back, once, whoever starts it."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from importlib.resources import files

import psycopg
import pytest
from alembic.script import ScriptDirectory
from psycopg.conninfo import make_conninfo

from tests.contract.storage.conftest import postgres_server
from tradeloom.errors import StorageUnavailable
from tradeloom.storage.postgres.migrations import applied_migrations, migrate, migrations

__all__ = ["postgres_server"]

TABLES = {
    "alembic_version",
    "credentials",
    "execution_retries",
    "executions",
    "expectations",
    "kill_wishes",
    "logs",
    "node_runs",
    "notifications",
    "orders",
    "pins",
    "quota_starts",
    "quota_usage",
    "schedule_faults",
    "schedule_fires",
    "schema_migrations",
    "tenant_databases",
    "trades",
    "variable_writes",
    "variables",
    "workflow_drafts",
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
    assert numbers[0] == 1
    assert migrate(empty) == numbers
    assert tables(empty) == TABLES
    assert migrate(empty) == []
    assert migrate(empty, 0) == numbers[::-1]
    assert tables(empty) == {"alembic_version", "schema_migrations"}
    assert migrate(empty) == numbers


def test_revisions_form_one_line_and_each_has_its_sql() -> None:
    script = ScriptDirectory(str(files("tradeloom.storage.postgres.migrations")))
    assert script.get_heads() == [migrations()[-1].revision]
    line = [revision.revision for revision in script.walk_revisions()]
    assert line[::-1] == [migration.revision for migration in migrations()]


def test_each_step_goes_back_alone(empty: str) -> None:
    """What a revision's way back leaves is what was there before it."""
    numbers = [migration.number for migration in migrations()]
    shapes = []
    for number in numbers:
        shapes.append(shape(empty))
        assert migrate(empty, number) == [number]
    for number, before in zip(reversed(numbers), [*reversed(numbers[:-1]), 0], strict=True):
        assert migrate(empty, before) == [number]
        assert shape(empty) == shapes.pop()


@pytest.mark.parametrize("stands", [0, 4, 7])
def test_a_database_of_the_releases_before_alembic_is_adopted(empty: str, stands: int) -> None:
    made_without_alembic(empty, stands)
    with psycopg.connect(empty) as connection:
        if stands:
            connection.execute("INSERT INTO workflows VALUES ('t', 'w', 'n', '', 'v', NULL, now(), now())")
    rest = [migration.number for migration in migrations() if migration.number > stands]
    assert migrate(empty) == rest
    assert tables(empty) == TABLES
    assert [each.number for each in applied_migrations(empty)] == [migration.number for migration in migrations()]
    with psycopg.connect(empty) as connection:
        assert connection.execute("SELECT count(*) FROM workflows").fetchone() == (1 if stands else 0,)
    assert migrate(empty, 0) == [migration.number for migration in migrations()][::-1]


def test_a_database_that_is_up_to_date_is_adopted(empty: str) -> None:
    made_without_alembic(empty, len(migrations()))
    assert migrate(empty) == []
    with psycopg.connect(empty) as connection:
        assert connection.execute("SELECT version_num FROM alembic_version").fetchone() == (migrations()[-1].revision,)


def test_a_migration_that_fails_keeps_those_before_it(empty: str) -> None:
    with psycopg.connect(empty) as connection:
        connection.execute("CREATE TABLE credentials (mine integer)")
    with pytest.raises(StorageUnavailable, match=r"from migration 0 to .*credentials") as caught:
        migrate(empty)
    assert caught.value.hint
    assert [each.number for each in applied_migrations(empty)] == [1, 2]
    with psycopg.connect(empty) as connection:
        connection.execute("DROP TABLE credentials")
    assert migrate(empty)[0] == 3


def test_nothing_is_imported_where_nothing_is_to_do(empty: str) -> None:
    migrate(empty)
    code = (
        "import sys; from tradeloom.storage.postgres.migrations import migrate;"
        f"assert migrate({empty!r}) == [];"
        "assert not {'alembic', 'sqlalchemy'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_an_unknown_target_is_refused(empty: str) -> None:
    with pytest.raises(StorageUnavailable, match="no migration 4711"):
        migrate(empty, 4711)
    assert tables(empty) == set()


def test_tables_that_contradict_each_other_are_refused(empty: str) -> None:
    migrate(empty)
    with psycopg.connect(empty) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '0002'")
    with pytest.raises(StorageUnavailable, match="stands at 2"):
        migrate(empty)


def made_without_alembic(dsn: str, stands: int) -> None:
    """As the runner of the first releases did it."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(
            "CREATE TABLE schema_migrations (number integer PRIMARY KEY, name text NOT NULL,"
            " checksum text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())"
        )
        for migration in migrations()[:stands]:
            connection.execute(migration.up)
            connection.execute(
                "INSERT INTO schema_migrations (number, name, checksum) VALUES (%s, %s, %s)",
                [migration.number, migration.name, migration.checksum],
            )


def shape(dsn: str) -> list[tuple[str, ...]]:
    """Every column, index, constraint and sequence of the schema."""
    with psycopg.connect(dsn) as connection:
        rows = connection.execute(
            "SELECT 'column', table_name, column_name, data_type || is_nullable || coalesce(column_default, '')"
            " FROM information_schema.columns WHERE table_schema = 'public'"
            " UNION ALL SELECT 'index', tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'"
            " UNION ALL SELECT 'constraint', conrelid::regclass::text, conname, pg_get_constraintdef(oid)"
            " FROM pg_constraint WHERE connamespace = 'public'::regnamespace"
            " UNION ALL SELECT 'sequence', sequencename, '', '' FROM pg_sequences WHERE schemaname = 'public'"
        ).fetchall()
    return sorted(row for row in rows if row[1] not in {"alembic_version", "schema_migrations"})


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
