"""The spread of every bar, in points: fixed, widened around the rollover, or from real series of both sides.

A bar has one spread at each of its prices. The real ones are the differences of the two files, column by column, so a
buy order is reached exactly where the file of asks says so; where a feed is crossed (the ask below the bid, as happens
in real ones for moments) the spread is nil.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mt5_bridge.paper.bars import BarSeries
from mt5_bridge.paper.conditions import RolloverSpread
from mt5_bridge.paper.config import SymbolConfig
from mt5_bridge.paper.timeframes import DAY_S
from tradeloom.errors import DataFileError

Integers = NDArray[np.int64]

COLUMNS = ("open", "high", "low", "close")
_POINT_TOLERANCE = 1e-6
"""How far a price may be from a whole number of points and still count as binary rounding."""


@dataclass(frozen=True, slots=True)
class Sides:
    """Bids and spreads in points, by price column."""

    bids: dict[str, Integers]
    spreads: dict[str, Integers]


def sides_of(symbol: SymbolConfig, series: BarSeries, counter: BarSeries | None) -> Sides:
    """Both sides of the market from the file of one, or (with `counter`, the file of the other) of both. Raises
    `DataFileError` for prices finer than the symbol's digits, files of different bars, or a spread beyond the price."""
    quoted = _columns(symbol, series)
    if counter is not None:
        _check_same_bars(series, counter)
        bids, asks = quoted, _columns(symbol, counter)
        if symbol.data.price == "ask":
            bids, asks = asks, bids
        sides = Sides(bids, {column: np.maximum(asks[column] - bids[column], 0) for column in COLUMNS})
    elif symbol.rollover_spread is not None:
        sides = _widened(symbol, symbol.rollover_spread, series, quoted)
    else:
        fixed = np.full(len(series), symbol.spread_points, dtype=np.int64)
        asked = symbol.data.price == "ask"
        bids = {column: quoted[column] - fixed for column in COLUMNS} if asked else quoted
        sides = Sides(bids, dict.fromkeys(COLUMNS, fixed))
    for column in COLUMNS:
        if (sides.bids[column] <= 0).any():
            raise DataFileError(f"{series.path}: the spread of {symbol.name} leaves no positive bid", field=column)
    return sides


def _widened(symbol: SymbolConfig, rollover: RolloverSpread, series: BarSeries, quoted: dict[str, Integers]) -> Sides:
    """Wide by the clock at a bar's open and close, and within a bar that touches the time: what happened when inside it
    is not known, so the wider of the two is assumed, as far as the made side's open and close allow."""
    opened = _spread_at(series.open_time, symbol.spread_points, rollover)
    closed = _spread_at(series.end_time - 1, symbol.spread_points, rollover)
    within = np.maximum(opened, closed)
    sign = -1 if symbol.data.price == "ask" else 1
    made = {
        "open": quoted["open"] + sign * opened,
        "high": quoted["high"] + sign * within,
        "low": quoted["low"] + sign * within,
        "close": quoted["close"] + sign * closed,
    }
    made["high"] = np.maximum.reduce([made["high"], made["open"], made["close"]])
    made["low"] = np.minimum.reduce([made["low"], made["open"], made["close"]])
    bids, asks = (made, quoted) if sign < 0 else (quoted, made)
    return Sides(bids, {column: asks[column] - bids[column] for column in COLUMNS})


def _spread_at(times: Integers, points: int, rollover: RolloverSpread) -> Integers:
    since_midnight = times % DAY_S
    near = np.minimum(since_midnight, DAY_S - since_midnight) <= rollover.minutes * 60
    return np.where(near, int(rollover.factor * points), points).astype(np.int64)


def _check_same_bars(series: BarSeries, counter: BarSeries) -> None:
    shorter = min(len(series), len(counter))
    differ = np.flatnonzero(series.open_time[:shorter] != counter.open_time[:shorter])
    if len(differ) or len(series) != len(counter):
        line = int(differ[0]) + 2 if len(differ) else shorter + 2
        raise DataFileError(
            f"{counter.path} line {line} is not of the same time as in {series.path}",
            field="time",
            hint="Bids and asks must be files of the same bars.",
        )


def _columns(symbol: SymbolConfig, series: BarSeries) -> dict[str, Integers]:
    return {column: _in_points(symbol, series, column) for column in COLUMNS}


def _in_points(symbol: SymbolConfig, series: BarSeries, column: str) -> Integers:
    points = getattr(series, column) * 10.0**symbol.digits
    whole = np.rint(points)
    too_fine = np.abs(points - whole) > _POINT_TOLERANCE
    if too_fine.any():
        line = int(np.argmax(too_fine)) + 2
        raise DataFileError(
            f"{series.path} line {line}, column {column}: finer than the {symbol.digits} digits of {symbol.name}",
            field=column,
        )
    in_points: Integers = whole.astype(np.int64)
    return in_points
