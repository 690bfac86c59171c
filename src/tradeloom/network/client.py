"""The guarded HTTP client: HTTP/1.1 over connections from `dial`, one for each request and redirect."""

import time
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import replace
from functools import cached_property
from http import HTTPStatus
from typing import TYPE_CHECKING

from tradeloom.errors import (
    BadResponse,
    NetworkFailed,
    NetworkRefused,
    NetworkTimeout,
    ReplyLost,
    RequestTooLarge,
)
from tradeloom.network.dialling import Deadline, Resolve, dial, system_resolve
from tradeloom.network.exchange import Exchange, Received
from tradeloom.network.messages import MAX_REDIRECTS, MAX_REQUEST_BYTES, HttpAnswer, HttpRequest
from tradeloom.network.policy import WEB_PORTS, Policy
from tradeloom.network.tls import secured, trusted
from tradeloom.network.urls import InvalidUrl, Target, parse_url, redirected
from tradeloom.stopping import interruptible

if TYPE_CHECKING:
    import ssl

REDIRECTS = frozenset({301, 302, 303, 307, 308})
KEEPING_METHOD = frozenset({307, 308})
_ABOUT_THE_BODY = frozenset({"content-type", "content-length", "content-encoding"})
_PRIVATE = frozenset({"authorization", "proxy-authorization", "cookie"})
"""Headers that go to the first origin only, whoever set them."""


class GuardedHttp:
    """The `Http` of a process. `resolve` is a seam for tests of names that change their mind."""

    def __init__(self, policy: Policy, *, resolve: Resolve = system_resolve) -> None:
        self._policy = policy
        self._resolve = resolve

    def pause(self, seconds: float) -> None:
        with interruptible():
            time.sleep(seconds)

    def send(self, request: HttpRequest) -> HttpAnswer:
        if len(request.body) > MAX_REQUEST_BYTES:
            raise RequestTooLarge(f"The body takes {len(request.body):,} bytes; {MAX_REQUEST_BYTES:,} are the most.")
        begun = time.monotonic()
        target = parse_url(request.url)
        deadline = Deadline(request.timeout_s, target.host)
        try:
            return self._followed(request, target, deadline, begun)
        except (NetworkFailed, NetworkTimeout) as error:
            if deadline.sent and not request.repeatable:
                raise ReplyLost(
                    f"{error.message} Whether the request took effect is not known.",
                    sent=True,
                    hint="Ask the server before sending it again.",
                ) from error
            error.sent = deadline.sent
            raise

    def _followed(self, request: HttpRequest, target: Target, deadline: Deadline, begun: float) -> HttpAnswer:
        for hop in range(MAX_REDIRECTS + 1):
            received = self._exchanged(request, target, deadline)
            location = received.headers.get("location")
            if location is None or not _follows(request, received.status):
                elapsed_ms = round((time.monotonic() - begun) * 1000, 3)
                return HttpAnswer(received.status, received.headers, received.body, target.url, elapsed_ms)
            if hop == MAX_REDIRECTS:
                break
            request, target = _redirect(request, target, received.status, location)
        raise NetworkRefused(f"{target.host} redirects more than {MAX_REDIRECTS} times.", sent=True)

    def _exchanged(self, request: HttpRequest, target: Target, deadline: Deadline) -> Received:
        aim = self._policy.routed(target)
        connection = dial(
            aim.host,
            aim.address,
            aim.port,
            policy=self._policy,
            ports=WEB_PORTS,
            deadline=deadline,
            resolve=self._resolve,
        )
        try:
            if aim.scheme == "https":
                with interruptible():
                    connection = secured(connection, aim.host, self._trusted, deadline)
            # What left and must not be sent twice is heard out: whether it took effect is worth knowing.
            with interruptible() if request.repeatable else nullcontext():
                return Exchange(connection, target, deadline).run(request)
        finally:
            connection.close()

    @cached_property
    def _trusted(self) -> "ssl.SSLContext":
        return trusted(self._policy)


def _follows(request: HttpRequest, status: int) -> bool:
    if status not in REDIRECTS or request.redirects == "none":
        return False
    return request.redirects == "follow" or status in KEEPING_METHOD or request.method in {"GET", "HEAD"}


def _redirect(request: HttpRequest, target: Target, status: int, location: str) -> tuple[HttpRequest, Target]:
    """The next request and where it goes. Raises `NetworkRefused` and `BadResponse`."""
    try:
        following = redirected(target, location)
    except InvalidUrl as error:
        raise BadResponse(f"{target.host} redirects to what is no URL: {error.message}", sent=True) from error
    if target.scheme == "https" and following.scheme == "http":
        raise NetworkRefused(f"{target.host} redirects from https to http, where anybody could listen.", sent=True)
    to_get = status == HTTPStatus.SEE_OTHER or (
        status in {HTTPStatus.MOVED_PERMANENTLY, HTTPStatus.FOUND} and request.method == "POST"
    )
    if to_get and request.method not in {"GET", "HEAD"}:
        request = replace(request, method="GET", body=b"", headers=_without(request.headers, _ABOUT_THE_BODY))
    if following.origin != target.origin:
        request = replace(request, secret_headers={}, headers=_without(request.headers, _PRIVATE))
    return request, following


def _without(headers: Mapping[str, str], names: frozenset[str]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name.lower() not in names}
