"""What holds for every indicator, and the settings it is tried with."""

from typing import Any

import numpy as np
from hypothesis import strategies as st

from tests.support.fake_broker import FakeBroker
from tests.support.node_context import FakeContext
from tests.support.series import Columns, columns_from
from tradeloom.nodes.indicator._base import UNDEFINED, IndicatorNode
from tradeloom.nodes.indicator.atr import Atr
from tradeloom.nodes.indicator.bollinger import Bollinger
from tradeloom.nodes.indicator.ma import MovingAverage
from tradeloom.nodes.indicator.macd import Macd
from tradeloom.nodes.indicator.rsi import Rsi
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
