"""One account behind the bridge. numpy is imported only when bars are read."""

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

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
from tradeloom.trading.flattening import FlattenReport
from tradeloom.trading.guards import Guard, GuardReport
from tradeloom.trading.intents import OrderIntent, OrderOutcome, Side
from tradeloom.trading.methods import AccountStatus, MarketChange, MarketClock, Params
from tradeloom.trading.mt5_answers import fact
from tradeloom.trading.order_book import OrderBook
from tradeloom.trading.risk import AccountState
from tradeloom.trading.risk_limits import RiskLimits
from tradeloom.trading.ticks import MAX_TICKS, Ticks
from tradeloom.trading.trade_ledger import TradeRecord

if TYPE_CHECKING:
    from tradeloom.trading.mt5_client import BridgeClient

_CLOCK_GRAIN = timedelta(milliseconds=1)
_PATIENCE = 20


class MT5Broker:
    """One account behind the bridge: the `Broker` port, the account's state, and its clock when it is a paper one."""

    def __init__(self, client: "BridgeClient", name: str, book: OrderBook | None = None) -> None:
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
        return fact(Account, self._read("account"))

    def symbol(self, name: str) -> Symbol:
        """Raises `NotFound` for a symbol the broker does not have, as every method that takes one."""
        return fact(Symbol, self._read("symbol", _params(methods.SymbolParams, symbol=name)))

    def tick(self, symbol: str) -> Tick:
        return fact(Tick, self._read("tick", _params(methods.SymbolParams, symbol=symbol)))

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

    def ticks(self, symbol: str, since: datetime, skip: int = 0, limit: int = MAX_TICKS) -> Ticks:
        import numpy as np

        params = _params(methods.TicksParams, symbol=symbol, since=since, skip=skip, limit=limit)
        answer = self._client.read("ticks", self._name, params)
        return Ticks(**{name: np.frombuffer(data, dtype=dtype) for name, (dtype, data) in answer.arrays.items()})

    def wait(self, symbols: Sequence[str], after: str | None, timeout_s: float) -> MarketChange:
        """Waits until one of the symbols has a new quote, or orders changed, since the answer with the cursor `after`.

        Raises `BrokerUnavailable` when it cannot be waited for now, `InvalidInput` from a bridge too old for it.
        """
        params = _params(methods.MarketWaitParams, symbols=tuple(symbols), after=after, timeout_s=timeout_s)
        return fact(MarketChange, self._client.wait(self._name, params).result)

    def positions(self, symbol: str | None = None) -> list[Position]:
        found = self._read("positions", _params(methods.PositionsParams, symbol=symbol))
        return [fact(Position, position) for position in found]

    def orders(self, symbol: str | None = None) -> list[PendingOrder]:
        found = self._read("orders", _params(methods.PositionsParams, symbol=symbol))
        return [fact(PendingOrder, order) for order in found]

    def trades(self, since: datetime, until: datetime, symbol: str | None = None) -> list[ClosedTrade]:
        """Closed between two moments, both included, the earliest first.

        Raises `InvalidInput` for a period that is too long or holds too many, as `cash_flows` does.
        """
        found = self._read("trades", _params(methods.TradesParams, since=since, until=until, symbol=symbol))
        return [fact(ClosedTrade, trade) for trade in found]

    def ended_orders(self, since: datetime, until: datetime, tickets: Sequence[int] = ()) -> list[EndedOrder]:
        """Those that left the book between two moments, both included, and those of the tickets whenever they did, the
        earliest first."""
        params = _params(methods.EndedOrdersParams, since=since, until=until, tickets=tuple(tickets))
        return [fact(EndedOrder, order) for order in self._read("ended_orders", params)]

    def cash_flows(self, since: datetime, until: datetime) -> list[CashFlow]:
        """Deposits, withdrawals and every other change of the balance that is no trade, the earliest first."""
        found = self._read("cash_flows", _params(methods.PeriodParams, since=since, until=until))
        return [fact(CashFlow, flow) for flow in found]

    def booked(self, since: datetime, until: datetime) -> Booked:
        """What moved the balance between two moments, both included. Raises `InvalidInput` as `trades` does."""
        return fact(Booked, self._read("booked", _params(methods.PeriodParams, since=since, until=until)))

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
        return [fact(TradeRecord, record) for record in self._read("trade_ledger", params)]

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
        asked = _params(methods.OutcomeParams, client_order_id=client_order_id)
        try:
            outcome = self._client.outcome(self._name, asked)
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
        outcome = fact(OrderOutcome, self._read("settle_manual", params))
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
        return fact(GuardReport, self._read("guard", methods.GuardParams(guard=guard)))

    def guards(
        self, *, active_only: bool = True, symbol: str | None = None, position: int | None = None
    ) -> list[GuardReport]:
        """Those being watched, or all that ever were; told by the bridge's front, also while its worker hangs."""
        params = _params(methods.GuardsParams, active_only=active_only, symbol=symbol, position=position)
        return [fact(GuardReport, report) for report in self._read("guards", params)]

    def unguard(self, guard_id: str) -> GuardReport:
        return fact(GuardReport, self._read("unguard", _params(methods.UnguardParams, guard_id=guard_id)))

    def state(self) -> AccountStatus:
        return fact(AccountStatus, self._read("state"))

    def set_state(self, state: AccountState, *, reason: str, by: str, clear: bool = False) -> AccountStatus:
        """`by` names who asks. Loosening needs `clear`, a person's word; without it `Conflict` is raised."""
        params = _params(methods.StateParams, state=state, reason=reason, by=by, clear=clear)
        return fact(AccountStatus, self._read("set_state", params))

    def set_limits(
        self, limits: RiskLimits, *, reason: str, by: str, clear: bool = False, expected: RiskLimits | None = None
    ) -> AccountStatus:
        """Puts the whole set in force until the bridge's configuration changes. What allows more than before needs
        `clear`, a person's word; without it `Conflict` is raised, which names the limit. `Conflict` too when others
        than the `expected` limits hold."""
        params = _params(methods.LimitsParams, limits=limits, reason=reason, by=by, clear=clear, expected=expected)
        return fact(AccountStatus, self._read("set_limits", params))

    def unthrottle(self, workflow_id: str, *, reason: str, by: str) -> AccountStatus:
        """A person's word that a throttled workflow may open orders again. `NotFound` for one that is not throttled."""
        params = _params(methods.UnthrottleParams, workflow_id=workflow_id, reason=reason, by=by)
        return fact(AccountStatus, self._read("unthrottle", params))

    def flatten(self, flatten_id: str, *, reason: str, by: str) -> FlattenReport:
        """Halts the account, then cancels every pending order and closes every position on it, whoever opened it.

        The account is halted when this returns; the rest goes on beside the terminal, and `flattened` tells how far it
        has come. The same id again is the same flatten.
        """
        params = _params(methods.FlattenParams, flatten_id=flatten_id, reason=reason, by=by)
        return fact(FlattenReport, self._read("flatten", params))

    def flattened(self, flatten_id: str | None = None) -> FlattenReport | None:
        """How far a flatten, or the latest one, has come; told by the bridge's front, also while its worker hangs."""
        found = self._read("flattened", _params(methods.FlattenedParams, flatten_id=flatten_id))
        return None if found is None else fact(FlattenReport, found)

    def market_clock(self) -> MarketClock:
        return fact(MarketClock, self._read("market_clock"))

    def advance(self, to: datetime) -> MarketClock:
        """Moves a paper account's replay to `to`, everything on the way happening. `Conflict` on a real terminal."""
        params = _params(methods.AdvanceParams, to=to)
        clock = fact(MarketClock, self._read("advance", params))
        idle = 0
        while to - clock.time >= _CLOCK_GRAIN:  # the bridge tells how far it came when guards act on the way
            came = fact(MarketClock, self._read("advance", params))
            idle = 0 if came.time > clock.time else idle + 1
            if idle == _PATIENCE:
                raise BrokerTimeout(f"the replay stands at {came.time:%Y-%m-%d %H:%M:%S} UTC and does not go on")
            clock = came
        return clock

    def set_speed(self, speed: float) -> MarketClock:
        """Market seconds per second from now on; 0 stops a paper account's clock. `Conflict` on a real terminal."""
        return fact(MarketClock, self._read("set_speed", _params(methods.SpeedParams, speed=speed)))

    def next_event_time(self) -> datetime | None:
        """When the replay next has something to show (a bar's opening, say), None at its end. `Conflict` on a real
        terminal."""
        moment = self._read("next_event_time")
        return None if moment is None else datetime.fromisoformat(moment)

    def _read(self, method: str, params: Params | None = None) -> Any:
        return self._client.read(method, self._name, params or methods.NoParams()).result


def _params[P: Params](kind: type[P], **values: Any) -> P:
    return protocol.parse(kind, values)
