"""order.stop: buy once the market has risen to a price, or sell once it has fallen to it; plain or as a stop-limit."""

from typing import TYPE_CHECKING, Self

from pydantic import model_validator

from tradeloom.nodes.base import Example, Node, NodeContext, setting
from tradeloom.nodes.order._entry import TradeConfig, check_measured
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
from tradeloom.nodes.order._stops import MEASURED, Level, Measure, OptionalMeasure
from tradeloom.trading.intents import PendingType, Side

if TYPE_CHECKING:
    from tradeloom.trading.broker import Symbol, Tick


class _PriceConfig(TradeConfig):
    price_type: Measure = setting("price", title="Stop price", help=PRICE_HELP, widget="select")
    price: float = setting(
        title="Stop price at",
        help="The price or the distance, as chosen above. A buy waits above the market, a sell below it.",
        widget="number",
        examples=[1.105, 20, "= nodes.donchian.upper"],
        gt=0,
    )
    limit_price_type: OptionalMeasure = setting(
        "none",
        title="Stop-limit",
        help="None for a plain stop, which fills at whatever the market is then. Otherwise a limit order is placed "
        "when the stop is reached: at this price, or this far behind the stop.",
        widget="select",
    )
    limit_price: float | None = setting(
        None,
        title="Limit at",
        help="The price or the distance, as chosen above: below the stop for a buy, above it for a sell.",
        widget="number",
        show_if={"limit_price_type": MEASURED},
        examples=[5],
        gt=0,
    )


class StopOrderConfig(PendingConfig, _PriceConfig):
    @model_validator(mode="after")
    def _limit_is_whole(self) -> Self:
        check_measured("stop-limit", self.limit_price_type, self.limit_price, off="none")
        return self


class StopOrder(Node):
    type = "order.stop"
    title = "Stop order"
    description = "Places an order that waits to buy above the market, or to sell below it; also as a stop-limit."
    help = (
        "The order rests at the broker until the market reaches its price, it expires, or it is cancelled; then it "
        "fills at the market, which may be worse than the price after a gap. As a stop-limit it places a limit order "
        "instead, which fills at its limit or better, and perhaps not at all.\n\n"
        "Stop loss and take profit are part of it and are in force from the moment it fills; their distances are "
        "measured from the order's own price, a stop-limit's limit. The account's risk gate judges it like any opening "
        "order. `status` is `placed` while it rests; `ticket` is what Modify and Cancel take. Run again in the same "
        "execution, the node places nothing twice: it tells what has become of its order."
    )
    icon = "arrow-up-from-line"
    effects = PENDING_EFFECTS
    errors = PENDING_ERRORS
    timeout_s = 45
    example = Example(
        title="Buy a breakout 25 pips above the market",
        config={
            "symbol": "EURUSD",
            "side": "buy",
            "volume": 0.1,
            "price_type": "pips",
            "price": 25,
            "stop_loss_type": "pips",
            "stop_loss": 20,
            "expiry": "day",
        },
    )
    Config = StopOrderConfig
    Output = PendingOutput

    def run(self, config: StopOrderConfig, context: NodeContext) -> PendingOutput:
        type = PendingType.STOP if config.limit_price is None else PendingType.STOP_LIMIT
        stop = Level("price", "stop price", config.price_type, config.price)

        def wait(tick: "Tick", symbol: "Symbol") -> Waiting:
            price = waiting_price(stop, type, config.side, tick, symbol)
            if config.limit_price_type == "none" or config.limit_price is None:
                return Waiting(price)
            limit = Level("limit_price", "limit price", config.limit_price_type, config.limit_price)
            below = config.side is Side.BUY
            behind = limit.price(price, symbol, below=below)
            limit.check(behind, price, symbol, below=below, whose=f"a {config.side} stop-limit's", where="its stop")
            return Waiting(price, behind)

        return place_pending(config, context, type, wait)
