"""Schedules: when a workflow starts next, and a preview of a configuration that is not saved."""

from typing import Annotated

from aws_lambda_powertools.event_handler.openapi.params import Body, Query

from tradeloom.api.models.schedules import MAX_COUNT, SchedulePreview, SchedulePreviewRequest, WorkflowSchedule
from tradeloom.api.routing import PREFIX, Id, Routes, answers

router = Routes()
_TAGS = ["schedules"]

Count = Annotated[int, Query(description="How many fire times of each schedule.", ge=1, le=MAX_COUNT)]


@router.get(
    f"{PREFIX}/workflows/<id>/schedule",
    summary="Tell when schedules start a workflow next",
    description="On its account's market clock, in UTC and on each schedule's own clock, with what daylight saving "
    "skips and doubles; and schedules that were set aside because they fail.",
    operation_id="getWorkflowSchedule",
    tags=_TAGS,
    **answers(WorkflowSchedule, 404),
)
def read(id: Id, count: Count = 10) -> WorkflowSchedule:
    return router.ports.schedules.of_workflow(router.caller.tenant, id, count)


@router.post(
    f"{PREFIX}/schedules/preview",
    summary="Tell when a configuration would fire",
    description="A configuration that is wrong is no error: `problems` names its fields.",
    operation_id="previewSchedule",
    tags=_TAGS,
    **answers(SchedulePreview, body=True),
)
def preview(wanted: Annotated[SchedulePreviewRequest, Body()]) -> SchedulePreview:
    return router.ports.schedules.preview(router.caller.tenant, wanted)
