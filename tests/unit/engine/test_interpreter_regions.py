"""Parallel and Map: what their branches and iterations see, how they end."""

import asyncio
from typing import Any

import pytest

from tests.unit.engine.machines import Raised, ScriptedHost, machine, run, task
from tradeloom.engine.interpreter.failures import StatesError


def branch(*states: tuple[str, dict[str, Any]]) -> dict[str, Any]:
    return {"StartAt": states[0][0], "States": dict(states)}


def test_branches_give_their_outputs_in_order() -> None:
    async def slow(payload: Any) -> Any:
        await asyncio.sleep(0.02)
        return "slow"

    states = {
        "P": {
            "Type": "Parallel",
            "Branches": [
                branch(("A", task("slow", Output="{% $states.result.Payload %}"))),
                branch(("B", {"Type": "Pass", "Output": "quick", "End": True})),
            ],
            "Assign": {"first": "{% $states.result[0] %}"},
            "Next": "E",
        },
        "E": {"Type": "Succeed", "Output": {"all": "{% $states.input %}", "first": "{% $first %}"}},
    }
    assert run(machine(states), slow=slow) == {"all": ["slow", "quick"], "first": "slow"}


def test_branches_run_side_by_side() -> None:
    inside, most = 0, 0

    async def work(payload: Any) -> Any:
        nonlocal inside, most
        inside += 1
        most = max(most, inside)
        await asyncio.sleep(0.01)
        inside -= 1

    parallel = {"Type": "Parallel", "Branches": [branch((f"T{n}", task("work"))) for n in range(24)], "End": True}
    run(machine({"P": parallel}), work=work)
    assert most == 24


def test_a_branch_reads_outer_variables_and_assigns_its_own() -> None:
    states = {
        "S": {"Type": "Pass", "Assign": {"outer": 1}, "Next": "P"},
        "P": {
            "Type": "Parallel",
            "Branches": [
                branch(
                    ("A", {"Type": "Pass", "Assign": {"mine": "{% $outer + 1 %}"}, "Next": "A2"}),
                    ("A2", {"Type": "Pass", "Output": "{% $mine %}", "End": True}),
                ),
                branch(
                    ("B", {"Type": "Pass", "Assign": {"mine": "{% $outer + 2 %}"}, "Next": "B2"}),
                    ("B2", {"Type": "Pass", "Output": "{% $mine %}", "End": True}),
                ),
            ],
            "Next": "E",
        },
        "E": {"Type": "Succeed", "Output": {"all": "{% $states.input %}", "gone": "{% $exists($mine) %}"}},
    }
    assert run(machine(states)) == {"all": [2, 3], "gone": False}


def test_a_branch_may_not_assign_an_outer_variable() -> None:
    states = {
        "S": {"Type": "Pass", "Assign": {"outer": 1}, "Next": "P"},
        "P": {
            "Type": "Parallel",
            "Branches": [branch(("A", {"Type": "Pass", "Assign": {"outer": 2}, "End": True}))],
            "End": True,
        },
    }
    with pytest.raises(StatesError, match="outer scope"):
        run(machine(states))


def test_the_first_failure_ends_the_others_and_is_the_parallels() -> None:
    ended: list[str] = []

    async def long(payload: Any) -> Any:
        try:
            await asyncio.sleep(30)
        except asyncio.CancelledError:
            ended.append("long")
            raise

    async def fails(payload: Any) -> Any:
        await asyncio.sleep(0.01)
        raise Raised("NotANumber", "no value")

    caught = {"error": "{% $states.errorOutput.Error %}"}
    states = {
        "P": {
            "Type": "Parallel",
            "Branches": [branch(("A", task("long"))), branch(("B", task("fails"))), branch(("C", task("long")))],
            "Catch": [{"ErrorEquals": ["NotANumber"], "Output": caught, "Next": "E"}],
            "End": True,
        },
        "E": {"Type": "Succeed"},
    }
    assert run(machine(states), long=long, fails=fails) == {"error": "NotANumber"}
    assert ended == ["long", "long"]


def test_a_branch_that_fails_at_once_stops_those_not_begun() -> None:
    parallel = {
        "Type": "Parallel",
        "Branches": [branch(("F", {"Type": "Fail", "Error": "Now"})), branch(("A", task("f")))],
        "Catch": [{"ErrorEquals": ["Now"], "Next": "E"}],
        "End": True,
    }
    host = ScriptedHost({"f": lambda payload: asyncio.sleep(0.01)})
    run(machine({"P": parallel, "E": {"Type": "Succeed"}}), host=host)
    assert (host.strands.total, host.strands.moving) == (1, 1)


def test_nested_parallels_fail_as_one() -> None:
    inner = {
        "Type": "Parallel",
        "Branches": [branch(("I1", task("long"))), branch(("I2", task("long")))],
        "End": True,
    }
    outer = {
        "Type": "Parallel",
        "Branches": [branch(("Inner", inner)), branch(("B", task("fails")))],
        "End": True,
    }

    async def fails(payload: Any) -> Any:
        await asyncio.sleep(0.01)
        raise Raised("Broken")

    host = ScriptedHost({"long": lambda payload: asyncio.sleep(30), "fails": fails})
    with pytest.raises(StatesError, match="Broken"):
        run(machine({"P": outer}), host=host)
    assert (host.strands.total, host.strands.moving) == (1, 1)


def test_arguments_are_the_branches_input() -> None:
    parallel = {
        "Type": "Parallel",
        "Arguments": {"n": "{% $states.input.a %}"},
        "Branches": [branch(("A", {"Type": "Pass", "End": True}))],
        "End": True,
    }
    assert run(machine({"P": parallel}), {"a": 5, "b": 6}) == [{"n": 5}]


def loop(body: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "Type": "Map",
        "Items": "{% $states.input.items %}",
        "ItemSelector": {
            "item": "{% $states.context.Map.Item.Value %}",
            "index": "{% $states.context.Map.Item.Index %}",
            "all": "{% $count($states.input.items) %}",
        },
        "MaxConcurrency": 1,
        "ItemProcessor": {"ProcessorConfig": {"Mode": "INLINE"}, **body},
        "End": True,
        **more,
    }


def test_iterations_run_one_after_another() -> None:
    body = branch(("A", task("f", "{% $states.input %}", Output="{% $states.result.Payload %}")))
    order: list[Any] = []

    async def work(payload: Any) -> Any:
        order.append(("in", payload["index"]))
        await asyncio.sleep(0)
        order.append(("out", payload["index"]))
        return payload

    result = run(machine({"M": loop(body)}), {"items": ["x", None]}, f=work)
    assert result == [{"item": "x", "index": 0, "all": 2}, {"item": None, "index": 1, "all": 2}]
    assert order == [("in", 0), ("out", 0), ("in", 1), ("out", 1)]


def test_an_iteration_has_variables_and_an_address_of_its_own() -> None:
    body = branch(
        ("A", task("f", {"seen": "{% $exists($last) %}"}, Assign={"last": "{% $states.input.item %}"}, Next="B")),
        ("B", {"Type": "Pass", "Output": "{% $last %}", "End": True}),
    )
    host = ScriptedHost({"f": lambda payload: payload["seen"]})
    assert run(machine({"M": loop(body)}), {"items": [1, 2]}, host) == [1, 2]
    assert [(call.path, call.iteration, call.payload) for call in host.calls] == [
        ("M[0]/A", (0,), {"seen": False}),
        ("M[1]/A", (1,), {"seen": False}),
    ]


def test_no_items_are_no_iterations() -> None:
    assert run(machine({"M": loop(branch(("A", task("nobody"))))}), {"items": []}) == []


@pytest.mark.parametrize("items", [5, "abc", {"a": 1}, None])
def test_items_are_an_array(items: Any) -> None:
    with pytest.raises(StatesError) as caught:
        run(machine({"M": loop(branch(("A", {"Type": "Succeed"})))}), {"items": items})
    assert caught.value.error == "States.QueryEvaluationError"


def test_a_failed_iteration_is_the_maps_failure() -> None:
    def fails(payload: Any) -> Any:
        if payload["index"] == 1:
            raise Raised("BrokerUnavailable")
        return payload["index"]

    body = branch(("A", task("f", "{% $states.input %}", Output="{% $states.result.Payload %}")))
    host = ScriptedHost({"f": fails})
    caught = [{"ErrorEquals": ["States.ALL"], "Next": "E", "Output": "{% $states.errorOutput.Error %}"}]
    definition = machine({"M": loop(body, Catch=caught), "E": {"Type": "Succeed"}})
    assert run(definition, {"items": [1, 2, 3]}, host) == "BrokerUnavailable"
    assert len(host.calls) == 2


def test_nested_maps_know_their_own_item() -> None:
    inner = loop(branch(("A", {"Type": "Pass", "Output": "{% $states.input.item * 10 + $n %}", "End": True})))
    inner["Items"] = "{% $states.input.item %}"
    inner["ItemSelector"] = {"item": "{% $states.context.Map.Item.Value %}"}
    body = branch(
        ("S", {"Type": "Pass", "Assign": {"n": "{% $states.input.index %}"}, "Next": "Inner"}), ("Inner", inner)
    )
    assert run(machine({"M": loop(body)}), {"items": [[1, 2], [3]]}) == [[10, 20], [31]]


def test_a_retried_container_has_other_addresses() -> None:
    tries = 0

    def fails_once(payload: Any) -> Any:
        nonlocal tries
        tries += 1
        if tries == 1:
            raise Raised("Flaky")
        return "ok"

    host = ScriptedHost({"f": fails_once})
    parallel = {
        "Type": "Parallel",
        "Branches": [branch(("A", task("f", Output="{% $states.result.Payload %}")))],
        "Retry": [{"ErrorEquals": ["Flaky"], "IntervalSeconds": 1}],
        "End": True,
    }
    assert run(machine({"P": parallel}), host=host) == ["ok"]
    assert [call.path for call in host.calls] == ["P[0]/A", "P!1[0]/A"]
