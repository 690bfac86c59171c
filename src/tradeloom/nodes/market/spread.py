"""market.spread: what trading costs right now, and whether that is too much."""

from typing import Literal, Self

from pydantic import AwareDatetime, Field, model_validator

from tradeloom.errors import NotANumber, NotEnoughBars, StalePrice
from tradeloom.nodes.base import Effect, Emit, Example, Node, NodeConfig, NodeContext, NodeOutput, Port, Tier, setting
from tradeloom.nodes.market._broker import (
    READ_ERRORS,
    account_setting,
    fresh_quote,
    max_age_setting,
    symbol_setting,
)
from tradeloom.trading.bars import BarsReference
from tradeloom.trading.exact import exact
from tradeloom.trading.timeframes import Timeframe

_RELATIVE = {"compare": ["average"]}


class SpreadConfig(NodeConfig):
    symbol: str = symbol_setting()
    compare: Literal["fixed", "average"] = setting(
        "fixed",
        title="Compare with",
        help="A spread you name, or what the symbol's bars have shown lately.",
        widget="select",
    )
    maximum: float = setting(
        3.0,
        title="Most",
        help="The widest spread to go on with.",
        widget="number",
        show_if={"compare": ["fixed"]},
        gt=0,
        le=1e9,
    )
    unit: Literal["pips", "points", "percent"] = setting(
        "pips",
        title="In",
        help="Pips, points (the symbol's smallest unit), or percent of the price.",
        widget="select",
        show_if={"compare": ["fixed"]},
    )
    times: float = setting(
        2.0,
        title="Times the average",
        help="The widest spread to go on with, as a multiple of the average.",
        widget="number",
        show_if=_RELATIVE,
        ge=1,
        le=1_000,
    )
    timeframe: Timeframe = setting(
        Timeframe.H1, title="Bars of", help="Whose spreads are averaged.", widget="select", show_if=_RELATIVE
    )
    bars: int = setting(
        24, title="Bars", help="How many of the last closed ones.", widget="number", show_if=_RELATIVE, ge=1, le=1_000
    )
    max_age_s: float = max_age_setting()
    account: str | None = account_setting()

    @model_validator(mode="after")
    def _sound(self) -> Self:
        if self.compare == "fixed" and self.unit == "percent" and self.maximum >= 100:
            raise ValueError("a spread of 100 percent of the price or more allows everything")
        return self


class SpreadOutput(NodeOutput):
    spread: float = Field(description="Ask minus bid, in points.")
    spread_pips: float = Field(description="The same in pips.")
    spread_pct: float = Field(description="The same in percent of the middle price.")
    average: float | None = Field(description="Average spread of the bars, in points; null when not asked for.")
    ratio: float = Field(description="The spread over the most allowed: above 1 is too wide.")
    bid: float = Field(description="What you sell at.")
    ask: float = Field(description="What you buy at.")
    timestamp: AwareDatetime = Field(description="When the quote was made, UTC.")


class SpreadNode(Node):
    type = "market.spread"
    title = "Spread guard"
    description = "Goes on only while the spread is narrow enough, absolutely or against its own average."
    help = (
        "The spread is what a trade costs the moment it is opened; around news and the rollover it can be many times "
        "what it was. Name the widest you accept, or let the node compare with the average its bars have shown: "
        "MetaTrader keeps a spread with each bar, the smallest seen in it, so twice the average is already wide.\n\n"
        "Exactly the most allowed still passes. A quote that is too old is an error, not a narrow spread: the last "
        "prices of a closed market often stand close together. Where bars show no spread at all the average cannot be "
        "used, and the node says so."
    )
    icon = "unfold-horizontal"
    tier = Tier.BASIC
    effects = frozenset({Effect.READS_MARKET})
    ports = (Port("ok", "Narrow enough"), Port("wide", "Too wide"))
    errors = (StalePrice, NotANumber, NotEnoughBars, *READ_ERRORS)
    example = Example(title="At most 2 pips", config={"symbol": "EURUSD", "maximum": 2, "unit": "pips"})
    Config = SpreadConfig
    Output = SpreadOutput

    def run(self, config: SpreadConfig, context: NodeContext) -> Emit:
        broker = context.broker(config.account)
        tick, _ = fresh_quote(broker, config.symbol, config.max_age_s)
        facts = broker.symbol(config.symbol)
        bid, ask = exact(tick.bid), exact(tick.ask)
        points = (ask - bid) / facts.point
        pips, share = (ask - bid) / facts.pip, 200 * (ask - bid) / (ask + bid)
        if points < 0:
            raise NotANumber(f"the quote of {config.symbol} is crossed: bid {bid}, ask {ask}")
        average = _average(config, context, broker.account_name) if config.compare == "average" else None
        if average is not None:
            ratio = float(points) / (average * config.times)
        else:
            ratio = float({"points": points, "pips": pips, "percent": share}[config.unit] / exact(config.maximum))
        output = SpreadOutput(
            spread=float(points),
            spread_pips=float(pips),
            spread_pct=float(share),
            average=average,
            ratio=ratio,
            bid=tick.bid,
            ask=tick.ask,
            timestamp=tick.time,
        )
        return Emit("ok" if ratio <= 1 else "wide", output)


def _average(config: SpreadConfig, context: NodeContext, account: str) -> float:
    """The mean spread of the last closed bars in points. Raises `NotANumber` where they show none."""
    reference = BarsReference(
        account=account, symbol=config.symbol, timeframe=config.timeframe, to=context.as_of, count=config.bars
    )
    spreads = context.bars(reference).spread[-config.bars :]
    average = float(spreads.mean()) if len(spreads) else 0.0
    if not average > 0:
        raise NotANumber(
            f"the bars of {config.symbol} {config.timeframe} show no spread to compare with",
            field="config.compare",
            hint="compare with a fixed spread",
        )
    return average
