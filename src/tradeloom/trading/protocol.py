"""The bridge's protocol, as client and bridge both speak it: how calls of its methods travel.

One call: `call(version, method, request_id, deadline, payload) -> bytes`. The payload is JSON,
`{"account": name, "params": {...}}`; the answer is four bytes of header length (big endian), a JSON header and the
raw bytes of its arrays one after another. The header is `{"result": ..., "arrays": [[name, dtype, length], ...]}` or
`{"error": {name, message, ...}}`. `deadline` is in seconds since the epoch by the bridge's clock. Nothing is pickled.
"""

import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError, create_model

from tradeloom import errors
from tradeloom.errors import BrokerError, InvalidInput, TradeloomError
from tradeloom.json_text import encoder
from tradeloom.trading.methods import METHODS, Params

VERSION = 1
MAX_REQUEST_BYTES = 64 * 1024
MAX_ANSWER_BYTES = 8 * 1024 * 1024
MAX_DEADLINE_S = 120.0
"""No call may ask to wait longer than this."""

_LENGTH = struct.Struct("!I")
_ITEM_BYTES = {"<i8": 8, "<f8": 8, "<i4": 4}
_PLAIN_ERRORS = {
    name: kind
    for name, kind in vars(errors).items()
    if isinstance(kind, type) and issubclass(kind, TradeloomError) and kind is not errors.InvalidDocument
}


@dataclass(frozen=True, slots=True)
class Request:
    """A decoded payload. `account` is empty only for `health`."""

    account: str
    params: Params


@dataclass(frozen=True, slots=True)
class Answer:
    """A decoded answer: a JSON value, and arrays as (dtype, bytes) by name."""

    result: Any
    arrays: Mapping[str, tuple[str, memoryview]] = field(default_factory=dict)


class UnreadableAnswer(BrokerError):
    """The bridge answered, and what it said cannot be known: about an order, as if the answer had been lost."""

    @property
    def name(self) -> str:
        return BrokerError.__name__


def encode_request(account: str, params: Params) -> bytes:
    """Raises `InvalidInput` for parameters too large for one message. None of them is a number that JSON has no form
    for: their models refuse those."""
    body = b'{"account":%b,"params":%b}' % (_encode(account).encode(), params.model_dump_json().encode())
    if len(body) > MAX_REQUEST_BYTES:
        raise InvalidInput(f"the request has {len(body)} bytes; the bridge takes {MAX_REQUEST_BYTES}")
    return body


def decode_request(method: str, payload: bytes) -> Request:
    """Raises `InvalidInput` for whatever is not a request of this method, naming the field."""
    if len(payload) > MAX_REQUEST_BYTES:
        raise InvalidInput(f"the request has {len(payload)} bytes; the bridge takes {MAX_REQUEST_BYTES}")
    return _sound_request(method, payload) or _explained_request(method, payload)


def _sound_request(method: str, payload: bytes) -> Request | None:
    """Read in one go; None for what is not sound, and for anything out of the ordinary."""
    if not all_json_numbers(payload):
        return None
    try:
        envelope: Any = _envelope(METHODS[method].params).model_validate_json(payload)
    except ValidationError:
        return None
    return Request(envelope.account, envelope.params) if envelope.account else None


@cache
def _envelope(params: type[Params]) -> type[BaseModel]:
    return create_model("Envelope", __config__=ConfigDict(extra="forbid"), account=(str, ...), params=(params, ...))


def all_json_numbers(data: bytes) -> bool:
    """False where one may stand that only some readers of JSON take for a number; also for a text that names one."""
    return b"NaN" not in data and b"Infinity" not in data


def _explained_request(method: str, payload: bytes) -> Request:
    """Read step by step, so that an error tells what is wrong."""
    body = _json_object(payload, "request")
    if not body.keys() <= {"account", "params"}:
        raise InvalidInput("a request has the keys account and params only")
    account = body.get("account", "")
    if not isinstance(account, str) or (not account and method != "health"):
        raise InvalidInput("the request names no account", field="account")
    return Request(account, parse(METHODS[method].params, body.get("params", {})))


def encode_answer(result: Any, arrays: Mapping[str, tuple[str, memoryview]] | None = None) -> bytes:
    """`result` is a JSON value; arrays are contiguous little-endian bytes of the dtypes `<i8`, `<f8` or `<i4`.

    Raises `BrokerError` for a value JSON has no form for (a NaN from the terminal, say).
    """
    arrays = arrays or {}
    header: dict[str, Any] = {
        "result": result,
        "arrays": [[name, dtype, data.nbytes // _ITEM_BYTES[dtype]] for name, (dtype, data) in arrays.items()],
    }
    try:
        text = _encode(header).encode()
    except ValueError as error:
        raise BrokerError("the broker's answer holds a number that is not finite") from error
    return b"".join([_header(text), *(data for _, data in arrays.values())])


def encode_told(result: bytes) -> bytes:
    """The answer whose result is JSON already."""
    return _header(b'{"result":%b,"arrays":[]}' % result)


def told(data: bytes) -> bytes | None:
    """The header of an answer that holds a result and no arrays, if it looks like one."""
    (length,) = _LENGTH.unpack_from(data) if len(data) >= _LENGTH.size else (0,)
    whole = len(data) == _LENGTH.size + length and data.startswith(b'{"result":', _LENGTH.size)
    return data[_LENGTH.size :] if whole and all_json_numbers(data) else None


def _header(text: bytes) -> bytes:
    """With its length; arrays begin behind it where eight-byte numbers may."""
    text += b" " * (-(len(text) + _LENGTH.size) % 8)
    return _LENGTH.pack(len(text)) + text


def encode_error(error: TradeloomError) -> bytes:
    text = _encode({"error": error.as_dict()}).encode()
    return _LENGTH.pack(len(text)) + text


def error_name(data: bytes) -> str | None:
    """The name of the error an encoded answer holds; None for a result. For who passes answers on."""
    if not data.startswith(b'{"error":', _LENGTH.size):
        return None
    try:
        return str(json.loads(data[_LENGTH.size :])["error"]["name"])
    except (ValueError, LookupError, TypeError):
        return BrokerError.__name__  # as `decode_answer` will take it


def decode_answer(data: bytes) -> Answer:
    """Raises the error the bridge answered with, or `UnreadableAnswer` for bytes that are none."""
    try:
        (length,) = _LENGTH.unpack_from(data)
        view = memoryview(data)[_LENGTH.size :]
        header = _json_object(bytes(view[:length]), "answer")
        refusal = header.get("error")
        answer = None if refusal else Answer(header["result"], _split_arrays(header["arrays"], view[length:]))
    except (struct.error, KeyError, TypeError, ValueError, InvalidInput) as error:
        raise UnreadableAnswer("the bridge's answer cannot be read") from error
    if answer is None:
        raise error_from(refusal)
    return answer


def error_from(parts: Any) -> TradeloomError:
    """The error a peer described; an unknown name becomes a `BrokerError`."""
    if not isinstance(parts, dict):
        return BrokerError("the bridge answered with an error it did not describe")
    where = {key: str(parts[key]) for key in ("field", "node", "hint") if parts.get(key) is not None}
    kind = _PLAIN_ERRORS.get(str(parts.get("name")), BrokerError)
    return kind(str(parts.get("message", "the bridge gave no reason")), **where)


def parse[P: BaseModel](kind: type[P], value: Any) -> P:
    """`value` as a `kind`; raises `InvalidInput` naming the first offending field."""
    try:
        return kind.model_validate(value)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        path = ".".join(str(part) for part in first["loc"])
        raise InvalidInput(f"{path or 'value'}: {first['msg']}", field=path or None) from error


def _json_object(data: bytes, what: str) -> dict[str, Any]:
    try:
        value = _DECODER.decode(data.decode())
    except (ValueError, RecursionError) as error:  # UnicodeDecodeError is a ValueError
        raise InvalidInput(f"the {what} is not valid JSON") from error
    if not isinstance(value, dict):
        raise InvalidInput(f"the {what} is not a JSON object")
    return value


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is not JSON")


# Kept: `json.loads` with options makes a new one for every call.
_DECODER = json.JSONDecoder(parse_constant=_refuse_constant)
_encode = encoder(allow_nan=False)


def _split_arrays(described: Any, data: memoryview) -> dict[str, tuple[str, memoryview]]:
    arrays: dict[str, tuple[str, memoryview]] = {}
    start = 0
    for name, dtype, length in described:
        size = _ITEM_BYTES[dtype] * length
        if length < 0 or start + size > len(data):
            raise ValueError("array outside the answer")
        arrays[str(name)] = (dtype, data[start : start + size])
        start += size
    if start != len(data):
        raise ValueError("bytes after the last array")
    return arrays
