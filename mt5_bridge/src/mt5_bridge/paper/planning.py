"""What a trade request would do: checked completely against account and market, and nothing changed by it.

`order_check` and `order_send` start from the same plan, so they cannot disagree.
"""

from dataclasses import dataclass
from decimal import Decimal

from mt5_bridge.paper import constants as mt5
from mt5_bridge.paper import requests
from mt5_bridge.paper.config import SymbolConfig
from mt5_bridge.paper.dealer import available
from mt5_bridge.paper.errors import NoConversion
from mt5_bridge.paper.execution import Execution
from mt5_bridge.paper.records import BUY_ORDERS, PENDING_ORDERS, STOP_LIMIT_ORDERS, Order, Position
from mt5_bridge.paper.requests import refuse
from mt5_bridge.paper.store import ORDERS, Store
from mt5_bridge.paper.structs import TradeRequest


@dataclass(frozen=True, slots=True)
class DealPlan:
    """A trade at market: `price` is the fill, slippage included, `filled` what there is to be had of the volume at this
    quote; `closes` the position it names."""

    symbol: SymbolConfig
    is_buy: bool
    volume: Decimal
    price: int
    sl: int
    tp: int
    closes: Position | None
    filled: Decimal


@dataclass(frozen=True, slots=True)
class PendingPlan:
    """A new pending order, or (with `order`) new terms for one."""

    symbol: SymbolConfig
    type: int
    volume: Decimal
    price: int
    stoplimit: int
    sl: int
    tp: int
    expiration: int
    order: Order | None = None


@dataclass(frozen=True, slots=True)
class StopsPlan:
    position: Position
    sl: int
    tp: int


@dataclass(frozen=True, slots=True)
class RemovePlan:
    order: Order


@dataclass(frozen=True, slots=True)
class CloseByPlan:
    first: Position
    second: Position
    volume: Decimal


Plan = DealPlan | PendingPlan | StopsPlan | RemovePlan | CloseByPlan


class Planner:
    """Plans requests for one account."""

    def __init__(self, execution: Execution, store: Store) -> None:
        self._execution = execution
        self._account = execution.account
        self._store = store

    def plan(self, request: TradeRequest) -> Plan:
        """Raises `Refused` with the server's retcode."""
        try:
            return self._plan(request)
        except NoConversion as error:
            raise refuse(mt5.TRADE_RETCODE_REJECT, error.message) from error

    def _plan(self, request: TradeRequest) -> Plan:
        match request.action:
            case mt5.TRADE_ACTION_DEAL:
                return self._plan_deal(request)
            case mt5.TRADE_ACTION_PENDING:
                return self._plan_pending(request)
            case mt5.TRADE_ACTION_MODIFY:
                return self._plan_modify(request)
            case mt5.TRADE_ACTION_REMOVE:
                return self._plan_remove(request)
            case mt5.TRADE_ACTION_SLTP:
                return self._plan_stops(request)
            case mt5.TRADE_ACTION_CLOSE_BY:
                return self._plan_close_by(request)
            case _:
                raise refuse(mt5.TRADE_RETCODE_INVALID)

    def _plan_deal(self, request: TradeRequest) -> DealPlan:
        symbol, quote = self._market_of(request.symbol)
        if request.type not in (mt5.ORDER_TYPE_BUY, mt5.ORDER_TYPE_SELL):
            raise refuse(mt5.TRADE_RETCODE_INVALID_ORDER)
        is_buy = request.type == mt5.ORDER_TYPE_BUY
        closes = self._position_to_close(request, is_buy=is_buy) if request.position else None
        requests.check_trade_mode(symbol, is_buy=is_buy, closes=closes is not None)
        volume = requests.read_volume(symbol, request.volume)
        if closes is not None and volume > closes.volume:
            raise refuse(mt5.TRADE_RETCODE_INVALID_CLOSE_VOLUME)
        requests.check_filling(symbol, request.type_filling, pending=False)
        filled = available(symbol, volume, request.type_filling)
        if not filled:
            raise refuse(mt5.TRADE_RETCODE_REJECT, "Not enough liquidity to fill or kill")
        bid, ask = quote
        price = self._fill_price(symbol, request, ask if is_buy else bid, is_buy=is_buy)
        sl, tp = self._stop_levels(symbol, request)
        if closes is None:
            requests.check_stops(symbol, is_long=is_buy, price=bid if is_buy else ask, sl=sl, tp=tp)
            self._check_convertible(symbol)
            if not self._execution.affords(symbol, volume, price, is_buy=is_buy):
                raise refuse(mt5.TRADE_RETCODE_NO_MONEY)
        return DealPlan(symbol, is_buy, volume, price, sl, tp, closes, filled)

    def _fill_price(self, symbol: SymbolConfig, request: TradeRequest, quoted: int, *, is_buy: bool) -> int:
        """The quote with its slippage. Instant execution holds it to the requested price and deviation: 10004."""
        execution = self._execution
        ticket = execution.tickets.next_order
        fill = execution.slipped(symbol, quoted, is_buy=is_buy, ticket=ticket, attempt=execution.attempt)
        if symbol.execution == "instant":
            asked = requests.read_price(symbol, request.price)
            if max(abs(quoted - asked), abs(fill - asked)) > request.deviation:
                raise refuse(mt5.TRADE_RETCODE_REQUOTE)
        return fill

    def _plan_pending(self, request: TradeRequest) -> PendingPlan:
        symbol, quote = self._market_of(request.symbol)
        if request.type not in PENDING_ORDERS:
            raise refuse(mt5.TRADE_RETCODE_INVALID_ORDER)
        is_buy = request.type in BUY_ORDERS
        requests.check_trade_mode(symbol, is_buy=is_buy, closes=False)
        if len(self._account.orders) >= self._account.config.limit_orders:
            raise refuse(mt5.TRADE_RETCODE_LIMIT_ORDERS)
        volume = requests.read_volume(symbol, request.volume)
        requests.check_filling(symbol, request.type_filling, pending=True)
        self._check_convertible(symbol)
        return self._pending_terms(symbol, request.type, volume, request, quote)

    def _pending_terms(
        self,
        symbol: SymbolConfig,
        order_type: int,
        volume: Decimal,
        request: TradeRequest,
        quote: tuple[int, int],
        order: Order | None = None,
    ) -> PendingPlan:
        price = requests.read_price(symbol, request.price)
        stoplimit = requests.read_price(symbol, request.stoplimit) if order_type in STOP_LIMIT_ORDERS else 0
        requests.check_pending_price(symbol, order_type, price, stoplimit, *quote)
        sl, tp = self._stop_levels(symbol, request)
        requests.check_stops(symbol, is_long=order_type in BUY_ORDERS, price=stoplimit or price, sl=sl, tp=tp)
        expiration = requests.read_expiration(request.type_time, request.expiration, self._account.market.now_msc)
        return PendingPlan(symbol, order_type, volume, price, stoplimit, sl, tp, expiration, order)

    def _plan_modify(self, request: TradeRequest) -> PendingPlan:
        order = self._pending_order(request)
        symbol, quote = self._market_of(order.symbol)
        self._check_not_frozen(symbol, order, quote)
        if order.is_triggered:
            raise refuse(mt5.TRADE_RETCODE_FROZEN)
        plan = self._pending_terms(symbol, order.type, order.volume_current, request, quote, order)
        terms = (plan.price, plan.stoplimit, plan.sl, plan.tp, plan.expiration, request.type_time)
        if terms == (order.price, order.stoplimit, order.sl, order.tp, order.expiration, order.type_time):
            raise refuse(mt5.TRADE_RETCODE_NO_CHANGES)
        return plan

    def _plan_remove(self, request: TradeRequest) -> RemovePlan:
        order = self._pending_order(request)
        symbol, quote = self._market_of(order.symbol)
        self._check_not_frozen(symbol, order, quote)
        return RemovePlan(order)

    def _plan_stops(self, request: TradeRequest) -> StopsPlan:
        position = self._position(request)
        symbol, (bid, ask) = self._market_of(position.symbol)
        sl, tp = self._stop_levels(symbol, request)
        if (sl, tp) == (position.sl, position.tp):
            raise refuse(mt5.TRADE_RETCODE_NO_CHANGES)
        price = bid if position.is_long else ask
        near = [abs(price - level) for level in (position.sl, position.tp) if level]
        if symbol.freeze_level and near and min(near) <= symbol.freeze_level:
            raise refuse(mt5.TRADE_RETCODE_FROZEN)
        requests.check_stops(symbol, is_long=position.is_long, price=price, sl=sl, tp=tp)
        return StopsPlan(position, sl, tp)

    def _plan_close_by(self, request: TradeRequest) -> CloseByPlan:
        if not self._account.is_hedging:
            raise refuse(mt5.TRADE_RETCODE_INVALID_ORDER)
        first = self._account.positions.get(request.position)
        second = self._account.positions.get(request.position_by)
        if first is None or second is None:
            raise refuse(mt5.TRADE_RETCODE_POSITION_CLOSED)
        if first.symbol != second.symbol or first.type == second.type:
            raise refuse(mt5.TRADE_RETCODE_INVALID)
        self._market_of(first.symbol)
        return CloseByPlan(first, second, min(first.volume, second.volume))

    def _market_of(self, name: str) -> tuple[SymbolConfig, tuple[int, int]]:
        """The symbol and its bid and ask; 10013 for an unknown one, 10018 while its market is closed."""
        symbol = self._account.symbols.get(name)
        if symbol is None:
            raise refuse(mt5.TRADE_RETCODE_INVALID)
        price = self._account.market.price(name)
        if price is None or not self._account.market.is_open(name):
            raise refuse(mt5.TRADE_RETCODE_MARKET_CLOSED)
        return symbol, price

    def _position_to_close(self, request: TradeRequest, *, is_buy: bool) -> Position:
        position = self._position(request)
        if position.is_long == is_buy:
            raise refuse(mt5.TRADE_RETCODE_INVALID)
        return position

    def _position(self, request: TradeRequest) -> Position:
        """The position a request names by ticket, or in a netting account by symbol; 10036 if there is none."""
        position = self._account.positions.get(request.position)
        if position is None and not request.position and not self._account.is_hedging:
            position = next(iter(self._account.positions_in(request.symbol)), None)
        if position is None:
            raise refuse(mt5.TRADE_RETCODE_POSITION_CLOSED)
        if request.symbol and request.symbol != position.symbol:
            raise refuse(mt5.TRADE_RETCODE_INVALID)
        return position

    def _pending_order(self, request: TradeRequest) -> Order:
        """The pending order a request names; 10023 if it has left since, 10013 if there never was one."""
        order = self._account.orders.get(request.order)
        if order is not None:
            if request.symbol and request.symbol != order.symbol:
                raise refuse(mt5.TRADE_RETCODE_INVALID)
            if order.state == mt5.ORDER_STATE_STARTED:
                raise refuse(mt5.TRADE_RETCODE_LOCKED)
            return order
        known = request.order < 2**63 and self._store.count(
            ORDERS, "login = ? AND ticket = ?", self._account.login, request.order
        )
        raise refuse(mt5.TRADE_RETCODE_ORDER_CHANGED if known else mt5.TRADE_RETCODE_INVALID)

    def _stop_levels(self, symbol: SymbolConfig, request: TradeRequest) -> tuple[int, int]:
        return requests.read_level(symbol, request.sl), requests.read_level(symbol, request.tp)

    def _check_convertible(self, symbol: SymbolConfig) -> None:
        """Raises `NoConversion` if the symbol's results could not be booked in the account's currency."""
        self._account.valuation.tick_value(symbol, 1)

    def _check_not_frozen(self, symbol: SymbolConfig, order: Order, quote: tuple[int, int]) -> None:
        price = quote[1] if order.is_buy else quote[0]
        if symbol.freeze_level and abs(price - order.price) <= symbol.freeze_level:
            raise refuse(mt5.TRADE_RETCODE_FROZEN)
