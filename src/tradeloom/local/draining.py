"""A machine that is to stop ends what it is in the middle of, within a bound, and begins nothing new.

Whatever is not begun, or does not get done in time, is in the journal as it stood: the next start goes on with it.
"""

import asyncio
import logging
from typing import Final

from tradeloom.local.machine import Machine

log: Final = logging.getLogger(__name__)


async def drained(machine: Machine, *, within_s: float, hurry: asyncio.Event) -> bool:
    """Whether every task that was begun is done. Returns after `within_s`, or once `hurry` is set, all the same."""
    machine.status.stopping = True
    await machine.scheduler.close()
    await machine.watcher.close()
    running = len(machine.engine.running)
    log.info("stopping: %d executions go on at the next start, tasks under way have %g s", running, within_s)
    done, hurried = asyncio.ensure_future(machine.drain()), asyncio.ensure_future(hurry.wait())
    await asyncio.wait({done, hurried}, timeout=within_s, return_when=asyncio.FIRST_COMPLETED)
    clean = done.done()
    for task in (done, hurried):
        task.cancel()
    await asyncio.gather(done, hurried, return_exceptions=True)
    if not clean:
        log.warning("stopping with tasks under way: they are begun again, or asked for, at the next start")
    return clean
