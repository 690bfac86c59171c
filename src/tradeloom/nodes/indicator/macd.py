"""indicator.macd: moving average convergence/divergence."""

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
    Source,
    label_codes,
    last_series,
    previous,
    source_setting,
)
from tradeloom.nodes.indicator._memory import ema_memory
from tradeloom.nodes.indicator._talib import talib
from tradeloom.nodes.market._broker import last_is_forming

if TYPE_CHECKING:
    from tradeloom.nodes.indicator._base import Columns
    from tradeloom.trading.bars import Bars


class MacdConfig(IndicatorConfig):
    fast: int = setting(
        12, title="Fast period", help="Bars of the fast average.", unit="bars", widget="number", ge=2, le=999
    )
    slow: int = setting(
        26, title="Slow period", help="Bars of the slow average.", unit="bars", widget="number", ge=3, le=1000
    )
    signal: int = setting(
        9, title="Signal period", help="Bars of the signal line.", unit="bars", widget="number", ge=1, le=1000
    )
    source: Source = source_setting()

    @model_validator(mode="after")
    def _fast_is_faster(self) -> Self:
        if self.fast >= self.slow:
            raise ValueError(f"the fast period ({self.fast}) must be shorter than the slow one ({self.slow})")
        return self


class MacdOutput(IndicatorOutput):
    macd: float = Field(description="Fast average minus slow average, in price.")
    signal: float = Field(description="Exponential average of macd.")
    histogram: float = Field(description="macd minus signal.")
    previous_macd: float = Field(description="macd one bar earlier.")
    previous_signal: float = Field(description="signal one bar earlier.")
    previous_histogram: float = Field(description="histogram one bar earlier.")
    crossover: Literal["bullish", "bearish", "none"] = Field(
        description="On the last closed bar: bullish when macd rose above its signal, bearish when it fell below."
    )
    series: list[float] = Field(
        description="The last 50 values of the histogram, oldest first; fewer when fewer bars were asked for."
    )


class Macd(IndicatorNode):
    type = "indicator.macd"
    title = "MACD"
    description = "Moving average convergence/divergence, its signal line, histogram and crossover."
    help = (
        "The distance between a fast and a slow exponential average shows momentum; its own average is the signal "
        "line. `crossover` names the bar on which one crosses the other, and it only ever looks at closed bars: a "
        "forming bar moves the numbers but cannot make a crossover that is gone a minute later.\n\n"
        "The signal line is an exponential average, as Appel defined it and TA-Lib computes it. MetaTrader's own chart "
        "draws it as a simple average, so its signal and histogram differ slightly."
    )
    icon = "activity"
    example = Example(
        title="MACD 12, 26, 9",
        config={"fast": 12, "slow": 26, "signal": 9},
        inputs={"market.history": {"bars": EXAMPLE_BARS}},
    )
    Config = MacdConfig
    Output = MacdOutput
    beneath = ("histogram", "macd", "signal")

    @classmethod
    def bars_before(cls, values: Mapping[str, Any]) -> int:
        return ema_memory(values["slow"]) + ema_memory(values["signal"])

    @classmethod
    def bars_needed(cls, config: MacdConfig) -> int:
        return config.slow + config.signal

    @classmethod
    def columns(cls, config: MacdConfig, bars: "Bars") -> "Columns":
        import numpy as np

        price = bars.column(config.source)
        macd, signal, histogram = talib().MACD(price, config.fast, config.slow, config.signal)
        # In a flat market the lines differ by rounding only: that is no side to cross to.
        beyond_rounding = np.abs(histogram) > ROUNDING * np.abs(price)
        side = np.where(beyond_rounding, np.sign(histogram), np.where(np.isnan(histogram), np.nan, 0.0))
        side_before = previous(side)
        return {
            "macd": macd,
            "signal": signal,
            "histogram": histogram,
            "previous_macd": previous(macd),
            "previous_signal": previous(signal),
            "previous_histogram": previous(histogram),
            "crossover": label_codes(
                ~np.isnan(side_before), (side > 0) & (side_before <= 0), (side < 0) & (side_before >= 0)
            ),
        }

    def row(self, column: str, bars: "Bars") -> int:
        return -2 if column == "crossover" and last_is_forming(bars) else -1

    def more(self, config: MacdConfig, bars: "Bars", columns: "Columns") -> dict[str, Any]:
        return {"series": last_series(columns["histogram"], bars)}
