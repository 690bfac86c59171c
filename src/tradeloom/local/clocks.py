"""Market clocks: the engine's Delays and the scheduler go by the account's own time.

A clock that runs is followed; the bridge is asked again every half second, and when something is due. A replay that
stands is moved by whoever waits in an execution, once nothing else of that account runs: to the next due time of
anybody, schedules included, so that nothing is skipped. A schedule alone never moves it.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final, Protocol

from tradeloom.errors import TradeloomError
from tradeloom.trading.methods import MarketClock

log: Final = logging.getLogger(__name__)

LOOK_S: Final = 0.5
IDLE_LOOK_S: Final = 0.02


class Terminal(Protocol):
    """The clock of one account, asked in a thread."""

    def market_clock(self) -> MarketClock: ...
    def advance(self, to: datetime) -> MarketClock: ...


@dataclass(eq=False)
class _Sleeper:
    due: datetime
    moves: bool
    name: str
    woken: "asyncio.Future[None]" = field(repr=False)
    parked: bool = False
    """It was left waiting where a driven replay ended, and does not move the market on from there."""


class AccountClock:
    """One account's market clock, followed from the event loop. `idle` tells whether nothing of the account runs but
    what sleeps here; `read` first, then `follow` as a task."""

    def __init__(
        self,
        terminal: Terminal,
        idle: Callable[[], bool],
        *,
        session: str = "",
        wall: Callable[[], float] = time.monotonic,
    ) -> None:
        """`session` names a replay, whose times may come again in another; a real market has none."""
        self.session = session
        self._terminal = terminal
        self._idle = idle
        self._wall = wall
        self._time = datetime.fromtimestamp(0, UTC)
        self._read_at = 0.0
        self.speed = 0.0
        self._sleepers: list[_Sleeper] = []
        self._stirred = asyncio.Event()
        self._stir_driver: Callable[[], None] | None = None

    def now(self) -> datetime:
        """Market time, never going back."""
        elapsed = (self._wall() - self._read_at) * self.speed
        return self._time + timedelta(seconds=max(0.0, elapsed))

    async def read(self) -> datetime:
        """Ask the terminal for its time. Raises `BrokerUnavailable`, `BrokerTimeout`."""
        self._take(await asyncio.to_thread(self._terminal.market_clock))
        return self.now()

    def heard(self, time: datetime) -> None:
        """Somebody read the market's time: nothing that follows from it may stand at an earlier one."""
        if time > self.now():
            self._time, self._read_at = time, self._wall()
            self._wake()

    async def advance(self, to: datetime) -> None:
        """Move a paper market to `to`; one that is there already, or past it, stays."""
        if to > self.now():
            self._take(await asyncio.to_thread(self._terminal.advance, to))

    async def sleep_until(self, due: datetime, *, moves: bool = False, name: str = "") -> None:
        """Return once `now() >= due`. With `moves`, a standing market is moved there when nothing else runs; `name`
        says who comes first when a driven replay wakes those that do one by one."""
        if self.now() >= due:
            return
        sleeper = _Sleeper(due, moves, name, asyncio.get_running_loop().create_future())
        self._sleepers.append(sleeper)
        self._stirred.set()
        if self._stir_driver is not None:
            self._stir_driver()
        try:
            await sleeper.woken
        finally:
            self._sleepers.remove(sleeper)

    # -- a driven replay: somebody else moves the market, and says who wakes when (`local/conductor.py`) --------------

    def drive(self, stir: Callable[[], None] | None) -> None:
        """From now on the market moves by `advance` alone, and sleepers wake by `wake_…` alone; `stir` is called when
        somebody begins to sleep. None ends that: the market then stands where it was driven to, and those that wait
        for more do so until something else moves it."""
        self._stir_driver = stir
        for sleeper in self._sleepers:
            sleeper.parked = stir is None
        if stir is None:
            self._wake()

    @property
    def next_due(self) -> datetime | None:
        """When the first sleeper is to wake."""
        return min((sleeper.due for sleeper in self._sleepers), default=None)

    @property
    def waking(self) -> bool:
        """Whether somebody was woken and is not up yet."""
        return any(sleeper.woken.done() for sleeper in self._sleepers)

    def wake_one_mover(self) -> bool:
        """Wake the first execution whose time has come; False when there is none."""
        now = self.now()
        due = [each for each in self._sleepers if each.moves and each.due <= now and not each.woken.done()]
        for sleeper in sorted(due, key=lambda each: (each.due, each.name))[:1]:
            sleeper.woken.set_result(None)
        return bool(due)

    def wake_others(self) -> None:
        """Wake the schedules and watchers whose time has come."""
        now = self.now()
        for sleeper in self._sleepers:
            if not sleeper.moves and sleeper.due <= now and not sleeper.woken.done():
                sleeper.woken.set_result(None)

    async def follow(self) -> None:
        """Keep the time right and wake who is due, for ever."""
        while True:
            self._stirred.clear()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stirred.wait(), self._nap())
            try:
                await self._look()
            except TradeloomError as error:
                log.warning("the market clock cannot be read: %s", error.message)
                await asyncio.sleep(LOOK_S)

    async def _look(self) -> None:
        if self._stir_driver is not None:
            return
        if self.speed == 0.0 and self._movers() and self._idle():
            await self.advance(min(sleeper.due for sleeper in self._sleepers))
        elif self._wall() - self._read_at >= LOOK_S:
            await self.read()
        self._wake()

    def _nap(self) -> float:
        """Seconds until there is something to look at."""
        if not self._sleepers:
            return LOOK_S
        if self.speed == 0.0:
            return IDLE_LOOK_S if self._movers() else LOOK_S
        first = min(sleeper.due for sleeper in self._sleepers)
        return min(LOOK_S, max(0.0, (first - self.now()).total_seconds() / self.speed))

    def _movers(self) -> bool:
        return any(sleeper.moves and not sleeper.parked for sleeper in self._sleepers)

    def _take(self, told: MarketClock) -> None:
        self._time = max(told.time, self.now()) if told.speed else max(told.time, self._time)
        self._read_at, self.speed = self._wall(), told.speed
        self._wake()

    def _wake(self) -> None:
        if self._stir_driver is not None:
            return
        now = self.now()
        for sleeper in self._sleepers:
            if sleeper.due <= now and not sleeper.woken.done():
                sleeper.woken.set_result(None)


class RunClock:
    """An execution's view of its account's clock: the engine's `Clock`. While it sleeps, it counts as not running."""

    def __init__(self, account: AccountClock, name: str = "") -> None:
        """`name` is the same in every replay."""
        self.session = account.session
        self._name = name
        self.account = account
        self._sleeping = 0

    @property
    def sleeps(self) -> bool:
        return self._sleeping > 0

    def now(self) -> datetime:
        return self.account.now()

    async def sleep_until(self, due: datetime) -> None:
        self._sleeping += 1
        try:
            await self.account.sleep_until(due, moves=True, name=self._name)
        finally:
            self._sleeping -= 1
