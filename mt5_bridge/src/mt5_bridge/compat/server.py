"""Where scripts connect: plain TCP on this machine's own address, a few connections, one thread each.

The client of 1.0.11 knows neither TLS nor tokens, so whoever can open a connection on this machine can trade the
account, within its limits. That is why it listens on loopback only and is off unless somebody turns it on.
"""

import contextlib
import logging
import socket
import threading
from typing import Any

from mt5_bridge.compat.desk import Door, ScriptDesk
from mt5_bridge.compat.peer import Gone, Peer
from mt5_bridge.compat.session import ScriptSession
from mt5_bridge.compat.store import ScriptStore
from mt5_bridge.config import BridgeConfig, CompatConfig
from mt5_bridge.server_time import ServerZone
from tradeloom.errors import Conflict, StorageUnavailable

_log = logging.getLogger(__name__)
_ACCEPT_S = 0.5


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
        self._closing = threading.Event()
        family = socket.AF_INET6 if ":" in compat.host else socket.AF_INET
        try:
            self._listener = socket.create_server((compat.host, compat.port), family=family)
        except OSError as error:
            raise Conflict(f"cannot listen on {compat.host}:{compat.port}: {error}", field="compat.port") from error
        self._listener.settimeout(_ACCEPT_S)
        self.port: int = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._accept, name="accept-scripts", daemon=True)

    def start(self) -> None:
        _log.warning(
            "scripts written for mt5linux may trade account %s on %s:%s: every local user of this machine can connect",
            self._compat.account,
            self._compat.host,
            self.port,
        )
        self._thread.start()

    def stop_accepting(self) -> None:
        self._closing.set()
        self._listener.close()

    def close(self) -> None:
        """Ends every connection."""
        self.stop_accepting()
        with self._lock:
            remaining = list(self._open)
        for connection in remaining:
            _shut(connection)
        if self._store is not None:
            self._store.close()

    def _open_store(self) -> ScriptStore:
        """Opened at its first use and tried again after a failure."""
        with self._lock:
            if self._closing.is_set() and self._store is None:
                raise StorageUnavailable("the bridge is stopping; nothing was sent")
            if self._store is None:
                self._store = ScriptStore(self._store_path)
            return self._store

    def _accept(self) -> None:
        while not self._closing.is_set():
            try:
                connection, address = self._listener.accept()
            except TimeoutError:
                continue
            except OSError:
                if not self._closing.is_set():
                    _log.exception("accepting a connection of a script failed")
                    self._closing.wait(_ACCEPT_S)
                continue
            if not self._places.acquire(blocking=False):
                _log.warning("connection of a script from %s turned away: too many", address)
                _shut(connection)
                continue
            threading.Thread(
                target=self._serve, args=(connection, address), name=f"script-{address}", daemon=True
            ).start()

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
            _shut(connection)
            self._places.release()


def _is_there(connection: socket.socket) -> bool:
    """Whether the client still holds its end; asked by other threads than the one that serves it."""
    try:
        return connection.recv(1, socket.MSG_PEEK) != b""
    except BlockingIOError:
        return True
    except OSError:
        return False


def _shut(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
    connection.close()
