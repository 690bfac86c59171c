"""order.limit: buy below the market, or sell above it, at a price or better."""

from typing import TYPE_CHECKING

from tradeloom.nodes.base import Example, Node, NodeContext, setting
from tradeloom.nodes.order._entry import TradeConfig
from tradeloom.nodes.order._pending import (
    PENDING_EFFECTS,
    PENDING_ERRORS,
    PRICE_HELP,
    PendingConfig,
    PendingOutput,
    Waiting,
    place_pending,
    waiting_price,
)
from tradeloom.nodes.order._stops import Level, Measure
from tradeloom.trading.intents import PendingType

if TYPE_CHECKING:
    from tradeloom.trading.broker import Symbol, Tick


class _PriceConfig(TradeConfig):
    price_type: Measure = setting("price", title="Limit price", help=PRICE_HELP, widget="select")
    price: float = setting(
        title="Limit price at",
        help="The price or the distance, as chosen above. A buy waits below the market, a sell above it.",
        widget="number",
        examples=[1.085, 20, "= nodes.bollinger.lower"],
        gt=0,
    )


class LimitOrderConfig(PendingConfig, _PriceConfig):
    pass


class LimitOrder(Node):
    type = "order.limit"
    title = "Limit order"
    description = "Places an order that waits to buy below the market, or to sell above it."
    help = (
        "The order rests at the broker until the market comes to its price, it expires, or it is cancelled; it fills "
        "at that price or better. Stop loss and take profit are part of it and are in force from the moment it fills; "
        "their distances are measured from the order's own price. The account's risk gate judges it like any opening "
        "order.\n\n"
        "`status` is `placed` while it rests; `ticket` is what Modify and Cancel take. Run again in the same "
        "execution, the node places nothing twice: it tells what has become of its order, `filled` with `price` and "
        "`position` for instance. A price on the wrong side of the market is refused: it would fill at once."
    )
    icon = "arrow-down-to-line"
    effects = PENDING_EFFECTS
    errors = PENDING_ERRORS
    timeout_s = 45
    example = Example(
        title="Buy a tenth of a lot 20 pips lower, for four hours",
        config={
            "symbol": "EURUSD",
            "side": "buy",
            "volume": 0.1,
            "price_type": "pips",
            "price": 20,
            "stop_loss_type": "pips",
            "stop_loss": 30,
            "take_profit_type": "pips",
            "take_profit": 60,
            "expiry": "after",
            "expires_after_s": 14_400,
        },
    )
    Config = LimitOrderConfig
    Output = PendingOutput

    def run(self, config: LimitOrderConfig, context: NodeContext) -> PendingOutput:
        level = Level("price", "limit price", config.price_type, config.price)

        def wait(tick: "Tick", symbol: "Symbol") -> Waiting:
            return Waiting(waiting_price(level, PendingType.LIMIT, config.side, tick, symbol))

        return place_pending(config, context, PendingType.LIMIT, wait)
