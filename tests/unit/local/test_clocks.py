"""Market clocks: a standing replay moves when everybody waits, a running one is followed, schedules never push."""

import asyncio
from collections.abc import Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tradeloom.errors import BrokerUnavailable
from tradeloom.local.clocks import AccountClock, RunClock
from tradeloom.trading.methods import MarketClock

pytestmark = pytest.mark.enable_socket  # an event loop has a pair of its own

START = datetime(2017, 6, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


class FakeTerminal:
    def __init__(self, speed: float = 0.0) -> None:
        self.time = START
        self.speed = speed
        self.advanced: list[datetime] = []
        self.down = False

    def market_clock(self) -> MarketClock:
        if self.down:
            raise BrokerUnavailable("the bridge is down")
        return MarketClock(time=self.time, speed=self.speed, paper=True)

    def advance(self, to: datetime) -> MarketClock:
        self.advanced.append(to)
        self.time = to
        return self.market_clock()


def played(work: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(work, 60))


async def opened(terminal: FakeTerminal, idle: Any = lambda: True) -> tuple[AccountClock, "asyncio.Task[None]"]:
    clock = AccountClock(terminal, idle)
    await clock.read()
    return clock, asyncio.ensure_future(clock.follow())


def test_waiting_on_a_standing_market_moves_it() -> None:
    async def work() -> None:
        terminal = FakeTerminal()
        clock, task = await opened(terminal)
        await clock.sleep_until(START + HOUR, moves=True)
        assert clock.now() == START + HOUR
        assert terminal.advanced == [START + HOUR]
        task.cancel()

    played(work())


def test_it_does_not_move_while_something_else_runs() -> None:
    async def work() -> None:
        terminal = FakeTerminal()
        busy = True
        clock, task = await opened(terminal, lambda: not busy)
        waiting = asyncio.ensure_future(clock.sleep_until(START + HOUR, moves=True))
        await asyncio.sleep(0.1)
        assert not waiting.done()
        assert terminal.advanced == []
        busy = False
        await waiting
        task.cancel()

    played(work())


def test_a_schedule_alone_does_not_move_the_market_but_is_not_jumped_over() -> None:
    async def work() -> None:
        terminal = FakeTerminal()
        clock, task = await opened(terminal)
        woken: list[datetime] = []

        async def schedule(due: datetime) -> None:
            await clock.sleep_until(due)
            woken.append(clock.now())

        scheduled = asyncio.ensure_future(schedule(START + HOUR))
        await asyncio.sleep(0.1)
        assert terminal.advanced == []
        await clock.sleep_until(START + 3 * HOUR, moves=True)
        await scheduled
        assert woken == [START + HOUR]
        assert terminal.advanced == [START + HOUR, START + 3 * HOUR]
        task.cancel()

    played(work())


def test_a_running_market_is_followed_at_its_own_speed() -> None:
    async def work() -> None:
        terminal = FakeTerminal(speed=36_000)  # ten market hours a second
        clock, task = await opened(terminal)
        await clock.sleep_until(START + HOUR, moves=True)
        assert clock.now() >= START + HOUR
        assert terminal.advanced == []
        task.cancel()

    played(work())


def test_time_never_goes_back() -> None:
    async def work() -> None:
        terminal = FakeTerminal(speed=3_600)
        clock = AccountClock(terminal, lambda: True)
        await clock.read()
        await asyncio.sleep(0.05)
        before = clock.now()
        await clock.read()  # the terminal still says START
        assert clock.now() >= before

    played(work())


def test_a_past_due_time_is_no_wait() -> None:
    async def work() -> None:
        clock = AccountClock(FakeTerminal(), lambda: True)
        await clock.read()
        await clock.sleep_until(START)
        await clock.advance(START - HOUR)
        assert clock.now() == START

    played(work())


def test_a_bridge_that_is_down_for_a_while_is_asked_again() -> None:
    async def work() -> None:
        terminal = FakeTerminal()
        clock, task = await opened(terminal)
        terminal.down = True
        waiting = asyncio.ensure_future(clock.sleep_until(START + HOUR, moves=True))
        await asyncio.sleep(0.1)
        assert not waiting.done()
        terminal.down = False
        await waiting
        assert clock.now() == START + HOUR
        task.cancel()

    played(work())


def test_a_sleeper_that_is_stopped_holds_nobody_up() -> None:
    async def work() -> None:
        terminal = FakeTerminal()
        clock, task = await opened(terminal, lambda: False)
        stopped = asyncio.ensure_future(clock.sleep_until(START + HOUR, moves=True))
        await asyncio.sleep(0.03)
        stopped.cancel()
        with pytest.raises(asyncio.CancelledError):
            await stopped
        await asyncio.sleep(0.05)
        assert terminal.advanced == []
        task.cancel()

    played(work())


def test_an_execution_counts_as_sleeping_only_while_it_sleeps() -> None:
    async def work() -> None:
        terminal = FakeTerminal()
        clock, task = await opened(terminal)
        run = RunClock(clock)
        assert not run.sleeps
        waiting = asyncio.ensure_future(run.sleep_until(START + HOUR))
        await asyncio.sleep(0)
        assert run.sleeps
        await waiting
        assert not run.sleeps
        assert run.now() == START + HOUR
        task.cancel()

    played(work())
