"""One heap and one sleeper for whatever waits on a clock."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support import loop
from tradeloom.engine import timeline as timelines
from tradeloom.engine.clock import ManualClock
from tradeloom.engine.timeline import Timeline
from tradeloom.errors import BrokerUnavailable

NINE = datetime(2026, 1, 5, 9, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


@asynccontextmanager
async def running(clock: ManualClock) -> AsyncIterator[tuple[Timeline[str], list[list[str]]]]:
    begun: list[list[str]] = []
    made = Timeline[str](clock, begun.append)
    task = asyncio.ensure_future(made.run())
    try:
        yield made, begun
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def turns(number: int = 6) -> None:
    for _ in range(number):
        await asyncio.sleep(0)


def test_what_is_due_at_once_begins_together_the_earliest_first() -> None:
    async def body() -> None:
        clock = ManualClock(NINE)
        async with running(clock) as (made, begun):
            for name, minutes in (("late", 9), ("second", 2), ("first", 1), ("now", 0)):
                made.put(NINE + minutes * MINUTE, name)
            assert made.due
            await turns()
            assert (begun, made.due) == ([["now"]], False)
            clock.advance(3 * MINUTE)
            assert made.due
            await turns()
            assert begun[1:] == [["first", "second"]]
            assert len(clock._sleepers) == 1

    loop.run(body())


def test_an_earlier_one_comes_before_what_is_slept_for() -> None:
    async def body() -> None:
        clock = ManualClock(NINE)
        async with running(clock) as (made, begun):
            made.put(NINE + 60 * MINUTE, "hour")
            await turns()
            made.put(NINE + MINUTE, "minute")
            await turns()
            clock.advance(MINUTE)
            await turns()
            assert begun == [["minute"]]

    loop.run(body())


def test_a_clock_that_fails_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timelines, "CLOCK_AGAIN_S", 0.001)

    class Failing(ManualClock):
        failures = 3

        async def sleep_until(self, due: datetime) -> None:
            if self.failures:
                self.failures -= 1
                raise BrokerUnavailable("the bridge is down")
            await super().sleep_until(due)

    async def body() -> None:
        clock = Failing(NINE)
        async with running(clock) as (made, begun):
            made.put(NINE + MINUTE, "it")
            async with asyncio.timeout(60):
                while clock.failures or not clock._sleepers:
                    await asyncio.sleep(0.001)
                clock.advance(MINUTE)
                while not begun:
                    await asyncio.sleep(0.001)
            assert begun == [["it"]]

    loop.run(body())


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 10)), max_size=30))
def test_everything_begins_once_and_never_early(steps: list[tuple[int, int]]) -> None:
    """Each step puts one and moves the clock."""

    async def body() -> None:
        clock = ManualClock(NINE)
        begun: dict[str, datetime] = {}
        made = Timeline[str](clock, lambda due: begun.update(dict.fromkeys(due, clock.now())))
        task = asyncio.ensure_future(made.run())
        wanted = {}
        for number, (ahead, passing) in enumerate(steps):
            wanted[str(number)] = clock.now() + ahead * MINUTE
            made.put(wanted[str(number)], str(number))
            await turns()
            clock.advance(passing * MINUTE)
            await turns()
        assert begun.keys() == {name for name, at in wanted.items() if at <= clock.now()}
        assert all(begun[name] >= wanted[name] for name in begun)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    loop.run(body())
