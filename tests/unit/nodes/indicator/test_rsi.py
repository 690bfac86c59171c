from itertools import pairwise

import numpy as np
import pytest
import talib
from pydantic import ValidationError

from tests.support.series import bars_from, columns_from, eurusd_h1
from tests.unit.nodes.indicator.cases import columns_of, run
from tradeloom.nodes.indicator.rsi import Rsi, RsiConfig


def wilder_rsi(closes: list[float], period: int) -> list[float | None]:
    """RSI as Wilder (1978) and MetaTrader's RSI.mq5 compute it, number by number."""
    changes = [after - before for before, after in pairwise(closes)]
    rise = sum(max(change, 0.0) for change in changes[:period]) / period
    fall = sum(max(-change, 0.0) for change in changes[:period]) / period
    values: list[float | None] = [None] * period
    for place in range(period, len(closes)):
        if place > period:
            rise = (rise * (period - 1) + max(changes[place - 1], 0.0)) / period
            fall = (fall * (period - 1) + max(-changes[place - 1], 0.0)) / period
        values.append(100 - 100 / (1 + rise / fall) if fall else (100.0 if rise else 50.0))
    return values


@pytest.mark.parametrize("period", [2, 9, 14, 21])
def test_equals_talib_and_wilder_on_real_bars(period: int) -> None:
    bars = bars_from(eurusd_h1(), end=5000)
    value = columns_of(Rsi, {"period": period}, bars)["value"]
    np.testing.assert_array_equal(value, talib.RSI(bars.close, period))
    reference = np.array(wilder_rsi(bars.close.tolist(), period), dtype=np.float64)
    np.testing.assert_allclose(value, reference, rtol=1e-11)


def test_equals_wilder_where_the_price_stands_still_or_only_falls() -> None:
    still = [1.1] * 40
    falling = [2.0 - 0.01 * step for step in range(40)]
    for closes in (still, falling, falling[::-1], still + falling, falling + still):
        value = columns_of(Rsi, {}, bars_from(columns_from(closes)))["value"]
        np.testing.assert_allclose(value, np.array(wilder_rsi(closes, 14), dtype=np.float64), atol=1e-9)


def test_an_unmoved_price_is_neutral_though_talib_says_zero() -> None:
    closes = np.full(40, 1.1)
    assert talib.RSI(closes, 14)[-1] == 0.0
    output = run(Rsi, {}, bars_from(columns_from(closes)))
    assert (output.value, output.signal, output.crossing) == (50.0, "neutral", "none")


def test_signal_and_crossing() -> None:
    # With period 2 three falls reach 0 and rises lift the index step by step.
    closes = [10.0, 9, 8, 7, 7.5, 8.5, 10, 12, 11, 9.5]
    columns = columns_of(Rsi, {"period": 2}, bars_from(columns_from(closes)))
    words = Rsi.labels()
    seen = [
        (words["signal"][signal], words["crossing"][crossing])
        for signal, crossing in zip(columns["signal"][3:], columns["crossing"][3:], strict=True)
    ]
    np.testing.assert_allclose(columns["value"][2:], np.array(wilder_rsi(closes, 2)[2:], dtype=np.float64), atol=1e-12)
    assert seen == [
        ("oversold", "none"),
        ("neutral", "out_of_oversold"),
        ("overbought", "into_overbought"),
        ("overbought", "none"),
        ("overbought", "none"),
        ("neutral", "out_of_overbought"),
        ("oversold", "into_oversold"),
    ]


def test_a_leap_between_the_zones_counts_as_going_in() -> None:
    crossing = Rsi.labels()["crossing"]
    up = columns_of(Rsi, {"period": 2}, bars_from(columns_from([10.0, 9, 8, 7, 20])))
    assert crossing[up["crossing"][-1]] == "into_overbought"
    down = columns_of(Rsi, {"period": 2}, bars_from(columns_from([10.0, 11, 12, 13, 1])))
    assert crossing[down["crossing"][-1]] == "into_oversold"


def test_levels_themselves_belong_to_the_zones() -> None:
    bars = bars_from(columns_from([1.0, 2, 1, 2, 1, 2, 1, 2]))
    value = run(Rsi, {"period": 3}, bars).value
    assert run(Rsi, {"period": 3, "oversold": value, "overbought": 99}, bars).signal == "oversold"
    assert run(Rsi, {"period": 3, "oversold": 1, "overbought": value}, bars).signal == "overbought"


def test_memory_is_wilders() -> None:
    assert Rsi.memory({}) == 496
    assert Rsi.memory({"period": 2}) == 53


def test_levels_out_of_order_are_refused_in_words() -> None:
    reference = bars_from(eurusd_h1(), end=30).reference
    with pytest.raises(ValidationError, match=r"oversold \(70\) must be below overbought \(30\)"):
        RsiConfig(bars=reference, oversold=70, overbought=30)
    with pytest.raises(ValidationError):
        RsiConfig(bars=reference, period=1)
