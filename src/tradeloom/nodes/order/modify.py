"""order.modify: move the stops of a position, or the terms of a pending order."""

from decimal import Decimal
from typing import TYPE_CHECKING, Any, Literal, Self

from pydantic import AwareDatetime, Field, model_validator

from tradeloom.errors import NodeConfigError, OrderFilled, StalePrice, TargetGone
from tradeloom.nodes.base import Effect, Example, Node, NodeConfig, NodeContext, NodeOutput, setting
from tradeloom.nodes.market._broker import account_setting, two_sided_quote
from tradeloom.nodes.order._entry import check_measured
from tradeloom.nodes.order._expiry import (
    check_expiry,
    expires_after_setting,
    expires_at_setting,
    expiry_setting,
    resolved_expiry,
)
from tradeloom.nodes.order._pending import waiting_price
from tradeloom.nodes.order._placing import ORDER_ERRORS, origin, place, settled, ttl_setting
from tradeloom.nodes.order._stops import MEASURED, Level, Stop, closing_quote
from tradeloom.trading.exact import exact
from tradeloom.trading.intents import ModifyIntent, OrderOutcome, Side

if TYPE_CHECKING:
    from tradeloom.trading.broker import Broker, PendingOrder, Symbol

StopChange = Literal["keep", "remove", "price", "pips", "points", "distance"]
PriceChange = Literal["keep", "price", "pips", "points", "distance"]
_OF_ORDERS = {"target": ["order"]}
_STOP_HELP = (
    "Keep it, take it away, or set it: to a price, or to a distance in pips, in points (the symbol's smallest unit) or "
    "in price. For a position a distance counts from the market now, for an order from the order's own price."
)


class ModifyConfig(NodeConfig):
    target: Literal["position", "order"] = setting(
        "position", title="Change", help="An open position's stops, or a pending order.", widget="select"
    )
    ticket: int = setting(
        title="Ticket",
        help="The position's ticket, or the order's.",
        widget="number",
        examples=["= nodes.buy.ticket"],
        gt=0,
        lt=2**63,
    )
    stop_loss_type: StopChange = setting("keep", title="Stop loss", help=_STOP_HELP, widget="select")
    stop_loss: float | None = setting(
        None,
        title="Stop loss at",
        help="The price or the distance, as chosen above.",
        widget="number",
        show_if={"stop_loss_type": MEASURED},
        examples=[30, "= nodes.atr.value * 2"],
        gt=0,
    )
    take_profit_type: StopChange = setting("keep", title="Take profit", help=_STOP_HELP, widget="select")
    take_profit: float | None = setting(
        None,
        title="Take profit at",
        help="The price or the distance, as chosen above.",
        widget="number",
        show_if={"take_profit_type": MEASURED},
        examples=[60],
        gt=0,
    )
    allow_widening: bool = setting(
        False,
        title="Allow a wider stop",
        help="Without it the stop loss may only come nearer: moving it away or removing it is refused.",
        widget="toggle",
    )
    price_type: PriceChange = setting(
        "keep",
        title="Order's price",
        help="Keep it, or set it: to a price, or to a distance from the market now.",
        widget="select",
        show_if=_OF_ORDERS,
    )
    price: float | None = setting(
        None,
        title="Order's price at",
        help="The price or the distance, as chosen above. It has to stay on its side of the market.",
        widget="number",
        show_if={"price_type": MEASURED},
        examples=[1.085],
        gt=0,
    )
    limit_price: float | None = setting(
        None,
        title="Limit of a stop-limit",
        help="The price of the limit behind the stop; kept when left empty.",
        widget="number",
        show_if=_OF_ORDERS,
        examples=[1.1045],
        gt=0,
    )
    expiry: Literal["keep", "gtc", "day", "after", "at"] = expiry_setting("keep", show_if=_OF_ORDERS)
    expires_after_s: float | None = expires_after_setting()
    expires_at: AwareDatetime | None = expires_at_setting()
    ttl_s: int = ttl_setting()
    account: str | None = account_setting()

    @model_validator(mode="after")
    def _says_what_to_change(self) -> Self:
        for name, measure, value in (
            ("stop loss", self.stop_loss_type, self.stop_loss),
            ("take profit", self.take_profit_type, self.take_profit),
        ):
            check_measured(name, measure, value, off="remove" if measure == "remove" else "keep")
        check_measured("price", self.price_type, self.price, off="keep")
        check_expiry(self.expiry, self.expires_after_s, self.expires_at)
        of_order = self.price_type != "keep" or self.limit_price is not None or self.expiry != "keep"
        if self.target == "position" and of_order:
            raise ValueError("a price or an expiry is given, but a position has none: only a pending order does")
        if not of_order and self.stop_loss_type == self.take_profit_type == "keep":
            raise ValueError("nothing is to be changed: choose a stop loss, a take profit, a price or an expiry")
        return self

    def stops(self) -> list[Stop]:
        """Those to be set."""
        made = []
        if self.stop_loss_type != "keep" and self.stop_loss_type != "remove" and self.stop_loss is not None:
            made.append(Stop("stop_loss", self.stop_loss_type, self.stop_loss, loss=True))
        if self.take_profit_type != "keep" and self.take_profit_type != "remove" and self.take_profit is not None:
            made.append(Stop("take_profit", self.take_profit_type, self.take_profit, loss=False))
        return made


class ModifyOutput(NodeOutput):
    status: Literal["done", "no_change"] = Field(description="no_change when everything was so already.")
    ticket: int = Field(description="The position's or the order's ticket.")
    stop_loss: float | None = Field(description="Stop loss price in force now; null when there is none.")
    take_profit: float | None = Field(description="Take profit price in force now; null when there is none.")
    price: float | None = Field(description="The price the order waits at; null for a position.")
    limit_price: float | None = Field(description="The limit of a stop-limit; else null.")
    expires_at: AwareDatetime | None = Field(description="When the order leaves; null when the broker does not say.")
    message: str = Field(description="The broker's words.")


class Modify(Node):
    type = "order.modify"
    title = "Modify"
    description = "Moves the stop loss and take profit of a position, or the price and terms of a pending order."
    help = (
        "Changes what is at the broker already and leaves alone what is kept. A stop loss only tightens: one that "
        "would let more be lost is refused unless a wider one is allowed, and so is taking it away. For a pending "
        "order that is judged by the distance between its price and its stop.\n\n"
        "Nothing to change is success, with `status` `no_change`. A position that is closed, or an order that has been "
        "cancelled, is the error TargetGone; an order that was filled meanwhile is OrderFilled. Tightening works while "
        "the account is set to reduce only or is halted; everything that adds risk does not, a pending order's new "
        "price among it."
    )
    icon = "pencil-line"
    effects = frozenset({Effect.TRADES, Effect.READS_MARKET, Effect.READS_STATE})
    only_reduces = True
    errors = (NodeConfigError, StalePrice, OrderFilled, TargetGone, *ORDER_ERRORS)
    timeout_s = 45
    example = Example(
        title="Bring the stop of what was bought to 20 pips from the market",
        config={"ticket": "= nodes.market.ticket", "stop_loss_type": "pips", "stop_loss": 20},
        inputs={"order.market": {"ticket": 7, "symbol": "EURUSD", "side": "buy", "volume": 0.1, "price": 1.1}},
    )
    Config = ModifyConfig
    Output = ModifyOutput

    def run(self, config: ModifyConfig, context: NodeContext) -> ModifyOutput:
        broker = context.broker(config.account)
        what = f"change of {config.target} {config.ticket}"
        order_id = context.client_order_id()
        outcome = settled(place(broker, context, order_id, lambda: _intent(config, context, broker, order_id)), what)
        output = _output(config, outcome)
        context.log(
            f"{what}: {output.status}, stop loss {output.stop_loss}, take profit {output.take_profit}",
            client_order_id=order_id,
        )
        return output


def _intent(config: ModifyConfig, context: NodeContext, broker: "Broker", order_id: str) -> ModifyIntent:
    whose = origin(broker, context, order_id, config.ttl_s)
    changes: dict[str, Any] = {
        "remove_stop_loss": config.stop_loss_type == "remove",
        "remove_take_profit": config.take_profit_type == "remove",
    }
    if config.expiry != "keep":
        changes["expiry"], changes["expires_at"] = resolved_expiry(
            config.expiry, config.expires_after_s, config.expires_at, whose["created_at"]
        )
    return ModifyIntent(
        **whose,
        target=config.target,
        ticket=config.ticket,
        allow_widening=config.allow_widening,
        **changes,
        **_prices(config, broker),
    )


def _prices(config: ModifyConfig, broker: "Broker") -> dict[str, Decimal]:
    """The prices to be set, by the intent's names. Raises `TargetGone` or `OrderFilled` for what is not there any more,
    and `NodeConfigError` for a price the market or the broker rules out."""
    if config.target == "order":
        return _order_prices(config, _order(config.ticket, broker), broker)
    position = next((each for each in broker.positions() if each.ticket == config.ticket), None)
    if position is None:
        raise TargetGone(f"position {config.ticket} is not open: there is nothing to change", field="config.ticket")
    if not config.stops():
        return {}
    where, market = closing_quote(position.side, two_sided_quote(broker, position.symbol))
    return _stop_prices(config, position.side, market, where, broker.symbol(position.symbol))


def _order(ticket: int, broker: "Broker") -> "PendingOrder":
    found = next((each for each in broker.orders() if each.ticket == ticket), None)
    if found is not None:
        return found
    if any(position.ticket == ticket for position in broker.positions()):
        raise OrderFilled(f"order {ticket} was filled: it is a position now", field="config.ticket")
    raise TargetGone(
        f"order {ticket} is not waiting at the broker: it was filled, was cancelled, has expired, or never was",
        field="config.ticket",
    )


def _order_prices(config: ModifyConfig, order: "PendingOrder", broker: "Broker") -> dict[str, Decimal]:
    symbol = broker.symbol(order.symbol)
    prices: dict[str, Decimal] = {}
    price = exact(order.price)
    if config.price_type != "keep" and config.price is not None:
        level = Level("price", f"{order.type.replace('_', '-')} price", config.price_type, config.price)
        price = waiting_price(level, order.type, order.side, two_sided_quote(broker, order.symbol), symbol)
        prices["price"] = price
    entry = price
    if order.limit_price is not None:
        entry = exact(order.limit_price)
    if config.limit_price is not None:
        entry = prices["limit_price"] = _limit(config.limit_price, order, price, symbol)
    return prices | _stop_prices(config, order.side, entry, "the order's price", symbol)


def _limit(value: float, order: "PendingOrder", stop: Decimal, symbol: "Symbol") -> Decimal:
    if order.limit_price is None:
        raise NodeConfigError(
            f"order {order.ticket} is a {order.type} order: only a stop-limit has a limit behind its stop",
            field="config.limit_price",
        )
    level, below = Level("limit_price", "limit price", "price", value), order.side is Side.BUY
    price = level.price(stop, symbol, below=below)
    level.check(price, stop, symbol, below=below, whose=f"a {order.side} stop-limit's", where="its stop")
    return price


def _stop_prices(
    config: ModifyConfig, side: Side, reference: Decimal, where: str, symbol: "Symbol"
) -> dict[str, Decimal]:
    prices = {}
    for stop in config.stops():
        prices[stop.field] = stop.price(side, reference, symbol)
        stop.check_from(prices[stop.field], side, reference, symbol, where)
    return prices


def _output(config: ModifyConfig, outcome: OrderOutcome) -> ModifyOutput:
    return ModifyOutput(
        status="no_change" if outcome.reason == "no_change" else "done",
        ticket=config.ticket,
        stop_loss=outcome.stop_loss,
        take_profit=outcome.take_profit,
        price=outcome.order_price,
        limit_price=outcome.limit_price,
        expires_at=outcome.expires_at,
        message=outcome.message,
    )
