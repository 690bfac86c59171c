from typing import Any

import numpy as np
import pytest
import talib
from pydantic import ValidationError

from tests.support.series import Columns, bars_from, columns_from, eurusd_h1
from tests.unit.nodes.indicator.cases import columns_of, run
from tradeloom.nodes.indicator.adx import Adx, AdxConfig


def moving(step: float) -> Columns:
    closes = 2.0 + step * np.arange(120.0)
    return columns_from(closes, high=closes + 0.002, low=closes - 0.002)


@pytest.mark.parametrize("period", [2, 14, 30])
def test_equals_talib_on_real_bars(period: int) -> None:
    bars = bars_from(eurusd_h1(), end=5000)
    columns = columns_of(Adx, {"period": period}, bars)
    for name, compute in (("adx", talib.ADX), ("plus_di", talib.PLUS_DI), ("minus_di", talib.MINUS_DI)):
        expected = compute(bars.high, bars.low, bars.close, period)
        np.testing.assert_array_equal(columns[name], expected)
        np.testing.assert_array_equal(columns[f"previous_{name}"][1:], expected[:-1])


def test_trend_names_the_way_of_a_strong_move() -> None:
    assert run(Adx, {}, bars_from(moving(0.001))).trend == "up"
    assert run(Adx, {}, bars_from(moving(-0.001))).trend == "down"
    output = run(Adx, {}, bars_from(eurusd_h1(), end=2000))
    way = "up" if output.plus_di > output.minus_di else "down"
    assert run(Adx, {"threshold": output.adx}, bars_from(eurusd_h1(), end=2000)).trend == way
    assert run(Adx, {"threshold": min(100, output.adx + 0.01)}, bars_from(eurusd_h1(), end=2000)).trend == "flat"


def test_crossovers_are_where_the_directions_cross() -> None:
    columns = columns_of(Adx, {}, bars_from(eurusd_h1(), end=3000))
    words, above = Adx.labels()["crossover"], columns["plus_di"] > columns["minus_di"]
    seen = {"bullish": 0, "bearish": 0, "none": 0}
    for row in range(30, 3000):
        expected = "none" if above[row] == above[row - 1] else "bullish" if above[row] else "bearish"
        assert words[columns["crossover"][row]] == expected
        seen[expected] += 1
    assert seen["bullish"] > 30


def test_memory_is_that_of_an_average_of_an_average() -> None:
    assert Adx.memory({}) == 2 * 496
    assert Adx.memory({"period": "= item"}) == 5000


@pytest.mark.parametrize("bad", [{"period": 1}, {"threshold": 101}, {"threshold": float("nan")}, {"period": True}])
def test_config_is_bounded(bad: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        AdxConfig.model_validate({"bars": bars_from(eurusd_h1(), end=30).reference, **bad})
