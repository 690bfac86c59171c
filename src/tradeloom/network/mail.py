"""Mail over connections from `dial`: smtplib speaks, the guard connects, and a clock ends what takes too long."""

import smtplib
import socket
import ssl
import threading
from collections.abc import Mapping
from contextlib import suppress
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formatdate
from functools import cached_property
from typing import Any

from tradeloom.errors import CredentialProblem, MessageRefused, NetworkError, NetworkFailed, ResponseTooLarge
from tradeloom.network.dialling import Deadline, Resolve, dial, system_resolve
from tradeloom.network.messages import MailMessage, MailServer
from tradeloom.network.policy import MAIL_PORTS, Policy
from tradeloom.network.tls import secured, trusted, untrusted
from tradeloom.network.urls import InvalidUrl, canonical_host

OUR_NAME = "[127.0.0.1]"
"""What EHLO says: servers that take a login ask for no name, and this machine's own is nobody's business."""

MAX_SAID_BYTES = 256 * 1024


class GuardedMail:
    """The `Mail` of a process."""

    def __init__(self, policy: Policy, *, resolve: Resolve = system_resolve) -> None:
        self._policy = policy
        self._resolve = resolve

    def send(self, message: MailMessage, server: MailServer, *, timeout_s: float) -> Mapping[str, str]:
        deadline = Deadline(timeout_s, server.host)
        try:
            with _Session(self, server, deadline) as session:
                return session.deliver(message)
        except NetworkError:
            raise
        except smtplib.SMTPException as error:
            raise self._told(error, server.host, deadline) from error
        except ssl.SSLCertVerificationError as error:
            raise untrusted(server.host, error) from error
        except TimeoutError:
            raise deadline.passed() from None
        except OSError as error:
            # The clock cuts a connection that takes too long, which looks like one that broke.
            deadline.left()
            raise NetworkFailed(f"The connection to {server.host} broke.", sent=deadline.sent) from error

    def connect(self, server: MailServer, deadline: Deadline) -> socket.socket:
        try:
            host, address = canonical_host(server.host)
        except InvalidUrl as error:
            raise CredentialProblem(f"The mail server: {error.message}", field="config.credential") from error
        connection = dial(
            host,
            address,
            server.port,
            policy=self._policy,
            ports=MAIL_PORTS,
            deadline=deadline,
            resolve=self._resolve,
        )
        if server.security == "tls":
            return secured(connection, host, self.trusted, deadline)
        return connection

    @cached_property
    def trusted(self) -> ssl.SSLContext:
        return trusted(self._policy)

    def _told(self, error: smtplib.SMTPException, host: str, deadline: Deadline) -> NetworkError:
        """Codes from 500 on are final, those from 400 on ask to try again (RFC 5321, 4.2.1).

        Raises `NetworkTimeout` where the clock cut the connection: what was said by then may be half a line.
        """
        deadline.left()
        match error:
            case smtplib.SMTPAuthenticationError():
                return MessageRefused(f"{host} does not accept the user and password.", field="config.credential")
            case smtplib.SMTPNotSupportedError():
                return MessageRefused(
                    f"{host} does not offer what the credential asks for: {str(error).rstrip('.')}.",
                    field="config.credential",
                )
            case smtplib.SMTPRecipientsRefused():
                code, said = next(iter(error.recipients.values()))
                made = MessageRefused if code >= 500 else NetworkFailed
                return made(f"{host} takes none of the recipients: {reason(code, said)}.", sent=deadline.sent)
            case smtplib.SMTPResponseException():
                code = int(error.smtp_code)
                made = MessageRefused if code >= 500 else NetworkFailed
                return made(f"{host} answered {reason(code, error.smtp_error)}.", sent=deadline.sent)
        return NetworkFailed(f"{host} closed the connection.", sent=deadline.sent)


class _Session(smtplib.SMTP):
    """An SMTP client on a guarded connection, cut off at the deadline by a timer: a server may send a byte a second."""

    def __init__(self, mail: GuardedMail, server: MailServer, deadline: Deadline) -> None:
        self._mail = mail
        self._server = server
        self._deadline = deadline
        self._cutter: threading.Timer | None = None
        self._watched: socket.socket | None = None
        try:
            super().__init__(server.host, server.port, local_hostname=OUR_NAME, timeout=deadline.left())
        except BaseException:
            self.close()
            raise

    def deliver(self, message: MailMessage) -> dict[str, str]:
        server = self._server
        self.ehlo_or_helo_if_needed()
        if server.security == "starttls":
            self.starttls(context=self._mail.trusted)
            self.ehlo_or_helo_if_needed()
        if server.username:
            self.login(server.username, server.password)
        self._deadline.sent = True
        refused = self.sendmail(message.sender, [*message.to, *message.cc], written(message))
        return {recipient: reason(code, said) for recipient, (code, said) in refused.items()}

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        connection = self._mail.connect(self._server, self._deadline)
        connection.settimeout(self._deadline.left())
        # A second descriptor of the same connection: TLS replaces the first, and closing is not ours to do.
        self._watched = socket.socket(fileno=socket.dup(connection.fileno()))
        self._cutter = threading.Timer(self._deadline.left(), _cut, [self._watched])
        self._cutter.daemon = True
        self._cutter.start()
        return connection

    def getreply(self) -> tuple[int, bytes]:
        if self.file is None:
            assert self.sock is not None
            self.file = _Bounded(self.sock.makefile("rb"), self._server.host)
        return super().getreply()

    def close(self) -> None:
        if self._cutter is not None:
            self._cutter.cancel()
        if self._watched is not None:
            self._watched.close()
        if hasattr(self, "sock"):
            super().close()

    def __exit__(self, *raised: object) -> None:
        # Without QUIT where something went wrong: it would wait for an answer, and hide what did.
        if raised[0] is None:
            # The message is with the server; how it says goodbye is of no matter.
            with suppress(OSError, NetworkError):
                self.docmd("QUIT")
        self.close()


class _Bounded:
    """A server's replies, as a file that ends in an error when it says too much."""

    def __init__(self, file: Any, host: str) -> None:
        self._file = file
        self._host = host
        self._came = 0

    def readline(self, most: int) -> bytes:
        line: bytes = self._file.readline(most)
        self._came += len(line)
        if self._came > MAX_SAID_BYTES:
            raise ResponseTooLarge(f"{self._host} said more than {MAX_SAID_BYTES:,} bytes.", sent=True)
        return line

    def close(self) -> None:
        self._file.close()


def written(message: MailMessage) -> bytes:
    """The message as it goes over the wire (RFC 5322). Line ends in a header are refused by the policy."""
    # Not every server takes eight bits.
    made = EmailMessage(policy=SMTP.clone(cte_type="7bit"))
    made["From"] = message.sender
    made["To"] = ", ".join(message.to)
    if message.cc:
        made["Cc"] = ", ".join(message.cc)
    made["Subject"] = message.subject
    made["Date"] = formatdate()
    made["Message-ID"] = message.message_id
    made["Auto-Submitted"] = "auto-generated"
    made.set_content(message.text)
    if message.html is not None:
        made.add_alternative(message.html, subtype="html")
    return made.as_bytes()


def reason(code: int, said: bytes | str) -> str:
    """A server's answer on one line, at most 200 characters of it."""
    text = said.decode("utf-8", "replace") if isinstance(said, bytes) else said
    return f"{code} {' '.join(text.split())}"[:200]


def _cut(connection: socket.socket) -> None:
    with suppress(OSError):  # it is over already
        connection.shutdown(socket.SHUT_RDWR)
