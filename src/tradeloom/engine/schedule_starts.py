"""One fire of a schedule, from its moment to the word that it was seen to."""

import asyncio
import logging
from collections.abc import Callable
from typing import Final, Literal

from tradeloom.engine.dispatcher import INACTIVE, LATE, SUPERSEDED, Dispatched, Dispatches
from tradeloom.engine.errors import EngineClosed
from tradeloom.engine.interpreter.times import timestamp
from tradeloom.engine.schedule_faults import FaultKeeper
from tradeloom.engine.schedules import ScheduleStore
from tradeloom.engine.stores import WorkflowStore
from tradeloom.engine.watched_schedule import Watched, command_of
from tradeloom.errors import NotFound, StorageUnavailable
from tradeloom.workflow.firing import Fire

log: Final = logging.getLogger(__name__)

RETRY_S: Final = 1.0
LONGEST_RETRY_S: Final = 16.0
STORAGE_COUNTS: Final = 8
"""Of so many attempts in a row that end with `StorageUnavailable`, one counts as a failure: after more than a minute,
while failures can be written down, it is not the database that is away."""
AT_ONCE: Final = 16
"""Starts that are decided at the same time; further ones of the same moment come right after."""

Outcome = Literal["seen", "late", "changed", "left"]
"""Seen to, for good; too late, so that the misfire policy decides; the workflow is not what it was; left to be taken up
when the engine is back or the schedule's time aside is over."""


class Starter:
    """`on_fire` hears what came of each fire."""

    def __init__(
        self,
        dispatcher: Dispatches,
        workflows: WorkflowStore,
        schedules: ScheduleStore,
        faults: FaultKeeper,
        on_fire: Callable[[str], None],
    ) -> None:
        self._dispatcher = dispatcher
        self._workflows = workflows
        self._schedules = schedules
        self._faults = faults
        self._on_fire = on_fire
        self._turns = asyncio.Semaphore(AT_ONCE)

    async def see_to(self, watched: Watched, fire: Fire) -> Outcome:
        """Start the workflow. A failure is tried again until it is too late, and counts."""
        command, pause_s = command_of(watched, fire), RETRY_S
        attempts = 0
        while True:
            attempts += 1
            try:
                async with self._turns:
                    dispatched = await self._dispatcher.dispatch(command)
            except EngineClosed:
                return "left"
            except Exception as error:
                if isinstance(error, NotFound) and not await self._is_there(watched):
                    return "changed"
                counts = attempts % STORAGE_COUNTS == 0 or not isinstance(error, StorageUnavailable)
                if watched.gone or (counts and await self._set_aside(watched, error)):
                    return "left"
                if watched.clock.now() > fire.until:
                    self._on_fire("missed")
                    log.error("the schedule %s missed %s: %s", watched.node, timestamp(fire.due), error)
                    return "late"
                log.warning("the schedule %s tries again: %s", watched.node, error)
                await asyncio.sleep(pause_s)
                pause_s = min(pause_s * 2, LONGEST_RETRY_S)
            else:
                return await self._decided(watched, fire, dispatched)

    async def _decided(self, watched: Watched, fire: Fire, dispatched: Dispatched) -> Outcome:
        self._on_fire(dispatched.verdict)
        if dispatched.verdict == "skipped":
            log.info("the schedule %s did not start %s: %s", watched.node, watched.workflow_id, dispatched.reason)
        if dispatched.reason in (SUPERSEDED, INACTIVE):  # by another engine, or this very moment
            return "changed"
        if dispatched.reason == LATE:
            return "late"
        if watched.fault is not None:
            await self._faults.recovered(watched.fault)
            watched.fault = None
        watched.last = max(watched.last, fire.due)
        await self._keep_last(watched)
        return "seen"

    async def _set_aside(self, watched: Watched, error: Exception) -> bool:
        """Count a failure; whether the schedule is set aside with it."""
        try:
            watched.fault = await self._faults.failed(watched.key, watched.fault, error)
        except StorageUnavailable:
            return False
        if watched.fault.until is None:
            return False
        watched.fire = None
        return True

    async def _is_there(self, watched: Watched) -> bool:
        try:
            await self._workflows.workflow(watched.tenant, watched.workflow_id)
        except NotFound:
            return False
        except StorageUnavailable:
            pass
        return True

    async def _keep_last(self, watched: Watched) -> None:
        if watched.gone:
            return
        try:
            await self._schedules.set_last_fire(*watched.kept_as, watched.last)
        except StorageUnavailable as error:  # after a crash the start is found by its key
            log.warning("the last fire of the schedule %s cannot be kept: %s", watched.node, error)
