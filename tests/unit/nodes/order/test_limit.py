"""order.limit, and what order.stop shares with it: where they wait, what they send, what they tell when run again."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from tests.support.broker_facts import EURUSD, NOW
from tests.support.fake_broker import FakeBroker
from tests.support.node_context import FakeContext
from tradeloom.errors import (
    BrokerUnavailable,
    ExecutionStopped,
    MarketClosed,
    NodeConfigError,
    NotFound,
    OrderNotSent,
    OrderRejected,
    OrderUnknown,
    RiskRejected,
    StalePrice,
    TradeloomError,
)
from tradeloom.nodes.order._pending import PendingOutput
from tradeloom.nodes.order.limit import LimitOrder, LimitOrderConfig
from tradeloom.nodes.order.stop import StopOrder, StopOrderConfig
from tradeloom.trading.broker import Tick
from tradeloom.trading.intents import Expiry, PendingOrderIntent, PendingType, Side, client_order_id

KINDS = pytest.mark.parametrize("kind", ["limit", "stop"])


def make_context(broker: FakeBroker | None = None, **changes: Any) -> FakeContext:
    return FakeContext(brokers={"paper": broker or FakeBroker()}, **changes)


def run(context: FakeContext, kind: str, **config: Any) -> PendingOutput:
    values = {"symbol": "EURUSD", "side": "buy", "volume": 0.1, "price_type": "pips", "price": 20, **config}
    if kind == "limit":
        return LimitOrder().run(LimitOrderConfig.model_validate(values), context)
    return StopOrder().run(StopOrderConfig.model_validate(values), context)


def sent(context: FakeContext) -> PendingOrderIntent:
    (intent,) = context.broker().sent
    assert isinstance(intent, PendingOrderIntent)
    return intent


@pytest.mark.parametrize(
    ("kind", "side", "measure", "value", "price"),
    [
        ("limit", "buy", "price", 1.095, "1.09500"),
        ("limit", "buy", "pips", 20, "1.09802"),  # from the ask
        ("limit", "buy", "points", 20, "1.09982"),
        ("limit", "buy", "distance", 0.01, "1.09002"),
        ("limit", "sell", "price", 1.105, "1.10500"),
        ("limit", "sell", "pips", 20, "1.10200"),  # from the bid
        ("stop", "buy", "pips", 20, "1.10202"),
        ("stop", "buy", "price", 1.12, "1.12000"),
        ("stop", "sell", "pips", 20, "1.09800"),
        ("stop", "sell", "distance", 0.01, "1.09000"),
        ("limit", "buy", "price", 1.0950049, "1.09500"),
        ("stop", "sell", "price", 1.0949951, "1.09500"),
    ],
)
def test_waits_where_it_is_told_to(kind: str, side: str, measure: str, value: float, price: str) -> None:
    context = make_context()
    output = run(context, kind, side=side, price_type=measure, price=value)
    intent = sent(context)
    assert (intent.type, intent.side, str(intent.price)) == (PendingType(kind), Side(side), price)
    assert (output.status, output.ticket, output.order_price, output.type) == ("placed", 5001, float(price), kind)
    assert (output.volume, output.remainder, output.price, output.position) == (0.0, 0.1, None, None)


@KINDS
def test_the_intent_names_its_origin_and_its_end(kind: str) -> None:
    context = make_context(iteration=(3,), node_id="wait")
    run(context, kind, volume=0.07, ttl_s=30)
    intent = sent(context)
    assert intent.client_order_id == client_order_id("exec-1", "wait", (3,))
    assert (intent.account, intent.execution_id, intent.workflow_id, intent.node_id) == (
        "paper", "exec-1", "wf-1", "wait",
    )  # fmt: skip
    assert (intent.created_at, intent.deadline) == (NOW, NOW + timedelta(seconds=30))
    assert intent.volume == Decimal("0.07")
    assert context.acted == 1


@pytest.mark.parametrize(
    ("kind", "side", "price", "stops"),
    [
        ("limit", "buy", 1.09, ("1.08700", "1.09600")),
        ("limit", "sell", 1.11, ("1.11300", "1.10400")),
        ("stop", "buy", 1.11, ("1.10700", "1.11600")),
        ("stop", "sell", 1.09, ("1.09300", "1.08400")),
    ],
)
def test_stops_are_measured_from_the_orders_own_price(
    kind: str, side: str, price: float, stops: tuple[str, str]
) -> None:
    context = make_context()
    measured = {"stop_loss_type": "pips", "stop_loss": 30, "take_profit_type": "pips", "take_profit": 60}
    output = run(context, kind, side=side, price_type="price", price=price, **measured)
    intent = sent(context)
    assert (str(intent.stop_loss), str(intent.take_profit)) == stops
    assert (output.stop_loss, output.take_profit) == tuple(float(stop) for stop in stops)


@pytest.mark.parametrize(
    ("kind", "config", "field"),
    [
        ("limit", {"price_type": "price", "price": 1.10002}, "price"),  # at the ask
        ("limit", {"price_type": "price", "price": 1.2}, "price"),
        ("limit", {"side": "sell", "price_type": "price", "price": 1.1}, "price"),
        ("stop", {"price_type": "price", "price": 1.1}, "price"),
        ("stop", {"side": "sell", "price_type": "price", "price": 1.10001}, "price"),
        ("limit", {"price_type": "pips", "price": 20_000}, "price"),  # below zero
        ("limit", {"price_type": "points", "price": 0.1}, "price"),  # nothing on the grid
        ("limit", {"stop_loss_type": "price", "stop_loss": 1.0985}, "stop_loss"),
        ("limit", {"take_profit_type": "price", "take_profit": 1.097}, "take_profit"),
        ("limit", {"expiry": "at", "expires_at": "2017-06-01T12:00:00Z"}, "expires_at"),
        ("limit", {"expiry": "at", "expires_at": "2019-06-01T12:00:00Z"}, "expires_at"),
        ("limit", {"expiry": "at", "expires_at": "9999-12-31T23:59:59-12:00"}, "expires_at"),
    ],
)
def test_what_the_market_rules_out_names_its_field(kind: str, config: dict[str, Any], field: str) -> None:
    context = make_context()
    with pytest.raises(NodeConfigError) as caught:
        run(context, kind, **config)
    assert caught.value.field == f"config.{field}"
    assert (context.broker().sent, context.acted) == ([], 0)


@KINDS
def test_the_stops_level_holds_to_the_point(kind: str) -> None:
    symbol = EURUSD.model_copy(update={"stops_level": 50})
    run(make_context(FakeBroker(symbols={"EURUSD": symbol})), kind, price_type="points", price=50)
    with pytest.raises(NodeConfigError, match="wants at least 50"):
        run(make_context(FakeBroker(symbols={"EURUSD": symbol})), kind, price_type="points", price=49)


@pytest.mark.parametrize(
    ("config", "expiry", "at"),
    [
        ({}, Expiry.GTC, None),
        ({"expiry": "day"}, Expiry.DAY, None),
        ({"expiry": "after", "expires_after_s": 14_400}, Expiry.SPECIFIED, NOW + timedelta(hours=4)),
        ({"expiry": "at", "expires_at": "2017-06-02T15:00:00+03:00"}, Expiry.SPECIFIED, NOW + timedelta(days=1)),
    ],
)
def test_expires_as_told(config: dict[str, Any], expiry: Expiry, at: datetime | None) -> None:
    context = make_context()
    output = run(context, "limit", **config)
    assert (sent(context).expiry, sent(context).expires_at, output.expires_at) == (expiry, at, at)


@pytest.mark.parametrize(
    "config",
    [
        {"expiry": "after"},
        {"expiry": "at"},
        {"expires_after_s": 600},
        {"expiry": "day", "expires_at": "2017-06-02T12:00:00Z"},
        {"expiry": "at", "expires_at": "2017-06-02T12:00:00"},
        {"expiry": "after", "expires_after_s": 59},
        {"price": None},
        {"price": 0},
        {"price": float("nan")},
        {"price": True},
        {"price_type": "none"},
        {"stop_loss": 5},
        {"volume": -1},
        {"deviation": 3},
    ],
)
def test_a_config_that_contradicts_itself_is_refused(config: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        run(make_context(), "stop", **config)


@pytest.mark.parametrize(
    ("answer", "status", "position", "level"),
    [
        ({"status": "done", "order": 9, "position": 9, "volume": "0.1", "price": 1.098}, "filled", 9, "info"),
        ({"status": "partial", "order": 9, "position": 9, "volume": "0.04", "price": 1.098}, "partial", 9, "warning"),
        ({"status": "cancelled", "order": 9}, "cancelled", None, "info"),
        ({"status": "expired", "order": 9}, "expired", None, "info"),
    ],
)
def test_run_again_it_tells_what_became_of_its_order(
    answer: dict[str, Any], status: str, position: int | None, level: str
) -> None:
    context = make_context()
    run(context, "limit")
    order_id = sent(context).client_order_id
    kept = context.broker().outcomes[order_id]
    context.broker().outcomes[order_id] = type(kept).model_validate({"client_order_id": order_id, **answer})
    context.broker().quote("EURUSD", 1.09, 1.09002)  # today's market would give another price
    output = run(context, "limit")
    assert (output.status, output.position, output.ticket) == (status, position, 9)
    assert output.remainder == float(Decimal("0.1") - Decimal(answer.get("volume", "0")))
    assert (len(context.broker().sent), context.acted) == (1, 1)
    assert context.logs[-1]["level"] == level


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ({"status": "rejected", "reason": "risk", "message": "the account is halted"}, RiskRejected),
        ({"status": "rejected", "reason": "market_closed"}, MarketClosed),
        ({"status": "rejected", "reason": "broker"}, OrderRejected),
        ({"status": "not_sent"}, OrderNotSent),
        ({"status": "unknown"}, OrderUnknown),
        ({"status": "placed"}, OrderUnknown),  # without a ticket
    ],
)
@KINDS
def test_refusals_are_typed(kind: str, answer: dict[str, Any], error: type[TradeloomError]) -> None:
    with pytest.raises(error) as caught:
        run(make_context(FakeBroker(answers=[answer])), kind)
    assert type(caught.value) is error


@KINDS
def test_what_goes_wrong_before_sending(kind: str) -> None:
    stopped = make_context(stopped=True)
    with pytest.raises(ExecutionStopped):
        run(stopped, kind)
    assert stopped.broker().sent == []
    with pytest.raises(NotFound):
        run(make_context(), kind, symbol="NOPE")
    quote = Tick(symbol="EURUSD", time=NOW, bid=0.0, ask=0.0, last=None, volume=0.0)
    with pytest.raises(StalePrice):
        run(make_context(FakeBroker(quotes={"EURUSD": quote})), kind)

    def lost(_: Any) -> Any:
        raise BrokerUnavailable("no bridge")

    with pytest.raises(BrokerUnavailable):
        run(make_context(FakeBroker(answers=[lost])), kind)


@given(
    kind=st.sampled_from(["limit", "stop"]),
    side=st.sampled_from(["buy", "sell"]),
    measure=st.sampled_from(["pips", "points", "distance", "price"]),
    value=st.floats(1e-6, 1e6),
    stop=st.one_of(st.none(), st.floats(1e-6, 1e6)),
)
def test_what_is_sent_is_on_its_side_and_on_the_grid(
    kind: str, side: str, measure: str, value: float, stop: float | None
) -> None:
    context = make_context()
    config = {} if stop is None else {"stop_loss_type": measure, "stop_loss": stop}
    try:
        run(context, kind, side=side, price_type=measure, price=value, **config)
    except NodeConfigError:
        assert context.broker().sent == []
        return
    intent = sent(context)
    market = Decimal("1.10002") if side == "buy" else Decimal("1.1")
    assert intent.price % EURUSD.tick_size == 0
    assert (intent.price < market) == ((kind == "limit") == (side == "buy"))
    if intent.stop_loss is not None:
        assert intent.stop_loss % EURUSD.tick_size == 0
        assert (intent.stop_loss < intent.price) == (side == "buy")
