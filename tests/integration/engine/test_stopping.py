"""A stop, and a time-out, as real workers see them: who ends at once, who finishes, who is killed."""

import asyncio
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest

from tests.integration.engine.test_engine import call, start
from tests.support.local_engine import Local, local_engine
from tests.unit.engine.machines import machine
from tradeloom.engine.journal import Execution, NodeRun

GRACE_S = 30.0
"""Longer than a handler that heeds the word takes, however slow the machine."""
PATIENCE_S = 60.0


@contextmanager
def silent_server(world: Path) -> Iterator[str]:
    """Never answers. What waits for it has begun once its request is there."""

    def listen() -> None:
        with suppress(OSError), server.accept()[0] as connection:
            connection.recv(1)
            (world / "begun").touch()
            connection.recv(2**20)
            over.wait()

    over = Event()
    with socket.create_server(("127.0.0.1", 0)) as server:
        listening = Thread(target=listen, daemon=True)
        listening.start()
        try:
            yield f"127.0.0.1:{server.getsockname()[1]}"
        finally:
            over.set()


async def begun(world: Path) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not (world / "begun").exists():
            await asyncio.sleep(0.005)


def lingering(world: Path, how: str, **more: Any) -> dict[str, Any]:
    return call("linger", {"node": "a", "world": str(world), "how": how, **more})


async def stopped(local: Local, world: Path, how: str, **more: Any) -> tuple[Execution, NodeRun]:
    definition = machine({"A-a": lingering(world, how, **more)})
    await local.engine.start(start(definition, "e1"))
    await begun(world)
    await local.engine.stop("e1", "enough")
    row = await local.engine.result("e1")
    (run,) = await local.journal.node_runs("local", row.id)
    return row, run


@pytest.mark.parametrize("how", ["checks", "get"])
def test_a_handler_that_can_end_ends_at_once(postgres_dsn: str, tmp_path: Path, how: str) -> None:
    """A calculation that looks, and a wait for a server that can be asked again. The grace time is not used up, and the
    worker lives on."""

    async def body() -> None:
        with silent_server(tmp_path) as server:
            async with local_engine(postgres_dsn, tmp_path, grace_s=GRACE_S) as local:
                pids = set(local.workers.pids)
                row, run = await stopped(local, tmp_path, how, server=server, method="GET", s=600)
                assert (row.status, run.status) == ("STOPPED", "FAILED")
                assert run.error is not None
                assert run.error["name"] == "ExecutionStopped"
                assert run.duration_ms is not None
                assert run.duration_ms < GRACE_S * 1000
                assert set(local.workers.pids) == pids, "nobody had to be killed"
                await local.engine.start(start(machine({"E": call("echo", {"fresh": True})}), "next"))
                assert (await local.engine.result("next")).status == "SUCCEEDED"

    asyncio.run(body())


@pytest.mark.parametrize("how", ["stubborn", "post"])
def test_what_does_not_heed_the_word_is_killed_after_the_grace_time(
    postgres_dsn: str, tmp_path: Path, how: str
) -> None:
    """A busy loop that never looks; a request that left and must not be sent twice is heard out for as long."""

    async def body() -> None:
        with silent_server(tmp_path) as server:
            async with local_engine(postgres_dsn, tmp_path, grace_s=0.5) as local:
                asked = {"post": ("get", "POST")}.get(how, (how, ""))
                row, run = await stopped(local, tmp_path, asked[0], server=server, method=asked[1], s=600)
                assert (row.status, run.status) == ("STOPPED", "ABORTED")

    asyncio.run(body())


def test_an_order_that_is_being_handed_in_is_finished(postgres_dsn: str, tmp_path: Path) -> None:
    async def body() -> None:
        async with local_engine(postgres_dsn, tmp_path, grace_s=GRACE_S) as local:
            row, run = await stopped(local, tmp_path, "hands_in", s=3.0)
            assert (row.status, run.status) == ("STOPPED", "SUCCEEDED")
            assert (tmp_path / "handed_in").exists()

    asyncio.run(body())


@pytest.mark.parametrize("ends", ["stop", "timeout"])
def test_nothing_acts_after_the_end(postgres_dsn: str, tmp_path: Path, ends: str) -> None:
    """A handler that hears of the end and asks whether it may act: it may not, also when the time ran out."""

    async def body() -> None:
        async with local_engine(postgres_dsn, tmp_path, grace_s=GRACE_S) as local:
            more = {"TimeoutSeconds": 1} if ends == "timeout" else {}
            definition = machine({"A-a": lingering(tmp_path, "acts_late", s=600)}, **more)
            await local.engine.start(start(definition, "late"))
            await begun(tmp_path)
            if ends == "stop":
                await local.engine.stop("late", "enough")
            row = await local.engine.result("late")
            (run,) = await local.journal.node_runs("local", "late")
            assert row.status == ("STOPPED" if ends == "stop" else "TIMED_OUT")
            assert run.status == ("FAILED" if ends == "stop" else "ABORTED")
            assert not (tmp_path / "acted").exists()

    asyncio.run(body())


def test_the_word_reaches_the_task_it_is_meant_for_only(postgres_dsn: str, tmp_path: Path) -> None:
    """Executions stopped at every moment of their task, on one worker: none of the others hears of it."""

    async def body() -> None:
        async with local_engine(postgres_dsn, tmp_path, grace_s=GRACE_S) as local:
            quick = machine({"A-a": lingering(tmp_path, "checks", s=0.002)})
            for number in range(30):
                await local.engine.start(start(quick, f"short-{number}"))
                give_way = time.monotonic() + number * 0.0005
                while time.monotonic() < give_way:
                    await asyncio.sleep(0)
                await local.engine.stop(f"short-{number}", "enough")
                await local.engine.start(start(quick, f"after-{number}"))
            rows = [await local.engine.result(f"after-{number}") for number in range(30)]
            assert {row.status for row in rows} == {"SUCCEEDED"}

    asyncio.run(body())
