"""Records as the client can take them.

The client of 1.0.11 asks for arrays in the form of a pickle, which it loads itself. No object is pickled here: the text
below is a fixed program for its loader, `numpy.array(numpy.frombuffer(<bytes>, <fields>))`, into which only the raw
records, the names and the types of their fields are put. Nothing a client sends is ever unpickled.
"""

import struct
from collections.abc import Sequence

_LENGTH = struct.Struct("<I")
_PROTOCOL = b"\x80\x03"
_MARK, _TUPLE, _TUPLE_OF_1, _TUPLE_OF_2, _REDUCE, _STOP = b"(", b"t", b"\x85", b"\x86", b"R", b"."
_EMPTY_LIST, _APPENDS = b"]", b"e"
_ARRAY, _FROM_BUFFER = b"cnumpy\narray\n", b"cnumpy\nfrombuffer\n"


def records_for_client(data: bytes, fields: Sequence[tuple[str, str]]) -> bytes:
    """`data` holds packed records, `fields` their (name, numpy type) in order. `frombuffer` alone would give an array
    that cannot be written to, so it is copied."""
    columns = b"".join(_text(name) + _text(kind) + _TUPLE_OF_2 for name, kind in fields)
    parts = (
        _PROTOCOL,
        _ARRAY,
        _FROM_BUFFER,
        _MARK,
        b"B" + _LENGTH.pack(len(data)) + data,
        _EMPTY_LIST + _MARK + columns + _APPENDS,
        _TUPLE + _REDUCE,
        _TUPLE_OF_1 + _REDUCE,
        _STOP,
    )
    return b"".join(parts)


def _text(value: str) -> bytes:
    encoded = value.encode()
    return b"X" + _LENGTH.pack(len(encoded)) + encoded
