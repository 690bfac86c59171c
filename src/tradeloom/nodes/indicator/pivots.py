"""indicator.pivots: pivot points of the day, week or month before."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import AfterValidator, Field

from tradeloom.nodes.base import Example, Tier, setting
from tradeloom.nodes.indicator._base import (
    EXAMPLE_BARS,
    IndicatorConfig,
    IndicatorNode,
    IndicatorOutput,
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
from tradeloom.nodes.trading_days import Period
from tradeloom.workflow.time_zones import iana

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from tradeloom.nodes.indicator._base import Columns
    from tradeloom.trading.bars import Bars

    type Prices = NDArray[np.float64]

FIBONACCI = (0.382, 0.618, 1.0)
CAMARILLA = (1.1 / 12, 1.1 / 6, 1.1 / 4, 1.1 / 2)


class PivotsConfig(IndicatorConfig):
    method: Literal["classic", "fibonacci", "camarilla"] = setting(
        "classic",
        title="Method",
        help="How the levels follow from high, low and close: the floor traders' formula, Fibonacci parts of the "
        "range around the pivot, or Camarilla's parts of the range around the close.",
        widget="select",
    )
    period: Period = setting(
        "day",
        title="From the previous",
        help="Whose high, low and close the levels are made of: the last complete trading day, week or month.",
        widget="select",
    )
    time_zone: Annotated[str, AfterValidator(iana)] = time_zone_setting()
    day_start: str = day_start_setting()


class PivotsOutput(IndicatorOutput):
    price: float = Field(description="The close.")
    previous_price: float = Field(description="The close one bar earlier.")
    pivot: float = Field(description="(high + low + close) / 3 of the period before.")
    r1: float = Field(description="First resistance.")
    r2: float = Field(description="Second resistance.")
    r3: float = Field(description="Third resistance.")
    r4: float | None = Field(description="Fourth resistance; null for Fibonacci, which has three.")
    s1: float = Field(description="First support.")
    s2: float = Field(description="Second support.")
    s3: float = Field(description="Third support.")
    s4: float | None = Field(description="Fourth support; null for Fibonacci.")
    period_high: float = Field(description="Highest high of the period before.")
    period_low: float = Field(description="Lowest low of the period before.")
    period_close: float = Field(description="Last close of the period before.")
    resistance: float | None = Field(description="The nearest level above the close; null above the highest.")
    support: float | None = Field(description="The nearest level below the close; null below the lowest.")
    position: Literal["above", "below", "middle"] = Field(
        description="The close against the pivot; middle is exactly on it."
    )


class Pivots(IndicatorNode):
    """Floor traders' pivots, their Fibonacci variant, and Nick Scott's Camarilla equation (1989).

    With H, L, C of the period before, P = (H+L+C)/3 and range = H-L:
    classic R1 = 2P-L, R2 = P+range, R3 = H+2(P-L), R4 = H+3(P-L) and S mirrored;
    fibonacci P ± 0.382, 0.618, 1 × range; camarilla C ± 1.1/12, 1.1/6, 1.1/4, 1.1/2 × range.
    """

    type = "indicator.pivots"
    title = "Pivot points"
    description = "Support and resistance for the day, from the high, low and close of the period before."
    help = (
        "Levels that many watch, because everyone computes the same ones: from the last complete day (or week, or "
        "month) before the bar. They stay as they are until the next period begins; the first closed bar of a new day "
        "brings the new ones. `resistance` and `support` are the levels next to the price.\n\n"
        "The trading day begins at 17:00 in New York unless you set another clock, so Sunday evening belongs to Monday "
        "and there is no Sunday bar to spoil Monday's levels. A broker whose day begins elsewhere shows other pivots. "
        "A day works from M1 bars up, a week from M5, a month from M30; two whole periods are loaded for you."
    )
    icon = "align-vertical-distribute-center"
    tier = Tier.PRO
    example = Example(
        title="Classic pivots of the day before",
        config={"method": "classic", "period": "day"},
        inputs={"market.history": {"bars": EXAMPLE_BARS}},
    )
    Config = PivotsConfig
    Output = PivotsOutput
    over_prices = ("pivot", "r1", "r2", "r3", "s1", "s2", "s3")

    @classmethod
    def bars_before(cls, values: Mapping[str, Any]) -> int:
        return 2 * bars_loaded(values["period"]) + 1

    @classmethod
    def bars_needed(cls, config: PivotsConfig) -> int:
        return 2 * bars_in(config.period, config.bars.timeframe) + 2

    @classmethod
    def columns(cls, config: PivotsConfig, bars: "Bars") -> "Columns":
        import numpy as np

        high, low, close = _period_before(config, bars)
        pivot = (high + low + close) / 3.0
        levels = {"pivot": pivot, **_levels(config.method, high, low, close, pivot)}
        price = bars.close
        return {
            "price": price,
            "previous_price": previous(price),
            **levels,
            "period_high": high,
            "period_low": low,
            "period_close": close,
            "resistance": _nearest(price, levels.values(), np.fmin, above=True),
            "support": _nearest(price, levels.values(), np.fmax, above=False),
            "position": label_codes(~np.isnan(pivot), price > pivot, price < pivot),
        }


def _period_before(config: PivotsConfig, bars: "Bars") -> "tuple[Prices, Prices, Prices]":
    """For each bar the high, low and close of the last complete period before its own.

    NaN in the first two periods: the first may have begun before the bars do.
    """
    import numpy as np

    starts = starts_of(period_numbers(bars.time, config.period, config.time_zone, config.day_start))
    lengths = np.diff(starts, append=len(bars))
    ends = starts + lengths - 1
    made = []
    for of_each in (np.maximum.reduceat(bars.high, starts), np.minimum.reduceat(bars.low, starts), bars.close[ends]):
        before = np.full(len(starts), np.nan)
        before[2:] = of_each[1:-1]
        made.append(np.repeat(before, lengths))
    return made[0], made[1], made[2]


def _levels(method: str, high: "Prices", low: "Prices", close: "Prices", pivot: "Prices") -> "dict[str, Prices]":
    import numpy as np

    span = high - low
    match method:
        case "classic":
            above = [2.0 * pivot - low, pivot + span, high + 2.0 * (pivot - low), high + 3.0 * (pivot - low)]
            below = [2.0 * pivot - high, pivot - span, low - 2.0 * (high - pivot), low - 3.0 * (high - pivot)]
        case "fibonacci":
            none = np.full_like(pivot, np.nan)
            above = [*(pivot + part * span for part in FIBONACCI), none]
            below = [*(pivot - part * span for part in FIBONACCI), none]
        case _:
            above = [close + part * span for part in CAMARILLA]
            below = [close - part * span for part in CAMARILLA]
    named = {f"r{number}": level for number, level in enumerate(above, start=1)}
    return named | {f"s{number}": level for number, level in enumerate(below, start=1)}


def _nearest(price: "Prices", levels: Any, choose: Any, *, above: bool) -> "Prices":
    """The level next to the price on one side; NaN where there is none."""
    import numpy as np

    nearest = np.full_like(price, np.nan)
    for level in levels:
        there = level > price if above else level < price
        nearest = choose(nearest, np.where(there, level, np.nan))
    return nearest
