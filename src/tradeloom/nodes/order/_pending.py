"""What order.limit and order.stop share: from a configured price to an order resting at the broker."""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Literal

from pydantic import AwareDatetime, Field

from tradeloom.errors import NodeConfigError, OrderUnknown, StalePrice
from tradeloom.nodes.base import Effect, NodeConfig, NodeContext, NodeOutput
from tradeloom.nodes.market._broker import account_setting, two_sided_quote
from tradeloom.nodes.order._entry import StopsConfig, TradeConfig
from tradeloom.nodes.order._expiry import ExpiryConfig, resolved_expiry
from tradeloom.nodes.order._placing import ORDER_ERRORS, origin, place, settled, ttl_setting
from tradeloom.nodes.order._stops import Level, opening_quote
from tradeloom.trading.exact import exact
from tradeloom.trading.intents import OrderOutcome, OutcomeStatus, PendingOrderIntent, PendingType, Side

if TYPE_CHECKING:
    from tradeloom.trading.broker import Symbol, Tick

PENDING_ERRORS = (NodeConfigError, StalePrice, *ORDER_ERRORS)
PENDING_EFFECTS = frozenset({Effect.TRADES, Effect.READS_MARKET})
PRICE_HELP = (
    "A price, or how far from the market now: in pips, in points (the symbol's smallest unit), or as a distance in "
    "price. The market is the ask for a buy and the bid for a sell."
)
Status = Literal["placed", "filled", "partial", "cancelled", "expired"]
_STATUS: dict[OutcomeStatus, Status] = {
    OutcomeStatus.PLACED: "placed",
    OutcomeStatus.DONE: "filled",
    OutcomeStatus.PARTIAL: "partial",
    OutcomeStatus.CANCELLED: "cancelled",
    OutcomeStatus.EXPIRED: "expired",
}


class _SendConfig(NodeConfig):
    ttl_s: int = ttl_setting()
    account: str | None = account_setting()


class PendingConfig(_SendConfig, ExpiryConfig, StopsConfig, TradeConfig):
    """All but the price. Prices, in a `TradeConfig` of their own, are mixed in behind and so show before the stops."""


class PendingOutput(NodeOutput):
    ticket: int = Field(description="Ticket of the order, as order.modify and order.cancel take it.")
    status: Status = Field(
        description="placed while it rests; filled; partial when its rest was cancelled or expired; or how it left."
    )
    symbol: str = Field(description="The instrument.")
    side: Side = Field(description="buy or sell.")
    type: PendingType = Field(description="limit, stop or stop_limit.")
    order_price: float | None = Field(description="The price it waits at: the limit, or the stop.")
    limit_price: float | None = Field(description="The limit a stop-limit places at its stop; else null.")
    volume: float = Field(description="Lots filled so far.")
    remainder: float = Field(description="Lots asked for and not filled.")
    price: float | None = Field(description="Average price of the fill; null before one.")
    position: int | None = Field(description="Ticket of the position it became, as order.close takes it; else null.")
    stop_loss: float | None = Field(description="Stop loss price sent with it; null when there is none.")
    take_profit: float | None = Field(description="Take profit price sent with it; null when there is none.")
    expires_at: AwareDatetime | None = Field(description="When the broker takes it away; null when it does not say.")
    message: str = Field(description="The broker's words.")


@dataclass(frozen=True, slots=True)
class Waiting:
    """Where an order is to wait, on the symbol's grid. `limit_price` is that of a stop-limit."""

    price: Decimal
    limit_price: Decimal | None = None


def rests_below(type: PendingType, side: Side) -> bool:
    """Whether it waits below the market: buy limits and sell stops do."""
    return (type is PendingType.LIMIT) == (side is Side.BUY)


def waiting_price(level: Level, type: PendingType, side: Side, tick: "Tick", symbol: "Symbol") -> Decimal:
    """The price a pending order waits at. Raises `NodeConfigError` for the wrong side of the market or too near."""
    where, market = opening_quote(side, tick)
    below = rests_below(type, side)
    price = level.price(market, symbol, below=below)
    level.check(price, market, symbol, below=below, whose=f"a {side}'s", where=where)
    return price


def place_pending(
    config: PendingConfig,
    context: NodeContext,
    type: PendingType,
    wait: "Callable[[Tick, Symbol], Waiting]",
) -> PendingOutput:
    """Places the order once, or tells what has become of it. `wait` gives its place from the market as it is now."""
    broker = context.broker(config.account)
    what = f"{config.side} {type.replace('_', '-')} {config.volume:g} {config.symbol}"
    order_id = context.client_order_id()

    def intent() -> PendingOrderIntent:
        symbol, tick = broker.symbol(config.symbol), two_sided_quote(broker, config.symbol)
        waiting = wait(tick, symbol)
        return _intent(config, type, waiting, symbol, origin(broker, context, order_id, config.ttl_s))

    outcome = settled(place(broker, context, order_id, intent), what, resting=True)
    if outcome.order is None:
        raise OrderUnknown(f"{what} was accepted, but the broker has not named the order yet")
    output = _output(config, type, outcome, outcome.order)
    context.log(
        f"{what} at {output.order_price}: {output.status}, order {output.ticket}",
        level="warning" if output.status == "partial" else "info",
        client_order_id=order_id,
    )
    return output


def _intent(
    config: PendingConfig, type: PendingType, waiting: Waiting, symbol: "Symbol", origin: dict[str, Any]
) -> PendingOrderIntent:
    entry = waiting.limit_price or waiting.price
    prices = {}
    for stop in config.stops():
        prices[stop.field] = stop.price(config.side, entry, symbol)
        stop.check_from(prices[stop.field], config.side, entry, symbol, "the order's price")
    expiry, expires_at = resolved_expiry(config.expiry, config.expires_after_s, config.expires_at, origin["created_at"])
    return PendingOrderIntent(
        **origin,
        symbol=config.symbol,
        side=config.side,
        type=type,
        volume=exact(config.volume),
        price=waiting.price,
        limit_price=waiting.limit_price,
        expiry=expiry,
        expires_at=expires_at,
        **prices,
    )


def _output(config: PendingConfig, type: PendingType, outcome: OrderOutcome, ticket: int) -> PendingOutput:
    return PendingOutput(
        ticket=ticket,
        status=_STATUS[outcome.status],
        symbol=config.symbol,
        side=config.side,
        type=type,
        order_price=outcome.order_price,
        limit_price=outcome.limit_price,
        volume=float(outcome.volume),
        remainder=float(max(exact(config.volume) - outcome.volume, Decimal(0))),
        price=outcome.price,
        position=outcome.position,
        stop_loss=outcome.stop_loss,
        take_profit=outcome.take_profit,
        expires_at=outcome.expires_at,
        message=outcome.message,
    )
