"""Reading a trade request against its symbol: volumes, prices and stops as the server checks them.

Floats come in here and leave as decimals (lots) and integers (points); each check refuses with the server's retcode.
"""

import math
from decimal import Decimal

from mt5_bridge.paper import constants as mt5
from mt5_bridge.paper.config import SymbolConfig
from mt5_bridge.paper.errors import Refused
from mt5_bridge.paper.timeframes import DAY_S
from tradeloom.trading.exact import exact

COMMENTS = {
    mt5.TRADE_RETCODE_REQUOTE: "Requote",
    mt5.TRADE_RETCODE_REJECT: "Request rejected",
    mt5.TRADE_RETCODE_PLACED: "Order placed",
    mt5.TRADE_RETCODE_DONE: "Request executed",
    mt5.TRADE_RETCODE_DONE_PARTIAL: "Request executed partially",
    mt5.TRADE_RETCODE_ERROR: "Common error",
    mt5.TRADE_RETCODE_TIMEOUT: "Request timeout",
    mt5.TRADE_RETCODE_INVALID: "Invalid request",
    mt5.TRADE_RETCODE_INVALID_VOLUME: "Invalid volume",
    mt5.TRADE_RETCODE_INVALID_PRICE: "Invalid price",
    mt5.TRADE_RETCODE_INVALID_STOPS: "Invalid stops",
    mt5.TRADE_RETCODE_TRADE_DISABLED: "Trade disabled",
    mt5.TRADE_RETCODE_MARKET_CLOSED: "Market closed",
    mt5.TRADE_RETCODE_NO_MONEY: "No money",
    mt5.TRADE_RETCODE_PRICE_OFF: "Off quotes",
    mt5.TRADE_RETCODE_INVALID_EXPIRATION: "Invalid expiration",
    mt5.TRADE_RETCODE_ORDER_CHANGED: "Order changed",
    mt5.TRADE_RETCODE_NO_CHANGES: "No changes",
    mt5.TRADE_RETCODE_LOCKED: "Request locked for processing",
    mt5.TRADE_RETCODE_FROZEN: "Order or position frozen",
    mt5.TRADE_RETCODE_INVALID_FILL: "Unsupported filling mode",
    mt5.TRADE_RETCODE_CONNECTION: "No connection",
    mt5.TRADE_RETCODE_LIMIT_ORDERS: "Orders limit reached",
    mt5.TRADE_RETCODE_INVALID_ORDER: "Invalid order",
    mt5.TRADE_RETCODE_POSITION_CLOSED: "Position closed",
    mt5.TRADE_RETCODE_INVALID_CLOSE_VOLUME: "Invalid close volume",
    mt5.TRADE_RETCODE_LONG_ONLY: "Long only",
    mt5.TRADE_RETCODE_SHORT_ONLY: "Short only",
    mt5.TRADE_RETCODE_CLOSE_ONLY: "Close only",
}

_LOT_STEP = Decimal("1e-8")
_MAX_LOTS = 1e9
_MAX_PRICE = 1e9
_PRICE_STEP = Decimal("1e-10")
"""Floats are read to MetaTrader's eight digits of volume, and finer than any symbol's price step."""


def refuse(retcode: int, comment: str | None = None) -> Refused:
    return Refused(retcode, comment or words(retcode))


def words(retcode: int) -> str:
    """The server's words for a retcode."""
    return COMMENTS.get(retcode, f"Retcode {retcode}")


def read_volume(symbol: SymbolConfig, lots: float) -> Decimal:
    """Lots within the symbol's limits, on its step; 10014."""
    if not (math.isfinite(lots) and 0 < lots <= _MAX_LOTS):
        raise refuse(mt5.TRADE_RETCODE_INVALID_VOLUME)
    volume = exact(lots).quantize(_LOT_STEP).normalize()
    if not symbol.volume_min <= volume <= symbol.volume_max or volume % symbol.volume_step:
        raise refuse(mt5.TRADE_RETCODE_INVALID_VOLUME)
    return volume


def read_price(symbol: SymbolConfig, price: float, retcode: int = mt5.TRADE_RETCODE_INVALID_PRICE) -> int:
    """A positive price on the symbol's tick, in points; else `retcode`."""
    points = read_level(symbol, price, retcode)
    if points == 0:
        raise refuse(retcode)
    return points


def read_level(symbol: SymbolConfig, price: float, retcode: int = mt5.TRADE_RETCODE_INVALID_STOPS) -> int:
    """A price on the symbol's tick in points, 0.0 meaning none; else `retcode`."""
    if not (math.isfinite(price) and 0 <= price <= _MAX_PRICE):
        raise refuse(retcode)
    points = exact(price).quantize(_PRICE_STEP) / symbol.point
    if points % symbol.tick_points:
        raise refuse(retcode)
    return int(points)


def check_stops(symbol: SymbolConfig, *, is_long: bool, price: int, sl: int, tp: int) -> None:
    """Stops on their sides of `price`, at least the stops level away; 10016."""
    sign = 1 if is_long else -1
    least = max(1, symbol.stops_level)
    if (sl and (price - sl) * sign < least) or (tp and (tp - price) * sign < least):
        raise refuse(mt5.TRADE_RETCODE_INVALID_STOPS)


def check_pending_price(symbol: SymbolConfig, order_type: int, price: int, stoplimit: int, bid: int, ask: int) -> None:
    """A pending price on its side of the market, and a stop-limit's limit on the near side of its stop; 10015."""
    buys = order_type in (mt5.ORDER_TYPE_BUY_LIMIT, mt5.ORDER_TYPE_BUY_STOP, mt5.ORDER_TYPE_BUY_STOP_LIMIT)
    below = order_type in (mt5.ORDER_TYPE_BUY_LIMIT, mt5.ORDER_TYPE_SELL_STOP, mt5.ORDER_TYPE_SELL_STOP_LIMIT)
    market = ask if buys else bid
    distance = market - price if below else price - market
    wrong_limit = bool(stoplimit) and (stoplimit >= price if buys else stoplimit <= price)
    if distance < max(1, symbol.stops_level) or wrong_limit:
        raise refuse(mt5.TRADE_RETCODE_INVALID_PRICE)


def check_trade_mode(symbol: SymbolConfig, *, is_buy: bool, closes: bool) -> None:
    """What the symbol's trade mode forbids: 10017, 10042, 10043, 10044."""
    if symbol.trade_mode == "disabled":
        raise refuse(mt5.TRADE_RETCODE_TRADE_DISABLED)
    if closes:
        return
    if symbol.trade_mode == "close_only":
        raise refuse(mt5.TRADE_RETCODE_CLOSE_ONLY)
    if symbol.trade_mode == "long_only" and not is_buy:
        raise refuse(mt5.TRADE_RETCODE_LONG_ONLY)
    if symbol.trade_mode == "short_only" and is_buy:
        raise refuse(mt5.TRADE_RETCODE_SHORT_ONLY)


def check_filling(symbol: SymbolConfig, filling: int, *, pending: bool) -> None:
    """A filling mode the symbol allows; pending orders may always rest (RETURN), and market orders under exchange
    execution; 10030."""
    names = {mt5.ORDER_FILLING_FOK: "fok", mt5.ORDER_FILLING_IOC: "ioc", mt5.ORDER_FILLING_BOC: "boc"}
    name = names.get(filling)
    if filling == mt5.ORDER_FILLING_RETURN and (pending or symbol.execution == "exchange"):
        return
    if name not in symbol.filling_modes or (name == "boc" and not pending):
        raise refuse(mt5.TRADE_RETCODE_INVALID_FILL)


def read_expiration(type_time: int, expiration: int, now_msc: int) -> int:
    """When the order leaves, in seconds of server time (0: never): a DAY order at the next midnight, a SPECIFIED_DAY
    one at the end of its day; 10022 if that is not in the future."""
    match type_time:
        case mt5.ORDER_TIME_GTC:
            return 0
        case mt5.ORDER_TIME_DAY:
            until = (now_msc // 1_000 // DAY_S + 1) * DAY_S
        case mt5.ORDER_TIME_SPECIFIED:
            until = expiration
        case mt5.ORDER_TIME_SPECIFIED_DAY:
            until = (expiration // DAY_S + 1) * DAY_S
        case _:
            raise refuse(mt5.TRADE_RETCODE_INVALID_EXPIRATION)
    if not now_msc < until * 1_000 < 2**62:
        raise refuse(mt5.TRADE_RETCODE_INVALID_EXPIRATION)
    return until
