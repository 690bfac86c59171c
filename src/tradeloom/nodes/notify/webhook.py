"""notify.webhook: a message to any HTTP endpoint."""

from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from tradeloom.errors import CredentialProblem, MissingInput
from tradeloom.nodes.base import Effect, Example, Node, NodeConfig, NodeContext, NodeOutput, setting
from tradeloom.nodes.notify._chat import PAYLOADS, Message
from tradeloom.nodes.notify._sending import (
    HIDDEN,
    KEPT_BODY_BYTES,
    SENDING_ERRORS,
    TIMEOUT_S,
    post,
    timeout_setting,
)
from tradeloom.nodes.values import shown

if TYPE_CHECKING:
    from tradeloom.network.messages import HttpAnswer, HttpRequest

CHAT_KINDS = ("discord", "slack")


class WebhookConfig(NodeConfig):
    url: str = setting(
        "",
        title="URL",
        help="Where to send it: https, or http. Left empty where a Discord or Slack credential holds the address.",
        widget="text",
        examples=["https://hooks.example.com/tradeloom"],
        max_length=4_096,
    )
    method: Literal["POST", "PUT", "PATCH", "DELETE", "GET"] = setting(
        "POST", title="Method", help="The HTTP method.", widget="select"
    )
    headers: dict[str, Any] = setting(
        {},
        title="Headers",
        help="More headers to send. What is secret belongs in a credential.",
        widget="key-value",
        examples=[{"X-Strategy": "breakout"}],
    )
    body: Any = setting(
        None,
        title="Body",
        help="An object or list goes as JSON, a text as it is. With a template it is the text of the message.",
        widget="expression",
        examples=[{"symbol": "EURUSD", "price": "= nodes.buy.price"}],
    )
    template: Literal["none", "discord", "slack"] = setting(
        "none",
        title="Template",
        help="Make the body what Discord's or Slack's webhooks take.",
        widget="select",
        static=True,
        advanced=True,
    )
    credential: str | None = setting(
        None,
        title="Credential",
        help="A stored bearer token, user and password, or header with a key; or a Discord or Slack webhook.",
        widget="credential",
        static=True,
        max_length=100,
    )
    sign_with: str | None = setting(
        None,
        title="Sign with",
        help="A stored signing secret: the receiver can then check who sent the message, and when.",
        widget="credential",
        static=True,
        max_length=100,
    )
    timeout_s: float = timeout_setting()


class WebhookOutput(NodeOutput):
    status: Literal["sent", "rendered"] = Field(description="sent; or rendered in a test, which sends nothing.")
    http_status: int = Field(description="The answer's status, such as 200; 0 where nothing was sent.")
    body: Any = Field(description="The answer's body: a value where it is JSON, else a text. Its first 64 KiB.")
    rendered: dict[str, Any] | None = Field(description="In a test: what would have been sent. Else null.")


class Webhook(Node):
    type = "notify.webhook"
    title = "Webhook"
    description = "Sends a message to a web address, with retries and a key that lets the receiver drop repeats."
    help = (
        "Sends one request to a public web server; addresses inside a network, redirects to one, and changes from "
        "https to http are refused. Any 2xx status is success, all else an error of the node.\n\n"
        "Every request carries an `Idempotency-Key` that is the same when the node runs again in the same place, so "
        "a receiver that keeps it takes the message once; without that, a message whose answer was lost arrives "
        "twice. When the receiver answers 429 or 503 with Retry-After and the time-out leaves room, the node waits "
        "and tries again. Redirects are followed only where method and body stay (307, 308).\n\n"
        "With *Sign with*, `X-Tradeloom-Timestamp` holds the seconds since 1970 and `X-Tradeloom-Signature` "
        "`sha256=` and the HMAC-SHA256 in hex over timestamp, a dot, and the raw body. In a test nothing is sent."
    )
    icon = "webhook"
    effects = frozenset({Effect.NETWORK})
    errors = (*SENDING_ERRORS, MissingInput)
    timeout_s = TIMEOUT_S
    example = Example(
        title="Tell another system what the RSI did",
        config={
            "url": "https://hooks.example.com/tradeloom",
            "body": {"event": "rsi", "value": "= nodes.rsi.value", "signal": "= nodes.rsi.signal"},
            "credential": "api-token",
        },
        inputs={"indicator.rsi": {"value": 28.4, "previous": 31.2, "signal": "oversold"}},
    )
    Config = WebhookConfig
    Output = WebhookOutput

    def run(self, config: WebhookConfig, context: NodeContext) -> WebhookOutput:
        from tradeloom.network.composing import host_of
        from tradeloom.network.patience import accepted

        request, rendered = _prepared(config, context)
        if context.test_mode:
            context.before_acting()
            return WebhookOutput(status="rendered", http_status=0, body=None, rendered=rendered)
        answer = accepted(post(context, request, retry_failed=False), host_of(request.url), repeatable=True)
        return WebhookOutput(status="sent", http_status=answer.status, body=_read(answer), rendered=None)


def _prepared(config: WebhookConfig, context: NodeContext) -> "tuple[HttpRequest, dict[str, Any]]":
    """The request, and how a person may see it."""
    from tradeloom.network.composing import checked_headers
    from tradeloom.network.messages import HttpRequest

    url, shown_url, secret = _address(config, context)
    body, kind = _body(config)
    headers = {"Idempotency-Key": context.client_order_id()}
    if kind:
        headers["Content-Type"] = kind
    own = checked_headers(config.headers)
    headers = {name: value for name, value in headers.items() if name.lower() not in {each.lower() for each in own}}
    headers |= own
    if config.sign_with:
        secret = secret | _signed(config.sign_with, context, body)
    rendered = {
        "method": config.method,
        "url": shown_url,
        "headers": headers | dict.fromkeys(secret, HIDDEN),
        "body": body.decode(),
    }
    request = HttpRequest(
        method=config.method,
        url=url,
        headers={name: value for name, value in headers.items() if name.lower() not in {key.lower() for key in secret}},
        secret_headers=secret,
        body=body,
        timeout_s=config.timeout_s,
        redirects="keep_method",
        repeatable=True,
        max_bytes=KEPT_BODY_BYTES,
        cut=True,
    )
    return request, rendered


def _address(config: WebhookConfig, context: NodeContext) -> tuple[str, str, dict[str, str]]:
    """The URL, the URL as it may be shown, and the headers the credential is sent in."""
    from tradeloom.network.composing import authorization, checked_url, host_of

    credential = context.credential(config.credential) if config.credential else None
    if credential is not None and credential.kind in CHAT_KINDS:
        if config.url:
            raise CredentialProblem(
                f"A credential of the kind {credential.kind} holds the address itself.",
                field="config.url",
                hint="Leave the URL empty, or take another credential.",
            )
        url = checked_url(credential.fields["webhook_url"], field="config.credential")
        return url, f"https://{host_of(url)}/{HIDDEN}", {}
    if not config.url:
        raise MissingInput("There is no URL to send to.", field="config.url")
    return checked_url(config.url), config.url, authorization(credential) if credential is not None else {}


def _body(config: WebhookConfig) -> tuple[bytes, str | None]:
    from tradeloom.network.composing import encoded_json, encoded_text

    if config.template != "none":
        if config.body is None:
            raise MissingInput("There is no text to send.", field="config.body")
        text = config.body if isinstance(config.body, str) else shown(config.body)
        return encoded_json(PAYLOADS[config.template](Message(text))[0]), "application/json"
    if config.body is None:
        return b"", None
    if isinstance(config.body, str):
        return encoded_text(config.body), "text/plain; charset=utf-8"
    return encoded_json(config.body), "application/json"


def _signed(reference: str, context: NodeContext, body: bytes) -> dict[str, str]:
    import time

    from tradeloom.network.composing import require, signature

    secret = require(context.credential(reference), "hmac", field="config.sign_with").fields["secret"]
    return signature(secret, int(time.time()), body)


def _read(answer: "HttpAnswer") -> Any:
    from tradeloom.errors import BadResponse
    from tradeloom.network.composing import is_json, json_of, text_of

    if is_json(answer):
        try:
            return json_of(answer, "the receiver")
        except BadResponse:
            return text_of(answer)  # the message is delivered: how the receiver says so is no reason to fail
    return text_of(answer)
