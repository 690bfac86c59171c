"""Time as a port. Delays run on the market clock of the execution's account; retries and time-outs on the wall."""

import asyncio
import heapq
from datetime import UTC, datetime, timedelta
from typing import Protocol

LONGEST_NAP_S = 60.0
"""The wall clock may be set while somebody sleeps, so it is looked at this often."""


class Clock(Protocol):
    session: str
    """Names a replay: its times may come again in another one. Empty for a clock that only goes forward."""

    def now(self) -> datetime:
        """The time, aware and in UTC."""
        ...

    async def sleep_until(self, due: datetime) -> None:
        """Return once `now() >= due`."""
        ...


class WallClock:
    session = ""

    def now(self) -> datetime:
        return datetime.now(UTC)

    async def sleep_until(self, due: datetime) -> None:
        while (left := (due - self.now()).total_seconds()) > 0:
            await asyncio.sleep(min(left, LONGEST_NAP_S))


class ManualClock:
    """A clock that stands until it is set: for tests, and for markets whose time is driven from outside."""

    def __init__(self, start: datetime, *, session: str = "") -> None:
        self.session = session
        self._now = start.astimezone(UTC)
        self._count = 0
        self._sleepers: list[tuple[datetime, int, asyncio.Future[None]]] = []

    def now(self) -> datetime:
        return self._now

    def set(self, at: datetime) -> None:
        """Move to `at`, which may not lie in the past, and wake whoever is due."""
        if at < self._now:
            raise ValueError(f"a market clock does not go back: {at} is before {self._now}")
        self._now = at.astimezone(UTC)
        while self._sleepers and self._sleepers[0][0] <= self._now:
            sleeper = heapq.heappop(self._sleepers)[2]
            if not sleeper.done():
                sleeper.set_result(None)

    def advance(self, by: timedelta) -> None:
        self.set(self._now + by)

    async def sleep_until(self, due: datetime) -> None:
        if due <= self._now:
            return
        sleeper: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._count += 1
        heapq.heappush(self._sleepers, (due, self._count, sleeper))
        await sleeper
