"""Reading the terminal for a script: the worker calls the package's function, the front makes lendable objects of it.

Between the two travel JSON and raw records, nothing pickled. An answer is four bytes of header length, a JSON header,
and an array's bytes. The header holds `error` (one of ours: the call was not made), or `failed` (the terminal's
`last_error`, as code and words), or one of `plain`, `struct`, `structs` and `records`.
"""

import json
import logging
import struct
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from mt5_bridge.compat.functions import FAILS_WITH_FALSE, READS
from mt5_bridge.compat.objects import Records, Struct
from mt5_bridge.retcodes import pipe_is_suspect
from mt5_bridge.terminal import Terminal, failure
from tradeloom.errors import BrokerError, InvalidInput
from tradeloom.trading.protocol import MAX_ANSWER_BYTES, error_from

METHOD = "script_read"
"""Its name on the pipe between front and worker. No method of the network has it."""

INVALID = (-2, "Terminal: Invalid params")
TOO_MUCH = (-3, "Terminal: more than the bridge hands over at once; ask for less")
_LENGTH = struct.Struct("!I")
_log = logging.getLogger(__name__)


class ReadFailed(BrokerError):
    """The terminal answered None: `code` and `message` are its last error."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


def encode_read(function: str, arguments: Sequence[Any], options: Mapping[str, Any]) -> bytes:
    return json.dumps({"function": function, "arguments": list(arguments), "options": dict(options)}).encode()


class ScriptReads:
    """The worker's side: calls what is on the list, and nothing else."""

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal

    def answer(self, payload: bytes) -> bytes:
        """Raises `PipeBroken` when the terminal cannot be asked any more, `InvalidInput` for what is on no list."""
        asked = json.loads(payload)
        name, options = asked["function"], asked["options"]
        if name not in READS or not options.keys() <= READS[name]:
            raise InvalidInput(f"scripts cannot ask for {name!r} with these options")
        function: Callable[..., Any] = getattr(self._terminal, name)
        try:
            found = function(*asked["arguments"], **options)
        except (TypeError, ValueError, OverflowError) as error:  # a wrong number of arguments, say
            _log.warning("a script's %s failed: %s", name, error)
            return _encoded({"failed": INVALID})
        code, words = self._terminal.last_error()
        if found is None or (found is False and name in FAILS_WITH_FALSE):
            if pipe_is_suspect(code):
                raise failure(self._terminal, name)
            return _encoded({"failed": (code, words)})
        answer = _encoded(*_described(found))
        return answer if len(answer) <= MAX_ANSWER_BYTES else _encoded({"failed": TOO_MUCH})


def decode_read(answer: bytes) -> Any:
    """The result as a script is lent it. Raises `ReadFailed`, or the error the bridge answered with."""
    (length,) = _LENGTH.unpack_from(answer)
    start = _LENGTH.size
    header = json.loads(answer[start : start + length])
    if "error" in header:
        raise error_from(header["error"])
    if "failed" in header:
        raise ReadFailed(*header["failed"])
    if "struct" in header:
        return _struct(header["struct"])
    if "structs" in header:
        name, fields, rows = header["structs"]
        return tuple(Struct(name, fields, row) for row in rows)
    if "records" in header:
        count, fields = header["records"]
        return Records(answer[start + length :], [(name, kind) for name, kind in fields], count)
    plain = header["plain"]
    return tuple(plain) if isinstance(plain, list) else plain


def _struct(described: Any) -> Struct:
    name, fields, values = described
    return Struct(name, fields, [_struct(value["struct"]) if isinstance(value, dict) else value for value in values])


def _described(found: Any) -> tuple[dict[str, Any], bytes]:
    if hasattr(found, "dtype"):
        fields = [(name, found.dtype[name].str) for name in found.dtype.names]
        return {"records": (len(found), fields)}, found.tobytes()
    if hasattr(found, "_asdict"):
        return _one(found), b""
    if isinstance(found, tuple) and (not found or hasattr(found[0], "_asdict")):
        name = type(found[0]).__name__ if found else ""
        fields = list(found[0]._asdict()) if found else []
        return {"structs": (name, fields, [list(row) for row in found])}, b""
    return {"plain": found}, b""


def _one(found: Any) -> dict[str, Any]:
    values = [_one(value) if hasattr(value, "_asdict") else value for value in found]
    return {"struct": (type(found).__name__, list(found._asdict()), values)}


def _encoded(header: dict[str, Any], data: bytes = b"") -> bytes:
    text = json.dumps(header, separators=(",", ":")).encode()
    return _LENGTH.pack(len(text)) + text + data
