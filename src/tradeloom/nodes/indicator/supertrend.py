"""indicator.supertrend: a trailing line that changes sides with the trend."""

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
)
from tradeloom.nodes.indicator._memory import TRAIL, wilder_memory
from tradeloom.nodes.indicator._talib import talib
from tradeloom.nodes.market._broker import last_is_forming

if TYPE_CHECKING:
    from tradeloom.nodes.indicator._base import Columns
    from tradeloom.trading.bars import Bars


class SupertrendConfig(IndicatorConfig):
    period: int = setting(
        10, title="Period", help="Bars in the average true range.", unit="bars", widget="number", ge=2, le=1000
    )
    multiplier: float = setting(
        3.0,
        title="Multiplier",
        help="How many average true ranges the line keeps from the middle of the bar.",
        widget="number",
        gt=0,
        le=100,
    )


class SupertrendOutput(IndicatorOutput):
    value: float = Field(description="The line, in price: below the market in an uptrend, above it in a downtrend.")
    previous: float = Field(description="The line one bar earlier.")
    price: float = Field(description="The close the line is held against.")
    distance: float = Field(description="How far the close is from the line, in price: the room before it turns.")
    direction: Literal["up", "down"] = Field(description="The trend the line follows.")
    reversal: Crossover = Field(
        description="On the last closed bar: bullish when the direction turned up, bearish when it turned down."
    )
    bars_in_trend: int = Field(
        description="Bars since the direction turned, the turning bar included; at most those that were loaded."
    )


class Supertrend(IndicatorNode):
    """Olivier Seban's line as TradingView's built-in `ta.supertrend` and TA-Lib's SUPERTREND compute it.

    Bands at (high+low)/2 ± multiplier × Wilder's ATR; the upper may only fall and the lower only rise while the last
    close was inside; a close beyond the band that trails turns the direction.
    """

    type = "indicator.supertrend"
    title = "Supertrend"
    description = "A line that trails the price by a few true ranges and changes sides when the trend turns."
    help = (
        "In an uptrend the line stands below the market and only ever rises; a close below it turns the trend down, "
        "and it goes on from above. `direction` holds for as long as the trend does, `reversal` names the one bar on "
        "which it turned (a forming bar cannot turn it). `value` serves as a trailing stop.\n\n"
        "The line depends on where it began until the market has turned a few times. Tradeloom loads that many bars "
        "before yours, which is some months of hours or some days of minutes."
    )
    icon = "route"
    tier = Tier.PRO
    example = Example(
        title="Supertrend 10, 3",
        config={"period": 10, "multiplier": 3},
        inputs={"market.history": {"bars": EXAMPLE_BARS}},
    )
    Config = SupertrendConfig
    Output = SupertrendOutput
    over_prices = ("value",)

    @classmethod
    def bars_before(cls, values: Mapping[str, Any]) -> int:
        # A wider line turns less often.
        return wilder_memory(values["period"]) + int(TRAIL * max(1.0, values["multiplier"] / 3.0))

    @classmethod
    def bars_needed(cls, config: SupertrendConfig) -> int:
        return config.period + 2

    @classmethod
    def columns(cls, config: SupertrendConfig, bars: "Bars") -> "Columns":
        import numpy as np

        value, side = talib().SUPERTREND(bars.high, bars.low, bars.close, config.period, config.multiplier)
        side = np.where(np.isnan(value), np.nan, side.astype(np.float64))
        before = previous(side)
        rows = np.arange(len(side), dtype=np.float64)
        turned = np.maximum.accumulate(np.where(side != before, rows, 0.0))
        return {
            "value": value,
            "previous": previous(value),
            "price": bars.close,
            "distance": np.abs(bars.close - value),
            "direction": label_codes(~np.isnan(side), side > 0),
            "reversal": crossover_codes(side),
            "bars_in_trend": np.where(np.isnan(side), np.nan, rows - turned + 1),
        }

    def row(self, column: str, bars: "Bars") -> int:
        return -2 if column == "reversal" and last_is_forming(bars) else -1
