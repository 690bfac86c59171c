"""A drop-in for the `MetaTrader5` package on a paper terminal: `import mt5_bridge.paper.metatrader5 as mt5`.

The same 35 functions, constants, structs and failures. `initialize(path)` takes a directory that holds `paper.json`
(and keeps its books in `paper.db` there). What only a paper terminal has, its clock and its faults, is in `control`.
"""

from typing import Any

from mt5_bridge.paper.connection import ConnectionCalls
from mt5_bridge.paper.constants import *  # noqa: F403
from mt5_bridge.paper.constants import (
    ORDER_TYPE_BUY,
    ORDER_TYPE_SELL,
    TRADE_ACTION_DEAL,
    TRADE_RETCODE_DONE,
    TRADE_RETCODE_DONE_PARTIAL,
    TRADE_RETCODE_PRICE_OFF,
    TRADE_RETCODE_REQUOTE,
)
from mt5_bridge.paper.market_calls import MarketCalls
from mt5_bridge.paper.session import Session
from mt5_bridge.paper.structs import *  # noqa: F403
from mt5_bridge.paper.structs import OrderSendResult
from mt5_bridge.paper.trade_calls import TradeCalls

__version__ = "5.0.6231"

SESSION = Session()
"""One a process, as the real package has one connection a process."""

_connection = ConnectionCalls(SESSION)
_market = MarketCalls(SESSION)
_trade = TradeCalls(SESSION)

initialize = _connection.initialize
shutdown = _connection.shutdown
login = _connection.login
version = _connection.version
terminal_info = _connection.terminal_info
account_info = _connection.account_info
last_error = _connection.last_error

symbols_total = _market.symbols_total
symbols_get = _market.symbols_get
symbol_info = _market.symbol_info
symbol_info_tick = _market.symbol_info_tick
symbol_select = _market.symbol_select
market_book_add = _market.market_book_add
market_book_get = _market.market_book_get
market_book_release = _market.market_book_release
copy_rates_from = _market.copy_rates_from
copy_rates_from_pos = _market.copy_rates_from_pos
copy_rates_range = _market.copy_rates_range
copy_ticks_from = _market.copy_ticks_from
copy_ticks_range = _market.copy_ticks_range

orders_total = _trade.orders_total
orders_get = _trade.orders_get
order_calc_margin = _trade.order_calc_margin
order_calc_profit = _trade.order_calc_profit
order_check = _trade.order_check
order_send = _trade.order_send
positions_total = _trade.positions_total
positions_get = _trade.positions_get
history_orders_total = _trade.history_orders_total
history_orders_get = _trade.history_orders_get
history_deals_total = _trade.history_deals_total
history_deals_get = _trade.history_deals_get

_TRIES = 10
_DEVIATION = 10
_TRY_AGAIN = (TRADE_RETCODE_REQUOTE, TRADE_RETCODE_PRICE_OFF)


def Buy(  # noqa: N802
    symbol: str, volume: float, price: float | None = None, *, comment: str | None = None, ticket: int | None = None
) -> OrderSendResult | None:
    """Buys at market. As in the real package it sends again on 10004 and 10021: not for code that must send once."""
    return _at_market(ORDER_TYPE_BUY, symbol, volume, price, comment, ticket)


def Sell(  # noqa: N802
    symbol: str, volume: float, price: float | None = None, *, comment: str | None = None, ticket: int | None = None
) -> OrderSendResult | None:
    """Sells at market. As in the real package it sends again on 10004 and 10021: not for code that must send once."""
    return _at_market(ORDER_TYPE_SELL, symbol, volume, price, comment, ticket)


def Close(symbol: str, *, comment: str | None = None, ticket: int | None = None) -> bool | str | None:  # noqa: N802
    """Closes a symbol's positions, or one: True if all closed, "Partially", False if none, None if a call failed."""
    positions = positions_get(symbol=symbol) if ticket is None else positions_get(ticket=ticket)
    if positions is None:
        return None
    closed = 0
    for position in positions:
        side = ORDER_TYPE_SELL if position.type == ORDER_TYPE_BUY else ORDER_TYPE_BUY
        result = _at_market(side, position.symbol, position.volume, None, comment, position.ticket)
        if result is None:
            return None
        closed += result.retcode in (TRADE_RETCODE_DONE, TRADE_RETCODE_DONE_PARTIAL)
    if not closed:
        return False
    return True if closed == len(positions) else "Partially"


def _at_market(
    side: int, symbol: str, volume: float, price: float | None, comment: str | None, ticket: int | None
) -> OrderSendResult | None:
    request: dict[str, Any] = {
        "action": TRADE_ACTION_DEAL,
        "symbol": symbol,
        "volume": volume,
        "type": side,
        "deviation": _DEVIATION,
    }
    if comment is not None:
        request["comment"] = comment
    if ticket is not None:
        request["position"] = ticket
    if price is not None:
        return order_send(request | {"price": float(price)})
    result: OrderSendResult | None = None
    for _ in range(_TRIES):
        tick = symbol_info_tick(symbol)
        if tick is None:
            return None
        result = order_send(request | {"price": tick.bid if side == ORDER_TYPE_SELL else tick.ask})
        if result is None or result.retcode not in _TRY_AGAIN:
            break
    return result
