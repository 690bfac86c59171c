from datetime import timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from tests.support.broker_facts import NOW, make_pending
from tests.support.fake_broker import FakeBroker
from tests.support.node_context import FakeContext
from tradeloom.errors import (
    BrokerUnavailable,
    ExecutionStopped,
    NotFound,
    OrderFilled,
    OrderRejected,
    OrderUnknown,
    TradeloomError,
)
from tradeloom.nodes.order.cancel import Cancel, CancelConfig, CancelOutput
from tradeloom.trading.intents import CancelIntent, PendingType, Side


def make_broker(**changes: Any) -> FakeBroker:
    return FakeBroker(
        pending=[
            make_pending(22, placed_at=NOW - timedelta(hours=1)),
            make_pending(21, placed_at=NOW - timedelta(hours=2), type=PendingType.STOP),
            make_pending(23, side=Side.SELL, workflow_id="wf-2"),
            make_pending(24, workflow_id=None),
        ],
        **changes,
    )


def make_context(broker: FakeBroker | None = None, **changes: Any) -> FakeContext:
    return FakeContext(brokers={"paper": broker or make_broker()}, **changes)


def run(context: FakeContext, **config: Any) -> CancelOutput:
    return Cancel().run(CancelConfig.model_validate(config), context)


def sent(context: FakeContext) -> list[int]:
    return [intent.order for intent in context.broker().sent if isinstance(intent, CancelIntent)]


def test_by_ticket_whoever_placed_it() -> None:
    context = make_context()
    output = run(context, by="ticket", ticket=24, ttl_s=30)
    assert (output.status, output.count, [each.ticket for each in output.cancelled]) == ("cancelled", 1, [24])
    (intent,) = context.broker().sent
    assert isinstance(intent, CancelIntent)
    assert (intent.order, intent.symbol, intent.deadline) == (24, None, NOW + timedelta(seconds=30))
    assert [order.ticket for order in context.broker().pending] == [22, 21, 23]


@pytest.mark.parametrize(
    ("config", "tickets"),
    [
        ({}, [21, 22]),
        ({"scope": "all"}, [21, 22, 23, 24]),
        ({"scope": "all", "side": "sell"}, [23]),
        ({"type": "limit"}, [22]),
        ({"type": "stop_limit"}, []),
        ({"side": "sell"}, []),
    ],
)
def test_by_symbol_in_scope_side_and_type_earliest_first(config: dict[str, Any], tickets: list[int]) -> None:
    context = make_context()
    output = run(context, symbol="EURUSD", **config)
    assert sent(context) == tickets
    assert (output.count, output.status) == (len(tickets), "cancelled" if tickets else "already_cancelled")


def test_already_gone_is_success() -> None:
    context = make_context()
    output = run(context, by="ticket", ticket=99)
    assert (output.status, output.count, output.cancelled[0].status) == ("already_cancelled", 0, "already_cancelled")


def test_filled_before_it_could_be_cancelled_is_an_error() -> None:
    broker = make_broker(ended={99: "filled"})
    with pytest.raises(OrderFilled):
        run(make_context(broker), by="ticket", ticket=99)


def test_all_are_tried_and_the_failure_says_which() -> None:
    def lost(_: Any) -> Any:
        raise BrokerUnavailable("no bridge")

    answers: list[Any] = [
        {"status": "rejected", "reason": "filled", "message": "it is position 21 now"},
        lost,
        {"status": "done"},
        {"status": "done", "reason": "already_cancelled"},
    ]
    context = make_context(make_broker(answers=answers))
    with pytest.raises(BrokerUnavailable, match="2 of 4 orders were cancelled") as caught:
        run(context, symbol="EURUSD", scope="all")
    assert "it is position 21 now" in caught.value.message
    assert sent(context) == [21, 22, 23, 24]
    assert [entry["level"] for entry in context.logs] == ["error", "error", "info", "info"]


@pytest.mark.parametrize(
    ("answer", "error"),
    [({"status": "unknown"}, OrderUnknown), ({"status": "rejected", "reason": "broker"}, OrderRejected)],
)
def test_refusals_are_typed(answer: dict[str, Any], error: type[TradeloomError]) -> None:
    with pytest.raises(error):
        run(make_context(make_broker(answers=[answer])), by="ticket", ticket=22)


def test_run_again_it_sends_nothing_twice() -> None:
    context = make_context()
    assert run(context, by="ticket", ticket=22) == run(context, by="ticket", ticket=22)
    assert (sent(context), context.acted) == ([22], 1)


def test_each_order_has_an_id_of_its_own() -> None:
    context = make_context()
    run(context, symbol="EURUSD", scope="all")
    assert len({intent.client_order_id for intent in context.broker().sent}) == 4


def test_a_stopped_execution_cancels_nothing() -> None:
    context = make_context(stopped=True)
    with pytest.raises(ExecutionStopped):
        run(context, symbol="EURUSD", scope="all")
    assert sent(context) == []


def test_a_symbol_the_broker_does_not_have() -> None:
    with pytest.raises(NotFound):
        run(make_context(), symbol="NOPE")


@pytest.mark.parametrize(
    "config",
    [
        {},
        {"by": "ticket"},
        {"ticket": 5},
        {"symbol": "EURUSD", "ticket": 5},
        {"by": "ticket", "ticket": 0},
        {"symbol": ""},
    ],
)
def test_says_what_to_cancel(config: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        run(make_context(), **config)
