"""indicator.ichimoku: Ichimoku Kinko Hyo."""

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
from tradeloom.nodes.indicator._talib import talib
from tradeloom.nodes.market._broker import last_is_forming

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from tradeloom.nodes.indicator._base import Columns
    from tradeloom.trading.bars import Bars


class IchimokuConfig(IndicatorConfig):
    conversion: int = setting(
        9,
        title="Conversion line",
        help="Bars of the conversion line (tenkan-sen).",
        unit="bars",
        widget="number",
        ge=1,
        le=1000,
    )
    base: int = setting(
        26, title="Base line", help="Bars of the base line (kijun-sen).", unit="bars", widget="number", ge=1, le=1000
    )
    span_b: int = setting(
        52,
        title="Span B",
        help="Bars of the slow edge of the cloud (senkou span B).",
        unit="bars",
        widget="number",
        ge=1,
        le=1000,
    )
    displacement: int = setting(
        26,
        title="Displacement",
        help="How many bars the cloud is drawn ahead and the lagging span behind: 26 as in MetaTrader; TradingView "
        "counts the current bar, which is 25 here.",
        unit="bars",
        widget="number",
        ge=1,
        le=1000,
    )


class IchimokuOutput(IndicatorOutput):
    price: float = Field(description="The close.")
    conversion: float = Field(description="Conversion line (tenkan-sen), in price.")
    base: float = Field(description="Base line (kijun-sen), in price.")
    span_a: float = Field(description="Senkou span A of the cloud at this bar: computed `displacement` bars ago.")
    span_b: float = Field(description="Senkou span B of the cloud at this bar: computed `displacement` bars ago.")
    future_span_a: float = Field(description="Senkou span A computed now, drawn `displacement` bars ahead.")
    future_span_b: float = Field(description="Senkou span B computed now, drawn `displacement` bars ahead.")
    cloud_top: float = Field(description="The higher of the two spans at this bar.")
    cloud_bottom: float = Field(description="The lower of the two spans at this bar.")
    previous_price: float = Field(description="price one bar earlier.")
    previous_conversion: float = Field(description="conversion one bar earlier.")
    previous_base: float = Field(description="base one bar earlier.")
    previous_cloud_top: float = Field(description="cloud_top one bar earlier.")
    previous_cloud_bottom: float = Field(description="cloud_bottom one bar earlier.")
    cloud_position: Literal["above", "below", "inside"] = Field(
        description="The close against the cloud; on an edge it is inside."
    )
    cloud: Literal["bullish", "bearish", "flat"] = Field(description="bullish where span A is above span B.")
    future_cloud: Literal["bullish", "bearish", "flat"] = Field(description="The same for the cloud drawn ahead.")
    lagging: Literal["above", "below", "level"] = Field(
        description="The lagging span (chikou): this close against that of `displacement` bars ago."
    )
    crossover: Crossover = Field(
        description="On the last closed bar: bullish when the conversion line rose above the base line, bearish when "
        "it fell below."
    )
    trend: Literal["up", "down", "flat"] = Field(
        description="up where price, lines, future cloud and lagging span all say so, down where all say the other, "
        "flat otherwise."
    )


class Ichimoku(IndicatorNode):
    """Goichi Hosoda's lines (1969). A line of n bars is (highest high + lowest low) / 2 of the last n.

    Span A is the mean of conversion and base line, span B the line of `span_b` bars, both drawn ahead; the lagging span
    is the close drawn back.
    """

    type = "indicator.ichimoku"
    title = "Ichimoku cloud"
    description = "Conversion and base line, the cloud at and ahead of this bar, and the lagging span in words."
    help = (
        "All five lines of the chart. `span_a` and `span_b` are the cloud under the current bar, so they were computed "
        "some bars ago; `future_span_a` and `future_span_b` are what is computed now and drawn ahead. Nothing looks "
        "into the future: the lagging span is the current close held against the close it is drawn over.\n\n"
        "`crossover` is the crossing of conversion and base line on the last closed bar. `trend` is the classic "
        "confirmation: price beyond the cloud, conversion beyond base, the cloud ahead of the same color, and the "
        "lagging span beyond its price."
    )
    icon = "cloud"
    tier = Tier.PRO
    example = Example(
        title="Ichimoku 9, 26, 52",
        config={"conversion": 9, "base": 26, "span_b": 52},
        inputs={"market.history": {"bars": EXAMPLE_BARS}},
    )
    Config = IchimokuConfig
    Output = IchimokuOutput
    over_prices = ("conversion", "base", "span_a", "span_b")

    @classmethod
    def bars_before(cls, values: Mapping[str, Any]) -> int:
        longest: int = max(values["conversion"], values["base"], values["span_b"])
        displacement: int = values["displacement"]
        return longest + displacement

    @classmethod
    def bars_needed(cls, config: IchimokuConfig) -> int:
        return max(config.conversion, config.base, config.span_b) + config.displacement + 1

    @classmethod
    def columns(cls, config: IchimokuConfig, bars: "Bars") -> "Columns":
        import numpy as np

        conversion, base = _middle(bars, config.conversion), _middle(bars, config.base)
        ahead_a, ahead_b = (conversion + base) / 2.0, _middle(bars, config.span_b)
        span_a, span_b = _earlier(ahead_a, config.displacement), _earlier(ahead_b, config.displacement)
        top, bottom = np.maximum(span_a, span_b), np.minimum(span_a, span_b)
        price = bars.close
        earlier = _earlier(price, config.displacement)
        side = sides(conversion - base, price)
        ahead = sides(ahead_a - ahead_b, price)
        up = (price > top) & (side > 0) & (ahead > 0) & (price > earlier)
        down = (price < bottom) & (side < 0) & (ahead < 0) & (price < earlier)
        here = sides(span_a - span_b, price)
        return {
            "price": price,
            "conversion": conversion,
            "base": base,
            "span_a": span_a,
            "span_b": span_b,
            "future_span_a": ahead_a,
            "future_span_b": ahead_b,
            "cloud_top": top,
            "cloud_bottom": bottom,
            "previous_price": previous(price),
            "previous_conversion": previous(conversion),
            "previous_base": previous(base),
            "previous_cloud_top": previous(top),
            "previous_cloud_bottom": previous(bottom),
            "cloud_position": label_codes(~np.isnan(top), price > top, price < bottom),
            "cloud": label_codes(~np.isnan(here), here > 0, here < 0),
            "future_cloud": label_codes(~np.isnan(ahead), ahead > 0, ahead < 0),
            "lagging": label_codes(~np.isnan(earlier), price > earlier, price < earlier),
            "crossover": crossover_codes(side),
            "trend": label_codes(~np.isnan(top), up, down),
        }

    def row(self, column: str, bars: "Bars") -> int:
        return -2 if column == "crossover" and last_is_forming(bars) else -1


def _middle(bars: "Bars", period: int) -> "NDArray[np.float64]":
    """Half way between the highest high and the lowest low of the last `period` bars."""
    if period == 1:
        return (bars.high + bars.low) / 2.0
    middle: NDArray[np.float64] = (talib().MAX(bars.high, period) + talib().MIN(bars.low, period)) / 2.0
    return middle


def _earlier(column: "NDArray[np.float64]", bars: int) -> "NDArray[np.float64]":
    """Each row's value that many bars earlier; NaN where there is none."""
    import numpy as np

    shifted = np.full_like(column, np.nan)
    shifted[bars:] = column[: max(0, len(column) - bars)]
    return shifted
