"""indicator.vwap: the volume-weighted average price."""

from collections.abc import Mapping
from itertools import pairwise
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import AfterValidator, Field

from tradeloom.errors import NotANumber
from tradeloom.nodes.base import Example, Tier, setting
from tradeloom.nodes.indicator._base import (
    EXAMPLE_BARS,
    IndicatorConfig,
    IndicatorNode,
    IndicatorOutput,
    Source,
    label_codes,
    previous,
)
from tradeloom.nodes.indicator._sessions import (
    bars_in,
    bars_loaded,
    day_start_setting,
    period_numbers,
    starts_of,
    time_zone_setting,
)
from tradeloom.workflow.time_zones import iana

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from tradeloom.nodes.indicator._base import Columns
    from tradeloom.trading.bars import Bars

Anchor = Literal["day", "week", "month", "rolling"]


class VwapConfig(IndicatorConfig):
    anchor: Anchor = setting(
        "day",
        title="Since",
        help="Where the average begins: with the trading day, week or month of the bar, or a fixed number of bars ago.",
        widget="select",
    )
    period: int = setting(
        20,
        title="Period",
        help="Bars of the rolling average.",
        unit="bars",
        widget="number",
        show_if={"anchor": ["rolling"]},
        ge=2,
        le=1000,
    )
    time_zone: Annotated[str, AfterValidator(iana)] = time_zone_setting({"anchor": ["day", "week", "month"]})
    day_start: str = day_start_setting({"anchor": ["day", "week", "month"]})
    source: Source = setting(
        "typical",
        title="Price",
        help="Which price of each bar is weighed; typical is (high+low+close)/3.",
        widget="select",
    )
    deviations: float = setting(
        1.0,
        title="Deviations",
        help="How many volume-weighted standard deviations the bands stand from the average.",
        widget="number",
        gt=0,
        le=10,
    )


class VwapOutput(IndicatorOutput):
    value: float = Field(description="The average price by volume, in price.")
    previous: float = Field(description="The average one bar earlier; on a first bar, that of the period before.")
    price: float = Field(description="The close the average is held against.")
    upper: float = Field(description="The average plus the deviations, in price.")
    lower: float = Field(description="The average minus the deviations, in price.")
    bars: int = Field(description="Bars in the average, this one included.")
    volume: float = Field(description="Their volume: in FX and CFDs the broker's count of ticks.")
    position: Literal["above_upper", "below_lower", "upper_half", "lower_half", "middle"] = Field(
        description="Where the close stands against the average and its bands."
    )


class Vwap(IndicatorNode):
    """Berkowitz, Logue and Noser (1988): the sum of price × volume over the sum of volume since the anchor.

    The bands are `deviations` times the square root of the volume-weighted mean of (price - average)².
    """

    type = "indicator.vwap"
    title = "VWAP"
    description = "Volume-weighted average price since the day, week or month began, or over the last bars."
    help = (
        "What the market has paid on average since the anchor; above it buyers of the period are in profit. Desks "
        "measure their fills by it, which is why the price so often comes back to it.\n\n"
        "In currencies and CFDs there is no exchange that counts lots: `volume` is the broker's number of ticks in "
        "each bar, and so is the weight. Another broker's VWAP differs a little for that reason.\n\n"
        "The trading day begins at 17:00 in New York unless you set another clock. A day works from M1 bars up, a week "
        "from M5, a month from M30: shorter bars would be more than Tradeloom loads. When the bars do not surely reach "
        "back to the anchor, or there was no volume since, the node fails and says so."
    )
    icon = "scale"
    tier = Tier.PRO
    example = Example(
        title="Since the currency day began",
        config={"anchor": "day", "deviations": 2},
        inputs={"market.history": {"bars": EXAMPLE_BARS}},
    )
    Config = VwapConfig
    Output = VwapOutput
    over_prices = ("value", "upper", "lower")

    @classmethod
    def bars_before(cls, values: Mapping[str, Any]) -> int:
        anchor, period = values["anchor"], values["period"]
        if anchor == "rolling":
            return int(period)
        loaded = bars_loaded(anchor)
        # One bar of the period before shows that this one is whole; `previous` wants one more.
        return 2 + (loaded if anchor is not None else max(loaded, period))

    @classmethod
    def bars_needed(cls, config: VwapConfig) -> int:
        if config.anchor == "rolling":
            return config.period + 1
        return bars_in(config.anchor, config.bars.timeframe) + 2

    def require(self, config: VwapConfig, bars: "Bars") -> None:
        import numpy as np

        if not (np.isfinite(bars.volume) & (bars.volume >= 0)).all():
            raise NotANumber("a bar holds a volume that is no number", field="config.bars")

    @classmethod
    def columns(cls, config: VwapConfig, bars: "Bars") -> "Columns":
        import numpy as np

        price = bars.column(config.source)
        if config.anchor == "rolling":
            value, deviation, volume = _rolling(price, bars.volume, config.period)
            count = np.where(np.isnan(volume), np.nan, float(config.period))
        else:
            numbers = period_numbers(bars.time, config.anchor, config.time_zone, config.day_start)
            value, deviation, volume, count = _anchored(price, bars.volume, starts_of(numbers))
        upper, lower = value + config.deviations * deviation, value - config.deviations * deviation
        close = bars.close
        return {
            "value": value,
            "previous": previous(value),
            "price": close,
            "upper": upper,
            "lower": lower,
            "bars": count,
            "volume": volume,
            "position": label_codes(~np.isnan(value), close > upper, close < lower, close > value, close < value),
        }


def _anchored(
    price: "NDArray[np.float64]", volume: "NDArray[np.float64]", starts: "NDArray[np.int64]"
) -> "list[NDArray[np.float64]]":
    """Average, deviation, volume and count since each period's start; NaN in the first, which may have begun before."""
    import numpy as np

    made = [np.full_like(price, np.nan) for _ in range(4)]
    for start, end in pairwise([*starts[1:].tolist(), len(price)]):
        # Counted from the period's first price, so that squares lose no digits.
        moved, weight = price[start:end] - price[start], volume[start:end]
        total = np.cumsum(weight)
        mean, square = _over(np.cumsum(moved * weight), total), _over(np.cumsum(moved * moved * weight), total)
        made[0][start:end] = price[start] + mean
        made[1][start:end] = np.sqrt(np.maximum(square - mean * mean, 0.0))
        made[2][start:end] = total
        made[3][start:end] = np.arange(1, end - start + 1)
    return made


def _rolling(price: "NDArray[np.float64]", volume: "NDArray[np.float64]", period: int) -> "list[NDArray[np.float64]]":
    """Average, deviation and volume of the last `period` bars, each window summed anew: nothing drifts."""
    import numpy as np

    length = len(price) - period + 1
    made = [np.full_like(price, np.nan) for _ in range(3)]
    if length < 1:
        return made
    here = price[period - 1 :]
    total, mean, square = np.zeros(length), np.zeros(length), np.zeros(length)
    for first in range(period):
        weight = volume[first : first + length]
        moved = price[first : first + length] - here
        total += weight
        mean += moved * weight
        square += moved * moved * weight
    mean, square = _over(mean, total), _over(square, total)
    made[0][period - 1 :] = here + mean
    made[1][period - 1 :] = np.sqrt(np.maximum(square - mean * mean, 0.0))
    made[2][period - 1 :] = total
    return made


def _over(sums: "NDArray[np.float64]", total: "NDArray[np.float64]") -> "NDArray[np.float64]":
    """NaN where there was no volume to weigh by."""
    import numpy as np

    quotient = np.full_like(sums, np.nan)
    np.divide(sums, total, out=quotient, where=total > 0)
    return quotient
