"""The door for webhooks: who may start a workflow over HTTP without the bearer token, once for each request.

`POST /hooks/<workflow>/<node>`. Whatever keeps a request from being let in, an address that does not exist included,
gets one and the same answer: who has no secret learns nothing here.
"""

import asyncio
import hashlib
import hmac
import json
import logging
import math
import re
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from tradeloom.accounts.credentials.vault import Vault
from tradeloom.api.errors import (
    BodyTooLarge,
    MalformedRequest,
    MethodNotAllowed,
    TooManyRequests,
    UnsupportedMediaType,
)
from tradeloom.engine.dispatcher import Dispatched, Dispatcher, StartCommand
from tradeloom.engine.stores import Blobs, WorkflowStore
from tradeloom.errors import Conflict, InvalidInput, NotFound, Unauthorized
from tradeloom.network.composing import SIGNATURE_HEADER, TIMESTAMP_HEADER, signature
from tradeloom.nodes.base import Credential
from tradeloom.nodes.trigger.webhook import Webhook, WebhookConfig, missing_field

log: Final = logging.getLogger(__name__)

HOOKS: Final = "/hooks/"
MAX_BODY_BYTES: Final = 64 * 1024
MAX_HEADER_VALUE: Final = 1_000
MAX_DEPTH: Final = 64
ALL_A_MINUTE: Final = 1_200
"""Requests of all senders together, let in or not: a flood costs no lookups past it."""
KNOWN_BUCKETS: Final = 1_000

_PATH: Final = re.compile(r"/hooks/([A-Za-z0-9_-]{1,64})/([A-Za-z0-9_-]{1,64})")
_JSON: Final = re.compile(r"application/json(?:\s*;\s*charset=\"?utf-8\"?)?", re.IGNORECASE)
_TIMESTAMP: Final = re.compile(r"[0-9]{1,12}", re.ASCII)
_NOBODYS: Final = Credential("", "hmac", {"secret": "an address that is not there costs the same work"})


@dataclass(frozen=True, slots=True)
class _Hook:
    workflow_id: str
    node: str
    config: WebhookConfig
    credential: Credential


class Buckets:
    """So many a minute for each key, as a bucket that fills evenly and holds a minute's worth."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._levels: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, key: str, per_minute: int) -> bool:
        now = self._clock()
        level, at = self._levels.pop(key, (float(per_minute), now))
        level = min(float(per_minute), level + (now - at) * per_minute / 60)
        self._levels[key] = (max(0.0, level - 1) if level >= 1 else level, now)
        if len(self._levels) > KNOWN_BUCKETS:
            self._levels.popitem(last=False)
        return level >= 1


class Door:
    """`receive` answers one request with the execution's id and whether it had been started before."""

    def __init__(
        self,
        *,
        workflows: WorkflowStore,
        blobs: Blobs,
        vault: Vault,
        dispatcher: Dispatcher,
        tenant: str = "local",
        wall: Callable[[], float] = time.time,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._workflows = workflows
        self._blobs = blobs
        self._vault = vault
        self._dispatcher = dispatcher
        self._tenant = tenant
        self._wall = wall
        self._buckets = Buckets(clock)

    async def receive(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> dict[str, Any]:
        """`headers` by lower-case name. Raises `Unauthorized` for whatever is not proved, `TooManyRequests`,
        `MethodNotAllowed`, `UnsupportedMediaType`, `BodyTooLarge`, and behind the proof `MalformedRequest`,
        `InvalidInput` and `Conflict`."""
        if not self._buckets.take("", ALL_A_MINUTE):
            raise TooManyRequests("Too many requests come in.", hint="Try again in a minute.")
        _check_form(method, headers, body)
        hook = await self._hook(path)
        if not self._is_proved(hook, headers, body) or hook is None:
            raise Unauthorized(
                "There is no webhook here that takes this request.",
                hint="Check the address, that the workflow is active, the secret, and the clock of the sender.",
            )
        if not self._buckets.take(f"{hook.workflow_id}/{hook.node}", hook.config.per_minute):
            raise TooManyRequests(
                f"This webhook takes {hook.config.per_minute} requests a minute.", hint="Try again in a minute."
            )
        value = _json(body)
        if missing := missing_field(value, hook.config.required):
            raise InvalidInput(f"The body lacks something: {missing}.", field="body")
        return _answer(await self._start(hook, headers, value))

    async def _hook(self, path: str) -> _Hook | None:
        """None for an address that is not there, a workflow that is not active, a credential that is gone."""
        found = _PATH.fullmatch(path)
        if found is None:
            return None
        workflow_id, node_id = found.groups()
        try:
            workflow = await self._workflows.workflow(self._tenant, workflow_id)
            if workflow.active_version is None:
                return None
            document = (await asyncio.to_thread(self._blobs.artefact, workflow.active_version))["document"]
            for node in document["nodes"]:
                if node["id"] == node_id and node["type"] == Webhook.type and not node.get("disabled", False):
                    config = WebhookConfig.model_validate(node.get("config") or {})
                    opened = await self._vault.open(self._tenant, config.credential)
                    return _Hook(workflow_id, node_id, config, Credential(opened.id, opened.kind, opened.fields))
        except NotFound:
            return None
        return None

    def _is_proved(self, hook: _Hook | None, headers: Mapping[str, str], body: bytes) -> bool:
        if hook is not None and hook.config.authentication == "token":
            return _has_token(hook.credential, headers)
        credential, window = (_NOBODYS, 0) if hook is None else (hook.credential, hook.config.replay_window_s)
        if credential.kind != "hmac":
            log.warning("a webhook of %s names a credential that is no signing secret", hook and hook.workflow_id)
            return False
        stamp = headers.get(TIMESTAMP_HEADER.lower(), "")
        at = int(stamp) if _TIMESTAMP.fullmatch(stamp) else 0
        expected = signature(credential.fields["secret"], at, body)[SIGNATURE_HEADER]
        given = headers.get(SIGNATURE_HEADER.lower(), "")
        same = hmac.compare_digest(given.encode("latin-1", "replace"), expected.encode())
        # The signed text holds the number, so another spelling of it (a leading zero) is no second request.
        return same and stamp == str(at) and abs(self._wall() - at) <= window

    async def _start(self, hook: _Hook, headers: Mapping[str, str], value: Any) -> Dispatched:
        kept = {name: headers[name][:MAX_HEADER_VALUE] for name in hook.config.headers if name in headers}
        received = datetime.fromtimestamp(self._wall(), UTC).isoformat(timespec="milliseconds")
        command = StartCommand(
            tenant=self._tenant,
            workflow_id=hook.workflow_id,
            trigger=hook.node,
            payload={"payload": value, "headers": kept, "received_at": received.replace("+00:00", "Z")},
            dedupe_key=_dedupe_key(hook, headers),
            overlap=hook.config.overlap,
        )
        return await self._dispatcher.dispatch(command)


def _check_form(method: str, headers: Mapping[str, str], body: bytes) -> None:
    if method != "POST":
        raise MethodNotAllowed("A webhook is called with POST.", ["POST"])
    if _JSON.fullmatch(headers.get("content-type", "").strip()) is None or "content-encoding" in headers:
        raise UnsupportedMediaType("A webhook takes application/json, not encoded.", field="Content-Type")
    if len(body) > MAX_BODY_BYTES:
        raise BodyTooLarge(f"The body is larger than {MAX_BODY_BYTES:,} bytes.")


def _has_token(credential: Credential, headers: Mapping[str, str]) -> bool:
    if credential.kind == "http_bearer":
        scheme, _, given = headers.get("authorization", "").partition(" ")
        expected, fits = credential.fields["token"], scheme.lower() == "bearer"
    elif credential.kind == "http_header":
        given, fits = headers.get(credential.fields["header"].lower(), ""), True
        expected = credential.fields["value"]
    else:
        log.warning("a webhook names a credential of the kind %s, which is no token", credential.kind)
        return False
    same = hmac.compare_digest(given.strip().encode("latin-1", "replace"), expected.encode())
    return same and fits


def _dedupe_key(hook: _Hook, headers: Mapping[str, str]) -> str | None:
    """A signature is good for one start, ever; a token's sender may name a request itself."""
    if hook.config.authentication == "hmac":
        proof = headers[SIGNATURE_HEADER.lower()]
        return f"webhook:{hook.node}:{hashlib.sha256(proof.encode()).hexdigest()}"
    named = headers.get("idempotency-key")
    if not named:
        return None
    return f"webhook:{hook.node}:key:{hashlib.sha256(named.encode('latin-1', 'replace')).hexdigest()}"


def _answer(dispatched: Dispatched) -> dict[str, Any]:
    if dispatched.refused is not None:
        raise dispatched.refused
    if dispatched.execution_id is None:
        raise Conflict(f"The workflow was not started: {dispatched.reason}.")
    return {"execution_id": dispatched.execution_id, "duplicate": dispatched.verdict == "duplicate"}


def _json(body: bytes) -> Any:
    """The body's value, if it is JSON that every part of the system can hold. Raises `MalformedRequest`."""
    try:
        text = body.decode("utf-8")
        value = json.loads(text, parse_constant=_refused, parse_float=_finite)
        json.dumps(value, ensure_ascii=False).encode("utf-8")  # half a surrogate pair is no text
    except (ValueError, RecursionError) as error:
        raise MalformedRequest("The body is no JSON.", field="body") from error
    if _depth(value) > MAX_DEPTH:
        raise MalformedRequest(f"The body is nested deeper than {MAX_DEPTH} levels.", field="body")
    return value


def _depth(value: Any) -> int:
    level, depth = [value], 0
    while level and depth <= MAX_DEPTH:
        depth += 1
        lists = [each.values() if isinstance(each, dict) else each for each in level if isinstance(each, dict | list)]
        level = [inner for each in lists for inner in each]
    return depth


def _refused(constant: str) -> Any:
    raise ValueError(constant)


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(text)
    return number
