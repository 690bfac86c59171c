"""notify.email: a mail, handed to your own mail server."""

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field, field_validator

from tradeloom.errors import (
    CredentialProblem,
    ExecutionStopped,
    MessageRefused,
    NetworkFailed,
    NetworkRefused,
    NetworkTimeout,
    NodeConfigError,
    NotFound,
    ResponseTooLarge,
    UntrustedServer,
)
from tradeloom.nodes.base import Effect, Example, Node, NodeConfig, NodeContext, NodeOutput, setting
from tradeloom.nodes.notify._sending import TIMEOUT_S, credential_setting

if TYPE_CHECKING:
    from tradeloom.network.messages import MailMessage, MailServer

MAX_RECIPIENTS = 20
MAX_SUBJECT = 250
MAX_BODY = 200_000

SECURITIES: Mapping[str, Literal["starttls", "tls", "none"]] = {"starttls": "starttls", "tls": "tls", "none": "none"}

_ADDRESS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,252}[A-Za-z0-9])?")
"""An address in ASCII, without a name and without quotes: what every server takes and no header can be hidden in."""


def _listed(value: Any) -> Any:
    """One text with commas between the addresses is a list as well."""
    return [part for part in re.split(r"[,;\s]+", value) if part] if isinstance(value, str) else value


class EmailConfig(NodeConfig):
    credential: str = credential_setting("smtp")
    to: list[str] = setting(
        title="To",
        help=f"Addresses, at most {MAX_RECIPIENTS} with those in copy. One text with commas will do.",
        widget="text",
        examples=[["desk@example.com"]],
        min_length=1,
        max_length=MAX_RECIPIENTS,
    )
    cc: list[str] = setting(
        [],
        title="Copy to",
        help="More addresses, which everybody sees.",
        widget="text",
        max_length=MAX_RECIPIENTS,
        advanced=True,
    )
    subject: str = setting(
        title="Subject",
        help=f"One line. Longer than {MAX_SUBJECT} characters it is cut; a line break in it is refused.",
        widget="text",
        examples=["{{ nodes.close.profit }} on EURUSD"],
        pattern=r"\S",
        max_length=10_000,
        coerce_numbers_to_str=True,
    )
    body: str = setting(
        title="Text",
        help="The mail's text; {{ }} puts values in.",
        widget="text",
        examples=["Closed at {{ nodes.close.price }}."],
        max_length=MAX_BODY,
        coerce_numbers_to_str=True,
    )
    html: str | None = setting(
        None,
        title="HTML",
        help="The same as HTML, shown instead of the text by programs that can.",
        widget="code",
        max_length=MAX_BODY,
        advanced=True,
    )
    timeout_s: float = setting(
        15.0,
        title="Time-out",
        help="For the whole conversation.",
        unit="s",
        widget="duration",
        ge=1,
        le=25,
        advanced=True,
    )

    _lists = field_validator("to", "cc", mode="before")(_listed)


class EmailOutput(NodeOutput):
    status: Literal["sent", "rendered"] = Field(
        description="sent: the mail server has it; rendered in a test, which sends nothing."
    )
    message_id: str = Field(description="The mail's Message-ID, the same when the node is run again in the same place.")
    refused: dict[str, str] = Field(description="Recipients the server would not take, each with its reason.")
    rendered: dict[str, Any] | None = Field(description="In a test: what would have been sent. Else null.")


class Email(Node):
    type = "notify.email"
    title = "Email"
    description = "Sends a mail through your own mail server."
    help = (
        "The credential holds the SMTP server, how the connection is secured, user and password, and the sender. "
        "With `starttls` and `tls` the server's certificate is checked, and a server that offers no encryption is "
        "refused. `sent` means that the server has taken the mail, not that anybody read it.\n\n"
        "Mail is sent at least once. If the connection breaks after the server took it, the node may be tried again "
        "and the mail arrives twice, with the same Message-ID, by which most mail programs show it once. When only "
        "some recipients are refused, the others get the mail and `refused` names those. Addresses are plain, as "
        "`ann@example.com`. In a test nothing is sent."
    )
    icon = "mail"
    effects = frozenset({Effect.NETWORK})
    errors = (
        ExecutionStopped,
        NodeConfigError,
        CredentialProblem,
        NotFound,
        NetworkRefused,
        NetworkFailed,
        NetworkTimeout,
        UntrustedServer,
        MessageRefused,
        ResponseTooLarge,
    )
    timeout_s = TIMEOUT_S
    example = Example(
        title="Write to the desk what the RSI did",
        config={
            "credential": "mail",
            "to": ["desk@example.com"],
            "subject": "RSI {{ nodes.rsi.signal }}",
            "body": "RSI is {{ nodes.rsi.value }}, it was {{ nodes.rsi.previous }}.",
        },
        inputs={"indicator.rsi": {"value": 28.4, "previous": 31.2, "signal": "oversold"}},
    )
    Config = EmailConfig
    Output = EmailOutput

    def run(self, config: EmailConfig, context: NodeContext) -> EmailOutput:
        from tradeloom.network.composing import encodable, require
        from tradeloom.network.messages import MailMessage

        to, cc = _addresses(config)
        fields = require(context.credential(config.credential), "smtp").fields
        sender = fields["from"]
        if _ADDRESS.fullmatch(sender) is None:
            raise CredentialProblem("The credential's sender is no plain address.", field="config.credential")
        message = MailMessage(
            sender=sender,
            to=to,
            cc=cc,
            subject=_subject(encodable(config.subject)),
            text=encodable(config.body),
            html=None if config.html is None else encodable(config.html),
            message_id=f"<{context.client_order_id()}@{sender.rpartition('@')[2]}>",
        )
        context.before_acting()
        if context.test_mode:
            return EmailOutput(
                status="rendered", message_id=message.message_id, refused={}, rendered=_rendered(message)
            )
        refused = context.mail().send(message, _server(fields), timeout_s=config.timeout_s)
        if refused:
            context.log("Some recipients were refused.", level="warning", refused=sorted(refused))
        return EmailOutput(status="sent", message_id=message.message_id, refused=dict(refused), rendered=None)


def _addresses(config: EmailConfig) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Each address once, where it stands first. Raises `NodeConfigError`."""
    seen: set[str] = set()
    lists: dict[str, list[str]] = {"to": [], "cc": []}
    for field, addresses in (("to", config.to), ("cc", config.cc)):
        for position, address in enumerate(addresses):
            if _ADDRESS.fullmatch(address) is None or ".." in address:
                raise NodeConfigError(
                    "This is no plain mail address.", field=f"config.{field}.{position}", hint="Write ann@example.com."
                )
            if address.lower() not in seen:
                lists[field].append(address)
                seen.add(address.lower())
    if len(seen) > MAX_RECIPIENTS:
        raise NodeConfigError(f"There are {len(seen)} recipients; {MAX_RECIPIENTS} are the most.", field="config.cc")
    return tuple(lists["to"]), tuple(lists["cc"])


def _subject(text: str) -> str:
    """Raises `NodeConfigError` for a line break or control character, with which a header could be smuggled in."""
    line = text.strip(" \t")
    if any(ord(each) < 0x20 or ord(each) in {0x7F, 0x85, 0x2028, 0x2029} for each in line):
        raise NodeConfigError("The subject holds a line break or another control character.", field="config.subject")
    return line if len(line) <= MAX_SUBJECT else line[: MAX_SUBJECT - 1] + "…"


def _rendered(message: "MailMessage") -> dict[str, Any]:
    shown = {"from": message.sender, "to": list(message.to), "cc": list(message.cc), "subject": message.subject}
    return shown | {"text": message.text, "html": message.html}


def _server(fields: Mapping[str, str]) -> "MailServer":
    from tradeloom.network.messages import MailServer

    port, security = fields.get("port", "587"), fields.get("security", "starttls")
    if not (port.isascii() and port.isdigit() and len(port) <= 5 and 1 <= int(port) <= 65_535):
        raise CredentialProblem("The credential's port is none.", field="config.credential")
    if security not in SECURITIES:
        raise CredentialProblem("The credential does not say how to secure the connection.", field="config.credential")
    return MailServer(
        host=fields["host"],
        port=int(port),
        security=SECURITIES[security],
        username=fields.get("username", ""),
        password=fields.get("password", ""),
    )
