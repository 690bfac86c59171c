"""What a chart formation is, the market it is looked for in, and the parts of its quality that all kinds share."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Self

from tradeloom.nodes.ml._swings import Swing, average_range

if TYPE_CHECKING:
    from tradeloom.nodes.ml._swings import Prices
    from tradeloom.trading.bars import Bars

BREAK = 0.25
"""How far beyond a line a close must lie to have broken it, in average ranges."""

SLACK = 0.25
"""How far beyond its extreme a close may lie before a formation has failed, in average ranges."""

type Line = Callable[[float], float]
"""The price of a straight line at a bar's position."""


@dataclass(frozen=True, slots=True)
class Formation:
    """A completed chart formation.

    `start` is the bar of its first turning point, `at` the one whose close broke `level`. `target` is the measured
    move and `invalidation` the price that would prove it wrong. `quality` is 0 to 1 within its kind.
    """

    pattern: str
    bullish: bool
    start: int
    at: int
    quality: float
    level: float
    target: float
    invalidation: float
    points: tuple[tuple[int, float], ...]

    def mirrored(self, pattern: str) -> "Formation":
        """The same formation in the market turned upside down, under its other name."""
        return replace(
            self,
            pattern=pattern,
            bullish=not self.bullish,
            level=-self.level,
            target=-self.target,
            invalidation=-self.invalidation,
            points=tuple((position, -price) for position, price in self.points),
        )

    def repeats(self, earlier: "Formation") -> bool:
        """Whether it is the formation told earlier, seen through other swings: the same kind, over the same bars."""
        if (self.pattern, self.bullish) != (earlier.pattern, earlier.bullish):
            return False
        shared = min(self.at, earlier.at) - max(self.start, earlier.start)
        return 2 * shared >= min(self.at - self.start, earlier.at - earlier.start)


@dataclass(frozen=True, slots=True)
class Market:
    """The columns of closed bars as plain lists, and the average range of each bar (`unit`, NaN in the first 14)."""

    high: Sequence[float]
    low: Sequence[float]
    close: Sequence[float]
    volume: Sequence[float]
    unit: Sequence[float]

    def __len__(self) -> int:
        return len(self.close)

    @classmethod
    def of(cls, bars: "Bars", first: int, end: int) -> Self:
        """Rows `first` to `end` of bars whose prices are all finite. A volume that is no number counts as none."""
        import numpy as np

        def cut(column: "Prices") -> list[float]:
            values: list[float] = column[first:end].tolist()
            return values

        high, low, close = bars.high[first:end], bars.low[first:end], bars.close[first:end]
        volume: list[float] = np.nan_to_num(bars.volume[first:end], posinf=0.0, neginf=0.0).tolist()
        unit: list[float] = average_range(high, low, close).tolist()
        return cls(cut(bars.high), cut(bars.low), cut(bars.close), volume, unit)

    def mirrored(self) -> Self:
        """The market upside down: what is a top here is a bottom there."""
        return replace(
            self,
            high=[-price for price in self.low],
            low=[-price for price in self.high],
            close=[-price for price in self.close],
        )


def line_through(first: Swing, second: Swing) -> Line:
    slope = (second.price - first.price) / (second.position - first.position)
    return lambda position: first.price + slope * (position - first.position)


def fitted_line(points: Sequence[tuple[int, float]]) -> Line:
    """The least-squares line through two or more points at different positions."""
    count = len(points)
    middle = sum(position for position, _ in points) / count
    height = sum(price for _, price in points) / count
    spread = sum((position - middle) ** 2 for position, _ in points)
    slope = sum((position - middle) * (price - height) for position, price in points) / spread
    return lambda position: height + slope * (position - middle)


def bounded(value: float) -> float:
    return min(1.0, max(0.0, value))


def balance(first: float, second: float) -> float:
    """How alike two lengths are: 1 when equal, towards 0 the more they differ."""
    larger = max(first, second)
    return min(first, second) / larger if larger > 0 else 0.0


def straightness(market: Market, pivots: Sequence[Swing], height: float) -> float:
    """How straight the legs between turning points are: 1 when every close lies on them, 0 when they stray a quarter of
    the formation's height on average."""
    strayed, bars = 0.0, 0
    for first, second in pairwise(pivots):
        leg = line_through(first, second)
        for position in range(first.position + 1, second.position):
            strayed += abs(market.close[position] - leg(position))
            bars += 1
    return bounded(1 - strayed / bars / (0.25 * height)) if bars else 1.0


def activity(market: Market, start: int, at: int) -> float:
    """The volume of the bar that broke out against the average of the bars before it: 0.5 when it is the same or the
    market tells no volume, 1 from twice as much."""
    before = market.volume[start:at]
    average = sum(before) / len(before) if before else 0.0
    return bounded(0.5 * market.volume[at] / average) if average > 0 else 0.5


def weighted(*parts: tuple[float, float]) -> float:
    """The average of (weight, value) pairs."""
    return sum(weight * value for weight, value in parts) / sum(weight for weight, _ in parts)
