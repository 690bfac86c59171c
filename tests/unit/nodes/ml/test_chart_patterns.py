"""Chart formations: found where they were drawn, counted where there are none, never changed by what comes later."""

import csv
import gzip
import math
from collections import Counter
from collections.abc import Iterator
from itertools import combinations, pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.exam import record, sized
from tests.support.planted import Planted, planted
from tests.support.random_walks import random_walk
from tests.support.series import Columns, bars_from, columns_from
from tests.unit.nodes.indicator.cases import walks
from tradeloom.nodes.ml._chart_patterns import CHART_PATTERNS, MAX_LENGTH, MIRRORED, chart_patterns
from tradeloom.nodes.ml._formations import BREAK, Formation, Market
from tradeloom.nodes.ml._pattern_rates import chance_rate, confidence, pattern_rates

pytestmark = pytest.mark.exam(suite="chart patterns")

DATA = Path(__file__).parents[5] / "shared" / "data"
NOISE = {"mild": 0.03, "middling": 0.05, "loud": 0.08}
"""The standard deviation of a bar's step, in heights of the formation."""

RECALL = {
    "double_top": (0.94, 0.93, 0.87),
    "double_bottom": (0.94, 0.93, 0.87),
    "head_and_shoulders": (0.94, 0.92, 0.75),
    "inverse_head_and_shoulders": (0.94, 0.92, 0.75),
    "ascending_triangle": (0.94, 0.80, 0.57),
    "descending_triangle": (0.94, 0.80, 0.57),
    "symmetrical_triangle": (0.80, 0.67, 0.34),
    "bull_flag": (0.94, 0.85, 0.61),
    "bear_flag": (0.94, 0.85, 0.61),
}
"""The least share found at each noise: what 400 of each show, less four standard errors."""

LEVELS = (0.1, 0.5, 0.8, 0.9)


def _market(columns: Columns, end: int | None = None) -> Market:
    bars = bars_from(columns)
    return Market.of(bars, 0, len(bars) if end is None else end)


def _is_it(formation: Formation, drawn: Planted) -> bool:
    """Whether a formation is the one drawn: that way, completed as it breaks out, over mostly the same bars."""
    shared = min(formation.at, drawn.end) - max(formation.start, drawn.start)
    return (
        formation.bullish == drawn.bullish
        and drawn.turned < formation.at <= drawn.end + 3
        and 2 * shared >= max(drawn.end - drawn.start, formation.at - formation.start)
    )


@pytest.mark.parametrize("noise", NOISE)
@pytest.mark.parametrize("pattern", CHART_PATTERNS)
def test_what_is_drawn_into_noise_is_found(pattern: str, noise: str) -> None:
    tries = sized(60, 400)
    seeds = np.random.default_rng([CHART_PATTERNS.index(pattern), list(NOISE).index(noise)])
    confidences = []
    for _ in range(tries):
        drawn = planted(seeds, pattern, NOISE[noise])
        found = [each for each in chart_patterns(_market(drawn.columns), {pattern}) if _is_it(each, drawn)]
        if found:
            confidences.append(max(confidence(pattern, each.quality) for each in found))
    share = len(confidences) / tries
    record(
        "chart patterns in noise",
        **{f"{pattern}, {noise}": f"{share:.0%} of {tries}, median confidence {np.median(confidences):.2f}"},
    )
    floor = RECALL[pattern][list(NOISE).index(noise)]
    slack = 0 if tries >= 400 else 4 * math.sqrt(floor * (1 - floor) / tries)
    assert share >= floor - slack
    assert np.median(confidences) >= 0.6


def _walks_of_chance(walks: int, bars: int, first: int) -> tuple[Counter[tuple[str, float]], Counter[str], float]:
    """`({(pattern, confidence): at least that sure}, {pattern: all}, thousands of bars)`, from bar `first` on."""
    noise = np.random.default_rng(99)
    sure: Counter[tuple[str, float]] = Counter()
    every: Counter[str] = Counter()
    for _ in range(walks):
        for each in chart_patterns(_market(random_walk(noise, bars)), CHART_PATTERNS):
            if each.at >= first:
                every[each.pattern] += 1
                sure.update(
                    (each.pattern, level) for level in LEVELS if confidence(each.pattern, each.quality) >= level
                )
    return sure, every, walks * (bars - first) / 1000


def test_false_alarms_are_as_many_as_the_confidence_says() -> None:
    """In fresh random walks, of the length the rates were counted in: neither more nor fewer."""
    sure, every, thousands = _walks_of_chance(sized(40, 300), MAX_LENGTH + 1000, MAX_LENGTH)
    for level in LEVELS:
        promised = sum(min(-math.log(level), pattern_rates()[name][0][1]) for name in CHART_PATTERNS) * thousands
        counted = sum(sure[name, level] for name in CHART_PATTERNS)
        record("false alarms on random walks", **{f"confidence {level}": f"{counted}, promised {promised:.0f}"})
        # Formations at different scales come in bunches, so that counts vary more than Poisson's.
        assert abs(counted - promised) <= 6 * math.sqrt(promised) + 0.05 * promised
    for name in CHART_PATTERNS:
        promised = pattern_rates()[name][0][1] * thousands
        assert abs(every[name] - promised) <= 6 * math.sqrt(promised)


def test_short_walks_show_no_more_than_that() -> None:
    walks, bars = sized(200, 2000), 300
    sure, every, thousands = _walks_of_chance(walks, bars, 0)
    figures = {}
    for name in CHART_PATTERNS:
        counts = [every[name], *(sure[name, level] for level in LEVELS)]
        figures[name] = " ".join(str(count) for count in counts)
        for level in LEVELS:
            promised = -math.log(level) * thousands
            assert sure[name, level] <= promised + 6 * math.sqrt(promised)
    told = ", ".join(f">= {level}" for level in LEVELS)
    record(f"false alarms in {walks} random walks of {bars} bars (all, {told})", **figures)
    assert sum(every.values()) < 45 * thousands


def _real(path: Path, most: int = 12_000) -> Columns:
    with gzip.open(path, "rt") as file:
        rows = [row for row, _ in zip(csv.DictReader(file), range(most), strict=False)]
    close = np.array([float(row["close"]) for row in rows])
    columns = columns_from(close)
    for name in ("open", "high", "low", "volume"):
        columns[name] = np.array([float(row[name]) for row in rows])
    return columns


@pytest.mark.skipif(not DATA.is_dir(), reason="the shared market data is not here")
def test_real_markets_show_about_as_many_as_chance() -> None:
    """Which is why a confidence is needed; far more or fewer would be a fault of the rules or of the units."""
    files = sorted(DATA.glob("*.csv.gz"))[:: sized(4, 1)]
    every: Counter[str] = Counter()
    bars = 0
    for path in files:
        columns = _real(path)
        for first in range(0, len(columns["close"]) - MAX_LENGTH - 1000 + 1, 1000):
            cut = {name: column[first : first + MAX_LENGTH + 1000] for name, column in columns.items()}
            every.update(each.pattern for each in chart_patterns(_market(cut), CHART_PATTERNS) if each.at >= MAX_LENGTH)
            bars += 1000
    for name in CHART_PATTERNS:
        rate, chance = every[name] * 1000 / bars, pattern_rates()[name][0][1]
        record("chart patterns in 1,000 real bars", **{name: f"{rate:.2f}, by chance {chance:.2f}"})
        assert chance / 2 <= rate <= 2 * chance


def _facts(market: Market, formation: Formation, max_length: int) -> Iterator[bool]:
    way = 1 if formation.bullish else -1
    close, unit = market.close[formation.at], market.unit[formation.at]
    yield 0 <= formation.quality <= 1
    yield formation.start < formation.at <= formation.start + max_length
    yield formation.points[0][0] == formation.start
    yield all(earlier[0] < later[0] for earlier, later in pairwise(formation.points))
    # Completed by a close beyond the level; the target lies farther that way, the invalidation the other way.
    yield way * (close - formation.level) > BREAK * unit * (1 - 1e-9)
    yield way * (formation.target - formation.level) > 0
    yield way * (formation.level - formation.invalidation) > 0


def test_every_formation_is_what_it_says() -> None:
    noise = np.random.default_rng(3)
    seen = set()
    for _ in range(12):
        market = _market(random_walk(noise, 900))
        for max_length in (60, 300):
            found = chart_patterns(market, CHART_PATTERNS, max_length)
            assert not any(later.repeats(earlier) for earlier, later in combinations(found, 2))
            assert [each.at for each in found] == sorted(each.at for each in found)
            for formation in found:
                assert all(_facts(market, formation, max_length)), formation
                seen.add(formation.pattern)
    assert seen == set(CHART_PATTERNS)


@given(seed=st.integers(0, 2**32 - 1), data=st.data())
@settings(max_examples=sized(25, 300), deadline=None)
def test_more_bars_change_nothing_told_before(seed: int, data: st.DataObject) -> None:
    columns = random_walk(np.random.default_rng(seed), 400)
    end = data.draw(st.integers(30, 400))
    before = chart_patterns(_market(columns, end), CHART_PATTERNS)
    assert before == [each for each in chart_patterns(_market(columns), CHART_PATTERNS) if each.at < end]


@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=10, deadline=None)
def test_upside_down_tops_are_bottoms(seed: int) -> None:
    market = _market(random_walk(np.random.default_rng(seed), 500))
    names = {**MIRRORED, **{mirrored: name for name, mirrored in MIRRORED.items()}}
    upright = {each for each in chart_patterns(market, CHART_PATTERNS) if each.pattern in names}
    turned = {each for each in chart_patterns(market.mirrored(), CHART_PATTERNS) if each.pattern in names}
    assert {each.mirrored(names[each.pattern]) for each in turned} == upright


@given(columns=walks(min_length=200, max_length=300), power=st.integers(-40, 40))
@settings(max_examples=15, deadline=None)
def test_the_unit_of_price_does_not_matter(columns: Columns, power: int) -> None:
    scaled: Columns = dict(columns)
    for name in ("open", "high", "low", "close"):
        scaled[name] = columns[name] * 2.0**power
    # Below the floor of the average range prices are rounding, not a market.
    if np.nanmin(_market(columns).unit) <= 1e-9 * columns["close"].max() or scaled["close"].max() < 1e-2:
        return
    found, again = (chart_patterns(_market(each), CHART_PATTERNS) for each in (columns, scaled))
    assert [(each.pattern, each.at, each.quality) for each in again] == [
        (each.pattern, each.at, each.quality) for each in found
    ]


def test_only_what_is_wanted_is_told() -> None:
    market = _market(random_walk(np.random.default_rng(8), 1300))
    every = chart_patterns(market, CHART_PATTERNS)
    for name in CHART_PATTERNS:
        assert chart_patterns(market, {name}) == [each for each in every if each.pattern == name]
    assert chart_patterns(market, ()) == []


@pytest.mark.parametrize("volume", [0.0, math.nan, math.inf])
def test_a_market_without_volume_is_read_by_price_alone(volume: float) -> None:
    columns = random_walk(np.random.default_rng(4), 1000)
    columns["volume"] = np.full(1000, volume)
    found = chart_patterns(_market(columns), CHART_PATTERNS)
    assert found
    assert all(0 <= each.quality <= 1 for each in found)


class TestRates:
    def test_every_pattern_has_them_falling_as_quality_rises(self) -> None:
        for name in CHART_PATTERNS:
            counted = pattern_rates()[name]
            assert len(counted) >= 10
            for (worse, more), (better, fewer) in pairwise(counted):
                assert worse < better
                assert more > fewer > 0

    def test_between_and_beyond_the_counted_ones(self) -> None:
        counted = pattern_rates()["double_top"]
        (low, more), (high, fewer) = counted[3], counted[4]
        assert chance_rate("double_top", low) == pytest.approx(more)
        assert chance_rate("double_top", (low + high) / 2) == pytest.approx(math.sqrt(more * fewer))
        assert chance_rate("double_top", 0.0) == counted[0][1]
        assert chance_rate("double_top", 1.0) == counted[-1][1]

    def test_nothing_is_certain(self) -> None:
        assert confidence("kicking", 0.0) == 0.99
        assert confidence("doji", 0.0) < 1e-6
