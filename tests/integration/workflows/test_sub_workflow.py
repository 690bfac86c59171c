"""Workflows that call workflows, on the whole machine."""

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from tests.integration.workflows.drawing import chain, node, run, run_again
from tests.support.local_machine import RunningMachine


def doubler(name: str) -> dict[str, Any]:
    twice = {"name": "twice", "expression": "trigger.payload.x * 2"}
    return chain(node("first", "utility.merge"), node("twice", "utility.formula", formulas=[twice]), name=name)


def caller(name: str, **config: Any) -> dict[str, Any]:
    return chain(node("call", "utility.sub_workflow", workflow=name, **config), name=f"calls {name}")


def test_it_takes_the_payload_and_gives_the_last_output(machine: RunningMachine) -> None:
    called = machine.post("/workflows", doubler("Doubler"))
    done = run(machine, caller("Doubler", payload={"x": "= 20 + 1"}, outputs=["first", "nothing"]))
    output = done["runs"]["call"]["output"]
    assert (output["status"], output["output"]["value"]) == ("succeeded", 42)
    assert set(output["outputs"]) == {"first", "nothing"}
    assert output["outputs"]["nothing"] is None
    own = machine.get(f"/executions/{output['execution_id']}")
    assert (own["workflow_id"], own["status"], own["test_mode"]) == (called["id"], "succeeded", False)


def test_test_mode_carries_over(machine: RunningMachine) -> None:
    machine.post("/workflows", doubler("Doubler in tests"))
    done = run(machine, caller("Doubler in tests", payload={"x": 1}), test_mode=True)
    own = machine.get(f"/executions/{done['runs']['call']['output']['execution_id']}")
    assert (own["test_mode"], own["account"]) == (True, "paper-test")


def test_its_failure_is_told_with_where_and_why(machine: RunningMachine) -> None:
    machine.post("/workflows", chain(node("price", "market.live_price", symbol="NOPE", timeframe="H1"), name="Breaks"))
    done = run(machine, caller("Breaks"))
    assert done["error"]["name"] == "SubWorkflowFailed"
    assert "Breaks failed at price" in done["error"]["message"]
    assert "NOPE" in done["error"]["message"]


def test_nobody_calls_himself(machine: RunningMachine) -> None:
    done = run(machine, chain(node("call", "utility.sub_workflow", workflow="Ouroboros"), name="Ouroboros"))
    assert done["error"]["name"] == "InvalidInput"
    assert "would call itself" in done["error"]["message"]
    one = machine.post("/workflows", caller("calls Yang") | {"name": "Yang"})
    machine.post("/workflows", caller("Yang"))
    assert "would call itself" in run_again(machine, one["id"])["error"]["message"]


def test_four_deep_and_no_deeper(machine: RunningMachine) -> None:
    machine.post("/workflows", chain(node("end", "utility.merge"), name="Level 5"))
    for level in range(4, -1, -1):
        document = chain(node("call", "utility.sub_workflow", workflow=f"Level {level + 1}"), name=f"Level {level}")
        last = machine.post("/workflows", document)
    done = run_again(machine, last["id"])
    assert "4 deep" in done["error"]["message"]
    second = machine.get("/workflows?limit=100")["items"]
    (level_1,) = [each for each in second if each["name"] == "Level 1"]
    assert run_again(machine, level_1["id"])["status"] == "succeeded"


def test_callers_that_wait_leave_workers_to_those_they_call(machine: RunningMachine) -> None:
    machine.post("/workflows", doubler("Doubler of many"))
    workflow = machine.post("/workflows", caller("Doubler of many", payload={"x": 2}))
    with ThreadPoolExecutor(16) as threads:
        done = list(threads.map(lambda _: run_again(machine, workflow["id"]), range(16)))
    assert [each["status"] for each in done] == ["succeeded"] * 16


def test_the_market_moves_on_while_one_waits_for_another(machine: RunningMachine) -> None:
    machine.post("/workflows", chain(node("wait", "utility.delay", seconds=600), name="Sleeps", timeout_s=7_200))
    before = machine.get("/health")
    done = run(machine, caller("Sleeps"))
    assert done["status"] == "succeeded", before


def test_what_is_called_stops_acting_with_its_caller(machine: RunningMachine) -> None:
    add = node("add", "utility.variables", action="add", name="acted", scope="shared") | {"parent": "rep"}
    pause = node("pause", "utility.delay", mode="seconds", seconds="= 5.0") | {"parent": "rep"}
    rounds = node("rep", "utility.loop", over="count", count=400, max_iterations=400)
    machine.post("/workflows", chain(rounds, add, pause, name="Acts on", timeout_s=30_000_000))
    workflow = machine.post("/workflows", caller("Acts on"))
    started = machine.post(f"/workflows/{workflow['id']}/execute", {})
    call = _running(machine, "Acts on")
    machine.post(f"/executions/{started['id']}/stop")
    give_up = time.monotonic() + 60
    while (own := machine.get(f"/executions/{call}"))["status"] in {"running", "pending"}:
        assert time.monotonic() < give_up
        time.sleep(0.2)
    assert own["error"]["name"] == "ExecutionStopped"
    assert "called this one was stopped" in own["error"]["message"]


def _running(machine: RunningMachine, name: str) -> str:
    """The id of the execution of the workflow with this name, once there is one."""
    (workflow,) = [each for each in machine.get("/workflows?limit=100")["items"] if each["name"] == name]
    give_up = time.monotonic() + 60
    while not (items := machine.get(f"/workflows/{workflow['id']}/executions")["items"]):
        assert time.monotonic() < give_up
        time.sleep(0.05)
    return str(items[0]["id"])
