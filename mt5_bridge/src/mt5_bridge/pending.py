"""A pending order as the request `order_send` takes, and what a pending order's record says of it."""

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from mt5_bridge import constants as mt5
from mt5_bridge.preparation import Leg, Quote, SymbolRules, Unsendable, stop_levels
from mt5_bridge.server_time import ServerZone
from tradeloom.trading.exact import exact
from tradeloom.trading.intents import Expiry, PendingOrderIntent, PendingType, Side

ORDER_TYPES = {
    (PendingType.LIMIT, Side.BUY): mt5.ORDER_TYPE_BUY_LIMIT,
    (PendingType.LIMIT, Side.SELL): mt5.ORDER_TYPE_SELL_LIMIT,
    (PendingType.STOP, Side.BUY): mt5.ORDER_TYPE_BUY_STOP,
    (PendingType.STOP, Side.SELL): mt5.ORDER_TYPE_SELL_STOP,
    (PendingType.STOP_LIMIT, Side.BUY): mt5.ORDER_TYPE_BUY_STOP_LIMIT,
    (PendingType.STOP_LIMIT, Side.SELL): mt5.ORDER_TYPE_SELL_STOP_LIMIT,
}
PENDING_TYPES = {number: kind for kind, number in ORDER_TYPES.items()}
_TIMES = {
    Expiry.GTC: mt5.ORDER_TIME_GTC,
    Expiry.DAY: mt5.ORDER_TIME_DAY,
    Expiry.SPECIFIED: mt5.ORDER_TIME_SPECIFIED,
}
_NAMES = {PendingType.LIMIT: "limit", PendingType.STOP: "stop", PendingType.STOP_LIMIT: "stop-limit"}


@dataclass(frozen=True, slots=True)
class Resting:
    """Where a pending order waits: `limit_price` is zero but for a stop-limit."""

    type: PendingType
    side: Side
    price: Decimal
    limit_price: Decimal = Decimal(0)

    @property
    def entry(self) -> Decimal:
        """The price its position would be opened at, against which its stops are held."""
        return self.limit_price or self.price

    def check(self, rules: SymbolRules, quote: Quote) -> None:
        """Raises `Unsendable` for the wrong side of the market, or nearer to it than the broker allows."""
        market = quote.entry(self.side)
        name = f"{_NAMES[self.type]} price {self.price} of a {self.side}"
        below = (self.type is PendingType.LIMIT) == (self.side is Side.BUY)
        distance = market - self.price if below else self.price - market
        if distance <= 0:
            raise Unsendable(f"the {name} must be {'below' if below else 'above'} the market, which is at {market}")
        if distance < rules.stops_level * rules.point:
            raise Unsendable(f"the {name} is nearer to the market at {market} than {rules.stops_level} points")
        if self.type is PendingType.STOP_LIMIT:
            behind = self.price - self.limit_price if self.side is Side.BUY else self.limit_price - self.price
            if behind <= 0:
                where = "below" if self.side is Side.BUY else "above"
                raise Unsendable(f"the limit {self.limit_price} of a {self.side} stop-limit must be {where} its stop")


def build_pending_request(
    intent: PendingOrderIntent, leg: Leg, rules: SymbolRules, quote: Quote, filling: int, zone: ServerZone
) -> dict[str, Any]:
    """The dict for `order_send`. Raises `Unsendable` for prices on the wrong side or too near."""
    limit = Decimal(0) if intent.limit_price is None else rules.price(intent.limit_price)
    resting = Resting(intent.type, intent.side, rules.price(intent.price), limit)
    resting.check(rules, quote)
    request: dict[str, Any] = {
        "action": mt5.TRADE_ACTION_PENDING,
        "symbol": intent.symbol,
        "volume": float(leg.volume),
        "type": ORDER_TYPES[intent.type, intent.side],
        "price": float(resting.price),
        "magic": intent.magic,
        "comment": intent.comment,
        "type_time": _TIMES[intent.expiry],
        "expiration": server_seconds(intent.expires_at, zone),
        "type_filling": filling,
    }
    if limit:
        request["stoplimit"] = float(limit)
    return request | stop_levels(intent.stop_loss, intent.take_profit, intent.side, rules, resting.entry)


def order_time(expiry: Expiry) -> int:
    """MetaTrader's `ORDER_TIME_*`."""
    return _TIMES[expiry]


def server_seconds(moment: datetime | None, zone: ServerZone) -> int:
    """A moment on the server's clock; 0 for none."""
    return 0 if moment is None else int(zone.from_utc(moment.timestamp()))


def utc_of(server: float, zone: ServerZone) -> datetime | None:
    """The moment of a time the server gave; None for its zero."""
    return datetime.fromtimestamp(zone.to_utc(server), tz=UTC) if server else None


def resting_of(order: Any) -> Resting:
    """From the terminal's record of a live pending order. Raises `Unsendable` for one of another kind."""
    kind = PENDING_TYPES.get(order.type)
    if kind is None:
        raise Unsendable(f"order {order.ticket} is no pending order")
    return Resting(*kind, exact(order.price_open), exact(order.price_stoplimit))
