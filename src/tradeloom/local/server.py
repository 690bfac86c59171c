"""The local HTTP server: turns requests into API Gateway events for the same resolver Lambda uses, and serves the page.

What API Gateway's authorizer, WAF and CloudFront do in the cloud is done here: bearer token, host and origin checks, a
cap on bodies, security headers.
"""

import asyncio
import base64
import hmac
import json
import logging
import secrets
import time
import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from tradeloom.api.addresses import OPENAPI_PATH
from tradeloom.api.app import Api
from tradeloom.api.caller import TENANT_CLAIM, USER_CLAIM
from tradeloom.api.errors import BodyTooLarge, Forbidden, InternalError, MalformedRequest, NoSuchRoute, error_body
from tradeloom.api.resolver import MAX_BODY_BYTES
from tradeloom.correlation import now_about
from tradeloom.errors import InvalidInput, TradeloomError, Unauthorized
from tradeloom.local.asgi import Receive, Scope, Send
from tradeloom.local.metrics import CONTENT_TYPE, Metrics
from tradeloom.local.pages import Page
from tradeloom.local.realtime import RealtimeDoor
from tradeloom.local.webhooks import HOOKS, Door
from tradeloom.local.webhooks import MAX_BODY_BYTES as HOOK_BODY_BYTES
from tradeloom.realtime.hub import RunEvents
from tradeloom.realtime.protocol import PATH as REALTIME_PATH

_log = logging.getLogger(__name__)

LOCAL_CLAIMS = {TENANT_CLAIM: "local", USER_CLAIM: "local"}
THREADS = 32
"""Requests answered side by side; one that waits for an execution holds a thread while it waits."""
MAX_QUERY_FIELDS = 50
METRICS = "/metrics"
LIVE, READY = "/live", "/ready"
"""For what starts Tradeloom and starts it again: whether it lives, and whether it may be sent work. Without a token."""

SECURITY_HEADERS = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "media-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}
_FOR_GOOD = "public, max-age=31536000, immutable"


@dataclass(frozen=True)
class Answer:
    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


class LocalServer:
    """The ASGI application. `port` is the one it is reached at: host names are checked against it."""

    def __init__(
        self,
        api: Api,
        pages: Mapping[str, Page],
        *,
        token: str,
        port: int,
        door: Door | None = None,
        run_events: RunEvents | None = None,
        unready: Callable[[], Awaitable[Sequence[str]]] | None = None,
        metrics: Metrics | None = None,
        open_metrics: bool = False,
    ) -> None:
        self._api = api
        self._door = door
        self._pages = pages
        self._token = token.encode()
        self._hosts = {f"{name}:{port}" for name in ("127.0.0.1", "localhost", "[::1]")}
        self._origins = {f"http://{host}" for host in self._hosts}
        self._realtime = None if run_events is None else RealtimeDoor(run_events, self._claims_of)
        self._unready = unready
        self._metrics, self._open_metrics = metrics, open_metrics
        self._policy = _policy(port)
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="api")

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await self._websocket(scope, receive, send)
        if scope["type"] != "http":
            return
        correlation, begun = str(uuid.uuid4()), time.monotonic()
        now_about(request=correlation)
        try:
            answer = await self._answer(scope, receive, correlation)
        except TradeloomError as error:
            answer = _error_answer(error, correlation)
        except Exception:
            # The resolver answers its own failures; what is left is ours, and the client learns no more than that.
            _log.exception("request %s could not be answered", correlation)
            answer = _error_answer(InternalError("The server could not answer."), correlation)
        if scope["method"] not in {"GET", "HEAD"} or answer.status >= 500:
            took_ms = (time.monotonic() - begun) * 1000
            _log.info("%s %s: %d in %.0f ms", scope["method"], scope["path"], answer.status, took_ms)
        raw = self._raw_headers(answer)
        await send({"type": "http.response.start", "status": answer.status, "headers": raw})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else answer.body})

    async def _websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run events. What is refused is refused as an HTTP request would be, before there is a connection."""
        correlation = str(uuid.uuid4())
        try:
            self._check_address(_headers(scope))
            if self._realtime is None or scope["path"] != REALTIME_PATH:
                raise NoSuchRoute("There is nothing at this address.")
            await self._realtime.serve(scope, receive, send)
            return
        except TradeloomError as error:
            answer = _error_answer(error, correlation)
        raw = self._raw_headers(answer)
        await send({"type": "websocket.http.response.start", "status": answer.status, "headers": raw})
        await send({"type": "websocket.http.response.body", "body": answer.body})

    def _raw_headers(self, answer: Answer) -> list[tuple[bytes, bytes]]:
        headers = {
            **SECURITY_HEADERS,
            "content-security-policy": self._policy,
            "cache-control": "no-store",
            **{name.lower(): value for name, value in answer.headers.items()},
        }
        if answer.status != 204:
            headers["content-length"] = str(len(answer.body))
        return [(name.encode("latin-1"), value.encode("latin-1", "replace")) for name, value in headers.items()]

    async def _answer(self, scope: Scope, receive: Receive, correlation: str) -> Answer:
        headers = _headers(scope)
        self._check_address(headers)
        path: str = scope["path"]
        if path.startswith("/api/"):
            if path != OPENAPI_PATH:
                self._require_token(headers)
            claims = LOCAL_CLAIMS if self._knows_token(headers) else {}
            body = await _read(receive, headers)
            event = _event(scope, headers, body, claims, correlation)
            loop, inherited = asyncio.get_running_loop(), copy_context()
            answered = loop.run_in_executor(self._threads, inherited.run, self._api.resolve, event, None)
            return _from_lambda(await answered)
        if self._door is not None and path.startswith(HOOKS):
            body = await _read(receive, headers, HOOK_BODY_BYTES)
            told = await self._door.receive(scope["method"], path, headers, body)
            return Answer(202, json.dumps(told).encode(), {"content-type": "application/json"})
        if path == LIVE:
            return _told({"live": True})
        if self._unready is not None and path == READY:
            reasons = await self._unready()
            return _told({"ready": not reasons, "reasons": list(reasons)}, 503 if reasons else 200)
        if self._metrics is not None and path == METRICS:
            if not self._open_metrics:
                self._require_token(headers)
            return Answer(200, await self._metrics.render(), {"content-type": CONTENT_TYPE})
        return self._page(scope["method"], path, headers)

    def _require_token(self, headers: Mapping[str, str]) -> None:
        if not self._knows_token(headers):
            raise Unauthorized(
                "This address needs the bearer token.",
                hint="`tradeloom up` prints it; send it as Authorization: Bearer <token>.",
            )

    def _check_address(self, headers: Mapping[str, str]) -> None:
        """A page elsewhere whose name was made to point here sends its own Host, and its Origin where it posts."""
        if headers.get("host", "") not in self._hosts:
            hint = "Use http://127.0.0.1 or http://localhost with the port."
            raise Forbidden("This server answers to its own address only.", field="Host", hint=hint)
        origin = headers.get("origin")
        if origin is not None and origin not in self._origins:
            raise Forbidden("This server takes requests from its own page only.", field="Origin")

    def _knows_token(self, headers: Mapping[str, str]) -> bool:
        scheme, _, given = headers.get("authorization", "").partition(" ")
        return self._claims_of(given.strip()) is not None and scheme.lower() == "bearer"

    def _claims_of(self, token: str) -> Mapping[str, str] | None:
        same = hmac.compare_digest(token.encode("utf-8", "surrogatepass"), self._token)
        return LOCAL_CLAIMS if same else None

    def _page(self, method: str, path: str, headers: Mapping[str, str]) -> Answer:
        page = self._pages.get(path)
        if page is None:
            raise NoSuchRoute("There is nothing at this address.")
        if method not in {"GET", "HEAD"}:
            return Answer(405, headers={"allow": "GET, HEAD"})
        if page.takes_nonce:
            nonce = secrets.token_urlsafe(16)
            policy = self._policy.replace("style-src 'self'", f"style-src 'self' 'nonce-{nonce}'")
            told = {"content-type": page.media_type, "content-security-policy": policy}
            return Answer(200, page.with_nonce(nonce), told)
        kept = {"etag": page.etag, "cache-control": _FOR_GOOD if page.kept else "no-cache"}
        if headers.get("if-none-match") == page.etag:
            return Answer(304, headers=kept)
        return Answer(200, page.content, {"content-type": page.media_type, **kept})


def _policy(port: int) -> str:
    """Not every browser takes 'self' for the WebSocket of the same address. An IPv6 address cannot be named there."""
    sockets = " ".join(f"ws://{name}:{port}" for name in ("127.0.0.1", "localhost"))
    return SECURITY_HEADERS["content-security-policy"].replace("connect-src 'self'", f"connect-src 'self' {sockets}")


def _told(value: Mapping[str, Any], status: int = 200) -> Answer:
    return Answer(status, json.dumps(value).encode(), {"content-type": "application/json"})


def _headers(scope: Scope) -> dict[str, str]:
    """Lower-case names; repeated ones joined by commas, as API Gateway does it."""
    found: dict[str, str] = {}
    for raw_name, raw_value in scope["headers"]:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        if name == "host" and name in found:
            raise MalformedRequest("A request names one host.", field="Host")
        found[name] = f"{found[name]},{value}" if name in found else value
    return found


async def _read(receive: Receive, headers: Mapping[str, str], most: int = MAX_BODY_BYTES) -> bytes:
    told = headers.get("content-length", "0")
    if told.isdigit() and int(told) > most:
        raise BodyTooLarge(f"The body is larger than {most:,} bytes.")
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise MalformedRequest("The client went away before its request was complete.")
        part = message.get("body", b"")
        size += len(part)
        if size > most:
            raise BodyTooLarge(f"The body is larger than {most:,} bytes.")
        parts.append(part)
        if not message.get("more_body", False):
            return b"".join(parts)


def _event(
    scope: Scope, headers: Mapping[str, str], body: bytes, claims: Mapping[str, str], correlation: str
) -> dict[str, Any]:
    """The request as API Gateway's payload format 2.0. Only verified claims are in it, whatever the client sent."""
    query_text = scope.get("query_string", b"").decode("latin-1")
    method, path = scope["method"], scope["path"]
    client = scope.get("client") or ("127.0.0.1", 0)
    try:
        text, encoded = body.decode(), False
    except UnicodeDecodeError:
        text, encoded = base64.b64encode(body).decode(), True
    return {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": query_text,
        "headers": dict(headers),
        "queryStringParameters": _query(query_text),
        "requestContext": {
            "accountId": "local",
            "apiId": "local",
            "domainName": "127.0.0.1",
            "http": {"method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": client[0]},
            "authorizer": {"jwt": {"claims": dict(claims), "scopes": None}},
            "requestId": correlation,
            "routeKey": "$default",
            "stage": "$default",
            "timeEpoch": int(time.time() * 1000),
        },
        "body": text or None,
        "isBase64Encoded": encoded,
    }


def _query(text: str) -> dict[str, str] | None:
    try:
        fields = parse_qsl(text, keep_blank_values=True, max_num_fields=MAX_QUERY_FIELDS, errors="replace")
    except ValueError as error:
        raise InvalidInput(f"A query has at most {MAX_QUERY_FIELDS} fields.", field="query") from error
    found: dict[str, str] = {}
    for name, value in fields:
        found[name] = f"{found[name]},{value}" if name in found else value
    return found or None


def _from_lambda(answer: Mapping[str, Any]) -> Answer:
    body = answer.get("body") or ""
    content = base64.b64decode(body) if answer.get("isBase64Encoded") else str(body).encode()
    return Answer(int(answer["statusCode"]), content, answer.get("headers", {}))


def _error_answer(error: TradeloomError, correlation: str) -> Answer:
    headers = {"content-type": "application/json", "x-correlation-id": correlation}
    if isinstance(error, Unauthorized):
        headers["www-authenticate"] = "Bearer"
    return Answer(error.http_status, json.dumps(error_body(error, correlation)).encode(), headers)
