"""ml.pattern: which patterns it tells, when, and what it refuses."""

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from tests.support.examples import example_of
from tests.support.planted import planted
from tests.support.random_walks import random_walk
from tests.support.series import Columns, bars_from, columns_from, eurusd_h1
from tests.unit.nodes.indicator.cases import GivenBars
from tradeloom.errors import NotANumber, NotEnoughBars
from tradeloom.nodes.ml._candles import CANDLESTICKS
from tradeloom.nodes.ml._chart_patterns import CHART_PATTERNS
from tradeloom.nodes.ml.pattern import MAX_MATCHES, SETTLING, PatternConfig, PatternMatch, PatternNode, PatternOutput
from tradeloom.trading.bars import MAX_BARS, Bars

ALL = ["chart_patterns", "candlesticks"]


def _run(bars: Bars, **config: Any) -> PatternOutput:
    made = PatternConfig.model_validate({"bars": bars.reference, **config})
    return PatternNode().run(made, GivenBars(bars))


def _key(match: PatternMatch) -> tuple[Any, ...]:
    return match.pattern, match.direction, match.at, match.start, match.strength, match.level


def _drawn(pattern: str, seed: int = 5) -> Columns:
    """A clear formation that its last bar completes."""
    drawn = planted(np.random.default_rng(seed), pattern, 0.03)
    return {name: column[: drawn.end + 1] for name, column in drawn.columns.items()}


class TestWhatIsTold:
    @pytest.mark.parametrize("pattern", ["double_top", "double_bottom", "head_and_shoulders", "ascending_triangle"])
    def test_a_formation_with_its_levels(self, pattern: str) -> None:
        output = _run(bars_from(_drawn(pattern)), scan_bars=15, patterns=[pattern], max_length=120)
        assert output.detected
        assert (output.pattern, output.count) == (pattern, len(output.matches))
        best = output.matches[0]
        way = 1 if pattern in ("double_bottom", "ascending_triangle") else -1
        assert output.direction == best.direction == ("bullish" if way == 1 else "bearish")
        assert (output.confidence, output.at) == (best.confidence, best.at)
        assert best.kind == "chart"
        assert best.confidence > 0.8
        assert best.level is not None
        assert best.target is not None
        assert best.invalidation is not None
        assert way * (best.target - best.level) > 0 > way * (best.invalidation - best.level)
        assert best.points[0].time == best.start < best.at <= output.time
        assert best.strength is None

    def test_nothing(self) -> None:
        output = _run(bars_from(columns_from(np.full(400, 1.1))), patterns=["chart_patterns"], scan_bars=50)
        assert not output.detected
        assert (output.pattern, output.direction, output.confidence, output.at) == (None, "none", 0.0, None)
        assert (output.matches, output.count) == ([], 0)

    def test_a_candlestick(self) -> None:
        columns = columns_from(np.linspace(1.2, 1.1, 60))
        # A wide white candle around a small black one, after a fall.
        for row, (opening, close) in {-2: (1.1010, 1.1000), -1: (1.0990, 1.1030)}.items():
            columns["open"][row], columns["close"][row] = opening, close
            columns["high"][row], columns["low"][row] = max(opening, close), min(opening, close)
        output = _run(bars_from(columns), patterns=["engulfing"])
        (match,) = output.matches
        assert (match.pattern, match.kind, match.direction, match.strength) == (
            "engulfing",
            "candlestick",
            "bullish",
            100,
        )
        assert match.at - match.start == timedelta(hours=1)
        assert match.at == output.time
        assert match.age_bars == 0
        assert (match.quality, match.level, match.target, match.invalidation, match.points) == (None,) * 4 + ([],)

    def test_a_doji_says_no_direction(self) -> None:
        columns = random_walk(np.random.default_rng(2), 100)
        columns["open"][-1] = columns["close"][-1]
        output = _run(bars_from(columns), patterns=["doji"])
        assert output.direction == "neutral"
        assert output.matches[0].strength == 100

    def test_all_of_a_kind_is_each_by_name(self) -> None:
        bars = bars_from(random_walk(np.random.default_rng(7), 1200))
        by_group = _run(bars, patterns=ALL, scan_bars=40)
        by_name = _run(bars, patterns=[*CANDLESTICKS, *CHART_PATTERNS, "doji"], scan_bars=40)
        assert by_group == by_name
        assert {match.kind for match in by_group.matches} == {"chart", "candlestick"}

    def test_best_first_and_capped(self) -> None:
        output = _run(bars_from(random_walk(np.random.default_rng(7), 1200)), patterns=ALL, scan_bars=500)
        assert output.count > MAX_MATCHES == len(output.matches)
        order = [(-match.confidence, match.age_bars) for match in output.matches]
        assert order == sorted(order)

    def test_filters(self) -> None:
        bars = bars_from(random_walk(np.random.default_rng(7), 1200))
        every = _run(bars, patterns=ALL, scan_bars=60).matches
        sure = _run(bars, patterns=ALL, scan_bars=60, min_confidence=0.3).matches
        falling = _run(bars, patterns=ALL, scan_bars=60, direction="bearish").matches
        assert sure == [match for match in every if match.confidence >= 0.3]
        assert falling == [match for match in every if match.direction == "bearish"]
        assert 0 < len(sure) < len(every)
        assert 0 < len(falling) < len(every)

    def test_penetration(self) -> None:
        bars = bars_from(random_walk(np.random.default_rng(7), 1500))
        deep, shallow = (
            _run(bars, patterns=["dark_cloud_cover"], scan_bars=500, penetration=part).count for part in (0.9, 0.1)
        )
        assert deep < shallow


class TestWhenItIsTold:
    def test_a_forming_bar_is_not_looked_at(self) -> None:
        columns = eurusd_h1()
        closed = bars_from(columns, first=3000, end=3800)
        now = datetime.fromtimestamp(int(columns["time"][3800]) + 60, tz=UTC)
        forming = bars_from(columns, first=2999, end=3801, closed_only=False, to=now)
        assert _run(forming, patterns=ALL, scan_bars=30) == _run(closed, patterns=ALL, scan_bars=30)

    def test_bar_by_bar_tells_what_one_look_back_tells(self) -> None:
        columns = eurusd_h1()
        end, back = 4000, 60
        at_once = _run(bars_from(columns, end=end), scan_bars=back, patterns=ALL)
        one_by_one = {
            _key(match)
            for last in range(end - back + 1, end + 1)
            for match in _run(bars_from(columns, first=end - 1200, end=last), patterns=ALL).matches
        }
        assert at_once.count == len(at_once.matches) == len(one_by_one) > 20
        assert one_by_one == {_key(match) for match in at_once.matches}

    def test_the_start_of_history_does_not_matter(self) -> None:
        columns = eurusd_h1()
        config = {"patterns": ALL, "scan_bars": 100}
        needed = PatternNode.memory(config) + 1
        for end in range(2000, 6000, 500):
            full = _run(bars_from(columns, first=end - 1900, end=end), **config)
            cut = _run(bars_from(columns, first=end - needed, end=end), **config)
            assert cut == full

    def test_ages_count_closed_bars(self) -> None:
        columns = eurusd_h1()
        output = _run(bars_from(columns, end=4000), scan_bars=100, patterns=ALL)
        times = columns["time"][:4000].tolist()
        for match in output.matches:
            assert times[len(times) - 1 - match.age_bars] == match.at.timestamp()


class TestHistoryAskedFor:
    def test_memory(self) -> None:
        chart = PatternNode.memory({"patterns": ["doji", "double_top"], "max_length": 100, "scan_bars": 7})
        assert chart == 6 + 14 + 100 + SETTLING
        assert PatternNode.memory({"patterns": ["doji"], "max_length": 100, "scan_bars": 7}) == 6 + 15
        assert PatternNode.memory({}) == 14 + 150 + SETTLING

    def test_an_expression_counts_as_its_worst(self) -> None:
        worst = PatternNode.memory({"patterns": "= input.names", "max_length": "= 100", "scan_bars": "{{ 1 }}"})
        assert worst == PatternNode.memory({"max_length": 300, "scan_bars": 500}) <= MAX_BARS

    @pytest.mark.parametrize(("patterns", "needed"), [(["doji"], 15), (["double_top"], 164)])
    def test_too_few_bars(self, patterns: list[str], needed: int) -> None:
        columns = random_walk(np.random.default_rng(1), needed)
        _run(bars_from(columns), patterns=patterns)
        with pytest.raises(NotEnoughBars, match=rf"needs {needed} closed bars of EURUSD H1; there are {needed - 1}"):
            _run(bars_from(columns, end=needed - 1), patterns=patterns)

    def test_no_bars_at_all(self) -> None:
        with pytest.raises(NotEnoughBars) as raised:
            _run(bars_from(random_walk(np.random.default_rng(1), 5), end=0))
        assert raised.value.field == "config.bars"


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 1e200])
@pytest.mark.parametrize("column", ["open", "high", "low", "close"])
def test_a_bad_price_is_a_typed_error(bad: float, column: str) -> None:
    columns = random_walk(np.random.default_rng(3), 300)
    columns[column][-7] = bad
    with pytest.raises(NotANumber, match="The bar of 2017-01-14T03:00:00Z") as raised:
        _run(bars_from(columns), patterns=ALL)
    assert raised.value.field == "config.bars"


@pytest.mark.parametrize("scale", [1e-12, 1e-6, 1e6, 1e90])
def test_odd_prices_are_answered(scale: float) -> None:
    columns = random_walk(np.random.default_rng(3), 900)
    for name in ("open", "high", "low", "close"):
        columns[name] = (columns[name] - 1000) * scale
    output = _run(bars_from(columns), patterns=ALL, scan_bars=300)
    assert output.detected


@pytest.mark.parametrize(
    "config",
    [
        {"patterns": []},
        {"patterns": ["cup_and_handle"]},
        {"patterns": "doji"},
        {"scan_bars": 0},
        {"scan_bars": 501},
        {"scan_bars": True},
        {"max_length": 19},
        {"max_length": 301},
        {"min_confidence": float("nan")},
        {"min_confidence": 1.1},
        {"penetration": -0.1},
        {"penetration": float("inf")},
        {"direction": "sideways"},
        {"tolerance": 2},
    ],
)
def test_bad_settings_are_refused(config: dict[str, Any]) -> None:
    reference = bars_from(random_walk(np.random.default_rng(1), 20)).reference
    with pytest.raises(ValidationError):
        PatternConfig.model_validate({"bars": reference, **config})


def test_no_output_field_is_one_an_order_takes_by_name() -> None:
    assert not {*PatternOutput.model_fields, *PatternMatch.model_fields} & {
        *("symbol", "side", "volume", "lots", "size", "price", "stop_loss", "take_profit", "ticket", "account")
    }


def test_the_example_runs() -> None:
    config, _ = example_of(PatternNode)
    assert isinstance(config, PatternConfig)
    output = PatternNode().run(config, GivenBars(_as_asked(config)))
    assert output.time == datetime(2017, 6, 1, 11, tzinfo=UTC)


def _as_asked(config: PatternConfig) -> Bars:
    columns = eurusd_h1()
    end = int(np.searchsorted(columns["time"], config.bars.to.timestamp()))
    bars = bars_from(columns, first=end - config.bars.count - config.bars.warmup, end=end, count=config.bars.count)
    return Bars(config.bars, bars.time, bars.open, bars.high, bars.low, bars.close, bars.volume, bars.spread)
