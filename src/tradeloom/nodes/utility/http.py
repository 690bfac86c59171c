"""utility.http: one HTTP request to a public server."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from tradeloom.errors import (
    BadResponse,
    CredentialProblem,
    ExecutionStopped,
    MissingInput,
    NetworkFailed,
    NetworkRefused,
    NetworkTimeout,
    NodeConfigError,
    NotFound,
    ReplyLost,
    RequestTooLarge,
    ResponseTooLarge,
    ServerBusy,
    UnexpectedStatus,
    UntrustedServer,
)
from tradeloom.nodes.base import Effect, Example, Node, NodeConfig, NodeContext, NodeOutput, setting

if TYPE_CHECKING:
    from tradeloom.network.messages import HttpAnswer, HttpRequest

HIDDEN = "•••"
READING = frozenset({"GET", "HEAD"})
"""Methods that change nothing at the server: a test sends these."""

REPEATABLE = READING | {"PUT", "DELETE"}
"""Methods that HTTP declares idempotent (RFC 9110, 9.2.2)."""

CONTENT_TYPES = {
    "json": "application/json",
    "text": "text/plain; charset=utf-8",
    "form": "application/x-www-form-urlencoded",
}


class HttpConfig(NodeConfig):
    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"] = setting(
        "GET", title="Method", help="The HTTP method.", widget="select"
    )
    url: str = setting(
        title="URL",
        help="The address: https, or http.",
        widget="text",
        examples=["https://api.example.com/v1/rates"],
        min_length=1,
        max_length=4_096,
    )
    query: dict[str, Any] = setting(
        {},
        title="Query",
        help="Names and values put behind the URL, encoded for it; a list stands there several times.",
        widget="key-value",
        examples=[{"symbol": "EURUSD", "limit": 100}],
        max_length=50,
    )
    headers: dict[str, Any] = setting(
        {},
        title="Headers",
        help="More headers to send. What is secret belongs in a credential.",
        widget="key-value",
        examples=[{"Accept": "application/json"}],
    )
    body_type: Literal["none", "json", "text", "form"] = setting(
        "none", title="Body", help="How the body is sent.", widget="select", static=True
    )
    body: Any = setting(
        None,
        title="Body's content",
        help="Any value for json, a text for text, an object of plain values for form.",
        widget="expression",
        show_if={"body_type": ["json", "text", "form"]},
        examples=[{"symbol": "= trigger.payload.symbol"}],
    )
    credential: str | None = setting(
        None,
        title="Credential",
        help="A stored bearer token, user and password, or header with a key.",
        widget="credential",
        static=True,
        max_length=100,
    )
    expected: list[int] = setting(
        [],
        title="Expected statuses",
        help="Those that count as success, such as 200 and 404; any other is an error. Left empty, 200 to 299.",
        widget="text",
        max_length=20,
        advanced=True,
    )
    parse: Literal["auto", "json", "text"] = setting(
        "auto",
        title="Read the answer",
        help="auto reads JSON where the server says it is; json insists on it; text takes it as it comes.",
        widget="select",
        static=True,
        advanced=True,
    )
    keep_headers: list[str] = setting(
        ["content-type"],
        title="Headers to keep",
        help="Which of the answer's headers go into the output.",
        widget="text",
        max_length=20,
        advanced=True,
    )
    redirects: bool = setting(
        True,
        title="Follow redirects",
        help="Up to three, each to a public server as well, never from https to http.",
        widget="toggle",
        advanced=True,
    )
    idempotent: bool = setting(
        False,
        title="May be sent twice",
        help="Sends an Idempotency-Key and lets a request whose answer was lost be tried again. Only for a server that "
        "keeps such keys; without, a POST or PATCH is never sent twice.",
        widget="toggle",
        show_if={"method": ["POST", "PATCH"]},
        advanced=True,
    )
    timeout_s: float = setting(
        10.0,
        title="Time-out",
        help="For everything together: looking up the name, connecting, redirects, the answer's last byte.",
        unit="s",
        widget="duration",
        ge=1,
        le=25,
        advanced=True,
    )


class HttpOutput(NodeOutput):
    status: int = Field(description="The answer's status, such as 200; 0 where a test sent nothing.")
    headers: dict[str, str] = Field(description="The headers asked for, by name in lower case, where they came.")
    body: Any = Field(description="A value where the answer was read as JSON, else a text; null where it was empty.")
    url: str = Field(description="Where the answer came from, after redirects.")
    duration_ms: float = Field(description="From the start until the last byte, in milliseconds.")
    rendered: dict[str, Any] | None = Field(description="In a test: a request that was not sent. Else null.")


class HttpRequestNode(Node):
    type = "utility.http"
    title = "HTTP request"
    description = "Asks a public web server, and gives its answer as a value."
    help = (
        "Sends one request to a public server and reads the answer as JSON or text, up to 2 MiB. Addresses inside a "
        "network, names that lead there and redirects to them are refused; a credential goes to the first server "
        "only, not to one it redirects to.\n\n"
        "A status other than those expected is an error. A server that is busy or cannot be reached is tried again "
        "where that does no harm: always with GET, HEAD, PUT and DELETE, with POST and PATCH only before anything "
        "was sent, or where you say that the server drops repeats. If an answer to such a request is lost, the "
        "error is ReplyLost: whether it took effect is not known. A 429 or 503 with Retry-After is waited for "
        "within the time-out.\n\n"
        "JSON with NaN or infinity in it is refused, in either direction. A test sends GET and HEAD, which only "
        "read, and renders everything else without sending it. What a Price history or Live price node can take as "
        "external data is described there."
    )
    icon = "globe"
    effects = frozenset({Effect.NETWORK})
    errors = (
        ExecutionStopped,
        NodeConfigError,
        MissingInput,
        CredentialProblem,
        NotFound,
        NetworkRefused,
        NetworkFailed,
        NetworkTimeout,
        ServerBusy,
        ReplyLost,
        UntrustedServer,
        RequestTooLarge,
        ResponseTooLarge,
        BadResponse,
        UnexpectedStatus,
    )
    timeout_s = 30
    example = Example(
        title="Ask a rates service",
        config={
            "url": "https://api.example.com/v1/rates",
            "query": {"symbol": "EURUSD", "limit": 10},
            "credential": "api-key",
        },
    )
    Config = HttpConfig
    Output = HttpOutput

    @classmethod
    def at_most_once(cls, config: Mapping[str, Any]) -> bool:
        return config.get("method", "GET") not in REPEATABLE and config.get("idempotent") is not True

    def run(self, config: HttpConfig, context: NodeContext) -> HttpOutput:
        from tradeloom.network.composing import host_of
        from tradeloom.network.patience import accepted, send_patiently

        request = _prepared(config, context)
        if context.test_mode and config.method not in READING:
            context.before_acting()
            return HttpOutput(
                status=0, headers={}, body=None, url=request.url, duration_ms=0.0, rendered=_rendered(request)
            )
        host = host_of(request.url)
        answer = send_patiently(context.http(), request, before=context.before_acting, retry_failed=False)
        accepted(answer, host, statuses=frozenset(config.expected), repeatable=request.repeatable)
        wanted = {name.strip().lower() for name in config.keep_headers}
        return HttpOutput(
            status=answer.status,
            headers={name: value for name, value in answer.headers.items() if name in wanted},
            body=_read(config, answer, host),
            url=answer.url,
            duration_ms=answer.elapsed_ms,
            rendered=None,
        )


def _prepared(config: HttpConfig, context: NodeContext) -> "HttpRequest":
    from tradeloom.network.composing import authorization, checked_headers, checked_url
    from tradeloom.network.messages import HttpRequest

    url = checked_url(config.url, config.query)
    own = checked_headers(config.headers)
    body = _body(config)
    headers: dict[str, str] = {}
    if config.body_type != "none":
        headers["Content-Type"] = CONTENT_TYPES[config.body_type]
    if config.idempotent and config.method not in REPEATABLE:
        headers["Idempotency-Key"] = context.client_order_id()
    secret = authorization(context.credential(config.credential)) if config.credential else {}
    overridden = {name.lower() for name in (*own, *secret)}
    headers = {name: value for name, value in headers.items() if name.lower() not in overridden}
    headers |= {name: value for name, value in own.items() if name.lower() not in {each.lower() for each in secret}}
    return HttpRequest(
        method=config.method,
        url=url,
        headers=headers,
        secret_headers=secret,
        body=body,
        timeout_s=config.timeout_s,
        redirects="follow" if config.redirects else "none",
        repeatable=config.method in REPEATABLE or config.idempotent,
    )


def _body(config: HttpConfig) -> bytes:
    from tradeloom.network.composing import encoded_form, encoded_json, encoded_text

    if config.body_type == "none":
        return b""
    if config.method in READING:
        raise NodeConfigError(f"A {config.method} request has no body.", field="config.body_type")
    if config.body is None and config.body_type != "json":
        raise MissingInput("There is no body to send.", field="config.body")
    encode = {"json": encoded_json, "text": encoded_text, "form": encoded_form}[config.body_type]
    return encode(config.body)


def _rendered(request: "HttpRequest") -> dict[str, Any]:
    return {
        "method": request.method,
        "url": request.url,
        "headers": dict(request.headers) | dict.fromkeys(request.secret_headers, HIDDEN),
        "body": request.body.decode(),
    }


def _read(config: HttpConfig, answer: "HttpAnswer", host: str) -> Any:
    from tradeloom.network.composing import is_json, json_of, text_of

    if not answer.body:
        if config.parse == "json" and config.method != "HEAD":
            raise BadResponse(f"{host} answered with nothing where JSON was asked for.", sent=True)
        return None
    if config.parse == "json" or (config.parse == "auto" and is_json(answer)):
        return json_of(answer, host)
    return text_of(answer)
