from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from tests.support.broker_facts import EURUSD, NOW, make_pending, make_position
from tests.support.fake_broker import FakeBroker
from tests.support.node_context import FakeContext
from tradeloom.errors import (
    ExecutionStopped,
    NodeConfigError,
    OrderFilled,
    OrderNotSent,
    OrderRejected,
    OrderUnknown,
    RiskRejected,
    StalePrice,
    TargetGone,
    TradeloomError,
)
from tradeloom.nodes.order.modify import Modify, ModifyConfig, ModifyOutput
from tradeloom.trading.broker import Tick
from tradeloom.trading.intents import Expiry, ModifyIntent, PendingType, Side

BUY, SELL = 11, 12
LIMIT, STOP_LIMIT = 21, 22


def make_broker(**changes: Any) -> FakeBroker:
    """A bought and a sold position at 1.1, a buy limit at 1.095, a buy stop-limit at 1.11 behind 1.108."""
    return FakeBroker(
        open_positions=[
            make_position(BUY, stop_loss=1.095, take_profit=1.12),
            make_position(SELL, side=Side.SELL, stop_loss=1.105),
        ],
        pending=[
            make_pending(LIMIT, stop_loss=1.09),
            make_pending(STOP_LIMIT, type=PendingType.STOP_LIMIT, price=1.11, limit_price=1.108),
        ],
        **changes,
    )


def make_context(broker: FakeBroker | None = None, **changes: Any) -> FakeContext:
    return FakeContext(brokers={"paper": broker or make_broker()}, **changes)


def run(context: FakeContext, ticket: int = BUY, **config: Any) -> ModifyOutput:
    values = {"ticket": ticket, "target": "order" if ticket in (LIMIT, STOP_LIMIT) else "position", **config}
    return Modify().run(ModifyConfig.model_validate(values), context)


def sent(context: FakeContext) -> ModifyIntent:
    (intent,) = context.broker().sent
    assert isinstance(intent, ModifyIntent)
    return intent


class TestPosition:
    @pytest.mark.parametrize(
        ("ticket", "measure", "value", "expected"),
        [
            (BUY, "price", 1.099, 1.099),
            (BUY, "pips", 20, 1.098),  # from the bid: what would close it
            (BUY, "points", 20, 1.0998),
            (BUY, "distance", 0.004, 1.096),
            (SELL, "pips", 20, 1.10202),  # from the ask
            (SELL, "price", 1.1010049, 1.101),
        ],
    )
    def test_its_stop_is_a_price_or_a_distance_from_the_market(
        self, ticket: int, measure: str, value: float, expected: float
    ) -> None:
        context = make_context()
        output = run(context, ticket, stop_loss_type=measure, stop_loss=value)
        assert (output.status, output.ticket, output.stop_loss) == ("done", ticket, expected)
        assert output.take_profit == (1.12 if ticket == BUY else None)
        assert (output.price, output.limit_price, output.expires_at) == (None, None, None)
        assert context.acted == 1

    def test_the_intent_names_what_changes_and_nothing_else(self) -> None:
        context = make_context(node_id="trail", iteration=(2,))
        run(context, take_profit_type="price", take_profit=1.13, ttl_s=30)
        intent = sent(context)
        assert intent.client_order_id == context.client_order_id()
        assert (intent.target, intent.ticket, intent.take_profit) == ("position", BUY, Decimal("1.13000"))
        assert (intent.stop_loss, intent.remove_stop_loss, intent.remove_take_profit) == (None, False, False)
        assert (intent.created_at, intent.deadline) == (NOW, NOW + timedelta(seconds=30))

    def test_stops_are_removed(self) -> None:
        context = make_context()
        output = run(context, stop_loss_type="remove", take_profit_type="remove", allow_widening=True)
        assert (output.stop_loss, output.take_profit) == (None, None)

    @pytest.mark.parametrize("config", [{"stop_loss_type": "price", "stop_loss": 1.09}, {"stop_loss_type": "remove"}])
    def test_a_wider_stop_has_to_be_allowed(self, config: dict[str, Any]) -> None:
        with pytest.raises(NodeConfigError) as caught:
            run(make_context(), **config)
        assert caught.value.field == "config.stop_loss"
        assert caught.value.hint is not None
        assert "allow" in caught.value.hint
        assert run(make_context(), allow_widening=True, **config).status == "done"

    def test_no_change_is_success(self) -> None:
        output = run(make_context(), stop_loss_type="price", stop_loss=1.095)
        assert (output.status, output.stop_loss) == ("no_change", 1.095)

    @pytest.mark.parametrize(
        ("config", "field"),
        [
            ({"stop_loss_type": "price", "stop_loss": 1.1}, "stop_loss"),
            ({"stop_loss_type": "price", "stop_loss": 1.2}, "stop_loss"),
            ({"take_profit_type": "price", "take_profit": 1.1}, "take_profit"),
            ({"stop_loss_type": "pips", "stop_loss": 20_000}, "stop_loss"),
        ],
    )
    def test_what_the_market_rules_out_names_its_field(self, config: dict[str, Any], field: str) -> None:
        context = make_context()
        with pytest.raises(NodeConfigError) as caught:
            run(context, **config)
        assert (caught.value.field, context.broker().sent) == (f"config.{field}", [])

    def test_the_stops_level_holds(self) -> None:
        symbols = {"EURUSD": EURUSD.model_copy(update={"stops_level": 50})}
        assert run(make_context(make_broker(symbols=symbols)), stop_loss_type="points", stop_loss=50).status == "done"
        with pytest.raises(NodeConfigError, match="at least 50"):
            run(make_context(make_broker(symbols=symbols)), stop_loss_type="points", stop_loss=49)

    def test_removing_needs_no_quote(self) -> None:
        quote = Tick(symbol="EURUSD", time=NOW, bid=0.0, ask=0.0, last=None, volume=0.0)
        broker = make_broker(quotes={"EURUSD": quote})
        assert run(make_context(broker), take_profit_type="remove").take_profit is None
        with pytest.raises(StalePrice):
            run(make_context(broker, node_id="b"), stop_loss_type="pips", stop_loss=10)

    def test_that_is_not_open(self) -> None:
        with pytest.raises(TargetGone) as caught:
            run(make_context(), 99, take_profit_type="remove")
        assert caught.value.field == "config.ticket"


class TestOrder:
    def test_its_price_and_stop_move_together(self) -> None:
        context = make_context()
        output = run(context, LIMIT, price_type="price", price=1.098, stop_loss_type="pips", stop_loss=40)
        assert (output.price, output.stop_loss) == (1.098, 1.094)  # forty pips below its own new price
        assert sent(context).target == "order"

    @pytest.mark.parametrize(
        ("ticket", "measure", "value", "expected"),
        [(LIMIT, "pips", 10, 1.09902), (LIMIT, "points", 10, 1.09992), (STOP_LIMIT, "pips", 90, 1.10902)],
    )
    def test_its_price_may_be_a_distance_from_the_market(
        self, ticket: int, measure: str, value: float, expected: float
    ) -> None:
        config = {"price_type": measure, "price": value, "allow_widening": True}
        assert run(make_context(), ticket, **config).price == expected

    def test_a_stop_limits_limit_moves(self) -> None:
        output = run(make_context(), STOP_LIMIT, limit_price=1.109)
        assert (output.limit_price, output.price) == (1.109, 1.11)

    @pytest.mark.parametrize(
        ("config", "expiry", "at"),
        [
            ({"expiry": "day"}, Expiry.DAY, None),
            ({"expiry": "after", "expires_after_s": 3600}, Expiry.SPECIFIED, NOW + timedelta(hours=1)),
        ],
    )
    def test_its_expiry_changes(self, config: dict[str, Any], expiry: Expiry, at: Any) -> None:
        context = make_context()
        assert run(context, LIMIT, **config).expires_at == at
        assert sent(context).expiry is expiry

    @pytest.mark.parametrize(
        ("ticket", "config", "field"),
        [
            (LIMIT, {"price_type": "price", "price": 1.2}, "price"),
            (STOP_LIMIT, {"price_type": "price", "price": 1.05}, "price"),
            (LIMIT, {"limit_price": 1.05}, "limit_price"),
            (STOP_LIMIT, {"limit_price": 1.115}, "limit_price"),
            (LIMIT, {"stop_loss_type": "price", "stop_loss": 1.096}, "stop_loss"),
            (LIMIT, {"expiry": "at", "expires_at": "2017-06-01T11:00:00Z"}, "expires_at"),
        ],
    )
    def test_what_cannot_be_names_its_field(self, ticket: int, config: dict[str, Any], field: str) -> None:
        context = make_context()
        with pytest.raises(NodeConfigError) as caught:
            run(context, ticket, **config)
        assert (caught.value.field, context.broker().sent) == (f"config.{field}", [])

    def test_that_was_filled_or_has_left(self) -> None:
        broker = make_broker()
        broker.pending.clear()
        with pytest.raises(TargetGone):
            run(make_context(broker), LIMIT, expiry="day")
        broker.open_positions.append(make_position(LIMIT))
        with pytest.raises(OrderFilled):
            run(make_context(broker), LIMIT, expiry="day")


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ({"status": "rejected", "reason": "filled"}, OrderFilled),
        ({"status": "rejected", "reason": "gone"}, TargetGone),
        ({"status": "rejected", "reason": "risk"}, RiskRejected),
        ({"status": "rejected", "reason": "broker"}, OrderRejected),
        ({"status": "unknown"}, OrderUnknown),
        ({"status": "not_sent"}, OrderNotSent),
    ],
)
def test_refusals_are_typed(answer: dict[str, Any], error: type[TradeloomError]) -> None:
    with pytest.raises(error) as caught:
        run(make_context(make_broker(answers=[answer])), take_profit_type="remove")
    assert type(caught.value) is error


def test_run_again_it_gives_the_recorded_outcome() -> None:
    context = make_context()
    first = run(context, stop_loss_type="pips", stop_loss=20)
    context.broker().quote("EURUSD", 1.11, 1.11002)
    context.broker().open_positions.clear()
    assert run(context, stop_loss_type="pips", stop_loss=20) == first
    assert (len(context.broker().sent), context.acted) == (1, 1)


def test_a_stopped_execution_changes_nothing() -> None:
    context = make_context(stopped=True)
    with pytest.raises(ExecutionStopped):
        run(context, take_profit_type="remove")
    assert context.broker().sent == []


@pytest.mark.parametrize(
    "config",
    [
        {},
        {"stop_loss_type": "pips"},
        {"stop_loss": 20},
        {"stop_loss_type": "remove", "stop_loss": 20},
        {"take_profit_type": "none"},
        {"price_type": "price", "price": 1.1},
        {"limit_price": 1.1},
        {"expiry": "day"},
        {"target": "order", "expiry": "at"},
        {"target": "order", "price_type": "pips"},
        {"target": "order", "price": 1.09},
        {"target": "order", "expiry": "day", "expires_after_s": 600},
        {"target": "order"},
        {"stop_loss_type": "pips", "stop_loss": 0},
        {"stop_loss_type": "pips", "stop_loss": float("inf")},
        {"take_profit_type": "remove", "ticket": 2**63},
        {"take_profit_type": "remove", "ticket": 0},
        {"take_profit_type": "remove", "ticket": True},
    ],
)
def test_a_config_that_contradicts_itself_or_changes_nothing_is_refused(config: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        run(make_context(), **config)


@given(
    ticket=st.sampled_from([BUY, SELL]),
    measure=st.sampled_from(["price", "pips", "points", "distance"]),
    value=st.floats(1e-6, 1e5),
)
def test_without_the_word_no_stop_ever_moves_away(ticket: int, measure: str, value: float) -> None:
    context = make_context()
    before = next(p.stop_loss for p in context.broker().open_positions if p.ticket == ticket)
    try:
        output = run(context, ticket, stop_loss_type=measure, stop_loss=value)
    except NodeConfigError:
        after = next(p.stop_loss for p in context.broker().open_positions if p.ticket == ticket)
        assert after == before
        return
    assert before is not None
    assert output.stop_loss is not None
    assert output.stop_loss >= before if ticket == BUY else output.stop_loss <= before
