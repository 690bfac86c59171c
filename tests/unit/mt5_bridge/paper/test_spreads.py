"""Both sides of every bar are whole bars: whatever the spread, the low is the lowest and the high the highest."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mt5_bridge.paper.bars import BarSeries
from mt5_bridge.paper.config import SymbolConfig
from mt5_bridge.paper.spreads import sides_of
from mt5_bridge.paper.timeframes import bar_end
from tests.unit.mt5_bridge.paper.conftest import symbol_config
from tradeloom.trading.timeframes import Timeframe

moves = st.tuples(st.integers(-300, 300), st.integers(0, 200), st.integers(0, 200))


def series_of(bars: list[tuple[int, int, int]], start: int) -> BarSeries:
    opens = np.array([110_000 + 7 * number for number in range(len(bars))])
    body, up, down = (np.array(column) for column in zip(*bars, strict=True))
    closes = opens + body
    highs, lows = np.maximum(opens, closes) + up, np.minimum(opens, closes) - down
    times = 3_600 * (start + np.arange(len(bars)))
    opened, high, low, closed = (column / 100_000 for column in (opens, highs, lows, closes))
    ends, volumes = bar_end(times, Timeframe.H1), np.ones(len(bars))
    return BarSeries(Path("x"), Timeframe.H1, times, ends, opened, high, low, closed, volumes)


def symbol(**changes: Any) -> SymbolConfig:
    return SymbolConfig.model_validate(symbol_config(Path("x.csv"), **changes))


@given(
    bars=st.lists(moves, min_size=1, max_size=40),
    other=st.lists(moves, min_size=40, max_size=40),
    start=st.integers(0, 30),
    price=st.sampled_from(["bid", "ask"]),
    spread=st.integers(0, 40),
    kind=st.sampled_from(["fixed", "rollover", "real"]),
    minutes=st.integers(1, 720),
)
def test_both_sides_are_whole_bars(
    bars: list[Any], other: list[Any], start: int, price: str, spread: int, kind: str, minutes: int
) -> None:
    data = {"path": "x.csv", "timeframe": "H1", "price": price}
    wide = {"rollover_spread": {"minutes": minutes, "factor": "6.5"}} if kind == "rollover" else {}
    series = series_of(bars, start)
    counter = series_of(other[: len(bars)], start) if kind == "real" else None
    sides = sides_of(symbol(data=data, spread_points=spread, **wide), series, counter)
    asks = {column: sides.bids[column] + sides.spreads[column] for column in sides.bids}
    for side in (sides.bids, asks):
        assert (side["high"] >= np.maximum(side["open"], side["close"])).all()
        assert (side["low"] <= np.minimum(side["open"], side["close"])).all()
        assert all(column.dtype == np.int64 for column in side.values())
    if kind != "real":
        told = {"open": series.open, "high": series.high, "low": series.low, "close": series.close}
        quoted = sides.bids if price == "bid" else asks
        assert all((quoted[name] == np.rint(column * 100_000)).all() for name, column in told.items())
    assert all((column >= (0 if kind == "real" else spread)).all() for column in sides.spreads.values())
    if kind == "fixed":
        assert all((column == spread).all() for column in sides.spreads.values())


@pytest.mark.parametrize("price", ["bid", "ask"])
def test_the_rollover_is_wide_by_the_clock(price: str) -> None:
    data = {"path": "x.csv", "timeframe": "H1", "price": price}
    wide = {"rollover_spread": {"minutes": 30, "factor": 4}}
    sides = sides_of(symbol(data=data, spread_points=10, **wide), series_of([(0, 50, 50)] * 4, 22), None)
    assert list(sides.spreads["open"]) == [10, 10, 40, 10]
    assert list(sides.spreads["close"]) == [10, 40, 10, 10]
    assert list(sides.spreads["low"]) == list(sides.spreads["high"]) == [10, 40, 40, 10]
