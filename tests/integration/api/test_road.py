"""The whole road over HTTP, on real processes: document in, order filled, everything told."""

import itertools
import time
from datetime import datetime, timedelta
from typing import Any

from tests.support.local_machine import RunningMachine
from tests.support.workflow_examples import EXAMPLES, read_example
from tradeloom.trading.broker import Position
from tradeloom.trading.mt5_broker import MT5Broker


def _workflow(*steps: dict[str, Any], name: str = "Chain", **settings: Any) -> dict[str, Any]:
    """A chain of nodes behind a manual trigger."""
    nodes = [{"id": "start", "type": "trigger.manual"}, *steps]
    connections = [{"source": one["id"], "target": other["id"]} for one, other in itertools.pairwise(nodes)]
    return {"name": name, "nodes": nodes, "connections": connections, "settings": settings}


BUY: dict[str, Any] = {
    "id": "buy",
    "type": "order.market",
    "config": {"symbol": "EURUSD", "side": "buy", "volume": 0.1},
}


def test_the_dip_buyer_fills_an_order_and_tells_it(machine: RunningMachine) -> None:
    workflow = machine.post("/workflows", read_example("rsi_dip_buyer"))
    done = machine.execute(workflow["id"])
    assert (done["status"], done["error"]) == ("succeeded", None)
    runs = {run["node"]: run for run in done["node_runs"]}
    assert [run["node"] for run in done["node_runs"]][:2] == ["start", "bars"]
    assert runs["hourly"]["state"] == "skipped"
    assert runs["dip"]["port"] == "true"
    assert round(runs["rsi"]["output"]["value"], 4) == 25.8415
    assert all(run["duration_ms"] > 0 for run in done["node_runs"] if run["state"] == "succeeded")
    order = runs["buy"]["output"]
    (position,) = _positions(machine, "paper")
    assert (position.ticket, position.price_open) == (order["ticket"], order["price"])
    assert position.workflow_id == workflow["id"]
    assert position.stop_loss is not None
    (told,) = machine.get("/notifications")["items"]
    assert told["title"] == "Bought the dip"
    assert told["execution_id"] == done["id"]
    again = machine.execute(workflow["id"])
    assert {run["node"]: run for run in again["node_runs"]}["dip"]["port"] == "false", "it holds a position now"


def test_test_mode_trades_on_the_private_account(machine: RunningMachine) -> None:
    before = len(_positions(machine, "paper")), len(_positions(machine, "paper-test"))
    workflow = machine.post("/workflows", _workflow(BUY))
    done = machine.execute(workflow["id"], test_mode=True)
    assert (done["status"], done["account"], done["test_mode"]) == ("succeeded", "paper-test", True)
    assert len(_positions(machine, "paper")) == before[0]
    assert len(_positions(machine, "paper-test")) == before[1] + 1


def test_a_workflow_tells_its_last_run_and_leaves_tests_out(machine: RunningMachine) -> None:
    broken = {"id": "price", "type": "market.live_price", "config": {"symbol": "NOPE"}}
    workflow = machine.post("/workflows", _workflow(broken, name="Told in the list"))
    machine.execute(workflow["id"], test_mode=True)
    assert workflow["last_run"] is machine.get(f"/workflows/{workflow['id']}")["last_run"] is None
    ran = machine.execute(workflow["id"])
    machine.execute(workflow["id"], test_mode=True)
    told = {name: ran[name] for name in ("id", "status", "has_errors", "started_at")}
    assert told["status"] == "failed"
    (listed,) = [each for each in machine.get("/workflows")["items"] if each["id"] == workflow["id"]]
    assert listed["last_run"] == machine.get(f"/workflows/{workflow['id']}")["last_run"] == told


def test_waiting_moves_a_standing_market_and_nothing_else_does(machine: RunningMachine) -> None:
    delay = {"id": "pause", "type": "utility.delay", "config": {"seconds": 7200}}
    workflow = machine.post("/workflows", _workflow(delay, BUY, timeout_s=10_000))
    before = _market_time(machine)
    done = machine.execute(workflow["id"])
    assert done["status"] == "succeeded"
    assert done["duration_ms"] < 60_000, "two market hours, not two of ours"
    after = _market_time(machine)
    assert after - before == timedelta(hours=2)
    tested = machine.execute(workflow["id"], test_mode=True)
    assert datetime.fromisoformat(tested["as_of"]) == after, "the private market is brought to the real one's time"


def test_a_schedule_that_comes_due_on_the_way_fires_at_its_time(machine: RunningMachine) -> None:
    hourly = _workflow({"id": "tell", "type": "notify.dashboard", "config": {"title": "Hour", "message": "It is time"}})
    hourly["nodes"][0] = {
        "id": "start",
        "type": "trigger.schedule",
        "config": {"kind": "cron", "expression": "0 * * * *"},
    }
    scheduled = machine.post("/workflows", {**hourly, "name": "Hourly"})
    due = (_market_time(machine) + timedelta(hours=1)).replace(minute=0)
    switched = machine.post(f"/workflows/{scheduled['id']}/toggle", {"active": True})
    assert datetime.fromisoformat(switched["next_fire"]) == due
    schedule = machine.get(f"/workflows/{scheduled['id']}/schedule?count=2")
    assert (schedule["active"], schedule["account"], schedule["items"][0]["failure"]) == (True, "paper", None)
    fires = [datetime.fromisoformat(fire["at"]) for fire in schedule["items"][0]["fires"]]
    assert fires == [due, due + timedelta(hours=1)]
    delay = {"id": "pause", "type": "utility.delay", "config": {"seconds": 3900}}
    waiting = machine.post("/workflows", _workflow(delay, timeout_s=10_000))
    assert machine.execute(waiting["id"])["status"] == "succeeded"
    page = _until(lambda: machine.get(f"/workflows/{scheduled['id']}/executions"), lambda page: page["total"] == 1)
    assert datetime.fromisoformat(page["items"][0]["as_of"]) == due
    last = _until(
        lambda: machine.get(f"/workflows/{scheduled['id']}/schedule")["items"][0]["last_fire"],
        lambda at: datetime.fromisoformat(at) == due,
    )
    assert last
    machine.post(f"/workflows/{scheduled['id']}/toggle", {"active": False})


def test_a_workflow_that_repeats_itself_opens_nothing_until_a_person_says_so(machine: RunningMachine) -> None:
    account = _account(machine, "paper")
    limits = account.state().limits
    account.set_limits(limits.model_copy(update={"max_repeats": 2}), reason="careful", by="watcher")
    workflow = machine.post("/workflows", _workflow(BUY, name="Repeats itself"))
    try:
        done = [machine.execute(workflow["id"])["status"] for _ in range(4)]
        assert done == ["succeeded", "succeeded", "failed", "failed"]
        (throttled,) = machine.get("/accounts/paper")["throttled"]
        assert throttled["workflow_id"] == workflow["id"]
        body = {"reason": "looked at it", "workflow_id": workflow["id"]}
        assert machine.post("/accounts/paper/resume", body)["throttled"] == []
        assert machine.execute(workflow["id"])["status"] == "succeeded"
    finally:
        account.set_limits(limits, reason="as before", by="Ada", clear=True)


def test_an_execution_can_be_stopped(machine: RunningMachine) -> None:
    before = _positions(machine, "paper")
    _account(machine, "paper").set_speed(1)
    _until(lambda: machine.machine.clocks["paper"].speed, lambda speed: speed == 1)
    delay = {"id": "pause", "type": "utility.delay", "config": {"seconds": 3600}}
    workflow = machine.post("/workflows", _workflow(delay, BUY, timeout_s=10_000))
    begun = machine.post(f"/workflows/{workflow['id']}/execute")
    _until(
        lambda: machine.get(f"/executions/{begun['id']}"),
        lambda found: any(run["state"] == "waiting" for run in found["node_runs"]),
    )
    machine.post(f"/executions/{begun['id']}/stop")
    ended = _until(lambda: machine.get(f"/executions/{begun['id']}"), lambda found: found["status"] == "stopped")
    assert ended["error"]["name"] == "ExecutionStopped"
    assert len(_positions(machine, "paper")) == len(before)
    assert machine.post(f"/executions/{begun['id']}/stop")["status"] == "stopped"
    _account(machine, "paper").set_speed(0)
    _until(lambda: machine.machine.clocks["paper"].speed, lambda speed: speed == 0)


def test_a_failing_node_is_told_with_its_error(machine: RunningMachine) -> None:
    broken = {"id": "price", "type": "market.live_price", "config": {"symbol": "NOPE"}}
    workflow = machine.post("/workflows", _workflow(broken))
    done = machine.execute(workflow["id"])
    assert done["status"] == "failed"
    assert (done["error"]["name"], done["error"]["node"]) == ("NotFound", "price")
    assert "NOPE" in done["error"]["message"]
    assert machine.get(f"/workflows/{workflow['id']}/executions?status=failed")["total"] == 1
    assert machine.get(f"/workflows/{workflow['id']}/executions?status=succeeded")["total"] == 0


def test_a_node_is_tested_alone_through_its_real_handler(machine: RunningMachine) -> None:
    test = {"type": "condition.if", "config": {"a": "= inputs.rsi.value", "operator": "<", "b": 30}}
    yes = machine.post("/nodes/test", {**test, "inputs": {"rsi": {"value": 24.5}}})
    no = machine.post("/nodes/test", {**test, "inputs": {"rsi": {"value": 55}}})
    assert (yes["state"], yes["port"], no["port"]) == ("succeeded", "true", "false")
    missing = machine.post("/nodes/test", test)
    assert (missing["state"], missing["error"]["name"]) == ("failed", "ExpressionError")
    bars = machine.post(
        "/nodes/test", {"type": "market.history", "config": {"symbol": "EURUSD", "timeframe": "H1", "count": 50}}
    )
    assert bars["output"]["count"] == 50
    before = len(_positions(machine, "paper"))
    ordered = machine.post("/nodes/test", {"type": "order.market", "config": BUY["config"]})
    assert ordered["output"]["status"] == "done"
    assert len(_positions(machine, "paper")) == before


def test_a_bad_node_test_has_all_its_problems(machine: RunningMachine) -> None:
    bad = machine.ask("POST", "/nodes/test", {"type": "indicator.rsi", "config": {"period": 0, "colour": "red"}})
    assert bad.status_code == 422
    assert {problem["field"] for problem in bad.json()["error"]["problems"]} >= {"config.period", "config.colour"}
    unknown = machine.ask("POST", "/nodes/test", {"type": "indicator.nope"})
    assert (unknown.status_code, unknown.json()["error"]["name"]) == (404, "NotFound")


def test_starts_that_cannot_be_are_told(machine: RunningMachine) -> None:
    workflow = machine.post("/workflows", _workflow(BUY))
    wrong = machine.ask("POST", f"/workflows/{workflow['id']}/execute", {"trigger": "buy"})
    assert (wrong.status_code, wrong.json()["error"]["field"]) == (422, "trigger")
    elsewhere = machine.post("/workflows", _workflow(BUY, broker_account="live-42"))
    for way, body in (("execute", {}), ("execute", {"test_mode": True}), ("toggle", {"active": True})):
        refused = machine.ask("POST", f"/workflows/{elsewhere['id']}/{way}", body)
        assert refused.status_code == 422
        assert "live-42" in refused.json()["error"]["message"]
    assert machine.get(f"/workflows/{elsewhere['id']}")["active"] is False
    assert machine.ask("GET", "/executions/nope").status_code == 404
    assert machine.ask("POST", "/executions/nope/stop").status_code == 404
    assert machine.ask("POST", "/workflows/nope/execute").status_code == 404


def test_saving_keeps_versions_and_an_active_workflow_goes_on_with_the_new_one(machine: RunningMachine) -> None:
    workflow = machine.post("/workflows", _workflow(BUY))
    path = f"/workflows/{workflow['id']}"
    machine.post(f"{path}/toggle", {"active": True})
    changed = _workflow({**BUY, "config": {**BUY["config"], "volume": 0.2}})
    stale = machine.ask("PUT", path, changed, headers={"If-Match": '"' + "0" * 64 + '"'})
    assert (stale.status_code, stale.json()["error"]["name"]) == (409, "Conflict")
    saved = machine.ask("PUT", path, changed, headers={"If-Match": f'"{workflow["version"]}"'})
    assert saved.status_code == 200
    assert saved.json()["active"] is True
    done = machine.execute(workflow["id"])
    assert done["version"] == saved.json()["version"]
    assert {run["node"]: run for run in done["node_runs"]}["buy"]["output"]["volume"] == 0.2
    assert machine.ask("DELETE", path).status_code == 204
    assert machine.ask("GET", path).status_code == 404
    assert machine.get(f"/executions/{done['id']}")["status"] == "succeeded", "what ran can still be read"


def test_every_example_can_be_saved(machine: RunningMachine) -> None:
    before = machine.get("/workflows")["total"]
    for name in EXAMPLES:
        assert machine.ask("POST", "/workflows", read_example(name)).status_code == 201
    assert machine.get("/workflows")["total"] == before + len(EXAMPLES)


def test_a_killed_bridge_comes_back(machine: RunningMachine) -> None:
    workflow = machine.post("/workflows", _workflow(BUY))
    process = machine.machine.market._process
    assert process is not None
    process.kill()
    _until(lambda: machine.get("/health"), lambda health: health["status"] == "ok", after=1.5)
    done = machine.execute(workflow["id"])
    assert done["status"] == "succeeded"


def _account(machine: RunningMachine, name: str) -> MT5Broker:
    client = machine.machine.market.client
    assert client is not None
    return client.account(name)


def _positions(machine: RunningMachine, account: str) -> list[Position]:
    return _account(machine, account).positions()


def _market_time(machine: RunningMachine) -> datetime:
    return datetime.fromisoformat(machine.get("/health")["accounts"][0]["market_time"])


def _until(read: Any, wanted: Any, *, seconds: float = 90, after: float = 0) -> Any:
    time.sleep(after)
    give_up = time.monotonic() + seconds
    while True:
        found = read()
        if wanted(found):
            return found
        assert time.monotonic() < give_up, found
        time.sleep(0.05)
