"""Chart formations over a run of bars, each told at the bar whose close completes it."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

from tradeloom.nodes.ml._continuations import ASCENDING_TRIANGLE, BULL_FLAG, SYMMETRICAL_TRIANGLE, bull_flags, triangles
from tradeloom.nodes.ml._formations import Formation, Market
from tradeloom.nodes.ml._reversals import DOUBLE_TOP, HEAD_AND_SHOULDERS, double_tops, head_and_shoulders
from tradeloom.nodes.ml._swings import Swing, swings

type Finder = Callable[[Market, Sequence[Swing], int], Iterator[Formation]]

SCALES = (1.5, 2.5, 4.0, 6.5)
"""The sizes of swing looked at, in average ranges: what is noise in a large formation is a leg of a small one."""

MAX_LENGTH = 300
"""Most bars a formation may span."""

MIRRORED: Mapping[str, str] = {
    DOUBLE_TOP: "double_bottom",
    HEAD_AND_SHOULDERS: "inverse_head_and_shoulders",
    ASCENDING_TRIANGLE: "descending_triangle",
    BULL_FLAG: "bear_flag",
}
"""A formation's name when the market stands upside down. A symmetrical triangle is its own mirror image."""

FINDERS: Mapping[Finder, tuple[str, ...]] = {
    double_tops: (DOUBLE_TOP,),
    head_and_shoulders: (HEAD_AND_SHOULDERS,),
    triangles: (ASCENDING_TRIANGLE, SYMMETRICAL_TRIANGLE),
    bull_flags: (BULL_FLAG,),
}
"""What each finder finds in a market that stands upright."""

CHART_PATTERNS: tuple[str, ...] = tuple(
    name for found in FINDERS.values() for each in found for name in (each, MIRRORED.get(each)) if name
)


def chart_patterns(market: Market, wanted: Collection[str], max_length: int = MAX_LENGTH) -> list[Formation]:
    """Every wanted formation, by the bar it is completed at; the better one first where a bar completes several.

    Row i decides on what is told up to row i: more bars never change what was told before them.
    """
    upside_down = market.mirrored()
    found: list[Formation] = []
    for scale in SCALES:
        upright = swings(market.high, market.low, market.unit, scale)
        turned = [swing.mirrored() for swing in upright]
        for finder, names in FINDERS.items():
            if set(names) & set(wanted):
                found.extend(finder(market, upright, max_length))
            mirrored = {MIRRORED[name]: name for name in names if name in MIRRORED}
            if set(mirrored) & set(wanted):
                found.extend(
                    each.mirrored(MIRRORED[each.pattern])
                    for each in finder(upside_down, turned, max_length)
                    if each.pattern in MIRRORED
                )
    return _told_once(each for each in found if each.pattern in wanted)


def _told_once(found: Iterable[Formation]) -> list[Formation]:
    """Without those that repeat what was told at an earlier bar, or better at the same one."""
    told: list[Formation] = []
    for each in sorted(found, key=lambda one: (one.at, -one.quality, one.start, one.pattern)):
        if not any(each.repeats(earlier) for earlier in told):
            told.append(each)
    return told
