"""What the routes of every resource share: the caller and the ports of the request, and the answers they declare."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Annotated, Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Path, Query
from aws_lambda_powertools.event_handler.router import APIGatewayHttpRouter
from pydantic import BaseModel

from tradeloom.api.addresses import MAX_ITEMS, MAX_OFFSET
from tradeloom.api.addresses import PREFIX as PREFIX
from tradeloom.api.caller import Caller
from tradeloom.api.errors import ErrorAnswer
from tradeloom.api.ports import Ports

Id = Annotated[str, Path(description="The object's id.", min_length=1, max_length=64)]
Limit = Annotated[int, Query(description="At most how many.", ge=1, le=MAX_ITEMS)]
Offset = Annotated[int, Query(description="How many to leave out from the start.", ge=0, le=MAX_OFFSET)]


class Routes(APIGatewayHttpRouter):
    """The routes of one resource, with what a request brings: who asks, and the adapters that serve it."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]

    @property
    def ports(self) -> Ports:
        found: Ports = self.context["ports"]
        return found

    @property
    def caller(self) -> Caller:
        """The resolver lets no request without one reach a route."""
        found: Caller = self.context["caller"]
        return found


_SAID = {
    400: "The body cannot be read.",
    401: "No valid bearer token.",
    404: "No such object: it is not there, or it is another tenant's.",
    405: "This address does not take the method: a part of it is missing.",
    409: "Another change came first, or the object's state does not allow it.",
    413: "The body is too large.",
    415: "The body is not application/json.",
    422: "Something in the request is wrong; `problems` has all of it.",
    429: "One more than the tenant's tier, or this address, takes now.",
    428: "The request does not say which version it changes.",
    500: "Something failed that should not have.",
    502: "The broker or its bridge failed.",
    503: "A part of the system is not available at the moment.",
    504: "A part of the system did not answer in time.",
}
_ALWAYS = (401, 405, 422, 500, 503)
_WITH_BODY = (400, 413, 415)


def answers(
    model: type[BaseModel] | None,
    *errors: int,
    status: int = 200,
    said: str = "Done.",
    also: Mapping[int, str] | None = None,
    body: bool = False,
) -> dict[str, Any]:
    """Keyword arguments of a route: its successes (`also` are further ones of the same shape) and the errors it can
    answer with, all typed."""
    responses: dict[int, Any] = {}
    for code, description in {status: said, **(also or {})}.items():
        responses[code] = {"description": description}
        if model is not None:
            responses[code]["content"] = {"application/json": {"model": model}}
    for code in sorted({*_ALWAYS, *errors, *(_WITH_BODY if body else ())}):
        responses[code] = {"description": _SAID[code], "content": {"application/json": {"model": ErrorAnswer}}}
    return {"responses": responses}


def reply(body: BaseModel, *, status: int = HTTPStatus.OK, headers: Mapping[str, str] | None = None) -> Response[Any]:
    return Response(
        status_code=int(status),
        content_type="application/json",
        body=body.model_dump(mode="json"),
        headers=dict(headers or {}),
    )
