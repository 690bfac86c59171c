"""JSON as it travels: between the engine and its workers, and into the journal.

Text is pure ASCII, so NUL characters and lone surrogates survive every channel and PostgreSQL's `json` columns. Numbers
are JavaScript's: a whole float is read as an integer, as it would be after a state machine in the cloud. NaN and
infinities are not JSON and are refused.
"""

import json
import struct
from collections.abc import Iterator
from typing import Any

from pydantic_core import to_json

from tradeloom.engine.errors import InvalidPayload
from tradeloom.json_text import encoder

MAX_FRAME_BYTES = 16 * 1024 * 1024
_HEADER = struct.Struct(">I")
_EXACT = 2.0**53


def number(text: str) -> int | float:
    """A JSON number with a point or exponent, read as JavaScript would print it: `5.0` is 5."""
    value = float(text)
    if -_EXACT <= value <= _EXACT:
        whole = int(value)
        return whole if whole == value else value
    if value in (float("inf"), float("-inf")):
        raise InvalidPayload(f"{text[:40]} is beyond the range of a JSON number")
    return value


def _no_constant(name: str) -> Any:
    raise InvalidPayload(f"{name} is not a JSON value")


_ASCII = encoder(ensure_ascii=True, allow_nan=False)
_UTF8 = encoder(ensure_ascii=False)
_DECODER = json.JSONDecoder(parse_float=number, parse_constant=_no_constant)


def dumps(value: Any) -> str:
    """JSON text. Raises `InvalidPayload` for what JSON cannot hold: NaN, sets, bytes, cycles, keys of odd types."""
    try:
        return _ASCII(value)
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidPayload(f"not a JSON value: {error}") from error


def loads(text: str | bytes | bytearray) -> Any:
    """The value of JSON text. Raises `InvalidPayload`."""
    try:
        if not isinstance(text, str):
            text = text.decode("utf-8", "surrogatepass")
        return _DECODER.decode(text)
    except (ValueError, RecursionError) as error:
        raise InvalidPayload(f"not JSON: {error}") from error


def canonical(value: Any) -> Any:
    """The value as it is after a trip over the wire: plain lists and dicts, numbers as `number` reads them."""
    return loads(dumps(value))


def size(value: Any) -> int:
    """Bytes of the value's JSON in UTF-8, which is what Step Functions' limits count."""
    text = _UTF8(value)
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))


def at_most(value: Any, limit: int) -> bool:
    """Whether the value's JSON is no longer than `limit`, by a writer that is quicker and, in how it prints a float's
    exponent, at most a fifth shorter. False where that does not tell."""
    try:
        return len(to_json(value)) <= limit - limit // 4
    except ValueError:  # half a surrogate pair, or no JSON at all
        return False


def frame(message: Any) -> bytes:
    """One message for a stream: four bytes of length, then JSON."""
    return frame_of(dumps(message))


def frame_of(text: str) -> bytes:
    """A frame of what `dumps` gave. Raises `InvalidPayload` when it is too long for one."""
    body = text.encode("ascii")
    if len(body) > MAX_FRAME_BYTES:
        raise InvalidPayload(f"a message of {len(body)} bytes is more than {MAX_FRAME_BYTES}")
    return _HEADER.pack(len(body)) + body


class FrameReader:
    """Collects bytes and gives whole messages."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes | memoryview) -> Iterator[Any]:
        """The messages completed by `data`. Raises `InvalidPayload` when the stream is broken."""
        self._buffer += data
        while len(self._buffer) >= _HEADER.size:
            (length,) = _HEADER.unpack_from(self._buffer)
            if length > MAX_FRAME_BYTES:
                raise InvalidPayload(f"a frame claims {length} bytes")
            end = _HEADER.size + length
            if len(self._buffer) < end:
                return
            body = bytes(self._buffer[_HEADER.size : end])
            del self._buffer[:end]
            yield loads(body)
