from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
import talib
from pydantic import ValidationError

from tests.support.series import bars_from, columns_from, eurusd_h1
from tests.unit.nodes.indicator.cases import columns_of, run
from tradeloom.nodes.indicator.macd import Macd, MacdConfig
from tradeloom.trading.timeframes import Timeframe


@pytest.mark.parametrize("periods", [(12, 26, 9), (5, 35, 5), (2, 3, 1)])
def test_equals_talib_on_real_bars(periods: tuple[int, int, int]) -> None:
    bars = bars_from(eurusd_h1(), end=5000)
    fast, slow, signal = periods
    columns = columns_of(Macd, {"fast": fast, "slow": slow, "signal": signal}, bars)
    for name, expected in zip(("macd", "signal", "histogram"), talib.MACD(bars.close, *periods), strict=True):
        np.testing.assert_array_equal(columns[name], expected)
        np.testing.assert_array_equal(columns[f"previous_{name}"][1:], expected[:-1])


def test_equals_averages_computed_by_hand() -> None:
    closes = eurusd_h1()["close"][:3000].tolist()

    def ema(values: list[float], period: int) -> list[float]:
        averages = [values[0]]
        for value in values[1:]:
            averages.append(averages[-1] + (value - averages[-1]) * 2 / (period + 1))
        return averages

    macd = [fast - slow for fast, slow in zip(ema(closes, 12), ema(closes, 26), strict=True)]
    output = run(Macd, {}, bars_from(eurusd_h1(), end=3000))
    assert output.macd == pytest.approx(macd[-1], abs=1e-14)
    assert output.signal == pytest.approx(ema(macd, 9)[-1], abs=1e-14)
    assert output.histogram == pytest.approx(output.macd - output.signal, abs=1e-15)


def test_crossovers_are_where_the_lines_cross() -> None:
    bars = bars_from(eurusd_h1(), end=5000)
    columns = columns_of(Macd, {}, bars)
    macd, signal = columns["macd"], columns["signal"]
    words = Macd.labels()["crossover"]
    seen = {"bullish": 0, "bearish": 0, "none": 0}
    for row in range(35, 5000):
        above_before, above = macd[row - 1] > signal[row - 1], macd[row] > signal[row]
        expected = "none" if above == above_before else ("bullish" if above else "bearish")
        assert words[columns["crossover"][row]] == expected
        seen[expected] += 1
    assert seen["bullish"] > 100
    assert abs(seen["bullish"] - seen["bearish"]) <= 1


def test_a_flat_market_does_not_cross_by_rounding() -> None:
    closes = np.concatenate([np.random.default_rng(3).normal(1.1, 0.01, 200), np.full(2000, 1.1234567)])
    columns = columns_of(Macd, {}, bars_from(columns_from(closes)))
    assert set(columns["crossover"][-500:].tolist()) == {Macd.labels()["crossover"].index("none")}


@pytest.mark.parametrize(("step", "crossover"), [(0.01, "bullish"), (-0.01, "bearish")])
def test_leaving_a_standstill_is_a_crossover(step: float, crossover: str) -> None:
    bars = bars_from(columns_from([1.1] * 60 + [1.1 + step]))
    assert run(Macd, {}, bars).crossover == crossover


def crossing_columns(timeframe: Timeframe) -> tuple[dict[str, np.ndarray], int]:
    """Bars up to and with one on which a crossover happens, and that bar's opening."""
    columns = eurusd_h1()
    codes = columns_of(Macd, {}, bars_from(columns, end=2000))["crossover"]
    crossed = int(np.flatnonzero(codes[100:] == Macd.labels()["crossover"].index("bullish"))[0]) + 100
    return {name: column[: crossed + 1] for name, column in columns.items()}, int(columns["time"][crossed])


def test_a_forming_bar_makes_no_crossover() -> None:
    columns, opening = crossing_columns(Timeframe.H1)
    opened = datetime.fromtimestamp(opening, tz=UTC)
    forming = bars_from(columns, closed_only=False, to=opened + timedelta(minutes=30))
    closed = bars_from(columns, closed_only=False, to=opened + timedelta(minutes=60))
    assert run(Macd, {}, forming).crossover == "none"
    assert run(Macd, {}, closed).crossover == "bullish"
    assert run(Macd, {}, bars_from(columns)).crossover == "bullish"
    assert run(Macd, {}, forming).macd == run(Macd, {}, closed).macd


def test_a_month_forms_until_it_is_over() -> None:
    columns, opening = crossing_columns(Timeframe.MN1)
    columns["time"] = columns["time"] - opening + int(datetime(2017, 1, 1, tzinfo=UTC).timestamp())
    for to, expected in (
        (datetime(2017, 1, 31, 12, tzinfo=UTC), "none"),
        (datetime(2017, 2, 1, tzinfo=UTC), "bullish"),
    ):
        bars = bars_from(columns, closed_only=False, to=to, timeframe=Timeframe.MN1)
        assert run(Macd, {}, bars).crossover == expected


def test_memory_is_that_of_the_slow_average_and_the_signal() -> None:
    assert Macd.memory({}) == 478 + 165
    assert Macd.memory({"slow": "= 26", "signal": "{{ 9 }}"}) == 5000


def test_fast_must_be_faster() -> None:
    reference = bars_from(eurusd_h1(), end=60).reference
    with pytest.raises(ValidationError, match=r"the fast period \(26\) must be shorter than the slow one \(26\)"):
        MacdConfig(bars=reference, fast=26, slow=26)
