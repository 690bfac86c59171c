"""The RSI example step by step over HTTP, with real workers and a real bridge: what a person edits is what happens."""

from typing import Any

from tests.support.local_machine import RunningMachine
from tests.support.workflow_examples import read_example


def dip_buyer(machine: RunningMachine) -> str:
    made: dict[str, Any] = machine.post("/workflows", read_example("rsi_dip_buyer"))
    return str(made["id"])


def start(machine: RunningMachine, workflow: str, **wanted: Any) -> dict[str, Any]:
    made: dict[str, Any] = machine.post(f"/workflows/{workflow}/debug", {"wait_s": 25, **wanted})
    return made


def do(machine: RunningMachine, session: dict[str, Any], action: str, **more: Any) -> dict[str, Any]:
    body = {"action": action, "wait_s": 25, **more}
    made: dict[str, Any] = machine.post(f"/executions/{session['execution']['id']}/debug", body)
    return made


def paused(session: dict[str, Any]) -> list[str]:
    return sorted(each["node"] for each in session["paused"])


def runs_of(session: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {run["node"]: run for run in session["execution"]["node_runs"]}


def test_an_edited_rsi_makes_the_dip_buyer_buy(machine: RunningMachine) -> None:
    session = start(machine, dip_buyer(machine))
    assert paused(session) == ["start"]
    session = do(machine, session, "step")
    assert paused(session) == ["bars"]
    session = do(machine, session, "step")
    assert paused(session) == ["atr", "own", "rsi"], "a layer's nodes pause side by side"
    session = do(machine, session, "step", node="rsi")
    assert paused(session) == ["atr", "own"]
    session = do(machine, session, "run_to", to="dip")
    (dip,) = session["paused"]
    assert dip["node"] == "dip"
    rsi = dip["inputs"]["rsi"]["output"]["value"]
    assert rsi > 30
    (expression,) = [each for each in dip["config"] if each["field"] == "expression"]
    assert (expression["written"], expression["value"]) == ("= nodes.rsi.value < 30 && nodes.own.count == 0", False)
    assert runs_of(session)["dip"]["state"] == "paused"

    session = do(machine, session, "set", node="dip", values={"nodes.rsi.value": 25})
    (dip,) = session["paused"]
    assert dip["inputs"]["rsi"]["output"]["value"] == 25
    assert [each["value"] for each in dip["config"] if each["field"] == "expression"] == [True]
    assert dip["edited"] == {"nodes.rsi.value": 25}
    session = do(machine, session, "continue")
    execution = session["execution"]
    assert (execution["status"], execution["error"], session["paused"]) == ("succeeded", None, [])
    assert (execution["account"], execution["test_mode"], execution["debugging"]) == ("paper-test", True, True)
    runs = runs_of(session)
    assert runs["dip"]["port"] == "true"
    assert runs["dip"]["edited"] == {"nodes.rsi.value": 25}
    assert runs["rsi"]["output"]["value"] == rsi, "what it really gave stays in the record"
    assert runs["buy"]["output"]["status"] == "done"
    (order,) = execution["orders"]
    assert order["state"] == "done"


def test_a_changed_setting_holds_for_this_run_only(machine: RunningMachine) -> None:
    workflow = dip_buyer(machine)
    session = start(machine, workflow, step=False, breakpoints=["rsi"])
    assert paused(session) == ["rsi"]
    bad = machine.ask(
        "POST",
        f"/executions/{session['execution']['id']}/debug",
        {"action": "set", "values": {"config.period": "x"}},
    )
    assert bad.status_code == 422
    assert bad.json()["error"]["name"] == "InvalidDocument"
    session = do(machine, session, "set", values={"config.period": 5})
    (rsi,) = session["paused"]
    assert [each["value"] for each in rsi["config"] if each["field"] == "period"] == [5]
    changed = runs_of(do(machine, session, "continue"))["rsi"]["output"]["value"]
    plain = machine.execute(workflow, test_mode=True)
    (real,) = [run["output"]["value"] for run in plain["node_runs"] if run["node"] == "rsi"]
    assert changed != real


def test_a_skipped_node_gives_what_it_is_told(machine: RunningMachine) -> None:
    session = start(machine, dip_buyer(machine), step=False, run_to="dip")
    assert paused(session) == ["dip"]
    refused = machine.ask(
        "POST", f"/executions/{session['execution']['id']}/debug", {"action": "skip", "port": "sideways"}
    )
    assert refused.status_code == 422
    session = do(machine, session, "skip", output={"result": False}, port="false")
    runs = runs_of(session)
    assert session["execution"]["status"] == "succeeded"
    assert (runs["dip"]["given"], runs["dip"]["port"], runs["buy"]["state"]) == ("by_hand", "false", "skipped")


def test_a_document_that_was_never_saved_can_be_debugged_and_stopped(machine: RunningMachine) -> None:
    document = read_example("rsi_dip_buyer")
    document["nodes"] = [node for node in document["nodes"] if node["id"] != "hourly"]
    document["connections"] = [each for each in document["connections"] if each["source"] != "hourly"]
    workflow = dip_buyer(machine)
    session = start(machine, workflow, document=document, breakpoints=["bars"], step=False)
    assert paused(session) == ["bars"]
    assert "hourly" not in runs_of(session)
    session = do(machine, session, "breakpoints", breakpoints=["atr"])
    session = do(machine, session, "continue")
    assert paused(session) == ["atr"]
    session = do(machine, session, "stop")
    assert session["execution"]["status"] == "stopped"
    late = machine.ask("POST", f"/executions/{session['execution']['id']}/debug", {"action": "step"})
    assert late.status_code == 409


def test_what_is_no_session_is_refused(machine: RunningMachine) -> None:
    workflow = dip_buyer(machine)
    plain = machine.execute(workflow, test_mode=True)
    assert machine.ask("GET", f"/executions/{plain['id']}/debug").status_code == 409
    assert machine.ask("GET", "/executions/nothing/debug").status_code == 404
    unknown = machine.ask("POST", f"/workflows/{workflow}/debug", {"breakpoints": ["nowhere"]})
    assert unknown.json()["error"]["field"] == "breakpoints"


def test_pins_count_in_test_mode_and_nowhere_else(machine: RunningMachine) -> None:
    workflow = dip_buyer(machine)
    assert machine.ask("PUT", f"/workflows/{workflow}/pins/nowhere", {"output": 1}).status_code == 404
    rsi = {"value": 12.5, "previous": 20, "signal": "oversold"}
    pin = machine.ask("PUT", f"/workflows/{workflow}/pins/rsi", {"output": rsi}).json()
    assert (pin["node"], pin["output"]) == ("rsi", rsi)
    tested = machine.execute(workflow, test_mode=True, until="dip")
    runs = {run["node"]: run for run in tested["node_runs"]}
    assert (runs["rsi"]["given"], runs["rsi"]["output"]) == ("pinned", rsi)
    assert runs["dip"]["output"]["result"] is True or runs["own"]["output"]["count"] > 0
    assert runs["size"]["state"] == "skipped", "nothing behind the node that was asked for runs"
    assert tested["until"] == "dip"
    real = machine.execute(workflow, until="dip")
    runs = {run["node"]: run for run in real["node_runs"]}
    assert runs["rsi"]["given"] is None
    assert runs["rsi"]["output"]["value"] > 30
    without = machine.execute(workflow, test_mode=True, use_pins=False, until="rsi")
    assert {run["node"]: run for run in without["node_runs"]}["rsi"]["given"] is None
    assert [pin["node"] for pin in machine.get(f"/workflows/{workflow}/pins")["items"]] == ["rsi"]
    assert machine.ask("DELETE", f"/workflows/{workflow}/pins/rsi").status_code == 204
    assert machine.get(f"/workflows/{workflow}/pins")["items"] == []


def test_one_node_runs_on_what_it_saw_in_the_last_execution(machine: RunningMachine) -> None:
    workflow = dip_buyer(machine)
    done = machine.post(f"/workflows/{workflow}/execute", {"wait_s": 25, "test_mode": True})
    seen = {run["node"]: run["output"] for run in done["node_runs"]}
    test = {
        "type": "condition.if",
        "node": "dip",
        "config": {"expression": "= nodes.rsi.value < 100"},
        "workflow_id": workflow,
    }
    assert machine.post("/nodes/test", test)["output"]["result"] is True
    test["config"] = {"a": "= nodes.rsi.value", "operator": "=", "b": seen["rsi"]["value"]}
    assert machine.post("/nodes/test", {**test, "workflow_id": None, "execution_id": done["id"]})["port"] == "true"
    assert machine.post("/nodes/test", {**test, "inputs": {"rsi": {"value": 1}}})["port"] == "false"
    for wrong in ({"workflow_id": None}, {"execution_id": done["id"]}, {"node": None}):
        answer = machine.ask("POST", "/nodes/test", {**test, **wrong})
        assert (answer.status_code, answer.json()["error"]["field"]) == (422, "node")
    assert machine.ask("POST", "/nodes/test", {**test, "node": "nowhere"}).status_code == 404
