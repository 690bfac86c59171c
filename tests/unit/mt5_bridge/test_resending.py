"""Standing in for an order that was certainly not sent: when the bridge allows it, and that it never makes two."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from mt5_bridge.journal import OrderState
from tests.unit.mt5_bridge.fake_terminal import NOW, Bench, market, nothing
from tradeloom.errors import Conflict
from tradeloom.trading.intents import MAX_RESENDS, MarketOrderIntent, OrderOutcome, OutcomeStatus, resend_id

MakeBench = Callable[..., Bench]


@pytest.fixture
def bench(make_bench: MakeBench) -> Bench:
    return make_bench(history_horizon_s=0.0)


def given_up(bench: Bench, intent: MarketOrderIntent) -> str:
    """Sends into silence until the order is fenced and not sent. Returns its id."""
    bench.terminal.script = [nothing(-10005, "timeout")]
    bench.desk.send(intent)
    outcome = bench.desk.outcome(intent.client_order_id)
    assert outcome is not None
    assert outcome.status is OutcomeStatus.NOT_SENT
    return intent.client_order_id


def stand_in(order_id: str, **changes: Any) -> MarketOrderIntent:
    return market(client_order_id=resend_id(order_id), resend_of=order_id, **changes)


def test_an_order_given_up_says_until_when_another_may_stand_in(bench: Bench) -> None:
    order_id = given_up(bench, market())
    assert bench.desk.outcome(order_id).resend_until == market().deadline


def test_one_stands_in_and_fills_once(bench: Bench) -> None:
    order_id = given_up(bench, market())
    first = bench.desk.send(stand_in(order_id))
    assert first.status is OutcomeStatus.DONE
    assert [bench.desk.send(stand_in(order_id)) for _ in range(5)] == [first] * 5
    assert len(bench.terminal.deals) == 1
    assert bench.desk.outcome(order_id).status is OutcomeStatus.NOT_SENT


def refused(bench: Bench, intent: MarketOrderIntent, why: str) -> None:
    sent = len(bench.terminal.sent)
    with pytest.raises(Conflict, match=why) as error:
        bench.desk.send(intent)
    assert error.value.field == "resend_of"
    assert len(bench.terminal.sent) == sent
    assert bench.journal.entry(intent.client_order_id) is None


def test_nothing_stands_in_for_an_order_that_may_have_been_sent(make_bench: MakeBench) -> None:
    bench = make_bench(history_horizon_s=3600.0)
    bench.terminal.script = [nothing(-10005, "timeout")]
    bench.desk.send(market())
    refused(bench, stand_in(market().client_order_id), "not known to be unsent")
    refused(bench, stand_in("f" * 32), "not known to be unsent")
    done = bench.desk.send(market("other"))
    refused(bench, stand_in(done.client_order_id, node_id="other"), "not known to be unsent")


def test_it_must_be_the_one_stand_in_of_the_same_node(bench: Bench) -> None:
    order_id = given_up(bench, market())
    refused(bench, market("x", resend_of=order_id, node_id="n"), "belongs to another")
    refused(bench, stand_in(order_id, node_id="other"), "belongs to another")


def test_it_does_not_outlive_the_order_it_stands_in_for(bench: Bench) -> None:
    order_id = given_up(bench, market())
    refused(bench, stand_in(order_id, deadline=market().deadline + timedelta(seconds=1)), "outlive")


def test_never_with_real_money(make_bench: MakeBench) -> None:
    bench = make_bench(history_horizon_s=0.0, live_trading=True)
    bench.terminal.account.trade_mode = 2
    bench.terminal.script = [nothing(-10005, "timeout")]
    bench.desk.send(market())
    order_id = market().client_order_id
    bench.desk.outcome(order_id)
    entry = bench.journal.entry(order_id)
    assert entry is not None
    assert entry.state is OrderState.MANUAL
    refused(bench, stand_in(order_id), "not known to be unsent")
    not_sent = OrderOutcome(client_order_id=order_id, status=OutcomeStatus.NOT_SENT)
    bench.journal.settle(not_sent)
    refused(bench, stand_in(order_id), "a person settled")


def test_only_so_many_stand_in_one_after_the_other(bench: Bench) -> None:
    order_id = given_up(bench, market())
    for _ in range(MAX_RESENDS):
        order_id = given_up(bench, stand_in(order_id))
    refused(bench, stand_in(order_id), "others were tried")


def test_one_that_was_sent_is_told_whatever_became_of_the_deadline(bench: Bench) -> None:
    order_id = given_up(bench, market())
    first = bench.desk.send(stand_in(order_id))
    late = stand_in(order_id, created_at=NOW + timedelta(days=1), deadline=NOW + timedelta(days=2))
    assert bench.desk.send(late) == first
