"""market.history: closed bars, as a reference every later node resolves to the same ones."""

from datetime import UTC, datetime
from typing import Annotated, Any, Literal, TypedDict

from pydantic import AwareDatetime, Field

from tradeloom.errors import MissingInput, NodeConfigError, NotANumber, NotEnoughBars
from tradeloom.nodes.base import Effect, Example, Node, NodeConfig, NodeContext, NodeOutput, Tier, setting
from tradeloom.nodes.market._broker import READ_ERRORS, account_setting, symbol_setting, timeframe_setting
from tradeloom.nodes.market._external import bars_of, data_setting
from tradeloom.nodes.market._gaps import Hole, unusual_gaps
from tradeloom.trading.bars import MAX_BARS, Bar, BarsReference
from tradeloom.trading.timeframes import Timeframe

NAMED_GAPS = 20
"""Most gaps named in an output, the latest ones, so that a patchy series does not flood it."""

Gap = TypedDict(
    "Gap",
    {
        "from": Annotated[AwareDatetime, Field(description="When the first missing bar was due.")],
        "to": Annotated[AwareDatetime, Field(description="When the next bar opened.")],
        "bars_missing": Annotated[int, Field(description="How many bars of the timeframe would have fitted.")],
    },
)


class HistoryConfig(NodeConfig):
    symbol: str = symbol_setting()
    timeframe: Timeframe = timeframe_setting("Length of a bar, from a minute (M1) to a month (MN1).")
    count: int = setting(
        200, title="Bars", help="How many bars you want.", unit="bars", widget="number", ge=1, le=MAX_BARS
    )
    closed_only: bool = setting(
        True,
        title="Closed bars only",
        help="Leave the forming bar out. Its values change until it closes, and a backtest cannot see them.",
        widget="toggle",
        advanced=True,
    )
    source: Literal["mt5", "input"] = setting(
        "mt5",
        title="Source",
        help="mt5 asks the broker; input takes the bars another node fetched, and checks them.",
        widget="select",
        static=True,
    )
    data: Any = data_setting("The bars", "= nodes.http.body")
    account: str | None = account_setting()


class HistoryOutput(NodeOutput):
    bars: BarsReference = Field(description="The bars, by reference: what indicators take as their input.")
    last: Bar = Field(description="The latest bar: time, open, high, low, close, volume, spread.")
    symbol: str = Field(description="The instrument.")
    timeframe: Timeframe = Field(description="Length of a bar.")
    count: int = Field(description="How many bars there are, as asked for.")
    gaps: list[Gap] = Field(
        description="Pauses longer than this market usually makes, oldest first; the latest 20 when there are more."
    )
    gap_count: int = Field(description="How many such pauses there are in all.")


class History(Node):
    type = "market.history"
    title = "Price history"
    description = "The last closed bars of a symbol: open, high, low, close, volume and spread."
    help = (
        "Gives the bars that were closed when the execution was triggered, so every node behind it, and a retry an "
        "hour later, sees exactly the same ones. Prices are bids.\n\n"
        "`gaps` names the holes: pauses longer than this market usually makes, learned from the bars themselves, so "
        "ordinary nights and weekends are not listed and a holiday or missing data is. Indicators get as many bars "
        "before yours as they need; you ask only for those you want to look at. Bars and those before them together "
        "are at most 5,000.\n\n"
        "With the source input, the bars come from elsewhere, by an HTTP request or a database query in front (data: "
        "`= nodes.query.rows`): a list (or an object with it under `bars`) of objects with `time` (the opening; RFC "
        "3339 with an offset, or seconds since 1970), `open`, `high`, `low`, `close`, and if you like `volume` and "
        "`spread` in points; oldest first. Times that do not ascend or are nearer together than the timeframe, prices "
        "that are none, and an open or close "
        "outside low and high are errors that name the row. Bars that were not closed when the execution was triggered "
        "are left out, and the bars are kept, so a retry sees the same. Give a few more than you ask for: those before "
        "yours warm the indicators up."
    )
    icon = "chart-candlestick"
    tier = Tier.BASIC
    effects = frozenset({Effect.READS_MARKET})
    errors = (NotEnoughBars, MissingInput, NodeConfigError, NotANumber, *READ_ERRORS)
    example = Example(
        title="The last 200 closed hours of EURUSD", config={"symbol": "EURUSD", "timeframe": "H1", "count": 200}
    )
    Config = HistoryConfig
    Output = HistoryOutput

    def run(self, config: HistoryConfig, context: NodeContext) -> HistoryOutput:
        warmup = min(context.warmup_bars, MAX_BARS - config.count)
        if warmup < context.warmup_bars:
            context.log(
                f"indicators behind this node want {context.warmup_bars} bars before the {config.count} asked for; "
                f"they get {warmup}, as {MAX_BARS} is the most",
                level="warning",
            )
        reference = BarsReference(
            account=_account(config, context),
            symbol=config.symbol,
            timeframe=config.timeframe,
            to=context.as_of,
            count=config.count,
            warmup=warmup,
            closed_only=config.closed_only,
        )
        if config.source == "input":
            content = context.keep_bars(bars_of(config.data, reference))
            reference = reference.model_copy(update={"source": "kept", "content": content})
        bars = context.bars(reference)
        if len(bars) < config.count:
            raise NotEnoughBars(
                f"the broker has {len(bars)} bars of {config.symbol} {config.timeframe}; {config.count} were asked for",
                field="config.count",
            )
        holes = unusual_gaps(bars.time, config.timeframe)
        if holes:
            context.log(f"{len(holes)} gaps in the history of {config.symbol} {config.timeframe}", level="warning")
        return HistoryOutput(
            bars=reference,
            last=bars.bar(-1),
            symbol=config.symbol,
            timeframe=config.timeframe,
            count=config.count,
            gaps=[_named(hole) for hole in holes[-NAMED_GAPS:]],
            gap_count=len(holes),
        )


def _account(config: HistoryConfig, context: NodeContext) -> str:
    """The account the bars stand for; it is asked for them only where they are its own."""
    if config.source == "input":
        return config.account or context.account
    return context.broker(config.account).account_name


def _named(hole: Hole) -> Gap:
    start, end = datetime.fromtimestamp(hole.start, tz=UTC), datetime.fromtimestamp(hole.end, tz=UTC)
    return {"from": start, "to": end, "bars_missing": hole.bars_missing}
