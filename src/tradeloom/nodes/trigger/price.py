"""trigger.price: a quote reaches a level."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal

from pydantic import AwareDatetime, Field

from tradeloom.errors import BrokerError, BrokerTimeout, BrokerUnavailable, NodeConfigError, NotFound, StalePrice
from tradeloom.nodes.base import Effect, Example, NodeConfig, NodeContext, NodeOutput, setting
from tradeloom.nodes.trigger._edges import Condition, Direction, Edge, Memory
from tradeloom.nodes.trigger._observing import (
    Happening,
    Look,
    MarketTrigger,
    Observation,
    closing_of,
    cooldown_setting,
    delivered,
    hysteresis_setting,
    missed_setting,
    moment,
    overlap_setting,
    symbol_setting,
    told,
    unseen,
)
from tradeloom.trading.timeframes import Timeframe
from tradeloom.workflow.schedules import Misfire, Overlap

if TYPE_CHECKING:
    from tradeloom.trading.bars import Bars
    from tradeloom.trading.broker import Tick

QuoteSide = Literal["bid", "ask", "last"]

UNWATCHED = timedelta(seconds=120)
"""After so long without a look, the bars that came in between are gone through as well."""
FINEST = (Timeframe.M1, Timeframe.M5, Timeframe.M15, Timeframe.M30, Timeframe.H1, Timeframe.H4, Timeframe.D1)
LAST_MOMENT = timedelta(milliseconds=1)


class PriceConfig(NodeConfig):
    symbol: str = symbol_setting()
    condition: Condition = setting(
        "crosses_above",
        title="Condition",
        help="above and below also fire at once when the price is there already; touches (=) means the level lies "
        "between two quotes or on one.",
        widget="select",
        static=True,
    )
    price: float = setting(
        title="Price", help="The level.", widget="number", static=True, gt=0, le=1e12, examples=[1.1]
    )
    side: QuoteSide = setting(
        "bid",
        title="Side",
        help="Which price is watched: what you sell at, what you buy at, or the last trade where the venue has one.",
        widget="select",
        static=True,
    )
    hysteresis: float = hysteresis_setting("price")
    cooldown_s: float = cooldown_setting()
    missed: Misfire = missed_setting("once")
    overlap: Overlap = overlap_setting("skip")


class PriceOutput(NodeOutput):
    symbol: str = Field(description="The instrument.")
    price: float = Field(description="The price that reached the level, on the side watched.")
    previous: float | None = Field(description="The one seen before it; null where there was none.")
    level: float = Field(description="The level.")
    side: QuoteSide = Field(description="bid, ask or last.")
    condition: Condition = Field(description="How the level was to be reached.")
    direction: Literal["up", "down"] | None = Field(
        description="Which way it was reached; null in a sample that has not reached it."
    )
    timestamp: AwareDatetime = Field(description="When that price was quoted, UTC.")


class PriceTrigger(MarketTrigger):
    type = "trigger.price"
    title = "Price"
    description = "Starts the workflow when a symbol's price reaches a level."
    help = (
        "Fires on the edge: once when the level is reached, and again only after the price went back to the other side "
        "of it, by the *hysteresis* if you set one. A price that leaps over the level, as after a weekend, has reached "
        "it. *crosses above* needs a price at or below the level first; *above* also fires at the first quote when the "
        "price is beyond the level already. *touches* fires when the level lies between two quotes or on one.\n\n"
        "Quotes are looked at about once a second, and at every step of a replay: a spike between two looks is not "
        "seen. After a break of more than two minutes (a restart, a lost connection) the bars that came in between are "
        "gone through once, each as open, the extreme nearer to its open's side, the other one, and close; *missed "
        "events* says what to do with what is found there. An ask is then the bid and the bar's spread.\n\n"
        "Started by hand, without a payload, it gives the quote as it stands."
    )
    icon = "crosshair"
    effects = frozenset({Effect.READS_MARKET})
    errors = (NodeConfigError, StalePrice, NotFound, BrokerUnavailable, BrokerTimeout)
    example = Example(
        title="EURUSD rises above 1.10", config={"symbol": "EURUSD", "condition": "crosses_above", "price": 1.1}
    )
    Config = PriceConfig
    Output = PriceOutput

    def run(self, config: PriceConfig, context: NodeContext) -> PriceOutput:
        if context.payload:
            return delivered(PriceOutput, context.payload)
        tick = context.broker().tick(config.symbol)
        price = _price(tick, config.side)
        if price is None:
            raise StalePrice(f"The broker has no {config.side} of {config.symbol}.", field="config.side")
        return delivered(PriceOutput, _payload(config, tick.time, price, None, None))

    @classmethod
    def observe(cls, config: PriceConfig, state: Mapping[str, Any] | None, look: Look, workflow_id: str) -> Observation:
        tick = look.tick(config.symbol)
        points = list(_missed(config, moment(state["at"]), look)) if state else []
        price = _price(tick, config.side)
        if price is not None and (not points or tick.time >= points[-1][0]):
            points.append((tick.time, price))
        edge = Edge(config.condition, config.price, config.hysteresis, config.cooldown_s)
        memory = Memory.of(state["edge"]) if state else Memory()
        found = []
        for at, value in points:
            before = memory.value
            memory, direction = edge.step(memory, at.timestamp(), value)
            if direction is not None:
                found.append(Happening(told(at), at, _payload(config, at, value, before, direction)))
        return Observation({"at": told(look.now), "edge": memory.as_json()}, tuple(found))


def _payload(
    config: PriceConfig, at: datetime, price: float, previous: float | None, direction: Direction | None
) -> dict[str, Any]:
    return {
        "symbol": config.symbol,
        "price": price,
        "previous": previous,
        "level": config.price,
        "side": config.side,
        "condition": config.condition,
        "direction": direction,
        "timestamp": told(at),
    }


def _price(tick: "Tick", side: QuoteSide) -> float | None:
    price = tick.bid if side == "bid" else tick.ask if side == "ask" else tick.last
    return price if price is not None and price > 0 else None


def _missed(config: PriceConfig, seen: datetime, look: Look) -> Iterator[tuple[datetime, float]]:
    """What the bars show of the time since the last look, where that is long ago. Trades (`last`) leave no bars."""
    if look.now - seen <= UNWATCHED or config.side == "last":
        return
    timeframe = next((each for each in FINEST if _has_bars(config.symbol, each, look)), None)
    if timeframe is None:
        return
    bars = unseen(look, config.symbol, timeframe, seen, look.now, before=1)
    point = float(look.symbol(config.symbol).point)
    for row in range(len(bars)):
        opening = bars.bar(row).time
        closing = closing_of(opening, timeframe)
        if closing > seen:
            # Of a bar whose opening was seen, only its close is sure to have come afterwards.
            path = _path(bars, row, opening, closing)[0 if opening > seen else -1 :]
            spread = int(bars.spread[row]) * point if config.side == "ask" else 0.0
            yield from ((at, bid + spread) for at, bid in path)


def _has_bars(symbol: str, timeframe: Timeframe, look: Look) -> bool:
    try:
        return look.newest(symbol, timeframe, look.now) is not None
    except BrokerError as error:
        if error.retryable:
            raise
        return False  # a replay of hours has no minutes


def _path(bars: "Bars", row: int, opening: datetime, closing: datetime) -> list[tuple[datetime, float]]:
    bar, third = bars.bar(row), (closing - opening) / 3
    extremes = (bar.low, bar.high) if bar.close >= bar.open else (bar.high, bar.low)
    return [
        (opening, bar.open),
        (opening + third, extremes[0]),
        (opening + 2 * third, extremes[1]),
        (closing - LAST_MOMENT, bar.close),
    ]
