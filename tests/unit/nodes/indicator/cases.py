"""What holds for every indicator, and the settings it is tried with."""

from typing import Any

import numpy as np
from hypothesis import strategies as st

from tests.support.fake_broker import FakeBroker
from tests.support.node_context import FakeContext
from tests.support.series import Columns, columns_from
from tradeloom.nodes.indicator._base import UNDEFINED, IndicatorNode
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
from tradeloom.nodes.indicator.talib import Talib
from tradeloom.nodes.indicator.vwap import Vwap
from tradeloom.trading.bars import Bars, BarsReference

CASES: list[tuple[type[IndicatorNode], dict[str, Any]]] = [
    (MovingAverage, {"period": 1}),
    (MovingAverage, {"period": 20}),
    (MovingAverage, {"period": 20, "kind": "EMA"}),
    (MovingAverage, {"period": 7, "kind": "WMA", "source": "weighted"}),
    (Rsi, {"period": 2}),
    (Rsi, {}),
    (Macd, {}),
    (Macd, {"fast": 2, "slow": 3, "signal": 1}),
    (Bollinger, {}),
    (Bollinger, {"period": 5, "deviations": 1.5, "source": "typical"}),
    (Atr, {"lookback": 10}),
    (Atr, {"period": 1, "lookback": 10}),
    (Atr, {"period": 5, "smoothing": "simple", "lookback": 10}),
    (Stochastic, {}),
    (Stochastic, {"k_period": 1, "slowing": 1, "d_period": 1}),
    (Stochastic, {"k_period": 5, "slowing": 4, "d_period": 7, "smoothing": "exponential"}),
    (Adx, {}),
    (Adx, {"period": 2, "threshold": 40}),
    (Supertrend, {}),
    (Supertrend, {"period": 2, "multiplier": 0.7}),
    (Donchian, {}),
    (Donchian, {"period": 2}),
    (Keltner, {}),
    (Keltner, {"period": 1, "atr_period": 1, "multiplier": 1.5, "source": "typical"}),
    (Ichimoku, {"conversion": 5, "base": 13, "span_b": 26, "displacement": 13}),
    (Ichimoku, {"conversion": 1, "base": 2, "span_b": 3, "displacement": 1}),
    (Vwap, {"time_zone": "UTC", "day_start": "00:00"}),
    (Vwap, {"deviations": 2.5, "source": "close"}),
    (Vwap, {"anchor": "rolling", "period": 20}),
    (Pivots, {}),
    (Pivots, {"method": "fibonacci", "time_zone": "Europe/London", "day_start": "08:30"}),
    (Pivots, {"method": "camarilla", "time_zone": "UTC", "day_start": "00:00"}),
    (Talib, {"function": "CCI", "parameters": {"timeperiod": 20}}),
    (Talib, {"function": "BBANDS", "parameters": {"matype": "EMA"}, "output": "lowerband"}),
    (Talib, {"function": "STOCHRSI", "source": "typical"}),
]
IDS = [f"{node.type} {config}" for node, config in CASES]


class GivenBars(FakeContext):
    """A context that answers any reference with these bars."""

    def __init__(self, bars: Bars) -> None:
        super().__init__(brokers={"paper": FakeBroker()})
        self._given = bars

    def bars(self, reference: BarsReference) -> Bars:
        assert reference == self._given.reference
        return self._given


def run(node: type[IndicatorNode], config: dict[str, Any], bars: Bars) -> Any:
    made = node.Config.model_validate({"bars": bars.reference, **config})
    return node().run(made, GivenBars(bars))


def columns_of(node: type[IndicatorNode], config: dict[str, Any], bars: Bars) -> dict[str, Any]:
    made = node.Config.model_validate({"bars": bars.reference, **config})
    return dict(node.columns(made, bars))


def defined(column: Any) -> Any:
    """Where a column has a value."""
    return column != UNDEFINED if column.dtype == np.int8 else ~np.isnan(column)


def random_bars(seed: int, length: int, *, price: float = 1.1, tick: float = 1e-5) -> Columns:
    """A random walk on a grid of ticks that pauses now and then, with gaps and wicks."""
    noise = np.random.default_rng(seed)
    steps = noise.integers(-60, 61, length) * (noise.random(length) > 0.2)
    close = price + tick * np.cumsum(steps)
    made = columns_from(close)
    made["open"] = made["open"] + tick * noise.integers(-5, 6, length)
    made["high"] = np.maximum(made["open"], close) + tick * noise.integers(0, 30, length)
    made["low"] = np.minimum(made["open"], close) - tick * noise.integers(0, 30, length)
    return made


@st.composite
def walks(draw: st.DrawFn, min_length: int = 60, max_length: int = 160) -> Columns:
    """Random walks of several price scales; a part of each may stand still."""
    length = draw(st.integers(min_length, max_length))
    price, tick = draw(st.sampled_from([(1.1, 1e-5), (150.0, 1e-3), (4000.0, 0.01), (2e-5, 1e-8)]))
    made = random_bars(draw(st.integers(0, 2**32 - 1)), length, price=price, tick=tick)
    still = draw(st.integers(0, length))
    start = draw(st.integers(0, length - still))
    for name in ("open", "high", "low", "close"):
        made[name][start : start + still] = price
    return made
