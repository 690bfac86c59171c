"""The equity that closed trades make: the running sum of their nets, thinned to what a chart can show."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from itertools import pairwise

from tradeloom.trading.trade_stats import ClosedResult

_NOTHING = Decimal(0)
_KEPT_OF_CHUNK = 4


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """After a trade: `net` of all up to it, and how far that is below its highest so far, which begins at zero."""

    at: datetime
    net: Decimal
    drawdown: Decimal


def closed_curve(trades: Iterable[ClosedResult], most: int) -> list[CurvePoint]:
    """A point after each of the trades, in the order they were closed, or at least four and at most `most` of them.

    Thinning keeps the last point, and of every stretch its highest, its lowest and its deepest drawdown: the ends and
    extremes that are read off a curve are the true ones.
    """
    points = []
    running = peak = _NOTHING
    for trade in trades:
        running += trade.net
        peak = max(peak, running)
        points.append(CurvePoint(trade.closed_at, running, peak - running))
    if len(points) <= most:
        return points
    chunks = max(most // _KEPT_OF_CHUNK, 1)
    borders = [len(points) * number // chunks for number in range(chunks + 1)]
    kept: list[CurvePoint] = []
    for start, end in pairwise(borders):
        stretch = range(start, end)
        wanted = {
            max(stretch, key=lambda i: points[i].net),
            min(stretch, key=lambda i: points[i].net),
            max(stretch, key=lambda i: points[i].drawdown),
            end - 1,
        }
        kept += [points[i] for i in sorted(wanted)]
    return kept
