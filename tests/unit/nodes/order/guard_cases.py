"""What the three nodes that set guards have in common, for their tests."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

from tests.support.broker_facts import NOW, make_position
from tests.support.fake_broker import FakeBroker
from tests.support.node_context import FakeContext
from tradeloom.nodes.base import Node
from tradeloom.nodes.order._guarding import GuardOutput
from tradeloom.trading.broker import Position
from tradeloom.trading.guards import Guard
from tradeloom.trading.intents import Side


def positions() -> list[Position]:
    """Two of this workflow's, bought; one sold by another; one opened by hand. The quote is 1.10000 / 1.10002."""
    return [
        make_position(12, volume=Decimal("0.30"), price_open=1.101, opened_at=NOW - timedelta(hours=1)),
        make_position(11, volume=Decimal("0.10"), price_open=1.099, opened_at=NOW - timedelta(hours=2)),
        make_position(13, volume=Decimal("0.20"), price_open=1.1, side=Side.SELL, workflow_id="wf-2"),
        make_position(14, volume=Decimal("0.50"), price_open=1.1, workflow_id=None),
    ]


def make_context(*held: Position, **changes: Any) -> FakeContext:
    return FakeContext(brokers={"paper": FakeBroker(open_positions=list(held) or positions())}, **changes)


def run(node: type[Node], context: FakeContext, **config: Any) -> GuardOutput:
    output = node().run(node.Config.model_validate({"symbol": "EURUSD"} | config), context)
    assert isinstance(output, GuardOutput)
    return output


def guards(context: FakeContext) -> list[Guard]:
    return [report.guard for report in context.broker().guards(active_only=False)]
