"""An intent as the request `order_send` takes: pure, exact, and never more than was asked for.

The terminal is strict about types (`float` and `int` only) and brokers are strict about steps, so volumes and prices
are computed in Decimal and turned into floats last.
"""

from dataclasses import dataclass
from decimal import ROUND_FLOOR, ROUND_HALF_EVEN, Decimal
from typing import Any

from mt5_bridge import constants as mt5
from tradeloom.errors import OrderRejected
from tradeloom.trading.exact import exact
from tradeloom.trading.intents import CloseIntent, MarketOrderIntent, PendingOrderIntent, Side


class Unsendable(OrderRejected):
    """No valid request can be made of the intent; nothing was sent."""


@dataclass(frozen=True, slots=True)
class SymbolRules:
    """What a symbol demands of a request. `stops_level` in points; `filling_flags` are the symbol's own bits."""

    name: str
    digits: int
    point: Decimal
    tick_size: Decimal
    volume_min: Decimal
    volume_max: Decimal
    volume_step: Decimal
    stops_level: int
    filling_flags: int
    execution: int

    @classmethod
    def of(cls, info: Any) -> "SymbolRules":
        """From the terminal's SymbolInfo. A broker that leaves the tick size at zero means the point."""
        point = exact(info.point)
        return cls(
            name=info.name,
            digits=info.digits,
            point=point,
            tick_size=exact(info.trade_tick_size) or point,
            volume_min=exact(info.volume_min),
            volume_max=exact(info.volume_max),
            volume_step=exact(info.volume_step),
            stops_level=info.trade_stops_level,
            filling_flags=info.filling_mode,
            execution=info.trade_exemode,
        )

    def price(self, price: Decimal) -> Decimal:
        """Rounded to the tick size, then to the digits."""
        steps = (price / self.tick_size).to_integral_value(ROUND_HALF_EVEN)
        return (steps * self.tick_size).quantize(Decimal(1).scaleb(-self.digits), ROUND_HALF_EVEN)

    def volume(self, lots: Decimal) -> Decimal:
        """Floored to the step. Below the minimum there is no order: rounding up would risk more than was asked."""
        floored = (lots / self.volume_step).to_integral_value(ROUND_FLOOR) * self.volume_step
        if floored < self.volume_min:
            raise Unsendable(f"{lots} lots of {self.name} are below the smallest order of {self.volume_min}")
        if floored > self.volume_max:
            raise Unsendable(f"{lots} lots of {self.name} are above the largest order of {self.volume_max}")
        return floored

    def filling_modes(self, *, pending: bool = False, closing: bool = False) -> tuple[int, ...]:
        """`ORDER_FILLING_*` to try, the declared ones first. The flags are not the enum: FOK is bit 1 and value 0.

        A pending order that rests is first tried with RETURN, which keeps what a first fill leaves over. A close is
        tried with IOC before FOK: where the market is thin, part of an exit is better than none.
        """
        declared = [
            mode
            for flag, mode in (
                (mt5.SYMBOL_FILLING_FOK, mt5.ORDER_FILLING_FOK),
                (mt5.SYMBOL_FILLING_IOC, mt5.ORDER_FILLING_IOC),
            )
            if self.filling_flags & flag
        ]
        if closing:
            declared.reverse()
        others = [mt5.ORDER_FILLING_FOK, mt5.ORDER_FILLING_IOC]
        if self.execution != mt5.SYMBOL_TRADE_EXECUTION_MARKET:  # market execution never knows RETURN
            others.insert(0, mt5.ORDER_FILLING_RETURN)
        modes = (*declared, *(mode for mode in others if mode not in declared))
        if pending:
            return (mt5.ORDER_FILLING_RETURN, *(mode for mode in modes if mode != mt5.ORDER_FILLING_RETURN))
        return modes


@dataclass(frozen=True, slots=True)
class Quote:
    bid: Decimal
    ask: Decimal

    def entry(self, side: Side) -> Decimal:
        """The price a deal on this side gets."""
        return self.ask if side is Side.BUY else self.bid

    def exit(self, side: Side) -> Decimal:
        """The price that closes a position on this side: bid for a buy, ask for a sell."""
        return self.bid if side is Side.BUY else self.ask


@dataclass(frozen=True, slots=True)
class Leg:
    """The deal an intent comes down to now: `position` is the ticket a close names, 0 for an opening order."""

    side: Side
    volume: Decimal
    position: int


def opening_leg(intent: MarketOrderIntent | PendingOrderIntent, rules: SymbolRules) -> Leg:
    """Raises `Unsendable` for a volume the symbol does not allow."""
    return Leg(intent.side, rules.volume(intent.volume), 0)


def closing_leg(intent: CloseIntent, position: Any, rules: SymbolRules) -> Leg:
    """The opposite of the position, never more than is open. Raises `Unsendable`.

    The whole of a position is closed exactly, whatever the step; a part of it is floored like any volume. Asked for
    more lots than are open, it closes those that are.
    """
    if position.symbol != intent.symbol:
        raise Unsendable(f"position {intent.position} is in {position.symbol}, not in {intent.symbol}")
    held = exact(position.volume)
    wanted = intent.volume if intent.percent is None else held * intent.percent / 100
    volume = held if wanted is None or wanted >= held else rules.volume(wanted)
    side = Side.SELL if position.type == mt5.POSITION_TYPE_BUY else Side.BUY
    return Leg(side, volume, intent.position)


def build_request(
    intent: MarketOrderIntent | CloseIntent, leg: Leg, rules: SymbolRules, quote: Quote, filling: int
) -> dict[str, Any]:
    """The dict for an order at market. Raises `Unsendable` for stops on the wrong side or too near."""
    request: dict[str, Any] = {
        "action": mt5.TRADE_ACTION_DEAL,
        "symbol": intent.symbol,
        "volume": float(leg.volume),
        "type": mt5.ORDER_TYPE_BUY if leg.side is Side.BUY else mt5.ORDER_TYPE_SELL,
        "price": float(rules.price(quote.entry(leg.side))),
        "deviation": intent.deviation,
        "magic": intent.magic,
        "comment": intent.comment,
        "type_time": mt5.ORDER_TIME_GTC,
        "type_filling": filling,
    }
    if isinstance(intent, CloseIntent):
        request["position"] = leg.position  # without it a netting account would open the opposite position
        return request
    return request | stop_levels(intent.stop_loss, intent.take_profit, intent.side, rules, quote.exit(intent.side))


def stop_levels(
    stop_loss: Decimal | None, take_profit: Decimal | None, side: Side, rules: SymbolRules, reference: Decimal
) -> dict[str, float]:
    """`{sl?, tp?}` of a request. They are judged against `reference`: the price that would close the position, or the
    one a pending order opens it at. Raises `Unsendable`."""
    levels = (("sl", stop_loss), ("tp", take_profit))
    return {key: float(stop_level(key, level, side, rules, reference)) for key, level in levels if level is not None}


def stop_level(key: str, level: Decimal, side: Side, rules: SymbolRules, reference: Decimal) -> Decimal:
    """The stop loss (`key` "sl") or take profit on the symbol's grid. Raises `Unsendable` for the wrong side of
    `reference`, or nearer to it than the broker allows."""
    price = rules.price(level)
    below = (key == "sl") == (side is Side.BUY)
    distance = reference - price if below else price - reference
    least = rules.stops_level * rules.point
    name = "stop loss" if key == "sl" else "take profit"
    if price <= 0 or distance <= 0:
        where = "below" if below else "above"
        raise Unsendable(f"the {name} {price} of a {side} must be {where} the price {reference}")
    if distance < least:
        raise Unsendable(f"the {name} {price} is nearer to {reference} than the broker's {rules.stops_level} points")
    return price
