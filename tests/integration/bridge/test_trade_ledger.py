"""The trade ledger through the real bridge: thin liquidity, commissions, reversals, stops, and what the nodes say."""

import json
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, cast

import pytest

from tests.integration.bridge.rig import MONDAY, Rig
from tests.support.fake_broker import FakeBroker
from tests.support.node_context import FakeContext
from tradeloom.nodes.base import Emit, Node
from tradeloom.nodes.order.cancel import Cancel
from tradeloom.nodes.order.close import Close
from tradeloom.nodes.order.limit import LimitOrder
from tradeloom.nodes.order.market import MarketOrder
from tradeloom.nodes.risk.daily_loss import DailyLoss
from tradeloom.trading.mt5_broker import MT5Broker
from tradeloom.trading.trade_ledger import TradeRecord

THIN = {"liquidity_lots": "0.3", "commission_per_lot": "3.33", "filling_modes": ["ioc"]}
LONG_AGO = MONDAY - timedelta(days=1)


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    """A netting and a hedging account, on which a quote fills at most 0.3 lots, and a lot costs 3.33 a deal."""
    made = Rig(tmp_path_factory.mktemp("ledger"), modes={"hedging": "hedging", "netting": "netting"})
    for name in ("hedging", "netting"):
        thin(made.directory / name / "paper.json")
    with made:
        yield made


def thin(file: Path) -> None:
    document = json.loads(file.read_text())
    document["symbols"] = [symbol | THIN for symbol in document["symbols"]]
    file.write_text(json.dumps(document))


def run(broker: MT5Broker, node: type[Node], node_id: str, **config: Any) -> Any:
    fake = cast("FakeBroker", broker)  # a `Broker` like it
    context = FakeContext(
        workflow_id="wf", workflow_version="v7", execution_id="x", node_id=node_id, account=broker.account_name,
        brokers={broker.account_name: fake},
    )  # fmt: skip
    made = node().run(node.Config.model_validate(config), context)
    return made.output if isinstance(made, Emit) else made


def ledger(broker: MT5Broker) -> list[TradeRecord]:
    return broker.trade_ledger(LONG_AGO, broker.market_time(), limit=500)


def trade(broker: MT5Broker, side: str, volume: float, node_id: str, **stops: Any) -> Any:
    return run(broker, MarketOrder, node_id, symbol="EURUSD", side=side, volume=volume, **stops)


def test_partial_fills_are_explicit_from_the_order_to_the_ledger(rig: Rig) -> None:
    broker = rig.client.account("hedging")
    bought = trade(broker, "buy", 0.5, "buy")
    assert (bought.status, bought.volume, bought.remainder) == ("partial", 0.3, 0.2)
    assert {bought.ticket, bought.order} == {bought.ticket}
    closed = run(broker, Close, "close", by="ticket", ticket=bought.ticket, volume=0.1)
    assert (closed.status, closed.volume, closed.remainder) == ("done", 0.1, 0)
    rest = run(broker, Close, "rest", by="ticket", ticket=bought.ticket, volume=7)
    assert (rest.status, rest.volume, rest.remainder) == ("done", 0.2, 0)
    part, last = ledger(broker)
    assert (part.entry_requested, part.held, part.volume, part.left) == tuple(
        map(Decimal, ("0.5", "0.3", "0.1", "0.2"))
    )
    assert (last.exit_requested, last.volume, last.left) == (Decimal("0.2"), Decimal("0.2"), Decimal(0))
    assert (part.entry_orders, part.entry_deals, part.position) == ((bought.order,), (bought.deal,), bought.ticket)
    assert [each.exit_node for each in (part, last)] == ["close", "rest"]
    assert {(each.workflow_id, each.workflow_version, each.execution_id) for each in (part, last)} == {
        ("wf", "v7", "x")
    }
    # 0.3 lots cost 1.00 (0.999, rounded) to open, of which 0.1 lots bear a third.
    assert (part.commission_open, last.commission_open) == (Decimal("-0.33333333"), Decimal("-0.66666667"))


def test_a_close_that_finds_a_thin_market_says_what_is_left(rig: Rig) -> None:
    broker = rig.client.account("netting")
    trade(broker, "buy", 0.3, "one")
    trade(broker, "buy", 0.3, "two")
    (held,) = broker.positions()
    assert held.volume == Decimal("0.6")
    closed = run(broker, Close, "close", symbol="EURUSD")
    assert (closed.status, closed.volume, closed.remainder) == ("partial", 0.3, 0.3)
    record = ledger(broker)[-1]
    assert (record.exit_requested, record.volume, record.held, record.left) == tuple(
        map(Decimal, ("0.6", "0.3", "0.6", "0.3"))
    )
    assert (record.entries, record.mixed, record.reason) == (2, False, "workflow")
    assert record.entry_orders[0] == held.ticket


def test_a_reversal_closes_one_side_and_opens_the_other(rig: Rig) -> None:
    broker = rig.client.account("netting")
    for position in broker.positions():
        run(broker, Close, "clear", by="ticket", ticket=position.ticket)
    trade(broker, "buy", 0.1, "long")
    turned = trade(broker, "sell", 0.3, "turn")
    (held,) = broker.positions()
    assert (held.side, held.volume, held.ticket) == ("sell", Decimal("0.2"), turned.ticket)
    run(broker, Close, "end", symbol="EURUSD")
    long, short = ledger(broker)[-2:]
    assert (long.side, long.volume, long.entry_node, long.exit_node, long.reason) == (
        "buy",
        Decimal("0.1"),
        "long",
        "turn",
        "workflow",
    )
    assert (short.side, short.volume, short.entry_node, short.exit_node) == ("sell", Decimal("0.2"), "turn", "end")
    assert long.position == short.position
    assert (short.opened_at, short.entry_orders) == (long.closed_at, (turned.order,))


def test_the_brokers_stop_is_told_with_its_risk(rig: Rig) -> None:
    """The market only rises: a short is stopped out at what it risked, or a little worse."""
    broker = rig.client.account("hedging")
    sold = trade(broker, "sell", 0.1, "short", stop_loss_type="pips", stop_loss=5)
    broker.advance(broker.market_time() + timedelta(hours=24))
    record = ledger(broker)[-1]
    assert (record.position, record.reason, record.exit_node, record.guard) == (sold.ticket, "stop_loss", None, None)
    assert record.stop_loss == pytest.approx(sold.stop_loss)
    assert record.r_multiple is not None
    assert -2 < record.r_multiple <= -1
    assert (record.workflow_version, record.entry_node) == ("v7", "short")


def test_orders_that_left_say_how_and_when(rig: Rig) -> None:
    broker = rig.client.account("netting")
    now = broker.market_time()
    place = {"symbol": "EURUSD", "side": "buy", "volume": 0.1, "price_type": "pips", "price": 300}
    dropped = run(broker, LimitOrder, "dropped", **place)
    lapsed = run(broker, LimitOrder, "lapsed", **place, expiry="after", expires_after_s=7_200)
    run(broker, Cancel, "cancel", by="ticket", ticket=dropped.ticket)
    broker.advance(now + timedelta(hours=3))
    found = broker.ended_orders(now, broker.market_time(), [dropped.ticket])
    told = {each.ticket: (each.how, each.ended_at, each.pending, each.workflow_id) for each in found}
    assert told[dropped.ticket] == ("cancelled", now, True, "wf")
    assert told[lapsed.ticket] == ("expired", now + timedelta(hours=2), True, "wf")


def test_the_day_has_lost_what_equity_has(rig: Rig) -> None:
    """Opening costs count while the position is open: node, equity and ledger agree to the cent."""
    broker = rig.client.account("hedging")
    broker.advance(broker.market_time() + timedelta(hours=24))
    before = run(broker, DailyLoss, "day", limit_type="money", limit=1_000_000)
    trade(broker, "buy", 0.3, "costly")
    after = run(broker, DailyLoss, "day", limit_type="money", limit=1_000_000)
    account = broker.account()
    floating = Decimal(repr(account.equity)) - Decimal(repr(account.balance))
    assert Decimal(repr(after.closed_today)) - Decimal(repr(before.closed_today)) == Decimal("-1.0")
    assert Decimal(repr(after.floating)) == floating
    assert after.result_today == pytest.approx(after.closed_today + after.floating)


@pytest.mark.parametrize("name", ["hedging", "netting"])
def test_nothing_is_lost_between_ledger_and_balance(rig: Rig, name: str) -> None:
    """After all of the above."""
    broker = rig.client.account(name)
    now = broker.market_time()
    booked = broker.booked(LONG_AGO, now)
    assert booked.traded + booked.charged + booked.paid_in == Decimal(repr(broker.account().balance))
    net = sum((record.net for record in ledger(broker)), Decimal(0))
    costs_still_open = booked.traded - net
    open_lots = sum((position.volume for position in broker.positions()), Decimal(0))
    assert costs_still_open == (Decimal("-1.0") if open_lots else 0)
