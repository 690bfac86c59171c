"""A driven replay: one moment after another, each settled before the next, at any speed, paused and ended at will."""

import asyncio
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tradeloom.engine.dispatcher import StartCommand
from tradeloom.local.clocks import AccountClock, RunClock
from tradeloom.local.conductor import Conductor, Surroundings
from tradeloom.local.replay_turns import Turns
from tradeloom.trading.methods import MarketClock

pytestmark = pytest.mark.enable_socket  # an event loop has a pair of its own

START = datetime(2017, 6, 1, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
PATIENCE_S = 60.0


class Terminal:
    def __init__(self) -> None:
        self.time = START
        self.advanced: list[datetime] = []

    def market_clock(self) -> MarketClock:
        return MarketClock(time=self.time, speed=0.0, paper=True)

    def advance(self, to: datetime) -> MarketClock:
        self.time = to
        self.advanced.append(to)
        return self.market_clock()


class Stage:
    """A market with an event every ten minutes; `awake` counts what is at work."""

    def __init__(self) -> None:
        self.terminal = Terminal()
        self.clock = AccountClock(self.terminal, lambda: True)
        self.turns = Turns()
        self.awake = 0
        self.scheduled = 0
        self.watching = False
        self.told: list[str] = []
        self.held: list[bool] = []

    def conductor(self, minutes: int = 30, speed: float | None = None, wall: Callable[[], float] | None = None) -> Any:
        around = Surroundings(
            awake=lambda: self.awake > 0,
            scheduled=lambda: self.scheduled,
            watching=lambda: self.watching,
            hold=lambda: self.held.append(True),
            release=lambda: self.held.append(False),
            next_event=self.next_event,
        )
        more = {} if wall is None else {"wall": wall}
        return Conductor("paper", self.clock, self.turns, around, to=START + minutes * MINUTE, speed=speed, **more)

    def next_event(self) -> datetime:
        return START + (int((self.terminal.time - START) / (10 * MINUTE)) + 1) * 10 * MINUTE

    def minutes(self) -> list[int]:
        return [int((moment - START) / MINUTE) for moment in self.terminal.advanced]

    async def works(self, name: str, turns: int = 5) -> None:
        """An execution: busy for a while."""
        self.awake += 1
        self.told.append(f"{name} begins")
        for _ in range(turns):
            await asyncio.sleep(0)
        self.told.append(f"{name} ends")
        self.awake -= 1


def played(work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    async def bounded() -> None:
        async with asyncio.timeout(PATIENCE_S):
            await work()

    asyncio.run(bounded())


def command(workflow: str, key: str = "event:x", **more: Any) -> StartCommand:
    return StartCommand(workflow_id=workflow, trigger="event", dedupe_key=key, **{"account": "paper", **more})


def test_it_goes_from_event_to_event_and_past_nobodys_time() -> None:
    async def work() -> None:
        stage = Stage()
        await stage.clock.read()
        sleeper = asyncio.ensure_future(stage.clock.sleep_until(START + 15 * MINUTE))
        await asyncio.sleep(0)
        assert await stage.conductor().run()
        assert stage.minutes() == [10, 15, 20, 30]
        assert stage.held == [True, False] * 4
        await sleeper

    played(work)


def test_delays_that_end_together_go_on_one_by_one_and_before_anything_else() -> None:
    async def work() -> None:
        stage = Stage()
        await stage.clock.read()

        async def execution(name: str) -> None:
            await RunClock(stage.clock, name).sleep_until(START + 5 * MINUTE)
            await stage.works(name)

        async def schedule() -> None:
            await stage.clock.sleep_until(START + 5 * MINUTE)
            stage.told.append("schedule")

        others = [asyncio.ensure_future(schedule()), *(asyncio.ensure_future(execution(name)) for name in "cab")]
        await asyncio.sleep(0)
        await stage.conductor().run()
        await asyncio.gather(*others)
        assert stage.told == [f"{name} {what}" for name in "abc" for what in ("begins", "ends")] + ["schedule"]

    played(work)


def test_what_starts_together_starts_one_by_one_in_the_order_of_names_however_it_comes() -> None:
    async def work() -> None:
        stage = Stage()
        await stage.clock.read()

        async def start(workflow: str, late: int, key: str) -> None:
            await stage.clock.sleep_until(START + 5 * MINUTE)
            for _ in range(late):
                await asyncio.sleep(0)
            async with stage.turns.gate(command(workflow, key)):
                asyncio.ensure_future(stage.works(workflow))  # noqa: RUF006  the stage counts it
                await asyncio.sleep(0)
            if key.startswith("schedule"):
                stage.scheduled -= 1
            else:
                stage.watching = False

        async def due() -> None:
            await stage.clock.sleep_until(START + 5 * MINUTE)

        stage.scheduled, stage.watching = 0, False
        starts = [
            asyncio.ensure_future(start("c", 1, "schedule:1")),
            asyncio.ensure_future(start("a", 30, "schedule:2")),
            asyncio.ensure_future(start("b", 10, "event:3")),
        ]

        async def counting() -> None:
            await stage.clock.sleep_until(START + 5 * MINUTE)
            stage.scheduled, stage.watching = 2, True

        starts.insert(0, asyncio.ensure_future(counting()))
        await asyncio.sleep(0)
        await stage.conductor().run()
        await asyncio.gather(*starts)
        assert stage.told == [f"{name} {what}" for name in "abc" for what in ("begins", "ends")]

    played(work)


def test_what_a_person_starts_waits_for_no_turn() -> None:
    async def work() -> None:
        turns = Turns()
        turns.close("paper")
        async with turns.gate(command("a", manual=True)):
            pass
        async with turns.gate(command("a", parent="x")):
            pass
        held = asyncio.ensure_future(turns.gate(command("b")).__aenter__())
        await asyncio.sleep(0)
        assert turns.waiting(scheduled=False) == 1
        turns.open()
        await held
        assert turns.passing

    played(work)


def test_what_comes_from_outside_or_from_another_account_waits_for_no_turn() -> None:
    async def work() -> None:
        turns = Turns()
        turns.close("paper")
        for account in ("", "second"):
            async with turns.gate(command("a", account=account)):
                assert not turns.passing

    played(work)


@pytest.mark.parametrize("paused", [True, False])
@pytest.mark.parametrize("key", ["event:x", "schedule:x"])
def test_a_market_that_stands_keeps_no_start_waiting(paused: bool, key: str) -> None:
    async def work() -> None:
        stage = Stage()
        await stage.clock.read()
        conductor = stage.conductor(speed=0.001)  # days until the next moment
        running = asyncio.ensure_future(conductor.run())
        await asyncio.sleep(0.02)
        if paused:
            conductor.pause()
            await asyncio.sleep(0.02)
        for workflow in "ab":
            async with stage.turns.gate(command(workflow, key)):
                assert stage.turns.passing
        assert stage.terminal.advanced == []
        conductor.go_on(speed=None)
        assert await running
        assert stage.minutes() == [10, 20, 30]

    played(work)


def test_a_delay_that_begins_between_two_moments_ends_in_its_time() -> None:
    async def work() -> None:
        stage = Stage()
        await stage.clock.read()
        wall = [0.0]
        conductor = stage.conductor(minutes=10, speed=60, wall=lambda: wall[0])
        running = asyncio.ensure_future(conductor.run())
        await asyncio.sleep(0.02)
        delay = asyncio.ensure_future(RunClock(stage.clock, "by hand").sleep_until(START + 5 * MINUTE))
        await asyncio.sleep(0.02)
        wall[0] = 10.0
        conductor.stir()
        await running
        await delay
        assert stage.minutes() == [5, 10]

    played(work)


def test_a_start_that_is_given_up_leaves_its_place() -> None:
    async def work() -> None:
        turns = Turns()
        turns.close("paper")

        async def start() -> None:
            async with turns.gate(command("b")):
                raise AssertionError("nobody let it pass")

        held = asyncio.ensure_future(start())
        await asyncio.sleep(0)
        held.cancel()
        await asyncio.gather(held, return_exceptions=True)
        assert (turns.waiting(scheduled=False), turns.passing) == (0, False)

    played(work)


def test_a_speed_puts_pauses_between_the_moments_and_changes_none() -> None:
    async def work() -> None:
        stage = Stage()
        await stage.clock.read()
        wall = [0.0]
        seen: list[tuple[float, int]] = []
        conductor = stage.conductor(speed=600, wall=lambda: wall[0])  # ten minutes a second
        running = asyncio.ensure_future(conductor.run())
        while not running.done():
            seen.append((wall[0], len(stage.terminal.advanced)))
            wall[0] += 0.25
            conductor.stir()
            for _ in range(3):
                await asyncio.sleep(0.001)
        assert stage.minutes() == [10, 20, 30]
        assert all(moments <= at for at, moments in seen)

    played(work)


def test_paused_it_stands_and_goes_on_at_another_speed() -> None:
    async def work() -> None:
        stage = Stage()
        await stage.clock.read()
        conductor = stage.conductor(speed=0.001)
        running = asyncio.ensure_future(conductor.run())
        await asyncio.sleep(0.02)
        conductor.pause()
        await asyncio.sleep(0.02)
        assert conductor.paused
        assert stage.terminal.advanced == []
        conductor.go_on(speed=None)
        assert await running
        assert stage.minutes() == [10, 20, 30]

    played(work)


def test_ended_before_its_time_it_says_so_and_lets_go_of_the_clock() -> None:
    async def work() -> None:
        stage = Stage()
        await stage.clock.read()
        conductor = stage.conductor(speed=0.001)
        running = asyncio.ensure_future(conductor.run())
        await asyncio.sleep(0.02)
        conductor.end()
        assert not await running
        assert not stage.turns.closed
        follower = asyncio.ensure_future(stage.clock.follow())
        await stage.clock.sleep_until(START + MINUTE, moves=True)  # by itself again
        assert stage.minutes() == [1]
        follower.cancel()

    played(work)


def test_a_delay_that_goes_past_the_end_does_not_move_the_market_on() -> None:
    async def work() -> None:
        stage = Stage()
        await stage.clock.read()
        late = asyncio.ensure_future(RunClock(stage.clock, "late").sleep_until(START + 45 * MINUTE))
        await asyncio.sleep(0)
        assert await stage.conductor().run()
        follower = asyncio.ensure_future(stage.clock.follow())
        await asyncio.sleep(0.1)
        assert (stage.minutes()[-1], late.done()) == (30, False)
        await stage.conductor(60).run()  # the next one takes it along
        await late
        follower.cancel()

    played(work)
