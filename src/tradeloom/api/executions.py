"""Executions: start one, list a workflow's, read one, its log, stop it."""

from typing import Annotated

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Body, Query
from pydantic import AwareDatetime

from tradeloom.api.models.decisions import Decisions
from tradeloom.api.models.executions import (
    FINISHED,
    Execute,
    Execution,
    ExecutionDocument,
    ExecutionPage,
    ExecutionQuery,
    ExecutionStatus,
    LogPage,
)
from tradeloom.api.routing import PREFIX, Id, Limit, Offset, Routes, answers, reply

router = Routes()
_TAGS = ["executions"]

Status = Annotated[ExecutionStatus | None, Query(description="Only those in this state.")]
Since = Annotated[AwareDatetime | None, Query(description="Only those that were started then or later.")]
Before = Annotated[AwareDatetime | None, Query(description="Only those that were started earlier.")]


@router.post(
    f"{PREFIX}/workflows/<id>/execute",
    summary="Start a workflow once",
    description="Answers 202 while it runs, and 200 when it ended within `wait_s`. An inactive workflow can be started "
    "this way too.",
    operation_id="executeWorkflow",
    tags=_TAGS,
    status_code=202,
    **answers(
        Execution,
        404,
        409,
        502,
        504,
        status=202,
        said="Started; read it at its Location.",
        also={200: "It has ended."},
        body=True,
    ),
)
def execute(id: Id, wanted: Annotated[Execute | None, Body()] = None) -> Response[Execution]:
    who = router.caller
    return started(router.ports.executions.start(who.tenant, who.user, id, wanted or Execute()))


def started(made: Execution) -> Response[Execution]:
    """The answer about an execution that goes on: 202 while it does, 200 once it has ended."""
    status = 200 if made.status in FINISHED else 202
    return reply(made, status=status, headers={"Location": f"{PREFIX}/executions/{made.id}"})


@router.get(
    f"{PREFIX}/workflows/<id>/executions",
    summary="List a workflow's executions",
    operation_id="listExecutions",
    tags=_TAGS,
    **answers(ExecutionPage, 404),
)
def listing(
    id: Id,
    limit: Limit = 50,
    offset: Offset = 0,
    status: Status = None,
    since: Since = None,
    before: Before = None,
) -> ExecutionPage:
    wanted = ExecutionQuery(workflow_id=id, status=status, since=since, before=before)
    return router.ports.executions.page(router.caller.tenant, wanted, limit=limit, offset=offset)


@router.get(
    f"{PREFIX}/executions",
    summary="List executions of all workflows",
    operation_id="listAllExecutions",
    tags=_TAGS,
    **answers(ExecutionPage),
)
def every(
    limit: Limit = 50,
    offset: Offset = 0,
    status: Status = None,
    since: Since = None,
    before: Before = None,
) -> ExecutionPage:
    wanted = ExecutionQuery(status=status, since=since, before=before)
    return router.ports.executions.page(router.caller.tenant, wanted, limit=limit, offset=offset)


@router.get(
    f"{PREFIX}/executions/<id>",
    summary="Read an execution with its node runs",
    operation_id="getExecution",
    tags=_TAGS,
    **answers(Execution, 404),
)
def read(id: Id) -> Execution:
    return router.ports.executions.get(router.caller.tenant, id)


@router.get(
    f"{PREFIX}/executions/<id>/document",
    summary="Read the document an execution runs",
    description="That of its version, as it was when it started; in a debugging session it need never have been saved.",
    operation_id="getExecutionDocument",
    tags=_TAGS,
    **answers(ExecutionDocument, 404),
)
def document(id: Id) -> ExecutionDocument:
    return router.ports.executions.document(router.caller.tenant, id)


@router.get(
    f"{PREFIX}/executions/<id>/decisions",
    summary="Why an execution did not trade",
    description="The nodes at which the ways to its trading nodes ended, with the conditions they judged and the "
    "values they saw.",
    operation_id="getExecutionDecisions",
    tags=_TAGS,
    **answers(Decisions, 404),
)
def decisions(id: Id) -> Decisions:
    return router.ports.executions.decisions(router.caller.tenant, id)


@router.get(
    f"{PREFIX}/executions/<id>/logs",
    summary="Read an execution's log",
    operation_id="getExecutionLogs",
    tags=_TAGS,
    **answers(LogPage, 404),
)
def logs(
    id: Id,
    after: Annotated[int, Query(description="Only lines with a larger `seq`.", ge=0, le=2**53)] = 0,
    limit: Limit = 200,
) -> LogPage:
    return router.ports.executions.logs(router.caller.tenant, id, after=after, limit=limit)


@router.post(
    f"{PREFIX}/executions/<id>/stop",
    summary="Stop an execution",
    description="Nothing new starts and no effect begins; what runs finishes. "
    "An execution that has ended stays as it is.",
    operation_id="stopExecution",
    tags=_TAGS,
    **answers(Execution, 404),
)
def stop(id: Id) -> Execution:
    who = router.caller
    return router.ports.executions.stop(who.tenant, who.user, id)
