"""No cent of a trade is lost: ledger, flows and open costs add up, whoever bears which share."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mt5_bridge.deal_walk import TRADES, Holding, followed
from mt5_bridge.ledger import Ledger
from mt5_bridge.paper.arguments import trade_request
from mt5_bridge.paper.connection import ConnectionCalls
from mt5_bridge.paper.session import Session
from mt5_bridge.paper.terminal import PaperTerminal
from mt5_bridge.paper.trade_calls import TradeCalls
from mt5_bridge.server_time import ServerZone
from mt5_bridge.trade_records import TradeRecords
from tests.unit.mt5_bridge.fake_terminal import NOW, Bench, make_deal
from tests.unit.mt5_bridge.paper.test_books import MEMORY, MONDAY, bars, conditions, request_of, steps, write_terminal
from tests.unit.mt5_bridge.test_trade_records import BUY, DAY, IN, INOUT, OUT, SELL, records
from tradeloom.trading.intents import Side
from tradeloom.trading.trade_ledger import TradeRecord


@contextmanager
def books(path: list[Any], margin_mode: str, changes: dict[str, Any]) -> Iterator[tuple[PaperTerminal, Any, Ledger]]:
    with tempfile.TemporaryDirectory(dir=MEMORY) as folder:
        write_terminal(Path(folder), path, margin_mode, **changes)
        session = Session()
        terminal = session.terminal = PaperTerminal(Path(folder))
        connection, trade = ConnectionCalls(session), TradeCalls(session)
        package = SimpleNamespace(
            account_info=connection.account_info,
            last_error=connection.last_error,
            history_deals_get=trade.history_deals_get,
            history_orders_get=trade.history_orders_get,
            orders_get=trade.orders_get,
        )
        try:
            yield terminal, package, Ledger(package, ServerZone("UTC"))
        finally:
            terminal.close()


def still_open(package: Any) -> Decimal:
    """What opening those positions has cost that are open now."""
    deals: dict[int, list[Any]] = {}
    for deal in package.history_deals_get(0, 2**40):
        if deal.type in TRADES:
            deals.setdefault(deal.position_id, []).append(deal)
    costs = Decimal(0)
    for past in deals.values():
        holding = Holding()
        list(followed(past, holding))
        assert holding.volume or not holding.costs.total, "what is closed bears all of its costs"
        costs += holding.costs.total
    return costs


def check_money(terminal: PaperTerminal, package: Any, ledger: Ledger) -> None:
    since, until = MONDAY - DAY, terminal.market_time() + DAY
    made = TradeRecords(package, ledger, "paper", orders=lambda _: {}, guards=lambda _: ())
    found: list[TradeRecord] = []
    at, after = since, 0
    page = made.page(at, until, symbol=None, workflow_id=None, after_deal=after, limit=3)
    while page:
        found += page
        at, after = page[-1].closed_at, page[-1].deal
        page = made.page(at, until, symbol=None, workflow_id=None, after_deal=after, limit=3)
    assert len({record.deal for record in found}) == len(found)
    net = sum((record.net for record in found), Decimal(0))
    flows = sum((Decimal(repr(flow.amount)) for flow in ledger.cash_flows(since, until)), Decimal(0))
    assert net + flows + still_open(package) == terminal.account.balance
    booked = ledger.booked(since, until)
    assert booked.traded + booked.charged + booked.paid_in == terminal.account.balance
    for record in found:
        assert record.held is not None
        assert record.left is not None
        assert record.held - record.left == record.volume > 0
        assert record.net == record.gross + record.swap + record.commission + record.fee
    for position in terminal.account.positions.values():
        # The rest of an order that was filled in part may open its position anew, once that was closed.
        opened = datetime.fromtimestamp(position.time_msc / 1_000, UTC)
        since_then = [each for each in found if each.position == position.identifier and each.closed_at > opened]
        assert not since_then or since_then[-1].left or not terminal.account.is_hedging


@pytest.mark.parametrize("margin_mode", ["netting", "hedging"])
@settings(max_examples=25, deadline=None)
@given(
    path=st.lists(bars, min_size=20, max_size=60),
    script=st.lists(st.tuples(steps, st.integers(0, 2)), max_size=25),
    changes=conditions,
)
def test_ledger_flows_and_open_costs_add_up_to_the_balance(
    margin_mode: str, path: list[Any], script: list[Any], changes: dict[str, Any]
) -> None:
    """To the last grain: commissions of 3.33 a lot are shared by lots that do not divide them, orders fill in parts."""
    with books(path, margin_mode, changes) as (terminal, package, ledger):
        for (kind, choice, lots, loss, profit), filling in script:
            if kind == "wait":
                terminal.advance(terminal.market_time() + timedelta(hours=choice))
            elif request := request_of(terminal, kind, choice, lots, loss, profit, filling):
                terminal.send(trade_request((request,), {}))
        check_money(terminal, package, ledger)
        terminal.advance(terminal.market_time() + timedelta(hours=len(path)))
        check_money(terminal, package, ledger)


def test_thirds_of_a_cent_go_with_the_last_lot(bench: Bench) -> None:
    request = {"magic": 0, "type": BUY, "price": 1.1, "symbol": "EURUSD"}
    bench.terminal.deals.append(make_deal(7, request, 0.3, position=7, entry=IN, commission=-0.1))
    for number in range(3):
        moment = NOW + timedelta(minutes=1 + number)
        at = {"time": int(moment.timestamp()), "time_msc": int(moment.timestamp() * 1000)}
        deal = make_deal(10 + number, request | {"type": SELL}, 0.1, position=7, entry=OUT, profit=0.0, **at)
        bench.terminal.deals.append(deal)
    shares = [record.commission_open for record in records(bench)]
    assert shares == [Decimal("-0.03333333"), Decimal("-0.03333333"), Decimal("-0.03333334")]
    assert sum(shares) == Decimal("-0.1")


def test_a_reversal_shares_its_own_commission(bench: Bench) -> None:
    """What it closed bears a third of it, what it opened the rest."""
    request = {"magic": 0, "type": BUY, "price": 1.1, "symbol": "EURUSD"}
    bench.terminal.deals.append(make_deal(7, request, 0.1, position=7, entry=IN, commission=-0.07))
    for number, (side, lots, entry, cost) in enumerate(((SELL, 0.3, INOUT, -0.2), (BUY, 0.2, OUT, 0.0)), start=1):
        seconds = int((NOW + timedelta(minutes=number)).timestamp())
        at = {"time": seconds, "time_msc": seconds * 1000}
        turned = request | {"type": side}
        bench.terminal.deals.append(make_deal(7 + number, turned, lots, position=7, entry=entry, commission=cost, **at))
    first, second = records(bench)
    assert (first.side, first.volume, first.held, first.left) == (
        Side.BUY,
        Decimal("0.1"),
        Decimal("0.1"),
        Decimal(0),
    )
    assert (first.commission_open, first.commission_close) == (Decimal("-0.07"), Decimal("-0.06666666"))
    assert (second.side, second.volume, second.commission_open) == (Side.SELL, Decimal("0.2"), Decimal("-0.13333334"))
    assert second.opened_at == first.closed_at
