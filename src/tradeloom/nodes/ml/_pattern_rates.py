"""How far a pattern can be trusted not to be chance: from what random walks draw, counted once and kept as a file.

`pattern_rates.json` is written by `tests/bench/pattern_rates.py`: for each pattern, how many of at least some quality
1,000 bars of a random walk show.
"""

import json
import math
from functools import cache

type Rates = dict[str, list[tuple[float, float]]]

CERTAINTY = 0.99
"""The highest confidence: rarer than the counting can tell is not certain."""


@cache
def pattern_rates() -> Rates:
    """`{pattern: [(quality, patterns of at least that quality in 1,000 bars of chance), …]}`, quality rising."""
    from importlib.resources import files

    text = files("tradeloom.nodes.ml").joinpath("pattern_rates.json").read_text(encoding="utf-8")
    read: Rates = json.loads(text)
    return read


def chance_rate(pattern: str, quality: float) -> float:
    """How many of at least this quality 1,000 bars of a random walk show; between the counted ones by logarithm."""
    counted = pattern_rates()[pattern]
    better = next((place for place, (each, _) in enumerate(counted) if each > quality), len(counted))
    if better == 0:
        return counted[0][1]
    low_quality, low_rate = counted[better - 1]
    if better == len(counted):
        return low_rate
    high_quality, high_rate = counted[better]
    part = (quality - low_quality) / (high_quality - low_quality)
    between: float = low_rate * (high_rate / low_rate) ** part
    return between


def confidence(pattern: str, quality: float) -> float:
    """The chance that 1,000 bars of a random walk show none of this kind as good, at most CERTAINTY."""
    return min(CERTAINTY, math.exp(-chance_rate(pattern, quality)))
