"""Sending once more where a server asks to come back later, or nothing was sent, within the time a node has."""

import json
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

from tradeloom.errors import NetworkFailed, NetworkTimeout, ServerBusy, UnexpectedStatus
from tradeloom.network.messages import Http, HttpAnswer, HttpRequest

TRIES = 3
BUSY = frozenset({408, 425, 429, 500, 502, 503, 504})
"""Statuses that pass: too many requests, or a fault of the server's own."""

LATER = frozenset({429, 503})
"""Those by which the server says that it has done nothing yet."""

LEAST_S = 0.5
"""Less time than this is not worth another try."""


def send_patiently(
    http: Http,
    request: HttpRequest,
    *,
    before: Callable[[], None],
    retry_failed: bool = False,
    clock: Callable[[], float] = time.monotonic,
) -> HttpAnswer:
    """The answer, after up to three tries within `request.timeout_s`. `before` is called ahead of each.

    A 429 or 503 is tried again when it says how long to wait and there is that much time. With `retry_failed`, a
    connection that could not be made is tried again too: nothing was sent then. What else goes wrong is raised, for the
    state machine to try again or not.
    """
    end = clock() + request.timeout_s
    for remaining in reversed(range(TRIES)):
        before()
        try:
            answer = http.send(replace(request, timeout_s=max(LEAST_S, end - clock())))
            wait = asked_to_wait(answer) if answer.status in LATER else None
            if wait is None or not remaining or clock() + wait + LEAST_S > end:
                return answer
        except (NetworkFailed, NetworkTimeout) as error:
            wait = LEAST_S
            if error.sent or not retry_failed or not remaining or clock() + wait + LEAST_S > end:
                raise
        http.pause(wait)
    raise AssertionError("the last try returns or raises")


def asked_to_wait(answer: HttpAnswer) -> float | None:
    """Seconds until the server wants to hear from us: its Retry-After (seconds or a date), or the `retry_after` that
    Telegram and Discord put into the body. None where it does not say."""
    told = answer.headers.get("retry-after", "").strip()
    if told.isascii() and told.isdigit() and len(told) <= 9:
        return float(told)
    if told:
        return _until(told)
    try:
        body = json.loads(answer.body)
        seconds = body.get("retry_after", body.get("parameters", {}).get("retry_after"))
        return float(seconds) if 0 <= float(seconds) < 1e9 else None
    except (ValueError, TypeError, AttributeError, RecursionError):
        return None


def accepted(answer: HttpAnswer, host: str, *, statuses: frozenset[int] = frozenset(), repeatable: bool) -> HttpAnswer:
    """The answer where its status is one of `statuses` (2xx where none is given).

    Raises `ServerBusy` for what trying again may cure and does not harm, `UnexpectedStatus` for all else.
    """
    if answer.status in statuses or (not statuses and 200 <= answer.status < 300):
        return answer
    told = f"{host} answered {answer.status}{_excerpt(answer)}"
    if answer.status in BUSY and (repeatable or answer.status in LATER):
        raise ServerBusy(told, sent=True)
    raise UnexpectedStatus(told, sent=True, hint=_hint(answer.status))


def _until(date: str) -> float | None:
    from email.utils import parsedate_to_datetime

    try:
        moment = parsedate_to_datetime(date)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, (moment - datetime.now(UTC)).total_seconds())


def _excerpt(answer: HttpAnswer) -> str:
    """The first words of a body in plain text or JSON, which mostly say what is wrong."""
    kind = answer.headers.get("content-type", "")
    if not answer.body or not ("json" in kind or kind.startswith("text/plain")):
        return "."
    text = " ".join(answer.body[:1_000].decode("utf-8", "replace").split())
    return f": {text[:300]}"


def _hint(status: int) -> str | None:
    match status:
        case 401 | 403:
            return "Does the credential fit this server?"
        case 404 | 410:
            return "Is the address right, and is there still something at it?"
        case 301 | 302 | 303 | 307 | 308:
            return "The server moved: use the address it redirects to."
    return None
