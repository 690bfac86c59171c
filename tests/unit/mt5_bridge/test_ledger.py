"""Trades and cash flows out of deals: prices, shares of costs, reversals, periods, the server's clock."""

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mt5_bridge import constants as mt5
from mt5_bridge import ledger
from mt5_bridge.ledger import Ledger
from mt5_bridge.server_time import ServerZone
from tests.unit.mt5_bridge.fake_terminal import NOW, Bench, FakeTerminal, make_deal, make_order, market
from tradeloom.errors import BrokerError, InvalidInput
from tradeloom.trading.broker import ClosedTrade
from tradeloom.trading.intents import Side

MakeBench = Callable[..., Bench]
DAY = timedelta(days=1)
IN, OUT, INOUT, OUT_BY = range(4)
BUY, SELL = 0, 1


class Books:
    """Deals in the order they are written, a minute apart from NOW on."""

    def __init__(self, terminal: FakeTerminal | None = None, zone: str = "UTC") -> None:
        self.terminal = terminal or FakeTerminal()
        self.ledger = Ledger(self.terminal, ServerZone(zone))
        self.number = 0

    def deal(self, side: int, lots: float, price: float, *, position: int, entry: int, **more: Any) -> datetime:
        at: datetime = more.pop("at", NOW + timedelta(minutes=self.number))
        self.number += 1
        order = more.pop("order", position if entry == IN and not self._of(position) else 100 + self.number)
        request = {"magic": more.pop("magic", 0), "type": side, "price": price, "symbol": more.pop("symbol", "EURUSD")}
        times = {"time": int(at.timestamp()), "time_msc": int(at.timestamp() * 1000)}
        self.terminal.deals.append(
            make_deal(order, request, lots, position=position, entry=entry, ticket=1000 + self.number, **times | more)
        )
        return at

    def _of(self, position: int) -> list[Any]:
        return [deal for deal in self.terminal.deals if deal.position_id == position]

    def trades(self, since: datetime = NOW - DAY, until: datetime = NOW + DAY, **more: Any) -> list[ClosedTrade]:
        return self.ledger.trades(since, until, more.get("symbol"))


@pytest.fixture
def books() -> Books:
    return Books()


def test_a_trade_has_both_its_prices_times_and_costs(books: Books) -> None:
    opened = books.deal(BUY, 0.1, 1.1, position=7, entry=IN, commission=-0.35, magic=42)
    closed = books.deal(
        SELL, 0.1, 1.102, position=7, entry=OUT, commission=-0.35, fee=-0.1, swap=-0.6, profit=20.0, reason=5
    )
    (trade,) = books.trades()
    assert (trade.position, trade.symbol, trade.side, trade.volume) == (7, "EURUSD", Side.BUY, Decimal("0.1"))
    assert (trade.price_open, trade.price_close) == (1.1, 1.102)
    assert (trade.opened_at, trade.closed_at) == (opened, closed)
    assert (trade.profit, trade.swap, trade.commission, trade.reason) == (20.0, -0.6, -0.8, "take_profit")
    assert (trade.net_profit, trade.magic) == (18.6, 42)


def test_a_position_closed_in_parts_shares_its_opening_commission(books: Books) -> None:
    books.deal(SELL, 0.3, 1.1, position=7, entry=IN, commission=-0.9)
    books.deal(BUY, 0.1, 1.09, position=7, entry=OUT, commission=-0.3, profit=100.0)
    books.deal(BUY, 0.2, 1.08, position=7, entry=OUT, commission=-0.6, profit=400.0)
    first, second = books.trades()
    assert (first.side, first.commission, second.commission) == (Side.SELL, -0.6, -1.2)
    assert first.price_open == second.price_open == 1.1


def test_an_increased_position_opens_at_its_mean_price(books: Books) -> None:
    books.deal(BUY, 0.1, 1.1, position=7, entry=IN, magic=1)
    books.deal(BUY, 0.3, 1.2, position=7, entry=IN, magic=2)
    books.deal(SELL, 0.4, 1.3, position=7, entry=OUT)
    (trade,) = books.trades()
    assert (trade.price_open, trade.magic, trade.opened_at) == (1.175, 1, NOW)


def test_a_reversal_closes_what_was_open_and_opens_the_rest(books: Books) -> None:
    books.deal(BUY, 0.1, 1.1, position=7, entry=IN, commission=-0.1)
    turned = books.deal(SELL, 0.3, 1.2, position=7, entry=INOUT, commission=-0.3, profit=1000.0)
    books.deal(BUY, 0.2, 1.15, position=7, entry=OUT, commission=-0.2, profit=1000.0)
    first, second = books.trades()
    assert (first.side, first.volume, first.commission) == (Side.BUY, Decimal("0.1"), -0.2)
    assert (second.side, second.volume, second.commission) == (Side.SELL, Decimal("0.2"), -0.4)
    assert (second.price_open, second.opened_at) == (1.2, turned)


def test_positions_closed_by_each_other_are_two_trades(books: Books) -> None:
    books.deal(BUY, 0.1, 1.1, position=7, entry=IN)
    books.deal(SELL, 0.1, 1.11, position=8, entry=IN)
    books.deal(SELL, 0.1, 1.11, position=7, entry=OUT_BY, order=9, profit=100.0)
    books.deal(BUY, 0.1, 1.11, position=8, entry=OUT_BY, order=9)
    assert [(trade.position, trade.side) for trade in books.trades()] == [(7, Side.BUY), (8, Side.SELL)]


def test_an_opening_before_the_period_is_looked_up(books: Books) -> None:
    long_ago = NOW - timedelta(days=400)
    books.deal(BUY, 0.2, 1.1, position=7, entry=IN, at=long_ago, magic=5)
    books.deal(SELL, 0.1, 1.15, position=7, entry=OUT, at=long_ago + DAY)
    books.deal(SELL, 0.1, 1.2, position=7, entry=OUT, at=NOW)
    (trade,) = books.trades()
    assert (trade.opened_at, trade.price_open, trade.magic, trade.price_close) == (long_ago, 1.1, 5, 1.2)


def test_history_that_does_not_reach_back_leaves_the_opening_unknown(books: Books) -> None:
    books.deal(SELL, 0.1, 1.2, position=7, entry=OUT, profit=3.0)
    (trade,) = books.trades()
    assert (trade.side, trade.price_open, trade.opened_at, trade.profit) == (Side.BUY, None, None, 3.0)


def test_both_ends_belong_to_the_period_and_nothing_beyond(books: Books) -> None:
    books.deal(BUY, 0.2, 1.1, position=7, entry=IN, at=NOW - DAY)
    books.deal(SELL, 0.1, 1.2, position=7, entry=OUT, at=NOW)
    books.deal(SELL, 0.1, 1.2, position=7, entry=OUT, at=NOW + timedelta(milliseconds=1))
    assert [trade.deal for trade in books.trades(NOW, NOW)] == [1002]
    assert [trade.deal for trade in books.trades(NOW, NOW + timedelta(milliseconds=1))] == [1002, 1003]
    assert books.trades(NOW - DAY, NOW - timedelta(milliseconds=1)) == []


def test_periods_are_utc_whatever_the_servers_clock(books: Books) -> None:
    """Athens is two hours ahead: a deal the server writes at 14:00 happened at 12:00."""
    athens = Books(zone="Europe/Athens")
    athens.deal(BUY, 0.1, 1.1, position=7, entry=IN, at=NOW)
    athens.deal(SELL, 0.1, 1.2, position=7, entry=OUT, at=NOW + timedelta(hours=2))
    (trade,) = athens.trades(NOW, NOW)
    assert (trade.opened_at, trade.closed_at) == (NOW - timedelta(hours=2), NOW)


def test_one_symbol_or_all(books: Books) -> None:
    for position, symbol in ((7, "EURUSD"), (8, "GBPUSD")):
        books.deal(BUY, 0.1, 1.1, position=position, entry=IN, symbol=symbol)
        books.deal(SELL, 0.1, 1.2, position=position, entry=OUT, symbol=symbol)
    assert [trade.position for trade in books.trades()] == [7, 8]
    assert [trade.position for trade in books.trades(symbol="GBPUSD")] == [8]


def test_an_unheard_of_reason_is_other(books: Books) -> None:
    books.deal(SELL, 0.1, 1.2, position=7, entry=OUT, reason=4)
    books.deal(SELL, 0.1, 1.2, position=8, entry=OUT, reason=99)
    assert [trade.reason for trade in books.trades()] == ["stop_loss", "other"]


def test_periods_that_are_too_long_too_full_or_backwards(books: Books, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InvalidInput) as caught:
        books.trades(NOW - timedelta(days=4000))
    assert (caught.value.field, caught.value.hint) == ("since", "ask for less at once")
    with pytest.raises(InvalidInput) as caught:
        books.trades(NOW, NOW - DAY)
    assert caught.value.field == "until"
    monkeypatch.setattr(ledger, "MAX_TRADES", 1)
    monkeypatch.setattr(ledger, "MAX_CASH_FLOWS", 1)
    for position in (7, 8):
        books.deal(SELL, 0.1, 1.2, position=position, entry=OUT)
        books.deal(2, 0.0, 0.0, position=0, entry=IN, profit=1.0)
    for read in (books.trades, lambda: books.ledger.cash_flows(NOW - DAY, NOW + DAY)):
        with pytest.raises(InvalidInput, match="more than 1"):
            read()


def test_history_that_cannot_be_read_is_an_error(books: Books) -> None:
    books.terminal.history_deals_get = lambda *_, **__: None  # type: ignore[method-assign]
    books.terminal.error = (-1, "Call failed")
    with pytest.raises(BrokerError, match="Call failed"):
        books.trades()


def test_cash_flows_are_everything_that_is_no_trade(books: Books) -> None:
    books.deal(2, 0.0, 0.0, position=0, entry=IN, profit=10_000.0, comment="deposit", at=NOW - 2 * DAY)
    books.deal(2, 0.0, 0.0, position=0, entry=IN, profit=-500.0, comment="withdrawal")
    books.deal(BUY, 0.1, 1.1, position=7, entry=IN)
    books.deal(12, 0.0, 0.0, position=0, entry=IN, profit=1.25)
    books.deal(7, 0.0, 0.0, position=0, entry=IN, commission=-3.0)
    flows = books.ledger.cash_flows(NOW - DAY, NOW + DAY)
    assert [(flow.kind, flow.amount, flow.is_capital) for flow in flows] == [
        ("balance", -500.0, True),
        ("interest", 1.25, False),
        ("commission", -3.0, False),
    ]
    assert flows[0].comment == "withdrawal"
    assert books.trades() == []


def test_trades_bear_the_workflow_that_opened_them(make_bench: MakeBench) -> None:
    bench = make_bench()
    books = Books(bench.terminal)
    opened = bench.desk.send(market())
    books.deal(SELL, 0.1, 1.2, position=opened.position, entry=OUT, reason=4, at=NOW + timedelta(hours=1))
    books.deal(SELL, 0.1, 1.2, position=9, entry=OUT, at=NOW + timedelta(hours=2))
    found = bench.worker.reads._with_workflows(books.trades())
    assert [trade.workflow_id for trade in found] == ["w", None]


@given(
    steps=st.lists(st.tuples(st.booleans(), st.integers(1, 30)), min_size=2, max_size=15),
    commission=st.integers(0, 700),
)
@settings(max_examples=60)
def test_trades_of_a_closed_netting_position_add_up_to_its_deals(
    steps: list[tuple[bool, int]], commission: int
) -> None:
    """Whatever was bought, sold and reversed: no lot and no cent of commission is lost or told twice."""
    books, held = Books(), 0
    closed = 0
    for is_buy, hundredths in [*steps, (False, 0)]:
        lots = (hundredths if is_buy else -hundredths) if hundredths else -held
        if lots == 0:
            continue
        entry = IN if held * lots >= 0 else OUT if abs(lots) <= abs(held) else INOUT
        closed += 0 if entry == IN else min(abs(lots), abs(held))
        side, cost = (BUY if lots > 0 else SELL), -commission * abs(lots) / 100
        position = 7
        books.deal(side, abs(lots) / 100, 1.1, position=position, entry=entry, commission=cost)
        held += lots
    trades = books.trades()
    assert sum((trade.volume for trade in trades), Decimal(0)) == Decimal(closed) / 100
    paid = sum(deal.commission for deal in books.terminal.deals)
    assert sum(trade.commission for trade in trades) == pytest.approx(paid, abs=1e-6)


def test_orders_that_left_the_book(books: Books) -> None:
    def order(ticket: int, state: int, kind: int = 2, at: datetime = NOW, **changes: Any) -> None:
        request = {"magic": ticket, "symbol": "EURUSD", "type": kind, "price": 1.09, "volume": 0.3}
        seconds = int(at.timestamp())
        times = {"time_done": seconds, "time_done_msc": seconds * 1000 + 250}
        books.terminal.history_orders.append(make_order(ticket, request, state, **times | changes))

    order(1, mt5.ORDER_STATE_CANCELED)
    order(2, mt5.ORDER_STATE_EXPIRED, kind=5)
    order(3, mt5.ORDER_STATE_REJECTED, kind=1)
    order(4, mt5.ORDER_STATE_FILLED, kind=0, volume_current=0.0)
    order(5, mt5.ORDER_STATE_PARTIAL, volume_current=0.2)
    order(6, mt5.ORDER_STATE_CANCELED, at=NOW - 30 * DAY)
    order(7, 0)  # being checked: it has not left
    order(8, mt5.ORDER_STATE_FILLED, kind=8)  # a close-by has no side of its own
    found = books.ledger.ended_orders(NOW - DAY, NOW + DAY, [6])
    assert [(each.ticket, each.how, each.side, each.pending, each.filled) for each in found] == [
        (6, "cancelled", "buy", True, 0),
        (1, "cancelled", "buy", True, 0),
        (2, "expired", "sell", True, 0),
        (3, "rejected", "sell", False, 0),
        (4, "filled", "buy", False, Decimal("0.3")),
        (5, "cancelled", "buy", True, Decimal("0.1")),
    ]
    assert (found[1].ended_at, found[1].placed_at) == (NOW + timedelta(milliseconds=250), NOW)
    assert [each.ticket for each in books.ledger.ended_orders(NOW - DAY, NOW + DAY, [])] == [1, 2, 3, 4, 5]


def test_what_moved_the_balance(books: Books) -> None:
    """Opening costs when they were paid, credit never, whatever else there is as charges."""
    books.deal(2, 0.0, 0.0, position=0, entry=IN, profit=10_000.0)
    books.deal(3, 0.0, 0.0, position=0, entry=IN, profit=500.0)
    books.deal(BUY, 0.1, 1.1, position=7, entry=IN, commission=-0.35, fee=-0.05)
    books.deal(12, 0.0, 0.0, position=0, entry=IN, profit=1.25)
    books.deal(99, 0.0, 0.0, position=0, entry=IN, profit=-0.5)
    booked = books.ledger.booked(NOW - DAY, NOW + DAY)
    assert (booked.traded, booked.charged, booked.paid_in) == (Decimal("-0.40"), Decimal("0.75"), Decimal("10000"))
    assert books.ledger.booked(NOW - DAY, NOW - timedelta(hours=1)).traded == 0
