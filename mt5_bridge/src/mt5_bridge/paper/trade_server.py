"""The trade server as a client meets it: requests go in, answers come out, on the way what the faults script says."""

from collections.abc import Callable
from contextlib import AbstractContextManager, suppress

from mt5_bridge.paper import constants as mt5
from mt5_bridge.paper import requests
from mt5_bridge.paper.desk import Answer, Desk
from mt5_bridge.paper.errors import Refused, TerminalFailure
from mt5_bridge.paper.faults import Fault
from mt5_bridge.paper.mishaps import Mishaps
from mt5_bridge.paper.planning import DealPlan, PendingPlan
from mt5_bridge.paper.requests import refuse
from mt5_bridge.paper.structs import OrderCheckResult, OrderSendResult, TradeRequest
from mt5_bridge.paper.views import check_result, send_result

_RETCODES = {
    "timeout": mt5.TRADE_RETCODE_TIMEOUT,
    "requote": mt5.TRADE_RETCODE_REQUOTE,
    "reject": mt5.TRADE_RETCODE_REJECT,
    "disconnected": mt5.TRADE_RETCODE_CONNECTION,
}


class TradeServer:
    """Serves the account that is logged in, one of `logins`. `desk_of` gives an account's desk, `writing` makes a
    change of the books all or nothing, `freeze` blocks for so many seconds."""

    def __init__(
        self,
        logins: tuple[int, ...],
        desk_of: Callable[[int], Desk],
        mishaps: Mishaps,
        writing: Callable[[], AbstractContextManager[None]],
        freeze: Callable[[float], None],
    ) -> None:
        self.login = logins[0]
        self.mishaps = mishaps
        self._logins = logins
        self._desk_of = desk_of
        self._writing = writing
        self._freeze = freeze
        self._requests = 0
        self._last_result: OrderSendResult | None = None
        self._own_login: int | None = None

    @property
    def desk(self) -> Desk:
        return self._desk_of(self.login)

    def send(self, request: TradeRequest) -> OrderSendResult:
        """Executes a request, through the next scripted fault. Raises `TerminalFailure` where no answer comes."""
        self._requests += 1
        self.desk.execution.attempt = self._requests
        fault = self.mishaps.take(self.desk.execution.tickets.next_order, self._requests)
        answer = self._execute(request) if fault is None else self._run_into(fault, request)
        before, self._last_result = self._last_result, send_result(answer, request, self._requests)
        if fault is not None and fault.kind == "duplicate_reply" and before is not None:
            return before
        return self._last_result

    def check(self, request: TradeRequest) -> OrderCheckResult:
        """What `send` would answer now, bar the dealer's refusals, and what it would do to the margin."""
        desk = self.desk
        account = desk.account
        desk.execution.attempt = self._requests + 1
        try:
            plan = desk.plan(request)
        except Refused as refusal:
            return check_result(account, account.margin(), request, refusal.retcode, refusal.message)
        return check_result(account, desk.margin_after(plan), request)

    def land(self) -> None:
        """Requests whose time has come arrive, at the market of now. A refused one leaves nothing, or an order that is
        rejected if it had been accepted."""
        for flight in self.mishaps.due():
            desk = self._desk_of(flight.login)
            with self._writing():
                self.mishaps.land(flight)
                if flight.ticket:
                    desk.complete(flight.ticket, flight.request, executed=flight.executed)
                    continue
                with suppress(Refused):
                    desk.execute(desk.plan(flight.request), flight.request)

    def reconnect(self) -> None:
        """Ends a disconnection, and a pipe that leads to another account."""
        if self.mishaps.crossed and self._own_login is not None:
            self.login = self._own_login
        self.mishaps.reconnect()

    @property
    def reported_login(self) -> int:
        """What the account calls itself: another number than its own while the pipe is crossed and no other account is
        configured that it could lead to."""
        alone = self.mishaps.crossed and self._own_login == self.login
        return self.login + 1 if alone else self.login

    def _execute(self, request: TradeRequest) -> Answer:
        try:
            if not self.mishaps.connected:
                raise refuse(mt5.TRADE_RETCODE_CONNECTION)
            plan = self.desk.offer(request)
        except Refused as refusal:
            return self._refusal(refusal.retcode, refusal.message, request)
        with self._writing():
            return self.desk.execute(plan, request)

    def _refusal(self, retcode: int, comment: str, request: TradeRequest) -> Answer:
        """A requote shows the price at which the order could have been had."""
        account = self.desk.account
        symbol = account.symbols.get(request.symbol)
        quote = account.market.price(request.symbol) if symbol is not None else None
        if retcode != mt5.TRADE_RETCODE_REQUOTE or quote is None:
            return Answer(retcode, comment)
        price = quote[1] if request.type == mt5.ORDER_TYPE_BUY else quote[0]
        return Answer(retcode, comment, symbol, price=price, quote=quote)

    # Faults

    def _run_into(self, fault: Fault, request: TradeRequest) -> Answer:
        answer = self._execute_faultily(fault, request)
        if fault.seconds:
            self._freeze(fault.seconds)
        match fault.kind:
            case "answered" | "duplicate_reply" | "placed" | "hang" if answer is not None:
                return answer
            case "wrong_login" if answer is not None:
                self._cross()
                return answer
            case "reply_lost" | "hang":
                raise TerminalFailure(mt5.RES_E_INTERNAL_FAIL_TIMEOUT, "IPC timeout")
            case "disconnected":
                self.mishaps.connected = False
        retcode = fault.retcode or _RETCODES[fault.kind]
        return self._refusal(retcode, requests.words(retcode), request)

    def _execute_faultily(self, fault: Fault, request: TradeRequest) -> Answer | None:
        """The true answer; None where nothing has been executed yet."""
        asked = request if fault.comment is None else request._replace(comment=fault.comment)
        tickets = self.desk.execution.tickets
        if fault.history_lag_s:
            self.mishaps.hide_history(tickets.next_order, tickets.next_deal, fault.delay_s + fault.history_lag_s)
        if fault.kind == "placed":
            return self._accept(fault, asked)
        if not fault.executes:
            return None
        if not fault.delay_s:
            return self._execute(asked)
        with self._writing():
            self.mishaps.delay(self.login, asked, fault)
        return None

    def _accept(self, fault: Fault, request: TradeRequest) -> Answer:
        """Only new orders can be accepted first and carried out later; changes are made at once and called accepted."""
        desk = self.desk
        try:
            plan = desk.plan(request)
        except Refused as refusal:
            return self._refusal(refusal.retcode, refusal.message, request)
        with self._writing():
            if isinstance(plan, DealPlan) or (isinstance(plan, PendingPlan) and plan.order is None):
                answer = desk.accept(plan, request)
                self.mishaps.delay(self.login, request, fault, answer.order)
                return answer
            if fault.executes:
                desk.execute(plan, request)
            return Answer(mt5.TRADE_RETCODE_PLACED, requests.words(mt5.TRADE_RETCODE_PLACED))

    def _cross(self) -> None:
        self._own_login = self.login
        self.mishaps.crossed = True
        others = [login for login in self._logins if login != self.login]
        self.login = others[0] if others else self.login
