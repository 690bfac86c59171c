from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from pydantic import ValidationError

from tests.support.series import bars_from, columns_from, eurusd_h1
from tests.unit.nodes.indicator.cases import columns_of, run
from tradeloom.nodes.indicator.donchian import Donchian, DonchianConfig


@pytest.mark.parametrize("period", [2, 20, 55])
def test_is_the_highest_high_and_the_lowest_low(period: int) -> None:
    bars = bars_from(eurusd_h1(), end=3000)
    columns = columns_of(Donchian, {"period": period}, bars)
    highs = np.lib.stride_tricks.sliding_window_view(bars.high, period).max(axis=1)
    lows = np.lib.stride_tricks.sliding_window_view(bars.low, period).min(axis=1)
    np.testing.assert_array_equal(columns["upper"][period - 1 :], highs)
    np.testing.assert_array_equal(columns["lower"][period - 1 :], lows)
    np.testing.assert_allclose(columns["middle"][period - 1 :], (highs + lows) / 2, rtol=1e-15)
    np.testing.assert_array_equal(columns["width"][period - 1 :], highs - lows)
    words = Donchian.labels()["breakout"]
    for row in range(period, 3000):
        close, above, below = bars.close[row], highs[row - period], lows[row - period]
        assert words[columns["breakout"][row]] == ("up" if close > above else "down" if close < below else "none")


@pytest.mark.parametrize(
    ("last", "position", "breakout"),
    [(2.5, "upper_half", "up"), (2.0, "upper_half", "none"), (1.5, "middle", "none"), (0.5, "lower_half", "down")],
)
def test_position_and_breakout(last: float, position: str, breakout: str) -> None:
    output = run(Donchian, {"period": 3}, bars_from(columns_from([1.0, 2, 1, 1, last])))
    assert (output.position, output.breakout) == (position, breakout)
    assert (output.previous_upper, output.previous_lower) == (2.0, 1.0)


def test_a_forming_bar_makes_no_breakout() -> None:
    columns = columns_from([1.0, 2, 1, 1, 2.5])
    opened = datetime.fromtimestamp(int(columns["time"][-1]), tz=UTC)
    forming = bars_from(columns, closed_only=False, to=opened + timedelta(minutes=30))
    assert run(Donchian, {"period": 3}, forming).breakout == "none"


def test_memory_is_the_period() -> None:
    assert Donchian.memory({}) == 20
    assert Donchian.memory({"period": "= item"}) == 1000


@pytest.mark.parametrize("period", [1, 1001, 20.5, True])
def test_config_is_bounded(period: float) -> None:
    with pytest.raises(ValidationError):
        DonchianConfig.model_validate({"bars": bars_from(eurusd_h1(), end=30).reference, "period": period})
