"""Every indicator on every real series, against TA-Lib bit for bit and against a second public implementation.

The second ones are `ta`, `pandas-ta-classic` and `talipp`, none of which uses TA-Lib here. Averages that never forget
start differently in each of them, so rows are compared from where the start no longer shows.
"""

import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest
import talib

from tests.support import exam
from tests.support.market_data import SERIES, bars_of
from tests.unit.nodes.indicator.cases import columns_of
from tradeloom.nodes.indicator.adx import Adx
from tradeloom.nodes.indicator.atr import Atr
from tradeloom.nodes.indicator.bollinger import Bollinger
from tradeloom.nodes.indicator.donchian import Donchian
from tradeloom.nodes.indicator.ichimoku import Ichimoku
from tradeloom.nodes.indicator.keltner import Keltner
from tradeloom.nodes.indicator.ma import MovingAverage
from tradeloom.nodes.indicator.macd import Macd
from tradeloom.nodes.indicator.pivots import Pivots
from tradeloom.nodes.indicator.rsi import Rsi
from tradeloom.nodes.indicator.stochastic import Stochastic
from tradeloom.nodes.indicator.supertrend import Supertrend
from tradeloom.nodes.indicator.vwap import Vwap
from tradeloom.trading.bars import Bars

with warnings.catch_warnings():
    # Both libraries use what current pandas deprecates.
    warnings.simplefilter("ignore")
    import pandas_ta_classic
    import ta
    from talipp.indicators import SuperTrend
    from talipp.indicators.SuperTrend import Trend
    from talipp.ohlcv import OHLCV

LIBRARY: Any = talib
ROWS = exam.sized(6_000, 100_000)
"""The latest rows of each series; in the exam all of them (57,600 at most)."""
FORGOTTEN = 1_000
"""Rows after which every average here has forgotten how it began."""

SUITE = "test_indicators_against_references"
pytestmark = [pytest.mark.exam(suite=SUITE), pytest.mark.filterwarnings("ignore")]
each_series = pytest.mark.parametrize("name", SERIES)


@pytest.fixture
def bars(name: str) -> Bars:
    made = bars_of(name, ROWS)
    counted = exam.FIGURES.get(SUITE, {})
    exam.record(
        SUITE,
        comparisons=counted.get("comparisons", 0) + 1,
        series=len(SERIES),
        most_rows=max(len(made), counted.get("most_rows", 0)),
    )
    return made


def framed(bars: Bars) -> dict[str, pd.Series]:
    index = pd.to_datetime(bars.time, unit="s")
    return {key: pd.Series(getattr(bars, key), index=index) for key in ("open", "high", "low", "close", "volume")}


def dealt_prices(prices: dict[str, pd.Series]) -> list[pd.Series]:
    return [prices[key] for key in ("high", "low", "close", "volume")]


def same(ours: Any, theirs: Any, *, first: int = FORGOTTEN, rtol: float = 1e-9, atol: float = 0.0) -> None:
    """Equal from row `first` on, and both there."""
    theirs = np.asarray(theirs, dtype=np.float64)
    assert np.isfinite(ours[first:]).all()
    np.testing.assert_allclose(ours[first:], theirs[first:], rtol=rtol, atol=atol)


@each_series
class TestTalib:
    @pytest.mark.parametrize("source", ["close", "open", "high", "low", "median", "typical", "weighted"])
    def test_moving_averages(self, bars: Bars, source: str) -> None:
        for kind, compute in (("SMA", talib.SMA), ("EMA", talib.EMA), ("WMA", talib.WMA)):
            for period in (20, 200):
                config = {"period": period, "kind": kind, "source": source}
                np.testing.assert_array_equal(
                    columns_of(MovingAverage, config, bars)["value"], compute(bars.column(source), period)
                )

    def test_rsi(self, bars: Bars) -> None:
        np.testing.assert_array_equal(columns_of(Rsi, {}, bars)["value"], talib.RSI(bars.close, 14))

    def test_macd(self, bars: Bars) -> None:
        columns = columns_of(Macd, {}, bars)
        for field, expected in zip(("macd", "signal", "histogram"), talib.MACD(bars.close), strict=True):
            np.testing.assert_array_equal(columns[field], expected)

    def test_bollinger(self, bars: Bars) -> None:
        columns = columns_of(Bollinger, {}, bars)
        moved = talib.MAX(bars.close, 20) != talib.MIN(bars.close, 20)
        for field, expected in zip(("upper", "middle", "lower"), talib.BBANDS(bars.close, 20, 2, 2), strict=True):
            np.testing.assert_array_equal(columns[field][moved], expected[moved])

    def test_atr(self, bars: Bars) -> None:
        np.testing.assert_array_equal(
            columns_of(Atr, {}, bars)["value"], talib.ATR(bars.high, bars.low, bars.close, 14)
        )

    def test_stochastic(self, bars: Bars) -> None:
        columns = columns_of(Stochastic, {}, bars)
        k, d = LIBRARY.STOCH(bars.high, bars.low, bars.close, 14, 3, 0, 3, 0)
        still = talib.MAX(bars.high, 14) == talib.MIN(bars.low, 14)
        assert not still.any(), "these markets always move within 14 bars"
        np.testing.assert_array_equal(columns["k"], k)
        np.testing.assert_array_equal(columns["d"], d)

    def test_adx(self, bars: Bars) -> None:
        columns = columns_of(Adx, {}, bars)
        for field, compute in (("adx", talib.ADX), ("plus_di", talib.PLUS_DI), ("minus_di", talib.MINUS_DI)):
            np.testing.assert_array_equal(columns[field], compute(bars.high, bars.low, bars.close, 14))

    def test_supertrend(self, bars: Bars) -> None:
        columns = columns_of(Supertrend, {}, bars)
        value, side = talib.SUPERTREND(bars.high, bars.low, bars.close, 10, 3.0)
        np.testing.assert_array_equal(columns["value"], value)
        words = Supertrend.labels()["direction"]
        assert [words[code] for code in columns["direction"][10:]] == ["up" if one > 0 else "down" for one in side[10:]]

    def test_donchian(self, bars: Bars) -> None:
        columns = columns_of(Donchian, {}, bars)
        for field, expected in zip(("upper", "middle", "lower"), talib.DONCHIAN(bars.high, bars.low, 20), strict=True):
            np.testing.assert_allclose(columns[field], expected, rtol=1e-15)

    def test_keltner(self, bars: Bars) -> None:
        columns = columns_of(Keltner, {"source": "typical"}, bars)
        made = talib.KC(bars.high, bars.low, bars.close, 20, 10, 2.0)
        for field, expected in zip(("upper", "middle", "lower"), made, strict=True):
            # KC begins its true range otherwise than ATR does.
            same(columns[field], expected, rtol=1e-12)


@each_series
class TestSecondLibrary:
    def test_moving_averages(self, bars: Bars) -> None:
        close = framed(bars)["close"]
        average = columns_of(MovingAverage, {"period": 50}, bars)["value"]
        same(average, ta.trend.sma_indicator(close, 50), first=49)
        average = columns_of(MovingAverage, {"period": 50, "kind": "EMA"}, bars)["value"]
        same(average, ta.trend.ema_indicator(close, 50))
        average = columns_of(MovingAverage, {"period": 9, "kind": "WMA"}, bars)["value"]
        same(average, pandas_ta_classic.wma(close, 9, talib=False), first=8)

    def test_rsi(self, bars: Bars) -> None:
        same(columns_of(Rsi, {}, bars)["value"], ta.momentum.rsi(framed(bars)["close"], 14), rtol=1e-7)

    def test_macd(self, bars: Bars) -> None:
        columns, made = columns_of(Macd, {}, bars), ta.trend.MACD(framed(bars)["close"])
        rounding = 1e-12 * float(bars.close.max())
        for field, theirs in (("macd", made.macd()), ("signal", made.macd_signal()), ("histogram", made.macd_diff())):
            same(columns[field], theirs, atol=rounding)

    def test_bollinger(self, bars: Bars) -> None:
        columns, made = columns_of(Bollinger, {}, bars), ta.volatility.BollingerBands(framed(bars)["close"], 20, 2)
        same(columns["upper"], made.bollinger_hband(), first=19)
        same(columns["middle"], made.bollinger_mavg(), first=19)
        same(columns["lower"], made.bollinger_lband(), first=19)

    def test_atr(self, bars: Bars) -> None:
        prices = framed(bars)
        theirs = ta.volatility.average_true_range(prices["high"], prices["low"], prices["close"], 14)
        same(columns_of(Atr, {}, bars)["value"], theirs, rtol=1e-8)

    def test_stochastic(self, bars: Bars) -> None:
        prices, columns = framed(bars), columns_of(Stochastic, {"slowing": 1}, bars)
        made = ta.momentum.StochasticOscillator(prices["high"], prices["low"], prices["close"], 14, 3)
        same(columns["k"], made.stoch(), first=15, atol=1e-8)
        same(columns["d"], made.stoch_signal(), first=15, atol=1e-8)

    def test_adx(self, bars: Bars) -> None:
        prices, columns = framed(bars), columns_of(Adx, {}, bars)
        made = ta.trend.ADXIndicator(prices["high"], prices["low"], prices["close"], 14)
        same(columns["plus_di"], made.adx_pos(), rtol=1e-7, atol=1e-7)
        same(columns["minus_di"], made.adx_neg(), rtol=1e-7, atol=1e-7)
        same(columns["adx"], made.adx(), rtol=1e-7, atol=1e-7)

    def test_donchian(self, bars: Bars) -> None:
        prices, columns = framed(bars), columns_of(Donchian, {}, bars)
        made = ta.volatility.DonchianChannel(prices["high"], prices["low"], prices["close"], 20)
        for field, theirs in (
            ("upper", made.donchian_channel_hband()),
            ("middle", made.donchian_channel_mband()),
            ("lower", made.donchian_channel_lband()),
        ):
            same(columns[field], theirs, first=19, rtol=1e-14)

    def test_keltner(self, bars: Bars) -> None:
        prices, columns = framed(bars), columns_of(Keltner, {}, bars)
        made = ta.volatility.KeltnerChannel(
            prices["high"], prices["low"], prices["close"], 20, 10, original_version=False, multiplier=2
        )
        for field, theirs in (
            ("upper", made.keltner_channel_hband()),
            ("middle", made.keltner_channel_mband()),
            ("lower", made.keltner_channel_lband()),
        ):
            same(columns[field], theirs)

    def test_ichimoku(self, bars: Bars) -> None:
        prices, columns = framed(bars), columns_of(Ichimoku, {}, bars)
        now = ta.trend.IchimokuIndicator(prices["high"], prices["low"])
        shown = ta.trend.IchimokuIndicator(prices["high"], prices["low"], visual=True)
        for field, theirs in (
            ("conversion", now.ichimoku_conversion_line()),
            ("base", now.ichimoku_base_line()),
            ("future_span_a", now.ichimoku_a()),
            ("future_span_b", now.ichimoku_b()),
            ("span_a", shown.ichimoku_a()),
            ("span_b", shown.ichimoku_b()),
        ):
            same(columns[field], theirs, first=78, rtol=1e-14)

    def test_supertrend(self, bars: Bars) -> None:
        """By talipp: pandas-ta-classic's line restarts from the plain band at each turn, unlike TradingView's."""
        columns = columns_of(Supertrend, {}, bars)
        rows = zip(bars.open.tolist(), bars.high.tolist(), bars.low.tolist(), bars.close.tolist(), strict=True)
        made = list(SuperTrend(10, 3, [OHLCV(*row) for row in rows]))
        same(columns["value"], [np.nan if one is None else one.value for one in made])
        up = np.array([one is not None and one.trend is Trend.UP for one in made])
        words = Supertrend.labels()
        np.testing.assert_array_equal(
            (columns["direction"] == words["direction"].index("up"))[FORGOTTEN:], up[FORGOTTEN:]
        )
        turned = columns["reversal"] != words["reversal"].index("none")
        np.testing.assert_array_equal(turned[FORGOTTEN:], (np.diff(up, prepend=up[0]) != 0)[FORGOTTEN:])

    def test_vwap_rolling(self, bars: Bars) -> None:
        prices = framed(bars)
        columns = columns_of(Vwap, {"anchor": "rolling", "period": 20}, bars)
        theirs = ta.volume.volume_weighted_average_price(
            *(prices[key] for key in ("high", "low", "close", "volume")), 20
        )
        dealt = np.isfinite(columns["value"])
        np.testing.assert_array_equal(dealt[19:], prices["volume"].rolling(20).sum().to_numpy()[19:] > 0)
        np.testing.assert_allclose(columns["value"][dealt], theirs.to_numpy()[dealt], rtol=1e-9)

    @pytest.mark.parametrize(("anchor", "frequency"), [("day", "D"), ("week", "W"), ("month", "M")])
    def test_vwap_anchored(self, bars: Bars, anchor: str, frequency: str) -> None:
        prices = framed(bars)
        columns = columns_of(Vwap, {"anchor": anchor, "time_zone": "UTC", "day_start": "00:00"}, bars)
        theirs = pandas_ta_classic.vwap(*dealt_prices(prices), anchor=frequency)
        dealt = np.isfinite(columns["value"])
        assert dealt.any() == (bars.volume > 0).any()
        np.testing.assert_allclose(columns["value"][dealt], theirs.to_numpy()[dealt], rtol=1e-9)

    @pytest.mark.parametrize("method", ["classic", "fibonacci", "camarilla"])
    def test_pivots(self, bars: Bars, method: str) -> None:
        """Their resampling counts days without bars as days; without those, theirs is compared day by day."""
        config = {"method": method, "time_zone": "UTC", "day_start": "00:00"}
        columns, prices = columns_of(Pivots, config, bars), framed(bars)
        days = pd.DataFrame(prices).resample("D").agg({"open": "first", "high": "max", "low": "min", "close": "last"})
        days = days.dropna()
        made = pandas_ta_classic.cpr(
            days["open"], days["high"], days["low"], days["close"], method=method, timeframe="daily", levels="all"
        )
        daily = made.reindex(pd.DatetimeIndex(prices["close"].index).normalize())
        started = np.isfinite(columns["pivot"])
        assert started.sum() > len(bars) - 2 * 1_440
        for level in ("pivot", "r1", "r2", "r3", "r4", "s1", "s2", "s3", "s4"):
            theirs = f"CPR_{level.upper()}"
            if theirs in daily:
                np.testing.assert_allclose(columns[level][started], daily[theirs].to_numpy()[started], rtol=1e-12)
            else:
                assert (method, level) in {("fibonacci", "r4"), ("fibonacci", "s4")}
                assert np.isnan(columns[level]).all()
