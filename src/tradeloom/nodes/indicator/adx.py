"""indicator.adx: Wilder's directional movement."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

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
from tradeloom.nodes.indicator._memory import wilder_memory
from tradeloom.nodes.indicator._talib import talib
from tradeloom.nodes.market._broker import last_is_forming

if TYPE_CHECKING:
    from tradeloom.nodes.indicator._base import Columns
    from tradeloom.trading.bars import Bars


class AdxConfig(IndicatorConfig):
    period: int = setting(
        14, title="Period", help="Bars in Wilder's smoothing.", unit="bars", widget="number", ge=2, le=1000
    )
    threshold: float = setting(
        25.0,
        title="Trend from",
        help="At or above this the market counts as trending, below it as flat. Wilder took 25; 20 is also usual.",
        widget="number",
        ge=0,
        le=100,
    )


class AdxOutput(IndicatorOutput):
    adx: float = Field(description="Average directional index, 0 to 100: how strong the trend is, whichever its way.")
    plus_di: float = Field(description="+DI: how much of the range went up, 0 to 100.")
    minus_di: float = Field(description="-DI: how much of the range went down, 0 to 100.")
    previous_adx: float = Field(description="adx one bar earlier.")
    previous_plus_di: float = Field(description="+DI one bar earlier.")
    previous_minus_di: float = Field(description="-DI one bar earlier.")
    trend: Literal["up", "down", "flat"] = Field(
        description="The way of the larger DI where adx reaches the threshold; flat below it."
    )
    crossover: Crossover = Field(
        description="On the last closed bar: bullish when +DI rose above -DI, bearish when it fell below."
    )


class Adx(IndicatorNode):
    """J. Welles Wilder, New Concepts in Technical Trading Systems (1978), as TA-Lib computes it.

    +DM and -DM are the parts of a bar's move beyond the bar before; DI is their Wilder sum over that of the true range;
    ADX is Wilder's average of 100 × |+DI - -DI| / (+DI + -DI).
    """

    type = "indicator.adx"
    title = "ADX"
    description = "Average directional index with +DI and -DI: whether there is a trend, and which way."
    help = (
        "ADX says how strong a trend is, not where it goes; that is for +DI and -DI. `trend` puts both together: up or "
        "down while ADX is at or above the threshold, flat below it, which is when trend systems stay out. `crossover` "
        "names the bar on which one DI crosses the other; a forming bar cannot make one.\n\n"
        "Smoothing is Wilder's, as in TA-Lib and MetaTrader's ADX Wilder. MetaTrader's plain ADX smooths "
        "exponentially and gives other numbers. ADX averages an average, so it remembers long: Tradeloom loads the "
        "bars that takes."
    )
    icon = "compass"
    tier = Tier.PRO
    example = Example(title="ADX 14", config={"period": 14}, inputs={"market.history": {"bars": EXAMPLE_BARS}})
    Config = AdxConfig
    Output = AdxOutput
    beneath = ("adx", "plus_di", "minus_di")

    @classmethod
    def bars_before(cls, values: Mapping[str, Any]) -> int:
        return 2 * wilder_memory(values["period"])

    @classmethod
    def bars_needed(cls, config: AdxConfig) -> int:
        return 2 * config.period + 1

    @classmethod
    def columns(cls, config: AdxConfig, bars: "Bars") -> "Columns":
        import numpy as np

        prices = bars.high, bars.low, bars.close
        adx = talib().ADX(*prices, config.period)
        plus, minus = talib().PLUS_DI(*prices, config.period), talib().MINUS_DI(*prices, config.period)
        side = sides(plus - minus, np.full_like(plus, 100.0))
        trending = adx >= config.threshold
        return {
            "adx": adx,
            "plus_di": plus,
            "minus_di": minus,
            "previous_adx": previous(adx),
            "previous_plus_di": previous(plus),
            "previous_minus_di": previous(minus),
            "trend": label_codes(~np.isnan(adx), trending & (side > 0), trending & (side < 0)),
            "crossover": crossover_codes(side),
        }

    def row(self, column: str, bars: "Bars") -> int:
        return -2 if column == "crossover" and last_is_forming(bars) else -1
