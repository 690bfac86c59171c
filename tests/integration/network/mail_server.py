"""A real SMTP server on loopback that takes one login and keeps what arrives."""

import email
import email.policy
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from tests.integration.network.servers import Authority

USER, PASSWORD = "bot@example.com", "pass-5e5e5e"


class Box:
    """Keeps what arrives; does not take mail for `nobody@`, and is `busy` when told."""

    def __init__(self) -> None:
        self.came: list[Envelope] = []
        self.sessions: list[Session] = []
        self.after_data = "250 taken"

    async def handle_RCPT(self, server: SMTP, session: Session, envelope: Envelope, address: str, options: Any) -> str:
        if address.startswith("nobody@"):
            return "550 no such mailbox"
        if address.startswith("full@"):
            return "452 mailbox full"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        self.came.append(envelope)
        self.sessions.append(session)
        return self.after_data

    def content(self) -> bytes:
        content = self.came[-1].content
        assert isinstance(content, bytes)
        return content

    def mail(self) -> EmailMessage:
        """The last one."""
        parsed = email.message_from_bytes(self.content(), policy=email.policy.default)
        assert isinstance(parsed, EmailMessage)
        return parsed


def authenticate(server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any) -> AuthResult:
    assert isinstance(data, LoginPassword)
    # `handled` would say that the answer was given here.
    return AuthResult(success=(data.login, data.password) == (USER.encode(), PASSWORD.encode()), handled=False)


@contextmanager
def mail_server(box: Box, authority: Authority, security: str, name: str, **how: Any) -> Iterator[int]:
    """Its port, while it serves. `security` is none, starttls or tls; its certificate is for `name`."""
    context = authority.server(name) if security != "none" else None
    tls = {"ssl_context": context} if security == "tls" else {"tls_context": context}
    # The server knows of TLS only what STARTTLS told it.
    how = {"authenticator": authenticate, "auth_require_tls": security == "starttls", **how}
    if security == "starttls":
        how = {"require_starttls": True, "auth_required": True, **how}
    controller = Controller(box, hostname="127.0.0.1", port=_free_port(), **tls, **how)  # type: ignore[arg-type]
    controller.start()
    try:
        yield int(controller.port)
    finally:
        controller.stop()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
