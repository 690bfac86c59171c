"""The arithmetic operators. Numbers are doubles; a result that is no finite double is an error, never NaN."""

from collections.abc import Callable
from math import fmod, isfinite
from typing import Any

from tradeloom.expressions.failures import failure
from tradeloom.expressions.limits import Run
from tradeloom.expressions.times import duration_of, timestamp_at
from tradeloom.expressions.values import a_kind, admit, kind_of

Operation = Callable[[Run, Any, Any], Any]


def add(run: Run, left: Any, right: Any) -> Any:
    """Numbers, texts, lists, a timestamp and a duration, or two durations."""
    match kind_of(left), kind_of(right):
        case "number", "number":
            return _finite(_double(left) + _double(right), "+")
        case "string", "string":
            run.spend_text(len(left) + len(right))
            return left + right
        case "list", "list":
            run.spend(len(left) + len(right))
            return left + right
        case "duration", "duration":
            return duration_of(left.ns + right.ns)
        case ("timestamp", "duration") | ("duration", "timestamp"):
            return timestamp_at(left.ns + right.ns)
        case _:
            raise failure(f"+ cannot add {a_kind(left)} and {a_kind(right)}.", hint=_adding_hint(left, right))


def subtract(run: Run, left: Any, right: Any) -> Any:
    """Numbers, two timestamps (the duration between them), a timestamp and a duration, or two durations."""
    match kind_of(left), kind_of(right):
        case "number", "number":
            return _finite(_double(left) - _double(right), "-")
        case ("timestamp", "timestamp") | ("duration", "duration"):
            return duration_of(left.ns - right.ns)
        case "timestamp", "duration":
            return timestamp_at(left.ns - right.ns)
        case _:
            raise failure(f"- cannot subtract {a_kind(right)} from {a_kind(left)}.")


def multiply(run: Run, left: Any, right: Any) -> float:
    a, b = _two_numbers("*", left, right)
    return _finite(a * b, "*")


def divide(run: Run, left: Any, right: Any) -> float:
    a, b = _two_numbers("/", left, right)
    if b == 0:
        raise failure("Division by zero.")
    return _finite(a / b, "/")


def remainder(run: Run, left: Any, right: Any) -> float:
    """With the sign of the left operand, as in C: -5.5 % 2 is -1.5."""
    a, b = _two_numbers("%", left, right)
    if b == 0:
        raise failure("Division by zero.")
    return fmod(a, b)


def negate(value: Any) -> float:
    if kind_of(value) != "number":
        raise failure(f"- takes a number, not {a_kind(value)}.")
    return -_double(value)


ARITHMETIC: dict[str, Operation] = {"+": add, "-": subtract, "*": multiply, "/": divide, "%": remainder}


def _two_numbers(symbol: str, left: Any, right: Any) -> tuple[float, float]:
    if kind_of(left) != "number" or kind_of(right) != "number":
        raise failure(f"{symbol} takes two numbers, not {a_kind(left)} and {a_kind(right)}.")
    return _double(left), _double(right)


def _double(value: Any) -> float:
    return value if type(value) is float and isfinite(value) else float(admit(value))


def _finite(value: float, symbol: str) -> float:
    if isfinite(value):
        return value
    raise failure(f"The result of {symbol} is too large for a double.")


def _adding_hint(left: Any, right: Any) -> str | None:
    one_is_text = "string" in (kind_of(left), kind_of(right))
    return "Turn the other into text with string(value)." if one_is_text else None
