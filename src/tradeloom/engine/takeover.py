"""Executions whose engine is gone: found at the start and from time to time, and gone on with."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final

from tradeloom.engine.journal import Execution, Journal
from tradeloom.errors import StorageUnavailable, TradeloomError

log: Final = logging.getLogger(__name__)

EVERY_S: Final = 15.0
"""How often executions of engines that died are looked for. The database may learn of a death after our own start."""
FIRST_S: Final = 1.0


class Takeover:
    """`go_on` goes on with a claimed execution; whether there was anything left of it to do."""

    def __init__(self, journal: Journal, go_on: Callable[[Execution], Awaitable[bool]]) -> None:
        self._journal = journal
        self._go_on = go_on
        self._claimed: list[Execution] = []
        self._soon = asyncio.Event()
        self._keeping: asyncio.Task[None] | None = None

    async def begin(self) -> list[str]:
        """Look now and from then on; ids of those gone on with now. Raises `StorageUnavailable`."""
        resumed = await self._look()
        if self._keeping is None:
            self._keeping = asyncio.ensure_future(self._keep_looking())
        return resumed

    def remember(self, row: Execution) -> None:
        """One of ours that may have been made or reopened and that nobody goes on with: the next look, which is soon,
        does if so."""
        self._claimed.append(row)
        self._soon.set()

    def close(self) -> None:
        if self._keeping is not None:
            self._keeping.cancel()

    async def _keep_looking(self) -> None:
        pause_s = FIRST_S
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(pause_s):
                    await self._soon.wait()
            self._soon.clear()
            pause_s = EVERY_S
            try:
                await self._look()
            except TradeloomError as error:
                log.warning("executions of other engines cannot be looked for: %s", error)
            except Exception:
                log.exception("executions of other engines cannot be looked for")

    async def _look(self) -> list[str]:
        """What is ours and could not be read yet comes first the next time."""
        rows = await self._journal.claim()
        # Who queued goes on queueing behind those that ran.
        self._claimed += sorted(rows, key=lambda row: row.status == "PENDING")
        resumed = []
        while self._claimed:
            row = self._claimed[0]
            try:
                if await self._go_on(row):
                    resumed.append(row.id)
            except StorageUnavailable:
                raise
            except Exception:
                log.exception("execution %s cannot go on", row.id)
            self._claimed.pop(0)
        return resumed
