"""Starts the machine's own servers again when one of them dies: a kill of any process costs a pause, not the run."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any, Final, Protocol

from tradeloom.errors import TradeloomError

log: Final = logging.getLogger(__name__)

LOOK_S: Final = 1.0
LONGEST_PAUSE_S: Final = 30.0


class Bridge(Protocol):
    def alive(self) -> bool: ...
    def revive(self) -> None: ...


class Server(Protocol):
    def stop(self) -> None: ...
    def start(self) -> str: ...


class Keeper:
    """`ping` raises a `TradeloomError` while the database does not answer."""

    def __init__(
        self, bridge: Bridge, database: Server, ping: Callable[[], Awaitable[Any]], *, look_s: float = LOOK_S
    ) -> None:
        self._bridge = bridge
        self._database = database
        self._ping = ping
        self._look_s = look_s

    async def keep(self) -> None:
        """Look after both, for ever."""
        await asyncio.gather(
            self._watched("bridge", self._bridge_lives, self._bridge.revive),
            self._watched("PostgreSQL", self._database_lives, self._restart_database),
        )

    async def _watched(self, name: str, lives: Callable[[], Awaitable[bool]], revive: Callable[[], None]) -> None:
        pause = self._look_s
        while True:
            await asyncio.sleep(pause)
            if await lives():
                pause = self._look_s
                continue
            log.error("%s is gone; starting it again", name)
            try:
                await asyncio.to_thread(revive)
                log.warning("%s is back", name)
            except (TradeloomError, OSError) as error:
                pause = min(pause * 2, LONGEST_PAUSE_S)
                log.error("%s does not start: %s; trying again in %g s", name, error, pause)

    async def _bridge_lives(self) -> bool:
        return self._bridge.alive()

    async def _database_lives(self) -> bool:
        """Two silent pings: one may be a hiccup."""
        for _ in range(2):
            try:
                await self._ping()
            except TradeloomError:
                continue
            return True
        return False

    def _restart_database(self) -> None:
        """Stopping lets go of what the dead server left; it may have nothing to stop."""
        try:
            self._database.stop()
        except Exception as error:  # pg_ctl fails in its own ways on a server that is gone
            log.info("the dead server could not be stopped: %s", error)
        self._database.start()
