"""The broker port over the MT5 bridge. numpy and rpyc are imported only when bars are read or a call is made."""

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Protocol

from pydantic import BaseModel, ValidationError

from tradeloom.errors import BrokerTimeout, BrokerUnavailable, InvalidInput, NotFound, OrderUnknown, TradeloomError
from tradeloom.trading import methods, protocol
from tradeloom.trading.bars import Bars, BarsReference
from tradeloom.trading.broker import (
    Account,
    Booked,
    CashFlow,
    ClosedTrade,
    EndedOrder,
    PendingOrder,
    Position,
    Symbol,
    Tick,
)
from tradeloom.trading.circuit import CircuitBreaker, CircuitState, shared_breaker
from tradeloom.trading.flattening import FlattenReport
from tradeloom.trading.guards import Guard, GuardReport
from tradeloom.trading.intents import OrderIntent, OrderOutcome, OutcomeStatus, Side
from tradeloom.trading.methods import AccountStatus, MarketClock, Params
from tradeloom.trading.mt5_transport import CallLost, Endpoint, RpcTransport, Transport
from tradeloom.trading.protocol import Answer, UnreadableAnswer
from tradeloom.trading.risk import AccountState
from tradeloom.trading.risk_limits import RiskLimits
from tradeloom.trading.trade_ledger import TradeRecord

READ_TIMEOUT_S = 10.0
SEND_TIMEOUT_S = 25.0
"""Longer than the bridge's watchdog lets a hung terminal live, so that the outcome is usually known in time."""
_CLOCK_GRAIN = timedelta(milliseconds=1)
_PATIENCE = 20
SETTLE_S = 5.0
"""How long `send` keeps asking about an order the bridge calls unknown."""


class OrderBook(Protocol):
    """Where an order is written down before the bridge hears of it, and what became of it after."""

    def intended(self, intent: OrderIntent) -> None:
        """Returns once it is durable. What it raises keeps the order from being sent."""
        ...

    def told(self, outcome: OrderOutcome) -> None: ...

    def withdrawn(self, order_id: str, why: str) -> None:
        """Nothing was sent under the id, for certain."""
        ...

    def perhaps_sent(self, order_id: str) -> bool:
        """Whether the order was handed over, and nobody knows yet what became of it."""
        ...


class BridgeClient:
    """One bridge. Make one per process and keep it: its connections live across calls and survive a bridge restart.

    `endpoint` is an `Endpoint`, or the path of the bridge's `bridge.json`, read again whenever a connection is opened.
    Clients of one endpoint share a circuit breaker: a bridge that cannot be reached fails calls at once for a while.
    """

    def __init__(
        self,
        endpoint: Endpoint | Path | None = None,
        *,
        transport: Transport | None = None,
        breaker: CircuitBreaker | None = None,
        read_timeout_s: float = READ_TIMEOUT_S,
        send_timeout_s: float = SEND_TIMEOUT_S,
        settle_s: float = SETTLE_S,
        clock: Callable[[], float] = time.monotonic,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._transport = transport or RpcTransport(_endpoint_source(endpoint))
        if breaker is None:
            breaker = CircuitBreaker(clock=clock) if transport is not None else shared_breaker(str(endpoint))
        self._breaker = breaker
        self._read_timeout_s = read_timeout_s
        self._send_timeout_s = send_timeout_s
        self._settle_s = settle_s
        self._clock = clock
        self._pause = pause

    def account(self, name: str, book: OrderBook | None = None) -> "MT5Broker":
        """With a `book`, no order is sent that was not written down there before."""
        return MT5Broker(self, name, book)

    @property
    def circuit(self) -> CircuitState:
        """How the line to the bridge stands, for monitoring."""
        return self._breaker.state

    def health(self) -> dict[str, Any]:
        """The bridge's own account of itself: version, status, clock, and each account's worker."""
        health: dict[str, Any] = self.read("health", "", methods.NoParams()).result
        return health

    def close(self) -> None:
        self._transport.close()

    def read(self, method: str, account: str, params: Params) -> Answer:
        """A call that may be repeated: tried once more when the connection broke.

        Raises `BrokerUnavailable`, `BrokerTimeout`, or the error the bridge answered with.
        """
        payload = protocol.encode_request(account, params)
        give_up = self._clock() + self._read_timeout_s
        lost: CallLost | None = None
        for _attempt in range(2):
            left = give_up - self._clock()
            if left <= 0:
                break
            try:
                return protocol.decode_answer(self._call(method, payload, left))
            except CallLost as error:
                lost = error
        raise BrokerTimeout(lost.message if lost else f"the bridge did not answer {method} in time") from lost

    def send(self, account: str, intent: OrderIntent) -> OrderOutcome:
        """Sends the intent and learns its outcome, across lost replies and bridge restarts.

        Once a call may have been received, the bridge's journal decides: it is asked for the outcome, and only when
        it knows nothing of the id is the same intent handed in again (its id makes that one order). What is still open
        after the time-out is UNKNOWN. Raises only while it is certain that nothing was sent.
        """
        order_id = intent.client_order_id
        hand_in = "send", protocol.encode_request(account, methods.SendParams(intent=intent))
        ask = "outcome", protocol.encode_request(account, methods.OutcomeParams(client_order_id=order_id))
        step, perhaps_received, settling, backoff = hand_in, False, False, 0.05
        give_up = self._clock() + self._send_timeout_s
        known = OrderOutcome(
            client_order_id=order_id, status=OutcomeStatus.UNKNOWN, message="sent; the bridge has not answered since"
        )
        while (left := give_up - self._clock()) > 0:
            try:
                answer = protocol.decode_answer(self._call(step[0], step[1], left))
                outcome = _outcome(answer)
            except (CallLost, UnreadableAnswer):
                perhaps_received, step = True, ask
            except TradeloomError:
                if not perhaps_received:
                    raise
            else:
                if outcome is None:
                    step = hand_in
                elif outcome.status is not OutcomeStatus.UNKNOWN:
                    return outcome
                else:
                    if not settling:
                        settling, give_up = True, min(give_up, self._clock() + self._settle_s)
                    known, perhaps_received, step = outcome, True, ask
            self._pause(min(backoff, max(give_up - self._clock(), 0)))
            backoff = min(backoff * 2, 1.0)
        return known

    def _call(self, method: str, payload: bytes, timeout_s: float) -> bytes:
        """One call through the circuit. Raises `BrokerUnavailable` (not received) or `CallLost` (perhaps received)."""
        admission = self._breaker.admit()
        try:
            answer = self._transport.call(method, payload, timeout_s=timeout_s)
        except BaseException:
            self._breaker.failed(admission)
            raise
        self._breaker.succeeded(admission)
        return answer


class MT5Broker:
    """One account behind the bridge: the `Broker` port, the account's state, and its clock when it is a paper one."""

    def __init__(self, client: BridgeClient, name: str, book: OrderBook | None = None) -> None:
        self._client = client
        self._name = name
        self._book = book

    @property
    def account_name(self) -> str:
        return self._name

    def health(self) -> dict[str, Any]:
        """How the bridge's worker of this account stands. Raises `NotFound` when it has no such account."""
        accounts: dict[str, dict[str, Any]] = self._client.health()["accounts"]
        if self._name not in accounts:
            raise NotFound(f"this bridge has no account {self._name}", field="account")
        return accounts[self._name]

    def market_time(self) -> datetime:
        return self.market_clock().time

    def account(self) -> Account:
        return _fact(Account, self._read("account"))

    def symbol(self, name: str) -> Symbol:
        """Raises `NotFound` for a symbol the broker does not have, as every method that takes one."""
        return _fact(Symbol, self._read("symbol", _params(methods.SymbolParams, symbol=name)))

    def tick(self, symbol: str) -> Tick:
        return _fact(Tick, self._read("tick", _params(methods.SymbolParams, symbol=symbol)))

    def bars(self, reference: BarsReference) -> Bars:
        """The last `count` bars closed at `reference.to` behind as much of the warm-up as there is.

        Raises `NotEnoughBars` when the broker has fewer than `count`.
        """
        import numpy as np

        if reference.source != "mt5":
            raise InvalidInput("these bars are not the broker's")
        if reference.account != self._name:
            raise InvalidInput(f"these bars belong to the account {reference.account}, not {self._name}")
        answer = self._client.read("bars", self._name, methods.BarsParams(reference=reference))
        columns = {name: np.frombuffer(data, dtype=dtype).copy() for name, (dtype, data) in answer.arrays.items()}
        return Bars(reference=reference, **columns)

    def positions(self, symbol: str | None = None) -> list[Position]:
        found = self._read("positions", _params(methods.PositionsParams, symbol=symbol))
        return [_fact(Position, position) for position in found]

    def orders(self, symbol: str | None = None) -> list[PendingOrder]:
        found = self._read("orders", _params(methods.PositionsParams, symbol=symbol))
        return [_fact(PendingOrder, order) for order in found]

    def trades(self, since: datetime, until: datetime, symbol: str | None = None) -> list[ClosedTrade]:
        """Closed between two moments, both included, the earliest first.

        Raises `InvalidInput` for a period that is too long or holds too many, as `cash_flows` does.
        """
        found = self._read("trades", _params(methods.TradesParams, since=since, until=until, symbol=symbol))
        return [_fact(ClosedTrade, trade) for trade in found]

    def ended_orders(self, since: datetime, until: datetime, tickets: Sequence[int] = ()) -> list[EndedOrder]:
        """Those that left the book between two moments, both included, and those of the tickets whenever they did, the
        earliest first."""
        params = _params(methods.EndedOrdersParams, since=since, until=until, tickets=tuple(tickets))
        return [_fact(EndedOrder, order) for order in self._read("ended_orders", params)]

    def cash_flows(self, since: datetime, until: datetime) -> list[CashFlow]:
        """Deposits, withdrawals and every other change of the balance that is no trade, the earliest first."""
        found = self._read("cash_flows", _params(methods.PeriodParams, since=since, until=until))
        return [_fact(CashFlow, flow) for flow in found]

    def booked(self, since: datetime, until: datetime) -> Booked:
        """What moved the balance between two moments, both included. Raises `InvalidInput` as `trades` does."""
        return _fact(Booked, self._read("booked", _params(methods.PeriodParams, since=since, until=until)))

    def trade_ledger(
        self,
        since: datetime,
        until: datetime,
        *,
        symbol: str | None = None,
        workflow_id: str | None = None,
        after_deal: int = 0,
        limit: int = 200,
    ) -> list[TradeRecord]:
        """A page of the trade ledger, the earliest first; see `TradeLedgerParams` for the next one."""
        params = _params(
            methods.TradeLedgerParams,
            since=since,
            until=until,
            symbol=symbol,
            workflow_id=workflow_id,
            after_deal=after_deal,
            limit=limit,
        )
        return [_fact(TradeRecord, record) for record in self._read("trade_ledger", params)]

    def profit(self, symbol: str, side: Side, volume: Decimal, price_open: float, price_close: float) -> float:
        """The broker's own calculation, in the account's currency."""
        params = _params(
            methods.ProfitParams,
            symbol=symbol,
            side=side,
            volume=volume,
            price_open=price_open,
            price_close=price_close,
        )
        return float(self._read("profit", params))

    def margin(self, symbol: str, side: Side, volume: Decimal, price: float) -> float:
        """Margin the broker would hold, in the account's currency."""
        params = _params(methods.MarginParams, symbol=symbol, side=side, volume=volume, price=price)
        return float(self._read("margin", params))

    def send(self, intent: OrderIntent) -> OrderOutcome:
        if intent.account != self._name:
            raise InvalidInput(f"this intent is for the account {intent.account}, not {self._name}", field="account")
        book = self._book
        if book is None:
            return self._client.send(self._name, intent)
        book.intended(intent)
        try:
            outcome = self._client.send(self._name, intent)
        except TradeloomError as error:
            with suppress(TradeloomError):  # the book then asks the bridge by itself, and is told the same
                book.withdrawn(intent.client_order_id, error.message)
            raise
        self._tell(outcome)
        return outcome

    def outcome(self, client_order_id: str) -> OrderOutcome | None:
        """What the bridge knows of the id; None when nothing was ever sent under it.

        A bridge that cannot be asked about an order that may have been sent is `OrderUnknown`: "nothing was sent" would
        be true of the question alone.
        """
        params = _params(methods.OutcomeParams, client_order_id=client_order_id)
        try:
            outcome = _outcome(self._client.read("outcome", self._name, params))
        except (BrokerUnavailable, BrokerTimeout) as error:
            if self._book is not None and self._book.perhaps_sent(client_order_id):
                raise OrderUnknown(
                    f"the order {client_order_id} was handed to the bridge, which cannot be asked what became of it: "
                    f"{error.message}",
                    hint="look at the account before trading on; `tradeloom orders` shows it once it is known",
                ) from error
            raise
        if outcome is not None:
            self._tell(outcome)
        return outcome

    def settle_manual(
        self,
        client_order_id: str,
        decision: methods.ManualDecision,
        *,
        by: str,
        reason: str,
        ticket: int | None = None,
    ) -> OrderOutcome:
        """A person's word on an order that waits for one: not sent, or which order, deal or position it was.

        The bridge looks the ticket up in the broker's history. Raises `NotFound`, `Conflict` for an order that does not
        wait for a person or is somebody else's, and `InvalidInput` for a ticket that does not fit.
        """
        params = _params(
            methods.SettleParams,
            client_order_id=client_order_id,
            decision=decision,
            ticket=ticket,
            by=by,
            reason=reason,
        )
        outcome = _fact(OrderOutcome, self._read("settle_manual", params))
        self._tell(outcome)
        return outcome

    def _tell(self, outcome: OrderOutcome) -> None:
        if self._book is not None:
            with suppress(TradeloomError):  # what happened has happened; the book asks the bridge again by itself
                self._book.told(outcome)

    def guard(self, guard: Guard) -> GuardReport:
        """Sets the guard; the same again is one guard, so a lost answer is asked for again."""
        if guard.account != self._name:
            raise InvalidInput(f"this guard is for the account {guard.account}, not {self._name}", field="account")
        return _fact(GuardReport, self._read("guard", methods.GuardParams(guard=guard)))

    def guards(
        self, *, active_only: bool = True, symbol: str | None = None, position: int | None = None
    ) -> list[GuardReport]:
        """Those being watched, or all that ever were; told by the bridge's front, also while its worker hangs."""
        params = _params(methods.GuardsParams, active_only=active_only, symbol=symbol, position=position)
        return [_fact(GuardReport, report) for report in self._read("guards", params)]

    def unguard(self, guard_id: str) -> GuardReport:
        return _fact(GuardReport, self._read("unguard", _params(methods.UnguardParams, guard_id=guard_id)))

    def state(self) -> AccountStatus:
        return _fact(AccountStatus, self._read("state"))

    def set_state(self, state: AccountState, *, reason: str, by: str, clear: bool = False) -> AccountStatus:
        """`by` names who asks. Loosening needs `clear`, a person's word; without it `Conflict` is raised."""
        params = _params(methods.StateParams, state=state, reason=reason, by=by, clear=clear)
        return _fact(AccountStatus, self._read("set_state", params))

    def set_limits(
        self, limits: RiskLimits, *, reason: str, by: str, clear: bool = False, expected: RiskLimits | None = None
    ) -> AccountStatus:
        """Puts the whole set in force until the bridge's configuration changes. What allows more than before needs
        `clear`, a person's word; without it `Conflict` is raised, which names the limit. `Conflict` too when others
        than the `expected` limits hold."""
        params = _params(methods.LimitsParams, limits=limits, reason=reason, by=by, clear=clear, expected=expected)
        return _fact(AccountStatus, self._read("set_limits", params))

    def unthrottle(self, workflow_id: str, *, reason: str, by: str) -> AccountStatus:
        """A person's word that a throttled workflow may open orders again. `NotFound` for one that is not throttled."""
        params = _params(methods.UnthrottleParams, workflow_id=workflow_id, reason=reason, by=by)
        return _fact(AccountStatus, self._read("unthrottle", params))

    def flatten(self, flatten_id: str, *, reason: str, by: str) -> FlattenReport:
        """Halts the account, then cancels every pending order and closes every position on it, whoever opened it.

        The account is halted when this returns; the rest goes on beside the terminal, and `flattened` tells how far it
        has come. The same id again is the same flatten.
        """
        params = _params(methods.FlattenParams, flatten_id=flatten_id, reason=reason, by=by)
        return _fact(FlattenReport, self._read("flatten", params))

    def flattened(self, flatten_id: str | None = None) -> FlattenReport | None:
        """How far a flatten, or the latest one, has come; told by the bridge's front, also while its worker hangs."""
        found = self._read("flattened", _params(methods.FlattenedParams, flatten_id=flatten_id))
        return None if found is None else _fact(FlattenReport, found)

    def market_clock(self) -> MarketClock:
        return _fact(MarketClock, self._read("market_clock"))

    def advance(self, to: datetime) -> MarketClock:
        """Moves a paper account's replay to `to`, everything on the way happening. `Conflict` on a real terminal."""
        params = _params(methods.AdvanceParams, to=to)
        clock = _fact(MarketClock, self._read("advance", params))
        idle = 0
        while to - clock.time >= _CLOCK_GRAIN:  # the bridge tells how far it came when guards act on the way
            came = _fact(MarketClock, self._read("advance", params))
            idle = 0 if came.time > clock.time else idle + 1
            if idle == _PATIENCE:
                raise BrokerTimeout(f"the replay stands at {came.time:%Y-%m-%d %H:%M:%S} UTC and does not go on")
            clock = came
        return clock

    def set_speed(self, speed: float) -> MarketClock:
        """Market seconds per second from now on; 0 stops a paper account's clock. `Conflict` on a real terminal."""
        return _fact(MarketClock, self._read("set_speed", _params(methods.SpeedParams, speed=speed)))

    def next_event_time(self) -> datetime | None:
        """When the replay next has something to show (a bar's opening, say), None at its end. `Conflict` on a real
        terminal."""
        moment = self._read("next_event_time")
        return None if moment is None else datetime.fromisoformat(moment)

    def _read(self, method: str, params: Params | None = None) -> Any:
        return self._client.read(method, self._name, params or methods.NoParams()).result


def _params[P: Params](kind: type[P], **values: Any) -> P:
    return protocol.parse(kind, values)


def _fact[F: BaseModel](kind: type[F], value: Any) -> F:
    try:
        return kind.model_validate(value)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise UnreadableAnswer(
            f"the bridge's answer is not a valid {kind.__name__} ({where}: {first['msg']})"
        ) from error


def _outcome(answer: Answer) -> OrderOutcome | None:
    return None if answer.result is None else _fact(OrderOutcome, answer.result)


def _endpoint_source(endpoint: Endpoint | Path | None) -> Callable[[], Endpoint]:
    if isinstance(endpoint, Endpoint):
        return lambda: endpoint
    if endpoint is None:
        raise BrokerUnavailable("no bridge is configured")
    return lambda: Endpoint.from_state_file(endpoint)
