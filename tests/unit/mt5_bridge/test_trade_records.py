"""The trade ledger's records: whose a trade was, how it ended, what it asked for and got, and that no cent is lost."""

import tempfile
from collections.abc import Callable, Iterator
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
from tests.unit.mt5_bridge.fake_terminal import (
    NOW,
    Bench,
    close,
    fill,
    guard,
    make_deal,
    make_tick,
    market,
    pending,
    trailing,
)
from tests.unit.mt5_bridge.paper.test_books import MEMORY, MONDAY, bars, conditions, request_of, steps, write_terminal
from tradeloom.errors import BrokerUnavailable, StorageUnavailable, TradeloomError
from tradeloom.trading import methods
from tradeloom.trading.guards import PartialClose
from tradeloom.trading.intents import OrderIntent, OrderOutcome, Side
from tradeloom.trading.trade_ledger import TradeRecord, r_multiple

MakeBench = Callable[..., Bench]
DAY = timedelta(days=1)
BUY, SELL = 0, 1
IN, OUT, INOUT, OUT_BY = range(4)
CLIENT, EXPERT, STOP_LOSS, TAKE_PROFIT, STOP_OUT, ROLLOVER = 0, 3, 4, 5, 6, 7


def records(bench: Bench, since: datetime = NOW - DAY, until: datetime = NOW + DAY, **more: Any) -> list[TradeRecord]:
    asked = methods.TradeLedgerParams(since=since, until=until, **more)
    return bench.worker.reads._trade_ledger(asked)


def send(bench: Bench, intent: OrderIntent) -> OrderOutcome:
    outcome: OrderOutcome = bench.desk.send(intent)
    return outcome


def close_at_broker(
    bench: Bench, position: int | None, reason: int, *, magic: int = 0, volume: float = 0.1, entry: int = OUT
) -> None:
    """A deal the bridge has not asked for, an hour later."""
    request = {"magic": magic, "type": SELL, "price": 1.102, "symbol": "EURUSD"}
    later = NOW + timedelta(hours=1)
    at = {"time": int(later.timestamp()), "time_msc": int(later.timestamp() * 1000)}
    deal = make_deal(900, request, volume, position=position or 0, entry=entry, reason=reason, **at)
    bench.terminal.deals.append(deal)


def test_a_trade_names_workflow_version_execution_and_both_nodes(bench: Bench) -> None:
    opened = send(bench, market("in", workflow_version="v1", stop_loss=Decimal("1.0981")))
    assert opened.position is not None
    closed = send(bench, close(opened.position, "out", workflow_version="v2"))
    (trade,) = records(bench)
    assert (trade.workflow_id, trade.workflow_version, trade.execution_id) == ("w", "v1", "e")
    assert (trade.entry_node, trade.exit_node, trade.exit_workflow_version) == ("in", "out", "v2")
    assert (trade.entry_client_order_ids, trade.exit_client_order_id) == (
        (market("in").client_order_id,),
        close(opened.position, "out").client_order_id,
    )
    assert (trade.entry_orders, trade.entry_deals) == ((opened.order,), (opened.deal,))
    assert (trade.exit_order, trade.deal, trade.position) == (closed.order, closed.deal, opened.position)
    assert (trade.reason, trade.guard, trade.mixed, trade.account, trade.currency) == (
        "workflow",
        None,
        False,
        "acc",
        "USD",
    )
    assert (trade.side, trade.volume, trade.held, trade.left) == (
        Side.BUY,
        Decimal("0.1"),
        Decimal("0.1"),
        Decimal(0),
    )


@pytest.mark.parametrize(
    ("reason", "told"),
    [
        (CLIENT, "manual"),
        (1, "manual"),
        (2, "manual"),
        (EXPERT, "program"),
        (STOP_LOSS, "stop_loss"),
        (TAKE_PROFIT, "take_profit"),
        (STOP_OUT, "stop_out"),
        (ROLLOVER, "broker"),
        (9, "broker"),
        (77, "other"),
    ],
)
def test_what_the_broker_or_a_person_closes_is_no_order_of_ours(bench: Bench, reason: int, told: str) -> None:
    """Whatever magic number it bears: brokers give it that of the order that opened the position."""
    opened = send(bench, market("in"))
    for magic in (market("in").magic, 0):
        close_at_broker(bench, opened.position, reason, magic=magic)
        trade = records(bench)[-1]
        assert (trade.reason, trade.exit_node, trade.exit_client_order_id) == (told, None, None)
        assert (trade.workflow_id, trade.entry_node) == ("w", "in")
        bench.terminal.deals.pop()


def test_a_position_opened_by_hand_is_nobodys(bench: Bench) -> None:
    request = {"magic": 0, "type": BUY, "price": 1.1, "symbol": "EURUSD"}
    bench.terminal.deals.append(make_deal(7, request, 0.1, position=7, entry=IN, reason=CLIENT))
    close_at_broker(bench, 7, CLIENT)
    (trade,) = records(bench)
    assert (trade.workflow_id, trade.workflow_version, trade.entry_node, trade.entry_client_order_ids) == (
        None,
        None,
        None,
        (),
    )


def test_a_partial_close_beside_the_terminal_names_the_guard(bench: Bench) -> None:
    opened = send(bench, market("in", volume=Decimal("0.2")))
    assert opened.position is not None
    rule = PartialClose(trigger=Decimal("0.0001"), fraction=Decimal("0.5"))
    bench.terminal.quote = make_tick(1.105, 1.1051)
    bench.worker.duty.set(guard(opened.position, rule))
    (trade,) = records(bench)
    assert (trade.reason, trade.guard, trade.volume, trade.left) == (
        "guard",
        "partial_close",
        Decimal("0.1"),
        Decimal("0.1"),
    )
    assert (trade.exit_node, trade.workflow_id) == ("g", "w")


def test_a_stop_that_a_guard_had_moved_says_so(bench: Bench) -> None:
    opened = send(bench, market("in"))
    assert opened.position is not None
    bench.worker.duty.set(trailing(opened.position))
    close_at_broker(bench, opened.position, STOP_LOSS)
    (trade,) = records(bench)
    assert (trade.reason, trade.guard) == ("stop_loss", "trailing")


def test_a_flatten_is_told_from_a_workflow(bench: Bench) -> None:
    opened = send(bench, market("in"))
    assert opened.position is not None
    send(bench, close(opened.position, "x", cause="flatten"))
    assert records(bench)[0].reason == "flatten"


def test_positions_closed_by_each_other(bench: Bench) -> None:
    opened = send(bench, market("in"))
    close_at_broker(bench, opened.position, EXPERT, entry=OUT_BY, magic=market("other").magic)
    (trade,) = records(bench)
    assert (trade.reason, trade.exit_node) == ("close_by", None)


def test_partial_fills_show_what_was_asked_for(bench: Bench) -> None:
    bench.terminal.script = [fill(0.3), fill(0.1)]
    opened = send(bench, market("in", volume=Decimal("0.5")))
    assert opened.position is not None
    bench.terminal.positions[0].volume = 0.3
    send(bench, close(opened.position, "out", volume=Decimal("0.2")))
    (trade,) = records(bench)
    assert (trade.entry_requested, trade.held) == (Decimal("0.5"), Decimal("0.3"))
    assert (trade.exit_requested, trade.volume, trade.left) == (Decimal("0.2"), Decimal("0.1"), Decimal("0.2"))


def test_a_position_others_added_to_is_mixed_and_has_no_one_risk(bench: Bench) -> None:
    opened = send(bench, market("in", stop_loss=Decimal("1.09")))
    request = {"magic": 5, "type": BUY, "price": 1.2, "symbol": "EURUSD"}
    bench.terminal.deals.append(make_deal(600, request, 0.3, position=opened.position or 0, entry=IN))
    close_at_broker(bench, opened.position, STOP_LOSS, volume=0.4)
    (trade,) = records(bench)
    assert (trade.mixed, trade.entries, len(trade.entry_orders), trade.workflow_id) == (True, 2, 2, "w")
    assert (trade.stop_loss, trade.r_multiple) == (None, None)
    assert trade.price_open == pytest.approx(1.175025)


def test_the_first_stop_counts_not_where_it_was_moved_to(bench: Bench) -> None:
    """1.1001 bought with the stop at 1.0981: 20 pips of risk, 19 pips made."""
    opened = send(bench, market("in", stop_loss=Decimal("1.0981")))
    bench.terminal.positions[0].sl = 1.1
    close_at_broker(bench, opened.position, TAKE_PROFIT)
    (trade,) = records(bench)
    assert (trade.stop_loss, trade.r_multiple) == (1.0981, Decimal("0.95"))


def test_a_broker_that_keeps_no_stop_with_its_orders(bench: Bench) -> None:
    """The request the bridge sent says it then."""
    opened = send(bench, market("in", stop_loss=Decimal("1.0981")))
    bench.terminal.history_orders[0].sl = 0.0
    close_at_broker(bench, opened.position, TAKE_PROFIT)
    assert records(bench)[0].stop_loss == 1.0981


@pytest.mark.parametrize(
    ("side", "entry", "exit_", "stop", "told"),
    [
        (Side.BUY, 1.1, 1.104, 1.098, "2"),
        (Side.BUY, 1.1, 1.098, 1.098, "-1"),
        (Side.BUY, 1.1, 1.097, 1.098, "-1.5"),
        (Side.SELL, 1.1, 1.0993, 1.1021, "0.3333"),
        (Side.SELL, 1.1, 1.1, 1.1021, "0"),
        (Side.BUY, 1.1, 1.2, 1.1, None),
        (Side.BUY, 1.1, 1.2, 1.15, None),
    ],
)
def test_r_by_prices(side: Side, entry: float, exit_: float, stop: float, told: str | None) -> None:
    assert r_multiple(side, entry, exit_, stop) == (None if told is None else Decimal(told))


def test_an_order_that_still_works_tells_what_it_asked_for(bench: Bench) -> None:
    """A pending order filled in part waits for the rest: it is in no history yet."""
    placed = send(bench, pending("in", volume=Decimal("0.5")))
    request = {"magic": pending("in").magic, "type": BUY, "price": 1.0991, "symbol": "EURUSD"}
    bench.terminal.deals.append(make_deal(placed.order or 0, request, 0.1, position=placed.order or 0, entry=IN))
    close_at_broker(bench, placed.order, TAKE_PROFIT)
    (trade,) = records(bench)
    assert (trade.entry_requested, trade.volume, trade.entry_node) == (Decimal("0.5"), Decimal("0.1"), "in")


def test_pages_are_the_whole(bench: Bench) -> None:
    request = {"magic": 0, "type": SELL, "price": 1.1, "symbol": "EURUSD"}
    for number in range(7):
        moment = NOW + timedelta(seconds=number // 3)  # three at the same moment
        at = {"time": int(moment.timestamp()), "time_msc": int(moment.timestamp() * 1000)}
        deal = make_deal(number, request, 0.1, position=50 + number, entry=OUT, **at)
        bench.terminal.deals.append(deal)
    found: list[int] = []
    since, after = NOW - DAY, 0
    while page := records(bench, since, after_deal=after, limit=2):
        found += [record.deal for record in page]
        since, after = page[-1].closed_at, page[-1].deal
    assert found == [1000 + number for number in range(7)]


def test_only_a_workflows_or_a_symbols(bench: Bench) -> None:
    for number, workflow in enumerate(("w", "other")):
        opened = send(bench, market(f"in{number}", workflow_id=workflow))
        assert opened.position is not None
        send(bench, close(opened.position, f"out{number}"))
    assert [trade.entry_node for trade in records(bench, workflow_id="other")] == ["in1"]
    assert len(records(bench, symbol="EURUSD")) == 2
    assert records(bench, symbol="GBPUSD") == []


def test_without_the_journal_nobody_says_whose_a_trade_was(bench: Bench) -> None:
    """A record that left it out would be kept for good."""
    bench.worker.reads._journal_trouble = StorageUnavailable("the order journal is damaged")
    with pytest.raises(StorageUnavailable, match="damaged"):
        records(bench)


def test_an_account_that_cannot_be_read(bench: Bench) -> None:
    bench.terminal.account = None
    bench.terminal.error = (-1, "Call failed")
    with pytest.raises(TradeloomError, match="Call failed"):
        records(bench)


# Laws, on the books of the paper terminal


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


def test_a_history_without_its_trade_server_is_no_ledger(bench: Bench) -> None:
    """Whoever copies it goes on from the moment it asked: what closes at the broker meanwhile would be missed."""
    bench.terminal.state.connected = False
    with pytest.raises(BrokerUnavailable, match="no connection"):
        records(bench)
    bench.terminal.state.connected = True
    assert records(bench) == []


def test_another_accounts_history_is_not_taken_for_its_own(bench: Bench) -> None:
    bench.terminal.account.login += 1
    with pytest.raises(BrokerUnavailable, match="logged in"):
        records(bench)
