"""What every indicator shares: bars in, columns over all of them, the last row out."""

import math
from abc import abstractmethod
from collections.abc import Mapping
from datetime import UTC, datetime
from types import NoneType
from typing import TYPE_CHECKING, Any, ClassVar, Literal, get_args, get_origin

from pydantic import AwareDatetime, Field

from tradeloom.errors import BrokerTimeout, BrokerUnavailable, NotANumber, NotEnoughBars, TradeloomError
from tradeloom.nodes.base import Effect, Node, NodeConfig, NodeContext, NodeOutput, Tier, input_setting, setting
from tradeloom.nodes.indicator._memory import worst_case
from tradeloom.trading.bars import MAX_BARS, BarsReference

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from tradeloom.nodes.indicator._drawing import Pane
    from tradeloom.trading.bars import Bars

    type Column = NDArray[np.float64] | NDArray[np.int8]
    type Columns = dict[str, Column]

Source = Literal["close", "open", "high", "low", "median", "typical", "weighted"]

Crossover = Literal["bullish", "bearish", "none"]

UNDEFINED = -1
"""Code of a label on rows where there is not enough history for it."""

ROUNDING = 1e-12
"""Differences below this part of the value are rounding of the running sums, not movement."""

SERIES_LENGTH = 50
"""Values an output's `series` holds."""

EXAMPLE_BARS = {
    "kind": "bars",
    "source": "mt5",
    "account": "paper",
    "symbol": "EURUSD",
    "timeframe": "H1",
    "to": "2017-06-01T12:00:00Z",
    "count": 200,
    "warmup": 600,
    "closed_only": True,
}


class IndicatorConfig(NodeConfig):
    bars: BarsReference = input_setting(
        title="Bars",
        help="The bars to compute on: the `bars` output of a Price history node.",
        examples=["= nodes.history.bars"],
    )


def source_setting() -> Any:
    return setting(
        "close",
        title="Price",
        help="Which price of each bar is used. Median is (high+low)/2, typical (high+low+close)/3, "
        "weighted (high+low+2×close)/4.",
        widget="select",
    )


class IndicatorOutput(NodeOutput):
    time: AwareDatetime = Field(description="Opening time of the bar the values belong to.")


class IndicatorNode(Node):
    """An indicator: `columns` holds all its arithmetic, `run` gives the last row.

    Every output field but `time` and `series` is a column of the same name, so a backtest that evaluates whole
    columns and a live run that evaluates one bar take the same numbers from the same calls. An output field that
    holds several named numbers has a column for each, named `field.name`. Where a column may stay NaN, its output
    field admits null.
    """

    tier = Tier.BASIC
    effects = frozenset({Effect.READS_MARKET})
    errors: ClassVar[tuple[type[TradeloomError], ...]] = (NotEnoughBars, NotANumber, BrokerUnavailable, BrokerTimeout)
    over_prices: ClassVar[tuple[str, ...]] = ()
    """The columns that are drawn over the prices."""
    beneath: ClassVar[tuple[str, ...]] = ()
    """Those that are drawn in a pane of their own."""

    @classmethod
    def labels(cls) -> dict[str, tuple[str, ...]]:
        """For each output that is a word, its words. Its column holds their positions as int8."""
        fields = cls.Output.model_fields.items()
        return {name: get_args(field.annotation) for name, field in fields if get_origin(field.annotation) is Literal}

    @classmethod
    def optional(cls) -> frozenset[str]:
        """The outputs that are null where there is no number for them."""
        fields = cls.Output.model_fields.items()
        return frozenset(name for name, field in fields if NoneType in get_args(field.annotation))

    @classmethod
    @abstractmethod
    def bars_before(cls, values: Mapping[str, Any]) -> int:
        """`memory` for known values; a value of None is unknown and counts as its worst."""

    @classmethod
    @abstractmethod
    def bars_needed(cls, config: Any) -> int:
        """Fewest bars with which the last row of every column is defined."""

    @classmethod
    @abstractmethod
    def columns(cls, config: Any, bars: "Bars") -> "Columns":
        """One array per output field, each as long as `bars`, warm-up included.

        Numbers are float64, NaN where there is not enough history; labels are int8 positions in `labels()[field]`,
        UNDEFINED there. Row i depends on rows up to i only.
        """

    @classmethod
    def panes(cls, config: Any) -> "dict[str, Pane]":
        """The columns that are drawn, in their order, and where."""
        panes: dict[str, Pane] = dict.fromkeys(cls.over_prices, "price")
        return panes | dict.fromkeys(cls.beneath, "own")

    @classmethod
    def memory(cls, config: Mapping[str, Any]) -> int:
        """Exact for a drawn configuration, even past MAX_BARS; with an expression in it, the worst case up to that."""
        values, known = worst_case(cls.Config, config)
        before = cls.bars_before(values)
        return before if known else min(before, MAX_BARS)

    def run(self, config: Any, context: NodeContext) -> NodeOutput:
        bars = context.bars(config.bars)
        needed = self.bars_needed(config)
        if len(bars) < needed:
            raise NotEnoughBars(
                f"{self.title} needs {needed} bars of {bars.reference.symbol} {bars.reference.timeframe}; "
                f"there are {len(bars)}",
                field="config.bars",
                hint="ask for more bars, shorten the period, or wait until the broker has more history",
            )
        require_prices(bars)
        self.require(config, bars)
        columns = self.columns(config, bars)
        values = self._last(columns, bars)
        opening = datetime.fromtimestamp(int(bars.time[-1]), tz=UTC)
        return self.Output(time=opening, **values, **self.more(config, bars, columns))

    def require(self, config: Any, bars: "Bars") -> None:
        """Raise `NotEnoughBars` or `NotANumber` where the bars lack what this indicator needs beyond their number."""
        return

    def row(self, column: str, bars: "Bars") -> int:
        """Which row of a column is the output; the last one unless the node says otherwise."""
        return -1

    def more(self, config: Any, bars: "Bars", columns: "Columns") -> dict[str, Any]:
        """Output fields that are no column."""
        return {}

    def _last(self, columns: "Columns", bars: "Bars") -> dict[str, Any]:
        labels, optional = self.labels(), self.optional()
        values: dict[str, Any] = {}
        for name, column in columns.items():
            field, _, part = name.partition(".")
            value = self._value(name, column[self.row(name, bars)], labels, optional)
            if part:
                values.setdefault(field, {})[part] = value
            else:
                values[field] = value
        return values

    def _value(
        self, name: str, value: Any, labels: Mapping[str, tuple[str, ...]], optional: frozenset[str]
    ) -> float | str | None:
        if name in labels:
            if value != UNDEFINED:
                return labels[name][int(value)]
        elif math.isfinite(value):
            return float(value)
        elif name in optional:
            return None
        # A price of zero that something is divided by, or sums too large for a double.
        raise NotANumber(f"{self.title} has no number for {name} with these prices", field="config.bars")


def require_prices(bars: "Bars") -> None:
    """TA-Lib's comparisons turn a NaN into a plausible number, so none may reach it."""
    import numpy as np

    sound = np.isfinite(bars.open) & np.isfinite(bars.high) & np.isfinite(bars.low) & np.isfinite(bars.close)
    if not sound.all():
        opening = datetime.fromtimestamp(int(bars.time[~sound][0]), tz=UTC)
        raise NotANumber(
            f"the bar of {opening:%Y-%m-%dT%H:%M:%SZ} holds a price that is no number", field="config.bars"
        )


def previous(column: "NDArray[np.float64]") -> "NDArray[np.float64]":
    """Each row's value one bar earlier; NaN in the first."""
    import numpy as np

    shifted = np.empty_like(column)
    shifted[:1] = np.nan
    shifted[1:] = column[:-1]
    return shifted


def last_series(column: "Column", bars: "Bars") -> list[float]:
    """The last values of a column, oldest first, back to the first row that has none.

    Of the bars asked for only: how far the warm-up reaches depends on the nodes around this one.
    """
    import numpy as np

    latest = column[max(0, len(column) - min(SERIES_LENGTH, bars.reference.count)) :]
    gaps = np.flatnonzero(~np.isfinite(latest))
    values: list[float] = latest[gaps[-1] + 1 if len(gaps) else 0 :].tolist()
    return values


def sides(difference: "NDArray[np.float64]", scale: "NDArray[np.float64]") -> "NDArray[np.float64]":
    """1 above, -1 below, 0 where the difference of two lines is only rounding of `scale`; NaN where there is none."""
    import numpy as np

    signs: NDArray[np.float64] = np.sign(difference)
    signs[np.abs(difference) <= ROUNDING * np.abs(scale)] = 0.0
    return signs


def crossover_codes(side: "NDArray[np.float64]") -> "NDArray[np.int8]":
    """Positions in `Crossover`: bullish where a line that was not above the other now is, bearish mirrored."""
    import numpy as np

    before = previous(side)
    return label_codes(~np.isnan(before), (side > 0) & (before <= 0), (side < 0) & (before >= 0))


def label_codes(defined: "NDArray[np.bool_]", *conditions: "NDArray[np.bool_]") -> "NDArray[np.int8]":
    """The position of the first condition that holds, one past the last where none does; UNDEFINED where not defined.

    The positions are those of the words in the output field's Literal.
    """
    import numpy as np

    codes = np.select(conditions, range(len(conditions)), default=len(conditions)).astype(np.int8)
    codes[~defined] = UNDEFINED
    return codes
