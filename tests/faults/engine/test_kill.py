"""kill -9: of the engine in the middle of executions, of its workers, of the database."""

import asyncio
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest

from tests.faults.engine.process import ACTS, names, strategy
from tests.support.local_engine import function, local_engine, run_info, worker_settings
from tests.unit.engine.machines import machine, task
from tradeloom.engine.engine import StartRequest
from tradeloom.engine.errors import JournalRefused
from tradeloom.errors import StorageUnavailable
from tradeloom.storage.postgres.database import Database
from tradeloom.storage.postgres.journal import PostgresJournal
from tradeloom.storage.postgres.migrations import migrate
from tradeloom.storage.postgres.server import PostgresServer

ROOT = Path(__file__).parents[3]


class World:
    """What the executions' effects left behind."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory / "world"
        (self.directory / "acts").mkdir(parents=True)

    @property
    def acts(self) -> set[str]:
        return {path.name for path in (self.directory / "acts").iterdir()}

    @property
    def calls(self) -> list[str]:
        path = self.directory / "calls"
        return path.read_text().split() if path.exists() else []


def start_process(dsn: str, directory: Path, count: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.faults.engine.process", dsn, str(directory), str(count)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)


def read_line(process: subprocess.Popen[str]) -> list[str]:
    assert process.stdout is not None
    return process.stdout.readline().split()


def finish(process: subprocess.Popen[str], patience_s: float) -> None:
    assert process.stdout is not None
    process.wait(patience_s)
    assert "done" in process.stdout.read()
    process.stdout.close()


@pytest.mark.parametrize("seed", [1, 2])
def test_an_engine_killed_again_and_again_finishes_with_each_effect_once(
    postgres_dsn: str, tmp_path: Path, seed: int
) -> None:
    world, count, kills, chance = World(tmp_path), 12, 6, random.Random(seed)
    for _ in range(kills):
        process = start_process(postgres_dsn, tmp_path, count)
        first, *pids = read_line(process)
        assert first == "pids"
        time.sleep(chance.uniform(0.02, 0.5))
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()
        assert_gone([int(pid) for pid in pids])
    last = start_process(postgres_dsn, tmp_path, count)
    finish(last, 60)

    with psycopg.connect(postgres_dsn) as connection:
        rows = connection.execute("SELECT id, status, output::text FROM executions").fetchall()
        doubled = connection.execute(
            "SELECT execution_id, path FROM node_runs GROUP BY 1, 2 HAVING count(*) > 1"
        ).fetchall()
        open_runs = connection.execute("SELECT count(*) FROM node_runs WHERE status <> 'SUCCEEDED'").fetchone()
    assert sorted(name for name, _, _ in rows) == sorted(names(count))
    assert {status for _, status, _ in rows} == {"SUCCEEDED"}
    assert len(world.acts) == count * ACTS, "no effect lost, none made up"
    assert set(world.calls) == world.acts
    assert max(world.calls.count(act) for act in world.acts) <= kills + 1
    assert doubled == []
    assert open_runs == (0,)


def assert_gone(pids: list[int]) -> None:
    """Workers die with their engine."""
    give_up = time.monotonic() + 60
    while time.monotonic() < give_up:
        left = [pid for pid in pids if psutil.pid_exists(pid) and psutil.Process(pid).status() != "zombie"]
        if not left:
            return
        time.sleep(0.01)
    raise AssertionError(f"workers {left} outlived their engine")


def test_workers_killed_at_random_cost_no_effect(postgres_dsn: str, tmp_path: Path) -> None:
    world, chance = World(tmp_path), random.Random(7)
    retry = [{"ErrorEquals": ["Runtime.ExitError"], "IntervalSeconds": 1, "BackoffRate": 1, "MaxAttempts": 30}]
    chain = [f"A{number}-a{number}" for number in range(6)]
    states = {
        name: task(
            function("act"),
            {"node": name, "world": str(world.directory), "s": 0.02, "key": "{% $states.context.Execution.Name %}"},
            Retry=retry,
            Next=following,
        )
        for name, following in zip(chain, [*chain[1:], "E"], strict=True)
    }
    definition = machine({**states, "E": {"Type": "Succeed"}})

    async def body() -> None:
        settings = worker_settings(blob_directory=tmp_path, least=2, most=4)
        async with local_engine(postgres_dsn, tmp_path, settings=settings) as local:
            for number in range(8):
                await local.engine.start(StartRequest(run=run_info(f"e{number}"), definition=definition))
            for _ in range(6):
                await asyncio.sleep(chance.uniform(0.05, 0.2))
                if local.workers.pids:
                    os.kill(chance.choice(local.workers.pids), signal.SIGKILL)
            rows = await asyncio.gather(*[local.engine.result(f"e{number}") for number in range(8)])
            assert {row.status for row in rows} == {"SUCCEEDED"}
            for row in rows:
                runs = await local.journal.node_runs("local", row.id)
                done = [run for run in runs if run.status == "SUCCEEDED"]
                assert sorted(run.path for run in done) == chain

    asyncio.run(body())


@pytest.fixture
def own_server() -> Any:
    """A PostgreSQL server that a test may kill."""
    with tempfile.TemporaryDirectory(prefix="tl-kill-") as directory:
        server = PostgresServer(Path(directory), url="")
        dsn = server.start()
        migrate(dsn)
        yield server, dsn
        server.stop()


def test_a_database_killed_in_the_middle_is_waited_for(own_server: Any, tmp_path: Path) -> None:
    server, dsn = own_server
    world, count = World(tmp_path), 6

    async def body() -> None:
        settings = worker_settings(blob_directory=tmp_path)
        async with local_engine(dsn, tmp_path, settings=settings) as local:
            definition = strategy(world.directory)
            for name in names(count):
                await local.engine.start(StartRequest(run=run_info(name), definition=definition))
            await asyncio.sleep(0.1)
            os.kill(server._server.get_pid(), signal.SIGKILL)
            await quiet(world)
            assert len(world.calls) < count * ACTS, "nothing acts while the journal cannot write"
            await asyncio.to_thread(restart, server)
            async with asyncio.timeout(90):
                rows = await asyncio.gather(*[local.engine.result(name) for name in names(count)])
            assert {row.status for row in rows} <= {"SUCCEEDED", "FAILED"}
            for row in rows:
                if row.status == "FAILED":
                    assert row.error
                    assert row.error["name"] == "StorageUnavailable"
            succeeded = sum(row.status == "SUCCEEDED" for row in rows)
            assert len(world.acts) >= succeeded * ACTS
            assert len(world.calls) == len(world.acts)

    asyncio.run(body())


async def quiet(world: World, for_s: float = 1.0) -> None:
    """What was allowed to act before may still be under way."""
    async with asyncio.timeout(60):
        before = -1
        while before != (before := len(world.calls)):
            await asyncio.sleep(for_s)


def restart(server: PostgresServer) -> None:
    give_up = time.monotonic() + 60
    while True:
        try:
            server.start()
            return
        except StorageUnavailable:  # the killed server's children let go of its memory a moment later
            if time.monotonic() > give_up:
                raise
            time.sleep(0.2)


def test_a_full_disk_refuses_before_acting_and_is_recovered_from(
    postgres_dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PostgreSQL's own words for a full disk, at the moment the journal writes."""
    world = World(tmp_path)
    definition = machine(
        {"A": task(function("act"), {"node": "a", "world": str(world.directory)}, Next="E"), "E": {"Type": "Succeed"}}
    )
    full = False
    real = PostgresJournal._commit

    async def commit(self: PostgresJournal, batch: Any) -> set[str]:
        if full:
            from tradeloom.storage.postgres.database import unavailable

            raise unavailable(psycopg.errors.DiskFull("could not extend file: No space left on device"))
        return await real(self, batch)

    monkeypatch.setattr(PostgresJournal, "_commit", commit)

    async def body() -> None:
        nonlocal full
        async with local_engine(postgres_dsn, tmp_path) as local:
            local.journal._commits._patience_s = 0.5
            await local.engine.start(StartRequest(run=run_info("before"), definition=definition))
            await local.engine.result("before")
            full = True
            with pytest.raises(JournalRefused, match="not started"):
                await local.engine.start(StartRequest(run=run_info("during"), definition=definition))
            assert len(world.acts) == 1
            full = False
            await local.engine.start(StartRequest(run=run_info("after"), definition=definition))
            assert (await local.engine.result("after")).status == "SUCCEEDED"
            assert await local.journal.execution("local", "during") is None
            assert len(world.acts) == 2

    asyncio.run(body())


def test_a_killed_engines_executions_go_to_another_that_runs(postgres_dsn: str, tmp_path: Path) -> None:
    world = World(tmp_path)
    doomed = start_process(postgres_dsn, tmp_path, 4)
    assert read_line(doomed)[0] == "pids"

    async def body() -> None:
        async with local_engine(postgres_dsn, tmp_path) as local:
            assert await local.engine.resume() == []
            database = Database(postgres_dsn)
            await database.open()
            async with asyncio.timeout(60):
                while len(await database.all("SELECT 1 FROM executions")) < 4:
                    await asyncio.sleep(0.01)
            await database.close()
            os.kill(doomed.pid, signal.SIGKILL)
            async with asyncio.timeout(60):
                while not local.engine.running:
                    await asyncio.sleep(0.02)
                rows = await asyncio.gather(*[local.engine.result(name) for name in names(4)])
            assert {row.status for row in rows} == {"SUCCEEDED"}

    asyncio.run(body())
    doomed.wait()
    assert doomed.stdout is not None
    doomed.stdout.close()
    assert len(world.acts) == 4 * ACTS
