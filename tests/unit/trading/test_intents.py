from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from tradeloom.trading.intents import (
    CancelIntent,
    CloseIntent,
    Expiry,
    MarketOrderIntent,
    ModifyIntent,
    OrderIntent,
    PendingOrderIntent,
    PendingType,
    Side,
    asks_the_same,
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
    assert not asks_the_same(market(**changes), market())


def test_times_and_ways_of_writing_a_number_do_not_matter() -> None:
    later = market(created_at=NOW + timedelta(hours=1), deadline=NOW + timedelta(hours=2), volume=Decimal("0.100"))
    assert content_digest(later) == content_digest(market())
    assert asks_the_same(later, market())


def test_kinds_differ() -> None:
    values = market().model_dump(exclude={"kind", "side", "stop_loss", "take_profit"})
    close = CloseIntent(**values, position=1)
    assert content_digest(close) != content_digest(market())
    assert not asks_the_same(close, market())


PLACE = market().model_dump(exclude={"kind", "side", "volume", "stop_loss", "take_profit", "deviation"})


def pending(**changes: Any) -> PendingOrderIntent:
    values = {"side": "buy", "type": "limit", "volume": "0.1", "price": "1.09"}
    return PendingOrderIntent.model_validate(PLACE | values | changes)


def modify(**changes: Any) -> ModifyIntent:
    return ModifyIntent.model_validate(PLACE | {"target": "order", "ticket": 1} | changes)


@pytest.mark.parametrize(
    "intent",
    [
        market(),
        CloseIntent(**PLACE, position=1),
        pending(expiry="specified", expires_at=NOW, take_profit="1.2"),
        pending(type="stop_limit", limit_price="1.08"),
        modify(price="1.1", remove_stop_loss=True, expiry="day"),
        CancelIntent(**PLACE, order=1),
    ],
    ids=lambda intent: f"{intent.kind}",
)
def test_every_kind_survives_the_journal(intent: OrderIntent) -> None:
    adapter: TypeAdapter[OrderIntent] = TypeAdapter(OrderIntent)
    again = adapter.validate_json(adapter.dump_json(intent))
    assert again == intent
    assert content_digest(again) == content_digest(intent)
    assert asks_the_same(again, intent)


def test_the_same_moment_in_another_zone_is_the_same_content() -> None:
    here = NOW.astimezone(timezone(timedelta(hours=2)))
    one, other = (pending(expiry=Expiry.SPECIFIED, expires_at=at) for at in (NOW, here))
    later = pending(expiry=Expiry.SPECIFIED, expires_at=NOW + timedelta(1))
    assert content_digest(one) == content_digest(other)
    assert asks_the_same(one, other)
    assert content_digest(one) != content_digest(later)
    assert not asks_the_same(one, later)


@pytest.mark.parametrize(
    "changes",
    [
        {"type": PendingType.STOP_LIMIT},
        {"limit_price": "1.08"},
        {"expiry": "specified"},
        {"expires_at": NOW},
        {"price": "0"},
        {"price": "NaN"},
        {"price": "Infinity"},
        {"volume": "-1"},
        {"type": "market"},
    ],
)
def test_a_pending_order_that_contradicts_itself_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        pending(**changes)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"target": "position", "price": "1.1"},
        {"target": "position", "expiry": "gtc"},
        {"stop_loss": "1.1", "remove_stop_loss": True},
        {"take_profit": "1.1", "remove_take_profit": True},
        {"stop_loss": "0"},
        {"expiry": "specified"},
        {"expires_at": NOW, "price": "1.1"},
    ],
)
def test_a_change_that_contradicts_itself_or_changes_nothing_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        modify(**changes)
