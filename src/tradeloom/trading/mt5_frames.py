"""Frames as rpyc puts them on a stream, over a TLS socket: read and written, bounded in size and in time.

A frame is the length of its content (four bytes, big endian), a byte that says whether it is compressed, the content
and a line feed. None is read that is too large, and none unpacked (so none can swell). Imports rpyc; import it only
where a connection is opened.
"""

import math
import socket
import ssl
import struct
import time

from rpyc.lib.compat import poll

_HEADER = struct.Struct("!LB")
_END = b"\n"
_RECORD = 16 * 1024
"""The most that TLS hands over at once, in bytes."""


class FrameStream:
    """One side of a connection that has shaken hands; for one thread at a time.

    A frame that stalls for `stall_s` is given up, and so is one that is not through by the caller's `give_up` (seconds
    of `time.monotonic`), however busily it drips. After any error the connection is of no more use: a part of a frame
    may have gone either way.
    """

    __slots__ = ("_kept", "_max_content", "_sock", "_stall_s", "_watch")

    def __init__(self, sock: ssl.SSLSocket, *, max_content: int, stall_s: float) -> None:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._sock = sock
        self._max_content = max_content
        self._stall_s = stall_s
        self._kept = b""  # read beyond the last frame: a record's worth at most
        self._watch = poll()  # select.poll where there is one, which needs no descriptor of its own
        self._watch.register(sock.fileno(), "r")

    def wait(self, timeout_s: float) -> bool:
        """Whether there is something to read within the time: bytes, or the end. What was read or decrypted already
        counts, though the socket is silent."""
        return bool(self._kept) or self._sock.pending() > 0 or bool(self._watch.poll(max(timeout_s, 0.0)))

    def receive(self, give_up: float) -> bytes:
        """The content of the next frame.

        Raises `TimeoutError` when it is not there by `give_up`, `EOFError` when the connection ended, the frame stalled
        or was refused, and `OSError` when the connection broke.
        """
        data = self._kept or self._more(_RECORD, give_up)
        while len(data) < _HEADER.size:
            data += self._more(_RECORD, give_up)
        length, compressed = _HEADER.unpack_from(data)
        if compressed or length > self._max_content:
            raise EOFError(f"a frame of {length} bytes was refused")
        whole = _HEADER.size + length + len(_END)
        if len(data) < whole:
            data = self._completed(data, whole, give_up)
        self._kept = data[whole:]
        return data[_HEADER.size : whole - len(_END)]

    def send(self, content: bytes, give_up: float = math.inf) -> None:
        """Writes a frame. Raises as `receive` does."""
        frame = memoryview(b"".join((_HEADER.pack(len(content), 0), content, _END)))
        while frame:
            self._set_limit(give_up)
            try:
                sent = self._sock.send(frame)
            except TimeoutError as error:
                raise _too_slow(give_up) from error
            frame = frame[sent:]

    def _completed(self, begun: bytes, whole: int, give_up: float) -> bytes:
        """The frame of `whole` bytes that began so, and nothing beyond it."""
        parts, missing = [begun], whole - len(begun)
        while missing:
            parts.append(self._more(min(missing, _RECORD), give_up))
            missing -= len(parts[-1])
        return b"".join(parts)

    def _more(self, most: int, give_up: float) -> bytes:
        self._set_limit(give_up)
        try:
            data = self._sock.recv(most)
        except TimeoutError as error:
            raise _too_slow(give_up) from error
        if not data:
            raise EOFError("connection closed by peer")
        return data

    def _set_limit(self, give_up: float) -> None:
        left = give_up - time.monotonic()
        if left <= 0:
            raise _too_slow(give_up)
        self._sock.settimeout(min(left, self._stall_s))


def _too_slow(give_up: float) -> Exception:
    return EOFError("a frame stalled") if time.monotonic() < give_up else TimeoutError("a frame took too long")
