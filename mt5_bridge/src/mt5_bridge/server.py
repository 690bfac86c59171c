"""The listening side: mutual TLS, a bounded number of connections, one thread each, one exposed method.

A place is for who has shown a certificate. Whoever has not may only knock, for a few seconds: of many knocking at once
the oldest are dropped, so a crowd of strangers that say nothing, or say it slowly, keeps no client out.
"""

import contextlib
import logging
import socket
import ssl
import threading
import time
from collections.abc import Callable
from typing import Any

from mt5_bridge.certificates import Certificates
from mt5_bridge.config import ListenConfig
from mt5_bridge.listening import Listener, shut
from tradeloom.trading import mt5_wire, protocol

_log = logging.getLogger(__name__)

_HANDSHAKE_S = 5.0
_MOST_KNOCKING = 128
_STALL_S = 10.0
_IDLE_S = 3600.0


def server_context(certificates: Certificates) -> ssl.SSLContext:
    """TLS 1.3 only; a client must show a certificate of our own authority, made for clients."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(certificates.ca)
    context.load_cert_chain(certificates.server, certificates.server_key)
    context.num_tickets = 0  # connections are kept, not resumed
    return context


class BridgeServer:
    """Listens from construction on. Raises `Conflict` when the address cannot be had."""

    def __init__(self, listen: ListenConfig, context: ssl.SSLContext, call: Callable[..., bytes]) -> None:
        self._context = context
        self._call = call
        self._places = threading.BoundedSemaphore(listen.max_connections)
        self._open: set[socket.socket] = set()
        self._knocking: dict[ssl.SSLSocket, float] = {}  # since when, the oldest first
        self._refused = {"handshake": 0, "too_many": 0}
        self._lock = threading.Lock()
        self._listener = Listener(
            listen.host,
            listen.port,
            self._serve,
            name="client",
            field="listen.port",
            backlog=_MOST_KNOCKING,
            between=self._drop_late_ones,
        )
        self.port = self._listener.port

    def start(self) -> None:
        self._listener.start()

    def connections(self) -> dict[str, int]:
        """How many are `open` now; how many failed in the `handshake` or were `too_many` since the start."""
        with self._lock:
            return {"open": len(self._open), "knocking": len(self._knocking), **self._refused}

    def stop_accepting(self) -> None:
        self._listener.stop()

    def close(self) -> None:
        """Ends every connection."""
        self.stop_accepting()
        with self._lock:
            remaining = [*self._open, *self._knocking]
        for connection in remaining:
            shut(connection)

    def _drop_late_ones(self) -> None:
        """The handshake's own time-out begins anew with each byte, so it does not end who sends them one by one."""
        late = time.monotonic() - _HANDSHAKE_S
        with self._lock:
            crowd = len(self._knocking) - _MOST_KNOCKING
            waiting = enumerate(self._knocking.items())
            dropped = [each for number, (each, since) in waiting if since < late or number < crowd]
            for connection in dropped:
                del self._knocking[connection]
        for connection in dropped:
            _cut(connection)

    def _serve(self, connection: socket.socket, address: tuple[str, int]) -> None:
        try:
            self._talk(connection, address)
        except Exception as error:
            # Whatever a peer can do wrong ends its own connection, in one line.
            _log.info("connection from %s ended: %s: %.200s", address, type(error).__name__, error)
        finally:
            shut(connection)

    def _talk(self, connection: socket.socket, address: tuple[str, int]) -> None:
        connection.settimeout(_HANDSHAKE_S)
        with self._context.wrap_socket(connection, server_side=True, do_handshake_on_connect=False) as secured:
            self._shake_hands(secured)
            if not self._places.acquire(blocking=False):
                with self._lock:
                    self._refused["too_many"] += 1
                _log.warning("connection from %s turned away: too many", address)
                return
            try:
                with self._lock:
                    self._open.add(secured)
                self._converse(secured, address)
            finally:
                with self._lock:
                    self._open.discard(secured)
                self._places.release()

    def _shake_hands(self, secured: ssl.SSLSocket) -> None:
        with self._lock:
            self._knocking[secured] = time.monotonic()
        try:
            secured.do_handshake()
        except OSError:
            with self._lock:
                self._refused["handshake"] += 1
            raise
        finally:
            with self._lock:
                self._knocking.pop(secured, None)

    def _converse(self, secured: ssl.SSLSocket, address: tuple[str, int]) -> None:
        _log.info("connection from %s as %s", address, _common_name(secured))
        max_content = protocol.MAX_REQUEST_BYTES + mt5_wire.FRAME_OVERHEAD
        mt5_wire.serve(self._call, secured, max_content=max_content, idle_s=_IDLE_S, stall_s=_STALL_S, whole_s=_STALL_S)


def _common_name(secured: ssl.SSLSocket) -> str:
    certificate: dict[str, Any] = secured.getpeercert() or {}
    names = [value for part in certificate.get("subject", ()) for key, value in part if key == "commonName"]
    return str(names[0]) if names else "unnamed"


def _cut(connection: ssl.SSLSocket) -> None:
    """Under the hands of the thread that uses it, whose read ends. `SSLSocket.shutdown` would take its state away."""
    with contextlib.suppress(OSError):
        socket.socket.shutdown(connection, socket.SHUT_RDWR)
