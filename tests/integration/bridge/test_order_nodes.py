"""The nodes of pending orders on a real bridge and paper terminal: each one's output is the next one's input."""

from datetime import timedelta
from typing import Any, cast

import pytest

from tests.integration.bridge.rig import Rig
from tests.support.fake_broker import FakeBroker
from tests.support.node_context import FakeContext
from tradeloom.errors import NodeConfigError, OrderFilled, TargetGone
from tradeloom.nodes.base import Node
from tradeloom.nodes.market.orders import Orders
from tradeloom.nodes.market.trades import Trades
from tradeloom.nodes.order.cancel import Cancel
from tradeloom.nodes.order.close import Close
from tradeloom.nodes.order.limit import LimitOrder
from tradeloom.nodes.order.modify import Modify
from tradeloom.nodes.order.stop import StopOrder

HOUR = timedelta(hours=1)


def run(rig: Rig, node: type[Node], node_id: str, **config: Any) -> Any:
    broker = cast(FakeBroker, rig.broker)  # a `Broker` like it
    context = FakeContext(workflow_id="nodes", execution_id="nodes", node_id=node_id, brokers={"paper": broker})
    return node().run(node.Config.model_validate(config), context)


def test_a_limit_order_is_placed_listed_moved_and_cancelled(rig: Rig) -> None:
    config = {"symbol": "EURUSD", "side": "buy", "volume": 0.129, "price_type": "pips", "price": 50}
    stops = {"stop_loss_type": "pips", "stop_loss": 30, "take_profit_type": "distance", "take_profit": 0.01}
    placed = run(rig, LimitOrder, "limit", **config, **stops, expiry="after", expires_after_s=86_400)
    ask = rig.broker.tick("EURUSD").ask
    assert (placed.status, placed.order_price) == ("placed", pytest.approx(ask - 0.005))
    assert (placed.stop_loss, placed.take_profit) == (
        pytest.approx(placed.order_price - 0.003),
        pytest.approx(placed.order_price + 0.01),
    )
    assert placed.expires_at == rig.broker.market_time() + timedelta(days=1)
    assert run(
        rig, LimitOrder, "limit", **config, **stops, expiry="after", expires_after_s=86_400
    ) == placed.model_copy(update={"message": "resting at the broker"})
    (listed,) = run(rig, Orders, "orders", symbol="EURUSD", own_only=True).orders
    assert (listed.ticket, listed.volume, listed.price, listed.own) == (placed.ticket, 0.12, placed.order_price, True)
    order = {"target": "order", "ticket": placed.ticket}
    moved = run(rig, Modify, "move", **order, price_type="pips", price=40, stop_loss_type="pips", stop_loss=20)
    assert (moved.price, moved.stop_loss) == (pytest.approx(ask - 0.004), pytest.approx(ask - 0.006))
    assert run(rig, Modify, "same", **order, price_type="price", price=moved.price).status == "no_change"
    with pytest.raises(NodeConfigError) as caught:
        run(rig, Modify, "wider", **order, stop_loss_type="pips", stop_loss=21)
    assert caught.value.field == "config.stop_loss"
    cancelled = run(rig, Cancel, "cancel", symbol="EURUSD")
    assert (cancelled.status, [each.ticket for each in cancelled.cancelled]) == ("cancelled", [placed.ticket])
    assert run(rig, Cancel, "again", by="ticket", ticket=placed.ticket).status == "already_cancelled"
    assert run(rig, LimitOrder, "limit", **config, **stops).status == "cancelled"
    with pytest.raises(TargetGone):
        run(rig, Modify, "gone", **order, expiry="day")


def test_a_stop_order_fills_and_its_position_is_guarded_halved_and_counted(rig: Rig) -> None:
    start = rig.broker.advance(rig.broker.market_time() + HOUR).time
    config = {"symbol": "EURUSD", "side": "buy", "volume": 0.2, "price_type": "pips", "price": 3}
    placed = run(rig, StopOrder, "stop", **config, stop_loss_type="pips", stop_loss=100)
    rig.broker.advance(start + 6 * HOUR)
    filled = run(rig, StopOrder, "stop", **config, stop_loss_type="pips", stop_loss=100)
    assert (filled.status, filled.ticket, filled.volume, filled.remainder) == ("filled", placed.ticket, 0.2, 0.0)
    with pytest.raises(OrderFilled):
        run(rig, Cancel, "late", by="ticket", ticket=placed.ticket)
    with pytest.raises(OrderFilled):
        run(rig, Modify, "late", target="order", ticket=placed.ticket, expiry="day")
    bid = rig.broker.tick("EURUSD").bid
    nearer = run(rig, Modify, "nearer", ticket=filled.position, stop_loss_type="pips", stop_loss=50)
    assert nearer.stop_loss == pytest.approx(bid - 0.005)
    half = run(rig, Close, "half", by="ticket", ticket=filled.position, volume_percent=50)
    assert (half.status, half.volume) == ("done", 0.1)
    rest = run(rig, Close, "rest", symbol="EURUSD")
    assert rest.volume == 0.1
    told = run(rig, Trades, "trades", period="between", since=start.isoformat(), own_only=True)
    assert (told.count, told.wins, told.streak) == (2, 2, 2)
    assert [trade.position for trade in told.trades] == [filled.position] * 2
    assert told.net_profit == pytest.approx(half.profit + rest.profit)
    assert run(rig, Trades, "none", period="between", since=start.isoformat(), side="sell").count == 0
