"""indicator.donchian: the channel of the highest high and the lowest low."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from tradeloom.nodes.base import Example, Tier, setting
from tradeloom.nodes.indicator._base import (
    EXAMPLE_BARS,
    IndicatorConfig,
    IndicatorNode,
    IndicatorOutput,
    label_codes,
    previous,
)
from tradeloom.nodes.indicator._talib import talib
from tradeloom.nodes.market._broker import last_is_forming

if TYPE_CHECKING:
    from tradeloom.nodes.indicator._base import Columns
    from tradeloom.trading.bars import Bars


class DonchianConfig(IndicatorConfig):
    period: int = setting(
        20, title="Period", help="Bars the channel spans.", unit="bars", widget="number", ge=2, le=1000
    )


class DonchianOutput(IndicatorOutput):
    price: float = Field(description="The close.")
    upper: float = Field(description="Highest high of the last bars, this one included.")
    middle: float = Field(description="Half way between upper and lower.")
    lower: float = Field(description="Lowest low of the last bars, this one included.")
    width: float = Field(description="upper minus lower, in price.")
    previous_upper: float = Field(description="upper one bar earlier: what a breakout has to pass.")
    previous_middle: float = Field(description="middle one bar earlier.")
    previous_lower: float = Field(description="lower one bar earlier: what a breakdown has to pass.")
    position: Literal["upper_half", "lower_half", "middle"] = Field(
        description="Where the close stands in the channel."
    )
    breakout: Literal["up", "down", "none"] = Field(
        description="On the last closed bar: up when it closed above the channel of the bars before, down when below."
    )


class Donchian(IndicatorNode):
    """Richard Donchian's channel: highest high and lowest low of `period` bars, and their mean."""

    type = "indicator.donchian"
    title = "Donchian channel"
    description = "The highest high and lowest low of the last bars, and whether the market left that channel."
    help = (
        "The channel of the turtle traders: buy when the market closes above the highest high of the 20 bars before, "
        "leave when it closes below the lowest low of 10. The channel includes the latest bar, as charts draw it, so a "
        "close can never be outside it; `breakout` therefore compares the close with the channel one bar earlier, "
        "and a forming bar cannot make one.\n\n"
        "For an entry at the touch instead of the close, place a stop order at `previous_upper` or `upper`."
    )
    icon = "between-horizontal-start"
    tier = Tier.PRO
    example = Example(
        title="The turtles' 20 bars", config={"period": 20}, inputs={"market.history": {"bars": EXAMPLE_BARS}}
    )
    Config = DonchianConfig
    Output = DonchianOutput
    over_prices = ("upper", "middle", "lower")

    @classmethod
    def bars_before(cls, values: Mapping[str, Any]) -> int:
        period: int = values["period"]
        return period

    @classmethod
    def bars_needed(cls, config: DonchianConfig) -> int:
        return config.period + 1

    @classmethod
    def columns(cls, config: DonchianConfig, bars: "Bars") -> "Columns":
        import numpy as np

        upper, lower = talib().MAX(bars.high, config.period), talib().MIN(bars.low, config.period)
        middle = (upper + lower) / 2.0
        upper_before, lower_before = previous(upper), previous(lower)
        return {
            "price": bars.close,
            "upper": upper,
            "middle": middle,
            "lower": lower,
            "width": upper - lower,
            "previous_upper": upper_before,
            "previous_middle": previous(middle),
            "previous_lower": lower_before,
            "position": label_codes(~np.isnan(middle), bars.close > middle, bars.close < middle),
            "breakout": label_codes(~np.isnan(upper_before), bars.close > upper_before, bars.close < lower_before),
        }

    def row(self, column: str, bars: "Bars") -> int:
        return -2 if column == "breakout" and last_is_forming(bars) else -1
