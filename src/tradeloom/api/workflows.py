"""Workflows: create, list, read, replace, delete, switch on and off."""

from typing import Annotated, Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Body, Header

from tradeloom.api.bodies import WorkflowDocument
from tradeloom.api.errors import PreconditionRequired
from tradeloom.api.models.workflows import SetTags, Toggle, WorkflowDetail, WorkflowPage
from tradeloom.api.routing import PREFIX, Id, Limit, Offset, Routes, answers, reply
from tradeloom.compiler.compile import compile_workflow
from tradeloom.errors import InvalidInput

router = Routes()

Document = Annotated[
    WorkflowDocument, Body(description="A workflow document. All that is wrong with it comes at once.")
]
IfMatch = Annotated[
    str | None,
    Header(alias="If-Match", description='The ETag of the version this replaces, or "*" for whichever stands.'),
]
_TAGS = ["workflows"]


@router.post(
    f"{PREFIX}/workflows",
    summary="Create a workflow",
    operation_id="createWorkflow",
    tags=_TAGS,
    status_code=201,
    **answers(WorkflowDetail, status=201, said="The workflow; its Location and ETag are in the headers.", body=True),
)
def create(document: Document) -> Response[WorkflowDetail]:
    made = router.ports.workflows.create(router.caller.tenant, compile_workflow(document.root))
    return detail_reply(made, status=201, location=f"{PREFIX}/workflows/{made.id}")


@router.get(
    f"{PREFIX}/workflows", summary="List workflows", operation_id="listWorkflows", tags=_TAGS, **answers(WorkflowPage)
)
def listing(limit: Limit = 50, offset: Offset = 0) -> WorkflowPage:
    return router.ports.workflows.page(router.caller.tenant, limit=limit, offset=offset)


@router.get(
    f"{PREFIX}/workflows/<id>",
    summary="Read a workflow",
    operation_id="getWorkflow",
    tags=_TAGS,
    **answers(WorkflowDetail, 404),
)
def read(id: Id) -> Response[WorkflowDetail]:
    return detail_reply(router.ports.workflows.get(router.caller.tenant, id))


@router.put(
    f"{PREFIX}/workflows/<id>",
    summary="Replace a workflow's document",
    description="Makes a new version, which an active workflow goes on with: what still runs of the one before may not "
    "trade any more.",
    operation_id="replaceWorkflow",
    tags=_TAGS,
    **answers(WorkflowDetail, 404, 409, 428, body=True),
)
def replace(id: Id, document: Document, if_match: IfMatch = None) -> Response[WorkflowDetail]:
    expected = expected_version(if_match)
    compiled = compile_workflow(document.root)
    return detail_reply(router.ports.workflows.replace(router.caller.tenant, id, compiled, expected))


@router.delete(
    f"{PREFIX}/workflows/<id>",
    summary="Delete a workflow",
    description="Its triggers start nothing any more, and what still runs is stopped. Past executions stay.",
    operation_id="deleteWorkflow",
    tags=_TAGS,
    status_code=204,
    **answers(None, 404, status=204, said="Deleted."),
)
def delete(id: Id) -> Response[None]:
    router.ports.workflows.delete(router.caller.tenant, id)
    return Response(status_code=204)


@router.post(
    f"{PREFIX}/workflows/<id>/toggle",
    summary="Switch a workflow on or off",
    operation_id="toggleWorkflow",
    tags=_TAGS,
    **answers(WorkflowDetail, 404, 409, body=True),
)
def toggle(id: Id, wanted: Annotated[Toggle | None, Body()] = None) -> Response[WorkflowDetail]:
    active = wanted.active if wanted is not None else None
    return detail_reply(router.ports.workflows.toggle(router.caller.tenant, id, active))


@router.put(
    f"{PREFIX}/workflows/<id>/tags",
    summary="Set a workflow's tags",
    description="Makes no version: what runs is not touched.",
    operation_id="setWorkflowTags",
    tags=_TAGS,
    **answers(WorkflowDetail, 404, body=True),
)
def set_tags(id: Id, wanted: Annotated[SetTags, Body()]) -> Response[WorkflowDetail]:
    return detail_reply(router.ports.workflows.set_tags(router.caller.tenant, id, wanted.tags))


def detail_reply(made: WorkflowDetail, *, status: int = 200, location: str | None = None) -> Response[Any]:
    headers = {"ETag": f'"{made.version}"'} | ({"Location": location} if location else {})
    return reply(made, status=status, headers=headers)


def expected_version(if_match: str | None) -> str | None:
    """The version an If-Match header names; None for `*`."""
    if if_match is None or not if_match.strip():
        raise PreconditionRequired(
            "A change names the version it replaces.",
            field="If-Match",
            hint="Send the ETag of the version you read in If-Match, or * to replace whichever stands.",
        )
    text = if_match.strip()
    if text == "*":
        return None
    bare = text.removeprefix('"').removesuffix('"')
    if not bare.isalnum() or len(bare) > 64:
        raise InvalidInput("If-Match names one ETag, as a GET gave it.", field="If-Match")
    return bare
