"""Formations that end a rise: double top, head and shoulders. Upside down they end a fall.

The geometry follows Edwards & Magee, "Technical Analysis of Stock Trends"; the tolerances are ours, in average ranges
(`unit`) or as parts of the formation's own height.
"""

from collections.abc import Iterator, Sequence

from tradeloom.nodes.ml._formations import (
    BREAK,
    SLACK,
    Formation,
    Line,
    Market,
    activity,
    balance,
    bounded,
    line_through,
    straightness,
    weighted,
)
from tradeloom.nodes.ml._swings import Swing

DOUBLE_TOP = "double_top"
HEAD_AND_SHOULDERS = "head_and_shoulders"


def double_tops(market: Market, swings: Sequence[Swing], max_length: int) -> Iterator[Formation]:
    """Two tops of the same height after a rise, completed by a close below the low between them.

    At least 2.5 ranges high; the tops differ by at most one range and a quarter of the height; the rise into them is
    at least two thirds of the height.
    """
    for origin, first, valley, second in zip(swings, swings[1:], swings[2:], swings[3:], strict=False):
        if not second.is_high:
            continue
        unit = market.unit[second.confirmed]
        height = (first.price + second.price) / 2 - valley.price
        difference = abs(first.price - second.price)
        rise = first.price - origin.price
        if height < 2.5 * unit or difference > min(unit, 0.25 * height) or rise < 0.66 * height:
            continue
        ceiling = max(first.price, second.price) + SLACK * unit
        patience = second.position - first.position
        at = _break_below(market, _level(valley), second, ceiling, first.position, max_length, patience)
        if at is None:
            continue
        quality = weighted(
            (0.25, 1 - difference / (0.25 * height)),
            (0.15, balance(valley.position - first.position, second.position - valley.position)),
            (0.35, straightness(market, (origin, first, valley, second), height)),
            (0.10, bounded(rise / height - 0.66)),
            (0.10, bounded((height / unit - 2.5) / 5)),
            (0.05, activity(market, first.position, at)),
        )
        yield Formation(
            DOUBLE_TOP,
            bullish=False,
            start=first.position,
            at=at,
            quality=quality,
            level=valley.price,
            target=valley.price - height,
            invalidation=max(first.price, second.price),
            points=_points(first, valley, second),
        )


def head_and_shoulders(market: Market, swings: Sequence[Swing], max_length: int) -> Iterator[Formation]:
    """Three tops after a rise, the middle one highest, completed by a close below the line under them (the neckline).

    The head stands at least 3 ranges above the neckline; each shoulder reaches a quarter to 85 % of the head's height,
    and they differ by at most 30 % of it; the neckline's ends differ by at most 40 % of it.
    """
    for origin, left, first_low, head, second_low, right in zip(*(swings[skip:] for skip in range(6)), strict=False):
        if not right.is_high:
            continue
        unit = market.unit[right.confirmed]
        neckline = line_through(first_low, second_low)
        height = head.price - neckline(head.position)
        shoulders = left.price - neckline(left.position), right.price - neckline(right.position)
        before, after = head.position - left.position, right.position - head.position
        sound = (
            height >= 3 * unit
            and all(0.25 * height <= shoulder <= 0.85 * height for shoulder in shoulders)
            and abs(shoulders[0] - shoulders[1]) <= 0.3 * height
            and abs(first_low.price - second_low.price) <= 0.4 * height
            and balance(before, after) >= 0.4
            and origin.price < neckline(origin.position)
            and head.price > max(left.price, right.price)
        )
        if not sound:
            continue
        ceiling = right.price + SLACK * unit
        at = _break_below(market, neckline, right, ceiling, left.position, max_length, before + after)
        if at is None:
            continue
        quality = weighted(
            (0.20, 1 - abs(shoulders[0] - shoulders[1]) / (0.3 * height)),
            (0.15, balance(before, after)),
            (0.35, straightness(market, (origin, left, first_low, head, second_low, right), height)),
            (0.15, 1 - abs(first_low.price - second_low.price) / (0.4 * height)),
            (0.10, bounded((height / unit - 3) / 5)),
            (0.05, activity(market, left.position, at)),
        )
        yield Formation(
            HEAD_AND_SHOULDERS,
            bullish=False,
            start=left.position,
            at=at,
            quality=quality,
            level=neckline(at),
            target=neckline(at) - height,
            invalidation=right.price,
            points=_points(left, first_low, head, second_low, right),
        )


def _break_below(
    market: Market, line: Line, last: Swing, ceiling: float, start: int, max_length: int, patience: int
) -> int | None:
    """The bar that completes it: the first close below the line since the last top is known for one.

    None when a close above `ceiling` comes first, or none within `patience` bars or `max_length` from the start.
    """
    end = min(len(market), last.confirmed + patience + 1, start + max_length + 1)
    for row in range(last.confirmed, end):
        if market.close[row] > ceiling:
            return None
        if market.close[row] < line(row) - BREAK * market.unit[row]:
            return row
    return None


def _level(swing: Swing) -> Line:
    return lambda _: swing.price


def _points(*pivots: Swing) -> tuple[tuple[int, float], ...]:
    return tuple((pivot.position, pivot.price) for pivot in pivots)
