"""rpyc with its teeth drawn: the frames, and what either side lets the other do.

Imports rpyc; import it only where a connection is opened. Frames are bounded before they are read, never
compressed (so none can swell), and must arrive whole within a time limit once begun. Only values cross: a peer can
neither hand us references to its objects nor reach any attribute of ours but one method.
"""

import math
import socket
import ssl
import time
from collections.abc import Callable
from typing import Any

from rpyc.core import consts
from rpyc.core.channel import Channel
from rpyc.core.protocol import Connection
from rpyc.core.service import Service, VoidService
from rpyc.core.stream import SocketStream
from rpyc.lib import Timeout

FRAME_OVERHEAD = 4096
"""Room a frame has above its payload, for rpyc's own words."""

_CONFIG = {
    "allow_safe_attrs": False,
    "allow_exposed_attrs": False,
    "allow_public_attrs": False,
    "allow_all_attrs": False,
    "allow_getattr": True,  # to reach the one method; the service itself decides which name passes
    "allow_setattr": False,
    "allow_delattr": False,
    "allow_pickle": False,
    "include_local_traceback": False,
    "include_local_version": False,
    "import_custom_exceptions": False,
    "instantiate_custom_exceptions": False,
    "propagate_KeyboardInterrupt_locally": False,
    "log_exceptions": False,
    "bind_threads": False,  # rpyc takes its default from the environment, and it changes the frames
    "close_catchall": True,
}


class WireStream(SocketStream):  # type: ignore[misc]
    """A TLS socket. A frame that stalls for `stall_s` ends the connection, so does silence for `idle_s`, and with
    `whole_s` a frame of which either part, head or body, has not arrived by then, however busily it drips."""

    __slots__ = ("_idle_s", "_whole_s")

    def __init__(
        self, sock: ssl.SSLSocket, *, stall_s: float, idle_s: float | None = None, whole_s: float | None = None
    ) -> None:
        super().__init__(sock)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.settimeout(stall_s)
        self._idle_s = idle_s
        self._whole_s = whole_s

    def poll(self, timeout: Any) -> bool:
        """Waits for data; bytes TLS has already decrypted count, though the socket itself is silent."""
        if self.closed:
            raise EOFError("connection closed")
        if self.sock.pending():
            return True
        left = Timeout(timeout).timeleft()
        if self._idle_s is None or (left is not None and left <= self._idle_s):
            return bool(super().poll(timeout))
        if not super().poll(self._idle_s):
            self.close()
            raise EOFError("idle for too long")
        return True

    def read(self, count: int) -> bytes:
        data = bytearray(count)
        view = memoryview(data)
        give_up = math.inf if self._whole_s is None else time.monotonic() + self._whole_s
        try:
            while view:
                received = self.sock.recv_into(view)
                if not received:
                    raise EOFError("connection closed by peer")
                view = view[received:]
                if view and time.monotonic() > give_up:
                    raise EOFError("a frame took too long to arrive")
        except OSError as error:  # a stall is a TimeoutError, and TLS errors are OSErrors too
            self.close()
            raise EOFError(str(error)) from error
        except EOFError:
            self.close()
            raise
        return bytes(data)

    def write(self, data: bytes) -> None:
        try:
            self.sock.sendall(data)
        except OSError as error:
            self.close()
            raise EOFError(str(error)) from error


class WireChannel(Channel):  # type: ignore[misc]
    """Frames of at most `max_frame` bytes, never compressed."""

    __slots__ = ("_max_frame",)

    def __init__(self, stream: WireStream, max_frame: int) -> None:
        super().__init__(stream, compress=False)
        self._max_frame = max_frame

    def recv(self) -> bytes:
        length, compressed = self.FRAME_HEADER.unpack(self.stream.read(self.FRAME_HEADER.size))
        if compressed or length > self._max_frame:
            self.stream.close()
            raise EOFError(f"a frame of {length} bytes was refused")
        data: bytes = self.stream.read(length + len(self.FLUSHER))
        return data[: -len(self.FLUSHER)]

    def send(self, data: bytes) -> None:
        self.stream.write(b"".join((self.FRAME_HEADER.pack(len(data), 0), data, self.FLUSHER)))


class _Connection(Connection):  # type: ignore[misc]
    """Closes without ceremony: rpyc would first send a goodbye and wait for the peer's."""

    def close(self) -> None:
        if not self._closed:
            self._cleanup()


class _ServerConnection(_Connection):
    """Answers what a client needs to call the one method; takes values only, so it never calls back."""

    @classmethod
    def _request_handlers(cls) -> dict[int, Callable[..., Any]]:
        allowed = (
            consts.HANDLE_PING,
            consts.HANDLE_CLOSE,
            consts.HANDLE_GETROOT,
            consts.HANDLE_INSPECT,
            consts.HANDLE_GETATTR,
            consts.HANDLE_CALL,
            consts.HANDLE_DEL,
        )
        handlers = super()._request_handlers()
        return {name: handlers[name] for name in allowed}

    def _unbox(self, package: Any) -> Any:
        label, value = package
        if label == consts.LABEL_TUPLE:
            return tuple(self._unbox(item) for item in value)
        if label not in (consts.LABEL_VALUE, consts.LABEL_LOCAL_REF):
            raise ValueError("only values are accepted")
        return super()._unbox(package)


class _ClientConnection(_Connection):
    """Answers nothing but the goodbye: the bridge has no business asking its clients."""

    @classmethod
    def _request_handlers(cls) -> dict[int, Callable[..., Any]]:
        handlers = super()._request_handlers()
        return {consts.HANDLE_CLOSE: handlers[consts.HANDLE_CLOSE]}


class OneMethodService(Service):  # type: ignore[misc]
    """Exposes `call` and nothing else."""

    _protocol = _ServerConnection
    __slots__ = ("_call",)

    def __init__(self, call: Callable[..., bytes]) -> None:
        self._call = call

    def _rpyc_getattr(self, name: str) -> Callable[..., bytes]:
        if name != "call":
            raise AttributeError("only call is exposed")
        return self._call


class ClientService(VoidService):  # type: ignore[misc]
    _protocol = _ClientConnection
    __slots__ = ()


def connect(
    service: Service,
    sock: ssl.SSLSocket,
    *,
    max_frame: int,
    stall_s: float,
    idle_s: float | None,
    whole_s: float | None = None,
) -> Any:
    """An rpyc connection over a TLS socket that has shaken hands. `max_frame` bounds what is read, in bytes."""
    channel = WireChannel(WireStream(sock, stall_s=stall_s, idle_s=idle_s, whole_s=whole_s), max_frame)
    return service._connect(channel, _CONFIG | {"sync_request_timeout": stall_s})
