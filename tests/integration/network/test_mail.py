"""Mail to a real SMTP server on loopback: STARTTLS, TLS, login, refusals, and servers that misbehave."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from typing import Any

import pytest

from tests.integration.network.mail_server import PASSWORD, USER, Box, mail_server
from tests.integration.network.servers import Authority
from tests.support.credentials import CREDENTIALS
from tests.support.node_context import FakeContext
from tradeloom.errors import (
    MessageRefused,
    NetworkError,
    NetworkFailed,
    NetworkTimeout,
    ResponseTooLarge,
    UntrustedServer,
)
from tradeloom.network.mail import GuardedMail
from tradeloom.network.messages import MailMessage, MailServer
from tradeloom.network.policy import ALLOW, TRUST, Policy
from tradeloom.nodes.base import Credential
from tradeloom.nodes.notify.email import Email, EmailConfig

MESSAGE = MailMessage(
    sender="bot@example.com",
    to=("ann@example.com",),
    cc=("bea@example.com",),
    subject="RSI überkauft – 71.2 €",
    text="Line one.\n.\nA line with a dot above: ½\n" + "long " * 400,
    html="<p>RSI &gt; 70</p>",
    message_id="<tl-1@example.com>",
)


Start = Callable[..., int]


@pytest.fixture
def box() -> Box:
    return Box()


@pytest.fixture
def start(box: Box, authority: Authority) -> Iterator[Start]:
    """Starts a mail server; answers its port. Its certificate is for smtp.example."""
    with ExitStack() as stack:

        def made(security: str, name: str = "smtp.example", **how: Any) -> int:
            return stack.enter_context(mail_server(box, authority, security, name, **how))

        yield made


def mailer(port: int, authority: Authority | None = None) -> GuardedMail:
    policy = Policy.of({ALLOW: f"127.0.0.1:{port}", TRUST: str(authority.file) if authority else ""})
    return GuardedMail(policy, resolve=lambda host: ["127.0.0.1"])


def server(port: int, security: Any, **how: str) -> MailServer:
    return MailServer("smtp.example", port, security, **{"username": USER, "password": PASSWORD, **how})


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_over_tls_with_a_login(security: str, box: Box, start: Start, authority: Authority) -> None:
    port = start(security)
    refused = mailer(port, authority).send(MESSAGE, server(port, security), timeout_s=60)
    assert refused == {}
    [envelope] = box.came
    assert (envelope.mail_from, envelope.rcpt_tos) == ("bot@example.com", ["ann@example.com", "bea@example.com"])
    assert (box.sessions[0].ssl is not None) == (security == "starttls")
    assert box.sessions[0].authenticated
    assert box.sessions[0].host_name == "[127.0.0.1]"
    mail = box.mail()
    assert (mail["From"], mail["To"], mail["Cc"]) == ("bot@example.com", "ann@example.com", "bea@example.com")
    assert mail["Subject"] == MESSAGE.subject
    assert mail["Message-ID"] == MESSAGE.message_id
    assert mail["Date"]
    body, html = mail.get_body(("plain",)), mail.get_body(("html",))
    assert body is not None
    assert html is not None
    assert body.get_content().replace("\r\n", "\n").strip() == MESSAGE.text.strip()
    assert html.get_content().strip() == MESSAGE.html
    assert all(byte < 0x80 for byte in box.content())


def test_in_the_clear_where_the_credential_says_so(box: Box, start: Start) -> None:
    port = start("none")
    mailer(port).send(MESSAGE, server(port, "none", username="", password=""), timeout_s=60)
    assert len(box.came) == 1


class TestRefusals:
    def test_a_server_without_encryption(self, box: Box, start: Start) -> None:
        """The password is not sent: whoever stands between could have taken STARTTLS out of the greeting."""
        port = start("none")
        with pytest.raises(MessageRefused, match="does not offer"):
            mailer(port).send(MESSAGE, server(port, "starttls"), timeout_s=60)
        assert box.came == []

    @pytest.mark.parametrize("security", ["starttls", "tls"])
    def test_a_certificate_for_another_name(self, security: str, box: Box, start: Start, authority: Authority) -> None:
        port = start(security, name="other.example")
        with pytest.raises(UntrustedServer, match=r"smtp\.example"):
            mailer(port, authority).send(MESSAGE, server(port, security), timeout_s=60)
        assert box.came == []

    @pytest.mark.parametrize("security", ["starttls", "tls"])
    def test_an_unknown_authority(self, security: str, box: Box, start: Start) -> None:
        port = start(security)
        with pytest.raises(UntrustedServer):
            mailer(port).send(MESSAGE, server(port, security), timeout_s=60)

    def test_a_wrong_password(self, box: Box, start: Start, authority: Authority) -> None:
        port = start("starttls")
        with pytest.raises(MessageRefused, match="user and password") as raised:
            mailer(port, authority).send(MESSAGE, server(port, "starttls", password="wrong-000"), timeout_s=60)
        assert raised.value.field == "config.credential"
        assert "wrong-000" not in str(raised.value)

    def test_some_recipients(self, box: Box, start: Start) -> None:
        port = start("none")
        message = MailMessage("a@example.com", ("nobody@x.example", "ann@example.com"), (), "x", "y", None, "<1@x>")
        refused = mailer(port).send(message, server(port, "none", username=""), timeout_s=60)
        assert refused == {"nobody@x.example": "550 no such mailbox"}
        assert box.came[0].rcpt_tos == ["ann@example.com"]

    @pytest.mark.parametrize(("name", "error"), [("nobody", MessageRefused), ("full", NetworkFailed)])
    def test_every_recipient(self, name: str, error: type[Exception], box: Box, start: Start) -> None:
        port = start("none")
        message = MailMessage("a@example.com", (f"{name}@x.example",), (), "x", "y", None, "<1@x>")
        with pytest.raises(error, match="none of the recipients"):
            mailer(port).send(message, server(port, "none", username=""), timeout_s=60)

    @pytest.mark.parametrize(("said", "error"), [("451 later", NetworkFailed), ("554 spam", MessageRefused)])
    def test_after_the_data(self, said: str, error: type[NetworkError], box: Box, start: Start) -> None:
        box.after_data = said
        port = start("none")
        with pytest.raises(error, match=said) as raised:
            mailer(port).send(MESSAGE, server(port, "none", username=""), timeout_s=60)
        assert raised.value.sent


def scripted(talk: Callable[[socket.socket], None]) -> tuple[socket.socket, int]:
    """A server that says what it likes to whoever connects."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(4)

    def serve() -> None:
        with suppress(OSError):
            connection, _ = listener.accept()
            with connection:
                talk(connection)

    threading.Thread(target=serve, daemon=True).start()
    return listener, int(listener.getsockname()[1])


class TestMisbehaviour:
    def attempt(self, talk: Callable[[socket.socket], None], timeout_s: float = 1.0) -> NetworkError:
        listener, port = scripted(talk)
        with listener, pytest.raises(NetworkError) as raised:
            mailer(port).send(MESSAGE, server(port, "none", username=""), timeout_s=timeout_s)
        return raised.value

    def test_a_drip_cannot_stretch_the_time(self) -> None:
        def drip(connection: socket.socket) -> None:
            for _ in range(2_000):
                connection.sendall(b"2")
                time.sleep(0.05)

        begun = time.monotonic()
        assert isinstance(self.attempt(drip), NetworkTimeout)
        assert 0.9 < time.monotonic() - begun < 60

    def test_silence(self) -> None:
        begun = time.monotonic()
        assert isinstance(self.attempt(lambda connection: time.sleep(3)), NetworkTimeout)
        assert time.monotonic() - begun < 15

    def test_endless_lines(self) -> None:
        def endless(connection: socket.socket) -> None:
            while True:
                connection.sendall(b"220-" + b"x" * 500 + b"\r\n")

        assert isinstance(self.attempt(endless, 5.0), ResponseTooLarge)

    @pytest.mark.parametrize("said", [b"", b"SSH-2.0-OpenSSH\r\n", b"\xff\xfe\r\n", b"220" + b"x" * 20_000])
    def test_no_mail_server(self, said: bytes) -> None:
        error = self.attempt(lambda connection: connection.sendall(said), 3.0)
        assert not error.sent


def test_the_node_hands_its_mail_to_the_server(box: Box, start: Start, authority: Authority) -> None:
    port = start("starttls")
    fields = {**CREDENTIALS["mail"].fields, "host": "smtp.example", "port": str(port)}
    context = FakeContext(credentials={"mail": Credential("mail", "smtp", fields)})
    context.mail = lambda: mailer(port, authority)  # type: ignore[method-assign,assignment,return-value]
    config = EmailConfig(credential="mail", to=["ann@example.com"], subject="RSI 28", body="It is low.")
    outputs = [Email().run(config, context) for _ in range(2)]
    assert [output.status for output in outputs] == ["sent", "sent"]
    # At least once, and the receiver can tell: both carry one Message-ID.
    assert len(box.came) == 2
    assert box.mail()["Message-ID"] == outputs[0].message_id == outputs[1].message_id
