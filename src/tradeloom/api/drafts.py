"""Drafts, kept while somebody draws, and the compiler's word on a document that is not saved."""

from typing import Annotated, Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Body, Header

from tradeloom.api.bodies import WorkflowDocument
from tradeloom.api.errors import PreconditionRequired
from tradeloom.api.models.drafts import DraftState, KeepDraft, Verdict
from tradeloom.api.routing import PREFIX, Id, Routes, answers, reply
from tradeloom.compiler.compile import verdict

router = Routes()
_TAGS = ["workflows"]

IfMatch = Annotated[
    str | None,
    Header(alias="If-Match", description='The ETag of the draft this replaces, or "*" for whichever stands.'),
]
IfNoneMatch = Annotated[
    str | None, Header(alias="If-None-Match", description='"*" where there was no draft when the workflow was read.')
]


@router.post(
    f"{PREFIX}/workflows/validate",
    summary="Check a document",
    description="Compiles it and keeps nothing.",
    operation_id="validateWorkflow",
    tags=_TAGS,
    **answers(Verdict, body=True),
)
def validate(document: Annotated[WorkflowDocument, Body(description="A workflow document.")]) -> Verdict:
    compiled, problems = verdict(document.root)
    return Verdict(
        problems=problems,
        version=compiled.version if compiled else None,
        execution_type=compiled.execution_type if compiled else None,
    )


@router.get(
    f"{PREFIX}/workflows/<id>/draft",
    summary="Read a workflow's draft",
    operation_id="getDraft",
    tags=_TAGS,
    **answers(DraftState, 404),
)
def read(id: Id) -> Response[DraftState]:
    return _state(router.ports.drafts.get(router.caller.tenant, id))


@router.put(
    f"{PREFIX}/workflows/<id>/draft",
    summary="Keep a draft",
    description="Nothing runs of it by itself; it stays until it is discarded, as a client does that saved it.",
    operation_id="keepDraft",
    tags=_TAGS,
    **answers(DraftState, 404, 409, 428, body=True),
)
def keep(
    id: Id, draft: Annotated[KeepDraft, Body()], if_match: IfMatch = None, if_none_match: IfNoneMatch = None
) -> Response[DraftState]:
    who = router.caller
    wanted = (if_match or "").strip()
    if not wanted and (if_none_match or "").strip() != "*":
        raise PreconditionRequired(
            "A draft says which draft it replaces.",
            field="If-Match",
            hint="Send the ETag of the draft you read in If-Match, or If-None-Match: * where there was none.",
        )
    over = wanted.removeprefix('"').removesuffix('"') or None
    return _state(router.ports.drafts.keep(who.tenant, who.user, id, draft, over, whichever=wanted == "*"))


@router.delete(
    f"{PREFIX}/workflows/<id>/draft",
    summary="Discard a draft",
    operation_id="discardDraft",
    tags=_TAGS,
    status_code=204,
    **answers(None, 404, status=204, said="There is none any more."),
)
def discard(id: Id) -> Response[None]:
    router.ports.drafts.discard(router.caller.tenant, id)
    return Response(status_code=204)


def _state(state: DraftState) -> Response[Any]:
    return reply(state, headers={"ETag": f'"{state.draft.revision}"'} if state.draft else {})
