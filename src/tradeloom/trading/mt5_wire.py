"""What crosses a connection to the bridge: rpyc's requests and answers, as far as calling one method needs them.

rpyc's own connection is not used. It is made for objects that refer to each other across the line and for many threads;
here only values cross, one call at a time. A stock rpyc client can talk to `serve` all the same: it gets the root, its
`call`, and nothing else, and can hand over no reference to an object of its own. Imports rpyc; import it only where a
connection is opened.
"""

import itertools
import ssl
import time
from collections.abc import Callable
from enum import Enum
from io import BytesIO
from typing import Any

from rpyc.core import brine, consts, vinegar

from tradeloom.trading.mt5_frames import FrameStream

FRAME_OVERHEAD = 4096
"""Room a frame has above its payload, for rpyc's own words."""

_REQUEST, _REPLY, _EXCEPTION = (
    brine.I1.pack(kind) for kind in (consts.MSG_REQUEST, consts.MSG_REPLY, consts.MSG_EXCEPTION)
)
_ARGUMENTS = b"<arguments>"

type Reference = tuple[str, int, int]
"""rpyc's name of an object: of its class, and two numbers."""


class _Lent(Enum):
    """The two objects a client may refer to. rpyc would number them by their addresses."""

    ROOT = ("tradeloom.Bridge", 1, 1)
    CALL = ("tradeloom.Bridge.call", 1, 2)


def serve(
    call: Callable[..., bytes], sock: ssl.SSLSocket, *, max_content: int, idle_s: float, stall_s: float, whole_s: float
) -> None:
    """Answers the peer's calls of `call` until it leaves, is silent for `idle_s` or does anything it may not.

    `max_content` bounds a request in bytes. It may stall for `stall_s` and must be whole `whole_s` after its beginning.
    Ends with an `EOFError` or `OSError`.
    """
    stream = FrameStream(sock, max_content=max_content, stall_s=stall_s)
    while stream.wait(idle_s):
        stream.send(_answer(call, stream.receive(time.monotonic() + whole_s)))
    raise EOFError("idle for too long")


def _answer(call: Callable[..., bytes], request: bytes) -> bytes:
    try:
        plain = _plain_call(request)
        number, (verb, arguments) = plain or brine.load(request[1:])
    except Exception as error:
        raise EOFError(f"a request cannot be read: {type(error).__name__}") from error
    if request[:1] != _REQUEST or type(number) is not int:
        raise EOFError("this is no request")
    if verb == consts.HANDLE_CLOSE:
        raise EOFError("the peer said goodbye")
    try:
        done = _done(call, verb, arguments if plain else _unboxed(arguments))
        answer: bytes = _REPLY + brine.dump((number, done))
    except Exception as error:
        answer = _EXCEPTION + brine.dump((number, _described(error)))
    return answer


def _plain_call(request: bytes) -> tuple[Any, tuple[int, Any]] | None:
    """A call of the method with values and no names, which nearly all requests are, read without taking apart what is
    the same in all of them: its number, the verb and the verb's arguments. None for anything else."""
    stream = BytesIO(request)
    if stream.read(len(_NUMBERED)) != _NUMBERED:
        return None
    number = brine._load(stream)
    if stream.read(len(_BEFORE)) != _BEFORE:
        return None
    given = brine._load(stream)
    return (number, (consts.HANDLE_CALL, (_Lent.CALL, given, ()))) if stream.read() == _AFTER else None


def _done(call: Callable[..., bytes], verb: Any, arguments: Any) -> tuple[int, Any]:
    """What the verb gives, labelled. Raises whatever is to be told the peer."""
    match verb:
        case consts.HANDLE_CALL:
            thing, given, named = arguments
            if thing is not _Lent.CALL:
                raise TypeError("only call can be called")
            return consts.LABEL_VALUE, call(*given, **dict(named))
        case consts.HANDLE_GETROOT:
            return consts.LABEL_REMOTE_REF, _Lent.ROOT.value
        case consts.HANDLE_GETATTR:
            thing, name = arguments
            if thing is not _Lent.ROOT or name != "call":
                raise AttributeError("cannot access this: only call is exposed")
            return consts.LABEL_REMOTE_REF, _Lent.CALL.value
        case consts.HANDLE_INSPECT:
            (reference,) = arguments
            methods = (("__call__", ""),) if _Lent(reference) is _Lent.CALL else ()
            return consts.LABEL_VALUE, methods
        case consts.HANDLE_PING:
            (data,) = arguments
            return consts.LABEL_VALUE, data
        case consts.HANDLE_DEL:
            return consts.LABEL_VALUE, None  # both objects stay
        case _:
            raise ValueError("the bridge does not do that")


def _unboxed(package: Any) -> Any:
    label, value = package
    if label == consts.LABEL_VALUE:
        return value
    if label == consts.LABEL_TUPLE:
        return tuple(_unboxed(part) for part in value)
    if label == consts.LABEL_LOCAL_REF:
        return _Lent(value)
    raise ValueError("only values are accepted")


def _request(verb: int, *arguments: Any) -> bytes:
    """What stands behind a request's number."""
    labelled = (consts.LABEL_TUPLE, arguments) if arguments else (consts.LABEL_VALUE, ())
    request: bytes = brine.dump((verb, labelled))
    return request


def _around_arguments(method: Reference) -> tuple[bytes, bytes]:
    """All of a call of that method but its number and, between the two parts, its arguments."""
    before, after = _request(
        consts.HANDLE_CALL,
        (consts.LABEL_LOCAL_REF, method),
        (consts.LABEL_VALUE, _ARGUMENTS),
        (consts.LABEL_VALUE, ()),
    ).split(brine.dump(_ARGUMENTS))
    return before, after


_NUMBERED = _REQUEST + brine.TAG_TUP2
"""What a request begins with: its number and the rest follow."""
_BEFORE, _AFTER = _around_arguments(_Lent.CALL.value)


def _described(error: Exception) -> Any:
    return vinegar.dump(type(error), error, None, include_local_traceback=False, include_local_version=False)


class Caller:
    """The client's side: asks one thing at a time and waits for its answer.

    After any error but the peer's own the connection is of no more use: an answer may still be under way.
    """

    def __init__(self, sock: ssl.SSLSocket, *, max_content: int, stall_s: float, give_up: float) -> None:
        """Asks for the peer's method, by `give_up` in monotonic time. Raises as `call` does."""
        self._stream = FrameStream(sock, max_content=max_content, stall_s=stall_s)
        self._numbers = itertools.count()
        root = self._ask(_request(consts.HANDLE_GETROOT), consts.LABEL_REMOTE_REF, give_up)
        method = self._ask(
            _request(consts.HANDLE_GETATTR, (consts.LABEL_LOCAL_REF, root), (consts.LABEL_VALUE, "call")),
            consts.LABEL_REMOTE_REF,
            give_up,
        )
        self._before, self._after = _around_arguments(method)

    def call(self, arguments: tuple[Any, ...], give_up: float) -> bytes:
        """What the peer's method returns for these values.

        Raises `TimeoutError` when no answer came by `give_up` in monotonic time, `EOFError` or `OSError` when the
        connection ended or the answer cannot be read, `RuntimeError` when the peer raised an error of its own.
        """
        request = b"".join((self._before, brine.dump(arguments), self._after))
        answer = self._ask(request, consts.LABEL_VALUE, give_up)
        if not isinstance(answer, bytes):
            raise EOFError("the answer is not bytes")
        return answer

    def quiet(self) -> bool:
        """Whether nothing waits to be read: between calls only the end of the connection could."""
        try:
            return not self._stream.wait(0)
        except (OSError, ValueError):
            return False

    def _ask(self, request: bytes, label: int, give_up: float) -> Any:
        number = next(self._numbers)
        self._stream.send(b"".join((_NUMBERED, brine.dump(number), request)), give_up)
        if not self._stream.wait(give_up - time.monotonic()):
            raise TimeoutError("no answer came")
        return _read_answer(self._stream.receive(give_up), number, label)


def _read_answer(frame: bytes, number: int, label: int) -> Any:
    kind = frame[:1]
    try:
        told, content = brine.load(frame[1:])
        labelled, value = content if kind == _REPLY else (None, content)
    except Exception as error:
        raise EOFError(f"an answer cannot be read: {type(error).__name__}") from error
    if kind not in (_REPLY, _EXCEPTION) or told != number:
        raise EOFError("this is no answer to the call")
    if kind == _EXCEPTION:
        raise RuntimeError(f"the bridge raised {value!r:.200}")
    if labelled != label:
        raise EOFError("the bridge does not give what a bridge gives")
    return value
