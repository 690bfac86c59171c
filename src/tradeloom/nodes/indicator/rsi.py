"""indicator.rsi: Wilder's relative strength index."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal, Self

from pydantic import Field, model_validator

from tradeloom.nodes.base import Example, setting
from tradeloom.nodes.indicator._base import (
    EXAMPLE_BARS,
    IndicatorConfig,
    IndicatorNode,
    IndicatorOutput,
    Source,
    label_codes,
    last_series,
    previous,
    source_setting,
)
from tradeloom.nodes.indicator._memory import wilder_memory
from tradeloom.nodes.indicator._talib import talib

if TYPE_CHECKING:
    from tradeloom.nodes.indicator._base import Columns
    from tradeloom.trading.bars import Bars


class RsiConfig(IndicatorConfig):
    period: int = setting(
        14, title="Period", help="Bars in Wilder's smoothing.", unit="bars", widget="number", ge=2, le=1000
    )
    oversold: float = setting(
        30.0, title="Oversold", help="At or below this the signal is oversold.", widget="number", ge=0, le=100
    )
    overbought: float = setting(
        70.0, title="Overbought", help="At or above this the signal is overbought.", widget="number", ge=0, le=100
    )
    source: Source = source_setting()

    @model_validator(mode="after")
    def _levels_in_order(self) -> Self:
        if self.oversold >= self.overbought:
            raise ValueError(f"oversold ({self.oversold:g}) must be below overbought ({self.overbought:g})")
        return self


class RsiOutput(IndicatorOutput):
    value: float = Field(description="The index, 0 to 100; 50 where the price has not moved at all.")
    previous: float = Field(description="The index one bar earlier.")
    signal: Literal["oversold", "overbought", "neutral"] = Field(description="The index against the two levels.")
    crossing: Literal["into_oversold", "out_of_oversold", "into_overbought", "out_of_overbought", "none"] = Field(
        description="The level crossed between the previous bar and this one."
    )
    series: list[float] = Field(
        description="The last 50 values, oldest first; fewer when fewer bars were asked for or are there."
    )


class Rsi(IndicatorNode):
    type = "indicator.rsi"
    title = "RSI"
    description = "Relative strength index: how one-sided the latest moves were, from 0 to 100."
    help = (
        "Compares the average rise with the average fall of the last bars, smoothed as Wilder did it: the same numbers "
        "as MetaTrader's RSI and TA-Lib's. Low values mean the price has mostly fallen, high ones that it has mostly "
        "risen.\n\n"
        "`signal` holds for as long as the index stays beyond a level; `crossing` names the one bar on which it went "
        "in or came out, which is what an entry usually waits for. RSI 14 needs 496 bars before its start stops "
        "mattering; Tradeloom loads them for you."
    )
    icon = "gauge"
    example = Example(
        title="RSI 14 with the usual levels",
        config={"period": 14, "oversold": 30, "overbought": 70},
        inputs={"market.history": {"bars": EXAMPLE_BARS}},
    )
    Config = RsiConfig
    Output = RsiOutput
    beneath = ("value",)

    @classmethod
    def bars_before(cls, values: Mapping[str, Any]) -> int:
        return wilder_memory(values["period"])

    @classmethod
    def bars_needed(cls, config: RsiConfig) -> int:
        return config.period + 2

    @classmethod
    def columns(cls, config: RsiConfig, bars: "Bars") -> "Columns":
        import numpy as np

        price = bars.column(config.source)
        value = talib().RSI(price, config.period)
        # With neither rise nor fall TA-Lib says 0, which would read as oversold; MetaTrader says 50.
        unmoved = np.maximum.accumulate(price) == np.minimum.accumulate(price)
        value[unmoved & ~np.isnan(value)] = 50.0
        before = previous(value)
        low, low_before = value <= config.oversold, before <= config.oversold
        high, high_before = value >= config.overbought, before >= config.overbought
        return {
            "value": value,
            "previous": before,
            "signal": label_codes(~np.isnan(value), low, high),
            # A leap from one zone into the other counts as going in.
            "crossing": label_codes(
                ~np.isnan(before),
                low & ~low_before,
                low_before & ~low & ~high,
                high & ~high_before,
                high_before & ~high,
            ),
        }

    def more(self, config: RsiConfig, bars: "Bars", columns: "Columns") -> dict[str, Any]:
        return {"series": last_series(columns["value"], bars)}
