"""What an execution's orders came to."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from tests.support.loop import run
from tests.support.trade_records import make_record
from tradeloom.engine.execution_trades import ExecutionTrades, trades_of
from tradeloom.engine.orders import News, OrderRecord, OrderState
from tradeloom.storage.memory.orders import MemoryOrders
from tradeloom.storage.memory.trades import MemoryTrades

NOW = datetime.now(UTC) - timedelta(hours=1)


class Desk:
    """An order book and a ledger, and how often they were asked."""

    def __init__(self) -> None:
        self.orders = MemoryOrders()
        self.ledger = MemoryTrades()

    def order(self, order_id: str, execution: str, state: OrderState, kind: str = "market", **outcome: Any) -> None:
        record = OrderRecord(
            tenant="acme", client_order_id=order_id, magic=1, account="paper", execution_id=execution,
            workflow_id="wf-1", version="v1", node="n", intent={"kind": kind}, created_at=NOW, updated_at=NOW,
        )  # fmt: skip
        run(self.orders.intend(record))
        told = News(state=state, at=NOW, outcome=outcome or None)
        if state != "intended":
            run(self.orders.tell("acme", order_id, told))

    def closes(self, deal: int, net: str, **changes: Any) -> None:
        run(self.ledger.keep("acme", "", [make_record(deal, net, **changes)], {}))

    def of(self, execution: str) -> ExecutionTrades:
        return run(trades_of("acme", [execution, "other"], self.orders, self.ledger))[execution]


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_without_orders_there_is_nothing(desk: Desk) -> None:
    assert desk.of("a") == ExecutionTrades()
    assert run(trades_of("acme", [], desk.orders, desk.ledger)) == {}


def test_a_position_opened_here_and_closed_elsewhere_counts_here(desk: Desk) -> None:
    desk.order("x1", "a", "done", volume="0.10", position=70)
    assert (desk.of("a").state, desk.of("a").trades, desk.of("a").volume) == ("open", 0, Decimal("0.10"))
    desk.order("x2", "b", "done", kind="close", volume="0.10", position=70)
    desk.closes(5, "-3.20", execution_id="a", exit_execution_id="b", position=70)
    opener, closer = desk.of("a"), desk.of("b")
    assert (opener.state, opener.orders, opener.executed) == ("closed", 1, 1)
    assert [(each.trades, each.net) for each in opener.results] == [(1, Decimal("-3.20"))]
    assert (closer.state, closer.results, closer.executed) == ("closed", (), 1)
    assert [(each.trades, each.net) for each in closer.closed_others] == [(1, Decimal("-3.20"))]


def test_a_part_that_is_left_keeps_it_open(desk: Desk) -> None:
    desk.order("x1", "a", "done", volume="0.10", position=70)
    desk.closes(5, "1.00", execution_id="a", position=70, left=Decimal("0.05"))
    assert (desk.of("a").state, desk.of("a").trades) == ("open", 1)
    desk.closes(6, "2.00", execution_id="a", position=70, left=Decimal(0))
    assert (desk.of("a").state, desk.of("a").trades) == ("closed", 2)


def test_a_placed_order_is_pending_until_its_trade_is_known(desk: Desk) -> None:
    desk.order("x1", "a", "placed", kind="pending", order=8)
    assert (desk.of("a").state, desk.of("a").orders, desk.of("a").executed) == ("pending", 1, 0)
    desk.closes(5, "4.00", execution_id="a", position=70, entry_client_order_ids=("x1",))
    assert desk.of("a").state == "closed"


@pytest.mark.parametrize(
    ("state", "kind", "orders"),
    [
        ("withdrawn", "market", 0),
        ("not_sent", "market", 0),
        ("rejected", "market", 1),
        ("unknown", "market", 1),
        ("done", "modify", 0),
        ("done", "cancel", 0),
    ],
)
def test_what_counts_as_an_order(desk: Desk, state: OrderState, kind: str, orders: int) -> None:
    desk.order("x1", "a", state, kind=kind)
    traded = desk.of("a")
    assert (traded.orders, traded.executed, traded.volume) == (orders, 0, Decimal(0))
    assert traded.state == "none"


def test_several_currencies_are_not_added_up(desk: Desk) -> None:
    desk.order("x1", "a", "done", volume="0.10", position=70)
    desk.closes(5, "1.00", execution_id="a", position=70)
    desk.closes(6, "2.00", execution_id="a", position=71, account="yen", currency="JPY")
    assert [(each.account, each.currency, each.net) for each in desk.of("a").results] == [
        ("paper", "USD", Decimal("1.00")),
        ("yen", "JPY", Decimal("2.00")),
    ]
