"""market.live_price: the quote right now."""

from datetime import timedelta
from typing import Any, Literal

from pydantic import AwareDatetime, Field

from tradeloom.errors import MissingInput, NodeConfigError, NotANumber, NotEnoughBars, StalePrice
from tradeloom.nodes.base import Effect, Example, Node, NodeConfig, NodeContext, NodeOutput, Tier, setting
from tradeloom.nodes.market._broker import (
    READ_ERRORS,
    account_setting,
    fresh_quote,
    last_is_forming,
    max_age_setting,
    symbol_setting,
    timeframe_setting,
)
from tradeloom.nodes.market._external import data_setting, quote_of
from tradeloom.nodes.market._money import spread_points
from tradeloom.trading.bars import Bar, BarsReference
from tradeloom.trading.timeframes import Timeframe


class LivePriceConfig(NodeConfig):
    symbol: str = symbol_setting()
    timeframe: Timeframe = timeframe_setting("Which forming bar to give beside the quote.")
    source: Literal["mt5", "input"] = setting(
        "mt5",
        title="Source",
        help="mt5 asks the broker; input takes the quote another node fetched, and checks it.",
        widget="select",
        static=True,
    )
    data: Any = data_setting("The quote", "= nodes.http.body")
    max_age_s: float = max_age_setting()
    account: str | None = account_setting()


class LivePriceOutput(NodeOutput):
    symbol: str = Field(description="The instrument.")
    bid: float = Field(description="What you sell at.")
    ask: float = Field(description="What you buy at.")
    last: float | None = Field(description="Price of the last trade; null where the venue reports none, as in FX.")
    spread: float = Field(description="ask minus bid, in points.")
    volume: float = Field(description="Volume of the forming bar so far (in ticks where no real volume is known).")
    timestamp: AwareDatetime = Field(description="When the quote was made, UTC.")
    age_s: float = Field(description="Seconds since then by the market's clock.")
    bar: Bar = Field(description="The newest bar of the timeframe: time, open, high, low, close, volume, spread.")
    forming: bool = Field(description="Whether that bar is still open; false between a bar's end and the next tick.")


class LivePrice(Node):
    type = "market.live_price"
    title = "Live price"
    description = "Bid, ask and spread right now, and the bar that is forming."
    help = (
        "Asks the broker for the latest quote. A quote older than `max_age_s` is an error, because the last price of a "
        "closed market looks like any other but nobody deals at it.\n\n"
        "With the source input, the quote comes from outside, mostly by an HTTP request node in front: an object with "
        "`time` (RFC 3339 with an offset, or seconds since 1970), `bid`, `ask` and if you like `last`. It is held to "
        "the same age by the market's clock, and one from its future is an error. `spread` is in points of the "
        "broker's symbol, and `bar` is the broker's as well.\n\n"
        "`bar` is the bar of the timeframe as far as it has come; decisions on closed bars belong behind a Price "
        "history node."
    )
    icon = "radio"
    tier = Tier.BASIC
    effects = frozenset({Effect.READS_MARKET})
    errors = (StalePrice, NotEnoughBars, MissingInput, NodeConfigError, NotANumber, *READ_ERRORS)
    example = Example(title="EURUSD with its forming hour", config={"symbol": "EURUSD", "timeframe": "H1"})
    Config = LivePriceConfig
    Output = LivePriceOutput

    def run(self, config: LivePriceConfig, context: NodeContext) -> LivePriceOutput:
        broker = context.broker(config.account)
        given = quote_of(config.data, config.symbol, broker.market_time()) if config.source == "input" else None
        tick, age_s = fresh_quote(broker, config.symbol, config.max_age_s, given)
        newest = context.bars(
            BarsReference(
                account=broker.account_name,
                symbol=config.symbol,
                timeframe=config.timeframe,
                to=tick.time + timedelta(seconds=age_s),
                count=1,
                closed_only=False,
            )
        )
        bar = newest.bar(-1)
        return LivePriceOutput(
            symbol=config.symbol,
            bid=tick.bid,
            ask=tick.ask,
            last=tick.last,
            spread=spread_points(tick, broker.symbol(config.symbol)),
            volume=bar.volume,
            timestamp=tick.time,
            age_s=age_s,
            bar=bar,
            forming=last_is_forming(newest),
        )
