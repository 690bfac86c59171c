"""One request and its answer on an open connection, by h11, within the deadline."""

import socket
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus

import h11

from tradeloom.errors import BadResponse, InvalidInput, NetworkFailed, ResponseTooLarge
from tradeloom.network.decoding import ACCEPTED, Body
from tradeloom.network.dialling import Deadline
from tradeloom.network.messages import HttpRequest
from tradeloom.network.urls import Target

MAX_HEADER_BYTES = 64 * 1024
MAX_HEADERS = 200
MAX_INTERIM = 8
"""Answers of the kind "100 Continue" before the one that counts."""

MAX_PACKED_BYTES = 16 * 1024 * 1024
_READ = 64 * 1024


@dataclass(frozen=True, slots=True)
class Received:
    status: int
    headers: Mapping[str, str]
    body: bytes


class Exchange:
    def __init__(self, connection: socket.socket, target: Target, deadline: Deadline) -> None:
        self._connection = connection
        self._target = target
        self._deadline = deadline
        self._http = h11.Connection(h11.CLIENT, max_incomplete_event_size=MAX_HEADER_BYTES)
        self._came = 0
        self._over = False

    def run(self, request: HttpRequest) -> Received:
        """Raises `InvalidInput`, `NetworkFailed`, `NetworkTimeout`, `BadResponse`, `ResponseTooLarge`."""
        try:
            self._write(request)
            answer = self._answer()
            headers = _joined(answer)
            return Received(answer.status_code, headers, self._body(request, answer.status_code, headers))
        except h11.LocalProtocolError as error:
            raise InvalidInput(f"No HTTP request can be made of this: {error}.") from error
        except h11.RemoteProtocolError as error:
            host = self._target.host
            if self._over:
                raise NetworkFailed(f"{host} broke off in the middle of its answer.") from error
            if getattr(error, "error_status_hint", 0) == HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE:
                raise ResponseTooLarge(f"{host} answered with too large headers.", sent=True) from error
            raise BadResponse(f"What {host} answered is no HTTP: {error}.", sent=True) from error
        except TimeoutError:
            raise self._deadline.passed() from None
        except OSError as error:
            raise NetworkFailed(f"The connection to {self._target.host} broke: {error.strerror or error}.") from error

    def _write(self, request: HttpRequest) -> None:
        headers = {
            "Host": self._target.authority,
            "User-Agent": "Tradeloom",
            "Accept": "*/*",
            "Accept-Encoding": ACCEPTED,
            "Connection": "close",
        }
        if request.body or request.method in {"POST", "PUT", "PATCH"}:
            headers["Content-Length"] = str(len(request.body))
        own = {**request.headers, **request.secret_headers}
        taken = {name.lower() for name in own}
        wire = {name: value for name, value in headers.items() if name.lower() not in taken} | own
        head = h11.Request(method=request.method, target=self._target.path, headers=_encoded(wire))
        parts: list[h11.Request | h11.Data | h11.EndOfMessage] = [head]
        if request.body:
            parts.append(h11.Data(data=request.body))
        content = b"".join(self._http.send(part) or b"" for part in (*parts, h11.EndOfMessage()))
        self._deadline.sent = True
        self._connection.settimeout(self._deadline.left())
        try:
            self._connection.sendall(content)
        except TimeoutError:
            raise
        except OSError:
            # A server that has heard enough may answer and close before all was sent: its answer tells more.
            return

    def _answer(self) -> h11.Response:
        for _ in range(MAX_INTERIM):
            event = self._next()
            if isinstance(event, h11.Response):
                return event
            if not isinstance(event, h11.InformationalResponse) or event.status_code == HTTPStatus.SWITCHING_PROTOCOLS:
                break
        raise BadResponse(f"{self._target.host} answered with something else than an answer.", sent=True)

    def _body(self, request: HttpRequest, status: int, headers: Mapping[str, str]) -> bytes:
        host = self._target.host
        encoding = "" if request.method == "HEAD" or status in {204, 304} else headers.get("content-encoding", "")
        body = Body(encoding, host, most=request.max_bytes, cut=request.cut)
        while not body.full:
            event = self._next()
            if isinstance(event, h11.Data):
                body.take(bytes(event.data))
            elif isinstance(event, h11.EndOfMessage):
                break
            else:
                raise BadResponse(f"{host} ended its answer in an unknown way.", sent=True)
        return body.finished()

    def _next(self) -> object:
        while (event := self._http.next_event()) is h11.NEED_DATA:
            self._connection.settimeout(self._deadline.left())
            data = self._connection.recv(_READ)
            self._came += len(data)
            if self._came > MAX_PACKED_BYTES:
                raise ResponseTooLarge(f"{self._target.host} sent more than {MAX_PACKED_BYTES:,} bytes.", sent=True)
            if not data and self._http.their_state is h11.SEND_RESPONSE:
                raise NetworkFailed(f"{self._target.host} closed the connection without an answer.")
            self._over = not data
            self._http.receive_data(data)
        return event


def _encoded(headers: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    return [(name.encode(), value.encode()) for name, value in headers.items()]


def _joined(answer: h11.Response) -> dict[str, str]:
    if len(answer.headers) > MAX_HEADERS:
        raise ResponseTooLarge(f"The answer has more than {MAX_HEADERS} headers.", sent=True)
    made: dict[str, str] = {}
    for raw_name, raw_value in answer.headers:
        name, value = raw_name.decode("ascii"), _as_text(raw_value)
        made[name] = f"{made[name]}, {value}" if name in made else value
    return made


def _as_text(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode("latin-1")
