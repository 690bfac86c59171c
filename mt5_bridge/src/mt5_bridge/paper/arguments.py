"""Arguments as strictly as the real package takes them: a float is a float, an int an int, and a violation is a failed
call with `last_error` -2, not an exception."""

from datetime import datetime
from typing import Any

from mt5_bridge.paper import constants
from mt5_bridge.paper.errors import TerminalFailure
from mt5_bridge.paper.structs import TradeRequest

MAX_TEXT = 29
"""Longest `symbol` and `comment` of a request."""

_ORDINALS = ("1st", "2nd", "3rd", "4th", "5th")
_UINT32 = 2**32
_UINT64 = 2**64
_INT64 = 2**63
_FLOAT_FIELDS = ("volume", "price", "stoplimit", "sl", "tp")
_TEXT_FIELDS = ("symbol", "comment")
_INT_FIELDS = {
    "action": (0, _UINT32),
    "magic": (0, _UINT64),
    "order": (0, _UINT64),
    "deviation": (0, _UINT64),
    "type": (0, _UINT32),
    "type_filling": (0, _UINT32),
    "type_time": (0, _UINT32),
    "expiration": (-_INT64, _INT64),
    "position": (0, _UINT64),
    "position_by": (0, _UINT64),
}


def invalid(message: str = "Terminal: Invalid params") -> TerminalFailure:
    return TerminalFailure(constants.RES_E_INVALID_PARAMS, message)


def text(value: Any, position: int = 1) -> str:
    return _unnamed(value, str, position)


def integer(value: Any, position: int) -> int:
    return _unnamed(value, int, position)


def real(value: Any, position: int) -> float:
    """A `float` (or `np.float64`, which is one); an int is refused."""
    return _unnamed(value, float, position)


def seconds(value: Any, position: int) -> int:
    """A moment: int or float seconds, or a datetime by its `timestamp()` (naive ones are local time), truncated."""
    if isinstance(value, int):
        return value
    try:
        if isinstance(value, datetime):
            return int(value.timestamp())
        if isinstance(value, float):
            return int(value)
    except (ValueError, OverflowError, OSError):
        pass
    raise invalid(f"Invalid {_ORDINALS[position - 1]} unnamed argument")


def named[T](given: dict[str, Any], name: str, kind: type[T], default: T) -> T:
    """A keyword argument; None counts as given, and as wrong."""
    value = given.get(name, default)
    if not isinstance(value, kind):
        raise invalid(f'Invalid "{name}" argument')
    return value


def none_unnamed(unnamed: tuple[Any, ...]) -> None:
    if unnamed:
        raise invalid("Unnamed arguments not allowed")


def trade_request(unnamed: tuple[Any, ...], given: dict[str, Any]) -> TradeRequest:
    """The request of `order_send` and `order_check`: one dict, unnamed or as `request`. Missing keys are 0 or empty,
    unknown ones are ignored."""
    request = unnamed[0] if len(unnamed) == 1 else given.get("request")
    if not isinstance(request, dict):
        raise invalid("Unnamed arguments not allowed")
    fields: dict[str, Any] = {}
    for name in TradeRequest._fields:
        if name in _FLOAT_FIELDS:
            fields[name] = float(_field(request, name, float, 0.0))
        elif name in _TEXT_FIELDS:
            fields[name] = _field(request, name, str, "")
            if len(fields[name]) > MAX_TEXT or not _is_text(fields[name]):
                raise invalid(f'Invalid "{name}" argument')
        else:
            low, high = _INT_FIELDS[name]
            fields[name] = int(_field(request, name, int, 0))
            if not low <= fields[name] < high:
                raise invalid(f'Invalid "{name}" argument')
    return TradeRequest(**fields)


def matches_group(name: str, group: str) -> bool:
    """MetaTrader's group filter: comma-separated masks with `*` at their ends, tried in turn; one with `!` excludes."""
    included = False
    for mask in (part.strip() for part in group.split(",")):
        if mask and _matches(name, mask.removeprefix("!")):
            included = not mask.startswith("!")
    return included


def _matches(name: str, mask: str) -> bool:
    core = mask.strip("*")
    starts, ends = not mask.startswith("*"), not mask.endswith("*")
    if starts and ends:
        return name == core
    if starts:
        return name.startswith(core)
    return name.endswith(core) if ends else core in name


def _is_text(value: str) -> bool:
    """Half a character (a lone surrogate) is none: the books could not keep it."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _unnamed[T](value: Any, kind: type[T], position: int) -> T:
    if not isinstance(value, kind):
        raise invalid(f"Invalid {_ORDINALS[position - 1]} unnamed argument")
    return value


def _field[T](request: dict[str, Any], name: str, kind: type[T], default: T) -> T:
    value = request.get(name, default)
    if not isinstance(value, kind):
        raise invalid(f'Invalid "{name}" argument')
    return value
