"""order.cancel: take pending orders away, one by its ticket or those in a symbol."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from tradeloom.errors import OrderFilled
from tradeloom.nodes.base import Effect, Example, Node, NodeConfig, NodeContext, NodeOutput, setting
from tradeloom.nodes.market._broker import SYMBOL_HELP, account_setting, orders_in
from tradeloom.nodes.order._placing import (
    ORDER_ERRORS,
    order_id_for,
    origin,
    place,
    settled,
    try_all,
    ttl_setting,
)
from tradeloom.nodes.order._targets import BY_SYMBOL, check_choice, target_symbol_setting, ticket_setting
from tradeloom.trading.intents import CancelIntent, OrderOutcome

if TYPE_CHECKING:
    from tradeloom.trading.broker import Broker

Status = Literal["cancelled", "already_cancelled"]


class CancelConfig(NodeConfig):
    by: Literal["symbol", "ticket"] = setting(
        "symbol", title="Cancel", help="One pending order by its ticket, or those in a symbol.", widget="select"
    )
    ticket: int | None = ticket_setting("order", "= nodes.limit.ticket")
    symbol: str | None = target_symbol_setting(SYMBOL_HELP, show_if=BY_SYMBOL)
    scope: Literal["own", "all"] = setting(
        "own",
        title="Whose",
        help="Only orders this workflow placed, or everybody's, those placed by hand included.",
        widget="select",
        show_if=BY_SYMBOL,
    )
    side: Literal["any", "buy", "sell"] = setting(
        "any", title="Side", help="Only orders to buy or only to sell.", widget="select", show_if=BY_SYMBOL
    )
    type: Literal["any", "limit", "stop", "stop_limit"] = setting(
        "any", title="Type", help="Only orders of one type.", widget="select", show_if=BY_SYMBOL
    )
    ttl_s: int = ttl_setting()
    account: str | None = account_setting()

    @model_validator(mode="after")
    def _says_what_to_cancel(self) -> Self:
        check_choice(self.by, self.ticket, self.symbol, doing="cancelling", what="orders are to be cancelled")
        return self


class CancelledOrder(BaseModel):
    """What became of one pending order."""

    model_config = ConfigDict(frozen=True)

    ticket: int = Field(description="The order's ticket.")
    status: Status = Field(description="already_cancelled when it had gone before, or had expired.")
    message: str = Field(description="The broker's words.")


class CancelOutput(NodeOutput):
    status: Status = Field(description="already_cancelled when there was nothing left to cancel.")
    cancelled: list[CancelledOrder] = Field(description="Each order, the earliest placed first.")
    count: int = Field(description="How many orders were cancelled now.")


@dataclass(frozen=True, slots=True)
class _Target:
    ticket: int
    symbol: str | None


class Cancel(Node):
    type = "order.cancel"
    title = "Cancel order"
    description = "Cancels a pending order by its ticket, or the pending orders in a symbol."
    help = (
        "Takes orders away that are waiting at the broker; what an order has filled already stays open as a position. "
        "One that was cancelled before, or has expired, is no error: `status` is `already_cancelled`. One that was "
        "filled before it could be cancelled is the error OrderFilled, because now there is a position.\n\n"
        "By symbol and with scope `own` only orders of this workflow are touched. All of them are tried; if some "
        "cannot be cancelled the node fails afterwards and says which. Cancelling works while the account is set to "
        "reduce only or is halted."
    )
    icon = "ban"
    effects = frozenset({Effect.TRADES, Effect.READS_STATE})
    only_reduces = True
    errors = (OrderFilled, *ORDER_ERRORS)
    timeout_s = 120
    example = Example(title="Cancel what this workflow left waiting in EURUSD", config={"symbol": "EURUSD"})
    Config = CancelConfig
    Output = CancelOutput

    def run(self, config: CancelConfig, context: NodeContext) -> CancelOutput:
        broker = context.broker(config.account)

        def cancel(target: _Target) -> CancelledOrder:
            outcome = _cancel(target, config, context, broker)
            made = CancelledOrder(ticket=target.ticket, status=_status(outcome), message=outcome.message)
            context.log(f"order {target.ticket}: {made.status}")
            return made

        cancelled = try_all(_targets(config, context, broker), cancel, context, what="order", done="cancelled")
        count = sum(each.status == "cancelled" for each in cancelled)
        return CancelOutput(status="cancelled" if count else "already_cancelled", cancelled=cancelled, count=count)


def _targets(config: CancelConfig, context: NodeContext, broker: "Broker") -> list[_Target]:
    if config.ticket is not None:
        return [_Target(config.ticket, config.symbol)]
    found = [
        order
        for order in orders_in(broker, config.symbol)
        if config.side in ("any", order.side.value)
        and config.type in ("any", order.type.value)
        and (config.scope == "all" or order.workflow_id == context.workflow_id)
    ]
    found.sort(key=lambda order: (order.placed_at, order.ticket))
    return [_Target(order.ticket, order.symbol) for order in found]


def _cancel(target: _Target, config: CancelConfig, context: NodeContext, broker: "Broker") -> OrderOutcome:
    order_id = order_id_for(context, target.ticket)

    def intent() -> CancelIntent:
        whose = origin(broker, context, order_id, config.ttl_s)
        return CancelIntent(**whose, order=target.ticket, symbol=target.symbol)

    return settled(place(broker, context, order_id, intent), f"cancelling order {target.ticket}")


def _status(outcome: OrderOutcome) -> Status:
    return "already_cancelled" if outcome.reason == "already_cancelled" else "cancelled"
