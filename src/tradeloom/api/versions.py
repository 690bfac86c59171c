"""A workflow's versions: list, read, and go back to one."""

from typing import Annotated, Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Path

from tradeloom.api.models.versions import WorkflowVersionDetail, WorkflowVersionList
from tradeloom.api.models.workflows import WorkflowDetail
from tradeloom.api.routing import PREFIX, Id, Routes, answers
from tradeloom.api.workflows import IfMatch, detail_reply, expected_version
from tradeloom.compiler.compile import compile_workflow

router = Routes()

Version = Annotated[str, Path(description="The version's sha256.", min_length=1, max_length=64)]
_TAGS = ["versions"]


@router.get(
    f"{PREFIX}/workflows/<id>/versions",
    summary="List a workflow's versions",
    operation_id="listVersions",
    tags=_TAGS,
    **answers(WorkflowVersionList, 404),
)
def listing(id: Id) -> WorkflowVersionList:
    return router.ports.versions.of_workflow(router.caller.tenant, id)


@router.get(
    f"{PREFIX}/workflows/<id>/versions/<version>",
    summary="Read a version",
    operation_id="getVersion",
    tags=_TAGS,
    **answers(WorkflowVersionDetail, 404),
)
def read(id: Id, version: Version) -> WorkflowVersionDetail:
    return router.ports.versions.get(router.caller.tenant, id, version)


@router.post(
    f"{PREFIX}/workflows/<id>/versions/<version>/restore",
    summary="Go back to a version",
    description="Saves the version's document again, as a PUT of it does: it is checked anew, becomes the newest, and "
    "an active workflow goes on with it.",
    operation_id="restoreVersion",
    tags=_TAGS,
    **answers(WorkflowDetail, 404, 409, 428),
)
def restore(id: Id, version: Version, if_match: IfMatch = None) -> Response[Any]:
    tenant = router.caller.tenant
    expected = expected_version(if_match)
    compiled = compile_workflow(router.ports.versions.get(tenant, id, version).document)
    return detail_reply(router.ports.workflows.replace(tenant, id, compiled, expected))
