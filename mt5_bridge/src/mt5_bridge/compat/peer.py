"""One client's connection: the frames and verbs of rpyc that a classic client uses, written out one by one.

rpyc's own connection is not used here, for its classic side runs whatever it is sent. This one knows ten verbs, acts on
objects of its own making only (`objects`), takes values and references to those objects and nothing else, and never
asks the client for anything. Frames are bounded before they are read, and never decompressed.
"""

import itertools
import socket
import struct
from collections.abc import Callable
from typing import Any, cast

from rpyc.core import brine, consts

from mt5_bridge.compat.objects import Function, Lent, Records, Root
from tradeloom.errors import TradeloomError

MAX_FRAME = 4_096
MAX_LENT_BYTES = 128 * 1024 * 1024
"""What one client may leave lying here. A client that gives back what it has looked at never comes near it."""

_HEADER = struct.Struct("!LB")
_END = b"\n"
_GREETING_S = 10.0
_STALL_S = 10.0
_MOST_COUNTED = 2**63
_TOLD_AS_THEY_ARE = (AttributeError, TypeError, IndexError, KeyError, ReferenceError, MemoryError)

type IdPack = tuple[str, int, int]


class Gone(Exception):
    """The client left, or said something after which there is no talking to it."""


class Lendings:
    """The objects a client holds, by the names it knows them under."""

    def __init__(self) -> None:
        self._held: dict[IdPack, list[Any]] = {}
        self._names: dict[int, IdPack] = {}
        self._numbers = itertools.count(1)
        self._bytes = 0

    def lend(self, thing: Lent) -> IdPack:
        """Raises `MemoryError` when the client holds too much already."""
        name = self._names.get(id(thing))
        if name is not None:
            self._held[name][1] += 1
            return name
        if self._bytes + thing.weight > MAX_LENT_BYTES:
            raise MemoryError("this script holds too many results; let go of some")
        name = (thing.kind, 1, next(self._numbers))
        self._held[name] = [thing, 1]
        self._names[id(thing)] = name
        self._bytes += thing.weight
        return name

    def find(self, name: Any) -> Lent:
        held = self._held.get(name) if isinstance(name, tuple) else None
        if held is None:
            raise ReferenceError("this connection knows no such object")
        return cast(Lent, held[0])

    def give_back(self, thing: Lent, count: int) -> None:
        name = self._names.get(id(thing))
        if name is None:
            return
        held = self._held[name]
        held[1] -= count
        if held[1] <= 0:
            del self._held[name], self._names[id(thing)]
            self._bytes -= thing.weight


class Peer:
    """Serves one socket until the client leaves. `idle_s` bounds how long it may be silent."""

    def __init__(self, sock: socket.socket, root: Root, *, idle_s: float) -> None:
        self._sock = sock
        self._root = root
        self._idle_s = idle_s
        self._lendings = Lendings()
        self._verbs: dict[int, Callable[..., Any]] = {
            consts.HANDLE_PING: lambda data: data,
            consts.HANDLE_CLOSE: self._close,
            consts.HANDLE_GETROOT: lambda: self._root,
            consts.HANDLE_INSPECT: self._inspect,
            consts.HANDLE_GETATTR: lambda thing, name: _lent(thing).attribute(_text(name)),
            consts.HANDLE_CALL: _call,
            consts.HANDLE_CALLATTR: lambda thing, name, given, named=(): _lent(thing).call(
                _text(name), *given, **dict(named)
            ),
            consts.HANDLE_REPR: lambda thing: repr(_lent(thing)),
            consts.HANDLE_STR: lambda thing: repr(_lent(thing)),
            consts.HANDLE_CMP: lambda thing, other, operator="__eq__": _lent(thing).compare(other, _text(operator)),
            consts.HANDLE_HASH: lambda thing: hash(_lent(thing).plain()),
            consts.HANDLE_DIR: lambda thing: _lent(thing).names(),
            consts.HANDLE_PICKLE: _pickled,
            consts.HANDLE_DEL: lambda thing, count=1: self._lendings.give_back(_lent(thing), _number(count)),
        }

    def serve(self) -> None:
        """Raises `Gone`, or `OSError`, at the end."""
        silence_s = _GREETING_S
        while True:
            self._answer(self._frame(silence_s))
            silence_s = self._idle_s

    def _frame(self, silence_s: float) -> bytes:
        length, compressed = _HEADER.unpack(self._bytes(1, silence_s) + self._bytes(_HEADER.size - 1, _STALL_S))
        if compressed or length > MAX_FRAME:
            raise Gone(f"a frame of {length} bytes was refused")
        return self._bytes(length + len(_END), _STALL_S)[:length]

    def _bytes(self, count: int, patience_s: float) -> bytes:
        self._sock.settimeout(patience_s)
        data = bytearray()
        while len(data) < count:
            received = self._sock.recv(count - len(data))
            if not received:
                raise Gone("the client left")
            data += received
        return bytes(data)

    def _answer(self, frame: bytes) -> None:
        try:
            (kind,) = brine.I1.unpack(frame[:1])
            number, (verb, arguments) = brine.load(frame[1:])
        except Exception as error:
            raise Gone(f"a frame cannot be read: {type(error).__name__}") from error
        if kind != consts.MSG_REQUEST or type(number) is not int or type(verb) is not int:
            raise Gone("this is no request")
        try:
            message = _message(consts.MSG_REPLY, number, self._boxed(self._do(verb, arguments)))
        except (Gone, OSError):
            raise
        except Exception as error:
            message = _message(consts.MSG_EXCEPTION, number, _described(error))
        self._sock.settimeout(_STALL_S)
        self._sock.sendall(message)

    def _do(self, verb: int, arguments: Any) -> Any:
        act = self._verbs.get(verb)
        if act is None:
            raise ValueError("this bridge does not do that")
        return act(*self._unboxed(arguments))

    def _unboxed(self, package: Any) -> Any:
        label, value = package
        if label == consts.LABEL_VALUE:
            return value
        if label == consts.LABEL_LOCAL_REF:
            return self._lendings.find(value)
        if label == consts.LABEL_TUPLE:
            return tuple(self._unboxed(part) for part in value)
        raise ValueError("references to objects of the client are not taken")

    def _boxed(self, value: Any) -> tuple[int, Any]:
        if isinstance(value, Lent):
            return consts.LABEL_REMOTE_REF, self._lendings.lend(value)
        if type(value) is tuple and not brine.dumpable(value):
            return consts.LABEL_TUPLE, tuple(self._boxed(part) for part in value)
        if not brine.dumpable(value):
            raise TypeError(f"a {type(value).__name__} cannot be handed out")
        return consts.LABEL_VALUE, value

    def _inspect(self, name: Any) -> tuple[tuple[str, str], ...]:
        thing = self._lendings.find(name)
        thing.received()
        return tuple((method, "") for method in thing.methods)

    def _close(self) -> None:
        raise Gone("the client said goodbye")


def _message(kind: int, number: int, content: Any) -> bytes:
    data: bytes = brine.I1.pack(kind) + brine.dump((number, content))
    return b"".join((_HEADER.pack(len(data), 0), data, _END))


def _described(error: Exception) -> Any:
    """An exception as rpyc tells one: class, arguments, attributes, traceback; all it says is one sentence."""
    if isinstance(error, StopIteration):
        return consts.EXC_STOP_ITERATION
    words = str(error)
    if isinstance(error, TradeloomError) and error.hint:
        words += f" ({error.hint})"
    told = type(error).__name__ if type(error) in _TOLD_AS_THEY_ARE else ValueError.__name__
    return ("builtins", told), (words[:500],), (("_remote_version", "<version denied>"),), "<traceback denied>"


def _lent(thing: Any) -> Lent:
    if not isinstance(thing, Lent):
        raise TypeError("this is done to objects of the bridge only")
    return thing


def _call(thing: Any, given: tuple[Any, ...], named: tuple[tuple[str, Any], ...] = ()) -> Any:
    if not isinstance(thing, Function):
        raise TypeError("this is nothing to be called")
    return thing.function(*given, **dict(named))


def _pickled(thing: Any, _protocol: Any) -> bytes:
    if not isinstance(thing, Records):
        raise ValueError("only arrays are handed over whole; read the fields of this result instead")
    return thing.pickled()


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("a name is a text")
    return value


def _number(value: Any) -> int:
    if type(value) is not int or not 0 < value < _MOST_COUNTED:
        raise TypeError("a count is a positive whole number")
    return value
