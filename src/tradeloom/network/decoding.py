"""Unpacking an answer's body as it comes, with a bound on what comes out: a small body may unpack to gigabytes."""

import zlib

from tradeloom.errors import BadResponse, ResponseTooLarge

ACCEPTED = "gzip, deflate"
_STEP = 64 * 1024


class Body:
    """Collects a body. `full` says that `most` bytes are there and, as `cut` was asked for, the rest is not wanted."""

    def __init__(self, encoding: str, host: str, *, most: int, cut: bool) -> None:
        self._host = host
        self._most = most
        self._cut = cut
        self._parts: list[bytes] = []
        self._length = 0
        self._packed = 0
        self._unpack = _unpacker(encoding, host)
        self._first = True
        self.full = False

    def take(self, data: bytes) -> None:
        """Raises `ResponseTooLarge` and `BadResponse`."""
        self._packed += len(data)
        if self._unpack is None:
            self._keep(data)
            return
        if self._first and data:
            self._first = False
            self._unpack = _deflate_as_sent(self._unpack, data)
        try:
            while not self.full and not self._unpack.eof:
                made = self._unpack.decompress(data, _STEP)
                self._keep(made)
                data = self._unpack.unconsumed_tail
                # A full step may have more behind it, although all that came has been read.
                if not data and len(made) < _STEP:
                    break
        except zlib.error as error:
            raise BadResponse(f"{self._host} sent a body that cannot be unpacked.", sent=True) from error

    def finished(self) -> bytes:
        if self._unpack is not None and not self.full and self._packed and not self._unpack.eof:
            raise BadResponse(f"{self._host} sent a packed body without its end.", sent=True)
        return b"".join(self._parts)

    def _keep(self, data: bytes) -> None:
        room = self._most - self._length
        if len(data) > room:
            if not self._cut:
                raise ResponseTooLarge(f"{self._host} answered with more than {self._most:,} bytes.", sent=True)
            data, self.full = data[:room], True
        self._parts.append(data)
        self._length += len(data)


def _unpacker(encoding: str, host: str) -> "zlib._Decompress | None":
    match encoding.strip().lower():
        case "" | "identity":
            return None
        case "gzip" | "x-gzip":
            return zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
        case "deflate":
            return zlib.decompressobj()
        case other:
            raise BadResponse(f"{host} packed its answer as {other[:40]!r}, which was not asked for.", sent=True)


def _deflate_as_sent(unpack: "zlib._Decompress", data: bytes) -> "zlib._Decompress":
    """Some servers say deflate and leave out zlib's header, whose first byte always ends in 8."""
    headed = data[0] & 0x0F == 8
    is_gzip = data[:1] == b"\x1f"
    return unpack if headed or is_gzip else zlib.decompressobj(wbits=-zlib.MAX_WBITS)
