"""What is to happen when, on one clock: one heap and one sleeper, however much waits in it."""

import asyncio
import heapq
import logging
from collections.abc import Callable
from datetime import datetime
from itertools import count
from typing import Any, Final

from tradeloom.engine.clock import Clock

log: Final = logging.getLogger(__name__)

CLOCK_AGAIN_S: Final = 1.0


class Timeline[T]:
    """`begin` is told of everything that has come due at once, earliest first; it must not wait."""

    def __init__(self, clock: Clock, begin: Callable[[list[T]], None]) -> None:
        self._clock = clock
        self._begin = begin
        self._count = count()
        self._heap: list[tuple[datetime, int, T]] = []
        self._earlier = asyncio.Event()

    @property
    def due(self) -> bool:
        """Whether something has come due and was not begun yet."""
        return bool(self._heap) and self._heap[0][0] <= self._clock.now()

    def put(self, at: datetime, what: T) -> None:
        if not self._heap or at < self._heap[0][0]:
            self._earlier.set()
        heapq.heappush(self._heap, (at, next(self._count), what))

    async def run(self) -> None:
        """For ever. Cancel it to stop."""
        while True:
            self._earlier.clear()
            now = self._clock.now()
            due = []
            while self._heap and self._heap[0][0] <= now:
                due.append(heapq.heappop(self._heap)[2])
            if due:
                self._begin(due)
            await self._wait()

    async def _wait(self) -> None:
        """Until the first is due, or another one is first."""
        waits: list[asyncio.Task[Any]] = [asyncio.ensure_future(self._earlier.wait())]
        if self._heap:
            waits.append(asyncio.ensure_future(self._clock.sleep_until(self._heap[0][0])))
        try:
            done, _ = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in waits:
                task.cancel()
        for task in done:
            if not task.cancelled() and (error := task.exception()) is not None:
                log.error("the clock of schedules cannot be waited for: %s", error)
                await asyncio.sleep(CLOCK_AGAIN_S)
