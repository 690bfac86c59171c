"""Fires `trigger.schedule` nodes of active workflows on their account's market clock, each fire time once."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from tradeloom.engine.active import active_nodes, active_workflows
from tradeloom.engine.clock import Clock
from tradeloom.engine.dispatcher import Dispatcher, Overlap, StartCommand
from tradeloom.engine.interpreter.times import timestamp
from tradeloom.engine.schedules import ScheduleStore
from tradeloom.engine.stores import Blobs, WorkflowRecord, WorkflowStore
from tradeloom.errors import StorageUnavailable, TradeloomError

log: Final = logging.getLogger(__name__)

SCHEDULE: Final = "trigger.schedule"
MAX_AGE: Final = timedelta(seconds=90)
"""A fire that could not be seen to within this time is missed: a stale signal does not trade."""
RETRY_S: Final = 1.0

NextFires = Callable[[Mapping[str, Any], datetime, int], list[datetime]]
"""The next `n` fire times of a schedule node's config strictly after a time, oldest first."""


@dataclass(frozen=True, slots=True)
class Schedule:
    tenant: str
    workflow_id: str
    node: str
    config: Mapping[str, Any]
    account: str


class Scheduler:
    """Two schedulers may run on one database: the dedupe key of a fire time lets one of them start it."""

    def __init__(
        self,
        *,
        workflows: WorkflowStore,
        schedules: ScheduleStore,
        blobs: Blobs,
        dispatcher: Dispatcher,
        clock_for_account: Callable[[str], Clock],
        next_fires: NextFires,
        overlap: Callable[[Mapping[str, Any]], Overlap] = lambda config: "allow",
        tenant: str = "local",
    ) -> None:
        self._workflows = workflows
        self._schedules = schedules
        self._blobs = blobs
        self._dispatcher = dispatcher
        self._clock_for_account = clock_for_account
        self._next_fires = next_fires
        self._overlap = overlap
        self._tenant = tenant
        self._watching: dict[tuple[str, str], list[asyncio.Task[None]]] = {}

    async def start(self) -> None:
        """Watch every active workflow; fires missed by less than `MAX_AGE` while nobody watched are made up for."""
        async for workflow in active_workflows(self._workflows, self._tenant):
            await self._watch(workflow, fresh=False)

    async def refresh(self, tenant: str, workflow_id: str) -> None:
        """A workflow was activated, deactivated or deleted. Nothing from before its activation fires."""
        self._forget(tenant, workflow_id)
        try:
            workflow = await self._workflows.workflow(tenant, workflow_id)
        except TradeloomError:
            return
        if workflow.active:
            await self._watch(workflow, fresh=True)

    async def close(self) -> None:
        for tenant, workflow_id in list(self._watching):
            self._forget(tenant, workflow_id)

    @property
    def watched(self) -> list[tuple[str, str]]:
        """(tenant, workflow) of the workflows with schedules."""
        return [key for key, tasks in self._watching.items() if any(not task.done() for task in tasks)]

    def _forget(self, tenant: str, workflow_id: str) -> None:
        for task in self._watching.pop((tenant, workflow_id), []):
            task.cancel()

    async def _watch(self, workflow: WorkflowRecord, *, fresh: bool) -> None:
        tasks = []
        for schedule in await self._schedules_of(workflow):
            clock = self._clock_for_account(schedule.account)
            if fresh or await self._schedules.last_fire(*_key(schedule, clock)) is None:
                await self._schedules.set_last_fire(*_key(schedule, clock), clock.now())
            tasks.append(asyncio.ensure_future(self._fire(schedule, clock)))
        if tasks:
            self._watching[workflow.tenant, workflow.id] = tasks

    async def _schedules_of(self, workflow: WorkflowRecord) -> list[Schedule]:
        account, nodes = await active_nodes(workflow, self._workflows, self._blobs)
        return [
            Schedule(workflow.tenant, workflow.id, node["id"], node.get("config", {}), account)
            for node in nodes
            if node["type"] == SCHEDULE
        ]

    async def _fire(self, schedule: Schedule, clock: Clock) -> None:
        key = _key(schedule, clock)
        try:
            last = await self._schedules.last_fire(*key) or clock.now()
            while True:
                last = max(last, clock.now() - MAX_AGE)
                due = next(iter(self._next_fires(schedule.config, last, 1)), None)
                if due is None:
                    return
                await clock.sleep_until(due)
                await self._dispatch(schedule, clock, due)
                await self._schedules.set_last_fire(*key, due)
                last = due
        except TradeloomError as error:
            log.error("the schedule %s of workflow %s stopped: %s", schedule.node, schedule.workflow_id, error)
        except Exception:
            log.exception("the schedule %s of workflow %s stopped", schedule.node, schedule.workflow_id)

    async def _dispatch(self, schedule: Schedule, clock: Clock, due: datetime) -> None:
        """Start the workflow for one fire time, trying again while storage is away and the time is not past."""
        replay = f"{clock.session}:" if clock.session else ""
        command = StartCommand(
            tenant=schedule.tenant,
            workflow_id=schedule.workflow_id,
            trigger=schedule.node,
            payload={"scheduled_at": timestamp(due)},
            dedupe_key=f"schedule:{schedule.node}:{replay}{timestamp(due)}",
            overlap=self._overlap(schedule.config),
            expires=due + MAX_AGE,
        )
        while True:
            try:
                dispatched = await self._dispatcher.dispatch(command)
            except StorageUnavailable as error:
                log.warning("the schedule %s waits for storage: %s", schedule.node, error)
                await asyncio.sleep(RETRY_S)
                continue
            if dispatched.verdict == "skipped":
                log.info("the schedule %s did not start %s: %s", schedule.node, schedule.workflow_id, dispatched.reason)
            return


def _key(schedule: Schedule, clock: Clock) -> tuple[str, str, str]:
    """Where the last fire is kept: a replay has its own, since its times come again."""
    node = f"{schedule.node}@{clock.session}" if clock.session else schedule.node
    return schedule.tenant, schedule.workflow_id, node
