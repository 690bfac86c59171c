"""Swings: the highs and lows a market turned at, each known only from the bar that confirmed it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tradeloom.nodes.indicator._talib import talib

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    type Prices = NDArray[np.float64]

ATR_PERIOD = 14


@dataclass(frozen=True, slots=True)
class Swing:
    """A turning point. `position` is the bar of the extreme, `confirmed` the later bar that made it one."""

    position: int
    price: float
    is_high: bool
    confirmed: int

    def mirrored(self) -> "Swing":
        """The same swing in the market turned upside down."""
        return Swing(self.position, -self.price, not self.is_high, self.confirmed)


def average_range(high: "Prices", low: "Prices", close: "Prices") -> "Prices":
    """The simple average of the last 14 true ranges, in price: NaN in the first 14 rows, above zero in all others.

    Simple and not Wilder's: its memory ends after 14 bars, so where history begins does not matter.
    """
    import numpy as np

    ranges = talib().MA(talib().TRANGE(high, low, close), ATR_PERIOD, 0)
    # A market that stands still has no range to measure with: a rounding's worth keeps every ratio finite.
    floor = np.maximum(1e-9 * np.abs(close), 1e-12)
    return np.where(np.isnan(ranges), np.nan, np.maximum(ranges, floor))


def swings(high: Sequence[float], low: Sequence[float], unit: Sequence[float], threshold: float) -> list[Swing]:
    """The zigzag of a series: alternating highs and lows, in the order they were confirmed.

    An extreme is a swing once a later bar has come back from it by `threshold` times that bar's `unit` (the average
    range, NaN where not known yet), or past the swing before it. Whatever is confirmed by bar i follows from bars up to
    i alone. A bar that makes a new extreme confirms nothing: which of its ends came first is not known.
    """
    first = next((row for row, value in enumerate(unit) if value == value), len(unit))
    if first >= len(unit):
        return []
    found: list[Swing] = []
    top = bottom = first
    rising: bool | None = None
    for row in range(first + 1, len(unit)):
        turn = threshold * unit[row]
        new_top = high[row] > high[top]
        new_bottom = low[row] < low[bottom]
        if new_top:
            top = row
        if new_bottom:
            bottom = row
        past_low = bool(found) and not found[-1].is_high and low[row] < found[-1].price
        past_high = bool(found) and found[-1].is_high and high[row] > found[-1].price
        if rising is not False and not new_top and (past_low or high[top] - low[row] >= turn):
            found.append(Swing(top, high[top], True, row))
            rising = False
            bottom = _lowest(low, top + 1, row)
        elif rising is not True and not new_bottom and (past_high or high[row] - low[bottom] >= turn):
            found.append(Swing(bottom, low[bottom], False, row))
            rising = True
            top = _highest(high, bottom + 1, row)
    return found


def _lowest(low: Sequence[float], first: int, last: int) -> int:
    return min(range(first, last + 1), key=low.__getitem__)


def _highest(high: Sequence[float], first: int, last: int) -> int:
    return max(range(first, last + 1), key=high.__getitem__)
