"""Functions on lists of numbers (series run from the oldest value to the newest), and the size of things."""

import math
from collections.abc import Callable
from typing import Any

from tradeloom.expressions.failures import failure
from tradeloom.expressions.library.function import Function, Overload
from tradeloom.expressions.limits import Run
from tradeloom.expressions.types import BOOL, DYN, NUMBER, STRING, ListType, MapType
from tradeloom.expressions.values import a_kind, as_list, as_number, finite, kind_of

_NUMBERS = ListType(NUMBER)


def _numbers(run: Run, value: Any, name: str) -> list[float]:
    items = as_list(value, name)
    run.spend(len(items))
    return [as_number(item, name) for item in items]


def _extreme(name: str, choose: Callable[[list[float]], float]) -> Callable[..., float]:
    def evaluate(run: Run, *arguments: Any) -> float:
        only = arguments[0]
        one_list = len(arguments) == 1 and type(only) is list
        numbers = _numbers(run, only if one_list else list(arguments), name)
        if not numbers:
            raise failure(f"{name} of an empty list has no value.")
        return choose(numbers)

    return evaluate


def _total(numbers: list[float], name: str) -> float:
    try:
        # Exactly rounded, so that the order of additions and the platform make no difference.
        return finite(math.fsum(numbers), name)
    except OverflowError:
        raise failure(f"The result of {name} is too large for a double.") from None


def _sum(run: Run, value: Any) -> float:
    return _total(_numbers(run, value, "sum"), "sum")


def _avg(run: Run, value: Any) -> float:
    numbers = _numbers(run, value, "avg")
    if not numbers:
        raise failure("avg of an empty list has no value.")
    return _total(numbers, "avg") / len(numbers)


def _size(run: Run, value: Any) -> float:
    if kind_of(value) not in ("list", "map", "string"):
        raise failure(f"size takes a list, a map or a string, not {a_kind(value)}.")
    return float(len(value))


def _last_two(value: Any, name: str) -> tuple[float, float]:
    series = as_list(value, name)
    if len(series) < 2:
        raise failure(f"{name} needs at least two values in each series, oldest first.")
    return as_number(series[-2], name), as_number(series[-1], name)


def _levels(value: Any, name: str) -> tuple[float, float]:
    if type(value) is list:
        return _last_two(value, name)
    level = as_number(value, name)
    return level, level


def _cross_above(run: Run, series: Any, level: Any) -> bool:
    previous, last = _last_two(series, "cross_above")
    previous_level, last_level = _levels(level, "cross_above")
    return previous <= previous_level and last > last_level


def _cross_below(run: Run, series: Any, level: Any) -> bool:
    previous, last = _last_two(series, "cross_below")
    previous_level, last_level = _levels(level, "cross_below")
    return previous >= previous_level and last < last_level


_EXTREME = (Overload((NUMBER,), NUMBER, variadic=True), Overload((_NUMBERS,), NUMBER))
_CROSS = (Overload((_NUMBERS, NUMBER), BOOL), Overload((_NUMBERS, _NUMBERS), BOOL))

FUNCTIONS = (
    Function("min", "The smallest of the numbers, or of the list.", _EXTREME, _extreme("min", min)),
    Function("max", "The largest of the numbers, or of the list.", _EXTREME, _extreme("max", max)),
    Function("sum", "The numbers of the list added up; 0 if there are none.", (Overload((_NUMBERS,), NUMBER),), _sum),
    Function("avg", "The mean of the numbers of the list.", (Overload((_NUMBERS,), NUMBER),), _avg),
    Function(
        "size",
        "How many elements a list has, entries a map, or characters a text.",
        (Overload((ListType(DYN),), NUMBER), Overload((MapType(DYN),), NUMBER), Overload((STRING,), NUMBER)),
        _size,
        method=True,
    ),
    Function(
        "cross_above",
        "Whether the series was not above the other (or the level) one value ago and is above it now.",
        _CROSS,
        _cross_above,
    ),
    Function(
        "cross_below",
        "Whether the series was not below the other (or the level) one value ago and is below it now.",
        _CROSS,
        _cross_below,
    ),
)
