"""order.market: buy or sell now."""

from datetime import timedelta
from decimal import Decimal
from typing import Literal, Self

from pydantic import Field, model_validator

from tradeloom.errors import NodeConfigError, OrderUnknown, StalePrice
from tradeloom.nodes.base import (
    Effect,
    Example,
    Node,
    NodeConfig,
    NodeContext,
    NodeOutput,
    Tier,
    input_setting,
    setting,
)
from tradeloom.nodes.market._broker import SYMBOL_HELP, SYMBOL_LENGTH, account_setting, two_sided_quote
from tradeloom.nodes.market._money import exact
from tradeloom.nodes.order._placing import ORDER_ERRORS, deviation_setting, place, settled, ttl_setting
from tradeloom.nodes.order._stops import MEASURE_HELP, OptionalMeasure, Stop
from tradeloom.trading.broker import Broker
from tradeloom.trading.intents import MarketOrderIntent, OrderOutcome, OutcomeStatus, Side

_MEASURED = ["price", "pips", "points", "distance"]


class MarketOrderConfig(NodeConfig):
    symbol: str = input_setting(
        title="Symbol", help=SYMBOL_HELP, widget="symbol", examples=["EURUSD"], min_length=1, max_length=SYMBOL_LENGTH
    )
    side: Side = input_setting(title="Side", help="Buy or sell.", widget="select", examples=["buy"])
    volume: float = input_setting(
        title="Volume",
        help="How much, in lots. What is finer than the symbol's volume step is cut off, never rounded up.",
        unit="lots",
        widget="number",
        examples=[0.1, "= nodes.size.volume"],
        gt=0,
        le=1_000_000,
    )
    stop_loss_type: OptionalMeasure = setting(
        "none", title="Stop loss", help=f"{MEASURE_HELP} It is sent with the order.", widget="select"
    )
    stop_loss: float | None = setting(
        None,
        title="Stop loss at",
        help="The price or the distance, as chosen above.",
        widget="number",
        show_if={"stop_loss_type": _MEASURED},
        examples=[30, "= nodes.size.stop_loss"],
        gt=0,
    )
    take_profit_type: OptionalMeasure = setting(
        "none", title="Take profit", help=f"{MEASURE_HELP} It is sent with the order.", widget="select"
    )
    take_profit: float | None = setting(
        None,
        title="Take profit at",
        help="The price or the distance, as chosen above.",
        widget="number",
        show_if={"take_profit_type": _MEASURED},
        examples=[60],
        gt=0,
    )
    deviation: int = deviation_setting()
    ttl_s: int = ttl_setting()
    account: str | None = account_setting()

    @model_validator(mode="after")
    def _stops_are_whole(self) -> Self:
        for name, measure, value in (
            ("stop loss", self.stop_loss_type, self.stop_loss),
            ("take profit", self.take_profit_type, self.take_profit),
        ):
            if measure != "none" and value is None:
                raise ValueError(f"the {name} is to be given as {measure} but has no value")
            if measure == "none" and value is not None:
                raise ValueError(
                    f"a {name} of {value:g} is given, but the {name} is switched off: choose how it is meant"
                )
        return self

    def stops(self) -> list[Stop]:
        made = []
        if self.stop_loss_type != "none" and self.stop_loss is not None:
            made.append(Stop("stop_loss", self.stop_loss_type, self.stop_loss, loss=True))
        if self.take_profit_type != "none" and self.take_profit is not None:
            made.append(Stop("take_profit", self.take_profit_type, self.take_profit, loss=False))
        return made


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
    now = broker.market_time()
    return MarketOrderIntent(
        client_order_id=order_id,
        account=broker.account_name,
        execution_id=context.execution_id,
        workflow_id=context.workflow_id,
        node_id=context.node_id,
        created_at=now,
        deadline=now + timedelta(seconds=config.ttl_s),
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
    entry = exact(tick.ask if config.side is Side.BUY else tick.bid)
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
