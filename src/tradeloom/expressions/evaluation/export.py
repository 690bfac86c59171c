"""The border of an evaluation: its value as plain JSON."""

from typing import Any

from tradeloom.errors import ExpressionError
from tradeloom.expressions.failures import LimitReached, failure, located
from tradeloom.expressions.limits import Limits
from tradeloom.expressions.times import Duration, Timestamp, format_duration, format_timestamp
from tradeloom.expressions.values import EXACT, admit, entry


def to_json(value: Any, limits: Limits, position: int) -> Any:
    """The value of `dict`, `list`, `str`, `int`, `float`, `bool` and `None` only, sharing nothing with its source.

    A whole number within ±2**53 becomes an `int`, so that it is written without a fraction. Timestamps become RFC 3339
    texts in UTC, durations texts like "5400s". Raises `ExpressionError` for what is not JSON (NaN included) and
    `LimitReached` for results past the limits.
    """
    try:
        return _Exporter(limits).convert(value, 0)
    except ExpressionError as error:
        raise located(error, position) from None


def _number(value: float) -> float:
    if -EXACT <= value <= EXACT:
        whole = int(value)
        return whole if whole == value else value
    admit(value)
    return value


class _Exporter:
    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.items = limits.result_items
        self.characters = limits.result_characters

    def convert(self, value: Any, depth: int) -> Any:
        kind = type(value)
        if kind is float or kind is int:
            return _number(value)
        if kind is str:
            return self.text(value)
        if kind is bool or value is None:
            return value
        if kind is Timestamp:
            return format_timestamp(value)
        if kind is Duration:
            return format_duration(value)
        admit(value)
        self.pay(len(value), depth)
        convert, below = self.convert, depth + 1
        if kind is list:
            return [_number(item) if type(item) is float else convert(item, below) for item in value]
        converted: dict[str, Any] = {}
        for key in value:
            if type(key) is not str:
                raise failure(f"A map with a key of type {type(key).__name__} is not JSON.")
            converted[self.text(key)] = convert(value[key] if kind is dict else entry(value, key), below)
        return converted

    def text(self, value: str) -> str:
        self.characters -= len(value)
        if self.characters < 0:
            raise LimitReached(f"The result has more than {self.limits.result_characters:,} characters.")
        return value

    def pay(self, items: int, depth: int) -> None:
        self.items -= items
        if self.items < 0:
            raise LimitReached(f"The result has more than {self.limits.result_items:,} elements.")
        if depth >= self.limits.value_depth:
            raise LimitReached(f"The result is more than {self.limits.value_depth} levels deep.")
