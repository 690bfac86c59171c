"""Delivering a payload to a chat service's incoming webhook, whose address is a credential."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from tradeloom.errors import BadResponse, CredentialProblem, TradeloomError
from tradeloom.nodes.base import NodeContext
from tradeloom.nodes.notify._sending import HIDDEN, KEPT_BODY_BYTES, failure, post


@dataclass(frozen=True)
class Delivered:
    status: Literal["sent", "rendered", "failed"]
    answer: Mapping[str, Any] = field(default_factory=dict)
    rendered: dict[str, Any] | None = None
    error: dict[str, str] | None = None


def deliver(
    context: NodeContext,
    payload: dict[str, Any],
    *,
    kind: str,
    credential: str,
    hosts: tuple[str, ...],
    query: Mapping[str, str],
    timeout_s: float,
    fail: Literal["stop", "ignore"],
) -> Delivered:
    """Post the payload once. In a test it is rendered. With `ignore` a failure is an outcome; an execution that was
    stopped never is."""
    try:
        return _deliver(context, payload, kind, credential, hosts, query, timeout_s, patient=fail == "ignore")
    except TradeloomError as error:
        return Delivered("failed", error=failure(error, fail, context))


def _deliver(
    context: NodeContext,
    payload: dict[str, Any],
    kind: str,
    reference: str,
    hosts: tuple[str, ...],
    query: Mapping[str, str],
    timeout_s: float,
    *,
    patient: bool,
) -> Delivered:
    from tradeloom.network.composing import checked_url, encoded_json, host_of, is_json, json_of, require
    from tradeloom.network.messages import HttpRequest
    from tradeloom.network.patience import accepted

    secret = require(context.credential(reference), kind).fields["webhook_url"]
    url = checked_url(secret, query, field="config.credential")
    host = host_of(url)
    if host not in hosts or not url.startswith("https://"):
        raise CredentialProblem(
            f"The credential holds no {kind} webhook: it leads to {host}.",
            field="config.credential",
            hint=f"Such an address starts with https://{hosts[0]}/.",
        )
    body = encoded_json(payload, field="config.text")
    if context.test_mode:
        context.before_acting()
        return Delivered("rendered", rendered={"url": f"https://{host}/{HIDDEN}", "body": payload})
    request = HttpRequest(
        method="POST",
        url=url,
        headers={"Content-Type": "application/json", "Idempotency-Key": context.client_order_id()},
        body=body,
        timeout_s=timeout_s,
        redirects="none",
        repeatable=True,
        max_bytes=KEPT_BODY_BYTES,
        cut=True,
    )
    answer = accepted(post(context, request, retry_failed=patient), host, repeatable=True)
    try:
        told = json_of(answer, host) if is_json(answer) else {}
    except BadResponse:
        told = {}  # the message is delivered: how the service says so is no reason to fail
    return Delivered("sent", answer=told if isinstance(told, dict) else {})
