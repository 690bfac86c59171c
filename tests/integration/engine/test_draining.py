"""Stopping an engine: what was begun ends, nothing is begun, and the next engine goes on."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from tests.integration.engine.test_workers import call, pool
from tests.support.local_engine import function, local_engine, run_info, worker_settings
from tests.unit.engine.machines import machine, task
from tradeloom.engine.engine import StartRequest
from tradeloom.engine.errors import EngineClosed


def lingering(world: Path, seconds: float, **more: Any) -> dict[str, Any]:
    return {"how": "checks", "world": str(world), "s": seconds, **more}


async def begun(world: Path) -> None:
    async with asyncio.timeout(60):
        while not (world / "begun").exists():
            await asyncio.sleep(0.01)


def test_a_task_under_way_ends_and_none_begins(tmp_path: Path) -> None:
    async def body() -> None:
        async with pool() as workers:
            first = asyncio.ensure_future(workers.invoke(call("linger", lingering(tmp_path, 0.5))))
            await begun(tmp_path)
            draining = asyncio.ensure_future(workers.drain())
            await asyncio.sleep(0)
            second = asyncio.ensure_future(workers.invoke(call("echo", "late")))
            await asyncio.wait_for(draining, 60)
            assert (await first)["output"] == {"how": "checks"}
            assert not second.done()
        with pytest.raises(EngineClosed):
            await second

    asyncio.run(body())


def definition(world: Path) -> dict[str, Any]:
    """Two tasks; the first takes a while."""
    slow = task(function("linger"), {"node": "slow", **lingering(world, 0.5)}, Next="quick")
    quick = task(function("record"), {"node": "quick"}, End=True)
    return machine({"slow": slow, "quick": quick})


def test_what_was_begun_is_kept_and_the_next_engine_goes_on_after_it(postgres_dsn: str, tmp_path: Path) -> None:
    world, blobs = tmp_path / "world", tmp_path / "blobs"
    world.mkdir()
    settings = worker_settings(blob_directory=blobs, least=1)

    async def first() -> None:
        async with local_engine(postgres_dsn, blobs, settings=settings) as local:
            await local.engine.resume()
            await local.engine.start(StartRequest(run=run_info("drained"), definition=definition(world)))
            await begun(world)
            await asyncio.wait_for(local.workers.drain(), 60)

    async def second() -> list[tuple[str, str, int]]:
        async with local_engine(postgres_dsn, blobs, settings=settings) as local:
            assert await local.engine.resume() == ["drained"]
            ended = await asyncio.wait_for(local.engine.result("drained"), 60)
            assert ended.status == "SUCCEEDED"
            runs = await local.journal.node_runs("local", "drained")
            return [(run.node, run.status, run.attempt) for run in runs]

    asyncio.run(first())
    assert asyncio.run(second()) == [("slow", "SUCCEEDED", 0), ("quick", "SUCCEEDED", 0)]
