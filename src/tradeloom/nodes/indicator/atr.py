"""indicator.atr: average true range."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal, Self

from pydantic import Field, model_validator

from tradeloom.nodes.base import Example, setting
from tradeloom.nodes.indicator._base import (
    EXAMPLE_BARS,
    ROUNDING,
    IndicatorConfig,
    IndicatorNode,
    IndicatorOutput,
    label_codes,
    previous,
)
from tradeloom.nodes.indicator._memory import wilder_memory
from tradeloom.nodes.indicator._talib import talib

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from tradeloom.nodes.indicator._base import Columns
    from tradeloom.trading.bars import Bars


class AtrConfig(IndicatorConfig):
    period: int = setting(14, title="Period", help="Bars in the average.", unit="bars", widget="number", ge=1, le=1000)
    smoothing: Literal["wilder", "simple"] = setting(
        "wilder",
        title="Smoothing",
        help="Wilder's own, as in TA-Lib and most platforms, or the simple average MetaTrader's chart draws.",
        widget="select",
    )
    lookback: int = setting(
        100,
        title="Compare with",
        help="How many earlier values the volatility is compared with.",
        unit="bars",
        widget="number",
        ge=10,
        le=1000,
    )
    low_percentile: float = setting(
        25.0,
        title="Low below",
        help="Volatility is low when the range is above fewer of the earlier values than this.",
        unit="%",
        widget="number",
        ge=0,
        le=100,
    )
    high_percentile: float = setting(
        75.0,
        title="High above",
        help="Volatility is high when the range is above more of the earlier values than this.",
        unit="%",
        widget="number",
        ge=0,
        le=100,
    )

    @model_validator(mode="after")
    def _percentiles_in_order(self) -> Self:
        if self.low_percentile > self.high_percentile:
            raise ValueError(
                f"the low percentile ({self.low_percentile:g}) must not be above the high one "
                f"({self.high_percentile:g})"
            )
        return self


class AtrOutput(IndicatorOutput):
    value: float = Field(description="Average true range, in price.")
    previous: float = Field(description="The range one bar earlier.")
    percent: float = Field(description="The range in percent of the close.")
    percentile: float = Field(description="How many percent of the earlier values it is above; equal ones count half.")
    volatility: Literal["low", "high", "normal"] = Field(description="The percentile against the two thresholds.")


class Atr(IndicatorNode):
    type = "indicator.atr"
    title = "ATR"
    description = "Average true range: how far the price moves in a bar, and whether that is much for this market."
    help = (
        "The true range of a bar is the distance it covered, a gap from the last close included. Its average is the "
        "usual yardstick for stops (`= nodes.atr.value * 2` as a stop distance) and for position size.\n\n"
        "`volatility` holds the latest value against its own recent past: with the default settings it is low in the "
        "lowest quarter of the last 100 values and high in the highest quarter. Smoothing is Wilder's; MetaTrader's "
        "own ATR uses a simple average of the same ranges, which you can choose instead."
    )
    icon = "move-vertical"
    example = Example(title="ATR 14", config={"period": 14}, inputs={"market.history": {"bars": EXAMPLE_BARS}})
    Config = AtrConfig
    Output = AtrOutput
    beneath = ("value",)

    @classmethod
    def bars_before(cls, values: Mapping[str, Any]) -> int:
        period: int = values["period"]
        average = period if values["smoothing"] == "simple" else wilder_memory(period)
        lookback: int = values["lookback"]
        return average + lookback

    @classmethod
    def bars_needed(cls, config: AtrConfig) -> int:
        return config.period + config.lookback + 1

    @classmethod
    def columns(cls, config: AtrConfig, bars: "Bars") -> "Columns":
        import numpy as np

        if config.smoothing == "simple":
            value = talib().MA(talib().TRANGE(bars.high, bars.low, bars.close), config.period, 0)
        else:
            value = talib().ATR(bars.high, bars.low, bars.close, config.period)
        percent = np.full_like(value, np.nan)
        np.divide(100.0 * value, np.abs(bars.close), out=percent, where=bars.close != 0)
        percentile = _percentile(value, config.lookback)
        return {
            "value": value,
            "previous": previous(value),
            "percent": percent,
            "percentile": percentile,
            "volatility": label_codes(
                ~np.isnan(percentile), percentile < config.low_percentile, percentile > config.high_percentile
            ),
        }


def _percentile(value: "NDArray[np.float64]", lookback: int) -> "NDArray[np.float64]":
    """Each value's rank among the `lookback` before it, 0 to 100; NaN where there are not as many."""
    import numpy as np

    rank = np.full_like(value, np.nan)
    if len(value) <= lookback:
        return rank
    current = value[lookback:]
    noise = ROUNDING * np.abs(current)
    halves = np.zeros(len(current), dtype=np.int32)
    for back in range(1, lookback + 1):
        rise = current - value[lookback - back : len(value) - back]
        halves += (rise > noise).astype(np.int32) + (rise >= -noise)
    earliest = value[: len(current)]
    rank[lookback:] = np.where(np.isnan(earliest) | np.isnan(current), np.nan, 50.0 * halves / lookback)
    return rank
