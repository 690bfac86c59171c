"""trigger.webhook: another program starts the workflow over HTTP."""

import re
from datetime import UTC
from typing import Any, Literal, Self

from pydantic import AwareDatetime, Field, ValidationError, field_validator, model_validator

from tradeloom.errors import NodeConfigError
from tradeloom.nodes.base import Example, Kind, Node, NodeConfig, NodeContext, NodeOutput, setting
from tradeloom.workflow.schedules import Overlap

FieldType = Literal["any", "text", "number", "boolean", "object", "list"]
_TYPES: dict[FieldType, tuple[type, ...]] = {
    "text": (str,),
    "number": (int, float),
    "boolean": (bool,),
    "object": (dict,),
    "list": (list,),
}
MAX_HEADERS = 20
_HEADER = re.compile(r"[a-z0-9!#$%&'*+.^_`|~-]{1,100}")
_SECRET_HEADERS = frozenset({"authorization", "cookie", "proxy-authorization", "x-tradeloom-signature"})
_DELIVERED = {"payload", "headers", "received_at"}


class WebhookConfig(NodeConfig):
    authentication: Literal["hmac", "token"] = setting(
        "hmac",
        title="Proof",
        help="hmac: the sender signs every request with a shared secret. token: the sender puts a secret into a "
        "header, which whoever sees one request can send again.",
        widget="select",
        static=True,
    )
    credential: str = setting(
        title="Credential",
        help="For hmac a stored signing secret; for token a stored bearer token or header with a key.",
        widget="credential",
        static=True,
        min_length=1,
        max_length=100,
    )
    replay_window_s: int = setting(
        300,
        title="Oldest request",
        help="A signed request whose timestamp is further than this from our clock is refused.",
        unit="s",
        widget="duration",
        static=True,
        show_if={"authentication": ["hmac"]},
        ge=10,
        le=3_600,
        advanced=True,
    )
    required: dict[str, FieldType] = setting(
        {},
        title="Required fields",
        help="Fields the body must have, each with its kind: any, text, number, boolean, object or list. A dot leads "
        "into an object, as in order.symbol.",
        widget="key-value",
        static=True,
        examples=[{"symbol": "text", "price": "number"}],
        max_length=50,
    )
    headers: list[str] = setting(
        [],
        title="Headers to keep",
        help="Which of the request's headers the output shows; all others are dropped.",
        widget="text",
        static=True,
        examples=[["x-request-id"]],
        max_length=MAX_HEADERS,
    )
    per_minute: int = setting(
        60,
        title="At most",
        help="More requests than this in a minute are refused with 429.",
        unit="a minute",
        widget="number",
        static=True,
        ge=1,
        le=6_000,
        advanced=True,
    )
    overlap: Overlap = setting(
        "allow",
        title="While one is running",
        help="What to do when the last execution has not ended: skip the request, queue behind it, or allow both.",
        widget="select",
        static=True,
        advanced=True,
    )
    sample: dict[str, Any] = setting(
        {},
        title="Test payload",
        help="The body of a run started by hand without a payload.",
        widget="code",
        static=True,
        examples=[{"symbol": "EURUSD", "side": "buy"}],
    )

    @field_validator("headers")
    @classmethod
    def _headers_are_names(cls, value: list[str]) -> list[str]:
        names = [name.lower() for name in value]
        for name in names:
            if _HEADER.fullmatch(name) is None:
                raise ValueError("this is not a header's name")
            if name in _SECRET_HEADERS:
                raise ValueError(f"{name} holds the proof, and is never shown")
        return names

    @model_validator(mode="after")
    def _sample_has_what_is_required(self) -> Self:
        if self.sample and (missing := missing_field(self.sample, self.required)):
            raise ValueError(f"sample: {missing}")
        return self


class WebhookOutput(NodeOutput):
    payload: Any = Field(description="The request's body, as JSON.")
    headers: dict[str, str] = Field(description="The headers kept, by lower-case name.")
    received_at: AwareDatetime = Field(description="When the request came, by this machine's clock, UTC.")


class Webhook(Node):
    type = "trigger.webhook"
    title = "Webhook"
    description = "Starts the workflow when another program calls its address over HTTP."
    help = (
        "The address is `POST /hooks/<workflow id>/<node id>` on this machine; it works while the workflow is active. "
        "Send JSON of at most 64 KiB as `application/json`, with `X-Tradeloom-Timestamp` (seconds since 1970) and "
        "`X-Tradeloom-Signature`: `sha256=` and the HMAC-SHA256 in hex of `timestamp.body`, keyed by the secret; the "
        "Webhook node of another workflow signs exactly so.\n\n"
        "The answer is 202 with the `execution_id`. The same signed request again starts nothing and gets the same id; "
        "an old one, a wrong signature, and an address that is not there all get the same 401. With *token* the sender "
        "may send `Idempotency-Key`: the same key starts once.\n\n"
        "Started by hand, a payload stands for the body, and without one the test payload does."
    )
    icon = "webhook"
    kind = Kind.TRIGGER
    errors = (NodeConfigError,)
    example = Example(
        title="A signal from another program",
        config={
            "credential": "signing",
            "required": {"symbol": "text", "side": "text"},
            "sample": {"symbol": "EURUSD", "side": "buy"},
        },
    )
    Config = WebhookConfig
    Output = WebhookOutput

    def run(self, config: WebhookConfig, context: NodeContext) -> WebhookOutput:
        given = dict(context.payload)
        if set(given) != _DELIVERED:
            body = given or config.sample
            given = {"payload": body, "headers": {}, "received_at": context.started_at}
        try:
            made = WebhookOutput.model_validate(given)
            made = made.model_copy(update={"received_at": made.received_at.astimezone(UTC)})
        except (ValidationError, OverflowError) as error:
            raise NodeConfigError(
                "The payload is no request this trigger was given.",
                field="payload",
                hint="Started by hand, the payload stands for the request's body.",
            ) from error
        if missing := missing_field(made.payload, config.required):
            raise NodeConfigError(f"The body lacks something: {missing}.", field="payload")
        return made


def missing_field(body: Any, required: dict[str, FieldType]) -> str | None:
    """What is wrong with the first required field that is not there or of another kind, as part of a sentence."""
    for path, kind in required.items():
        value = body
        for name in path.split("."):
            if not isinstance(value, dict) or name not in value:
                return f"{path} is missing"
            value = value[name]
        if kind == "any":
            continue
        fits = isinstance(value, _TYPES[kind]) and (kind == "boolean" or not isinstance(value, bool))
        if not fits:
            return f"{path} is not of the kind {kind}"
    return None
