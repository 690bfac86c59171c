"""What a broker tells, as tests need it: a symbol, an account, positions, orders and trades."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from tradeloom.trading.broker import Account, ClosedTrade, PendingOrder, Position, Symbol
from tradeloom.trading.intents import Expiry, PendingType, Side

NOW = datetime(2017, 6, 1, 12, tzinfo=UTC)

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


def make_pending(ticket: int, **changes: Any) -> PendingOrder:
    values: dict[str, Any] = {
        "ticket": ticket,
        "symbol": "EURUSD",
        "type": PendingType.LIMIT,
        "side": Side.BUY,
        "volume": Decimal("0.10"),
        "remaining": Decimal("0.10"),
        "price": 1.095,
        "limit_price": None,
        "price_current": 1.1,
        "stop_loss": None,
        "take_profit": None,
        "expiry": Expiry.GTC,
        "expires_at": None,
        "placed_at": NOW,
        "magic": ticket,
        "comment": "",
        "workflow_id": "wf-1",
    }
    return PendingOrder(**{**values, **changes})


def make_trade(deal: int, **changes: Any) -> ClosedTrade:
    values: dict[str, Any] = {
        "deal": deal,
        "position": deal - 1,
        "symbol": "EURUSD",
        "side": Side.BUY,
        "volume": Decimal("0.10"),
        "price_open": 1.1,
        "price_close": 1.101,
        "opened_at": NOW,
        "closed_at": NOW,
        "profit": 10.0,
        "swap": 0.0,
        "commission": 0.0,
        "reason": "expert",
        "magic": deal,
        "comment": "",
        "workflow_id": "wf-1",
    }
    return ClosedTrade(**{**values, **changes})
