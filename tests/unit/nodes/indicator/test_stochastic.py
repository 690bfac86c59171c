from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
import talib
from pydantic import ValidationError

from tests.support.series import bars_from, columns_from, eurusd_h1
from tests.unit.nodes.indicator.cases import columns_of, run
from tradeloom.nodes.indicator.stochastic import Stochastic, StochasticConfig

LIBRARY: Any = talib


@pytest.mark.parametrize(("k", "slowing", "d"), [(14, 3, 3), (5, 3, 3), (14, 1, 3), (21, 7, 7)])
@pytest.mark.parametrize(("smoothing", "kind"), [("simple", 0), ("exponential", 1)])
def test_equals_talib_on_real_bars(k: int, slowing: int, d: int, smoothing: str, kind: int) -> None:
    bars = bars_from(eurusd_h1(), end=5000)
    config = {"k_period": k, "slowing": slowing, "d_period": d, "smoothing": smoothing}
    columns = columns_of(Stochastic, config, bars)
    expected_k, expected_d = LIBRARY.STOCH(bars.high, bars.low, bars.close, k, slowing, kind, d, kind)
    np.testing.assert_array_equal(columns["k"], expected_k)
    np.testing.assert_array_equal(columns["d"], expected_d)


def test_equals_the_definition() -> None:
    bars = bars_from(columns_from([1.0, 4, 2, 3, 5, 4]))
    #  ranges of 3 bars: 1-4, 2-4 (open 4), 2-5, 2-5 with closes 3, 5, 4
    output = run(Stochastic, {"k_period": 3, "slowing": 1, "d_period": 2}, bars)
    assert output.k == pytest.approx(100 * (4 - 2) / (5 - 2))
    assert output.previous_k == pytest.approx(100)
    assert output.d == pytest.approx((output.k + output.previous_k) / 2)


@pytest.mark.parametrize(
    ("last", "signal"),
    [(10.0, "overbought"), (9.0, "overbought"), (5.0, "neutral"), (2.0, "oversold"), (1.0, "oversold")],
)
def test_signal_holds_the_line_against_the_levels(last: float, signal: str) -> None:
    bars = bars_from(
        columns_from([5.0] * 5, high=[10.0] * 5, low=[0.0] * 5) | {"close": np.array([5.0, 5, 5, 5, last])}
    )
    assert run(Stochastic, {"k_period": 3, "slowing": 1, "d_period": 1}, bars).signal == signal


def test_crossovers_are_where_the_lines_cross_on_closed_bars() -> None:
    columns = eurusd_h1()
    made = columns_of(Stochastic, {}, bars_from(columns, end=3000))
    words = Stochastic.labels()["crossover"]
    for row in range(30, 3000):
        before, now = made["k"][row - 1] - made["d"][row - 1], made["k"][row] - made["d"][row]
        expected = (
            "bullish" if now > 1e-10 and before <= 1e-10 else "bearish" if now < -1e-10 and before >= -1e-10 else "none"
        )
        assert words[made["crossover"][row]] == expected
    crossed = int(np.flatnonzero(made["crossover"][100:] == words.index("bullish"))[0]) + 100
    opened = datetime.fromtimestamp(int(columns["time"][crossed]), tz=UTC)
    forming = bars_from(columns, end=crossed + 1, closed_only=False, to=opened + timedelta(minutes=30))
    assert run(Stochastic, {}, forming).crossover == words[made["crossover"][crossed - 1]]
    assert run(Stochastic, {}, bars_from(columns, end=crossed + 1)).crossover == "bullish"


def test_a_standstill_is_the_middle_not_oversold() -> None:
    closes = np.concatenate([np.random.default_rng(1).normal(1.1, 0.01, 50), np.full(40, 1.1)])
    output = run(Stochastic, {}, bars_from(columns_from(closes)))
    assert (output.k, output.d, output.signal) == (pytest.approx(50), pytest.approx(50), "neutral")


def test_memory() -> None:
    assert Stochastic.memory({}) == 14 + 3 + 3
    assert Stochastic.memory({"smoothing": "exponential"}) > 14 + 3 + 3
    assert Stochastic.memory({"smoothing": "= item"}) == Stochastic.memory({"smoothing": "exponential"})


@pytest.mark.parametrize(
    "bad",
    [{"k_period": 0}, {"slowing": 0}, {"oversold": 80, "overbought": 20}, {"d_period": 1001}, {"smoothing": "RMA"}],
)
def test_config_is_bounded(bad: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        StochasticConfig.model_validate({"bars": bars_from(eurusd_h1(), end=30).reference, **bad})
