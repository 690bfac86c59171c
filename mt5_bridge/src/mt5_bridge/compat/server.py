"""Where scripts connect: plain TCP on this machine's own address, a few connections, one thread each.

The client of 1.0.11 knows neither TLS nor tokens, so whoever can open a connection on this machine can trade the
account, within its limits. That is why it listens on loopback only and is off unless somebody turns it on.
"""

import logging
import socket
import threading
from typing import Any

from mt5_bridge.compat.desk import Door, ScriptDesk
from mt5_bridge.compat.peer import Gone, Peer
from mt5_bridge.compat.session import ScriptSession
from mt5_bridge.compat.store import ScriptStore
from mt5_bridge.config import BridgeConfig, CompatConfig
from mt5_bridge.listening import Listener, shut
from mt5_bridge.server_time import ServerZone
from tradeloom.errors import StorageUnavailable

_log = logging.getLogger(__name__)


class CompatServer:
    """Listens from construction on. Raises `Conflict` when the address cannot be had."""

    def __init__(self, config: BridgeConfig, compat: CompatConfig, door: Door) -> None:
        self._compat = compat
        settings = next(account for account in config.accounts if account.name == compat.account)
        self._store_path = config.scripts_path(settings.name)
        self._store: ScriptStore | None = None
        self._desk = ScriptDesk(door, self._open_store, settings.name, ServerZone(settings.server_time_zone))
        self._places = threading.BoundedSemaphore(compat.max_connections)
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._listener = Listener(compat.host, compat.port, self._take, name="script", field="compat.port")
        self.port = self._listener.port

    def start(self) -> None:
        _log.warning(
            "scripts written for mt5linux may trade account %s on %s:%s: every local user of this machine can connect",
            self._compat.account,
            self._compat.host,
            self.port,
        )
        self._listener.start()

    def stop_accepting(self) -> None:
        self._listener.stop()

    def close(self) -> None:
        """Ends every connection."""
        self.stop_accepting()
        with self._lock:
            remaining = list(self._open)
        for connection in remaining:
            shut(connection)
        if self._store is not None:
            self._store.close()

    def _open_store(self) -> ScriptStore:
        """Opened at its first use and tried again after a failure."""
        with self._lock:
            if self._listener.closing and self._store is None:
                raise StorageUnavailable("the bridge is stopping; nothing was sent")
            if self._store is None:
                self._store = ScriptStore(self._store_path)
            return self._store

    def _take(self, connection: socket.socket, address: Any) -> None:
        if not self._places.acquire(blocking=False):
            _log.warning("connection of a script from %s turned away: too many", address)
            shut(connection)
            return
        try:
            self._serve(connection, address)
        finally:
            self._places.release()

    def _serve(self, connection: socket.socket, address: Any) -> None:
        try:
            with self._lock:
                self._open.add(connection)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with connection.dup() as seen_by_others:
                seen_by_others.setblocking(False)
                session = ScriptSession(self._desk, lambda: _is_there(seen_by_others))
                _log.info("script %s connects from %s", session.name, address)
                Peer(connection, session.root(), idle_s=self._compat.idle_timeout_s).serve()
        except (Gone, OSError) as error:
            _log.info("connection of a script from %s ended: %s", address, error)
        except Exception:
            _log.exception("connection of a script from %s ended", address)
        finally:
            with self._lock:
                self._open.discard(connection)
            shut(connection)


def _is_there(connection: socket.socket) -> bool:
    """Whether the client still holds its end; asked by other threads than the one that serves it."""
    try:
        return connection.recv(1, socket.MSG_PEEK) != b""
    except BlockingIOError:
        return True
    except OSError:
        return False
