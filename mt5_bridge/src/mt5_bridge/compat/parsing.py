"""The Python text a client sends, read as data. Nothing of it is ever compiled to code or executed.

A call is `mt5.<function>(…)` with literals only: numbers, texts, None, booleans, one flat dict (a trade request), and
`datetime` values as their `repr` writes them. Whatever else Python's grammar knows is refused.
"""

import ast
import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any

from tradeloom.errors import InvalidInput

MAX_TEXT = 3_000
"""Longest text read. Above it rpyc compresses a frame, and the longest trade request has some 600 characters."""

_LEAST, _MOST = -(2**63), 2**64 - 1
"""No number of the package has more than 64 bits."""

_PREAMBLE = frozenset(
    {
        "import sys; sys.path.append('C:\\\\mt5libs')",
        "import MetaTrader5 as mt5",
        "import datetime",
    }
)
"""What 1.0.11 executes when it connects. The names they would bind are known here anyway."""

type Scalar = bool | int | float | str | datetime | None
type Value = Scalar | dict[str, Scalar]


@dataclass(frozen=True, slots=True)
class Call:
    function: str
    arguments: tuple[Value, ...]
    options: Mapping[str, Scalar]


def check_statement(text: Any) -> None:
    """Raises `InvalidInput` for a statement that is not one of those the client opens with."""
    if not isinstance(text, str) or text not in _PREAMBLE:
        raise InvalidInput("this bridge executes no statements")


def parse_call(text: Any) -> Call:
    """Raises `InvalidInput` for whatever is not a call of one of the package's functions with literal arguments."""
    if not isinstance(text, str) or len(text) > MAX_TEXT:
        raise InvalidInput(f"a call is a text of at most {MAX_TEXT} characters")
    try:
        root = ast.parse(text, mode="eval").body
        return _call(root)
    except (SyntaxError, ValueError, OverflowError, MemoryError, RecursionError) as error:
        raise InvalidInput(f"this is no call that can be read: {type(error).__name__}") from error


def _call(node: ast.expr) -> Call:
    match node:
        case ast.Call(func=ast.Attribute(value=ast.Name(id="mt5"), attr=function), args=given, keywords=named):
            return Call(function, _arguments(given), _options(named))
    raise InvalidInput("only calls of the form mt5.function(...) are answered")


def _arguments(given: list[ast.expr]) -> tuple[Value, ...]:
    found: list[Value] = []
    for node in given:
        match node:
            case ast.Starred(value=ast.Tuple(elts=parts)):
                found.extend(_value(part) for part in parts)
            case _:
                found.append(_value(node))
    return tuple(found)


def _options(named: list[ast.keyword]) -> dict[str, Scalar]:
    options: dict[str, Scalar] = {}
    for keyword in named:
        match keyword:
            case ast.keyword(arg=None, value=ast.Dict() as several):
                options |= _dict(several)
            case ast.keyword(arg=str(name), value=value):
                options[name] = _scalar(value)
            case _:
                raise InvalidInput("options are given by name")
    return options


def _value(node: ast.expr) -> Value:
    return _dict(node) if isinstance(node, ast.Dict) else _scalar(node)


def _dict(node: ast.Dict) -> dict[str, Scalar]:
    found: dict[str, Scalar] = {}
    for key, value in zip(node.keys, node.values, strict=True):
        if not isinstance(key, ast.Constant) or not isinstance(key.value, str):
            raise InvalidInput("the keys of a request are texts")
        found[key.value] = _scalar(value)
    return found


def _scalar(node: ast.expr) -> Scalar:
    match node:
        case ast.Constant(value=None | bool() as value):
            return value
        case ast.Constant(value=str() as text):
            text.encode()  # a lone surrogate is a ValueError
            return text
        case ast.Constant(value=int() as whole) if _LEAST <= whole <= _MOST:
            return whole
        case ast.Constant(value=float() as number) if math.isfinite(number):
            return number
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as number)) if (
            number is not True and number is not False
        ):
            return _scalar(ast.Constant(-number))
        case ast.Call(func=ast.Attribute(value=ast.Name(id="datetime"), attr="datetime")):
            return _moment(node)
    raise InvalidInput("arguments are plain numbers, texts, dates and requests", hint="turn numpy values into Python's")


def _moment(node: ast.Call) -> datetime:
    numbers = [_integer(part) for part in node.args]
    zone: timezone | None = None
    fold = 0
    for keyword in node.keywords:
        match keyword.arg:
            case "tzinfo":
                zone = _zone(keyword.value)
            case "fold":
                fold = _integer(keyword.value)
            case _:
                raise InvalidInput("this is no date as Python writes it")
    if not 3 <= len(numbers) <= 7:
        raise InvalidInput("this is no date as Python writes it")
    year, month, day, hour, minute, second, microsecond = (*numbers, 0, 0, 0, 0)[:7]
    return datetime(year, month, day, hour, minute, second, microsecond, tzinfo=zone, fold=fold)


def _zone(node: ast.expr) -> timezone | None:
    match node:
        case ast.Constant(value=None):
            return None
        case ast.Attribute(value=kind, attr="utc") if _names(kind, "timezone"):
            return timezone.utc  # noqa: UP017  the same object the text names
        case ast.Call(func=kind, args=[offset, *name]) if _names(kind, "timezone") and len(name) <= 1:
            texts = [_scalar(part) for part in name]
            if all(isinstance(text, str) for text in texts):
                return timezone(_offset(offset), *texts)  # type: ignore[arg-type]
    raise InvalidInput("a date's zone is given as datetime.timezone", hint="use datetime.timezone.utc")


def _offset(node: ast.expr) -> timedelta:
    match node:
        case ast.Call(func=kind, args=[], keywords=parts) if _names(kind, "timedelta"):
            units = {keyword.arg: _integer(keyword.value) for keyword in parts}
            if units.keys() <= {"days", "seconds", "microseconds"}:
                return timedelta(**units)  # type: ignore[arg-type]
        case ast.Call(func=kind, args=[zero], keywords=[]) if _names(kind, "timedelta"):
            return timedelta(_integer(zero))
    raise InvalidInput("a zone's offset is given as datetime.timedelta")


def _names(node: ast.expr, what: str) -> bool:
    match node:
        case ast.Attribute(value=ast.Name(id="datetime"), attr=name):
            return name == what
    return False


def _integer(node: ast.expr) -> int:
    value = _scalar(node)
    if not isinstance(value, int) or isinstance(value, bool):
        raise InvalidInput("the parts of a date are whole numbers")
    return value
