"""Failed executions that go on, and old ones that are run again, through a whole machine."""

import itertools
from typing import Any

from tests.integration.debugging.test_debugging import dip_buyer
from tests.support.local_machine import RunningMachine

BUY: dict[str, Any] = {
    "id": "buy",
    "type": "order.market",
    "config": {"symbol": "EURUSD", "side": "buy", "volume": 0.1},
}
TELL: dict[str, Any] = {"id": "tell", "type": "notify.dashboard", "config": {"title": "Done", "message": "it is done"}}


def buys_then_calls(called: str, name: str = "Buys, then calls") -> dict[str, Any]:
    """Fails behind its order until there is a workflow of that name."""
    call = {"id": "call", "type": "utility.sub_workflow", "config": {"workflow": called}}
    nodes = [{"id": "start", "type": "trigger.manual"}, BUY, call, TELL]
    ids = [node["id"] for node in nodes]
    connections = [{"source": one, "target": other} for one, other in itertools.pairwise(ids)]
    return {"name": name, "nodes": nodes, "connections": connections}


def nothing_much(name: str) -> dict[str, Any]:
    return {"name": name, "nodes": [{"id": "start", "type": "trigger.manual"}], "connections": []}


def failed(machine: RunningMachine, called: str, **wanted: Any) -> tuple[str, dict[str, Any]]:
    workflow = machine.post("/workflows", buys_then_calls(called))
    done = machine.post(f"/workflows/{workflow['id']}/execute", {"wait_s": 25, **wanted})
    assert (done["status"], done["error"]["node"]) == ("failed", "call")
    return workflow["id"], done


def refusal(machine: RunningMachine, path: str, body: Any = None) -> dict[str, Any]:
    answer = machine.ask("POST", path, body)
    assert answer.status_code in {409, 422}, answer.text
    error: dict[str, Any] = answer.json()["error"]
    return error


def runs_of(execution: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {run["node"]: run for run in execution["node_runs"]}


def test_a_retry_goes_on_behind_its_order_and_orders_nothing_again(machine: RunningMachine) -> None:
    _, done = failed(machine, "Comes later")
    (order,) = done["orders"]
    assert refusal(machine, f"/executions/{done['id']}/retry", {"even_if_old": "yes"})["name"] == "InvalidRequest"
    again = machine.post(f"/executions/{done['id']}/retry", {"wait_s": 25})
    assert again["status"] == "failed", "there still is nothing to call"
    machine.post("/workflows", nothing_much("Comes later"))
    again = machine.post(f"/executions/{done['id']}/retry", {"wait_s": 25})
    assert (again["status"], again["error"], again["id"]) == ("succeeded", None, done["id"])
    assert [one["id"] for one in again["orders"]] == [order["id"]]
    assert [one["number"] for one in again["retries"]] == [1, 2]
    assert {one["by"] for one in again["retries"]} == {"local"}
    assert again["retries"][0]["error"]["node"] == "call"
    runs = runs_of(again)
    assert (runs["call"]["attempts"], runs["buy"]["attempts"], runs["tell"]["state"]) == (3, 1, "succeeded")
    assert runs["buy"]["output"]["ticket"] == runs_of(done)["buy"]["output"]["ticket"]
    error = refusal(machine, f"/executions/{done['id']}/retry")
    assert (error["name"], "succeeded" in error["message"]) == ("RetryRefused", True)


def test_a_retry_of_what_was_changed_since_is_refused(machine: RunningMachine) -> None:
    workflow, done = failed(machine, "Never there", test_mode=True)
    document = buys_then_calls("Never there", name="Another name")
    version = done["version"]
    saved = machine.ask("PUT", f"/workflows/{workflow}", document, headers={"If-Match": f'"{version}"'})
    assert saved.status_code == 200, saved.text
    error = refusal(machine, f"/executions/{done['id']}/retry")
    assert "changed since" in error["message"]
    replayed = machine.post(f"/executions/{done['id']}/replay", {"wait_s": 25, "version": "current"})
    assert (replayed["version"] != version, replayed["replay_of"]) == (True, done["id"])
    machine.ask("DELETE", f"/workflows/{workflow}")
    assert "deleted" in refusal(machine, f"/executions/{done['id']}/retry")["message"]


def test_a_replay_from_a_node_takes_the_rest_from_the_record(machine: RunningMachine) -> None:
    workflow = dip_buyer(machine)
    first = machine.post(f"/workflows/{workflow}/execute", {"wait_s": 25, "test_mode": True})
    again = machine.post(f"/executions/{first['id']}/replay", {"from_node": "dip", "wait_s": 25})
    assert (again["status"], again["test_mode"], again["from_node"]) == ("succeeded", True, "dip")
    assert again["as_of"] == first["as_of"]
    before, after = runs_of(first), runs_of(again)
    assert {node: run["given"] for node, run in after.items() if run["state"] == "succeeded"} == {
        "start": "recorded",
        "bars": "recorded",
        "rsi": "recorded",
        "atr": "recorded",
        "own": "recorded",
        "dip": None,
    }
    assert after["rsi"]["output"] == before["rsi"]["output"]
    assert "no node" in refusal(machine, f"/executions/{first['id']}/replay", {"from_node": "nowhere"})["message"]
    error = refusal(machine, f"/executions/{first['id']}/replay", {"from_node": "buy"})
    assert "was live" in error["message"], "it did not get that far"


def test_a_replay_trades_for_real_only_when_armed(machine: RunningMachine) -> None:
    _, done = failed(machine, "Really never there")
    assert refusal(machine, f"/executions/{done['id']}/replay", {"test_mode": False})["field"] == "arm"
    assert refusal(machine, f"/executions/{done['id']}/replay", {"arm": True})["field"] == "arm"
    tested = machine.post(f"/executions/{done['id']}/replay", {"wait_s": 25})
    assert (tested["account"], tested["status"]) == ("paper-test", "failed")
    armed = machine.post(f"/executions/{done['id']}/replay", {"wait_s": 25, "test_mode": False, "arm": True})
    assert armed["account"] == "paper"
    assert armed["orders"][0]["id"] != done["orders"][0]["id"], "it is another order"


def test_no_real_order_rests_on_what_a_test_run_recorded(machine: RunningMachine) -> None:
    _, done = failed(machine, "Nor there", test_mode=True)
    armed = {"test_mode": False, "arm": True, "wait_s": 25}
    error = refusal(machine, f"/executions/{done['id']}/replay", {**armed, "from_node": "buy"})
    assert (error["name"], error["field"]) == ("RetryRefused", "from_node")
    assert "no real order" in error["message"]
    again = machine.post(f"/executions/{done['id']}/replay", {"from_node": "buy", "wait_s": 25})
    assert again["account"] == "paper-test"
    whole = machine.post(f"/executions/{done['id']}/replay", armed)
    assert (whole["account"], whole["test_mode"]) == ("paper", False)


def test_a_halted_account_refuses_a_retry(machine: RunningMachine) -> None:
    _, done = failed(machine, "Not there either")
    machine.post("/accounts/paper/kill", {"mode": "pause", "reason": "a test"})
    try:
        assert refusal(machine, f"/executions/{done['id']}/retry")["name"] == "AccountHalted"
    finally:
        machine.post("/accounts/paper/resume", {"reason": "the test is over"})
