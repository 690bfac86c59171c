"""The calls that read and move the account: positions, orders, history, trade requests, calculations."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

from mt5_bridge.paper import arguments, constants
from mt5_bridge.paper.config import SymbolConfig
from mt5_bridge.paper.errors import NoConversion, TerminalFailure
from mt5_bridge.paper.records import Deal, Order
from mt5_bridge.paper.session import Session, terminal_call
from mt5_bridge.paper.store import DEALS, ORDERS
from mt5_bridge.paper.structs import OrderCheckResult, OrderSendResult, TradeDeal, TradeOrder, TradePosition
from mt5_bridge.paper.terminal import PaperTerminal
from mt5_bridge.paper.views import deal_struct, order_struct, position_struct
from tradeloom.trading.exact import exact

_MARKET_SIDES = (constants.ORDER_TYPE_BUY, constants.ORDER_TYPE_SELL)
_LAST_SECOND = 2**62 // 1_000
_INT64 = 2**63
_MOST = 1e9


class TradeCalls:
    """Functions of the package around the account. Signatures and failures are the package's."""

    def __init__(self, session: Session) -> None:
        self.session = session

    @terminal_call(None)
    def positions_total(self, terminal: PaperTerminal) -> int:
        return len(terminal.account.positions)

    @terminal_call(None)
    def positions_get(self, terminal: PaperTerminal, *unnamed: Any, **filters: Any) -> tuple[TradePosition, ...]:
        """All positions, or those of one `symbol`, one `ticket`, or a `group` of symbols."""
        keep = _Filter(unnamed, filters)
        positions = terminal.account.positions.values()
        return tuple(position_struct(terminal.account, p) for p in positions if keep(p.symbol, p.ticket))

    @terminal_call(None)
    def orders_total(self, terminal: PaperTerminal) -> int:
        return len(terminal.account.orders)

    @terminal_call(None)
    def orders_get(self, terminal: PaperTerminal, *unnamed: Any, **filters: Any) -> tuple[TradeOrder, ...]:
        """All pending orders, or those of one `symbol`, one `ticket`, or a `group` of symbols."""
        keep = _Filter(unnamed, filters)
        orders = [order for order in terminal.account.orders.values() if keep(order.symbol, order.ticket)]
        return tuple(order_struct(order, terminal.market.price(order.symbol)) for order in orders)

    @terminal_call(None)
    def history_orders_total(self, terminal: PaperTerminal, date_from: Any, date_to: Any, /) -> int:
        return len(self._past_orders(terminal, (date_from, date_to), {}))

    @terminal_call(None)
    def history_orders_get(self, terminal: PaperTerminal, *dates: Any, **filters: Any) -> tuple[TradeOrder, ...]:
        """Orders done between two dates (and of a `group`), or by `ticket`, or of a `position`."""
        return tuple(order_struct(order, None) for order in self._past_orders(terminal, dates, filters))

    @terminal_call(None)
    def history_deals_total(self, terminal: PaperTerminal, date_from: Any, date_to: Any, /) -> int:
        return len(self._deals(terminal, (date_from, date_to), {}))

    @terminal_call(None)
    def history_deals_get(self, terminal: PaperTerminal, *dates: Any, **filters: Any) -> tuple[TradeDeal, ...]:
        """Deals between two dates (and of a `group`), or of the ORDER `ticket`, or of a `position`."""
        return tuple(deal_struct(deal) for deal in self._deals(terminal, dates, filters))

    @terminal_call(None)
    def order_check(self, terminal: PaperTerminal, *unnamed: Any, **named: Any) -> OrderCheckResult:
        return terminal.check(arguments.trade_request(unnamed, named))

    @terminal_call(None)
    def order_send(self, terminal: PaperTerminal, *unnamed: Any, **named: Any) -> OrderSendResult:
        return terminal.send(arguments.trade_request(unnamed, named))

    @terminal_call(None)
    def order_calc_margin(
        self, terminal: PaperTerminal, action: int, symbol: str, volume: float, price: float, /
    ) -> float:
        """Margin of a trade of its own, in the account's currency."""
        _market_side(action)
        config, valuation = _symbol(terminal, symbol), terminal.account.valuation
        lots, at = _positive(volume, 3), _positive(price, 4)
        with _converting():
            return float(valuation.money(lots * valuation.margin_per_lot(config, at / config.point)))

    @terminal_call(None)
    def order_calc_profit(
        self, terminal: PaperTerminal, action: int, symbol: str, volume: float, price_open: float, price_close: float, /
    ) -> float:
        """Profit from one price to another, in the account's currency."""
        sign = 1 if _market_side(action) == constants.ORDER_TYPE_BUY else -1
        config = _symbol(terminal, symbol)
        lots, opened, closed = _positive(volume, 3), _positive(price_open, 4), _positive(price_close, 5)
        with _converting():
            profit = terminal.account.valuation.profit(config, sign, lots, opened / config.point, closed / config.point)
            return float(profit)

    def _past_orders(self, terminal: PaperTerminal, dates: tuple[Any, ...], filters: dict[str, Any]) -> list[Order]:
        where, values = _history_condition(dates, filters, "time_done_msc", "ticket")
        orders = terminal.store.select(ORDERS, f"login = ? AND time_done_msc > 0 AND {where}", terminal.login, *values)
        gap = terminal.mishaps.history_gap()
        return [o for o in orders if _in_group(o.symbol, filters) and (gap is None or o.ticket < gap[0])]

    def _deals(self, terminal: PaperTerminal, dates: tuple[Any, ...], filters: dict[str, Any]) -> list[Deal]:
        where, values = _history_condition(dates, filters, "time_msc", "order_ticket")
        deals = terminal.store.select(DEALS, f"login = ? AND {where}", terminal.login, *values)
        gap = terminal.mishaps.history_gap()
        return [d for d in deals if _in_group(d.symbol, filters) and (gap is None or d.ticket < gap[1])]


class _Filter:
    """The filter of `positions_get` and `orders_get`: a symbol goes before a ticket, a ticket before a group."""

    def __init__(self, unnamed: tuple[Any, ...], filters: dict[str, Any]) -> None:
        arguments.none_unnamed(unnamed)
        self._symbol = arguments.named(filters, "symbol", str, "") if "symbol" in filters else None
        self._ticket = arguments.named(filters, "ticket", int, 0) if "ticket" in filters else None
        self._group = arguments.named(filters, "group", str, "*")

    def __call__(self, symbol: str, ticket: int) -> bool:
        if self._symbol is not None:
            return symbol == self._symbol
        if self._ticket is not None:
            return ticket == self._ticket
        return arguments.matches_group(symbol, self._group)


def _history_condition(
    dates: tuple[Any, ...], filters: dict[str, Any], time_column: str, ticket_column: str
) -> tuple[str, tuple[int, ...]]:
    """Two dates (whole seconds, both included), or a ticket, or a position's identifier."""
    for name, column in (("ticket", ticket_column), ("position", "position_id")):
        if name in filters:
            number = arguments.named(filters, name, int, 0)
            return f"{column} = ?", (number if 0 <= number < _INT64 else -1,)
    if len(dates) != 2:
        raise arguments.invalid()
    first, last = (_whole_second(date, position) for position, date in enumerate(dates, start=1))
    return f"{time_column} BETWEEN ? AND ?", (first * 1_000, last * 1_000 + 999)


def _whole_second(date: Any, position: int) -> int:
    return max(-_LAST_SECOND, min(_LAST_SECOND, arguments.seconds(date, position)))


def _in_group(symbol: str, filters: dict[str, Any]) -> bool:
    return arguments.matches_group(symbol, arguments.named(filters, "group", str, "*"))


def _market_side(action: Any) -> int:
    if arguments.integer(action, 1) not in _MARKET_SIDES:
        raise arguments.invalid()
    return int(action)


def _symbol(terminal: PaperTerminal, name: Any) -> SymbolConfig:
    symbol = terminal.symbols.get(arguments.text(name, 2))
    if symbol is None:
        raise TerminalFailure(constants.RES_E_FAIL, "Terminal: Call failed")
    return symbol


def _positive(value: Any, position: int) -> Decimal:
    """A calculation takes any volume and price, on no step and no tick."""
    number = arguments.real(value, position)
    if not (math.isfinite(number) and 0 < number <= _MOST):
        raise arguments.invalid()
    return exact(number)


@contextmanager
def _converting() -> Iterator[None]:
    try:
        yield
    except NoConversion as error:
        raise TerminalFailure(constants.RES_E_FAIL, f"Terminal: Call failed ({error.message})") from error
