"""The dealing desk: carries a plan out and gives the server's answer."""

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import assert_never

from mt5_bridge.paper import constants as mt5
from mt5_bridge.paper import requests
from mt5_bridge.paper.config import SymbolConfig
from mt5_bridge.paper.errors import Refused
from mt5_bridge.paper.execution import Execution
from mt5_bridge.paper.margin import Leg
from mt5_bridge.paper.planning import CloseByPlan, DealPlan, PendingPlan, Plan, Planner, RemovePlan, StopsPlan
from mt5_bridge.paper.records import Order
from mt5_bridge.paper.store import Store
from mt5_bridge.paper.structs import TradeRequest


@dataclass(frozen=True, slots=True)
class Answer:
    """The server's answer; prices in points of `symbol`."""

    retcode: int
    comment: str
    symbol: SymbolConfig | None = None
    order: int = 0
    deal: int = 0
    volume: Decimal = Decimal(0)
    price: int = 0
    quote: tuple[int, int] = (0, 0)


class Desk:
    """Takes requests for one account."""

    def __init__(self, execution: Execution, store: Store) -> None:
        self.execution = execution
        self.account = execution.account
        self._planner = Planner(execution, store)

    def plan(self, request: TradeRequest) -> Plan:
        """What the request would do. Raises `Refused`."""
        return self._planner.plan(request)

    def offer(self, request: TradeRequest) -> Plan:
        """As `plan`, but asked of the dealer, who may let a market order pass by. Raises `Refused`."""
        plan = self._planner.plan(request)
        if isinstance(plan, DealPlan):
            execution = self.execution
            retcode = execution.dealer.refusal(plan.symbol, execution.tickets.next_order, execution.attempt)
            if retcode is not None:
                raise requests.refuse(retcode)
        return plan

    def margin_after(self, plan: Plan) -> Decimal:
        """Margin in use once the plan is executed."""
        if not isinstance(plan, DealPlan) or plan.closes is not None:
            return self.account.margin()
        per_lot = self.account.valuation.margin_per_lot(plan.symbol, plan.price)
        return self.account.margin_after(plan.symbol, Leg(plan.is_buy, plan.volume, per_lot))

    def execute(self, plan: Plan, request: TradeRequest) -> Answer:
        match plan:
            case DealPlan():
                return self._deal(plan, request)
            case PendingPlan():
                return self._place(plan, request) if plan.order is None else self._modify(plan, plan.order, request)
            case StopsPlan():
                return self._set_stops(plan)
            case RemovePlan(order=order):
                self.execution.finish(order, mt5.ORDER_STATE_CANCELED)
                return self._done(self.account.symbols[order.symbol], order=order.ticket)
            case CloseByPlan():
                return self._close_by(plan, request)
            case _:
                assert_never(plan)

    def _set_stops(self, plan: StopsPlan) -> Answer:
        position = plan.position
        position.sl, position.tp = plan.sl, plan.tp
        position.time_update_msc = self.account.market.now_msc
        self.account.put_position(position)
        return self._done(self.account.symbols[position.symbol])

    def accept(self, plan: DealPlan | PendingPlan, request: TradeRequest) -> Answer:
        """Takes in a new order and leaves it at that: 10008. `complete` must follow."""
        order = self._market_order(plan, request) if isinstance(plan, DealPlan) else self._resting_order(plan, request)
        self.account.put_order(order)
        done = self._done(plan.symbol, order=order.ticket, volume=plan.volume)
        retcode = mt5.TRADE_RETCODE_PLACED
        return replace(done, retcode=retcode, comment=requests.words(retcode))

    def complete(self, ticket: int, request: TradeRequest, *, executed: bool) -> None:
        """Carries an accepted order out at the market of now, or rejects it."""
        order = self.account.orders.get(ticket)
        if order is None:
            return
        try:
            plan = self.plan(request)
        except Refused:
            executed = False
        if not executed:
            self.execution.finish(order, mt5.ORDER_STATE_REJECTED)
        elif isinstance(plan, DealPlan):
            self.execution.fill(order, plan.price, plan.closes, plan.filled)
        else:
            order.state = mt5.ORDER_STATE_PLACED
            self.account.put_order(order)

    def _deal(self, plan: DealPlan, request: TradeRequest) -> Answer:
        order = self._market_order(plan, request)
        deal = self.execution.fill(order, plan.price, plan.closes, plan.filled)
        retcode = mt5.TRADE_RETCODE_DONE if plan.filled == plan.volume else mt5.TRADE_RETCODE_DONE_PARTIAL
        done = self._done(plan.symbol, order=order.ticket, deal=deal.ticket, volume=plan.filled, price=plan.price)
        return replace(done, retcode=retcode, comment=requests.words(retcode))

    def _place(self, plan: PendingPlan, request: TradeRequest) -> Answer:
        order = self._resting_order(plan, request)
        order.state = mt5.ORDER_STATE_PLACED
        self.account.put_order(order)
        return self._done(plan.symbol, order=order.ticket, volume=plan.volume)

    def _modify(self, plan: PendingPlan, order: Order, request: TradeRequest) -> Answer:
        order.price, order.stoplimit, order.sl, order.tp = plan.price, plan.stoplimit, plan.sl, plan.tp
        order.type_time, order.expiration = request.type_time, plan.expiration
        self.account.put_order(order)
        return self._done(plan.symbol, order=order.ticket)

    def _close_by(self, plan: CloseByPlan, request: TradeRequest) -> Answer:
        symbol = self.account.symbols[plan.first.symbol]
        order = self._new_order(symbol, mt5.ORDER_TYPE_CLOSE_BY, plan.volume, 0, request)
        deal = self.execution.close_by(order, plan.first, plan.second)
        return self._done(symbol, order=order.ticket, deal=deal.ticket, volume=plan.volume, price=round(deal.price))

    def _market_order(self, plan: DealPlan, request: TradeRequest) -> Order:
        asked = requests.read_price(plan.symbol, request.price) if plan.symbol.execution == "instant" else 0
        order = self._new_order(plan.symbol, request.type, plan.volume, asked, request)
        order.sl, order.tp = (0, 0) if plan.closes else (plan.sl, plan.tp)
        return order

    def _resting_order(self, plan: PendingPlan, request: TradeRequest) -> Order:
        order = self._new_order(plan.symbol, plan.type, plan.volume, plan.price, request)
        order.stoplimit, order.sl, order.tp = plan.stoplimit, plan.sl, plan.tp
        order.type_time, order.expiration = request.type_time, plan.expiration
        return order

    def _new_order(
        self, symbol: SymbolConfig, order_type: int, volume: Decimal, price: int, request: TradeRequest
    ) -> Order:
        return Order(
            login=self.account.login,
            ticket=self.execution.tickets.take_order(),
            symbol=symbol.name,
            digits=symbol.digits,
            type=order_type,
            state=mt5.ORDER_STATE_STARTED,
            reason=mt5.ORDER_REASON_EXPERT,
            volume_initial=volume,
            volume_current=volume,
            price=price,
            time_setup_msc=self.account.market.now_msc,
            comment=request.comment,
            type_filling=request.type_filling,
            magic=request.magic,
        )

    def _done(
        self,
        symbol: SymbolConfig,
        *,
        order: int = 0,
        deal: int = 0,
        volume: Decimal = Decimal(0),
        price: int = 0,
    ) -> Answer:
        quote = self.account.market.price(symbol.name) or (0, 0)
        comment = requests.COMMENTS[mt5.TRADE_RETCODE_DONE]
        return Answer(mt5.TRADE_RETCODE_DONE, comment, symbol, order, deal, volume, price, quote)
