"""Values during an evaluation: which are allowed, what kind they are, when they are equal, how they are ordered.

Allowed are the JSON types exactly (`dict` or any `Mapping`, `list`, `str`, `int`, `float`, `bool`, `None`) and our own
`Timestamp` and `Duration`. Whatever else a name holds is refused before anything of it is touched.
"""

import operator
from collections.abc import Callable, Mapping
from math import isfinite
from typing import Any

from tradeloom.expressions.failures import LimitReached, failure, quoted
from tradeloom.expressions.limits import Run
from tradeloom.expressions.times import Duration, Timestamp

EXACT = 2**53
"""Integers up to here are doubles exactly."""
_DOUBLE_END = 2**1024 - 2**970
_PLAIN = frozenset({bool, str, dict, list, type(None), Timestamp, Duration})
_KINDS: dict[type, str] = {
    float: "number",
    int: "number",
    str: "string",
    bool: "bool",
    type(None): "null",
    list: "list",
    dict: "map",
    Timestamp: "timestamp",
    Duration: "duration",
}
_ORDERED = frozenset({"number", "string", "bool", "timestamp", "duration"})
ORDERINGS: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def kind_of(value: Any) -> str:
    """number, string, bool, null, list, map, timestamp or duration. Raises `ExpressionError` for anything else."""
    kind = _KINDS.get(type(value))
    if kind is None:
        if isinstance(value, Mapping):
            return "map"
        raise failure(f"A value of type {type(value).__name__} is not JSON and cannot be used.")
    return kind


def a_kind(value: Any) -> str:
    """The kind with its article, for messages."""
    kind = kind_of(value)
    return kind if kind == "null" else f"a {kind}"


def admit(value: Any) -> Any:
    """The value, if an expression may use it; integers become doubles where that is exact. Raises `ExpressionError`."""
    kind = type(value)
    if kind is float:
        if not isfinite(value):
            raise failure("The number is NaN or infinite.")
        return value
    if kind in _PLAIN:
        return value
    if kind is int:
        if -EXACT <= value <= EXACT:
            return float(value)
        if abs(value) >= _DOUBLE_END:
            raise failure("The number is too large for a double.")
        return value
    kind_of(value)
    return value


def entry(mapping: Any, key: str) -> Any:
    """`mapping[key]`. Raises `ExpressionError` if there is none, even where the mapping said that there is."""
    try:
        return mapping[key]
    except KeyError:
        raise failure(f"There is no key {quoted(key)}.") from None


def as_number(value: Any, what: str) -> float:
    """The double; `what` names the one who asks, for the message. Raises `ExpressionError`."""
    if type(value) is float and isfinite(value):
        return value
    if type(value) is int or type(value) is float:
        return float(admit(value))
    raise failure(f"{what} takes a number, not {a_kind(value)}.")


def as_text(value: Any, what: str) -> str:
    if type(value) is str:
        return value
    raise failure(f"{what} takes a string, not {a_kind(value)}.")


def as_list(value: Any, what: str) -> list[Any]:
    if type(value) is list:
        return value
    raise failure(f"{what} takes a list, not {a_kind(value)}.")


def finite(value: float, what: str) -> float:
    if isfinite(value):
        return value
    raise failure(f"The result of {what} is too large for a double.")


def ordered(run: Run, symbol: str, left: Any, right: Any) -> bool:
    """`left < right` and its like, for two values of one ordered kind. Raises `ExpressionError`."""
    kind = kind_of(left)
    if kind != kind_of(right) or kind not in _ORDERED:
        raise failure(f"{symbol} cannot compare {a_kind(left)} with {a_kind(right)}.")
    if kind == "string":
        run.spend_text(min(len(left), len(right)))
    return ORDERINGS[symbol](left, right)


def equal(run: Run, left: Any, right: Any, depth: int = 0) -> bool:
    """CEL's `==`: deep, and false between different kinds; a bool is no number."""
    kind = kind_of(left)
    if kind != kind_of(right):
        return False
    if kind not in ("list", "map"):
        if kind == "string":
            run.spend_text(min(len(left), len(right)))
        return bool(admit(left) == admit(right))
    if depth >= run.limits.value_depth:
        raise LimitReached(f"The values compared are more than {run.limits.value_depth} levels deep.")
    if len(left) != len(right):
        return False
    run.spend(1 + 2 * len(left))
    if kind == "list":
        return all(equal(run, a, b, depth + 1) for a, b in zip(left, right, strict=True))
    return all(key in right and equal(run, entry(left, key), entry(right, key), depth + 1) for key in left)


def contains(run: Run, element: Any, container: Any) -> bool:
    """`element in container`: an element of a list, or a key of a map. Raises `ExpressionError`."""
    kind = kind_of(container)
    if kind == "list":
        run.spend(len(container))
        return any(equal(run, element, other) for other in container)
    if kind == "map":
        return type(element) is str and element in container
    hint = "For a text inside a text write text.contains(part)." if kind == "string" else None
    raise failure(f"in looks into a list or a map, not into {a_kind(container)}.", hint=hint)


def number_text(value: float) -> str:
    """The shortest text that reads back as the same double, written as JavaScript does: 3, 0.00001, 1e+21, 1e-7."""
    if value == 0:
        return "0"
    if -EXACT <= value <= EXACT and value == int(value):
        return str(int(value))
    digits = repr(float(value))
    if "e" not in digits:
        return digits.removesuffix(".0")
    mantissa, exponent = digits.split("e")
    power = int(exponent)
    sign = "-" if mantissa.startswith("-") else ""
    figures = mantissa.lstrip("-").replace(".", "")
    if 0 <= power < 21:
        return sign + figures.ljust(power + 1, "0")
    if -7 < power < 0:
        return f"{sign}0.{'0' * (-power - 1)}{figures}"
    return f"{mantissa}e{power:+d}"
