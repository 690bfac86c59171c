"""Taking connections: what both doors of the bridge, the network's and the scripts', do alike."""

import logging
import socket
import threading
from collections.abc import Callable
from typing import Any

from tradeloom.errors import Conflict

_log = logging.getLogger(__name__)
_ACCEPT_S = 0.5


class Listener:
    """Listens from construction on, and hands each connection to `take` in a thread of its own once started.

    `between` is called at least twice a second, before the next connection is waited for. Raises `Conflict`, naming
    `field`, when the address cannot be had.
    """

    def __init__(
        self,
        host: str,
        port: int,
        take: Callable[[socket.socket, Any], None],
        *,
        name: str,
        field: str,
        backlog: int | None = None,
        between: Callable[[], None] = lambda: None,
    ) -> None:
        self._take = take
        self._name = name
        self._between = between
        self._closing = threading.Event()
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        try:
            self._socket = socket.create_server((host, port), family=family, backlog=backlog)
        except OSError as error:
            raise Conflict(f"cannot listen on {host}:{port}: {error}", field=field) from error
        self._socket.settimeout(_ACCEPT_S)
        self.port: int = self._socket.getsockname()[1]
        self._thread = threading.Thread(target=self._accept, name=f"accept-{name}", daemon=True)

    @property
    def closing(self) -> bool:
        return self._closing.is_set()

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """No further connection; those taken go on."""
        self._closing.set()
        self._socket.close()

    def _accept(self) -> None:
        while not self.closing:
            self._between()
            try:
                connection, address = self._socket.accept()
            except TimeoutError:
                continue
            except OSError:
                if not self.closing:
                    _log.exception("accepting a connection (%s) failed", self._name)
                    self._closing.wait(_ACCEPT_S)
                continue
            threading.Thread(
                target=self._take, args=(connection, address), name=f"{self._name}-{address}", daemon=True
            ).start()


def shut(connection: socket.socket) -> None:
    """Ends it for both sides, whoever still reads or writes."""
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass
    finally:
        connection.close()
