"""The trade ledger's records: whose a trade was, how it ended, and what it asked for and got."""

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

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
