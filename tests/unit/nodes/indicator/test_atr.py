import numpy as np
import pytest
import talib
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from tests.support.series import bars_from, columns_from, eurusd_h1
from tests.unit.nodes.indicator.cases import columns_of, random_bars, run
from tradeloom.nodes.indicator.atr import Atr, AtrConfig
from tradeloom.trading.bars import Bars


def true_ranges(bars: Bars) -> list[float]:
    """From the second bar on: the larger of high and last close minus the smaller of low and last close."""
    rows = zip(bars.high.tolist()[1:], bars.low.tolist()[1:], bars.close.tolist(), strict=False)
    return [max(high, close) - min(low, close) for high, low, close in rows]


def wilder_atr(bars: Bars, period: int) -> list[float | None]:
    """Wilder (1978): a simple average first, then (last x (n-1) + range) / n."""
    ranges = true_ranges(bars)
    average = sum(ranges[:period]) / period
    values: list[float | None] = [None] * period + [average]
    for each in ranges[period:]:
        average = (average * (period - 1) + each) / period
        values.append(average)
    return values


def metatrader_atr(bars: Bars, period: int) -> list[float | None]:
    """ATR.mq5 of the terminal: the simple average of the last `period` ranges."""
    ranges = true_ranges(bars)
    first: list[float | None] = [None] * period
    return first + [sum(ranges[end - period : end]) / period for end in range(period, len(ranges) + 1)]


@pytest.mark.parametrize("period", [2, 14, 21])
def test_equals_talib_and_wilder_on_real_bars(period: int) -> None:
    bars = bars_from(eurusd_h1(), end=5000)
    value = columns_of(Atr, {"period": period}, bars)["value"]
    np.testing.assert_array_equal(value, talib.ATR(bars.high, bars.low, bars.close, period))
    np.testing.assert_allclose(value, np.array(wilder_atr(bars, period), dtype=np.float64), rtol=1e-11)


@pytest.mark.parametrize("period", [1, 14])
def test_simple_smoothing_equals_metatraders_chart(period: int) -> None:
    bars = bars_from(eurusd_h1(), end=5000)
    value = columns_of(Atr, {"period": period, "smoothing": "simple"}, bars)["value"]
    np.testing.assert_allclose(value, np.array(metatrader_atr(bars, period), dtype=np.float64), rtol=1e-10)


def test_percent_is_of_the_close() -> None:
    output = run(Atr, {}, bars_from(eurusd_h1(), end=2000))
    assert output.percent == pytest.approx(100 * output.value / eurusd_h1()["close"][1999])


@given(seed=st.integers(0, 2**32 - 1), lookback=st.integers(10, 40))
@settings(max_examples=30, deadline=None)
def test_percentile_is_the_rank_among_the_values_before(seed: int, lookback: int) -> None:
    columns = columns_of(Atr, {"period": 3, "lookback": lookback}, bars_from(random_bars(seed, 80)))
    value, percentile = columns["value"], columns["percentile"]
    assert np.isnan(percentile[: 3 + lookback]).all()
    for row in range(3 + lookback, 80):
        before = value[row - lookback : row]
        below = np.count_nonzero(before < value[row] * (1 - 1e-12))
        equal = np.count_nonzero(np.abs(before - value[row]) <= 1e-12 * value[row])
        assert percentile[row] == pytest.approx(100 * (below + equal / 2) / lookback)


def test_volatility_follows_the_ranges() -> None:
    quiet, wild = np.full(150, 0.1), np.full(30, 1.0)
    for ranges, expected in (
        (np.concatenate([quiet, wild]), "high"),
        (np.concatenate([wild, wild, wild, wild, wild, np.full(20, 0.1)]), "low"),
        (quiet, "normal"),
    ):
        closes = np.full(len(ranges), 10.0)
        bars = bars_from(columns_from(closes, high=closes + ranges / 2, low=closes - ranges / 2))
        assert run(Atr, {}, bars).volatility == expected


def test_thresholds_decide() -> None:
    bars = bars_from(eurusd_h1(), end=2000)
    rank = run(Atr, {}, bars).percentile
    assert 5 < rank < 95
    assert run(Atr, {"low_percentile": rank + 1, "high_percentile": 100}, bars).volatility == "low"
    assert run(Atr, {"low_percentile": 0, "high_percentile": rank - 1}, bars).volatility == "high"
    assert run(Atr, {"low_percentile": rank, "high_percentile": rank}, bars).volatility == "normal"


def test_memory_is_wilders_and_the_lookback() -> None:
    assert Atr.memory({}) == 496 + 100
    assert Atr.memory({"smoothing": "simple"}) == 14 + 100
    assert Atr.memory({"smoothing": "= item"}) == 496 + 100
    assert Atr.memory({"period": "= item"}) == 5000


def test_percentiles_out_of_order_are_refused_in_words() -> None:
    reference = bars_from(eurusd_h1(), end=200).reference
    with pytest.raises(ValidationError, match=r"the low percentile \(80\) must not be above the high one \(20\)"):
        AtrConfig(bars=reference, low_percentile=80, high_percentile=20)
