"""Schedules that start through the dispatcher: at which times, how often, and after which restart."""

from datetime import timedelta
from typing import Any

import pytest

from tests.support import loop
from tests.support.loop import until
from tests.unit.engine.fakes import AS_OF
from tests.unit.engine.test_dispatcher import SCHEDULED, house
from tradeloom.engine.clock import ManualClock
from tradeloom.engine.scheduler import MAX_AGE, Scheduler
from tradeloom.errors import StorageUnavailable


async def settle(*schedulers: Scheduler) -> None:
    """Until every start that is due has been decided."""
    await until(lambda: not any(scheduler.busy("paper") for scheduler in schedulers))


def test_a_schedule_fires_on_the_market_clock() -> None:
    async def body() -> None:
        async with house() as home:
            scheduler = home.scheduler()
            await scheduler.start()
            assert scheduler.watched == [("local", "w1")]
            for _ in range(3):
                await settle(scheduler)
                home.clock.advance(timedelta(seconds=60))
            await until(lambda: len(home.made.rows.executions) == 3)
            await settle(scheduler)
            rows = await home.executions()
            assert [row.run["payload"]["scheduled_at"] for row in rows] == [
                "2026-01-05T09:01:00.000Z",
                "2026-01-05T09:02:00.000Z",
                "2026-01-05T09:03:00.000Z",
            ]
            assert [row.as_of for row in rows] == [AS_OF + timedelta(minutes=n) for n in (1, 2, 3)]
            assert await home.stores.last_fire("local", "w1", "sched") == AS_OF + timedelta(minutes=3)
            await scheduler.close()

    loop.run(body())


def test_two_schedulers_fire_each_time_once() -> None:
    async def body() -> None:
        async with house() as home:
            both = [home.scheduler(), home.scheduler()]
            for scheduler in both:
                await scheduler.start()
            for _ in range(4):
                await settle(*both)
                home.clock.advance(timedelta(seconds=60))
            await settle(*both)
            assert len(home.made.rows.executions) == 4
            for scheduler in both:
                await scheduler.close()

    loop.run(body())


def test_a_restart_neither_repeats_nor_loses_a_fresh_fire() -> None:
    async def body() -> None:
        async with house() as home:
            for pause in (60, 30, 45, 10, 65, 30):
                scheduler = home.scheduler()
                await scheduler.start()
                await settle(scheduler)
                await scheduler.close()
                home.clock.advance(timedelta(seconds=pause))
            scheduler = home.scheduler()
            await scheduler.start()
            await settle(scheduler)
            await scheduler.close()
            rows = await home.executions()
            assert [row.run["payload"]["scheduled_at"][11:16] for row in rows] == ["09:01", "09:02", "09:03", "09:04"]

    loop.run(body())


def test_what_was_missed_for_long_is_not_made_up_for() -> None:
    async def body() -> None:
        async with house() as home:
            scheduler = home.scheduler()
            await scheduler.start()
            await settle(scheduler)
            await scheduler.close()
            home.clock.advance(timedelta(hours=5, seconds=1))
            await scheduler.start()
            await settle(scheduler)
            rows = await home.executions()
            fresh = [row.run["payload"]["scheduled_at"] for row in rows]
            assert fresh == ["2026-01-05T13:59:00.000Z", "2026-01-05T14:00:00.000Z"]
            assert timedelta(seconds=90) == MAX_AGE
            await scheduler.close()

    loop.run(body())


def test_activation_begins_now_and_deactivation_ends() -> None:
    async def body() -> None:
        async with house() as home:
            scheduler = home.scheduler()
            await home.stores.set_last_fire("local", "w1", "sched", AS_OF - timedelta(days=1))
            home.clock.advance(timedelta(seconds=59))
            await scheduler.refresh("local", "w1")
            await settle(scheduler)
            assert not home.made.rows.executions
            home.clock.advance(timedelta(seconds=1))
            await until(lambda: len(home.made.rows.executions) == 1)
            await home.stores.set_active("local", "w1", None)
            await scheduler.refresh("local", "w1")
            home.clock.advance(timedelta(minutes=5))
            await settle(scheduler)
            assert len(home.made.rows.executions) == 1
            assert scheduler.watched == []
            await home.stores.delete("local", "w1")
            await scheduler.refresh("local", "w1")

    loop.run(body())


def test_a_replay_fires_the_same_times_again() -> None:
    async def body() -> None:
        async with house(session="replay-1") as home:
            for session in ("replay-1", "replay-2"):
                home.clock = ManualClock(AS_OF, session=session)
                scheduler = home.scheduler()
                await scheduler.start()
                await settle(scheduler)
                home.clock.advance(timedelta(seconds=60))
                await settle(scheduler)
                await scheduler.close()
            assert len(home.made.rows.executions) == 2

    loop.run(body())


def test_a_disabled_schedule_is_not_watched() -> None:
    async def body() -> None:
        async with house(nodes=[{**SCHEDULED, "disabled": True}, {"id": "x", "type": "market.history"}]) as home:
            scheduler = home.scheduler()
            await scheduler.start()
            assert scheduler.watched == []

    loop.run(body())


def test_a_schedule_outlives_a_storage_that_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tradeloom.engine.schedule_starts.RETRY_S", 0.001)

    async def body() -> None:
        async with house() as home:
            real, left = home.stores.workflow, 3

            async def away(tenant: str, workflow_id: str) -> Any:
                nonlocal left
                left -= 1
                if left >= 0:
                    raise StorageUnavailable("not now")
                return await real(tenant, workflow_id)

            scheduler = home.scheduler()
            await scheduler.start()
            await settle(scheduler)
            home.stores.workflow = away  # type: ignore[method-assign]
            home.clock.advance(timedelta(seconds=60))
            await until(lambda: len(home.made.rows.executions) == 1)
            await scheduler.close()

    loop.run(body())
