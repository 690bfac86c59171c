"""What a record gives to a replay from a node on, and what it refuses."""

from datetime import UTC, datetime
from typing import Any

import pytest

from tradeloom.compiler.compile import compile_workflow
from tradeloom.compiler.plan import Plan
from tradeloom.engine.journal import NodeRun, RunStatus
from tradeloom.errors import RetryRefused
from tradeloom.local.recorded import Recorded, recorded_for

NOW = datetime(2026, 11, 26, tzinfo=UTC)
PRICE = {"type": "market.live_price", "config": {"symbol": "EURUSD"}}
IF = {"type": "condition.if", "config": {"a": "= nodes.price.bid", "operator": "<", "b": 2}}
TELL = {"type": "notify.dashboard", "config": {"title": "T", "message": "M"}}


def node(name: str, like: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"id": name, **like, **more}


def document(*extra: dict[str, Any], **changes: dict[str, Any]) -> dict[str, Any]:
    """start → price → check → (true) yes, (false) no; start → side."""
    nodes = [
        node("start", {"type": "trigger.manual"}),
        node("price", PRICE),
        node("side", PRICE),
        node("check", IF),
        node("yes", TELL),
        node("no", TELL),
        *extra,
    ]
    nodes = [{**each, **changes.get(each["id"], {})} for each in nodes]
    connections = [
        {"source": "start", "target": "price"},
        {"source": "start", "target": "side"},
        {"source": "price", "target": "check"},
        {"source": "check", "source_port": "true", "target": "yes"},
        {"source": "check", "source_port": "false", "target": "no"},
    ]
    return {"name": "Forked", "nodes": nodes, "connections": connections}


def run(name: str, port: str = "main", status: RunStatus = "SUCCEEDED", **more: Any) -> NodeRun:
    given: dict[str, Any] = {
        "execution_id": "e1",
        "path": name,
        "attempt": 0,
        "kind": "task",
        "node": name,
        "state": name,
        "started_at": NOW,
        "started_seq": 1,
        "status": status,
        "output": {"state": "succeeded", "port": port, "output": {"of": name}} if status == "SUCCEEDED" else None,
        "error": {"name": "Broken", "message": "m", "cause": "c"} if status == "FAILED" else None,
    }
    return NodeRun(**(given | more))


RUNS = [run("start"), run("price"), run("side"), run("check", "true"), run("yes")]


def recorded(
    from_node: str, runs: list[NodeRun] = RUNS, new: dict[str, Any] | None = None, old: dict[str, Any] | None = None
) -> Recorded:
    plan: Plan = compile_workflow(new or document()).plan
    before = compile_workflow(old or document()).plan.graph.document
    return recorded_for(plan, before, runs, "start", from_node)


def names(found: Recorded) -> set[str]:
    return {outcome.node for outcome in found.given}


def test_all_that_does_not_depend_on_the_node_is_given() -> None:
    found = recorded("check")
    assert names(found) == {"start", "price", "side"}
    assert found.left_out == ()
    assert {outcome.source for outcome in found.given} == {"recorded"}
    assert names(recorded("yes")) == {"start", "price", "side", "check"}
    assert recorded("yes").left_out == ("no",), "what did not run before does not run now"


@pytest.mark.parametrize("mark", ["pinned", "by_hand"])
def test_what_was_made_up_is_named(mark: str) -> None:
    runs = [run("start"), run("price", input={"given": mark}), run("side"), run("check", "true"), run("yes")]
    assert recorded("check", runs).made_up == ("price",)
    assert recorded("start", runs).made_up == (), "what runs again rests on none of it"
    assert recorded("check").made_up == ()
    taken_over = [*runs[:1], run("price", input={"given": "recorded"}), *runs[2:]]
    assert recorded("check", taken_over).made_up == ()


def test_from_the_trigger_everything_runs() -> None:
    assert recorded("start") == Recorded((), ())


def test_a_node_that_nothing_leads_to_is_refused() -> None:
    with pytest.raises(RetryRefused, match="was live"):
        recorded("no")


def test_a_node_that_is_not_there_is_refused() -> None:
    with pytest.raises(RetryRefused, match="no node 'nowhere'"):
        recorded("nowhere")


def test_a_missing_output_is_refused_and_the_node_named() -> None:
    with pytest.raises(RetryRefused, match="'price' gave no output") as caught:
        recorded("check", [run("start"), run("side")])
    assert caught.value.hint == "Replay from 'price', or all of it."
    cut_off = [run("start"), run("price", status="ABORTED")]
    with pytest.raises(RetryRefused, match="'price' gave no output"):
        recorded("check", cut_off)


def test_a_node_of_another_type_is_not_the_one_that_was_recorded() -> None:
    other = document(price={"type": "market.symbol"}, check={"config": {"expression": "= has(nodes.price)"}})
    with pytest.raises(RetryRefused, match="'price' gave no output"):
        recorded("check", new=other)


def test_a_failure_that_ended_the_execution_is_not_given() -> None:
    runs = [run("start"), run("price"), run("side", status="FAILED")]
    found = recorded("check", runs)
    assert (names(found), found.left_out) == ({"start", "price"}, ("side",))


def test_a_failure_the_workflow_dealt_with_is_given_as_it_was() -> None:
    lenient = document(side={"on_error": "continue"})
    runs = [run("start"), run("price"), run("side", status="FAILED"), run("check", "true")]
    found = recorded("check", runs, lenient, lenient)
    (failure,) = [outcome for outcome in found.given if outcome.node == "side"]
    assert failure.error == {"name": "Broken", "cause": "c"}


def test_the_last_attempt_counts() -> None:
    runs = [*RUNS, run("price", status="FAILED", attempt=0), run("price", attempt=1)]
    (price,) = [outcome for outcome in recorded("check", runs).given if outcome.node == "price"]
    assert price.record is not None


LOOP = [
    node("each", {"type": "utility.loop", "config": {"over": "count", "count": 2}}),
    node("inner", TELL, parent="each"),
]


def looped() -> dict[str, Any]:
    made = document(*LOOP)
    made["connections"] += [{"source": "start", "target": "each"}]
    return made


def loop_runs(**last: Any) -> list[NodeRun]:
    return [
        *RUNS,
        run("each"),
        run("inner", path="each[0]/inner", iteration=[0]),
        run("inner", path="each[1]/inner", iteration=[1], **last),
    ]


def test_a_loop_is_given_with_every_turn_of_its_body() -> None:
    found = recorded("check", loop_runs(), looped(), looped())
    assert [one.iteration for one in found.given if one.node == "inner"] == [(0,), (1,)]


def test_a_loop_that_broke_off_is_left_out() -> None:
    found = recorded("check", loop_runs(status="FAILED"), looped(), looped())
    assert found.left_out == ("each", "inner")


def test_a_node_in_a_loop_is_refused_and_the_loop_named() -> None:
    with pytest.raises(RetryRefused) as caught:
        recorded("inner", loop_runs(), looped(), looped())
    assert caught.value.hint == "Replay from 'each'."


def test_a_wait_is_given_by_when_it_began() -> None:
    delay = node("pause", {"type": "utility.delay", "config": {"seconds": 5}})
    with_delay = document(delay)
    with_delay["connections"] += [{"source": "start", "target": "pause"}]
    entered = "2026-11-26T00:00:00Z"
    runs = [*RUNS, run("pause", kind="wait", input={"entered": entered}, output={"due": entered})]
    (pause,) = [one for one in recorded("check", runs, with_delay, with_delay).given if one.node == "pause"]
    assert (pause.entered, pause.record) == (entered, None)
