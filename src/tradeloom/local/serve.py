"""Serves a machine's API and page on 127.0.0.1 until it is told to stop."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractContextManager, asynccontextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Final

import uvicorn
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.http11 import Request

from tradeloom.api.app import Api
from tradeloom.errors import Conflict
from tradeloom.local.machine import Machine
from tradeloom.local.pages import load_pages
from tradeloom.local.realtime import ABORT
from tradeloom.local.server import LocalServer
from tradeloom.local.settings import DEFAULT_PORT, Settings

GRACE_S: Final = 3
MAX_MESSAGE_BYTES: Final = 65_536
"""Of a WebSocket, before a connection is dropped for it; what is read is less."""


class PortTaken(Conflict):
    """Something else listens where Tradeloom should."""


@dataclass(frozen=True)
class Served:
    """`address` ends in a slash. `new_token` is true at the first start on a data directory."""

    address: str
    token: str
    new_token: bool

    @property
    def page(self) -> str:
        """The page's address with the token in its fragment, which browsers keep to themselves."""
        return f"{self.address}#token={self.token}"


class Port(AbstractContextManager["Port"]):
    """The port to serve at: taken before what is served there has been started, which takes a while."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._socket: socket.socket | None = None

    def take(self) -> socket.socket:
        """The same each time. Raises `PortTaken`."""
        if self._socket is None:
            self._socket = _listen(self._settings)
        return self._socket

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._socket is not None:
            self._socket.close()


@asynccontextmanager
async def serving(machine: Machine, at: Port | None = None) -> AsyncIterator[Served]:
    """Serve while the context is open. Raises `PortTaken`."""
    listening = (at or Port(machine.settings)).take()
    host, port = listening.getsockname()[:2]
    token, new_token = machine.home.token()
    app = LocalServer(
        Api(machine.ports),
        load_pages(),
        token=token,
        port=port,
        door=machine.door,
        run_events=machine.run_events,
        unready=machine.status.unready,
        metrics=machine.metrics if machine.settings.metrics != "off" else None,
        open_metrics=machine.settings.metrics == "open",
    )
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        lifespan="off",
        ws=_WebSockets,
        ws_max_size=MAX_MESSAGE_BYTES,
        ws_per_message_deflate=False,
        timeout_graceful_shutdown=GRACE_S,
        limit_concurrency=256,
    )
    server = _Server(config)
    task = asyncio.ensure_future(server.serve(sockets=[listening]))
    try:
        while not server.started and not task.done():
            await asyncio.sleep(0.005)
        shown = f"[{host}]" if ":" in host else host
        served = Served(f"http://{shown}:{port}/", token, new_token)
        machine.home.tell_address(served.address)
        yield served
    finally:
        server.should_exit = True
        await task
        app.close()
        listening.close()


class _WebSockets(WebSocketsSansIOProtocol):
    """With a way to drop a connection whose reader takes nothing: to close it waits for what is still to be sent."""

    def handle_connect(self, event: Request) -> None:
        super().handle_connect(event)
        if self.handshake_initiated and not self.handshake_complete:
            extensions: dict[str, Any] = self.scope["extensions"] or {}
            extensions[ABORT] = self.transport.abort

    def keepalive_timeout(self) -> None:
        super().keepalive_timeout()
        self.transport.abort()


class _Server(uvicorn.Server):
    """Signals are the command line's business: everything else has to be taken down too."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _listen(settings: Settings) -> socket.socket:
    """The wanted port; without a wish the usual one, or any free one where that is taken."""
    wanted = DEFAULT_PORT if settings.port is None else settings.port
    try:
        return _bound(settings.host, wanted)
    except OSError as error:
        if settings.port is None:
            return _bound(settings.host, 0)
        raise PortTaken(
            f"Port {wanted} of {settings.host} cannot be used: {error.strerror or error}.",
            field="TRADELOOM_PORT",
            hint="Stop what uses it, or choose another with --port; 0 takes any free one.",
        ) from error


def _bound(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    made = socket.socket(family, socket.SOCK_STREAM)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind((host, port))
    except OSError:
        made.close()
        raise
    return made
