from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
import talib
from pydantic import ValidationError

from tests.support.series import bars_from, columns_from, eurusd_h1
from tests.unit.nodes.indicator.cases import columns_of, run
from tradeloom.nodes.indicator.supertrend import Supertrend, SupertrendConfig
from tradeloom.trading.bars import Bars


def published(bars: Bars, period: int, multiplier: float) -> tuple[list[float], list[int]]:
    """TradingView's reference implementation of `ta.supertrend`, row by row."""
    average = talib.ATR(bars.high, bars.low, bars.close, period).tolist()
    high, low, close = bars.high.tolist(), bars.low.tolist(), bars.close.tolist()
    line, direction = [float("nan")] * len(close), [0] * len(close)
    upper = lower = 0.0
    for row in range(period, len(close)):
        middle = (high[row] + low[row]) / 2
        above, below = middle + multiplier * average[row], middle - multiplier * average[row]
        if row == period:
            upper, lower, direction[row] = above, below, 1
        else:
            upper = above if above < upper or close[row - 1] > upper else upper
            lower = below if below > lower or close[row - 1] < lower else lower
            if direction[row - 1] > 0:
                direction[row] = -1 if close[row] < lower else 1
            else:
                direction[row] = 1 if close[row] > upper else -1
        line[row] = lower if direction[row] > 0 else upper
    return line, direction


@pytest.mark.parametrize(("period", "multiplier"), [(10, 3.0), (7, 2.0), (2, 0.5)])
def test_equals_the_published_definition(period: int, multiplier: float) -> None:
    bars = bars_from(eurusd_h1(), end=5000)
    columns = columns_of(Supertrend, {"period": period, "multiplier": multiplier}, bars)
    line, direction = published(bars, period, multiplier)
    np.testing.assert_allclose(columns["value"], line, rtol=1e-14)
    words, since = Supertrend.labels(), 0
    for row in range(period, 5000):
        assert words["direction"][columns["direction"][row]] == ("up" if direction[row] > 0 else "down")
        turned = row > period and direction[row] != direction[row - 1]
        since = 1 if turned or row == period else since + 1
        assert columns["bars_in_trend"][row] == since
        if row > period:
            expected = "none" if not turned else "bullish" if direction[row] > 0 else "bearish"
            assert words["reversal"][columns["reversal"][row]] == expected


def test_the_line_trails_and_turns() -> None:
    rise, fall = 2.0 + 0.01 * np.arange(60.0), 2.6 - 0.02 * np.arange(20.0)
    closes = np.concatenate([rise, fall])
    columns = columns_from(closes, high=closes + 0.005, low=closes - 0.005)
    up = run(Supertrend, {}, bars_from(columns, end=60))
    assert (up.direction, up.reversal) == ("up", "none")
    assert up.previous < up.value < up.price
    assert up.distance == pytest.approx(up.price - up.value)
    down = run(Supertrend, {}, bars_from(columns))
    assert down.direction == "down"
    assert down.previous > down.value > down.price


def test_a_forming_bar_turns_nothing() -> None:
    columns = eurusd_h1()
    codes = columns_of(Supertrend, {}, bars_from(columns, end=3000))["reversal"]
    words = Supertrend.labels()["reversal"]
    turned = int(np.flatnonzero(codes[100:] == words.index("bearish"))[0]) + 100
    opened = datetime.fromtimestamp(int(columns["time"][turned]), tz=UTC)
    forming = bars_from(columns, end=turned + 1, closed_only=False, to=opened + timedelta(minutes=30))
    assert run(Supertrend, {}, forming).reversal == "none"
    assert run(Supertrend, {}, bars_from(columns, end=turned + 1)).reversal == "bearish"


def test_memory_grows_with_the_width() -> None:
    assert Supertrend.memory({}) == 349 + 500
    assert Supertrend.memory({"multiplier": 6}) == 349 + 1000
    assert Supertrend.memory({"multiplier": "= item"}) == 5000


@pytest.mark.parametrize("bad", [{"period": 1}, {"multiplier": 0}, {"multiplier": float("inf")}, {"multiplier": 101}])
def test_config_is_bounded(bad: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        SupertrendConfig.model_validate({"bars": bars_from(eurusd_h1(), end=30).reference, **bad})
