"""order.market: buy or sell now."""

from decimal import Decimal
from typing import Literal

from pydantic import Field

from tradeloom.errors import NodeConfigError, OrderUnknown, StalePrice
from tradeloom.nodes.base import Effect, Example, Node, NodeContext, NodeOutput, Tier
from tradeloom.nodes.market._broker import account_setting, two_sided_quote
from tradeloom.nodes.order._entry import StopsConfig, TradeConfig
from tradeloom.nodes.order._placing import ORDER_ERRORS, deviation_setting, origin, place, settled, ttl_setting
from tradeloom.nodes.order._stops import opening_quote
from tradeloom.trading.broker import Broker
from tradeloom.trading.exact import exact
from tradeloom.trading.intents import MarketOrderIntent, OrderOutcome, OutcomeStatus, Side


class MarketOrderConfig(StopsConfig, TradeConfig):
    deviation: int = deviation_setting()
    ttl_s: int = ttl_setting()
    account: str | None = account_setting()


class MarketOrderOutput(NodeOutput):
    ticket: int = Field(description="Ticket of the position, as order.close takes it.")
    order: int | None = Field(description="Ticket of the order.")
    deal: int | None = Field(description="Ticket of the last deal that filled it.")
    symbol: str = Field(description="The instrument.")
    side: Side = Field(description="buy or sell.")
    price: float | None = Field(description="Average price of the fill; null if the broker did not say.")
    volume: float = Field(description="Lots filled.")
    remainder: float = Field(description="Lots asked for and not filled.")
    status: Literal["done", "partial"] = Field(description="partial when the broker filled only a part.")
    stop_loss: float | None = Field(description="Stop loss price sent with it; null when there is none.")
    take_profit: float | None = Field(description="Take profit price sent with it; null when there is none.")
    message: str = Field(description="The broker's words.")


class MarketOrder(Node):
    type = "order.market"
    title = "Market order"
    description = "Buys or sells at the market price, with stop loss and take profit."
    help = (
        "Sends one order to the broker, stops included, so that they are in force from the first moment and stay there "
        "whatever happens to Tradeloom. The account's risk gate judges it first.\n\n"
        "Distances are measured from the ask for a buy and from the bid for a sell. Behind a Position size node leave "
        "symbol, side and volume empty to take them from there, and set the stop loss to `= input.stop_loss`. "
        "However often this node is run again in an execution, by a retry or a fault, there is one order: the recorded "
        "outcome is given again. If the broker fills only a part, `status` says so and `volume` is what you have."
    )
    icon = "shopping-cart"
    tier = Tier.BASIC
    effects = frozenset({Effect.TRADES, Effect.READS_MARKET})
    errors = (NodeConfigError, StalePrice, *ORDER_ERRORS)
    timeout_s = 45
    example = Example(
        title="Buy a tenth of a lot with a stop of 30 pips and a target of 60",
        config={
            "symbol": "EURUSD",
            "side": "buy",
            "volume": 0.1,
            "stop_loss_type": "pips",
            "stop_loss": 30,
            "take_profit_type": "pips",
            "take_profit": 60,
        },
    )
    Config = MarketOrderConfig
    Output = MarketOrderOutput

    def run(self, config: MarketOrderConfig, context: NodeContext) -> MarketOrderOutput:
        broker = context.broker(config.account)
        what = f"{config.side} {config.volume:g} {config.symbol}"
        order_id = context.client_order_id()
        outcome = settled(place(broker, context, order_id, lambda: _intent(config, context, broker, order_id)), what)
        ticket = outcome.position or outcome.order
        if ticket is None:
            raise OrderUnknown(f"{what} was filled, but the broker has not named the position yet")
        filled = _filled(config, outcome, ticket)
        context.log(
            f"{config.side} {filled.volume:g} {config.symbol} at {filled.price}: ticket {ticket}",
            level="warning" if filled.remainder else "info",
            client_order_id=order_id,
            remainder=filled.remainder,
        )
        return filled


def _intent(config: MarketOrderConfig, context: NodeContext, broker: Broker, order_id: str) -> MarketOrderIntent:
    return MarketOrderIntent(
        **origin(broker, context, order_id, config.ttl_s),
        symbol=config.symbol,
        side=config.side,
        volume=exact(config.volume),
        deviation=config.deviation,
        **_stop_prices(config, broker),
    )


def _stop_prices(config: MarketOrderConfig, broker: Broker) -> dict[str, Decimal]:
    """`{stop_loss?, take_profit?}` as prices. Raises `NodeConfigError` for one the market or the broker rules out."""
    stops = config.stops()
    if not stops:
        return {}
    symbol = broker.symbol(config.symbol)
    tick = two_sided_quote(broker, config.symbol)
    _, entry = opening_quote(config.side, tick)
    prices = {}
    for stop in stops:
        prices[stop.field] = stop.price(config.side, entry, symbol)
        stop.check(prices[stop.field], config.side, tick, symbol)
    return prices


def _filled(config: MarketOrderConfig, outcome: OrderOutcome, ticket: int) -> MarketOrderOutput:
    return MarketOrderOutput(
        ticket=ticket,
        order=outcome.order,
        deal=outcome.deal,
        symbol=config.symbol,
        side=config.side,
        price=outcome.price,
        volume=float(outcome.volume),
        remainder=float(max(exact(config.volume) - outcome.volume, Decimal(0))),
        status="partial" if outcome.status is OutcomeStatus.PARTIAL else "done",
        stop_loss=outcome.stop_loss,
        take_profit=outcome.take_profit,
        message=outcome.message,
    )
