"""Drives a replay of the whole system from one time to another: the market goes from event to event, and stands at each
until everything that follows from it is done.

Schedules, triggers and Delays see every moment they wait for exactly when the market is there, however fast or slow the
machine is; a finite speed only puts pauses between the moments. So a replay gives the same orders at any speed.
"""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from tradeloom.local.clocks import AccountClock
from tradeloom.local.replay_turns import Turns

LOOK_S: Final = 0.005
"""How often is looked whether a moment is settled when nobody says so."""
PAUSED_S: Final = 1.0
"""And while it is paused."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What may still be at work on the account at a moment of the market. All are asked often and answer at once."""

    awake: Callable[[], bool]
    """An execution is doing something."""
    scheduled: Callable[[], int]
    """Starts that are due by a schedule and not decided yet."""
    watching: Callable[[], bool]
    """The market is being looked at for triggers, or is to be."""
    hold: Callable[[], None]
    """No such look is to begin until `release`."""
    release: Callable[[], None]
    next_event: Callable[[], datetime | None]
    """When the market next has something to show, None at its end. Asked in a thread."""


class Conductor:
    """One replay of one account's market, which must stand. `speed` is market seconds per second; None: as fast as
    everything that follows allows."""

    def __init__(
        self,
        account: str,
        clock: AccountClock,
        turns: Turns,
        around: Surroundings,
        *,
        to: datetime,
        speed: float | None,
        wall: Callable[[], float] = time.monotonic,
    ) -> None:
        self._account = account
        self._clock = clock
        self._turns = turns
        self._around = around
        self._to = to
        self._speed = speed
        self._wall = wall
        self._stirred = asyncio.Event()
        self.paused = False
        self._ending = False
        self._anchor = (wall(), clock.now())
        self.moments = 0

    @property
    def speed(self) -> float | None:
        return self._speed

    def stir(self) -> None:
        """Something that was at work may have come to rest."""
        self._stirred.set()

    def pause(self) -> None:
        self.paused = True
        self.stir()

    def go_on(self, *, speed: float | None) -> None:
        """At this speed from here on."""
        self._speed = speed
        self._anchor = (self._wall(), self._clock.now())
        self.paused = False
        self.stir()

    def end(self) -> None:
        """Stop at the moment the market stands at, once it is settled."""
        self._ending = True
        self.paused = False
        self.stir()

    async def run(self) -> bool:
        """Until `to` is reached and settled; False when it was ended before. Raises what the bridge raises."""
        self._clock.drive(self.stir)
        self._turns.close(self._account)
        self._turns.stirred = self.stir
        try:
            while True:
                await self._settle()
                if self.paused:  # what wants to start meanwhile is let through
                    await self._rest(PAUSED_S)
                    continue
                if self._ending or self._clock.now() >= self._to:
                    return self._clock.now() >= self._to
                to = await self._next()
                if await self._paced(to) and self._is_settled():
                    await self._advance(to)
        finally:
            self._turns.open()
            self._turns.stirred = lambda: None
            self._clock.drive(None)

    async def _advance(self, to: datetime) -> None:
        """While it moves, nobody looks: half of what one look sees would be of the moment before."""
        self._around.hold()
        try:
            await self._clock.advance(to)
        finally:
            self._around.release()
        self.moments += 1

    async def _next(self) -> datetime:
        moments = [self._to, await asyncio.to_thread(self._around.next_event), self._clock.next_due]
        return min(moment for moment in moments if moment is not None)

    async def _paced(self, to: datetime) -> bool:
        """Wait until the wall clock allows the moment; False when something else is wanted or to be done meanwhile."""
        while not (self._ending or self.paused):
            if self._speed is None:
                return True
            began, stood = self._anchor
            left = (to - stood).total_seconds() / self._speed - (self._wall() - began)
            if left <= 0:
                return True
            await self._rest(left)
            if not self._is_settled() or (self._clock.next_due or to) < to:
                return False
        return False

    async def _settle(self) -> None:
        while not self._is_settled():
            await self._rest(LOOK_S)

    def _is_settled(self) -> bool:
        """One step towards it, where there is one to take: a Delay that ends, then a start, each alone."""
        if self._around.awake() or self._turns.passing or self._clock.waking:
            return False
        if self._clock.wake_one_mover():
            return False
        self._clock.wake_others()
        scheduled, watching = self._around.scheduled(), self._around.watching()
        arrived = self._turns.waiting(scheduled=True), self._turns.waiting(scheduled=False)
        if arrived[0] < scheduled or (watching and not arrived[1]):
            return False  # more may want to start at this moment
        if any(arrived):
            self._turns.let_one_pass()
            return False
        return not watching and not scheduled

    async def _rest(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._stirred.wait()
        self._stirred.clear()
