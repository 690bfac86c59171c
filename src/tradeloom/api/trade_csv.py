"""Trades as CSV (RFC 4180, UTF-8, times in UTC), safe to open in a spreadsheet."""

import csv
import io
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from tradeloom.api.models.trades import Trade

COLUMNS = tuple(Trade.model_fields)
_FORMULAS = ("=", "+", "-", "@", "\t", "\r", "\n")


def csv_of(trades: Iterable[Trade]) -> str:
    """A header and a line a trade. Lists are separated by spaces; what is unknown is empty."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    for trade in trades:
        writer.writerow([_cell(getattr(trade, name)) for name in COLUMNS])
    return text.getvalue()


def _cell(value: Any) -> Any:
    match value:
        case None:
            return ""
        case bool():
            return str(value).lower()
        case datetime():
            return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
        case list():
            return " ".join(map(str, value))
        case str() if value.startswith(_FORMULAS):
            return f"'{value}"  # a name must not become a formula
    return value
