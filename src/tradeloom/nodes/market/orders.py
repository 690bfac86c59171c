"""market.orders: what is waiting at the broker."""

from decimal import Decimal
from typing import Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from tradeloom.nodes.base import Effect, Example, Node, NodeConfig, NodeContext, NodeOutput, Tier, setting
from tradeloom.nodes.market._broker import READ_ERRORS, SYMBOL_LENGTH, account_setting, orders_in
from tradeloom.trading.broker import PendingOrder
from tradeloom.trading.intents import Expiry, PendingType, Side


class OrdersConfig(NodeConfig):
    symbol: str | None = setting(
        None,
        title="Symbol",
        help="Only orders in this instrument; all when left empty.",
        widget="symbol",
        examples=["EURUSD"],
        min_length=1,
        max_length=SYMBOL_LENGTH,
    )
    side: Literal["any", "buy", "sell"] = setting(
        "any", title="Side", help="Only orders to buy or only to sell.", widget="select"
    )
    type: Literal["any", "limit", "stop", "stop_limit"] = setting(
        "any", title="Type", help="Only orders of one type.", widget="select"
    )
    own_only: bool = setting(
        False,
        title="This workflow's only",
        help="Leave out what others placed, by hand or not.",
        widget="toggle",
        advanced=True,
    )
    account: str | None = account_setting()


class WaitingOrder(BaseModel):
    """One pending order, as an output shows it."""

    model_config = ConfigDict(frozen=True, allow_inf_nan=False)

    ticket: int = Field(description="What order.modify and order.cancel take.")
    symbol: str = Field(description="The instrument.")
    type: PendingType = Field(description="limit, stop or stop_limit.")
    side: Side = Field(description="buy or sell.")
    volume: float = Field(description="Lots asked for.")
    remaining: float = Field(description="Lots of it not filled yet.")
    price: float = Field(description="The price it waits at: the limit, or the stop.")
    limit_price: float | None = Field(description="The limit a stop-limit places at its stop; else null.")
    price_current: float = Field(description="The market now, on the order's side.")
    stop_loss: float | None = Field(description="Stop loss price; null when there is none.")
    take_profit: float | None = Field(description="Take profit price; null when there is none.")
    expiry: Expiry = Field(description="gtc, day, or specified.")
    expires_at: AwareDatetime | None = Field(description="When it leaves; null when the broker does not say.")
    placed_at: AwareDatetime = Field(description="When it was placed.")
    own: bool = Field(description="Whether this workflow placed it.")
    workflow_id: str | None = Field(description="The workflow that placed it; null for anyone else's.")


class OrdersOutput(NodeOutput):
    orders: list[WaitingOrder] = Field(description="The orders that match, the earliest placed first.")
    count: int = Field(description="How many there are.")
    volume_buy: float = Field(description="Lots waiting to be bought.")
    volume_sell: float = Field(description="Lots waiting to be sold.")


class Orders(Node):
    type = "market.orders"
    title = "Pending orders"
    description = "The orders waiting at the broker, with their prices, stops and expiry."
    help = (
        "Lists limit, stop and stop-limit orders that are not filled yet, filtered by symbol, side and type. With "
        "`own_only` only what this workflow placed counts, whichever execution it was in.\n\n"
        "An order that is filled in part stays listed with what `remaining` says; what is filled is a position. "
        "`= nodes.orders.count == 0` is the usual guard in front of placing another one. Positions are listed by Open "
        "positions."
    )
    icon = "list-ordered"
    tier = Tier.BASIC
    effects = frozenset({Effect.READS_STATE})
    errors = READ_ERRORS
    example = Example(title="This workflow's EURUSD orders", config={"symbol": "EURUSD", "own_only": True})
    Config = OrdersConfig
    Output = OrdersOutput

    def run(self, config: OrdersConfig, context: NodeContext) -> OrdersOutput:
        found = [
            order
            for order in orders_in(context.broker(config.account), config.symbol)
            if config.side in ("any", order.side.value)
            and config.type in ("any", order.type.value)
            and (not config.own_only or order.workflow_id == context.workflow_id)
        ]
        found.sort(key=lambda order: (order.placed_at, order.ticket))
        return OrdersOutput(
            orders=[_shown(order, context.workflow_id) for order in found],
            count=len(found),
            volume_buy=_lots(found, Side.BUY),
            volume_sell=_lots(found, Side.SELL),
        )


def _lots(orders: list[PendingOrder], side: Side) -> float:
    return float(sum((order.remaining for order in orders if order.side is side), Decimal(0)))


def _shown(order: PendingOrder, workflow_id: str) -> WaitingOrder:
    facts = order.model_dump(include=set(WaitingOrder.model_fields), exclude={"volume", "remaining"})
    return WaitingOrder(
        volume=float(order.volume),
        remaining=float(order.remaining),
        own=order.workflow_id == workflow_id,
        **facts,
    )
