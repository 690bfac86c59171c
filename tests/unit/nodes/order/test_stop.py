"""order.stop as a stop-limit; what it shares with order.limit is tested there."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from tests.support.broker_facts import EURUSD
from tests.unit.nodes.order.test_limit import make_context, run, sent
from tradeloom.errors import NodeConfigError
from tradeloom.trading.intents import PendingType


@pytest.mark.parametrize(
    ("side", "price", "measure", "limit", "expected"),
    [
        ("buy", 1.11, "price", 1.1095, "1.10950"),
        ("buy", 1.11, "pips", 5, "1.10950"),
        ("sell", 1.09, "pips", 5, "1.09050"),
        ("sell", 1.09, "distance", 0.002, "1.09200"),
    ],
)
def test_a_stop_limit_has_its_limit_behind_its_stop(
    side: str, price: float, measure: str, limit: float, expected: str
) -> None:
    context = make_context()
    output = run(
        context, "stop", side=side, price_type="price", price=price, limit_price_type=measure, limit_price=limit,
        stop_loss_type="pips", stop_loss=10,
    )  # fmt: skip
    intent = sent(context)
    assert (intent.type, str(intent.limit_price)) == (PendingType.STOP_LIMIT, expected)
    assert (output.type, output.limit_price) == ("stop_limit", float(expected))
    away = Decimal("-0.001") if side == "buy" else Decimal("0.001")
    assert intent.stop_loss == Decimal(expected) + away


@pytest.mark.parametrize(
    "config",
    [
        {"limit_price_type": "price", "limit_price": 1.103},
        {"limit_price_type": "price", "limit_price": 1.10202},  # at the stop itself
        {"limit_price_type": "points", "limit_price": 0.1},
        {"side": "sell", "limit_price_type": "price", "limit_price": 1.097},
    ],
)
def test_a_limit_on_the_wrong_side_of_its_stop_is_refused(config: dict[str, Any]) -> None:
    context = make_context()
    with pytest.raises(NodeConfigError, match="its stop") as caught:
        run(context, "stop", **config)
    assert (caught.value.field, context.broker().sent) == ("config.limit_price", [])


@pytest.mark.parametrize("config", [{"limit_price": 5}, {"limit_price_type": "pips"}])
def test_a_stop_limit_that_is_not_whole_is_refused(config: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="stop-limit"):
        run(make_context(), "stop", **config)


def test_a_plain_stop_has_no_limit() -> None:
    context = make_context()
    output = run(context, "stop")
    assert (output.type, output.limit_price, sent(context).limit_price) == ("stop", None, None)


@given(side=st.sampled_from(["buy", "sell"]), stop=st.floats(0.1, 500), limit=st.floats(0.1, 500))
def test_the_limit_always_lies_behind_the_stop(side: str, stop: float, limit: float) -> None:
    context = make_context()
    try:
        run(context, "stop", side=side, price=stop, limit_price_type="pips", limit_price=limit)
    except NodeConfigError:
        assert context.broker().sent == []
        return
    intent = sent(context)
    assert intent.limit_price is not None
    assert (intent.limit_price < intent.price) == (side == "buy")
    assert intent.limit_price % EURUSD.tick_size == 0
