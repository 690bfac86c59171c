"""ml.pattern: candlestick patterns and chart formations, with how likely chance would have drawn them."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal

from pydantic import AwareDatetime, Field

from tradeloom.errors import BrokerTimeout, BrokerUnavailable, NotANumber, NotEnoughBars
from tradeloom.nodes.base import Effect, Example, Node, NodeConfig, NodeContext, NodeOutput, input_setting, setting
from tradeloom.nodes.indicator._base import EXAMPLE_BARS
from tradeloom.nodes.indicator._memory import worst_case
from tradeloom.nodes.market._broker import last_is_forming
from tradeloom.nodes.ml._candles import CANDLESTICKS, LOOKBACK, candlesticks
from tradeloom.nodes.ml._chart_patterns import CHART_PATTERNS, MAX_LENGTH, chart_patterns
from tradeloom.nodes.ml._formations import Formation, Market
from tradeloom.nodes.ml._pattern_rates import confidence
from tradeloom.nodes.ml._swings import ATR_PERIOD
from tradeloom.trading.bars import MAX_BARS, BarsReference

if TYPE_CHECKING:
    from tradeloom.trading.bars import Bars

ALL_CANDLESTICKS = "candlesticks"
ALL_CHART_PATTERNS = "chart_patterns"
GROUPS: Mapping[str, tuple[str, ...]] = {
    ALL_CHART_PATTERNS: CHART_PATTERNS,
    ALL_CANDLESTICKS: tuple(CANDLESTICKS),
}
PatternName = Literal[(*GROUPS, *CHART_PATTERNS, *CANDLESTICKS)]  # type: ignore[valid-type]

SETTLING = 300
"""Bars before the longest formation after which the swings no longer depend on where history began."""

MAX_MATCHES = 200
LARGEST_PRICE = 1e100
"""Past it sums of prices may overflow a double."""

Direction = Literal["bullish", "bearish", "neutral"]


class PatternConfig(NodeConfig):
    bars: BarsReference = input_setting(
        title="Bars",
        help="The bars to look at: the `bars` output of a Price history node.",
        examples=["= nodes.history.bars"],
    )
    patterns: list[PatternName] = setting(
        [ALL_CHART_PATTERNS],
        title="Patterns",
        help="What to look for: names of patterns, or `chart_patterns` and `candlesticks` for all of a kind.",
        examples=[["double_bottom", "inverse_head_and_shoulders"], ["candlesticks"]],
        min_length=1,
        max_length=len(CHART_PATTERNS) + len(CANDLESTICKS) + len(GROUPS),
    )
    scan_bars: int = setting(
        1,
        title="Completed within",
        help="How many of the last closed bars a pattern may have been completed in; 1 is the last one only, so that "
        "each pattern is told once.",
        unit="bars",
        widget="number",
        ge=1,
        le=500,
        advanced=True,
    )
    max_length: int = setting(
        150,
        title="Longest formation",
        help="Most bars a chart formation may span, from its first turning point to the bar that completes it.",
        unit="bars",
        widget="number",
        ge=20,
        le=MAX_LENGTH,
    )
    min_confidence: float = setting(
        0.0,
        title="Least confidence",
        help="Patterns below it are left out. See the help for what it means.",
        widget="slider",
        ge=0,
        le=1,
    )
    direction: Literal["any", "bullish", "bearish"] = setting(
        "any", title="Direction", help="Only patterns that point this way; any includes neutral ones.", widget="select"
    )
    penetration: float | None = setting(
        None,
        title="Penetration",
        help="How far a candle must reach into the one before, as a part of its body, for the patterns that ask it "
        "(abandoned baby, dark cloud cover, evening and morning star with or without doji, mat hold). Left empty, "
        "TA-Lib's own: 0.5 for dark cloud cover and mat hold, 0.3 for the others.",
        widget="number",
        ge=0,
        le=1,
        advanced=True,
    )


class Point(NodeOutput):
    time: AwareDatetime = Field(description="Opening time of the bar.")
    price: float = Field(description="The price there.")


class PatternMatch(NodeOutput):
    pattern: str = Field(description="The pattern's name, such as double_top or morning_star.")
    kind: Literal["candlestick", "chart"] = Field(description="A candlestick pattern or a chart formation.")
    direction: Direction = Field(description="Where it points; neutral where the pattern itself says nothing of it.")
    confidence: float = Field(
        description="Chance that 1,000 bars of a random walk show none of this kind as good.", ge=0, le=1
    )
    at: AwareDatetime = Field(description="Opening time of the bar whose close completed it.")
    age_bars: int = Field(description="How many closed bars ago that was; 0 is the last closed bar.", ge=0)
    start: AwareDatetime = Field(description="Opening time of its first bar, or of its first turning point.")
    quality: float | None = Field(
        description="How well formed it is, by symmetry, fit and volume; null for candlesticks.", ge=0, le=1
    )
    strength: int | None = Field(
        description="TA-Lib's own number for a candlestick, sign included: 100, 80 where it only just qualifies, 200 "
        "where a hikkake is confirmed; null for formations."
    )
    level: float | None = Field(
        description="The neckline or boundary the close broke, at that bar; null for candlesticks."
    )
    target: float | None = Field(description="The measured move: the formation's height beyond the level, or null.")
    invalidation: float | None = Field(description="The price that would prove the formation wrong, or null.")
    points: list[Point] = Field(description="The turning points of a formation, oldest first.", max_length=8)


class PatternOutput(NodeOutput):
    detected: bool = Field(description="Whether anything was found.")
    pattern: str | None = Field(description="The best match's pattern, or null.")
    direction: Literal["bullish", "bearish", "neutral", "none"] = Field(
        description="The best match's direction; none where nothing was found."
    )
    confidence: float = Field(description="The best match's confidence; 0 where nothing was found.", ge=0, le=1)
    at: AwareDatetime | None = Field(description="Opening time of the bar that completed the best match, or null.")
    matches: list[PatternMatch] = Field(
        description=f"Everything found, most confident first, then newest; at most {MAX_MATCHES}.",
        max_length=MAX_MATCHES,
    )
    count: int = Field(description="How many were found, also those beyond the list's end.", ge=0)
    time: AwareDatetime = Field(description="Opening time of the last closed bar, the newest one looked at.")


class PatternNode(Node):
    type = "ml.pattern"
    title = "Chart patterns"
    description = "Finds candlestick patterns and chart formations, and says how likely mere chance draws them."
    help = (
        "Looks for TA-Lib's 61 candlestick patterns and for nine chart formations: double top and bottom, head and "
        "shoulders and its inverse, ascending, descending and symmetrical triangles, bull and bear flags. A pattern is "
        "told at the closed bar that completes it, for a formation the one whose close breaks its neckline or boundary "
        "by a quarter of the average range; nothing is ever told early, taken back or redrawn. A forming bar is not "
        "looked at.\n\n"
        "`confidence` is counted, not felt: it is the chance that 1,000 bars of a random walk show *none* of that kind "
        "as good (3 million bars were counted). At 0.9 chance draws one such pattern in about 9,500 bars, at 0.5 one "
        "in 1,440, at 0.1 one in 430; a doji or an engulfing pattern is so common that its confidence is near 0. It "
        "says that a pattern is there, not that it will pay: test that on your market. Markets that gap (stocks) show "
        "gap patterns more often than this count, which has the small gaps of currencies.\n\n"
        "For a formation, `level` is the line that broke, `target` the measured move and `invalidation` the price that "
        "proves it wrong. They are suggestions for your own rules: size and stops stay with the order and risk nodes. "
        "In tests 87 to 100 % of the formations drawn into mild noise are found and 44 to 93 % of those in loud noise. "
        "Real currencies show formations about as often as random walks do. docs/ml.md has all figures."
    )
    icon = "shapes"
    effects = frozenset({Effect.READS_MARKET})
    errors = (NotEnoughBars, NotANumber, BrokerUnavailable, BrokerTimeout)
    example = Example(
        title="Reversals of the last five bars",
        config={
            "patterns": ["double_top", "double_bottom", "head_and_shoulders", "inverse_head_and_shoulders"],
            "scan_bars": 5,
            "min_confidence": 0.2,
        },
        inputs={"market.history": {"bars": EXAMPLE_BARS}},
    )
    Config = PatternConfig
    Output = PatternOutput

    @classmethod
    def memory(cls, config: Mapping[str, Any]) -> int:
        values, known = worst_case(PatternConfig, config)
        patterns = values["patterns"]
        charts = not isinstance(patterns, list) or any(name not in CANDLESTICKS for name in patterns)
        before = int(values["scan_bars"]) - 1 + _history(charts, int(values["max_length"]))
        return before if known else min(before, MAX_BARS)

    def run(self, config: PatternConfig, context: NodeContext) -> PatternOutput:
        bars = context.bars(config.bars)
        end = len(bars) - last_is_forming(bars) if len(bars) else 0
        wanted = _wanted(config)
        charts = [name for name in wanted if name in CHART_PATTERNS]
        _require(bars, end, config.scan_bars - 1 + _needed(bool(charts), config.max_length))
        # Always as many bars as `memory` says, however many came: the answer must not depend on the nodes around.
        first = max(0, end - config.scan_bars - _history(bool(charts), config.max_length))
        found = [*_formations(bars, first, end, charts, config), *_candles(bars, first, end, wanted, config)]
        kept = [match for match in found if _asked_for(match, config)]
        kept.sort(key=lambda match: (-match.confidence, match.age_bars, match.pattern))
        best = kept[0] if kept else None
        return PatternOutput(
            detected=bool(kept),
            pattern=best.pattern if best else None,
            direction=best.direction if best else "none",
            confidence=best.confidence if best else 0.0,
            at=best.at if best else None,
            matches=kept[:MAX_MATCHES],
            count=len(kept),
            time=_opening(bars, end - 1),
        )


def _wanted(config: PatternConfig) -> list[str]:
    """The patterns' own names, each once, in the order of the lists."""
    asked = {each for name in config.patterns for each in GROUPS.get(name, (name,))}
    return [name for group in GROUPS.values() for name in group if name in asked]


def _needed(charts: bool, max_length: int) -> int:
    """Fewest bars that let the answer "nothing there" be given."""
    return ATR_PERIOD + max_length if charts else LOOKBACK + 1


def _history(charts: bool, max_length: int) -> int:
    """Bars looked at before the first of the scanned ones."""
    return ATR_PERIOD + max_length + SETTLING if charts else LOOKBACK + 1


def _require(bars: "Bars", end: int, needed: int) -> None:
    import numpy as np

    if end < needed:
        raise NotEnoughBars(
            f"Chart patterns needs {needed} closed bars of {bars.reference.symbol} {bars.reference.timeframe}; "
            f"there are {end}.",
            field="config.bars",
            hint="Ask for more bars, shorten the longest formation, or scan fewer bars.",
        )
    prices = np.stack([bars.open[:end], bars.high[:end], bars.low[:end], bars.close[:end]])
    # A comparison with NaN is false, so that this finds it as well.
    unsound = ~(np.abs(prices) <= LARGEST_PRICE).all(axis=0)
    if unsound.any():
        opening = _opening(bars, int(unsound.argmax()))
        raise NotANumber(
            f"The bar of {opening:%Y-%m-%dT%H:%M:%SZ} holds a price that is no number or far too large.",
            field="config.bars",
        )


def _formations(bars: "Bars", first: int, end: int, wanted: list[str], config: PatternConfig) -> Iterator[PatternMatch]:
    if not wanted:
        return
    market = Market.of(bars, first, end)
    for formation in chart_patterns(market, wanted, config.max_length):
        age = len(market) - 1 - formation.at
        if age < config.scan_bars:
            yield _as_match(formation, bars, first, age)


def _as_match(formation: Formation, bars: "Bars", first: int, age: int) -> PatternMatch:
    return PatternMatch(
        pattern=formation.pattern,
        kind="chart",
        direction="bullish" if formation.bullish else "bearish",
        confidence=confidence(formation.pattern, formation.quality),
        at=_opening(bars, first + formation.at),
        age_bars=age,
        start=_opening(bars, first + formation.start),
        quality=formation.quality,
        strength=None,
        level=formation.level,
        target=formation.target,
        invalidation=formation.invalidation,
        points=[Point(time=_opening(bars, first + row), price=price) for row, price in formation.points],
    )


def _candles(bars: "Bars", first: int, end: int, wanted: list[str], config: PatternConfig) -> Iterator[PatternMatch]:
    for name in wanted:
        pattern = CANDLESTICKS.get(name)
        if pattern is None:
            continue
        for at, strength in candlesticks(bars, name, first, end, config.penetration):
            age = end - 1 - at
            if age >= config.scan_bars:
                continue
            sign: Direction = "bullish" if strength > 0 else "bearish"
            yield PatternMatch(
                pattern=name,
                kind="candlestick",
                direction=sign if pattern.directed else "neutral",
                confidence=confidence(name, 0.0),
                at=_opening(bars, at),
                age_bars=age,
                start=_opening(bars, max(0, at - pattern.bars + 1)),
                quality=None,
                strength=strength,
                level=None,
                target=None,
                invalidation=None,
                points=[],
            )


def _asked_for(match: PatternMatch, config: PatternConfig) -> bool:
    return match.confidence >= config.min_confidence and config.direction in ("any", match.direction)


def _opening(bars: "Bars", position: int) -> datetime:
    return datetime.fromtimestamp(int(bars.time[position]), tz=UTC)
