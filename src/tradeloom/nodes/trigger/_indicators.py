"""The indicator nodes as trigger.indicator uses them: their own configuration, their own arithmetic, row by row.

They are loaded when one is first asked for, so that the triggers themselves stay light.
"""

import importlib
import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any, Literal

from pydantic import ValidationError

from tradeloom.errors import NotEnoughBars

if TYPE_CHECKING:
    from tradeloom.nodes.indicator._base import IndicatorNode
    from tradeloom.trading.bars import Bars

IndicatorName = Literal[
    "adx",
    "atr",
    "bollinger",
    "donchian",
    "ichimoku",
    "keltner",
    "ma",
    "macd",
    "pivots",
    "rsi",
    "stochastic",
    "supertrend",
    "talib",
    "vwap",
]
"""Every indicator node that computes on one series of bars."""

PRICES = ("open", "high", "low", "close")
_NOT_NUMBERS = frozenset({"time", "series"})


@dataclass(frozen=True, slots=True)
class Reading:
    """An indicator over bars: its columns by name, the bars' prices among them."""

    bars: "Bars"
    columns: Mapping[str, Any]
    words: Mapping[str, tuple[str, ...]]

    def opening(self, row: int) -> datetime:
        return datetime.fromtimestamp(int(self.bars.time[row]), UTC)

    def number(self, name: str, row: int) -> float | None:
        """None where there is no number: not enough history yet, or no such row."""
        if not -len(self.bars) <= row < len(self.bars) or name not in self.columns:
            return None
        value = float(self.columns[name][row])
        return value if math.isfinite(value) else None

    def word(self, name: str, row: int) -> str | None:
        code = self.number(name, row)
        return None if code is None or code < 0 else self.words[name][int(code)]


class History:
    """One indicator node's arithmetic."""

    def __init__(self, node: "type[IndicatorNode]") -> None:
        self._node = node
        self.words = node.labels()

    @property
    def numbers(self) -> list[str]:
        """Its numeric outputs, in their order."""
        return [name for name in self._node.Output.model_fields if name not in {*self.words, *_NOT_NUMBERS}]

    def config(self, parameters: Mapping[str, Any]) -> Any:
        """Raises pydantic's `ValidationError` for parameters the indicator does not take."""
        from tradeloom.nodes.indicator._base import EXAMPLE_BARS

        return self._node.Config.model_validate({**parameters, "bars": EXAMPLE_BARS})

    def require_number(self, name: str | None) -> None:
        """Raises `ValueError` for what is no number of it. Parts of an output (`values.real`) show when it runs."""
        if name is None or name in PRICES or name.partition(".")[0] in self.numbers:
            return
        raise ValueError(f"{name!r} is no number of this indicator; it has {', '.join([*self.numbers, *PRICES])}")

    def memory(self, parameters: Mapping[str, Any]) -> int:
        return self._node.memory(dict(parameters))

    def bars_needed(self, parameters: Mapping[str, Any]) -> int:
        """With the bar before, so that the last two rows are defined."""
        return self._node.bars_needed(self.config(parameters)) + 1

    def read(self, parameters: Mapping[str, Any], bars: "Bars") -> Reading:
        """Raises `NotEnoughBars`, and `NotANumber` for prices that are none."""
        from tradeloom.nodes.indicator._base import require_prices

        config = self.config(parameters)
        needed = self._node.bars_needed(config)
        if len(bars) < needed:
            reference = bars.reference
            raise NotEnoughBars(
                f"{self._node.title} needs {needed} bars of {reference.symbol} {reference.timeframe}; "
                f"there are {len(bars)}",
                field="config.timeframe",
            )
        require_prices(bars)
        self._node().require(config, bars)
        prices = {name: bars.column(name) for name in PRICES}
        return Reading(bars, {**prices, **self._node.columns(config, bars)}, self.words)


@cache
def history_of(name: str) -> History:
    module = importlib.import_module(f"tradeloom.nodes.indicator.{name}")
    kinds = [each for each in vars(module).values() if getattr(each, "type", None) == f"indicator.{name}"]
    return History(kinds[0])


def default_output(name: str) -> str:
    numbers = history_of(name).numbers
    return "value" if "value" in numbers else numbers[0]


def labelled(name: str, label: str) -> str:
    """The output whose words have this one. Raises `ValueError` where there is none."""
    words = history_of(name).words
    for field, known in words.items():
        if label in known:
            return field
    every = sorted({word for known in words.values() for word in known})
    listed = f"it says {', '.join(every)}" if every else "it has numbers only; choose another condition"
    raise ValueError(f"label: {name} never says {label!r}; {listed}")


def checked(name: str, parameters: Mapping[str, Any], *, label: str | None) -> None:
    """Raises `ValueError` in one sentence for parameters or a word the indicator does not have."""
    if "bars" in parameters:
        raise ValueError("parameters: the bars are this trigger's own")
    try:
        history_of(name).config(parameters)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        message = str(first["msg"]).removeprefix("Value error, ")
        raise ValueError(f"parameters{'.' + where if where else ''}: {message}") from None
    if label is not None:
        labelled(name, label)
