"""indicator.bollinger: Bollinger bands."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from tradeloom.nodes.base import Example, setting
from tradeloom.nodes.indicator._base import (
    EXAMPLE_BARS,
    IndicatorConfig,
    IndicatorNode,
    IndicatorOutput,
    Source,
    label_codes,
    previous,
    source_setting,
)
from tradeloom.nodes.indicator._talib import talib

if TYPE_CHECKING:
    from tradeloom.nodes.indicator._base import Columns
    from tradeloom.trading.bars import Bars


class BollingerConfig(IndicatorConfig):
    period: int = setting(
        20, title="Period", help="Bars of the average and the deviation.", unit="bars", widget="number", ge=2, le=1000
    )
    deviations: float = setting(
        2.0,
        title="Deviations",
        help="How many standard deviations the bands stand from the middle.",
        widget="number",
        gt=0,
        le=10,
    )
    source: Source = source_setting()


class BollingerOutput(IndicatorOutput):
    price: float = Field(description="The price the bands are held against.")
    upper: float = Field(description="Upper band, in price.")
    middle: float = Field(description="Simple average, in price.")
    lower: float = Field(description="Lower band, in price.")
    percent_b: float = Field(
        description="Where the price stands: 0 on the lower band, 1 on the upper; 0.5 when the bands have no width."
    )
    bandwidth: float = Field(description="Width of the bands as a part of the middle: 0.02 is 2 %.")
    position: Literal["above_upper", "below_lower", "upper_half", "lower_half", "middle"] = Field(
        description="Where the price stands, in words."
    )
    previous_price: float = Field(description="price one bar earlier.")
    previous_upper: float = Field(description="upper one bar earlier.")
    previous_middle: float = Field(description="middle one bar earlier.")
    previous_lower: float = Field(description="lower one bar earlier.")
    previous_percent_b: float = Field(description="percent_b one bar earlier.")


class Bollinger(IndicatorNode):
    type = "indicator.bollinger"
    title = "Bollinger bands"
    description = "A simple average with bands a number of standard deviations above and below."
    help = (
        "The bands widen when the price swings and narrow when it is quiet. Mean-reversion strategies buy below the "
        "lower band and leave at the middle; breakout strategies wait for a small `bandwidth` and follow the price out "
        "of the bands.\n\n"
        "The deviation is that of the whole window (divided by n, not n−1), as in MetaTrader and TA-Lib. When the "
        "price has not moved for a whole period the bands meet: `percent_b` is then 0.5, `bandwidth` 0 and `position` "
        "middle."
    )
    icon = "chart-spline"
    example = Example(
        title="Bands of 20 bars and two deviations",
        config={"period": 20, "deviations": 2},
        inputs={"market.history": {"bars": EXAMPLE_BARS}},
    )
    Config = BollingerConfig
    Output = BollingerOutput
    over_prices = ("upper", "middle", "lower")

    @classmethod
    def bars_before(cls, values: Mapping[str, Any]) -> int:
        period: int = values["period"]
        return period

    @classmethod
    def bars_needed(cls, config: BollingerConfig) -> int:
        return config.period + 1

    @classmethod
    def columns(cls, config: BollingerConfig, bars: "Bars") -> "Columns":
        import numpy as np

        price = bars.column(config.source)
        upper, middle, lower = talib().BBANDS(price, config.period, config.deviations, config.deviations, 0)
        # Running sums leave a little width where there is none.
        flat = talib().MAX(price, config.period) == talib().MIN(price, config.period)
        for band in (upper, middle, lower):
            band[flat] = price[flat]
        width = upper - lower
        defined = ~np.isnan(middle)
        percent_b = np.where(defined, 0.5, np.nan)
        np.divide(price - lower, width, out=percent_b, where=width > 0)
        bandwidth = np.full_like(price, np.nan)
        np.divide(width, np.abs(middle), out=bandwidth, where=defined & (middle != 0))
        return {
            "price": price,
            "upper": upper,
            "middle": middle,
            "lower": lower,
            "percent_b": percent_b,
            "bandwidth": bandwidth,
            "position": label_codes(defined, price > upper, price < lower, price > middle, price < middle),
            "previous_price": previous(price),
            "previous_upper": previous(upper),
            "previous_middle": previous(middle),
            "previous_lower": previous(lower),
            "previous_percent_b": previous(percent_b),
        }
