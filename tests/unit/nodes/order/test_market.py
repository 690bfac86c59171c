from datetime import timedelta
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
from tradeloom.nodes.order.market import MarketOrder, MarketOrderConfig, MarketOrderOutput
from tradeloom.trading.broker import Symbol, Tick
from tradeloom.trading.intents import MarketOrderIntent, OrderIntent, OrderOutcome, client_order_id

BID, ASK = 1.10000, 1.10002


def make_context(broker: FakeBroker | None = None, **changes: Any) -> FakeContext:
    return FakeContext(brokers={"paper": broker or FakeBroker()}, **changes)


def run(context: FakeContext, **config: Any) -> MarketOrderOutput:
    values = {"symbol": "EURUSD", "side": "buy", "volume": 0.1, **config}
    return MarketOrder().run(MarketOrderConfig.model_validate(values), context)


def sent(context: FakeContext) -> MarketOrderIntent:
    (intent,) = context.broker().sent
    assert isinstance(intent, MarketOrderIntent)
    return intent


@pytest.mark.parametrize(("side", "price"), [("buy", ASK), ("sell", BID)])
def test_fills_at_the_quote(side: str, price: float) -> None:
    context = make_context()
    output = run(context, side=side)
    assert output.model_dump() == {
        "ticket": 5001,
        "order": 5001,
        "deal": 6001,
        "symbol": "EURUSD",
        "side": side,
        "price": price,
        "volume": 0.1,
        "remainder": 0.0,
        "status": "done",
        "stop_loss": None,
        "take_profit": None,
        "message": "done",
    }


def test_the_intent_names_its_origin_and_its_end() -> None:
    context = make_context(iteration=(3,), node_id="buy")
    run(context, volume=0.07, deviation=5, ttl_s=30)
    intent = sent(context)
    assert intent.client_order_id == client_order_id("exec-1", "buy", (3,))
    assert (intent.execution_id, intent.workflow_id, intent.node_id) == ("exec-1", "wf-1", "buy")
    assert (intent.workflow_version, intent.cause) == ("v1", "node")
    assert (intent.account, intent.deviation) == ("paper", 5)
    assert (intent.created_at, intent.deadline) == (NOW, NOW + timedelta(seconds=30))
    assert intent.volume == Decimal("0.07")  # not 0.070000000000000006661338147750939
    assert context.acted == 1


@pytest.mark.parametrize(
    ("side", "measure", "loss", "target", "expected"),
    [
        ("buy", "price", 1.095, 1.11, ("1.09500", "1.11000")),
        ("buy", "pips", 30, 60, ("1.09702", "1.10602")),
        ("buy", "points", 30, 60, ("1.09972", "1.10062")),
        ("buy", "distance", 0.0015, 0.003, ("1.09852", "1.10302")),
        ("sell", "price", 1.11, 1.095, ("1.11000", "1.09500")),
        ("sell", "pips", 30, 60, ("1.10300", "1.09400")),
        ("sell", "points", 30, 60, ("1.10030", "1.09940")),
        ("sell", "distance", 0.0015, 0.003, ("1.10150", "1.09700")),
    ],
)
def test_stops_by_price_and_by_distance(
    side: str, measure: str, loss: float, target: float, expected: tuple[str, str]
) -> None:
    context = make_context()
    output = run(
        context, side=side, stop_loss_type=measure, stop_loss=loss, take_profit_type=measure, take_profit=target
    )
    intent = sent(context)
    assert (str(intent.stop_loss), str(intent.take_profit)) == expected
    assert (output.stop_loss, output.take_profit) == tuple(float(price) for price in expected)


def test_one_stop_without_the_other() -> None:
    context = make_context()
    run(context, stop_loss_type="pips", stop_loss=10)
    assert sent(context).take_profit is None
    context = make_context()
    run(context, take_profit_type="pips", take_profit=10)
    assert sent(context).stop_loss is None


@pytest.mark.parametrize(
    ("digits", "point", "bid", "ask", "expected"),
    [
        (3, "0.001", 149.5, 149.51, "149.310"),
        (2, "0.01", 1900.0, 1900.1, "1899.90"),
        (0, "1", 30000.0, 30002.0, "29982"),
    ],
)
def test_a_pip_is_ten_points_where_quotes_have_a_tenth(
    digits: int, point: str, bid: float, ask: float, expected: str
) -> None:
    symbol = EURUSD.model_copy(
        update={"name": "X", "digits": digits, "point": Decimal(point), "tick_size": Decimal(point)}
    )
    broker = FakeBroker(symbols={"X": symbol})
    broker.quote("X", bid, ask)
    context = make_context(broker)
    run(context, symbol="X", stop_loss_type="pips", stop_loss=20)
    assert str(sent(context).stop_loss) == expected


def test_prices_are_put_on_the_tick_size() -> None:
    index = EURUSD.model_copy(
        update={"name": "DAX", "digits": 2, "point": Decimal("0.01"), "tick_size": Decimal("0.25")}
    )
    broker = FakeBroker(symbols={"DAX": index})
    broker.quote("DAX", 15000.0, 15000.5)
    context = make_context(broker)
    run(context, symbol="DAX", stop_loss_type="price", stop_loss=14999.13)
    assert str(sent(context).stop_loss) == "14999.25"


@pytest.mark.parametrize(
    ("config", "words"),
    [
        (
            {"side": "buy", "stop_loss_type": "price", "stop_loss": 1.2},
            "a buy's stop loss must be below the bid: 1.20000 is not below 1.1",
        ),
        (
            {"side": "sell", "stop_loss_type": "price", "stop_loss": 1.0},
            "a sell's stop loss must be above the ask: 1.00000 is not above 1.10002",
        ),
        (
            {"side": "buy", "take_profit_type": "price", "take_profit": 1.0},
            "a buy's take profit must be above the bid: 1.00000 is not above 1.1",
        ),
        (
            {"side": "sell", "take_profit_type": "price", "take_profit": 1.2},
            "a sell's take profit must be below the ask: 1.20000 is not below 1.10002",
        ),
        (
            {"side": "buy", "stop_loss_type": "points", "stop_loss": 2},
            "1.10000 is not below 1.1; it is no further away than the spread",
        ),
        (
            {"side": "buy", "stop_loss_type": "distance", "stop_loss": 5},
            "the stop loss would be -3.89998: a price must be above zero",
        ),
    ],
)
def test_stops_on_the_wrong_side_are_refused_in_words(config: dict[str, Any], words: str) -> None:
    context = make_context()
    with pytest.raises(NodeConfigError) as raised:
        run(context, **config)
    assert words in raised.value.message
    assert raised.value.field in ("config.stop_loss", "config.take_profit")
    assert context.broker().sent == []


def test_stops_nearer_than_the_broker_allows_are_refused() -> None:
    broker = FakeBroker(symbols={"EURUSD": EURUSD.model_copy(update={"stops_level": 50})})
    with pytest.raises(NodeConfigError, match=r"1\.09970 is 30 points from the bid 1\.1; .* at least 50"):
        run(make_context(broker), stop_loss_type="price", stop_loss=1.0997)
    run(make_context(broker), stop_loss_type="price", stop_loss=1.0995)


class MovedMarket(FakeBroker):
    """Answers every question but the one for a recorded outcome with a failure."""

    def tick(self, symbol: str) -> Tick:
        raise AssertionError("the quote of now has no say in an order sent before")

    def symbol(self, name: str) -> Symbol:
        raise AssertionError("nor have the symbol's facts")


def test_run_again_it_gives_the_recorded_outcome_and_sends_nothing() -> None:
    first = make_context()
    config = {"stop_loss_type": "pips", "stop_loss": 30}
    output = run(first, **config)
    again = make_context(MovedMarket(outcomes=first.broker().outcomes), stopped=True)
    assert run(again, **config) == output
    assert again.broker().sent == []
    assert "sent before" in again.logs[0]["message"]


@pytest.mark.parametrize("change", [{"execution_id": "exec-2"}, {"node_id": "other"}, {"iteration": (1,)}])
def test_another_execution_node_or_iteration_is_another_order(change: dict[str, Any]) -> None:
    broker = FakeBroker()
    run(make_context(broker))
    run(make_context(broker, **change))
    assert len({intent.client_order_id for intent in broker.sent}) == 2


def test_a_stopped_execution_sends_nothing() -> None:
    context = make_context(stopped=True)
    with pytest.raises(ExecutionStopped):
        run(context)
    assert context.broker().sent == []


def test_a_partial_fill_is_explicit() -> None:
    filled = {
        "status": "partial",
        "order": 7,
        "deal": 8,
        "position": 7,
        "volume": "0.4",
        "remainder": "0.6",
        "price": ASK,
    }
    context = make_context(FakeBroker(answers=[filled]))
    output = run(context, volume=1.0)
    assert (output.status, output.volume, output.remainder) == ("partial", 0.4, 0.6)
    assert context.logs[-1]["level"] == "warning"


def test_what_the_volume_step_cuts_off_is_in_the_remainder() -> None:
    context = make_context(FakeBroker(answers=[{"status": "done", "order": 7, "volume": "0.01", "price": ASK}]))
    output = run(context, volume=0.015)
    assert (output.status, output.volume, output.remainder) == ("done", 0.01, 0.005)


def test_on_a_netting_account_the_ticket_is_that_of_the_position() -> None:
    answer = {"status": "done", "order": 9, "deal": 10, "position": 4, "volume": "0.1", "price": ASK}
    output = run(make_context(FakeBroker(answers=[answer])))
    assert (output.ticket, output.order, output.deal) == (4, 9, 10)


@pytest.mark.parametrize(
    ("answer", "error", "words"),
    [
        (
            {"status": "rejected", "reason": "risk", "message": "the account is halted"},
            RiskRejected,
            "account is halted",
        ),
        ({"status": "rejected", "reason": "market_closed", "message": "Market closed"}, MarketClosed, "Market closed"),
        ({"status": "rejected", "reason": "broker", "message": "No money (10019)"}, OrderRejected, "No money"),
        ({"status": "rejected", "reason": "deadline", "message": "too late"}, OrderRejected, "too late"),
        ({"status": "rejected", "reason": "invalid", "message": "below the smallest"}, OrderRejected, "smallest"),
        ({"status": "rejected"}, OrderRejected, "no reason was given"),
        ({"status": "unknown", "message": "timed out"}, OrderUnknown, "outcome is not known yet: timed out"),
        ({"status": "not_sent", "message": "not found"}, OrderNotSent, "was not sent: not found"),
        ({"status": "placed", "order": 3}, OrderUnknown, "accepted by the broker but is not filled yet"),
        ({"status": "done", "volume": "0.1"}, OrderUnknown, "has not named the position"),
    ],
)
def test_what_an_outcome_means(answer: dict[str, Any], error: type[TradeloomError], words: str) -> None:
    with pytest.raises(error, match=words) as raised:
        run(make_context(FakeBroker(answers=[answer])))
    assert type(raised.value) is error
    assert raised.value.message.startswith("buy 0.1 EURUSD ")
    assert not error.retryable
    assert error in MarketOrder.errors


def test_certainly_unsent_may_be_retried() -> None:
    def unreachable(intent: OrderIntent) -> OrderOutcome:
        raise BrokerUnavailable("the bridge does not answer")

    broker = FakeBroker(answers=[unreachable])
    context = make_context(broker)
    with pytest.raises(BrokerUnavailable):
        run(context)
    assert BrokerUnavailable.retryable
    assert run(context).status == "done"


def test_an_unknown_symbol_or_quote_is_an_error() -> None:
    with pytest.raises(NotFound):
        run(make_context(), symbol="XXX", stop_loss_type="pips", stop_loss=10)
    broker = FakeBroker()
    broker.quote("EURUSD", 0.0, 0.0)
    with pytest.raises(StalePrice):
        run(make_context(broker), stop_loss_type="pips", stop_loss=10)


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"stop_loss_type": "pips"}, "the stop loss is to be given as pips but has no value"),
        ({"take_profit_type": "price"}, "the take profit is to be given as price but has no value"),
        ({"stop_loss": 1.09}, "a stop loss of 1.09 is given, but the stop loss is switched off"),
        ({"take_profit": 50}, "a take profit of 50 is given, but the take profit is switched off"),
        ({"volume": 0}, "greater than 0"),
        ({"volume": float("nan")}, "finite"),
        ({"volume": True}, "true/false"),
        ({"side": "long"}, "'buy' or 'sell'"),
        ({"stop_loss_type": "pips", "stop_loss": -3}, "greater than 0"),
        ({"deviation": -1}, "greater than or equal to 0"),
        ({"ttl_s": 0}, "greater than or equal to 1"),
        ({"sl": 1.0}, "Extra inputs"),
    ],
)
def test_config_speaks_in_sentences(config: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        MarketOrderConfig.model_validate({"symbol": "EURUSD", "side": "buy", "volume": 0.1, **config})


@given(
    side=st.sampled_from(["buy", "sell"]),
    bid=st.integers(50_000, 200_000),
    spread=st.integers(0, 100),
    measure=st.sampled_from(["pips", "points", "distance"]),
    value=st.floats(1e-5, 0.3),
)
def test_sent_stops_are_on_the_grid_and_on_the_right_side(
    side: str, bid: int, spread: int, measure: str, value: float
) -> None:
    broker = FakeBroker()
    broker.quote("EURUSD", bid / 100_000, (bid + spread) / 100_000)
    context = make_context(broker)
    stops = {"stop_loss_type": measure, "stop_loss": value, "take_profit_type": measure, "take_profit": value}
    try:
        run(context, side=side, **stops)
    except NodeConfigError:
        assert broker.sent == []
        return
    intent = sent(context)
    assert intent.stop_loss is not None
    assert intent.take_profit is not None
    for price in (intent.stop_loss, intent.take_profit):
        assert price % EURUSD.tick_size == 0
    closing = Decimal(bid if side == "buy" else bid + spread) / 100_000
    assert (intent.stop_loss < closing < intent.take_profit) is (side == "buy")
    assert (intent.stop_loss > closing > intent.take_profit) is (side == "sell")
