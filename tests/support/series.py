"""Bars for tests: the bundled real ones, and made ones."""

import csv
from datetime import UTC, datetime
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tradeloom.trading.bars import Bars, BarsReference
from tradeloom.trading.timeframes import Timeframe

Columns = dict[str, NDArray[Any]]


@cache
def eurusd_h1() -> Columns:
    """The real EURUSD H1 ask bars that come with the package."""
    text = files("tradeloom.data").joinpath("EURUSD_H1_ask.csv").read_text()
    rows = list(csv.DictReader(text.splitlines()))
    columns: Columns = {
        "time": np.array([int(datetime.fromisoformat(row["time"]).timestamp()) for row in rows], dtype=np.int64)
    }
    for name in ("open", "high", "low", "close", "volume"):
        columns[name] = np.array([float(row[name]) for row in rows])
    columns["spread"] = np.full(len(rows), 2, dtype=np.int32)
    return columns


def columns_from(
    close: Any, *, high: Any = None, low: Any = None, step: int = 3600, start: int = 1_483_308_000
) -> Columns:
    """Columns around given closes; high and low default to the larger and smaller of open and close."""
    closes = np.asarray(close, dtype=np.float64)
    opens = np.concatenate([closes[:1], closes[:-1]])
    return {
        "time": start + step * np.arange(len(closes), dtype=np.int64),
        "open": opens,
        "high": np.maximum(opens, closes) if high is None else np.asarray(high, dtype=np.float64),
        "low": np.minimum(opens, closes) if low is None else np.asarray(low, dtype=np.float64),
        "close": closes,
        "volume": np.ones(len(closes)),
        "spread": np.full(len(closes), 2, dtype=np.int32),
    }


def bars_from(
    columns: Columns,
    *,
    first: int = 0,
    end: int | None = None,
    count: int | None = None,
    closed_only: bool = True,
    to: datetime | None = None,
    timeframe: Timeframe = Timeframe.H1,
) -> Bars:
    """Rows `first` to `end` of columns, of which the last `count` (all) are those asked for."""
    cut = {name: column[first:end] for name, column in columns.items()}
    length = len(cut["time"])
    asked = length if count is None else min(count, length)
    close_time = datetime.fromtimestamp(int(cut["time"][-1]) + timeframe.seconds if length else 0, tz=UTC)
    reference = BarsReference(
        account="paper",
        symbol="EURUSD",
        timeframe=timeframe,
        to=to or close_time,
        count=max(asked, 1),
        warmup=length - asked,
        closed_only=closed_only,
    )
    return Bars(reference=reference, **cut)


def aggregated(columns: Columns, timeframe: Timeframe) -> Columns:
    """Bars of a longer timeframe, up to a day, made of shorter ones; they open on its multiples of UTC."""
    number = columns["time"] // timeframe.seconds
    starts = np.flatnonzero(np.diff(number, prepend=number[:1] - 1))
    ends = np.append(starts[1:], len(number)) - 1
    return {
        "time": number[starts] * timeframe.seconds,
        "open": columns["open"][starts],
        "high": np.maximum.reduceat(columns["high"], starts),
        "low": np.minimum.reduceat(columns["low"], starts),
        "close": columns["close"][ends],
        "volume": np.add.reduceat(columns["volume"], starts),
        "spread": columns["spread"][starts],
    }
