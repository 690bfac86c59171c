"""How indicators are drawn: their lines over the prices or beneath them, and what is marked on a bar."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

from tradeloom.errors import NotFound

if TYPE_CHECKING:
    from tradeloom.nodes.indicator._base import IndicatorNode
    from tradeloom.trading.bars import Bars

Pane = Literal["price", "own"]
Side = Literal["up", "down"]

_HISTOGRAMS: Final = frozenset({"histogram", "values.macdhist"})
_LEVELS: Final = ("oversold", "overbought", "threshold")
_MARKED: Final = ("crossover", "crossing", "breakout", "reversal")
_UP: Final = frozenset({"bullish", "up", "out_of_oversold", "into_overbought"})


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


def indicator(name: str) -> "type[IndicatorNode]":
    """The node type `indicator.<name>`. Raises `NotFound` for one that is not drawn."""
    from tradeloom.nodes.indicator._base import IndicatorNode
    from tradeloom.nodes.registry import node_types

    node = node_types().get(f"indicator.{name}")
    if node is None or not issubclass(node, IndicatorNode):
        raise NotFound(f"indicator.{name} is no indicator that can be drawn.", field="type")
    return node


def draw(name: str, config: Any, bars: "Bars", columns: Mapping[str, Any], count: int) -> Drawing:
    """The last `count` rows of the node's `columns` over `bars`. `config` is its validated configuration."""
    node = indicator(name)
    lines = [
        Line(column, pane, "histogram" if column in _HISTOGRAMS else "line", _numbers(columns[column][-count:]))
        for column, pane in node.panes(config).items()
        if column in columns
    ]
    levels = {field: float(getattr(config, field)) for field in _LEVELS if node.beneath and hasattr(config, field)}
    return Drawing(lines, list(_marks(node.labels(), columns, count)), levels)


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
