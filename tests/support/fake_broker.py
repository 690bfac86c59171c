"""An in-memory `Broker`: the test sets quotes, symbols and positions; orders fill at the quote unless scripted."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

import numpy as np

from tests.support.broker_facts import EURUSD, NOW, make_account, make_pending, make_position, make_trade
from tests.support.fake_guards import FakeGuards
from tradeloom.errors import InvalidInput, NotEnoughBars, NotFound
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
from tradeloom.trading.exact import exact
from tradeloom.trading.guards import Guard, GuardReport
from tradeloom.trading.intents import (
    CancelIntent,
    CloseIntent,
    MarketOrderIntent,
    ModifyIntent,
    OrderIntent,
    OrderOutcome,
    OutcomeStatus,
    PendingOrderIntent,
    Side,
)
from tradeloom.trading.ticks import MAX_TICKS, Ticks, ms_of

MARGIN_RATE = Decimal("0.01")


@dataclass
class FakeBroker:
    """`answers` are tried first, one per `send`: an outcome's fields, or a function of the intent (which may raise)."""

    account_name: str = "paper"
    now: datetime = NOW
    facts: Account = field(default_factory=make_account)
    symbols: dict[str, Symbol] = field(default_factory=lambda: {"EURUSD": EURUSD})
    quotes: dict[str, Tick] = field(default_factory=dict)
    ticked: dict[str, list[Tick]] | None = None
    """Every quote that came; None is a bridge that cannot tell."""
    history: dict[tuple[str, str], dict[str, np.ndarray]] = field(default_factory=dict)
    open_positions: list[Position] = field(default_factory=list)
    pending: list[PendingOrder] = field(default_factory=list)
    closed_trades: list[ClosedTrade] = field(default_factory=list)
    flows: list[CashFlow] = field(default_factory=list)
    left_the_book: list[EndedOrder] = field(default_factory=list)
    opening_costs: list[tuple[datetime, Decimal]] = field(default_factory=list)
    """When opening what is still open was paid for, and what it cost (negative)."""
    ended: dict[int, str] = field(default_factory=dict)
    """Pending orders that are no more, by ticket: cancelled, expired or filled."""
    to_account_currency: dict[str, Decimal] = field(default_factory=lambda: {"USD": Decimal(1)})
    answers: list[dict[str, Any] | Callable[[OrderIntent], OrderOutcome]] = field(default_factory=list)
    sent: list[OrderIntent] = field(default_factory=list)
    outcomes: dict[str, OrderOutcome] = field(default_factory=dict)
    next_ticket: int = 5001
    watched: FakeGuards = field(default_factory=FakeGuards)

    def __post_init__(self) -> None:
        if not self.quotes:
            self.quote("EURUSD", 1.10000, 1.10002)

    def quote(self, symbol: str, bid: float, ask: float, *, at: datetime | None = None) -> None:
        tick = Tick(symbol=symbol, time=at or self.now, bid=bid, ask=ask, last=None, volume=0.0)
        self.quotes[symbol] = tick
        if self.ticked is not None:
            self.ticked.setdefault(symbol, []).append(tick)

    def market_time(self) -> datetime:
        return self.now

    def account(self) -> Account:
        return self.facts

    def symbol(self, name: str) -> Symbol:
        if name not in self.symbols:
            raise NotFound(f"the broker has no symbol {name}")
        return self.symbols[name]

    def tick(self, symbol: str) -> Tick:
        self.symbol(symbol)
        return self.quotes[symbol]

    def bars(self, reference: BarsReference) -> Bars:
        columns = self.history.get((reference.symbol, reference.timeframe.value))
        if columns is None:
            self.symbol(reference.symbol)
            raise NotEnoughBars(f"there are no bars of {reference.symbol} {reference.timeframe}")
        end = reference.to.timestamp()
        closes = columns["time"] + reference.timeframe.seconds
        visible = int(np.count_nonzero((closes if reference.closed_only else columns["time"]) <= end))
        if visible < reference.count:
            raise NotEnoughBars(f"{reference.count} bars were asked for and {visible} are there")
        start = max(0, visible - reference.count - reference.warmup)
        return Bars(reference=reference, **{name: column[start:visible] for name, column in columns.items()})

    def ticks(self, symbol: str, since: datetime, skip: int = 0, limit: int = MAX_TICKS) -> Ticks:
        self.symbol(symbol)
        if self.ticked is None:
            raise InvalidInput("no such method", field="method")
        came = [each for each in self.ticked.get(symbol, []) if since <= each.time <= self.now]
        same = sum(1 for each in came if each.time == since)
        came = came[min(skip, same) :][:limit]
        return Ticks(
            time=np.array([ms_of(each.time) for each in came], dtype=np.int64),
            bid=np.array([each.bid for each in came]),
            ask=np.array([each.ask for each in came]),
            last=np.array([each.last or 0.0 for each in came]),
        )

    def positions(self, symbol: str | None = None) -> list[Position]:
        return [position for position in self.open_positions if symbol in (None, position.symbol)]

    def orders(self, symbol: str | None = None) -> list[PendingOrder]:
        return [order for order in self.pending if symbol in (None, order.symbol)]

    def trades(self, since: datetime, until: datetime, symbol: str | None = None) -> list[ClosedTrade]:
        found = [trade for trade in self.closed_trades if symbol in (None, trade.symbol)]
        return sorted(
            (trade for trade in found if since <= trade.closed_at <= until), key=lambda trade: trade.closed_at
        )

    def ended_orders(self, since: datetime, until: datetime, tickets: Sequence[int] = ()) -> list[EndedOrder]:
        return sorted(
            (order for order in self.left_the_book if order.ticket in tickets or since <= order.ended_at <= until),
            key=lambda order: order.ended_at,
        )

    def cash_flows(self, since: datetime, until: datetime) -> list[CashFlow]:
        return sorted((flow for flow in self.flows if since <= flow.time <= until), key=lambda flow: flow.time)

    def booked(self, since: datetime, until: datetime) -> Booked:
        flows = self.cash_flows(since, until)
        closed = sum((exact(trade.net_profit) for trade in self.trades(since, until)), Decimal(0))
        opened = sum((cost for at, cost in self.opening_costs if since <= at <= until), Decimal(0))
        return Booked(
            traded=closed + opened,
            charged=sum((exact(flow.amount) for flow in flows if not flow.is_capital), Decimal(0)),
            paid_in=sum((exact(f.amount) for f in flows if f.is_capital and f.kind != "credit"), Decimal(0)),
        )

    def profit(self, symbol: str, side: Side, volume: Decimal, price_open: float, price_close: float) -> float:
        facts = self.symbol(symbol)
        move = Decimal(str(price_close)) - Decimal(str(price_open))
        money = move * facts.contract_size * volume * (1 if side is Side.BUY else -1)
        return float(money * self.to_account_currency[facts.currency_profit])

    def margin(self, symbol: str, side: Side, volume: Decimal, price: float) -> float:
        facts = self.symbol(symbol)
        notional = Decimal(str(price)) * facts.contract_size * volume
        return float(notional * self.to_account_currency[facts.currency_profit] * MARGIN_RATE)

    def outcome(self, client_order_id: str) -> OrderOutcome | None:
        return self.outcomes.get(client_order_id)

    def guard(self, guard: Guard) -> GuardReport:
        return self.watched.set(self, guard, self.now)

    def guards(
        self, *, active_only: bool = True, symbol: str | None = None, position: int | None = None
    ) -> list[GuardReport]:
        found = self.watched.active() if active_only else list(self.watched.reports.values())
        return [
            each for each in found if symbol in (None, each.guard.symbol) and position in (None, each.guard.position)
        ]

    def unguard(self, guard_id: str) -> GuardReport:
        return self.watched.remove(guard_id)

    def send(self, intent: OrderIntent) -> OrderOutcome:
        if intent.client_order_id in self.outcomes:
            return self.outcomes[intent.client_order_id]
        self.sent.append(intent)
        answer = self.answers.pop(0) if self.answers else self._fill
        made = answer(intent) if callable(answer) else OrderOutcome(client_order_id=intent.client_order_id, **answer)
        self.outcomes[intent.client_order_id] = made
        return made

    def _fill(self, intent: OrderIntent) -> OrderOutcome:
        match intent:
            case CloseIntent():
                return self._close(intent)
            case PendingOrderIntent():
                return self._place(intent)
            case ModifyIntent():
                return self._modify(intent)
            case CancelIntent():
                return self._cancel(intent)
            case _:
                return self._open(intent)

    def _place(self, intent: PendingOrderIntent) -> OrderOutcome:
        ticket, self.next_ticket = self.next_ticket, self.next_ticket + 1
        order = make_pending(
            ticket,
            volume=intent.volume,
            remaining=intent.volume,
            placed_at=self.now,
            magic=intent.magic,
            price=float(intent.price),
            **{key: _float(getattr(intent, key)) for key in ("limit_price", "stop_loss", "take_profit")},
            **{key: getattr(intent, key) for key in ("symbol", "type", "side", "expiry", "expires_at", "workflow_id")},
        )
        self.pending.append(order)
        return _resting(intent, order, OutcomeStatus.PLACED, remainder=order.remaining)

    def _modify(self, intent: ModifyIntent) -> OrderOutcome:
        held: list[Any] = self.pending if intent.target == "order" else self.open_positions
        found = next((each for each in held if each.ticket == intent.ticket), None)
        if found is None:
            return _refused(intent, "filled" if self.ended.get(intent.ticket) == "filled" else "gone")
        changes: dict[str, Any] = {}
        for key in ("stop_loss", "take_profit"):
            if getattr(intent, f"remove_{key}"):
                changes[key] = None
        for key in ("stop_loss", "take_profit", "price", "limit_price"):
            if (value := getattr(intent, key)) is not None:
                changes[key] = float(value)
        if intent.expiry is not None:
            changes |= {"expiry": intent.expiry, "expires_at": intent.expires_at}
        changed = found.model_copy(update=changes)
        if _risk(changed) > _risk(found) and not intent.allow_widening:
            return _refused(intent, "widens")
        held[held.index(found)] = changed
        reason = "no_change" if changed == found else None
        if isinstance(changed, PendingOrder):
            return _resting(intent, changed, OutcomeStatus.DONE, reason=reason)
        return OrderOutcome(
            client_order_id=intent.client_order_id,
            status=OutcomeStatus.DONE,
            position=found.ticket,
            stop_loss=changed.stop_loss,
            take_profit=changed.take_profit,
            reason=reason,
        )

    def _cancel(self, intent: CancelIntent) -> OrderOutcome:
        found = next((each for each in self.pending if each.ticket == intent.order), None)
        if found is None and self.ended.get(intent.order) == "filled":
            return _refused(intent, "filled")
        if found is not None:
            self.pending.remove(found)
            self.ended[intent.order] = "cancelled"
        return OrderOutcome(
            client_order_id=intent.client_order_id,
            status=OutcomeStatus.DONE,
            order=intent.order,
            reason="already_cancelled" if found is None else None,
        )

    def _open(self, intent: MarketOrderIntent) -> OrderOutcome:
        quote = self.tick(intent.symbol)
        price = quote.ask if intent.side is Side.BUY else quote.bid
        ticket, self.next_ticket = self.next_ticket, self.next_ticket + 1
        stop = None if intent.stop_loss is None else float(intent.stop_loss)
        target = None if intent.take_profit is None else float(intent.take_profit)
        self.open_positions.append(
            make_position(
                ticket,
                symbol=intent.symbol,
                side=intent.side,
                volume=intent.volume,
                price_open=price,
                stop_loss=stop,
                take_profit=target,
                magic=intent.magic,
                workflow_id=intent.workflow_id,
            )
        )
        return OrderOutcome(
            client_order_id=intent.client_order_id,
            status=OutcomeStatus.DONE,
            order=ticket,
            deal=ticket + 1000,
            position=ticket,
            volume=intent.volume,
            price=price,
            stop_loss=stop,
            take_profit=target,
            message="done",
        )

    def _close(self, intent: CloseIntent) -> OrderOutcome:
        found = next((each for each in self.open_positions if each.ticket == intent.position), None)
        if found is None:
            return OrderOutcome(
                client_order_id=intent.client_order_id, status=OutcomeStatus.DONE, reason="already_closed"
            )
        volume = min(intent.volume or found.volume, found.volume)
        if intent.percent is not None:
            step = self.symbol(intent.symbol).volume_step
            volume = found.volume * intent.percent / 100 // step * step
        self.open_positions.remove(found)
        if volume < found.volume:
            self.open_positions.append(found.model_copy(update={"volume": found.volume - volume}))
        quote = self.tick(intent.symbol)
        price = quote.bid if found.side is Side.BUY else quote.ask
        ticket, self.next_ticket = self.next_ticket, self.next_ticket + 1
        profit = self.profit(intent.symbol, found.side, volume, found.price_open, price)
        self.closed_trades.append(
            make_trade(
                ticket + 1000,
                position=found.ticket,
                symbol=found.symbol,
                side=found.side,
                volume=volume,
                price_open=found.price_open,
                price_close=price,
                opened_at=found.opened_at,
                closed_at=self.now,
                profit=profit,
                magic=found.magic,
                workflow_id=found.workflow_id,
            )
        )
        return OrderOutcome(
            client_order_id=intent.client_order_id,
            status=OutcomeStatus.DONE,
            order=ticket,
            deal=ticket + 1000,
            position=found.ticket,
            volume=volume,
            price=price,
            profit=profit,
            message="done",
        )


def _float(value: Decimal | None) -> float | None:
    return None if value is None else float(value)


def _risk(held: Position | PendingOrder) -> float:
    """How far the stop loss is from the entry, against the trade."""
    if held.stop_loss is None:
        return float("inf")
    entry = held.price_open if isinstance(held, Position) else held.limit_price or held.price
    return (entry - held.stop_loss) * (1 if held.side is Side.BUY else -1)


def _resting(
    intent: PendingOrderIntent | ModifyIntent, order: PendingOrder, status: OutcomeStatus, **more: Any
) -> OrderOutcome:
    return OrderOutcome(
        client_order_id=intent.client_order_id,
        status=status,
        order=order.ticket,
        order_price=order.price,
        limit_price=order.limit_price,
        stop_loss=order.stop_loss,
        take_profit=order.take_profit,
        expires_at=order.expires_at,
        message="done",
        **more,
    )


def _refused(intent: OrderIntent, reason: str) -> OrderOutcome:
    return OrderOutcome(
        client_order_id=intent.client_order_id, status=OutcomeStatus.REJECTED, reason=reason, message=reason
    )
