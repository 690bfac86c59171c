"""What only a request can do wrong, and the one shape every error is answered in."""

from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from tradeloom.errors import InvalidInput, NotFound, TradeloomError
from tradeloom.workflow.problems import Problem


class MalformedRequest(InvalidInput):
    """The request cannot be read: a body that is not JSON, say."""

    http_status = 400


class InvalidRequest(InvalidInput):
    """A request that can be read and holds wrong values. `problems` has them all."""

    def __init__(self, message: str, problems: list[dict[str, Any]], **where: Any) -> None:
        super().__init__(message, **where)
        self.problems = problems

    def as_dict(self) -> dict[str, Any]:
        return super().as_dict() | {"problems": self.problems}


class UnsupportedMediaType(InvalidInput):
    http_status = 415


class BodyTooLarge(InvalidInput):
    http_status = 413


class TooManyRequests(TradeloomError):
    """Somebody sends more than is taken. It may be sent again later."""

    http_status = 429
    retryable = True


class PreconditionRequired(InvalidInput):
    """A change that does not say which version it changes."""

    http_status = 428


class MethodNotAllowed(TradeloomError):
    """The address exists and knows other methods. `allowed` are these."""

    http_status = 405

    def __init__(self, message: str, allowed: Iterable[str], **where: Any) -> None:
        super().__init__(message, **where)
        self.allowed = sorted(allowed)


class NoSuchRoute(NotFound):
    pass


class Forbidden(TradeloomError):
    """The caller may not reach this server this way: a foreign origin or host name."""

    http_status = 403


class NotConfigured(TradeloomError):
    """This installation has no adapter for what was asked."""

    http_status = 501


class InternalError(TradeloomError):
    """Something failed that nobody foresaw. The log has it under the correlation id; the answer tells nothing else."""


class ErrorDetail(BaseModel):
    """`name` is stable; `message` is a sentence; `field` and `node` say where; `hint` says what to do."""

    model_config = ConfigDict(title="ErrorDetail")

    name: str = Field(examples=["InvalidDocument"])
    message: str = Field(examples=["The workflow cannot be used: Nothing starts this workflow."])
    field: str | None = Field(default=None, examples=["nodes"])
    node: str | None = None
    hint: str | None = Field(default=None, examples=["Add a trigger.manual or trigger.schedule node and connect it."])
    problems: list[Problem] | None = Field(
        default=None, description="Everything that is wrong with a document or a request, not the first thing only."
    )
    correlation_id: str | None = Field(default=None, description="Names the request in the server's log.")


class ErrorAnswer(BaseModel):
    """The body of every answer that is not a success."""

    error: ErrorDetail


def error_body(error: TradeloomError, correlation_id: str | None = None) -> dict[str, Any]:
    """`{"error": {name, message, field?, node?, hint?, problems?, correlation_id?}}`."""
    told = _plain(error.as_dict())
    if correlation_id is not None:
        told["correlation_id"] = correlation_id
    return {"error": told}


def _plain(parts: Mapping[str, Any]) -> dict[str, Any]:
    return {key: part for key, part in parts.items() if part is not None}
