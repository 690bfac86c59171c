"""What psycopg reads, as JSON."""

import base64
import math
from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any, Final

from tradeloom.errors import NotANumber

EXACT: Final = 2**53
"""Whole numbers up to here are the same in every JSON reader."""


def as_json(value: Any, column: str) -> Any:
    """A column's value as JSON: times in RFC 3339, decimals as numbers, bytes in base64, all else as its text.

    Raises `NotANumber` for a NaN or an infinity, which JSON has not.
    """
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float | Decimal):
        return _number(value, column)
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z") if value.tzinfo else value.isoformat()
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, bytes | bytearray | memoryview):
        return base64.b64encode(value).decode()
    if isinstance(value, Mapping):
        return {str(key): as_json(item, column) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [as_json(item, column) for item in value]
    return str(value)


def _number(value: float | Decimal, column: str) -> int | float:
    if not math.isfinite(value):
        raise NotANumber(
            f"The column {column!r} holds {value}, which is no number in JSON.",
            hint=f"Leave such rows out, or write nullif({column}, 'NaN').",
        )
    if isinstance(value, Decimal):
        if value == value.to_integral_value() and abs(value) <= EXACT:
            return int(value)
        made = float(value)
        if not math.isfinite(made):
            raise NotANumber(f"A number in the column {column!r} is too large for JSON.")
        return made
    return value
