"""An in-memory `Broker`: the test sets quotes, symbols and positions; orders fill at the quote unless scripted."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import numpy as np

from tradeloom.errors import NotEnoughBars, NotFound
from tradeloom.trading.bars import Bars, BarsReference
from tradeloom.trading.broker import Account, Position, Symbol, Tick
from tradeloom.trading.intents import CloseIntent, MarketOrderIntent, OrderIntent, OrderOutcome, OutcomeStatus, Side

NOW = datetime(2017, 6, 1, 12, tzinfo=UTC)
MARGIN_RATE = Decimal("0.01")

EURUSD = Symbol(
    name="EURUSD",
    digits=5,
    point=Decimal("0.00001"),
    tick_size=Decimal("0.00001"),
    contract_size=Decimal(100_000),
    volume_min=Decimal("0.01"),
    volume_max=Decimal(100),
    volume_step=Decimal("0.01"),
    stops_level=0,
    freeze_level=0,
    spread=2,
    currency_base="EUR",
    currency_profit="USD",
    currency_margin="EUR",
)


def make_account(**changes: Any) -> Account:
    values: dict[str, Any] = {
        "name": "paper",
        "login": 1001,
        "trade_mode": "paper",
        "margin_mode": "hedging",
        "currency": "USD",
        "leverage": 100,
        "balance": 10_000.0,
        "equity": 10_000.0,
        "margin": 0.0,
        "free_margin": 10_000.0,
        "margin_level": None,
        "profit": 0.0,
    }
    return Account(**{**values, **changes})


def make_position(ticket: int, **changes: Any) -> Position:
    values: dict[str, Any] = {
        "ticket": ticket,
        "symbol": "EURUSD",
        "side": Side.BUY,
        "volume": Decimal("0.10"),
        "price_open": 1.1,
        "price_current": 1.1,
        "stop_loss": None,
        "take_profit": None,
        "profit": 5.0,
        "swap": 0.0,
        "magic": ticket,
        "comment": "",
        "opened_at": NOW,
        "workflow_id": "wf-1",
    }
    return Position(**{**values, **changes})


@dataclass
class FakeBroker:
    """`answers` are tried first, one per `send`: an outcome's fields, or a function of the intent (which may raise)."""

    account_name: str = "paper"
    now: datetime = NOW
    facts: Account = field(default_factory=make_account)
    symbols: dict[str, Symbol] = field(default_factory=lambda: {"EURUSD": EURUSD})
    quotes: dict[str, Tick] = field(default_factory=dict)
    history: dict[tuple[str, str], dict[str, np.ndarray]] = field(default_factory=dict)
    open_positions: list[Position] = field(default_factory=list)
    to_account_currency: dict[str, Decimal] = field(default_factory=lambda: {"USD": Decimal(1)})
    answers: list[dict[str, Any] | Callable[[OrderIntent], OrderOutcome]] = field(default_factory=list)
    sent: list[OrderIntent] = field(default_factory=list)
    outcomes: dict[str, OrderOutcome] = field(default_factory=dict)
    next_ticket: int = 5001

    def __post_init__(self) -> None:
        if not self.quotes:
            self.quote("EURUSD", 1.10000, 1.10002)

    def quote(self, symbol: str, bid: float, ask: float, *, at: datetime | None = None) -> None:
        self.quotes[symbol] = Tick(symbol=symbol, time=at or self.now, bid=bid, ask=ask, last=None, volume=0.0)

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
        columns = self.history[(reference.symbol, reference.timeframe.value)]
        end = reference.to.timestamp()
        closes = columns["time"] + reference.timeframe.seconds
        visible = int(np.count_nonzero((closes if reference.closed_only else columns["time"]) <= end))
        if visible < reference.count:
            raise NotEnoughBars(f"{reference.count} bars were asked for and {visible} are there")
        start = max(0, visible - reference.count - reference.warmup)
        return Bars(reference=reference, **{name: column[start:visible] for name, column in columns.items()})

    def positions(self, symbol: str | None = None) -> list[Position]:
        return [position for position in self.open_positions if symbol in (None, position.symbol)]

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

    def send(self, intent: OrderIntent) -> OrderOutcome:
        if intent.client_order_id in self.outcomes:
            return self.outcomes[intent.client_order_id]
        self.sent.append(intent)
        answer = self.answers.pop(0) if self.answers else self._fill
        made = answer(intent) if callable(answer) else OrderOutcome(client_order_id=intent.client_order_id, **answer)
        self.outcomes[intent.client_order_id] = made
        return made

    def _fill(self, intent: OrderIntent) -> OrderOutcome:
        return self._close(intent) if isinstance(intent, CloseIntent) else self._open(intent)

    def _open(self, intent: MarketOrderIntent) -> OrderOutcome:
        quote = self.quotes[intent.symbol]
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
        self.open_positions.remove(found)
        if volume < found.volume:
            self.open_positions.append(found.model_copy(update={"volume": found.volume - volume}))
        quote = self.quotes[intent.symbol]
        price = quote.bid if found.side is Side.BUY else quote.ask
        ticket, self.next_ticket = self.next_ticket, self.next_ticket + 1
        return OrderOutcome(
            client_order_id=intent.client_order_id,
            status=OutcomeStatus.DONE,
            order=ticket,
            deal=ticket + 1000,
            position=found.ticket,
            volume=volume,
            price=price,
            profit=self.profit(intent.symbol, found.side, volume, found.price_open, price),
            message="done",
        )
