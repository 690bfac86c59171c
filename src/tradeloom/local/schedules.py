"""The API's schedules on the local stores and market clocks."""

import asyncio
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from tradeloom.api.fire_times import read_schedule, upcoming
from tradeloom.api.models.schedules import (
    NodeSchedule,
    ScheduleFailure,
    SchedulePreview,
    SchedulePreviewRequest,
    WorkflowSchedule,
)
from tradeloom.engine.clock import Clock
from tradeloom.engine.schedules import WHOLE_WORKFLOW, ScheduleFault, ScheduleStore
from tradeloom.engine.stores import Blobs, WorkflowStore
from tradeloom.engine.watched_schedule import is_schedule, kept_node
from tradeloom.errors import TradeloomError
from tradeloom.local.bridging import OnLoop


class LocalSchedules:
    def __init__(
        self,
        on_loop: OnLoop,
        *,
        workflows: WorkflowStore,
        schedules: ScheduleStore,
        blobs: Blobs,
        clock_for_account: Callable[[str], Clock],
    ) -> None:
        self._on_loop = on_loop
        self._workflows = workflows
        self._schedules = schedules
        self._blobs = blobs
        self._clock_for_account = clock_for_account

    def of_workflow(self, tenant: str, workflow_id: str, count: int) -> WorkflowSchedule:
        return self._on_loop(self._of_workflow(tenant, workflow_id, count))

    def preview(self, tenant: str, wanted: SchedulePreviewRequest) -> SchedulePreview:
        now = datetime.now(UTC) if wanted.account is None else self._clock_for_account(wanted.account).now()
        after = (wanted.after or now).astimezone(UTC)
        schedule, problems = read_schedule(wanted.config)
        fires = [] if schedule is None else upcoming(schedule, after, wanted.count)
        return SchedulePreview(after=after, fires=fires, problems=problems)

    async def _of_workflow(self, tenant: str, workflow_id: str, count: int) -> WorkflowSchedule:
        workflow = await self._workflows.workflow(tenant, workflow_id)
        wanted = workflow.active_version or workflow.version
        version = await self._workflows.version(tenant, workflow_id, wanted)
        clock = self._clock_for_account(version.account)
        faults = {fault.node: fault for fault in await self._schedules.faults(tenant, workflow_id)}
        failure = faults.get(WHOLE_WORKFLOW)
        try:
            artefact = await asyncio.to_thread(self._blobs.artefact, wanted)
        except TradeloomError:
            if failure is None:
                raise
            artefact = {"document": {"nodes": []}}
        items = []
        for node in filter(is_schedule, artefact["document"]["nodes"]):
            last = await self._schedules.last_fire(tenant, workflow_id, kept_node(node["id"], clock))
            items.append(_item(node, clock.now(), count, last, faults.get(node["id"])))
        return WorkflowSchedule(
            active=workflow.active,
            version=wanted,
            account=version.account,
            now=clock.now(),
            items=items,
            failure=failure_of(failure),
        )


def _item(
    node: Mapping[str, Any], now: datetime, count: int, last: datetime | None, fault: ScheduleFault | None
) -> NodeSchedule:
    name, failure = node.get("name") or node["id"], failure_of(fault)
    schedule, problems = read_schedule(node.get("config") or {}, node=node["id"])
    if schedule is None:
        return NodeSchedule(node=node["id"], name=name, failure=failure, problems=problems)
    return NodeSchedule(
        node=node["id"],
        name=name,
        kind=schedule.kind,
        expression=schedule.expression,
        time_zone=schedule.time_zone,
        fires=upcoming(schedule, now, count),
        last_fire=last,
        failure=failure,
    )


def failure_of(fault: ScheduleFault | None) -> ScheduleFailure | None:
    """As the API shows it."""
    if fault is None:
        return None
    return ScheduleFailure(
        node=fault.node,
        failures=fault.failures,
        error=fault.error,
        reason=fault.reason,
        failed_at=fault.failed_at,
        until=fault.until,
    )
