"""How indicators are drawn: which columns stand over the prices, which beneath them, and what is marked on a bar."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

from tradeloom.errors import NotFound
from tradeloom.nodes.indicator._functions import functions

if TYPE_CHECKING:
    from tradeloom.nodes.indicator._base import IndicatorNode
    from tradeloom.trading.bars import Bars

Pane = Literal["price", "own"]
Side = Literal["up", "down"]

_OVER_PRICES: Final[Mapping[str, tuple[str, ...]]] = {
    "bollinger": ("upper", "middle", "lower"),
    "donchian": ("upper", "middle", "lower"),
    "ichimoku": ("conversion", "base", "span_a", "span_b"),
    "keltner": ("upper", "middle", "lower"),
    "ma": ("value",),
    "pivots": ("pivot", "r1", "r2", "r3", "s1", "s2", "s3"),
    "supertrend": ("value",),
    "vwap": ("value", "upper", "lower"),
}
_BENEATH: Final[Mapping[str, tuple[str, ...]]] = {
    "adx": ("adx", "plus_di", "minus_di"),
    "atr": ("value",),
    "macd": ("histogram", "macd", "signal"),
    "rsi": ("value",),
    "stochastic": ("k", "d"),
}
_HISTOGRAMS: Final = frozenset({"histogram", "values.macdhist"})
_LEVELS: Final = ("oversold", "overbought", "threshold")
_MARKED: Final = ("crossover", "crossing", "breakout", "reversal")
_UP: Final = frozenset({"bullish", "up", "out_of_oversold", "into_overbought"})
_TALIB: Final = "talib"
_OVERLAYS: Final = frozenset({"overlap", "price transform"})


@dataclass(frozen=True, slots=True)
class Line:
    """`values` are as long as the bars, None where there is no number."""

    name: str
    pane: Pane
    look: Literal["line", "histogram"]
    values: list[float | None]


@dataclass(frozen=True, slots=True)
class Mark:
    row: int
    name: str
    word: str
    side: Side


@dataclass(frozen=True, slots=True)
class Drawing:
    lines: list[Line]
    marks: list[Mark]
    levels: dict[str, float]


def drawable() -> frozenset[str]:
    """The names of the indicators that can be drawn: those that compute on one series of bars."""
    return frozenset({*_OVER_PRICES, *_BENEATH, _TALIB})


def indicator(name: str) -> "type[IndicatorNode]":
    """The node type `indicator.<name>`. Raises `NotFound` for one that is not drawn."""
    from tradeloom.nodes.indicator._base import IndicatorNode
    from tradeloom.nodes.registry import node_types

    node = node_types().get(f"indicator.{name}")
    if name not in drawable() or node is None or not issubclass(node, IndicatorNode):
        raise NotFound(f"indicator.{name} is no indicator that can be drawn.", field="type")
    return node


def draw(name: str, config: Any, bars: "Bars", columns: Mapping[str, Any], count: int) -> Drawing:
    """The last `count` rows of the node's `columns` over `bars`. `config` is its validated configuration."""
    lines = [
        Line(column, pane, "histogram" if column in _HISTOGRAMS else "line", _numbers(columns[column][-count:]))
        for column, pane in _drawn(name, config, columns)
        if column in columns
    ]
    levels = {field: float(getattr(config, field)) for field in _LEVELS if hasattr(config, field)}
    beneath = name in _BENEATH
    return Drawing(lines, list(_marks(indicator(name).labels(), columns, count)), levels if beneath else {})


def _drawn(name: str, config: Any, columns: Mapping[str, Any]) -> Iterator[tuple[str, Pane]]:
    if name == _TALIB:
        pane: Pane = "price" if functions()[config.function].group in _OVERLAYS else "own"
        yield from ((column, pane) for column in columns if column.startswith("values."))
        return
    yield from ((column, "price") for column in _OVER_PRICES.get(name, ()))
    yield from ((column, "own") for column in _BENEATH.get(name, ()))


def _marks(labels: Mapping[str, tuple[str, ...]], columns: Mapping[str, Any], count: int) -> Iterator[Mark]:
    for name in _MARKED:
        if name not in columns or name not in labels:
            continue
        for row, code in enumerate(columns[name][-count:].tolist()):
            word = labels[name][int(code)] if code >= 0 else "none"
            if word != "none":
                yield Mark(row, name, word, "up" if word in _UP else "down")


def _numbers(column: Any) -> list[float | None]:
    return [value if math.isfinite(value) else None for value in column.astype(float).tolist()]
