"""Debugging step by step: start a session, read where it is paused, say how it goes on."""

from typing import Annotated

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Body

from tradeloom.api.models.debugging import DebugCommand, DebugSession, StartDebugging
from tradeloom.api.routing import PREFIX, Id, Routes, answers, reply

router = Routes()
_TAGS = ["debugging"]


@router.post(
    f"{PREFIX}/workflows/<id>/debug",
    summary="Debug a workflow step by step",
    description="Runs it in test mode through the real engine; it pauses before nodes. A session in which nobody does "
    "anything for half an hour is stopped.",
    operation_id="debugWorkflow",
    tags=_TAGS,
    status_code=201,
    **answers(DebugSession, 404, 409, 429, 502, 504, status=201, said="Started.", body=True),
)
def start(id: Id, wanted: Annotated[StartDebugging | None, Body()] = None) -> Response[DebugSession]:
    who = router.caller
    made = router.ports.debugging.start(who.tenant, who.user, id, wanted or StartDebugging())
    return reply(made, status=201, headers={"Location": f"{PREFIX}/executions/{made.execution.id}/debug"})


@router.get(
    f"{PREFIX}/executions/<id>/debug",
    summary="Read where a debugged execution is paused",
    operation_id="getDebugSession",
    tags=_TAGS,
    **answers(DebugSession, 404, 409),
)
def session(id: Id) -> DebugSession:
    return router.ports.debugging.session(router.caller.tenant, id)


@router.post(
    f"{PREFIX}/executions/<id>/debug",
    summary="Say how a paused execution goes on",
    operation_id="commandDebugSession",
    tags=_TAGS,
    **answers(DebugSession, 404, 409, body=True),
)
def command(id: Id, wanted: Annotated[DebugCommand, Body()]) -> DebugSession:
    who = router.caller
    return router.ports.debugging.command(who.tenant, who.user, id, wanted)
