"""The resolver: Powertools' HTTP API resolver, made safe for requests side by side, with one shape for every error.

Lambda gives a process one request at a time, and Powertools keeps the request in class attributes; the local server
answers several at once on threads. Here the request lives in a context variable, so both use the same object.
"""

import json
import logging
import threading
import uuid
from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
from aws_lambda_powertools.event_handler.exceptions import NotFoundError, ServiceError
from aws_lambda_powertools.event_handler.middlewares.openapi_validation import OpenAPIRequestValidationMiddleware
from aws_lambda_powertools.event_handler.openapi.exceptions import (
    RequestUnsupportedContentType,
    RequestValidationError,
    ResponseValidationError,
)

from tradeloom.api.caller import Caller
from tradeloom.api.errors import (
    BodyTooLarge,
    InternalError,
    InvalidRequest,
    MalformedRequest,
    MethodNotAllowed,
    NoSuchRoute,
    UnsupportedMediaType,
    error_body,
)
from tradeloom.api.ports import Ports
from tradeloom.errors import TradeloomError

MAX_BODY_BYTES = 1_200_000
"""A document of the largest size and what surrounds it."""

_log = logging.getLogger("tradeloom.api")


@dataclass
class _Request:
    event: Any
    lambda_context: Any
    context: dict[str, Any]
    frames: list[str] = field(default_factory=list)


_requests: ContextVar[_Request] = ContextVar("request")


class Resolver(APIGatewayHttpResolver):
    """`resolver.resolve(event, context)` answers one HTTP API v2 event, whatever it holds; it never raises."""

    def __init__(self, ports: Ports, public_paths: frozenset[str]) -> None:
        self._resting = _Request(None, None, {})
        self._preparing = threading.Lock()
        self._ports = ports
        self._public_paths = public_paths
        super().__init__(
            enable_validation=True,
            response_validation_error_http_code=HTTPStatus.INTERNAL_SERVER_ERROR,
            serializer=_json,
        )
        self._request_validation_middleware = _StrictBodies()
        self._tell_errors()

    # -- one request's own state, where Powertools keeps it in attributes ---------------------------------------

    @property
    def _request(self) -> _Request:
        return _requests.get(self._resting)

    @property
    def current_event(self) -> Any:
        return self._request.event

    @current_event.setter
    def current_event(self, value: Any) -> None:
        self._request.event = value

    @property
    def lambda_context(self) -> Any:
        return self._request.lambda_context

    @lambda_context.setter
    def lambda_context(self, value: Any) -> None:
        self._request.lambda_context = value

    @property
    def context(self) -> dict[str, Any]:
        return self._request.context

    @context.setter
    def context(self, value: dict[str, Any]) -> None:
        self._request.context = value

    @property
    def processed_stack_frames(self) -> list[str]:
        return self._request.frames

    @processed_stack_frames.setter
    def processed_stack_frames(self, value: list[str]) -> None:
        self._request.frames = value

    # -- answering ----------------------------------------------------------------------------------------------

    def _call_route(self, route: Any, route_arguments: dict[str, str]) -> Any:
        self._prepare(route)
        return super()._call_route(route, route_arguments)

    def _prepare(self, route: Any) -> None:
        """Build what Powertools builds at a route's first request, where two threads could build it at once."""
        with self._preparing:
            if not route._middleware_stack_built:
                route._build_middleware_stack(router_middlewares=self._router_middlewares, app=self)
            _ = route.dependant, route.has_dependencies

    def resolve(self, event: Mapping[str, Any], context: Any) -> dict[str, Any]:
        correlation = _correlation_id(event)
        kept = {"ports": self._ports, "correlation": correlation}
        token = _requests.set(_Request(self._to_proxy_event(dict(event)), context, kept))
        try:
            self.context["caller"] = self._caller()
            answer = self._build_response(self._resolve())
        except TradeloomError as error:
            answer = _answer(error, correlation)
        except Exception:
            _log.exception("request %s failed while it was being answered", correlation)
            answer = _answer(InternalError("Something failed while the answer was made."), correlation)
        finally:
            _requests.reset(token)
        answer["headers"] = {**answer.get("headers", {}), "x-correlation-id": correlation}
        return answer

    def _caller(self) -> Caller | None:
        if self.current_event.raw_path in self._public_paths:
            return None
        return Caller.from_claims(self.current_event.request_context.authorizer.jwt_claim)

    def _tell_errors(self) -> None:
        self.exception_handler(Exception)(self._unexpected)
        self.exception_handler(TradeloomError)(self._told)
        self.exception_handler(RequestValidationError)(self._invalid)
        self.exception_handler(RequestUnsupportedContentType)(self._unsupported)
        self.exception_handler(ResponseValidationError)(self._bad_answer)
        self.exception_handler(ServiceError)(self._unexpected)
        self.exception_handler(NotFoundError)(self._no_route)

    def _told(self, error: TradeloomError) -> Response[Any]:
        if error.http_status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            _log.warning("request %s: %s: %s", self._correlation, error.name, error.message)
        return _response(error, self._correlation)

    def _unexpected(self, error: Exception) -> Response[Any]:
        _log.error("request %s failed", self._correlation, exc_info=error)
        told = InternalError("Something failed that should not have.", hint="The log has it under the correlation id.")
        return _response(told, self._correlation)

    def _bad_answer(self, error: ResponseValidationError) -> Response[Any]:
        _log.error("request %s: the answer does not fit its model: %s", self._correlation, error.errors())
        return _response(InternalError("The answer that was made is not valid."), self._correlation)

    def _invalid(self, error: RequestValidationError) -> Response[Any]:
        return _response(_invalid_request(error), self._correlation)

    def _unsupported(self, error: RequestUnsupportedContentType) -> Response[Any]:
        return _response(UnsupportedMediaType("A body is sent as application/json."), self._correlation)

    def _no_route(self, error: NotFoundError) -> Response[Any]:
        path, method = self.current_event.raw_path, self.current_event.http_method
        allowed = {
            route.method
            for route in [*self._static_routes, *self._dynamic_routes]
            if route.rule.match(path) is not None
        }
        if allowed:
            told: TradeloomError = MethodNotAllowed(f"This address does not take {method[:16]}.", allowed)
            return _response(told, self._correlation, {"Allow": ", ".join(sorted(allowed))})
        hint = "GET /api/agentic/openapi.json lists every address."
        return _response(NoSuchRoute("There is nothing at this address.", hint=hint), self._correlation)

    @property
    def _correlation(self) -> str:
        return str(self.context["correlation"])


class _StrictBodies(OpenAPIRequestValidationMiddleware):
    """Reads bodies as JSON objects and nothing else: Powertools would take forms, and the first item of a list."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]

    def _get_body(self, app: Any) -> Any:
        event = app.current_event
        kind = event.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind not in {"", "application/json"} and event.body:
            raise UnsupportedMediaType("A body is sent as application/json.", hint=f"It was sent as {kind[:80]}.")
        return read_json_object(event)


def read_json_object(event: Any) -> dict[str, Any] | None:
    """The body as a JSON object; None where there is none. Raises `MalformedRequest` or `BodyTooLarge`."""
    try:
        text = event.decoded_body
        if not text:
            return None
        if len(text.encode("utf-8", "surrogatepass")) > MAX_BODY_BYTES:
            raise BodyTooLarge(f"The body is larger than {MAX_BODY_BYTES:,} bytes.")
        value = json.loads(text, parse_constant=_refuse_constant)
    except RecursionError:
        raise MalformedRequest("The body is nested too deeply.", field="body") from None
    except ValueError as error:
        raise MalformedRequest(f"The body is not JSON: {error}.", field="body") from error
    if value is not None and not isinstance(value, dict):
        raise MalformedRequest("The body is JSON, but no object.", field="body", hint='It starts with "{".')
    return value


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is no JSON number")


def _json(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), allow_nan=False)


def _correlation_id(event: Mapping[str, Any]) -> str:
    context = event.get("requestContext") or {}
    return str(context.get("requestId") or uuid.uuid4())


def _response(error: TradeloomError, correlation: str, headers: Mapping[str, str] | None = None) -> Response[Any]:
    return Response(
        status_code=error.http_status,
        content_type="application/json",
        body=error_body(error, correlation),
        headers=dict(headers or {}),
    )


def _answer(error: TradeloomError, correlation: str) -> dict[str, Any]:
    return {
        "statusCode": error.http_status,
        "headers": {"Content-Type": "application/json"},
        "body": _json(error_body(error, correlation)),
        "isBase64Encoded": False,
    }


def _invalid_request(error: RequestValidationError) -> InvalidRequest:
    """Every finding of pydantic as a problem; the sentence names the first."""
    problems = []
    for each in error.errors():
        where = [str(part) for part in each["loc"]]
        name = ".".join(where[1:] if len(where) > 1 else where)
        message = str(each.get("msg", "is not valid")).removeprefix("Value error, ")
        problems.append({"code": "invalid_field", "field": name, "message": message, "severity": "error"})
    first = problems[0]
    more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
    return InvalidRequest(f"{first['field']}: {first['message']}{more}", problems, field=first["field"])
