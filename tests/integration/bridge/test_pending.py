"""Pending orders, changes, cancels and the history, on the whole road to the paper terminal and back."""

import json
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any, Literal

import pytest

from tests.integration.bridge.rig import MONDAY, Rig
from tradeloom.errors import InvalidInput
from tradeloom.trading.intents import Expiry, OrderOutcome, OutcomeStatus, PendingType, Side
from tradeloom.trading.mt5_broker import MT5Broker
from tradeloom.trading.risk import AccountState

START = MONDAY + timedelta(hours=100)
HOUR = timedelta(hours=1)
DONE, PLACED, REJECTED = OutcomeStatus.DONE, OutcomeStatus.PLACED, OutcomeStatus.REJECTED


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    """Terminals on the clock of Athens, two hours ahead of UTC in January."""
    directory = tmp_path_factory.mktemp("bridge")
    modes: dict[str, Literal["netting", "hedging"]] = {"paper": "hedging", "netting": "netting"}
    rig = Rig(directory, modes=modes, account={"server_time_zone": "Europe/Athens"})
    for name in modes:
        file = directory / name / "paper.json"
        file.write_text(json.dumps(json.loads(file.read_text()) | {"server_time_zone": "Europe/Athens"}))
    with rig:
        yield rig


@pytest.fixture
def broker(rig: Rig) -> MT5Broker:
    return rig.broker


def price(broker: MT5Broker, pips: int) -> Decimal:
    """So many pips above the ask."""
    return Decimal(str(broker.tick("EURUSD").ask)) + Decimal(pips) / 10_000


def ticket(outcome: OrderOutcome) -> int:
    assert outcome.order is not None
    return outcome.order


def test_an_order_rests_is_listed_and_fills_when_its_price_comes(rig: Rig, broker: MT5Broker) -> None:
    at = price(broker, 3)
    now = broker.market_time()
    intent = rig.limit(
        "breakout", type=PendingType.STOP, price=at, stop_loss=at - Decimal("0.05"), take_profit=at + Decimal("0.002"),
        expiry=Expiry.SPECIFIED, expires_at=now + 24 * HOUR,
    )  # fmt: skip
    placed = broker.send(intent)
    assert (placed.status, placed.order_price, placed.expires_at) == (PLACED, float(at), now + 24 * HOUR)
    (order,) = broker.orders("EURUSD")
    assert (order.ticket, order.type, order.side, order.price) == (placed.order, "stop", "buy", float(at))
    assert (order.volume, order.remaining, order.expiry, order.expires_at) == (
        Decimal("0.1"), Decimal("0.1"), Expiry.SPECIFIED, now + 24 * HOUR,
    )  # fmt: skip
    assert (order.placed_at, order.magic, order.workflow_id) == (now, intent.magic, "workflow")
    assert (order.stop_loss, order.take_profit) == (placed.stop_loss, placed.take_profit)
    broker.advance(now + 6 * HOUR)
    filled = broker.send(intent)
    assert (filled.status, filled.volume, filled.order_price) == (DONE, Decimal("0.1"), float(at))
    assert filled.position is not None
    assert broker.orders() == []
    (position,) = broker.positions()
    assert (position.ticket, position.workflow_id) == (filled.position, "workflow")
    late = broker.send(rig.cancel(ticket(placed), "too late"))
    assert (late.status, late.reason, late.position) == (REJECTED, "filled", filled.position)
    broker.advance(now + 48 * HOUR)  # the target is reached on the way
    (trade,) = broker.trades(now, broker.market_time())
    assert (trade.position, trade.side, trade.volume, trade.reason) == (
        filled.position,
        "buy",
        Decimal("0.1"),
        "take_profit",
    )
    assert (trade.price_open, trade.workflow_id) == (filled.price, "workflow")
    assert trade.opened_at is not None
    assert now < trade.opened_at < trade.closed_at <= broker.market_time()
    assert trade.profit == pytest.approx((trade.price_close - filled.price) * 10_000, abs=0.01)  # type: ignore[operator]


def test_a_stop_limit_becomes_a_limit_order(rig: Rig, broker: MT5Broker) -> None:
    at = price(broker, 4)
    placed = broker.send(rig.limit("sl", type=PendingType.STOP_LIMIT, price=at, limit_price=at - Decimal("0.01")))
    assert (placed.status, placed.limit_price) == (PLACED, float(at - Decimal("0.01")))
    broker.advance(broker.market_time() + 8 * HOUR)
    (order,) = broker.orders()
    assert (order.ticket, order.type, order.price) == (placed.order, "limit", float(at - Decimal("0.01")))
    assert broker.outcome(placed.client_order_id).status is PLACED  # type: ignore[union-attr]
    assert broker.send(rig.cancel(ticket(placed), "sl away")).status is DONE


def test_an_order_expires_by_the_brokers_clock_and_says_so(rig: Rig, broker: MT5Broker) -> None:
    until = broker.market_time() + 3 * HOUR
    placed = broker.send(rig.limit("expires", expiry=Expiry.SPECIFIED, expires_at=until))
    broker.advance(until - timedelta(minutes=1))
    assert [order.ticket for order in broker.orders()] == [placed.order]
    broker.advance(until + HOUR)
    expired = broker.outcome(placed.client_order_id)
    assert expired is not None
    assert (expired.status, expired.order) == (OutcomeStatus.EXPIRED, placed.order)
    again = broker.send(rig.cancel(ticket(placed), "expired already"))
    assert (again.status, again.reason) == (DONE, "already_cancelled")
    changed = broker.send(rig.modify(ticket(placed), "expired too", target="order", price=Decimal("1.04")))
    assert (changed.status, changed.reason) == (REJECTED, "gone")


def test_a_day_order_leaves_at_the_servers_midnight(rig: Rig, broker: MT5Broker) -> None:
    """Which is 22:00 UTC."""
    placed = broker.send(rig.limit("day", expiry=Expiry.DAY))
    now = broker.market_time()
    midnight = now.replace(hour=22, minute=0) + (timedelta(days=1) if now.hour >= 22 else timedelta())
    assert broker.orders()[0].expires_at == midnight
    broker.advance(midnight + HOUR)
    assert broker.outcome(placed.client_order_id).status is OutcomeStatus.EXPIRED  # type: ignore[union-attr]


def test_a_pending_orders_terms_change_and_it_is_cancelled_once(rig: Rig, broker: MT5Broker) -> None:
    placed = broker.send(rig.limit("terms", stop_loss=Decimal("1.04")))
    moved = broker.send(
        rig.modify(ticket(placed), "move", target="order", price=Decimal("1.06"), stop_loss=Decimal("1.055"))
    )
    assert (moved.status, moved.order_price, moved.stop_loss) == (DONE, 1.06, 1.055)
    (order,) = broker.orders()
    assert (order.price, order.stop_loss) == (1.06, 1.055)
    wider = broker.send(rig.modify(ticket(placed), "wider", target="order", stop_loss=Decimal("1.04")))
    assert (wider.status, wider.reason) == (REJECTED, "widens")
    known = broker.outcome(placed.client_order_id)
    assert known is not None
    assert (known.status, known.order_price) == (PLACED, 1.06)
    cancelled = broker.send(rig.cancel(ticket(placed), "away"))
    assert (cancelled.status, cancelled.reason, broker.orders()) == (DONE, None, [])
    assert broker.send(rig.cancel(ticket(placed), "away")) == cancelled
    assert broker.send(rig.cancel(ticket(placed), "away again")).reason == "already_cancelled"
    assert broker.outcome(placed.client_order_id).status is OutcomeStatus.CANCELLED  # type: ignore[union-attr]
    assert broker.send(rig.cancel(99, "never")).reason == "invalid"


@pytest.mark.parametrize("account", ["paper", "netting"])
def test_a_positions_stops_tighten_and_no_change_is_success(rig: Rig, account: str) -> None:
    broker = rig.client.account(account)
    mine: dict[str, Any] = {"account": account}
    opened = broker.send(rig.buy(f"{account} held", stop_loss=Decimal("1.05"), **mine))
    assert opened.position is not None
    nearer = broker.send(rig.modify(opened.position, f"{account} 1", stop_loss=Decimal("1.06"), **mine))
    assert (nearer.status, nearer.stop_loss, nearer.take_profit) == (DONE, 1.06, None)
    same = broker.send(rig.modify(opened.position, f"{account} 2", stop_loss=Decimal("1.06"), **mine))
    assert (same.status, same.reason) == (DONE, "no_change")
    wider = broker.send(rig.modify(opened.position, f"{account} 3", stop_loss=Decimal("1.05"), **mine))
    assert (wider.status, wider.reason) == (REJECTED, "widens")
    allowed = rig.modify(opened.position, f"{account} 4", remove_stop_loss=True, allow_widening=True, **mine)
    assert broker.send(allowed).stop_loss is None
    assert [position.stop_loss for position in broker.positions()] == [None]
    assert broker.send(rig.close(opened.position, f"{account} 5", **mine)).status is DONE
    gone = broker.send(rig.modify(opened.position, f"{account} 6", take_profit=Decimal("2"), **mine))
    assert (gone.status, gone.reason) == (REJECTED, "gone")


def test_a_halted_account_takes_cancels_and_tightening_and_nothing_else(rig: Rig, broker: MT5Broker) -> None:
    opened = broker.send(rig.buy("halted held", stop_loss=Decimal("1.05")))
    placed = broker.send(rig.limit("halted rests"))
    assert opened.position is not None
    broker.set_state(AccountState.HALTED, reason="test", by="watcher")
    refused = [
        broker.send(rig.limit("halted new")),
        broker.send(rig.modify(opened.position, "halted wide", stop_loss=Decimal("1.04"), allow_widening=True)),
        broker.send(rig.modify(ticket(placed), "halted move", target="order", price=Decimal("1.06"))),
    ]
    assert [outcome.reason for outcome in refused] == ["risk"] * 3
    passed = [
        broker.send(rig.modify(opened.position, "halted near", stop_loss=Decimal("1.06"))),
        broker.send(rig.cancel(ticket(placed), "halted cancel")),
        broker.send(rig.close(opened.position, "halted close")),
    ]
    assert [outcome.status for outcome in passed] == [DONE] * 3
    broker.set_state(AccountState.ACTIVE, reason="looked at it", by="Ada", clear=True)


def test_prices_the_market_rules_out_are_refused_before_sending(rig: Rig, broker: MT5Broker) -> None:
    for node, changes in (
        ("above", {"price": Decimal("1.2")}),
        ("below", {"type": PendingType.STOP}),
        ("sold", {"side": Side.SELL}),
        ("stop", {"stop_loss": Decimal("1.06")}),
        ("late", {"deadline": START - HOUR}),
    ):
        outcome = broker.send(rig.limit(node, **changes))
        assert (outcome.status, outcome.reason) == (REJECTED, "deadline" if node == "late" else "invalid"), node
    assert broker.orders() == []


def test_deposits_and_closed_trades_in_their_period(rig: Rig, broker: MT5Broker) -> None:
    (deposit,) = broker.cash_flows(MONDAY - timedelta(days=30), broker.market_time())
    assert (deposit.kind, deposit.is_capital) == ("balance", True)
    assert deposit.amount > 0
    assert broker.cash_flows(deposit.time + timedelta(seconds=1), broker.market_time()) == []
    since = broker.advance(broker.market_time() + HOUR).time
    opened = broker.send(rig.buy("counted", volume=Decimal("0.2")))
    assert opened.position is not None
    broker.advance(since + HOUR)
    for node in ("half 1", "half 2"):
        broker.send(rig.close(opened.position, node, volume=Decimal("0.1")))
    trades = broker.trades(since, broker.market_time(), "EURUSD")
    assert [(trade.position, trade.volume, trade.reason) for trade in trades] == [
        (opened.position, Decimal("0.1"), "expert")
    ] * 2
    assert broker.trades(since, since + timedelta(minutes=59)) == []
    every = broker.trades(MONDAY - timedelta(days=30), broker.market_time())
    earned = sum(trade.net_profit for trade in every)
    assert broker.account().balance == pytest.approx(deposit.amount + earned, abs=0.001)
    with pytest.raises(InvalidInput):
        broker.trades(MONDAY - timedelta(days=4000), broker.market_time())


def test_half_of_a_position_is_half_of_what_is_open(rig: Rig, broker: MT5Broker) -> None:
    opened = broker.send(rig.buy("halved", volume=Decimal("0.3")))
    assert opened.position is not None
    for node, closed in (("half of 0.3", "0.15"), ("half of 0.15", "0.07")):
        outcome = broker.send(rig.close(opened.position, node, percent=Decimal(50)))
        assert (outcome.status, outcome.volume) == (DONE, Decimal(closed))
    assert broker.send(rig.close(opened.position, "the rest of it")).volume == Decimal("0.08")
