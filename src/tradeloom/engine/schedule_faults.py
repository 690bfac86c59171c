"""Schedules that fail. One that fails often enough in a row is set aside for a while, and a person is told."""

import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Final

from tradeloom.engine.clock import Clock
from tradeloom.engine.schedules import ScheduleFault, ScheduleStore
from tradeloom.errors import StorageUnavailable, TradeloomError

log: Final = logging.getLogger(__name__)

MOST_FAILURES: Final = 5
ASIDE: Final = timedelta(minutes=15)
LONGEST_ASIDE: Final = timedelta(hours=24)
LONGEST_REASON: Final = 500

OnQuarantine = Callable[[ScheduleFault], None]
Key = tuple[str, str, str]
"""Tenant, workflow, node."""


class FaultKeeper:
    """Counts in the store, so that a restart forgets nothing. A failure that cannot be written down does not count:
    then the database is what fails, and no schedule."""

    def __init__(self, store: ScheduleStore, wall: Clock, on_quarantine: OnQuarantine | None) -> None:
        self._store = store
        self._wall = wall
        self._on_quarantine = on_quarantine

    async def failed(self, key: Key, before: ScheduleFault | None, error: Exception) -> ScheduleFault:
        """One more failure of the schedule (tenant, workflow, node); set aside with the `MOST_FAILURES`th. Raises
        `StorageUnavailable`."""
        fault = self._fault(key, before, error)
        if fault.failures >= MOST_FAILURES:
            return await self._aside(fault)
        await self._store.keep_fault(fault)
        return fault

    async def unusable(self, key: Key, before: ScheduleFault | None, error: Exception) -> ScheduleFault:
        """Set aside at once what cannot be read at all. Raises `StorageUnavailable`."""
        return await self._aside(replace(self._fault(key, before, error), failures=MOST_FAILURES))

    async def recovered(self, fault: ScheduleFault) -> None:
        """It works again. What cannot be written down now is found out about with the next start."""
        try:
            await self._store.drop_fault(fault.tenant, fault.workflow_id, fault.node)
        except StorageUnavailable as error:
            log.warning("that the schedule %s works again cannot be kept: %s", fault.node, error)

    def tried_again(self, fault: ScheduleFault) -> ScheduleFault:
        """Its time has come: one more failure sets it aside again, for longer."""
        return replace(fault, failures=MOST_FAILURES - 1, until=None)

    def over(self, fault: ScheduleFault) -> bool:
        return fault.until is not None and fault.until <= self._wall.now()

    def _fault(self, key: Key, before: ScheduleFault | None, error: Exception) -> ScheduleFault:
        tenant, workflow_id, node = key
        known = isinstance(error, TradeloomError)
        name = error.name if isinstance(error, TradeloomError) else type(error).__name__
        message = str(error) if known else f"{name}: {error}"
        return ScheduleFault(
            tenant=tenant,
            workflow_id=workflow_id,
            node=node,
            failures=1 if before is None else before.failures + 1,
            rounds=0 if before is None else before.rounds,
            error=name,
            reason=message[:LONGEST_REASON],
            failed_at=self._wall.now(),
        )

    async def _aside(self, fault: ScheduleFault) -> ScheduleFault:
        rounds = fault.rounds + 1
        pause = min(ASIDE * 2 ** min(rounds - 1, 10), LONGEST_ASIDE)
        aside = replace(fault, rounds=rounds, until=fault.failed_at + pause)
        await self._store.keep_fault(aside)
        log.error(
            "the schedule %r of workflow %s is set aside until %s: %s",
            aside.node, aside.workflow_id, aside.until, aside.reason,
        )  # fmt: skip
        if self._on_quarantine is not None:
            self._on_quarantine(aside)
        return aside
