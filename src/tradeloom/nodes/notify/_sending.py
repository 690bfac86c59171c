"""What nodes that send a message over HTTP share: settings, outputs, and what a failure means."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from tradeloom.errors import (
    BadResponse,
    CredentialProblem,
    ExecutionStopped,
    MessageRefused,
    NetworkFailed,
    NetworkRefused,
    NetworkTimeout,
    NodeConfigError,
    NotFound,
    ResponseTooLarge,
    ServerBusy,
    TradeloomError,
    UnexpectedStatus,
    UntrustedServer,
)
from tradeloom.nodes.base import NodeContext, NodeOutput, setting
from tradeloom.nodes.values import shown

if TYPE_CHECKING:
    from tradeloom.network.messages import HttpAnswer, HttpRequest

HIDDEN = "•••"
KEPT_BODY_BYTES = 64 * 1024
"""Of an answer to a message; the rest is not read."""

TIMEOUT_S = 30
"""Of the node types: a little more than any node's own time-out."""

SENDING_ERRORS = (
    ExecutionStopped,
    NodeConfigError,
    CredentialProblem,
    NotFound,
    NetworkRefused,
    NetworkFailed,
    NetworkTimeout,
    ServerBusy,
    UntrustedServer,
    UnexpectedStatus,
    MessageRefused,
    ResponseTooLarge,
    BadResponse,
)
"""What sending a message may raise; of these the state machine tries the retryable ones again."""


class ChatOutput(NodeOutput):
    status: Literal["sent", "rendered", "failed"] = Field(
        description="sent; rendered in a test, which sends nothing; failed where failures are ignored."
    )
    truncated: bool = Field(description="Whether something had to be cut to what the service takes.")
    rendered: dict[str, Any] | None = Field(description="In a test: what would have been sent. Else null.")
    error: dict[str, str] | None = Field(description="Name and message of what went wrong where status is failed.")


def timeout_setting() -> Any:
    return setting(
        10.0,
        title="Time-out",
        help="For everything together: looking up the name, connecting, waiting as asked to, the answer's last byte.",
        unit="s",
        widget="duration",
        ge=1,
        le=25,
        advanced=True,
    )


def fail_setting() -> Any:
    return setting(
        "ignore",
        title="When it fails",
        help="ignore reports the failure in `status` and goes on, so that a message never holds up a trade; stop makes "
        "it an error of the node.",
        widget="select",
        advanced=True,
    )


def credential_setting(kind: str) -> Any:
    return setting(
        title="Credential",
        help=f"The stored credential, of the kind {kind}.",
        widget="credential",
        static=True,
        min_length=1,
        max_length=100,
    )


def texts_of(fields: Mapping[str, Any]) -> dict[str, str]:
    """Values as people read them."""
    return {name: value if isinstance(value, str) else shown(value) for name, value in fields.items()}


def post(context: NodeContext, request: "HttpRequest", *, retry_failed: bool) -> "HttpAnswer":
    """Send, asking before each try whether this execution may still act."""
    from tradeloom.network.patience import send_patiently

    return send_patiently(context.http(), request, before=context.before_acting, retry_failed=retry_failed)


def failure(error: TradeloomError, fail: Literal["stop", "ignore"], context: NodeContext) -> dict[str, str]:
    """Name and message of an error that is ignored; raises it where it is not. That somebody stopped the execution is
    never ignored."""
    if fail == "stop" or isinstance(error, ExecutionStopped):
        raise error
    context.log(f"The message was not sent: {error.message}", level="warning", error=error.name)
    return {"name": error.name, "message": error.message}
