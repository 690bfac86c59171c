from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from pydantic import ValidationError

from tests.support.broker_facts import EURUSD, NOW, make_pending
from tests.support.fake_broker import FakeBroker
from tests.support.node_context import FakeContext
from tradeloom.errors import NotFound
from tradeloom.nodes.market.orders import Orders, OrdersConfig, OrdersOutput
from tradeloom.trading.intents import Expiry, PendingType, Side

WAITING = [
    make_pending(3, volume=Decimal("0.30"), remaining=Decimal("0.20"), placed_at=NOW - timedelta(hours=1)),
    make_pending(1, volume=Decimal("0.10"), placed_at=NOW - timedelta(hours=2), type=PendingType.STOP),
    make_pending(2, remaining=Decimal("0.20"), side=Side.SELL, workflow_id="wf-2"),
    make_pending(4, symbol="USDJPY", workflow_id=None),
]


def run(**config: Any) -> OrdersOutput:
    broker = FakeBroker(pending=list(WAITING), symbols=dict.fromkeys(("EURUSD", "USDJPY", "GBPUSD"), EURUSD))
    return Orders().run(OrdersConfig.model_validate(config), FakeContext(brokers={"paper": broker}))


@pytest.mark.parametrize(
    ("config", "tickets"),
    [
        ({}, [1, 3, 2, 4]),
        ({"symbol": "EURUSD"}, [1, 3, 2]),
        ({"side": "sell"}, [2]),
        ({"type": "stop"}, [1]),
        ({"type": "stop_limit"}, []),
        ({"own_only": True}, [1, 3]),
        ({"own_only": True, "type": "limit"}, [3]),
        ({"symbol": "GBPUSD"}, []),
    ],
)
def test_filters_and_order(config: dict[str, Any], tickets: list[int]) -> None:
    output = run(**config)
    assert [order.ticket for order in output.orders] == tickets
    assert output.count == len(tickets)


def test_volumes_are_what_still_waits_exactly() -> None:
    output = run(symbol="EURUSD")
    assert (output.volume_buy, output.volume_sell) == (0.3, 0.2)  # 0.2 + 0.1 in doubles is 0.30000000000000004


def test_an_order_shows_all_its_terms() -> None:
    until = NOW + timedelta(hours=4)
    order = make_pending(
        7, type=PendingType.STOP_LIMIT, price=1.11, limit_price=1.108, stop_loss=1.1, take_profit=1.12,
        expiry=Expiry.SPECIFIED, expires_at=until, workflow_id="wf-9",
    )  # fmt: skip
    context = FakeContext(brokers={"paper": FakeBroker(pending=[order])})
    (shown,) = Orders().run(OrdersConfig(), context).orders
    assert shown.model_dump() == {
        "ticket": 7, "symbol": "EURUSD", "type": "stop_limit", "side": "buy", "volume": 0.1, "remaining": 0.1,
        "price": 1.11, "limit_price": 1.108, "price_current": 1.1, "stop_loss": 1.1, "take_profit": 1.12,
        "expiry": "specified", "expires_at": until, "placed_at": NOW, "own": False, "workflow_id": "wf-9",
    }  # fmt: skip


def test_an_unknown_symbol_is_not_an_empty_list() -> None:
    with pytest.raises(NotFound):
        run(symbol="NOPE")


@pytest.mark.parametrize("config", [{"side": "long"}, {"type": "market"}, {"symbol": ""}, {"own_only": "maybe"}])
def test_bad_filters_are_refused(config: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        run(**config)
