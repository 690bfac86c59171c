from decimal import Decimal
from typing import Any

import pytest
from pydantic import ValidationError

from tests.support.broker_facts import NOW, make_position
from tests.support.fake_broker import FakeBroker
from tests.support.node_context import FakeContext
from tests.unit.nodes.order.guard_cases import guards, make_context, positions, run
from tradeloom.errors import BrokerUnavailable, ExecutionStopped, NodeConfigError, NotFound
from tradeloom.nodes.order.trailing_stop import TrailingStop, TrailingStopConfig
from tradeloom.trading.guards import Guard, GuardReport, GuardStatus, Trailing
from tradeloom.trading.intents import Side


def test_guards_this_workflows_positions_earliest_first() -> None:
    context = make_context()
    output = run(TrailingStop, context, distance=30)
    assert [each.ticket for each in output.guards] == [11, 12]
    assert (output.status, output.count, output.ticket, output.stop_loss) == ("active", 2, 11, 1.097)
    assert output.guard_id == output.guards[0].guard_id == guards(context)[0].guard_id
    assert context.acted == 2
    assert {(guard.workflow_id, guard.execution_id, guard.node_id) for guard in guards(context)} == {
        ("wf-1", "exec-1", "node")
    }


@pytest.mark.parametrize(
    ("config", "tickets"),
    [
        ({"scope": "all"}, [11, 12, 13, 14]),
        ({"scope": "all", "side": "sell"}, [13]),
        ({"side": "sell"}, []),
        ({"by": "ticket", "ticket": 14, "symbol": None}, [14]),
        ({"by": "ticket", "ticket": 99}, []),
    ],
)
def test_whose_positions(config: dict[str, Any], tickets: list[int]) -> None:
    output = run(TrailingStop, make_context(), distance=30, **config)
    assert sorted(each.ticket for each in output.guards) == tickets
    if not tickets:
        assert (output.status, output.count, output.guard_id, output.stop_loss) == ("no_position", 0, None, None)


@pytest.mark.parametrize(
    ("measure", "value", "in_price"),
    [("pips", 30, "0.0030"), ("points", 30, "0.00030"), ("distance", 0.0042, "0.0042"), ("percent", 0.5, "0.0055")],
)
def test_distances_in_any_measure(measure: str, value: float, in_price: str) -> None:
    context = make_context(make_position(7, price_open=1.1))
    run(TrailingStop, context, measure=measure, distance=value, activation=value, step=value)
    (guard,) = guards(context)
    assert guard.rule == Trailing(distance=Decimal(in_price), activation=Decimal(in_price), step=Decimal(in_price))
    assert (guard.side, guard.symbol, guard.position) == (Side.BUY, "EURUSD", 7)


def test_run_again_it_is_the_same_guard_and_in_the_next_execution_still_one() -> None:
    context = make_context(make_position(7))
    first = run(TrailingStop, context, distance=30)
    assert run(TrailingStop, context, distance=30) == first
    context.execution_id = "exec-2"
    context.broker().quote("EURUSD", 1.105, 1.1052)
    again = run(TrailingStop, context, distance=30)
    assert (again.guard_id, again.stop_loss) == (first.guard_id, 1.102)
    assert len(guards(context)) == 1


def test_another_nodes_takes_its_place() -> None:
    context = make_context(make_position(7))
    old = run(TrailingStop, context, distance=30)
    context.node_id = "tighter"
    new = run(TrailingStop, context, distance=10)
    statuses = {report.guard.guard_id: report.status for report in context.broker().guards(active_only=False)}
    assert statuses == {old.guard_id: GuardStatus.REPLACED, new.guard_id: GuardStatus.ACTIVE}


def test_waiting_for_its_activation_there_is_no_stop_yet() -> None:
    output = run(TrailingStop, make_context(make_position(7)), distance=30, activation=20)
    assert (output.status, output.stop_loss, output.guards[0].message) == ("active", None, "")


def test_a_position_that_closes_meanwhile_is_no_error() -> None:
    class Closing(FakeBroker):
        def guard(self, guard: Guard) -> GuardReport:
            self.open_positions = []
            raise NotFound("the account has no open position 7")

    context = FakeContext(brokers={"paper": Closing(open_positions=[make_position(7)])})
    assert run(TrailingStop, context, distance=30).status == "no_position"
    assert context.logs[-1]["level"] == "warning"


def test_one_that_fails_does_not_keep_the_others_from_being_guarded() -> None:
    class Flaky(FakeBroker):
        def guard(self, guard: Guard) -> GuardReport:
            if guard.position == 11:
                raise BrokerUnavailable("busy")
            return super().guard(guard)

    context = FakeContext(brokers={"paper": Flaky(open_positions=positions())})
    with pytest.raises(BrokerUnavailable, match="1 of 2 positions were guarded; position 11: busy"):
        run(TrailingStop, context, distance=30)
    assert [guard.position for guard in guards(context)] == [12]


def test_a_stopped_execution_sets_nothing() -> None:
    context = make_context(stopped=True)
    with pytest.raises(ExecutionStopped):
        run(TrailingStop, context, distance=30)
    assert guards(context) == []


def test_trouble_is_told_and_logged() -> None:
    class Refusing(FakeBroker):
        def guard(self, guard: Guard) -> GuardReport:
            return super().guard(guard).model_copy(update={"trouble": "Market closed (10018)"})

    context = FakeContext(brokers={"paper": Refusing(open_positions=[make_position(7)])})
    output = run(TrailingStop, context, distance=30)
    assert (output.status, output.guards[0].message) == ("active", "Market closed (10018)")
    assert context.logs[-1]["level"] == "warning"


def test_what_makes_no_sense_names_its_field() -> None:
    for config, field in (
        ({"measure": "distance", "distance": 1.2}, "config.distance"),
        ({"measure": "percent", "distance": 100}, "config.distance"),
        ({"by": "ticket", "ticket": 7, "symbol": "GBPUSD", "distance": 30}, "config.symbol"),
    ):
        with pytest.raises(NodeConfigError) as caught:
            run(TrailingStop, make_context(make_position(7)), **config)
        assert caught.value.field == field
    with pytest.raises(NotFound):
        run(TrailingStop, make_context(), symbol="NOPE", distance=30)


@pytest.mark.parametrize(
    "config",
    [
        {}, {"distance": 0}, {"distance": -1}, {"distance": float("nan")}, {"distance": float("inf")},
        {"distance": 1e9}, {"distance": True}, {"distance": "far"}, {"distance": 1, "step": -1},
        {"distance": 1, "activation": -1}, {"distance": 1, "by": "ticket"}, {"distance": 1, "symbol": None},
        {"distance": 1, "ticket": 7}, {"distance": 1, "measure": "miles"}, {"distance": 1, "symbol": "X" * 30},
        {"distance": 1, "by": "ticket", "ticket": 2**63}, {"distance": 1, "unknown": 1},
    ],
)  # fmt: skip
def test_bad_configurations(config: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        TrailingStopConfig.model_validate({"symbol": "EURUSD"} | config)


def test_the_smallest_distance_is_kept_at_a_tick() -> None:
    output = run(TrailingStop, make_context(make_position(7, opened_at=NOW)), measure="distance", distance=1e-300)
    assert output.stop_loss == 1.09999
