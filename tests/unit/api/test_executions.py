"""The execution routes."""

from typing import Any

import pytest

from tests.unit.api.conftest import Ask
from tests.unit.api.fake_executions import FakeExecutions
from tests.unit.api.fake_workflows import DOCUMENT
from tradeloom.api.models.executions import Execute
from tradeloom.api.ports import Ports


@pytest.fixture
def workflow(ask: Ask) -> str:
    made: str = ask("POST", "/workflows", DOCUMENT).json["id"]
    return made


def test_a_start_answers_at_once_and_says_where_to_look(ask: Ask, workflow: str) -> None:
    answer = ask("POST", f"/workflows/{workflow}/execute")
    assert answer.status == 202
    assert answer.json["status"] == "running"
    assert answer.headers["Location"] == f"/api/agentic/executions/{answer.json['id']}"


def test_a_start_that_waited_for_the_end_answers_200(ask: Ask, workflow: str) -> None:
    answer = ask("POST", f"/workflows/{workflow}/execute", {"wait_s": 5})
    assert (answer.status, answer.json["status"]) == (200, "succeeded")


def test_what_was_asked_reaches_the_engine(ask: Ask, ports: Ports, workflow: str) -> None:
    asked = {"test_mode": True, "payload": {"why": "by hand"}, "trigger": "start"}
    assert ask("POST", f"/workflows/{workflow}/execute", asked).json["test_mode"] is True
    executions = ports.executions
    assert isinstance(executions, FakeExecutions)
    assert executions.started == [("acme", "user-1", workflow, Execute(**asked))]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"wait_s": 26}, "wait_s"),
        ({"wait_s": -1}, "wait_s"),
        ({"test_mode": "maybe"}, "test_mode"),
        ({"payload": [1]}, "payload"),
        ({"trigger": "a" * 25}, "trigger"),
        ({"surprise": 1}, "surprise"),
    ],
)
def test_a_bad_start_names_the_field(ask: Ask, workflow: str, body: dict[str, Any], field: str) -> None:
    answer = ask("POST", f"/workflows/{workflow}/execute", body)
    assert answer.status == 422
    assert answer.error["field"] == field


def test_a_workflows_executions_by_status(ask: Ask, workflow: str) -> None:
    ask("POST", f"/workflows/{workflow}/execute")
    ask("POST", f"/workflows/{workflow}/execute", {"wait_s": 1})
    every = ask("GET", f"/workflows/{workflow}/executions").json
    assert [item["status"] for item in every["items"]] == ["succeeded", "running"]
    some = ask("GET", f"/workflows/{workflow}/executions", query={"status": "running", "limit": "1"}).json
    assert (some["total"], some["items"][0]["status"]) == (1, "running")
    assert "node_runs" not in some["items"][0]
    assert ask("GET", f"/workflows/{workflow}/executions", query={"status": "happy"}).error["field"] == "status"


def test_an_execution_shows_its_node_runs(ask: Ask, workflow: str) -> None:
    made = ask("POST", f"/workflows/{workflow}/execute", {"wait_s": 1}).json
    found = ask("GET", f"/executions/{made['id']}").json
    assert [(run["node"], run["state"], run["duration_ms"]) for run in found["node_runs"]] == [
        ("start", "succeeded", 8.0),
        ("tell", "succeeded", 8.0),
    ]


def test_a_log_is_read_on_from_where_one_stopped(ask: Ask, workflow: str) -> None:
    made = ask("POST", f"/workflows/{workflow}/execute").json
    first = ask("GET", f"/executions/{made['id']}/logs", query={"limit": "1"}).json
    assert [line["seq"] for line in first["items"]] == [2]
    rest = ask("GET", f"/executions/{made['id']}/logs", query={"after": str(first["next_after"])}).json
    assert [line["level"] for line in rest["items"]] == ["warning"]


def test_stopping_stops_once(ask: Ask, workflow: str) -> None:
    made = ask("POST", f"/workflows/{workflow}/execute").json
    assert ask("POST", f"/executions/{made['id']}/stop").json["status"] == "stopped"
    assert ask("POST", f"/executions/{made['id']}/stop").json["status"] == "stopped"


@pytest.mark.parametrize(("method", "path"), [("GET", ""), ("GET", "/logs"), ("POST", "/stop")])
def test_another_tenants_execution_is_not_there(ask: Ask, workflow: str, method: str, path: str) -> None:
    made = ask("POST", f"/workflows/{workflow}/execute").json
    claims = {"custom:tenant_id": "other", "sub": "user-9"}
    assert ask(method, f"/executions/{made['id']}{path}", claims=claims).status == 404
    assert ask("GET", f"/executions/{made['id']}").json["status"] == "running"


def test_executions_of_a_period(ask: Ask, workflow: str) -> None:
    ask("POST", f"/workflows/{workflow}/execute")
    past, future = "2020-01-01T00:00:00Z", "2100-01-01T00:00:00Z"
    periods = [{"since": past}, {"before": past}, {"since": past, "before": future}]
    assert [ask("GET", "/executions", query=period).json["total"] for period in periods] == [1, 0, 1]
    answer = ask("GET", "/executions", query={"since": "yesterday"})
    assert (answer.status, answer.error["field"]) == (422, "since")


def test_what_it_runs_and_why_it_did_not_trade(ask: Ask, workflow: str) -> None:
    name = ask("POST", f"/workflows/{workflow}/execute").json["id"]
    assert ask("GET", f"/executions/{name}/document").json["document"]["name"] == "Say hello"
    assert ask("GET", f"/executions/{name}/decisions").json == {"can_trade": False, "idle": [], "stops": []}
    assert ask("GET", "/executions/nothing/document").status == 404
    assert ask("GET", "/executions/nothing/decisions").status == 404
