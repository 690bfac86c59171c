"""From intent to outcome, once: standing in for an order that was not sent, and what an open order says."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.broker_facts import NOW
from tests.support.fake_broker import FakeBroker
from tests.support.node_context import FakeContext
from tests.unit.nodes.order.test_market import make_context, run
from tradeloom.errors import ExecutionStopped, OrderNotSent, OrderRejected, OrderUnknown, TradeloomError
from tradeloom.trading.intents import MAX_RESENDS, OrderIntent, OrderOutcome, client_order_id, resend_id

NOT_SENT = {"status": "not_sent", "resend_until": NOW + timedelta(seconds=40)}
ID = client_order_id("exec-1", "node")


def context_with(*answers: dict[str, Any], **changes: Any) -> FakeContext:
    return make_context(FakeBroker(answers=list(answers)), **changes)


def test_another_order_takes_the_place_of_one_that_was_not_sent() -> None:
    context = context_with(NOT_SENT)
    assert run(context, ttl_s=60).status == "done"
    first, second = context.broker().sent
    assert (first.client_order_id, first.resend_of) == (ID, None)
    assert (second.client_order_id, second.resend_of) == (resend_id(ID), ID)
    assert second.deadline == NOW + timedelta(seconds=40)  # not its own minute
    assert second.magic != first.magic
    assert any("takes its place" in line["message"] for line in context.logs)


def test_a_run_that_comes_back_finds_the_stand_in() -> None:
    context = context_with(NOT_SENT)
    first = run(context)
    assert run(context) == first
    assert len(context.broker().sent) == 2


def test_only_so_many_are_tried() -> None:
    context = context_with(*[NOT_SENT] * 9)
    for _ in range(2):
        with pytest.raises(OrderNotSent):
            run(context)
    assert len(context.broker().sent) == 1 + MAX_RESENDS


@pytest.mark.parametrize("until", [None, NOW, NOW - timedelta(seconds=1)])
def test_none_without_leave_or_after_the_deadline(until: Any) -> None:
    context = context_with({**NOT_SENT, "resend_until": until})
    with pytest.raises(OrderNotSent):
        run(context)
    assert len(context.broker().sent) == 1


def test_none_for_an_execution_that_was_stopped() -> None:
    context = context_with()
    broker = context.broker()

    def stop(intent: OrderIntent) -> OrderOutcome:
        context.stopped = True  # between the first order and the one that would stand in for it
        return OrderOutcome.model_validate({"client_order_id": intent.client_order_id, **NOT_SENT})

    broker.answers = [stop]
    with pytest.raises(ExecutionStopped):
        run(context)
    assert len(broker.sent) == 1


@given(st.lists(st.sampled_from(["not_sent", "rejected", "unknown", "done"]), max_size=6), st.integers(1, 5))
def test_whatever_comes_one_order_fills_at_most(statuses: list[str], runs: int) -> None:
    """However often the node runs: one fill at most, and each stand-in stands behind a certainty."""
    answers = [
        {**NOT_SENT, "status": each} if each != "done" else {"status": "done", "position": 7} for each in statuses
    ]
    context = context_with(*answers)
    for _ in range(runs):
        try:
            run(context)
        except TradeloomError:
            continue
    broker = context.broker()
    outcomes = [broker.outcomes[intent.client_order_id].status for intent in broker.sent]
    assert outcomes.count("done") <= 1  # type: ignore[arg-type]
    assert all(status == "not_sent" for status in outcomes[:-1])


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        ({"status": "unknown"}, "tradeloom orders"),
        ({"status": "placed"}, "tradeloom orders"),
        ({"status": "unknown", "reason": "manual"}, f"tradeloom orders settle {ID}"),
    ],
)
def test_an_open_order_names_its_id_and_what_to_do(answer: dict[str, Any], hint: str) -> None:
    with pytest.raises(OrderUnknown, match=ID) as caught:
        run(context_with(answer))
    assert caught.value.hint is not None
    assert hint in caught.value.hint


# -- how long an order may be sent --------------------------------------------------------------------------------


def deadline(context: FakeContext, **config: Any) -> datetime:
    run(context, **config)
    (intent,) = context.broker(config.get("account")).sent
    assert intent.created_at == context.broker(config.get("account")).now
    return intent.deadline


@pytest.mark.parametrize("late_s", [0, 20, 59, 36_000])
def test_the_time_to_live_counts_from_the_nodes_first_attempt(late_s: int) -> None:
    first = NOW - timedelta(seconds=late_s)
    assert deadline(make_context(first_at=first), ttl_s=60) == first + timedelta(seconds=60)


def test_an_attempt_of_which_nobody_says_when_it_began_begins_now() -> None:
    assert deadline(make_context(first_at=None), ttl_s=60) == NOW + timedelta(seconds=60)


def test_a_market_that_was_set_back_makes_no_order_live_longer() -> None:
    assert deadline(make_context(first_at=NOW + timedelta(days=3)), ttl_s=60) == NOW + timedelta(seconds=60)


def test_on_another_account_what_passed_on_the_workflows_own_counts() -> None:
    """Two markets may stand at two times; an order lives as long on the one as on the other."""
    other = FakeBroker("other", now=NOW + timedelta(days=900))
    context = FakeContext(brokers={"paper": FakeBroker(), "other": other}, first_at=NOW - timedelta(seconds=45))
    assert deadline(context, ttl_s=60, account="other") == other.now + timedelta(seconds=15)


def test_an_order_that_came_too_late_says_so_and_what_to_do() -> None:
    late = {"status": "rejected", "reason": "deadline", "message": "the deadline passed 35,940.0 s ago"}
    with pytest.raises(OrderRejected, match=r"passed 35,940\.0 s ago") as caught:
        run(context_with(late, first_at=NOW - timedelta(hours=10)))
    assert (
        caught.value.hint == "its time (Valid for) began with the node's first attempt; start a new execution to trade"
    )
    assert not caught.value.retryable
