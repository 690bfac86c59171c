"""Formations in which a market gathers itself: triangles and flags.

Five touches for a triangle is Bulkowski's rule ("Encyclopedia of Chart Patterns"); the tolerances are ours, in average
ranges (`unit`) or as parts of the formation's own height.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from math import sqrt
from typing import NamedTuple

from tradeloom.nodes.ml._formations import (
    BREAK,
    SLACK,
    Formation,
    Line,
    Market,
    activity,
    balance,
    bounded,
    fitted_line,
    weighted,
)
from tradeloom.nodes.ml._swings import Swing

ASCENDING_TRIANGLE = "ascending_triangle"
SYMMETRICAL_TRIANGLE = "symmetrical_triangle"
BULL_FLAG = "bull_flag"

TOUCHES = (7, 6, 5)
"""How many turning points a triangle may have; the most that fit are taken."""

FLAG_BARS = 5
"""Fewest bars of a flag before the one that breaks out."""

LONGEST_FLAG = 40


class Wedge(NamedTuple):
    """Two lines that come together: `width` apart at the first touch, meeting at `apex`."""

    upper: Line
    lower: Line
    touches: Sequence[Swing]
    width: float
    apex: float
    misfit: float
    """The farthest touch from its line, as a part of the width."""

    @property
    def start(self) -> int:
        return self.touches[0].position

    @property
    def last(self) -> Swing:
        return self.touches[-1]


def triangles(market: Market, swings: Sequence[Swing], max_length: int) -> Iterator[Formation]:
    """Ascending and symmetrical triangles: five or more touches of two lines that meet, completed by a close beyond
    either line before they do.

    At least 3 ranges wide at its mouth and a quarter narrower at its last touch; no touch is farther from its line
    than 15 % of the mouth; no close between the touches is farther outside than half a range. A line is flat when it
    moves by at most 12 % of the mouth, and slopes from 20 % on (30 % under a flat top).
    """
    for count in range(TOUCHES[-1], len(swings) + 1):
        for touches in TOUCHES:
            if touches > count:
                continue
            wedge = _wedge(market, swings[count - touches : count])
            pattern = _kind_of(wedge) if wedge else None
            if wedge and pattern and _holds(market, wedge):
                at = _break_out(market, wedge, max_length)
                if at is not None:
                    yield _triangle(market, wedge, pattern, at)
                break


def _wedge(market: Market, touches: Sequence[Swing]) -> Wedge | None:
    highs = [(swing.position, swing.price) for swing in touches if swing.is_high]
    lows = [(swing.position, swing.price) for swing in touches if not swing.is_high]
    upper, lower = fitted_line(highs), fitted_line(lows)
    start, end = touches[0].position, touches[-1].position
    unit = market.unit[touches[-1].confirmed]
    width, narrow = upper(start) - lower(start), upper(end) - lower(end)
    if width < 3 * unit or not 0 < narrow <= 0.75 * width:
        return None
    misfit = max(
        abs(price - line(position)) for line, side in ((upper, highs), (lower, lows)) for position, price in side
    )
    if misfit > 0.15 * width:
        return None
    apex = start + (end - start) * width / (width - narrow)
    return Wedge(upper, lower, touches, width, apex, misfit / width)


def _kind_of(wedge: Wedge) -> str | None:
    start, end = wedge.start, wedge.last.position
    top = (wedge.upper(end) - wedge.upper(start)) / wedge.width
    bottom = (wedge.lower(end) - wedge.lower(start)) / wedge.width
    if abs(top) <= 0.12 and bottom >= 0.3:
        return ASCENDING_TRIANGLE
    if top <= -0.2 and bottom >= 0.2:
        return SYMMETRICAL_TRIANGLE
    return None


def _holds(market: Market, wedge: Wedge) -> bool:
    slack = 0.5 * market.unit[wedge.last.confirmed]
    return all(
        wedge.lower(row) - slack <= market.close[row] <= wedge.upper(row) + slack
        for row in range(wedge.start, wedge.last.position + 1)
    )


def _break_out(market: Market, wedge: Wedge, max_length: int) -> int | None:
    end = min(len(market), int(wedge.apex) + 1, wedge.start + max_length + 1)
    for row in range(wedge.last.confirmed, end):
        margin = BREAK * market.unit[row]
        if not wedge.lower(row) - margin <= market.close[row] <= wedge.upper(row) + margin:
            return row
    return None


def _triangle(market: Market, wedge: Wedge, pattern: str, at: int) -> Formation:
    bullish = market.close[at] > wedge.upper(at)
    level, other = (wedge.upper(at), wedge.lower(at)) if bullish else (wedge.lower(at), wedge.upper(at))
    filled = (at - wedge.start) / (wedge.apex - wedge.start)
    gaps = [second.position - first.position for first, second in pairwise(wedge.touches)]
    quality = weighted(
        (0.40, 1 - wedge.misfit / 0.15),
        (0.20, bounded((len(wedge.touches) - 4) / 3)),
        (0.15, balance(min(gaps), max(gaps))),
        # Murphy: the break is most telling between half and three quarters of the way to the apex.
        (0.15, bounded(1 - abs(filled - 0.625) / 0.375)),
        (0.10, activity(market, wedge.start, at)),
    )
    return Formation(
        pattern,
        bullish=bullish,
        start=wedge.start,
        at=at,
        quality=quality,
        level=level,
        target=level + wedge.width if bullish else level - wedge.width,
        invalidation=other,
        points=tuple((touch.position, touch.price) for touch in wedge.touches),
    )


def bull_flags(market: Market, swings: Sequence[Swing], max_length: int) -> Iterator[Formation]:
    """A steep rise (the pole), then a narrow channel against it (the flag), completed by a close above the channel
    and its last 5 highs.

    The pole is at least 4 ranges high and twice what a random walk of its length covers; the flag gives back at most
    half of it, is at most half as wide, does not rise, and lasts 5 bars to 2½ poles (at least 12, at most 40).
    """
    for foot, top in pairwise(swings):
        if not top.is_high:
            continue
        unit = market.unit[foot.position]
        pole, bars = top.price - foot.price, top.position - foot.position
        # Early in a history the foot may stand before the first average range is known.
        if not (unit == unit and pole >= 4 * unit and pole >= 2 * unit * sqrt(bars)):
            continue
        made = _flag(market, foot, top, max_length)
        if made:
            yield made


def _flag(market: Market, foot: Swing, top: Swing, max_length: int) -> Formation | None:
    pole, bars = top.price - foot.price, top.position - foot.position
    longest = min(LONGEST_FLAG, max(12, int(2.5 * bars)))
    end = min(len(market), top.position + longest + 1, foot.position + max_length + 1)
    for row in range(top.position + 1, end):
        if row > top.position + FLAG_BARS and row >= top.confirmed:
            made = _break_of_flag(market, foot, top, row)
            if made:
                return made
        if market.close[row] > top.price + SLACK * market.unit[row] or top.price - market.low[row] > 0.5 * pole:
            return None
    return None


def _break_of_flag(market: Market, foot: Swing, top: Swing, row: int) -> Formation | None:
    """The flag between the pole's top and `row`, if that bar's close breaks it."""
    first, pole = top.position + 1, top.price - foot.price
    middle = fitted_line([(position, market.close[position]) for position in range(first, row)])
    above = max(market.high[position] - middle(position) for position in range(first, row))
    below = max(middle(position) - market.low[position] for position in range(first, row))
    # Above the last bars' highs too: a close that only pokes out of a falling channel is still inside its noise.
    level = max(middle(row) + above, *market.high[row - FLAG_BARS : row])
    if market.close[row] <= level + BREAK * market.unit[row]:
        return None
    width = above + below
    drift = middle(row - 1) - middle(first)
    if width > 0.5 * pole or not -0.5 * pole <= drift <= 0.05 * pole:
        return None
    bottom = min(market.low[first:row])
    rise, rest = top.position - foot.position, row - first
    unit = market.unit[foot.position]
    climbed = sum(abs(market.close[each] - market.close[each - 1]) for each in range(foot.position + 1, first))
    quality = weighted(
        (0.30, bounded((pole / unit / sqrt(rise) - 2) / 2)),
        (0.20, bounded(pole / climbed if climbed > 0 else 0.0)),
        (0.25, 1 - width / (0.5 * pole)),
        (0.15, 1 - bounded((top.price - bottom) / (0.5 * pole))),
        (0.10, activity(market, first, row) * balance(rest, rise)),
    )
    return Formation(
        BULL_FLAG,
        bullish=True,
        start=foot.position,
        at=row,
        quality=quality,
        level=level,
        target=level + pole,
        invalidation=bottom,
        points=((foot.position, foot.price), (top.position, top.price), (row, market.close[row])),
    )
