"""What type a column gets from the first value in it, and whether a later value fits."""

import json
import math
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from tradeloom.errors import InvalidInput, RowRefused
from tradeloom.nodes.tenant_database import MAX_COLUMNS, MAX_ROW_BYTES, RESERVED_COLUMNS, checked_name

BOOLEAN: Final = "boolean"
BIGINT: Final = "bigint"
DOUBLE: Final = "double precision"
NUMERIC: Final = "numeric"
TIMESTAMP: Final = "timestamp with time zone"
TEXT: Final = "text"
JSONB: Final = "jsonb"
"""As `information_schema` calls them."""

EXACT_IN_DOUBLE: Final = 2**53
_BIGINT: Final = 2**63
MAX_NUMERIC: Final = 10**30

_RFC_3339: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)", re.IGNORECASE)

_WORDS: Final[Mapping[str, str]] = {
    BOOLEAN: "true or false",
    BIGINT: "whole numbers",
    DOUBLE: "numbers",
    NUMERIC: "whole numbers",
    TIMESTAMP: "times in RFC 3339",
    TEXT: "texts",
    JSONB: "objects and lists",
}


def checked_row(values: Mapping[str, Any], *, field: str) -> dict[str, Any]:
    """The object as a row: its names checked, its size bounded, its numbers finite.

    Raises `InvalidInput` for a name no column can have and `RowRefused` for what no row can hold.
    """
    if not values:
        raise InvalidInput("The object is empty.", field=field)
    if len(values) > MAX_COLUMNS:
        raise RowRefused(f"The object has {len(values):,} fields; a row has at most {MAX_COLUMNS}.", field=field)
    for name in values:
        checked_name(name, "column", field=f"{field}.{name[:60]}")
        if name in RESERVED_COLUMNS:
            raise InvalidInput(
                f"Every table fills {name!r} by itself.",
                field=f"{field}.{name}",
                hint="Give the field another name, with utility.transform for one.",
            )
    try:
        text = json.dumps(dict(values), allow_nan=False, ensure_ascii=False)
        size = len(text.encode())
    except UnicodeEncodeError as error:
        raise RowRefused("A text in the object holds half of a surrogate pair.", field=field) from error
    except (ValueError, TypeError, RecursionError) as error:
        raise RowRefused("The object holds a value that is no JSON, such as NaN.", field=field) from error
    if "\\u0000" in text.replace("\\\\", ""):
        raise RowRefused("A text in the object holds the character NUL, which PostgreSQL cannot keep.", field=field)
    if size > MAX_ROW_BYTES:
        raise RowRefused(f"The object takes {size:,} bytes; {MAX_ROW_BYTES:,} are the most.", field=field)
    return dict(values)


def type_for(value: Any, column: str, *, field: str) -> str:
    """The type of a new column whose first value this is."""
    if isinstance(value, bool):
        return BOOLEAN
    if isinstance(value, int):
        return BIGINT if _fits_bigint(value) else _numeric(value, column, field=field)
    if isinstance(value, float):
        return DOUBLE
    if isinstance(value, str):
        return TIMESTAMP if is_time(value) else TEXT
    return JSONB


def fits(value: Any, kind: str) -> bool:
    """Whether the column takes the value as it is."""
    if value is None or kind == JSONB:
        return True
    if isinstance(value, bool) or kind == BOOLEAN:
        return isinstance(value, bool) and kind == BOOLEAN
    if isinstance(value, int):
        return (
            (kind == BIGINT and _fits_bigint(value))
            or (kind == NUMERIC and abs(value) < MAX_NUMERIC)
            or (kind == DOUBLE and abs(value) <= EXACT_IN_DOUBLE)
        )
    if isinstance(value, float):
        return kind == DOUBLE or (kind in {BIGINT, NUMERIC} and value.is_integer() and abs(value) <= EXACT_IN_DOUBLE)
    if isinstance(value, str):
        return kind == TEXT or (kind == TIMESTAMP and is_time(value))
    return False


def widens(value: Any, kind: str) -> bool:
    """Whether the column could take the value as `double precision`: a fraction after whole numbers."""
    return kind == BIGINT and isinstance(value, float) and math.isfinite(value)


def misfit(value: Any, column: str, kind: str, *, field: str) -> RowRefused:
    return RowRefused(
        f"The column {column!r} holds {_WORDS.get(kind, kind)}, and {_shown(value)} is not one of them.",
        field=f"{field}.{column}",
        hint="Save it under another name, or make it what the column holds.",
    )


def adapted(value: Any, kind: str) -> Any:
    """The value as psycopg sends it to a column of that type."""
    if value is None:
        return None
    if kind == JSONB:
        from psycopg.types.json import Jsonb

        return Jsonb(value)
    if kind in {BIGINT, NUMERIC} and isinstance(value, float):
        return int(value)
    if kind == DOUBLE:
        return float(value)
    return value


def is_time(text: str) -> bool:
    """Whether the text is a moment PostgreSQL and Python both know, written as RFC 3339."""
    if not _RFC_3339.fullmatch(text):
        return False
    try:
        return datetime.fromisoformat(re.sub(r"(\.\d{6})\d+", r"\1", text.upper())).year > 1
    except ValueError:
        return False


def _fits_bigint(value: int) -> bool:
    return -_BIGINT <= value < _BIGINT


def _numeric(value: int, column: str, *, field: str) -> str:
    if abs(value) >= MAX_NUMERIC:
        raise RowRefused(f"The number in {column!r} has more than 30 digits.", field=f"{field}.{column}")
    return NUMERIC


def _shown(value: Any) -> str:
    text = ascii(value)
    return text if len(text) <= 60 else text[:60] + "…"
