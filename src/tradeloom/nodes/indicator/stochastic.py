"""indicator.stochastic: Lane's stochastic oscillator."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal, Self

from pydantic import Field, model_validator

from tradeloom.nodes.base import Example, Tier, setting
from tradeloom.nodes.indicator._base import (
    EXAMPLE_BARS,
    Crossover,
    IndicatorConfig,
    IndicatorNode,
    IndicatorOutput,
    crossover_codes,
    label_codes,
    previous,
    sides,
)
from tradeloom.nodes.indicator._memory import ema_memory
from tradeloom.nodes.indicator._talib import talib
from tradeloom.nodes.market._broker import last_is_forming

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from tradeloom.nodes.indicator._base import Columns
    from tradeloom.trading.bars import Bars

_SMOOTHING = {"simple": 0, "exponential": 1}


class StochasticConfig(IndicatorConfig):
    k_period: int = setting(
        14,
        title="%K period",
        help="Bars whose range the close is held against.",
        unit="bars",
        widget="number",
        ge=1,
        le=1000,
    )
    slowing: int = setting(
        3,
        title="Slowing",
        help="Bars %K is averaged over: 3 is the slow stochastic, 1 the fast one.",
        unit="bars",
        widget="number",
        ge=1,
        le=1000,
    )
    d_period: int = setting(
        3, title="%D period", help="Bars of %K in the signal line %D.", unit="bars", widget="number", ge=1, le=1000
    )
    smoothing: Literal["simple", "exponential"] = setting(
        "simple", title="Smoothing", help="The kind of average for both lines.", widget="select"
    )
    oversold: float = setting(
        20.0, title="Oversold", help="At or below this %K is oversold.", widget="number", ge=0, le=100
    )
    overbought: float = setting(
        80.0, title="Overbought", help="At or above this %K is overbought.", widget="number", ge=0, le=100
    )

    @model_validator(mode="after")
    def _levels_in_order(self) -> Self:
        if self.oversold >= self.overbought:
            raise ValueError(f"oversold ({self.oversold:g}) must be below overbought ({self.overbought:g})")
        return self


class StochasticOutput(IndicatorOutput):
    k: float = Field(description="%K: where the close stands in the range, 0 at its low and 100 at its high, averaged.")
    d: float = Field(description="%D: the average of %K, its signal line.")
    previous_k: float = Field(description="%K one bar earlier.")
    previous_d: float = Field(description="%D one bar earlier.")
    signal: Literal["oversold", "overbought", "neutral"] = Field(description="%K against the two levels.")
    crossover: Crossover = Field(
        description="On the last closed bar: bullish when %K rose above %D, bearish when it fell below."
    )


class Stochastic(IndicatorNode):
    """George Lane's oscillator, as TA-Lib's STOCH computes it:

    fast %K = 100 × (close - lowest low) / (highest high - lowest low) of the last `k_period` bars; %K its average over
    `slowing` bars; %D the average of %K over `d_period` bars.
    """

    type = "indicator.stochastic"
    title = "Stochastic"
    description = "Stochastic oscillator: where the close stands in its recent range, with its signal line."
    help = (
        "Near 100 the market closes at the top of its range, near 0 at the bottom. `signal` holds for as long as %K "
        "stays beyond a level; `crossover` names the bar on which %K crosses %D. The usual entry wants both: "
        '`= nodes.stochastic.crossover == "bullish" && nodes.stochastic.previous_k < 20`. A forming bar cannot make a '
        "crossover.\n\n"
        "The lines are TA-Lib's, which averages each bar's ratio. MetaTrader's own chart divides the average of close "
        "minus low by the average of the range, so its %K differs slightly where slowing is above 1. Where the price "
        "has not moved at all for a period %K counts that bar as 50; TA-Lib says 0, which would read as oversold."
    )
    icon = "waves"
    tier = Tier.PRO
    example = Example(
        title="Slow stochastic 14, 3, 3",
        config={"k_period": 14, "slowing": 3, "d_period": 3},
        inputs={"market.history": {"bars": EXAMPLE_BARS}},
    )
    Config = StochasticConfig
    Output = StochasticOutput
    beneath = ("k", "d")

    @classmethod
    def bars_before(cls, values: Mapping[str, Any]) -> int:
        k_period: int = values["k_period"]
        lines: list[int] = [values["slowing"], values["d_period"]]
        return k_period + sum(lines if values["smoothing"] == "simple" else map(ema_memory, lines))

    @classmethod
    def bars_needed(cls, config: StochasticConfig) -> int:
        return config.k_period + config.slowing + config.d_period - 1

    @classmethod
    def columns(cls, config: StochasticConfig, bars: "Bars") -> "Columns":
        import numpy as np

        kind = _SMOOTHING[config.smoothing]
        k = talib().MA(_fast_k(config, bars), config.slowing, kind)
        d = talib().MA(k, config.d_period, kind)
        # Both lines have values from the same bar on, as in TA-Lib.
        k[np.isnan(d)] = np.nan
        return {
            "k": k,
            "d": d,
            "previous_k": previous(k),
            "previous_d": previous(d),
            "signal": label_codes(~np.isnan(k), k <= config.oversold, k >= config.overbought),
            "crossover": crossover_codes(sides(k - d, np.full_like(k, 100.0))),
        }

    def row(self, column: str, bars: "Bars") -> int:
        return -2 if column == "crossover" and last_is_forming(bars) else -1


def _fast_k(config: StochasticConfig, bars: "Bars") -> "NDArray[np.float64]":
    value, _ = talib().STOCHF(bars.high, bars.low, bars.close, config.k_period, 1, 0)
    if config.k_period > 1:
        still = talib().MAX(bars.high, config.k_period) == talib().MIN(bars.low, config.k_period)
    else:
        still = bars.high == bars.low
    value[still] = 50.0
    fast: NDArray[np.float64] = value
    return fast
