from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from tests.support.series import bars_from, columns_from, eurusd_h1
from tests.unit.nodes.indicator.cases import columns_of, run
from tradeloom.nodes.indicator.ichimoku import Ichimoku, IchimokuConfig
from tradeloom.trading.bars import Bars


def middle(bars: Bars, row: int, period: int) -> float:
    window = slice(row - period + 1, row + 1)
    return float(bars.high[window].max() + bars.low[window].min()) / 2


@pytest.mark.parametrize("lines", [(9, 26, 52, 26), (7, 22, 44, 25), (1, 1, 1, 1)])
def test_every_line_is_what_the_chart_draws(lines: tuple[int, int, int, int]) -> None:
    conversion, base, span_b, displacement = lines
    config = {"conversion": conversion, "base": base, "span_b": span_b, "displacement": displacement}
    bars = bars_from(eurusd_h1(), end=1000)
    columns = columns_of(Ichimoku, config, bars)
    for row in range(120, 1000, 7):
        then = row - displacement
        assert columns["conversion"][row] == middle(bars, row, conversion)
        assert columns["base"][row] == middle(bars, row, base)
        assert columns["future_span_b"][row] == middle(bars, row, span_b)
        assert columns["span_b"][row] == middle(bars, then, span_b)
        assert columns["span_a"][row] == (middle(bars, then, conversion) + middle(bars, then, base)) / 2
        assert columns["cloud_top"][row] == max(columns["span_a"][row], columns["span_b"][row])
        assert columns["previous_cloud_bottom"][row] == min(columns["span_a"][row - 1], columns["span_b"][row - 1])
        words = Ichimoku.labels()
        earlier = bars.close[row] - bars.close[then]
        lagging = "above" if earlier > 0 else "below" if earlier < 0 else "level"
        assert words["lagging"][columns["lagging"][row]] == lagging


@pytest.mark.parametrize(("step", "trend", "cloud"), [(0.01, "up", "bullish"), (-0.01, "down", "bearish")])
def test_a_steady_market_has_every_confirmation(step: float, trend: str, cloud: str) -> None:
    output = run(Ichimoku, {}, bars_from(columns_from(5.0 + step * np.arange(120.0))))
    side = "above" if step > 0 else "below"
    assert (output.trend, output.cloud, output.future_cloud) == (trend, cloud, cloud)
    assert (output.cloud_position, output.lagging) == (side, side)


def test_a_turn_is_no_trend_yet() -> None:
    closes = np.concatenate([5.0 - 0.01 * np.arange(120.0), 3.8 + 0.02 * np.arange(15.0)])
    output = run(Ichimoku, {}, bars_from(columns_from(closes)))
    assert output.conversion > output.base
    assert output.trend == "flat"


def test_crossing_of_the_lines_is_named_once() -> None:
    closes = np.concatenate([5.0 - 0.01 * np.arange(120.0), 3.8 + 0.02 * np.arange(30.0)])
    columns = columns_of(Ichimoku, {}, bars_from(columns_from(closes)))
    words = Ichimoku.labels()["crossover"]
    assert list(columns["crossover"][100:]).count(words.index("bullish")) == 1
    assert list(columns["crossover"][100:]).count(words.index("bearish")) == 0


def test_memory_reaches_behind_the_displacement() -> None:
    assert Ichimoku.memory({}) == 78
    assert Ichimoku.memory({"base": "= item"}) == 1026


@pytest.mark.parametrize("bad", [{"conversion": 0}, {"base": 1001}, {"displacement": 0}, {"span_b": "many"}])
def test_config_is_bounded(bad: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        IchimokuConfig.model_validate({"bars": bars_from(eurusd_h1(), end=30).reference, **bad})
