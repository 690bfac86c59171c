"""Credentials: what is written here can be replaced and deleted, never read."""

from typing import Annotated, Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Body, Query

from tradeloom.api.models.credentials import (
    CredentialDetail,
    CredentialKinds,
    CredentialPage,
    NewCredential,
    ReplacedCredential,
)
from tradeloom.api.routing import PREFIX, Id, Limit, Offset, Routes, answers, reply

router = Routes()

EvenIfUsed = Annotated[bool, Query(description="Delete it although workflows name it: those nodes will fail.")]
_TAGS = ["credentials"]


@router.get(
    f"{PREFIX}/credential-kinds",
    summary="List the kinds of credentials",
    operation_id="listCredentialKinds",
    tags=_TAGS,
    **answers(CredentialKinds),
)
def kinds() -> CredentialKinds:
    return router.ports.credentials.kinds()


@router.post(
    f"{PREFIX}/credentials",
    summary="Add a credential",
    description="Its values are sealed and given to the nodes that name it; no answer holds them.",
    operation_id="createCredential",
    tags=_TAGS,
    status_code=201,
    **answers(CredentialDetail, 409, status=201, said="The credential, without its values.", body=True),
)
def create(wanted: Annotated[NewCredential, Body()]) -> Response[Any]:
    made = router.ports.credentials.create(router.caller.tenant, wanted)
    return reply(made, status=201, headers={"Location": f"{PREFIX}/credentials/{made.id}"})


@router.get(
    f"{PREFIX}/credentials",
    summary="List credentials",
    operation_id="listCredentials",
    tags=_TAGS,
    **answers(CredentialPage),
)
def listing(limit: Limit = 50, offset: Offset = 0) -> CredentialPage:
    return router.ports.credentials.page(router.caller.tenant, limit=limit, offset=offset)


@router.get(
    f"{PREFIX}/credentials/<id>",
    summary="Read what is known of a credential",
    description="Its name, kind, which fields are set, and which workflows name it. Never a value.",
    operation_id="getCredential",
    tags=_TAGS,
    **answers(CredentialDetail, 404),
)
def read(id: Id) -> CredentialDetail:
    return router.ports.credentials.get(router.caller.tenant, id)


@router.put(
    f"{PREFIX}/credentials/<id>",
    summary="Change a credential",
    description="Sets the fields given. Where one changes that is not secret, such as a host, give the secret ones "
    "again.",
    operation_id="replaceCredential",
    tags=_TAGS,
    **answers(CredentialDetail, 404, 409, body=True),
)
def replace(id: Id, wanted: Annotated[ReplacedCredential, Body()]) -> CredentialDetail:
    return router.ports.credentials.replace(router.caller.tenant, id, wanted)


@router.delete(
    f"{PREFIX}/credentials/<id>",
    summary="Delete a credential",
    operation_id="deleteCredential",
    tags=_TAGS,
    status_code=204,
    **answers(None, 404, 409, status=204, said="Deleted."),
)
def delete(id: Id, even_if_used: EvenIfUsed = False) -> Response[None]:
    router.ports.credentials.delete(router.caller.tenant, id, even_if_used=even_if_used)
    return Response(status_code=204)
