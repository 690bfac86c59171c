"""What nodes hand to the network and get back, and the ports they reach it through."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol

MAX_REQUEST_BYTES = 1024 * 1024
MAX_RESPONSE_BYTES = 2 * 1024 * 1024
MAX_REDIRECTS = 3

Redirects = Literal["follow", "keep_method", "none"]
"""`follow` as browsers do: 301, 302 and 303 turn a POST into a GET. `keep_method` follows only where the method stays,
so that a message is delivered or answered with the redirect itself, never dropped on the way."""


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """`secret_headers` go to the first origin only and are shown nowhere. `timeout_s` is for everything together:
    names, connections, redirects, the last byte. `repeatable` says that sending it twice does no harm."""

    method: str
    url: str = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    secret_headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes = field(default=b"", repr=False)
    timeout_s: float = 10.0
    redirects: Redirects = "follow"
    repeatable: bool = False
    max_bytes: int = MAX_RESPONSE_BYTES
    cut: bool = False
    """Take the first `max_bytes` of a longer answer instead of refusing it."""


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """Header names are in lower case; one that came several times is joined with commas. `body` is unpacked."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    url: str
    elapsed_ms: float


class Http(Protocol):
    def send(self, request: HttpRequest) -> HttpAnswer:
        """The answer, whatever its status.

        Raises `InvalidUrl`, `NetworkRefused`, `NetworkFailed`, `NetworkTimeout`, `ReplyLost`, `UntrustedServer`,
        `RequestTooLarge`, `ResponseTooLarge`, `BadResponse`.
        """
        ...

    def pause(self, seconds: float) -> None:
        """Wait, as a server asked for."""
        ...


@dataclass(frozen=True, slots=True)
class MailServer:
    """`starttls` and `tls` check the server's certificate; `none` sends in the clear, password included."""

    host: str
    port: int
    security: Literal["starttls", "tls", "none"]
    username: str = field(default="", repr=False)
    password: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class MailMessage:
    """Addresses are bare (`ann@example.com`). `message_id` is with its angle brackets."""

    sender: str
    to: tuple[str, ...]
    cc: tuple[str, ...]
    subject: str
    text: str
    html: str | None
    message_id: str


class Mail(Protocol):
    def send(self, message: MailMessage, server: MailServer, *, timeout_s: float) -> Mapping[str, str]:
        """Hand the message to the server; answers the recipients it would not take, each with its reason.

        Raises `CredentialProblem` for a host that is none, `NetworkRefused`, `NetworkFailed`, `NetworkTimeout`,
        `UntrustedServer`, `MessageRefused`, `ResponseTooLarge`.
        """
        ...
