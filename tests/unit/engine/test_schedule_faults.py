"""Schedules that fail are set aside; a database that is away is no fault of theirs."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from tests.support import loop
from tests.support.schedule_world import Process
from tests.unit.engine.test_scheduler import MINUTELY, House, house
from tradeloom.engine import schedule_starts
from tradeloom.engine.schedule_faults import ASIDE, LONGEST_ASIDE, MOST_FAILURES
from tradeloom.engine.schedules import WHOLE_WORKFLOW
from tradeloom.errors import StorageUnavailable


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schedule_starts, "RETRY_S", 0.001)
    monkeypatch.setattr(schedule_starts, "LONGEST_RETRY_S", 0.001)


@pytest.mark.usefixtures("impatient")
def test_a_poison_schedule_is_set_aside_and_the_others_go_on() -> None:
    async def body() -> None:
        async with house() as home:
            for workflow in ("bad", "good"):
                await home.activate(workflow, MINUTELY)
            definition = home.stores._versions["local", "bad"]["bad-v1"]
            poison(home, "bad")
            process = await home.up()
            await home.pass_time(2)
            assert home.fired() == ["09:01", "09:02"]
            (fault,) = await home.stores.faults("local")
            assert (fault.workflow_id, fault.node, fault.failures, fault.rounds) == ("bad", "s0", MOST_FAILURES, 1)
            assert fault.error == "InvalidDefinition"
            assert fault.until == fault.failed_at + ASIDE
            assert home.aside == [fault]
            await process.kill()
            again = await home.up()  # a restart does not let it out
            await home.pass_time(5)
            assert home.aside == [fault]
            home.move(ASIDE)
            await again.scheduler.look()
            await home.pass_time(1)
            (second,) = await home.stores.faults("local")
            assert (second.rounds, second.until) == (2, second.failed_at + 2 * ASIDE)
            home.stores._versions["local", "bad"]["bad-v1"] = definition
            home.move(2 * ASIDE)
            await again.scheduler.look()
            await home.pass_time(1)
            assert await home.stores.faults("local") == []
            assert {row.workflow_id for row in home.rows.executions.values()} == {"bad", "good"}

    loop.run(body())


def poison(home: House, workflow: str) -> None:
    """Its state machine is one no engine knows."""
    version = home.stores._versions["local", workflow]
    for name, record in version.items():
        version[name] = replace(record, definition=home.blobs.put(b'{"StartAt": "A"}'))


def test_a_version_that_cannot_be_read_is_set_aside_whole() -> None:
    async def body() -> None:
        async with house() as home:
            await home.activate("good", MINUTELY)
            await home.activate("odd", {"expression": "every now and then"}, MINUTELY)
            await home.activate("gone", MINUTELY)
            await home.activate("elsewhere", MINUTELY)
            del home.blobs._artefacts["gone-v1"]
            await home.save("elsewhere", "e2", MINUTELY, account="closed")
            await home.stores.set_active("local", "elsewhere", "e2")
            process = await home.up()
            await home.pass_time(1)
            assert [(fault.workflow_id, fault.node) for fault in await home.stores.faults("local")] == [
                ("elsewhere", WHOLE_WORKFLOW),
                ("gone", WHOLE_WORKFLOW),
                ("odd", "s0"),
            ]
            assert sorted(row.workflow_id for row in home.rows.executions.values()) == ["good", "odd"]
            await home.stores.set_active("local", "odd", None)
            await process.scheduler.refresh("local", "odd")
            await home.save("odd", "odd-v2", MINUTELY)
            await home.stores.set_active("local", "odd", "odd-v2")
            await process.scheduler.refresh("local", "odd")
            assert "odd" not in {fault.workflow_id for fault in await home.stores.faults("local")}
            assert len(home.aside) == 3

    loop.run(body())


@pytest.mark.usefixtures("impatient")
def test_a_database_that_is_away_is_no_fault_of_a_schedule() -> None:
    async def body() -> None:
        async with house() as home:
            await home.activate("w", MINUTELY)
            process = await home.up()
            await home.settle()
            process.lines.cut = True
            for _ in range(20):
                home.move(timedelta(seconds=30))
                for _ in range(5):
                    await asyncio.sleep(0.001)
            process.lines.cut = False
            await home.settle()
            assert await home.stores.faults("local") == []
            assert home.fired()[-1] == "09:10"
            await home.pass_time(1)
            assert home.fired()[-1] == "09:11"

    loop.run(body())


def test_the_longest_pause_is_a_day() -> None:
    assert ASIDE * 2**10 > LONGEST_ASIDE


def test_what_storage_kept_from_being_watched_is_found_later() -> None:
    async def body() -> None:
        async with house() as home:
            process = await home.up()
            await home.activate("w", MINUTELY)
            process.lines.cut_at["set_last_fire"] = 0
            with pytest.raises(StorageUnavailable):
                await process.scheduler.refresh("local", "w")
            process.lines.cut_at.clear()
            process.lines.cut = False
            await process.scheduler.look()
            await home.pass_time(1)
            assert home.fired() == ["09:01"]

    loop.run(body())


def test_storage_that_is_away_at_the_start_is_told() -> None:
    async def body() -> None:
        async with house() as home:
            process = Process(home)
            process.lines.cut = True
            with pytest.raises(StorageUnavailable):
                await process.scheduler.start()
            await process.scheduler.close()

    loop.run(body())
