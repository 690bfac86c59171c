"""The status page: what the bridge is doing, for a person on this machine and for what watches it.

Off the trading port and on 127.0.0.1 alone. It reads and changes nothing: GET and HEAD of `/`, `/health` (JSON; 503
while not every account can trade) and `/metrics` (Prometheus). A page of somebody else's cannot read it: the Host must
be this machine's, no other origin is let in, and the page itself may load and run nothing.
"""

import contextlib
import json
import logging
import os
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

from mt5_bridge import exposition, status_page
from mt5_bridge.metrics import Figures
from tradeloom.errors import Conflict

_log = logging.getLogger(__name__)

HOST = "127.0.0.1"
_HOSTS = ("127.0.0.1", "localhost")
_MOST_CONNECTIONS = 16
_STALL_S = 5.0


@dataclass(frozen=True, slots=True)
class Picture:
    """The bridge at one moment: its health, what it counted, and what each account's journal holds."""

    health: dict[str, Any]
    figures: Figures
    books: dict[str, dict[str, Any]]


class StatusServer:
    """Listens from construction on; port 0 takes a free one. Raises `Conflict` when the port cannot be had."""

    def __init__(self, port: int, picture: Callable[[], Picture]) -> None:
        try:
            self._server = _Server((HOST, port), picture)
        except OSError as error:
            raise Conflict(f"cannot listen on {HOST}:{port}: {error}", field="status.port") from error
        self.port = int(self._server.server_address[1])
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.1}, name="status", daemon=True
        )

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}/"

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        if self._thread.is_alive():
            self._server.shutdown()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    """One thread a connection, and not more than a few: the oldest makes place for the next."""

    daemon_threads = True
    block_on_close = False
    allow_reuse_address = os.name == "posix"  # on Windows it would let another program take the port beside us

    def __init__(self, address: tuple[str, int], picture: Callable[[], Picture]) -> None:
        self.picture = picture
        self._held: list[Any] = []
        self._lock = threading.Lock()
        super().__init__(address, _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._lock:
            self._held.append(request)
            oldest = self._held.pop(0) if len(self._held) > _MOST_CONNECTIONS else None
        if oldest is not None:
            _shut(oldest)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        with self._lock:
            if request in self._held:
                self._held.remove(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        _log.debug("a status connection from %s ended", client_address, exc_info=True)


class _Handler(BaseHTTPRequestHandler):
    timeout = _STALL_S
    server_version = "tradeloom-bridge"
    sys_version = ""
    server: _Server
    _kinds: ClassVar[dict[str, str]] = {
        "/": "text/html; charset=utf-8",
        "/health": "application/json",
        "/metrics": exposition.CONTENT_TYPE,
    }

    def do_GET(self) -> None:
        if not self._from_this_machine():
            self._answer(HTTPStatus.MISDIRECTED_REQUEST, "text/plain", b"this host name is not the status page's\n")
            return
        path = self.path.partition("?")[0]
        kind = self._kinds.get(path)
        if kind is None:
            self._answer(HTTPStatus.NOT_FOUND, "text/plain", b"there is /, /health and /metrics\n")
            return
        try:
            status, body = self._render(path, self.server.picture())
        except Exception:
            _log.exception("the status page failed")
            status, kind, body = HTTPStatus.INTERNAL_SERVER_ERROR, "text/plain", b"the bridge's log says more\n"
        self._answer(status, kind, body)

    do_HEAD = do_GET  # noqa: N815  the standard library's name

    @staticmethod
    def _render(path: str, now: Picture) -> tuple[HTTPStatus, bytes]:
        match path:
            case "/health":
                good = now.health["status"] == "ok"
                return HTTPStatus.OK if good else HTTPStatus.SERVICE_UNAVAILABLE, json.dumps(now.health).encode()
            case "/metrics":
                return HTTPStatus.OK, exposition.exposition(now.health, now.figures, now.books).encode()
        return HTTPStatus.OK, status_page.page(now.health, now.figures, now.books).encode()

    def _from_this_machine(self) -> bool:
        """Whoever makes a browser ask us under another name is not to get an answer (DNS rebinding)."""
        port = self.server.server_address[1]
        hosts = self.headers.get_all("Host") or []
        return len(hosts) == 1 and hosts[0] in [f"{name}:{port}" for name in _HOSTS]

    def _answer(self, status: HTTPStatus, kind: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        if status is HTTPStatus.METHOD_NOT_ALLOWED:
            self.send_header("Allow", "GET, HEAD")
        for name, value in status_page.HEADERS.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """For what cannot be read as a request, or is another method: in plain text, as everything else."""
        status = HTTPStatus.METHOD_NOT_ALLOWED if code == HTTPStatus.NOT_IMPLEMENTED else HTTPStatus(code)
        self.close_connection = True
        self._answer(status, "text/plain", f"{status.phrase}\n".encode())

    def log_message(self, format: str, *arguments: Any) -> None:
        _log.debug(format, *arguments)


def _shut(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
