"""Chart formations drawn into noise, with where they were drawn."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tests.support.random_walks import TICKS
from tests.support.series import Columns, columns_from
from tradeloom.nodes.ml._chart_patterns import MIRRORED

type Noise = np.random.Generator
type Legs = tuple[Sequence[int], Sequence[float], int, int]
"""Bars of each leg, price at each turning point (one more than legs), which leg breaks out, and the first leg of the
formation itself; prices in heights of the formation."""

BEFORE = 120
AFTER = 15
UPSIDE_DOWN = {mirrored: upright for upright, mirrored in MIRRORED.items()}


@dataclass(frozen=True)
class Planted:
    """`start` is the formation's first turning point; it is completed between `turned` (its last one) and `end`."""

    columns: Columns
    bullish: bool
    start: int
    turned: int
    end: int


def planted(noise: Noise, pattern: str, level: float, *, height: float = 10.0) -> Planted:
    """A formation of this kind among bars whose steps have a standard deviation of `level` heights.

    The legs are Brownian bridges from one turning point to the next: what is between them is pure chance. Before it
    stand 120 bars of a random walk and after it 15 more. The lengths of the legs and the small differences that real
    formations have (shoulders, tops, touches) are drawn as well.
    """
    upright = UPSIDE_DOWN.get(pattern, pattern)
    bars, prices, breaking, first = TEMPLATES[upright](noise)
    sigma = level * height
    turning = np.concatenate([[0], np.cumsum(bars)])
    steps = [sigma * noise.standard_normal((BEFORE, TICKS)) / np.sqrt(TICKS)]
    for length, left, right in zip(bars, prices[:-1], prices[1:], strict=True):
        leg = sigma * noise.standard_normal((length, TICKS)) / np.sqrt(TICKS)
        steps.append(leg + ((right - left) * height - leg.sum()) / leg.size)
    steps.append(sigma * noise.standard_normal((AFTER, TICKS)) / np.sqrt(TICKS))
    columns = _bars(np.concatenate(steps), noise)
    bullish = prices[-1] > prices[-2]
    if upright != pattern or (pattern == "symmetrical_triangle" and noise.random() < 0.5):
        columns, bullish = upside_down(columns), not bullish
    # A turning point is the close of the bar before its leg begins.
    at = (BEFORE - 1 + turning).tolist()
    return Planted(columns, bullish, start=at[first], turned=at[breaking], end=at[breaking + 1])


def upside_down(columns: Columns) -> Columns:
    turned: Columns = dict(columns)
    for name, other in (("open", "open"), ("close", "close"), ("high", "low"), ("low", "high")):
        turned[name] = 2000.0 - columns[other]
    return turned


def _bars(steps: Any, noise: Noise) -> Columns:
    path = 1000.0 + np.cumsum(steps.ravel()).reshape(steps.shape)
    close = path[:, -1]
    made = columns_from(close)
    made["high"] = np.maximum(path.max(axis=1), made["high"])
    made["low"] = np.minimum(path.min(axis=1), made["low"])
    made["volume"] = np.exp(0.5 * noise.standard_normal(len(close)))
    return made


def _legs(noise: Noise, count: int, low: int = 10, high: int = 22) -> list[int]:
    """Legs of similar length: no formation has one five times as long as the next."""
    usual = noise.integers(low, high + 1)
    return [round(usual * noise.uniform(0.75, 1.3)) for _ in range(count)]


def _double_top(noise: Noise) -> Legs:
    second = 1 + noise.uniform(-0.06, 0.06)
    return _legs(noise, 4), [-0.4, 1.0, 0.0, second, -0.6], 3, 1


def _head_and_shoulders(noise: Noise) -> Legs:
    left, right = 0.55 + noise.uniform(-0.1, 0.1, 2)
    low, other_low = noise.uniform(-0.07, 0.07, 2)
    return _legs(noise, 6), [-0.5, left, low, 1.0, other_low, right, -0.7], 5, 1


def _triangle(tops: tuple[float, float], bottoms: tuple[float, float], noise: Noise, *, bullish: bool) -> Legs:
    """Six touches of two lines that go from `tops[0]` to `tops[1]` and `bottoms[0]` to `bottoms[1]`."""
    legs = [*_legs(noise, 1), *_legs(noise, 5, 9, 16), *_legs(noise, 1, 9, 12)]
    where = np.cumsum([0, *legs[1:6]]) / sum(legs[1:6])
    touches = []
    for position, along in enumerate(where):
        first, last = bottoms if position % 2 else tops
        touches.append(first + (last - first) * along + noise.uniform(-0.03, 0.03))
    # The sixth touch is a bottom: from there it breaks out upwards; a seventh at the top comes first for the other way.
    if bullish:
        return legs, [-0.6, *touches, tops[1] + 0.6], 6, 1
    legs = [*legs[:6], *_legs(noise, 1, 9, 12), legs[6]]
    return legs, [-0.6, *touches, tops[1] - 0.03, bottoms[1] - 0.6], 7, 1


def _ascending_triangle(noise: Noise) -> Legs:
    return _triangle((1.0, 1.0), (0.0, 0.6), noise, bullish=True)


def _symmetrical_triangle(noise: Noise) -> Legs:
    return _triangle((1.0, 0.7), (0.0, 0.35), noise, bullish=bool(noise.random() < 0.5))


def _bull_flag(noise: Noise) -> Legs:
    """A pole of one height; the flag is one gentle leg down, as a channel of pure noise around it."""
    pole, flag = int(noise.integers(6, 12)), int(noise.integers(8, 16))
    back = noise.uniform(0.12, 0.3)
    return [pole, flag, 5], [0.0, 1.0, 1.0 - back, 1.3], 2, 0


TEMPLATES: dict[str, Callable[[Noise], Legs]] = {
    "double_top": _double_top,
    "head_and_shoulders": _head_and_shoulders,
    "ascending_triangle": _ascending_triangle,
    "symmetrical_triangle": _symmetrical_triangle,
    "bull_flag": _bull_flag,
}
