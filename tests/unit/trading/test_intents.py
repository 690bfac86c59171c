from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradeloom.trading.intents import (
    CloseIntent,
    MarketOrderIntent,
    Side,
    client_order_id,
    content_digest,
    magic_number,
)

NOW = datetime(2024, 1, 10, tzinfo=UTC)


def market(**changes: Any) -> MarketOrderIntent:
    values: dict[str, Any] = {
        "client_order_id": client_order_id("e", "n"), "account": "a", "execution_id": "e", "workflow_id": "w",
        "node_id": "n", "created_at": NOW, "deadline": NOW, "symbol": "EURUSD", "side": Side.BUY,
        "volume": Decimal("0.1"),
    }  # fmt: skip
    return MarketOrderIntent(**values | changes)


@given(st.text(), st.text(), st.lists(st.integers(0, 9)))
def test_ids_are_the_same_for_the_same_place_and_fit_where_they_go(execution: str, node: str, path: list[int]) -> None:
    order_id = client_order_id(execution, node, path)
    assert order_id == client_order_id(execution, node, tuple(path))
    assert order_id != client_order_id(execution, node, [*path, 0])
    assert 0 <= magic_number(order_id) < 2**52
    assert len(market(client_order_id=order_id).comment) <= 27


@pytest.mark.parametrize(
    "changes",
    [
        {"symbol": "GBPUSD"}, {"side": Side.SELL}, {"volume": Decimal("0.11")}, {"stop_loss": Decimal(1)},
        {"deviation": 1},
        {"take_profit": Decimal(2)}, {"account": "b"}, {"workflow_id": "v"}, {"node_id": "m"}, {"execution_id": "f"},
    ],
)  # fmt: skip
def test_another_content_has_another_digest(changes: dict[str, Any]) -> None:
    assert content_digest(market(**changes)) != content_digest(market())


def test_times_and_ways_of_writing_a_number_do_not_matter() -> None:
    later = market(created_at=NOW + timedelta(hours=1), deadline=NOW + timedelta(hours=2), volume=Decimal("0.100"))
    assert content_digest(later) == content_digest(market())


def test_kinds_differ() -> None:
    values = market().model_dump(exclude={"kind", "side", "stop_loss", "take_profit"})
    assert content_digest(CloseIntent(**values, position=1)) != content_digest(market())
