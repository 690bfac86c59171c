"""trigger.order_event: something happened to an order or a position."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from pydantic import AwareDatetime, Field

from tradeloom.errors import BrokerTimeout, BrokerUnavailable, NodeConfigError, NotFound
from tradeloom.nodes.base import Effect, Example, NodeConfig, NodeContext, NodeOutput, setting
from tradeloom.nodes.trigger._observing import (
    Look,
    MarketTrigger,
    Observation,
    delivered,
    missed_setting,
    overlap_setting,
    told,
)
from tradeloom.nodes.trigger._orders import Event, OrderEvents, position_of
from tradeloom.workflow.schedules import Misfire, Overlap

if TYPE_CHECKING:
    from tradeloom.trading.broker import PendingOrder, Position


class OrderEventConfig(NodeConfig):
    events: list[Event] = setting(
        title="Events",
        help="placed, partially_filled, filled, cancelled, expired and rejected are of orders; stop_loss, take_profit, "
        "stop_out and closed of positions.",
        widget="select",
        static=True,
        examples=[["stop_loss", "take_profit"], ["filled"]],
        min_length=1,
        max_length=10,
    )
    symbol: str | None = setting(
        None,
        title="Symbol",
        help="Only in this instrument; in all when left empty.",
        widget="symbol",
        static=True,
        examples=["EURUSD"],
        min_length=1,
        max_length=29,
    )
    own_only: bool = setting(
        True,
        title="This workflow's only",
        help="Leave out what others traded on the account, by hand or not.",
        widget="toggle",
        static=True,
        advanced=True,
    )
    missed: Misfire = missed_setting("all")
    overlap: Overlap = overlap_setting("allow")


class OrderEventOutput(NodeOutput):
    event: Event = Field(description="What happened.")
    ticket: int = Field(description="The order's ticket, or for filled and what closes the position's.")
    deal: int | None = Field(description="The deal that closed; null for other events.")
    symbol: str = Field(description="The instrument.")
    side: Literal["buy", "sell"] = Field(description="The order's or the position's side.")
    volume: float = Field(description="Lots filled, closed, or waiting.")
    price: float = Field(description="Where it was filled or closed, or where the order waits or waited.")
    profit: float | None = Field(
        description="What closing changed the balance by, in the account's currency; null for other events."
    )
    workflow_id: str | None = Field(description="The workflow whose order it was; null for anyone else's.")
    at: AwareDatetime = Field(description="When it happened, as far as the broker tells: UTC.")


class OrderEvent(MarketTrigger):
    type = "trigger.order_event"
    title = "Order event"
    description = "Starts the workflow when an order is filled, cancelled or rejected, or a position is closed."
    help = (
        "Compares the account's orders, positions and deals with what they were a moment ago, about once a second and "
        "at every step of a replay. *filled* is a position that was opened, by a market order or a pending one, or one "
        "that grew; *partially_filled* an order of which a part still waits. A position closed by its stop loss, its "
        "take profit or the broker (*stop_out*) has an event of its own; *closed* is every other way, by hand or by a "
        "node, in whole or in part. Each deal is told once, also across restarts.\n\n"
        "How and when an order left is what the broker's history says of it, also of one that came and went between "
        "two looks. *rejected* is an order that the broker took in and then would not carry out; one refused at once "
        "never was an order there, and its node fails instead. Where the history does not show an order that is gone "
        "yet, it counts as filled if a position shows it, as expired if its time was over, and as cancelled "
        "otherwise.\n\n"
        "Nothing is left out by default, and several executions may run at once: a loop of trades that start each "
        "other is yours to avoid. Started by hand, without a payload, it gives the latest fitting position as if it "
        "were just filled, or the latest order as if just placed, or an invented fill at the market where the account "
        "has neither."
    )
    icon = "bell-ring"
    effects = frozenset({Effect.READS_MARKET})
    errors = (NodeConfigError, NotFound, BrokerUnavailable, BrokerTimeout)
    example = Example(
        title="After a stop loss or take profit of this workflow",
        config={"events": ["stop_loss", "take_profit"], "symbol": "EURUSD"},
    )
    Config = OrderEventConfig
    Output = OrderEventOutput

    def run(self, config: OrderEventConfig, context: NodeContext) -> OrderEventOutput:
        if context.payload:
            return delivered(OrderEventOutput, context.payload)
        broker = context.broker()
        positions = broker.positions(config.symbol)
        orders = broker.orders(config.symbol)
        if config.own_only:
            positions = [each for each in positions if each.workflow_id == context.workflow_id]
            orders = [each for each in orders if each.workflow_id == context.workflow_id]
        return delivered(OrderEventOutput, _sample(config, context, positions, orders))

    @classmethod
    def watches(cls, config: OrderEventConfig) -> None:
        return None

    @classmethod
    def observe(
        cls, config: OrderEventConfig, state: Mapping[str, Any] | None, look: Look, workflow_id: str
    ) -> Observation:
        seen = OrderEvents.since(state, look)
        wanted = [
            each
            for each in seen.happenings
            if each.payload["event"] in config.events
            and config.symbol in (None, each.payload["symbol"])
            and (not config.own_only or each.payload["workflow_id"] == workflow_id)
        ]
        return Observation(seen.state, tuple(wanted))


def _sample(
    config: OrderEventConfig, context: NodeContext, positions: "Sequence[Position]", orders: "Sequence[PendingOrder]"
) -> dict[str, Any]:
    now = told(context.as_of)
    if positions:
        return position_of(max(positions, key=lambda each: each.opened_at), now)
    if orders:
        latest = max(orders, key=lambda each: each.placed_at)
        return {
            "event": "placed",
            "ticket": latest.ticket,
            "deal": None,
            "symbol": latest.symbol,
            "side": latest.side.value,
            "volume": float(latest.volume),
            "price": latest.price,
            "profit": None,
            "workflow_id": latest.workflow_id,
            "at": now,
        }
    symbol = config.symbol or "EURUSD"
    return {
        "event": "filled",
        "ticket": 0,
        "deal": None,
        "symbol": symbol,
        "side": "buy",
        "volume": float(context.broker().symbol(symbol).volume_min),
        "price": context.broker().tick(symbol).ask,
        "profit": None,
        "workflow_id": context.workflow_id,
        "at": now,
    }
