"""A machine that is to stop ends what it is in the middle of, within a bound, and begins nothing new.

Whatever is not begun, or does not get done in time, is in the journal as it stood: the next start goes on with it.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any, Final, Protocol

log: Final = logging.getLogger(__name__)


class Status(Protocol):
    stopping: bool


class Closes(Protocol):
    async def close(self) -> None: ...


class Machine(Protocol):
    """The parts of a machine that matter when it stops. `drain` returns once every task that was begun is done."""

    @property
    def status(self) -> Status: ...
    @property
    def scheduler(self) -> Closes: ...
    @property
    def watcher(self) -> Closes: ...
    @property
    def drain(self) -> Callable[[], Awaitable[Any]]: ...


async def drained(machine: Machine, *, within_s: float, hurry: asyncio.Event) -> bool:
    """Whether every task that was begun is done. Returns after `within_s`, or once `hurry` is set, all the same."""
    machine.status.stopping = True
    await machine.scheduler.close()
    await machine.watcher.close()
    log.info("stopping: tasks under way have %g s", within_s)
    done, hurried = asyncio.ensure_future(machine.drain()), asyncio.ensure_future(hurry.wait())
    await asyncio.wait({done, hurried}, timeout=within_s, return_when=asyncio.FIRST_COMPLETED)
    clean = done.done()
    for task in (done, hurried):
        task.cancel()
    await asyncio.gather(done, hurried, return_exceptions=True)
    if not clean:
        log.warning("stopping with tasks under way: they are begun again, or asked for, at the next start")
    return clean
