"""indicator.keltner: Keltner channels."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from tradeloom.nodes.base import Example, Tier, setting
from tradeloom.nodes.indicator._base import (
    EXAMPLE_BARS,
    IndicatorConfig,
    IndicatorNode,
    IndicatorOutput,
    Source,
    label_codes,
    previous,
    sides,
    source_setting,
)
from tradeloom.nodes.indicator._memory import ema_memory, wilder_memory
from tradeloom.nodes.indicator._talib import talib

if TYPE_CHECKING:
    from tradeloom.nodes.indicator._base import Columns
    from tradeloom.trading.bars import Bars


class KeltnerConfig(IndicatorConfig):
    period: int = setting(
        20,
        title="Period",
        help="Bars of the exponential average in the middle.",
        unit="bars",
        widget="number",
        ge=1,
        le=1000,
    )
    atr_period: int = setting(
        10, title="ATR period", help="Bars in the average true range.", unit="bars", widget="number", ge=1, le=1000
    )
    multiplier: float = setting(
        2.0,
        title="Multiplier",
        help="How many average true ranges the bands stand from the middle.",
        widget="number",
        gt=0,
        le=100,
    )
    source: Source = source_setting()


class KeltnerOutput(IndicatorOutput):
    price: float = Field(description="The price the bands are held against.")
    upper: float = Field(description="Upper band, in price.")
    middle: float = Field(description="Exponential average, in price.")
    lower: float = Field(description="Lower band, in price.")
    width: float = Field(description="upper minus lower, in price.")
    position: Literal["above_upper", "below_lower", "upper_half", "lower_half", "middle"] = Field(
        description="Where the price stands, in words."
    )
    previous_price: float = Field(description="price one bar earlier.")
    previous_upper: float = Field(description="upper one bar earlier.")
    previous_middle: float = Field(description="middle one bar earlier.")
    previous_lower: float = Field(description="lower one bar earlier.")


class Keltner(IndicatorNode):
    """Chester Keltner's channel in Linda Raschke's form: EMA(period) ± multiplier × Wilder's ATR(atr_period)."""

    type = "indicator.keltner"
    title = "Keltner channel"
    description = "Bands a number of average true ranges around an exponential average."
    help = (
        "Like Bollinger bands, but as wide as the bars are long instead of as the closes are scattered, so they react "
        "more calmly. A close outside is a strong move; Bollinger bands inside the channel are the squeeze before one: "
        "`= nodes.bollinger.upper < nodes.keltner.upper && nodes.bollinger.lower > nodes.keltner.lower`.\n\n"
        "This is the form of today: an exponential average of the close and Wilder's true range, 20, 10 and 2. "
        "Keltner's own of 1960 averaged typical price and plain range over ten days; TA-Lib's KC takes the typical "
        "price, which is `source` typical here."
    )
    icon = "git-commit-vertical"
    tier = Tier.PRO
    example = Example(
        title="Channel of 20 bars and two true ranges",
        config={"period": 20, "atr_period": 10, "multiplier": 2},
        inputs={"market.history": {"bars": EXAMPLE_BARS}},
    )
    Config = KeltnerConfig
    Output = KeltnerOutput
    over_prices = ("upper", "middle", "lower")

    @classmethod
    def bars_before(cls, values: Mapping[str, Any]) -> int:
        return max(ema_memory(values["period"]), wilder_memory(values["atr_period"]))

    @classmethod
    def bars_needed(cls, config: KeltnerConfig) -> int:
        return max(config.period, config.atr_period + 1) + 1

    @classmethod
    def columns(cls, config: KeltnerConfig, bars: "Bars") -> "Columns":
        import numpy as np

        price = bars.column(config.source)
        middle = talib().MA(price, config.period, 1)
        reach = config.multiplier * talib().ATR(bars.high, bars.low, bars.close, config.atr_period)
        middle[np.isnan(reach)] = np.nan
        upper, lower = middle + reach, middle - reach
        above, below, half = (sides(price - line, price) for line in (upper, lower, middle))
        return {
            "price": price,
            "upper": upper,
            "middle": middle,
            "lower": lower,
            "width": upper - lower,
            "position": label_codes(~np.isnan(upper), above > 0, below < 0, half > 0, half < 0),
            "previous_price": previous(price),
            "previous_upper": previous(upper),
            "previous_middle": previous(middle),
            "previous_lower": previous(lower),
        }
