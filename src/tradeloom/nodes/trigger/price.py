"""trigger.price: a quote reaches a level."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal

from pydantic import AwareDatetime, Field

from tradeloom.errors import BrokerTimeout, BrokerUnavailable, NodeConfigError, NotFound, StalePrice
from tradeloom.nodes.base import Effect, Example, NodeConfig, NodeContext, NodeOutput, setting
from tradeloom.nodes.trigger._edges import Condition, Direction, Edge, Memory
from tradeloom.nodes.trigger._observing import (
    Happening,
    Look,
    MarketTrigger,
    Observation,
    cooldown_setting,
    delivered,
    hysteresis_setting,
    missed_setting,
    overlap_setting,
    symbol_setting,
    told,
)
from tradeloom.nodes.trigger._quotes import movement, price_of
from tradeloom.trading.ticks import QuoteSide
from tradeloom.workflow.schedules import Misfire, Overlap


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
        "Every quote the terminal has counts, a spike of a moment too, and it starts within milliseconds. After a "
        "break (a restart, a lost connection) the quotes that came in between are gone through once, and *missed "
        "events* says what to do with what is found there. A terminal that cannot tell its quotes of that time, or "
        "too many, is asked for the bars instead: each as open, the extreme nearer to its open's side, the other one, "
        "and close; an ask is then the bid and the bar's spread.\n\n"
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
        price = price_of(tick, config.side)
        if price is None:
            raise StalePrice(f"The broker has no {config.side} of {config.symbol}.", field="config.side")
        return delivered(PriceOutput, _payload(config, tick.time, price, None, None))

    @classmethod
    def observe(cls, config: PriceConfig, state: Mapping[str, Any] | None, look: Look, workflow_id: str) -> Observation:
        seen = movement(config.symbol, config.side, state, look)
        edge = Edge(config.condition, config.price, config.hysteresis, config.cooldown_s)
        memory = Memory.of(state["edge"]) if state else Memory()
        found = []
        for point in seen.points:
            before = memory.value
            memory, direction = edge.step(memory, point.at.timestamp(), point.price)
            if direction is not None:
                payload = _payload(config, point.at, point.price, before, direction)
                found.append(Happening(point.key, point.at, payload))
        return Observation({"at": told(look.now), "mark": seen.mark, "edge": memory.as_json()}, tuple(found))


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
