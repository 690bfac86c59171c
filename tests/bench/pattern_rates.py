"""Counts what chance draws: `python -m tests.bench.pattern_rates [WALKS]` writes `pattern_rates.json` of `ml.pattern`.

For each pattern the file holds how often 1,000 bars of a random walk show one, and for chart patterns how often one of
at least some quality: from this the node's confidence follows. Run it whenever a rule or a weight changes (about five
minutes on one idle core for the 3,000 walks the file was made with).
"""

import json
import sys
from importlib.resources import files
from pathlib import Path

import numpy as np

from tests.support.random_walks import random_walk
from tests.support.series import bars_from
from tradeloom.nodes.ml._candles import CANDLESTICKS, candlesticks
from tradeloom.nodes.ml._chart_patterns import CHART_PATTERNS, MAX_LENGTH, chart_patterns
from tradeloom.nodes.ml._formations import Market

SEED = 20_241
WALKS = 3_000
BARS = 1_000
"""Counted in each walk, after MAX_LENGTH to begin with."""

SHARES = (1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.15, 0.1, 0.07, 0.05, 0.03, 0.02, 0.01, 0.005, 0.002)
"""At which parts of a pattern's formations, the best ones, the rate is written down."""


def counted(walks: int) -> dict[str, list[tuple[float, float]]]:
    """`{pattern: [(quality, formations of at least that quality in 1,000 bars), …]}`."""
    noise = np.random.default_rng(SEED)
    qualities: dict[str, list[float]] = {name: [] for name in (*CHART_PATTERNS, *CANDLESTICKS)}
    for _ in range(walks):
        bars = bars_from(random_walk(noise, MAX_LENGTH + BARS))
        for formation in chart_patterns(Market.of(bars, 0, len(bars)), CHART_PATTERNS):
            if formation.at >= MAX_LENGTH:
                qualities[formation.pattern].append(formation.quality)
        for name in CANDLESTICKS:
            qualities[name] += [0.0 for at, _ in candlesticks(bars, name, 0, len(bars)) if at >= MAX_LENGTH]
    return {name: _rates(found, walks, name in CHART_PATTERNS) for name, found in qualities.items()}


def _rates(found: list[float], walks: int, graded: bool) -> list[tuple[float, float]]:
    # A pattern chance never drew counts as drawn once: nothing is certain.
    if not graded or not found:
        return [(0.0, round(max(1, len(found)) / walks, 6))]
    best_first = sorted(found, reverse=True)
    ranks = sorted({max(1, round(share * len(found))) for share in SHARES}, reverse=True)
    return [(round(best_first[rank - 1], 4), round(rank / walks, 6)) for rank in ranks]


if __name__ == "__main__":
    walks = int(sys.argv[1]) if len(sys.argv) > 1 else WALKS
    target = Path(str(files("tradeloom.nodes.ml").joinpath("pattern_rates.json")))
    lines = [f"  {json.dumps(name)}: {json.dumps(rates)}" for name, rates in counted(walks).items()]
    target.write_text("{\n" + ",\n".join(lines) + "\n}\n")
