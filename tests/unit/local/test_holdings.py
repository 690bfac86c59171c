"""What an account holds, and its worth by the gate's rule."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Literal

import pytest

from tradeloom.errors import InvalidInput
from tradeloom.local.holdings import holdings_of
from tradeloom.trading.broker import Account, PendingOrder, Position
from tradeloom.trading.intents import Expiry, PendingType, Side

AT = datetime(2026, 1, 5, 12, tzinfo=UTC)


class FakeBroker:
    """A lot is 100,000 of the base; what is quoted in another currency than the account's cannot be valued."""

    def __init__(self, *held: Position | PendingOrder, margin_mode: Literal["netting", "hedging"] = "hedging") -> None:
        self.held = held
        self.margin_mode = margin_mode

    def account(self) -> Account:
        return Account(
            name="x", login=1, trade_mode="demo", margin_mode=self.margin_mode, currency="USD", leverage=100,
            balance=1e4, equity=1e4, margin=0, free_margin=1e4, margin_level=None, profit=0,
        )  # fmt: skip

    def positions(self) -> list[Position]:
        return [each for each in self.held if isinstance(each, Position)]

    def orders(self) -> list[PendingOrder]:
        return [each for each in self.held if isinstance(each, PendingOrder)]

    def profit(self, symbol: str, side: Side, volume: Decimal, price_open: float, price_close: float) -> float:
        if symbol.endswith("JPY"):
            raise InvalidInput("no rate")
        return float(volume) * 100_000 * (price_close - price_open)


def position(symbol: str, side: Side, volume: str, price: float, **others: Any) -> Position:
    values: dict[str, Any] = {
        "ticket": 1, "price_open": price, "stop_loss": None, "take_profit": None, "profit": 12.5, "swap": -1.0,
        "magic": 7, "comment": "", "opened_at": AT, "workflow_id": "wf-1",
    }  # fmt: skip
    return Position(symbol=symbol, side=side, volume=Decimal(volume), price_current=price, **values | others)


def pending(symbol: str, side: Side, remaining: str, price: float) -> PendingOrder:
    return PendingOrder(
        ticket=2, symbol=symbol, type=PendingType.LIMIT, side=side, volume=Decimal(1), remaining=Decimal(remaining),
        price=price, limit_price=None, price_current=price, stop_loss=None, take_profit=None, expiry=Expiry.GTC,
        expires_at=None, placed_at=AT, magic=8, comment="",
    )  # fmt: skip


def test_an_empty_account_is_worth_nothing() -> None:
    told = holdings_of("x", FakeBroker())
    assert (told.positions, told.orders, told.exposure, told.worth) == ([], [], [], 0.0)


def test_hedging_both_sides_and_what_waits_add_up() -> None:
    held = (
        position("EURUSD", Side.BUY, "0.3", 1.2),
        position("EURUSD", Side.SELL, "0.1", 1.2),
        pending("EURUSD", Side.BUY, "0.5", 1.1),
    )
    told = holdings_of("x", FakeBroker(*held))
    assert [each.ticket for each in told.positions] == [1, 1]
    assert [(each.type, each.remaining) for each in told.orders] == [("limit", Decimal("0.5"))]
    (exposure,) = told.exposure
    assert (exposure.long, exposure.short, exposure.buying, exposure.selling) == (
        Decimal("0.3"), Decimal("0.1"), Decimal("0.5"), Decimal(0),
    )  # fmt: skip
    assert exposure.worth == pytest.approx(0.9 * 120_000)
    assert told.worth == exposure.worth


def test_netting_only_one_side_can_be_held() -> None:
    held = (position("EURUSD", Side.BUY, "0.3", 1.2), pending("EURUSD", Side.SELL, "0.5", 1.2))
    assert holdings_of("x", FakeBroker(*held, margin_mode="netting")).worth == pytest.approx(0.3 * 120_000)


def test_what_cannot_be_valued_makes_the_sum_unknown_and_not_smaller() -> None:
    held = (position("EURUSD", Side.BUY, "0.3", 1.2), position("USDJPY", Side.BUY, "0.1", 150.0))
    told = holdings_of("x", FakeBroker(*held))
    assert [(each.symbol, each.worth) for each in told.exposure] == [
        ("EURUSD", pytest.approx(0.3 * 120_000)), ("USDJPY", None),
    ]  # fmt: skip
    assert told.worth is None
