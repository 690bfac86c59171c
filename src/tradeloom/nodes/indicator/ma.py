"""indicator.ma: a moving average."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from tradeloom.nodes.base import Example, setting
from tradeloom.nodes.indicator._base import (
    EXAMPLE_BARS,
    ROUNDING,
    IndicatorConfig,
    IndicatorNode,
    IndicatorOutput,
    Source,
    label_codes,
    last_series,
    previous,
    source_setting,
)
from tradeloom.nodes.indicator._memory import ema_memory
from tradeloom.nodes.indicator._talib import talib

if TYPE_CHECKING:
    from tradeloom.nodes.indicator._base import Columns
    from tradeloom.trading.bars import Bars

_TALIB_KIND = {"SMA": 0, "EMA": 1, "WMA": 2}


class MaConfig(IndicatorConfig):
    period: int = setting(
        20, title="Period", help="How many bars are averaged.", unit="bars", widget="number", ge=1, le=1000
    )
    kind: Literal["SMA", "EMA", "WMA"] = setting(
        "SMA",
        title="Kind",
        help="SMA weighs all bars alike, EMA the latest most and older ones ever less, WMA linearly less.",
        widget="select",
    )
    source: Source = source_setting()


class MaOutput(IndicatorOutput):
    value: float = Field(description="The average, in price.")
    previous: float = Field(description="The average one bar earlier.")
    trend: Literal["up", "down", "flat"] = Field(description="The average against the one a bar earlier.")
    series: list[float] = Field(
        description="The last 50 values, oldest first; fewer when fewer bars were asked for or are there."
    )


class MovingAverage(IndicatorNode):
    type = "indicator.ma"
    title = "Moving average"
    description = "The average price of the last bars: simple, exponential or linearly weighted."
    help = (
        "Smooths the price so that its direction shows. A fast average crossing a slow one is the classic trend "
        "signal: place two of these behind one Price history node and compare `value` and `previous` of both.\n\n"
        "An exponential average never quite forgets. Tradeloom loads as many bars before yours as it takes for that "
        "not to matter, so its value does not depend on how many bars you asked for."
    )
    icon = "trending-up"
    example = Example(
        title="EMA of the last 50 closes",
        config={"period": 50, "kind": "EMA"},
        inputs={"market.history": {"bars": EXAMPLE_BARS}},
    )
    Config = MaConfig
    Output = MaOutput
    over_prices = ("value",)

    @classmethod
    def bars_before(cls, values: Mapping[str, Any]) -> int:
        period: int = values["period"]
        return period if values["kind"] in ("SMA", "WMA") else ema_memory(period)

    @classmethod
    def bars_needed(cls, config: MaConfig) -> int:
        return config.period + 1

    @classmethod
    def columns(cls, config: MaConfig, bars: "Bars") -> "Columns":
        import numpy as np

        value = talib().MA(bars.column(config.source), config.period, _TALIB_KIND[config.kind])
        before = previous(value)
        change = value - before
        noise = ROUNDING * np.abs(value)
        trend = label_codes(~np.isnan(before), change > noise, change < -noise)
        return {"value": value, "previous": before, "trend": trend}

    def more(self, config: MaConfig, bars: "Bars", columns: "Columns") -> dict[str, Any]:
        return {"series": last_series(columns["value"], bars)}
