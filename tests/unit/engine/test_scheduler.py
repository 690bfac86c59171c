"""The scheduler: what fires, after whatever restart, and whatever others change."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.support import loop
from tests.support.loop import until
from tests.support.schedule_world import Process, World, settled, starts
from tradeloom.storage.memory.journal import MemoryDatabase, MemoryJournal
from tradeloom.storage.memory.stores import MemoryStores

NINE = datetime(2026, 1, 5, 9, tzinfo=UTC)
MINUTELY = {"expression": "* * * * *", "overlap": "allow"}


class House(World):
    def __init__(self, start: datetime = NINE) -> None:
        self.rows = MemoryDatabase()
        super().__init__(start, MemoryStores(), lambda: MemoryJournal(self.rows, linger_s=0))
        self.processes: list[Process] = []

    async def up(self, **more: Any) -> Process:
        process = await Process(self, **more).up()
        self.processes.append(process)
        return process

    async def settle(self) -> None:
        await settled(*self.processes)

    async def pass_time(self, minutes: int, *, step_s: int = 60) -> None:
        for _ in range(minutes * 60 // step_s):
            await self.settle()
            self.move(timedelta(seconds=step_s))
        await self.settle()

    def fired(self) -> list[str]:
        return [at[11:16] for _, _, at in starts(list(self.rows.executions.values()))]


@asynccontextmanager
async def house(start: datetime = NINE) -> AsyncIterator[House]:
    made = House(start)
    try:
        yield made
    finally:
        for process in made.processes:
            await process.kill()


def test_policies_across_restarts() -> None:
    async def body() -> None:
        async with house() as home:
            for policy in ("skip", "once", "all"):
                config = {**MINUTELY, "misfire": policy, "misfire_max": 4, "expression": "*/10 * * * *"}
                await home.activate(policy, config)
            first = await home.up()
            await home.pass_time(15)
            await first.kill()
            home.move(timedelta(minutes=62))  # 10:17
            await home.up()
            await home.settle()
            found: dict[str, list[str]] = {}
            for workflow, _, at in starts(list(home.rows.executions.values())):
                found.setdefault(workflow, []).append(at[11:16])
            assert found == {
                "skip": ["09:10"],
                "once": ["09:10", "10:10"],
                "all": ["09:10", "09:40", "09:50", "10:00", "10:10"],
            }
            late = [row for row in home.rows.executions.values() if row.workflow_id == "all"]
            assert {row.as_of for row in late[1:]} == {home.clock.now()}

    loop.run(body())


def test_nothing_is_made_up_for_twice_when_it_is_killed_again_and_again() -> None:
    async def body() -> None:
        async with house() as home:
            await home.activate("w", {**MINUTELY, "misfire": "all", "misfire_max": 100})
            await (await home.up()).kill()
            home.move(timedelta(minutes=50))
            for spare in (0, 0, 3, 1, 0, 7):
                dying = await home.up()
                dying.lines.cut_at["set_last_fire"] = spare
                await until(lambda dying=dying: dying.dead)  # type: ignore[misc]
                await dying.kill()
            await home.up()
            await home.settle()
            assert home.fired() == [f"09:{minute:02}" for minute in range(1, 51)]

    loop.run(body())


def test_a_one_time_start_does_not_come_again() -> None:
    async def body() -> None:
        async with house() as home:
            await home.activate("w", {"expression": "at(2026-01-05T09:03)", "misfire": "all", "overlap": "allow"})
            for _ in range(4):
                process = await home.up()
                await home.pass_time(2)
                await process.kill()
            home.move(timedelta(days=3))
            last = await home.up()
            await home.settle()
            assert home.fired() == ["09:03"]
            assert last.scheduler.watched == []
            await home.stores.set_active("local", "w", "w-v1")  # not even when it is switched on anew
            await last.scheduler.refresh("local", "w")
            await home.settle()
            assert home.fired() == ["09:03"]

    loop.run(body())


def test_a_sleeping_machine_is_as_one_that_was_off() -> None:
    """The clock leaps while the process lives: a lid was closed."""

    async def body() -> None:
        async with house() as home:
            await home.activate("skip", MINUTELY)
            await home.activate("once", {**MINUTELY, "misfire": "once"})
            await home.up()
            await home.pass_time(2)
            home.move(timedelta(hours=1))
            await home.settle()
            assert home.fired() == ["09:01", "09:02", "10:00", "10:01", "10:02", "09:01", "09:02", "10:01", "10:02"]

    loop.run(body())


def test_two_schedulers_agree_about_a_window() -> None:
    async def body() -> None:
        async with house() as home:
            await home.activate("w", {"expression": "0 * * * *", "flexible_window_min": 40, "overlap": "allow"})
            await home.up()
            await home.up()
            moments = []
            for _ in range(6 * 60 * 6):
                before = len(home.rows.executions)
                home.move(timedelta(seconds=10))
                await home.settle()
                if len(home.rows.executions) > before:
                    moments.append(home.clock.now())
            assert home.fired() == ["10:00", "11:00", "12:00", "13:00", "14:00"] + ["15:00"] * (len(moments) - 5)
            waits = [moment - moment.replace(minute=0, second=0) for moment in moments]
            assert all(timedelta() <= wait < timedelta(minutes=40, seconds=10) for wait in waits)
            assert len(set(waits)) > 2

    loop.run(body())


def test_engines_share_the_starts_of_a_moment() -> None:
    async def body() -> None:
        async with house() as home:
            for number in range(60):
                await home.activate(f"w{number}", MINUTELY)
            one, two = await home.up(), await home.up()
            for _ in range(2):
                await home.pass_time(1)
            assert len(home.rows.executions) == 120
            mine = sum(owner is one.journal for owner in home.rows.owners.values())
            assert 30 < mine < 90, "each engine starts about half"
            assert two.scheduler.watched == one.scheduler.watched

    loop.run(body())


def test_a_thousand_workflows_take_one_sleeper_and_few_questions() -> None:
    async def body() -> None:
        async with house() as home:
            for number in range(1_000):
                await home.activate(f"w{number}", {"expression": f"{number % 60} */2 * * *", "overlap": "allow"})
            process = await home.up()
            assert len(process.scheduler.watched) == 1_000
            await home.settle()
            assert len(home.clock._sleepers) == 1
            again = await home.up()
            assert again.lines.asked == {"active": 1, "last_fires": 1, "faults": 1}
            await again.scheduler.look()
            assert again.lines.asked == {"active": 1, "last_fires": 2, "faults": 2, "active_versions": 1}

    loop.run(body())


def test_what_another_engine_activates_replaces_and_deactivates_is_found() -> None:
    async def body() -> None:
        async with house() as home:
            process = await home.up()
            await home.activate("w", MINUTELY)
            await process.scheduler.look()
            await home.pass_time(1)
            assert home.fired() == ["09:01"]
            await home.activate("w", {"expression": "*/5 * * * *", "overlap": "allow"}, version="w-v2")
            await process.scheduler.look()
            await home.pass_time(4)
            assert home.fired() == ["09:01", "09:05"]
            assert {row.version for row in home.rows.executions.values()} == {"w-v1", "w-v2"}
            await home.stores.set_active("local", "w", None)
            await process.scheduler.look()
            assert process.scheduler.watched == []
            await home.activate("w", MINUTELY, version="w-v3")
            await process.scheduler.look()
            await home.stores.delete("local", "w")
            await home.pass_time(1)  # nobody has looked: its next fire finds nothing to start
            await until(lambda: process.scheduler.watched == [])
            await home.pass_time(3)
            assert home.fired() == ["09:01", "09:05"]

    loop.run(body())


def test_an_outdated_schedule_never_starts_the_new_version() -> None:
    """Replaced by another engine, and nobody has looked yet."""

    async def body() -> None:
        async with house() as home:
            await home.activate("w", MINUTELY)
            process = await home.up()
            await home.pass_time(1)
            await home.activate("w", {"expression": "30 * * * *", "overlap": "allow"}, version="w-v2")
            old = process.scheduler._watching["local", "w"]
            await home.pass_time(1)
            assert home.fired() == ["09:01"]
            await until(lambda: old[0].gone)
            await until(lambda: process.scheduler.watched == [("local", "w")])
            await home.pass_time(28)
            assert home.fired() == ["09:01", "09:30"]

    loop.run(body())


def test_a_save_at_the_very_moment_loses_no_start() -> None:
    async def body() -> None:
        async with house() as home:
            for workflow in ("same", "other"):
                await home.activate(workflow, MINUTELY)
            process = await home.up()
            await home.settle()
            home.move(timedelta(seconds=60))  # 09:01, and before anybody was awake:
            await home.activate("same", MINUTELY, version="same-v2")
            await home.activate("other", {"expression": "30 * * * *", "overlap": "allow"}, version="other-v2")
            for workflow in ("same", "other"):
                await process.scheduler.refresh("local", workflow)
            await home.settle()
            found = [(row.workflow_id, row.version) for row in home.rows.executions.values()]
            assert found == [("same", "same-v2")]

    loop.run(body())
