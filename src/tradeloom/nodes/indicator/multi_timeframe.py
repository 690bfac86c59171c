"""indicator.multi_timeframe: one indicator on several timeframes, and whether they agree."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Literal, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from tradeloom.errors import NotANumber, NotEnoughBars
from tradeloom.nodes.base import Effect, Example, Node, NodeConfig, NodeContext, NodeOutput, Tier, setting
from tradeloom.nodes.indicator._base import IndicatorNode, require_prices, sides
from tradeloom.nodes.indicator.adx import Adx
from tradeloom.nodes.indicator.ma import MovingAverage
from tradeloom.nodes.indicator.macd import Macd
from tradeloom.nodes.indicator.rsi import Rsi
from tradeloom.nodes.indicator.supertrend import Supertrend
from tradeloom.nodes.market._broker import READ_ERRORS, account_setting, symbol_setting
from tradeloom.trading.bars import MAX_BARS, BarsReference
from tradeloom.trading.timeframes import Timeframe

if TYPE_CHECKING:
    from tradeloom.nodes.indicator._base import Columns
    from tradeloom.trading.bars import Bars

Trend = Literal["up", "down", "flat"]
Judged = Literal["price_vs_average", "average_slope", "rsi", "macd", "adx", "supertrend"]

AVERAGES = ["price_vs_average", "average_slope"]
USUAL_PERIOD: Mapping[str, int] = {
    "price_vs_average": 50,
    "average_slope": 50,
    "rsi": 14,
    "adx": 14,
    "supertrend": 10,
}
MOST_TIMEFRAMES = 6


class MultiTimeframeConfig(NodeConfig):
    symbol: str = symbol_setting()
    timeframes: list[Timeframe] = setting(
        (Timeframe.M15, Timeframe.H1, Timeframe.H4),
        title="Timeframes",
        help="Two to six different ones, each judged on its own closed bars.",
        widget="text",
        examples=[["M15", "H1", "H4"]],
        min_length=2,
        max_length=MOST_TIMEFRAMES,
    )
    indicator: Judged = setting(
        "price_vs_average",
        title="Trend by",
        help="What makes a timeframe's trend: the close above or below its average, the average rising or falling, "
        "RSI beyond its levels, MACD's histogram above or below zero, the larger DI while ADX is strong enough, or "
        "Supertrend's direction.",
        widget="select",
    )
    period: int | None = setting(
        None,
        title="Period",
        help="The indicator's period on every timeframe; the usual one when left empty: 50 for averages, 14 for RSI "
        "and ADX, 10 for Supertrend.",
        unit="bars",
        widget="number",
        show_if={"indicator": list(USUAL_PERIOD)},
        ge=2,
        le=1000,
    )
    kind: Literal["SMA", "EMA", "WMA"] = setting(
        "EMA", title="Kind", help="The kind of average.", widget="select", show_if={"indicator": AVERAGES}
    )
    up_from: float = setting(
        50.0,
        title="Up above",
        help="RSI above this is an uptrend.",
        widget="number",
        show_if={"indicator": ["rsi"]},
        ge=0,
        le=100,
    )
    down_from: float = setting(
        50.0,
        title="Down below",
        help="RSI below this is a downtrend; between the two levels it is flat.",
        widget="number",
        show_if={"indicator": ["rsi"]},
        ge=0,
        le=100,
    )
    threshold: float = setting(
        25.0,
        title="Trend from",
        help="ADX below this is flat.",
        widget="number",
        show_if={"indicator": ["adx"]},
        ge=0,
        le=100,
    )
    multiplier: float = setting(
        3.0,
        title="Multiplier",
        help="How many average true ranges Supertrend's line keeps away.",
        widget="number",
        show_if={"indicator": ["supertrend"]},
        gt=0,
        le=100,
    )
    account: str | None = account_setting()

    @model_validator(mode="after")
    def _sound(self) -> Self:
        if len(set(self.timeframes)) < len(self.timeframes):
            raise ValueError("each timeframe must be named once only")
        if self.down_from > self.up_from:
            raise ValueError(f"down below ({self.down_from:g}) must not be above up above ({self.up_from:g})")
        return self


class Reading(BaseModel):
    """One timeframe's answer."""

    model_config = ConfigDict(frozen=True, allow_inf_nan=False)

    trend: Trend = Field(description="The timeframe's trend.")
    value: float = Field(description="The average, RSI, MACD's histogram, ADX or Supertrend's line.")
    previous: float = Field(description="The value one bar earlier.")
    price: float = Field(description="The close of the timeframe's last closed bar.")
    time: AwareDatetime = Field(description="When that bar opened.")


class MultiTimeframeOutput(NodeOutput):
    agreement: Literal["all_up", "all_down", "mixed"] = Field(
        description="Whether every timeframe says the same; one that is flat makes it mixed."
    )
    up: int = Field(description="How many timeframes trend up.")
    down: int = Field(description="How many trend down.")
    flat: int = Field(description="How many do neither.")
    score: float = Field(description="(up - down) / number of timeframes: 1 all up, -1 all down.")
    readings: dict[str, Reading] = Field(description="Each timeframe's trend, value, previous, price and time by name.")
    symbol: str = Field(description="The instrument.")


class MultiTimeframe(Node):
    type = "indicator.multi_timeframe"
    title = "Multi-timeframe trend"
    description = "One indicator on several timeframes of a symbol, and whether their trends agree."
    help = (
        "Judges the trend of each timeframe in the same way and tells whether they agree: trade a pullback on M15 only "
        'while H1 and H4 say the same (`= nodes.multi_timeframe.agreement == "all_up"`, or one of them, '
        '`= nodes.multi_timeframe.readings.H4.trend == "up"`).\n\n'
        "The node fetches its own bars, with all the history the indicator needs, and only bars that were closed when "
        "the execution was triggered. At 10:40 the H4 reading is that of the bar which closed at 08:00: the one that "
        "is still forming never shows, so a backtest and a live run read the same. `time` says which bar it was."
    )
    icon = "layers-2"
    tier = Tier.PRO
    effects = frozenset({Effect.READS_MARKET})
    errors = (NotEnoughBars, NotANumber, *READ_ERRORS)
    timeout_s = 30
    example = Example(
        title="Price against its 50-bar average on three timeframes",
        config={
            "symbol": "EURUSD",
            "timeframes": ["H1", "H4", "D1"],
            "indicator": "price_vs_average",
            "period": 50,
            "kind": "SMA",
        },
    )
    Config = MultiTimeframeConfig
    Output = MultiTimeframeOutput

    def run(self, config: MultiTimeframeConfig, context: NodeContext) -> MultiTimeframeOutput:
        account = context.broker(config.account).account_name
        readings = {frame.value: _reading(config, frame, account, context) for frame in config.timeframes}
        trends = [reading.trend for reading in readings.values()]
        up, down = trends.count("up"), trends.count("down")
        return MultiTimeframeOutput(
            agreement="all_up" if up == len(trends) else "all_down" if down == len(trends) else "mixed",
            up=up,
            down=down,
            flat=len(trends) - up - down,
            score=(up - down) / len(trends),
            readings=readings,
            symbol=config.symbol,
        )


def _reading(config: MultiTimeframeConfig, timeframe: Timeframe, account: str, context: NodeContext) -> Reading:
    from datetime import UTC, datetime

    import numpy as np

    node, settings, judge = _judged(config)
    probe = BarsReference(account=account, symbol=config.symbol, timeframe=timeframe, to=context.as_of, count=1)
    needed = node.bars_needed(node.Config.model_validate({"bars": probe, **settings}))
    warmup = min(node.memory(settings), MAX_BARS - needed)
    reference = probe.model_copy(update={"count": needed, "warmup": warmup})
    try:
        bars = context.bars(reference)
    except NotEnoughBars as error:
        error.field = error.field or "config.timeframes"
        error.hint = error.hint or f"leave {timeframe} out, or shorten the period"
        raise
    if len(bars) < needed + warmup:
        context.log(
            f"{config.symbol} {timeframe} has {len(bars)} closed bars; its start shows in the value until there are "
            f"{needed + warmup}",
            level="warning",
        )
    require_prices(bars)
    columns = node.columns(node.Config.model_validate({"bars": reference, **settings}), bars)
    value, side = judge(columns, bars)
    latest = value[-2:]
    if not np.isfinite(latest).all():
        raise NotANumber(f"{config.symbol} {timeframe} has no number for {config.indicator}", field="config.timeframes")
    return Reading(
        trend="up" if side > 0 else "down" if side < 0 else "flat",
        value=float(latest[1]),
        previous=float(latest[0]),
        price=float(bars.close[-1]),
        time=datetime.fromtimestamp(int(bars.time[-1]), tz=UTC),
    )


type _Judge = Callable[["Columns", "Bars"], tuple[Any, float]]
"""From an indicator's columns: the column that is the value, and the side of the trend (1, 0 or -1)."""


def _judged(config: MultiTimeframeConfig) -> tuple[type[IndicatorNode], dict[str, Any], _Judge]:
    """The node that computes, its settings, and how its columns are read."""
    period = config.period or USUAL_PERIOD.get(config.indicator)
    match config.indicator:
        case "price_vs_average":
            return MovingAverage, {"period": period, "kind": config.kind}, _price_beyond
        case "average_slope":
            return MovingAverage, {"period": period, "kind": config.kind}, _trend_of(MovingAverage, "trend", "value")
        case "rsi":
            return Rsi, {"period": period}, lambda columns, _: (columns["value"], _level_side(config, columns))
        case "macd":
            return Macd, {}, lambda columns, bars: (columns["histogram"], sides(columns["histogram"], bars.close)[-1])
        case "adx":
            return Adx, {"period": period, "threshold": config.threshold}, _trend_of(Adx, "trend", "adx")
        case _:
            settings = {"period": period, "multiplier": config.multiplier}
            return Supertrend, settings, _trend_of(Supertrend, "direction", "value")


def _price_beyond(columns: "Columns", bars: "Bars") -> tuple[Any, float]:
    average: Any = columns["value"]
    return average, float(sides(bars.close - average, average)[-1])


def _level_side(config: MultiTimeframeConfig, columns: "Columns") -> float:
    value = columns["value"][-1]
    return 1.0 if value > config.up_from else -1.0 if value < config.down_from else 0.0


def _trend_of(node: type[IndicatorNode], label: str, column: str) -> _Judge:
    """Read the trend from a column of words."""
    words = node.labels()[label]
    side = {"up": 1.0, "down": -1.0}
    return lambda columns, _: (columns[column], side.get(words[int(columns[label][-1])], 0.0))
