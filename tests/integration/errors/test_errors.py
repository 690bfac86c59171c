"""Error workflows and what executions made, on a whole machine."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tests.support.documents import document, node
from tests.support.eventually import eventually
from tests.support.local_machine import RunningMachine
from tests.support.postgres import new_database, postgres_server

__all__ = ["postgres_server"]

PATIENCE_S = 60.0
BUY = {"symbol": "EURUSD", "side": "buy", "volume": 0.4}


@pytest.fixture(scope="module")
def dsn(postgres_server: str) -> str:
    return new_database(postgres_server)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("errors")


@pytest.fixture(scope="module")
def machine(home: Path, dsn: str) -> Iterator[RunningMachine]:
    with RunningMachine(home, dsn) as running:
        yield running


def named(name: str, *nodes: dict[str, Any], **settings: Any) -> dict[str, Any]:
    """The nodes one behind another."""
    ways = [f"{before['id']} > {after['id']}" for before, after in pairwise(nodes)]
    return document(list(nodes), *ways, settings=settings) | {"name": name}


def execute(machine: RunningMachine, workflow_id: str, **wanted: Any) -> dict[str, Any]:
    return dict(machine.post(f"/workflows/{workflow_id}/execute", {"wait_s": 25, **wanted}))


def test_a_failure_starts_the_error_workflow(machine: RunningMachine) -> None:
    refused = machine.ask("POST", "/workflows", named("Fails", node("start"), error_workflow="Tell"))
    assert refused.status_code == 422
    assert refused.json()["error"]["problems"][0]["field"] == "settings.error_workflow"
    message = "= trigger.error + ' in ' + trigger.node_name + ' of ' + trigger.workflow_name"
    tell = machine.post(
        "/workflows",
        named(
            "Tell",
            node("failed", "trigger.error"),
            node("say", "notify.dashboard", config={"title": "Failed", "message": message, "type": "error"}),
        ),
    )
    price = node("price", "market.live_price", name="Its price", config={"symbol": "NOSUCH", "timeframe": "H1"})
    fails = machine.post("/workflows", named("Fails", node("start"), price, error_workflow="Tell"))
    failed = execute(machine, fails["id"])
    assert failed["status"] == "failed"
    (started,) = eventually(
        lambda: machine.get(f"/workflows/{tell['id']}/executions")["items"],
        lambda items: bool(items) and items[0]["status"] == "succeeded",
        PATIENCE_S,
    )
    assert machine.get(f"/executions/{started['id']}")["payload"]["execution_id"] == failed["id"]
    (said,) = [each for each in machine.get("/notifications")["items"] if each["title"] == "Failed"]
    assert said["message"] == f"{failed['error']['name']} in Its price of Fails"
    assert execute(machine, fails["id"], test_mode=True)["status"] == "failed"
    circle = named("Tell", node("failed", "trigger.error"), error_workflow=fails["id"])
    answer = machine.ask("PUT", f"/workflows/{tell['id']}", circle, headers={"If-Match": "*"})
    assert answer.status_code == 422
    assert "circle" in answer.json()["error"]["message"]
    assert len(machine.get(f"/workflows/{tell['id']}/executions")["items"]) == 1, "test mode started none"


def test_a_file_that_names_one_can_be_run_alone(tmp_path: Path) -> None:
    drawn = named("Alone", node("start"), node("note", "utility.merge"), error_workflow="Tell")
    (tmp_path / "alone.json").write_text(json.dumps(drawn))
    command = [str(Path(sys.executable).with_name("tradeloom")), "run", str(tmp_path / "alone.json"), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_what_one_opened_and_another_closed_is_told_on_both(machine: RunningMachine, home: Path, dsn: str) -> None:
    before = balance(machine)
    opens = machine.post("/workflows", named("Opens", node("start"), node("buy", "order.market", config=BUY)))
    ticket = {"by": "ticket", "ticket": "= trigger.payload.ticket"}
    half = node("half", "order.close", config=ticket | {"volume_percent": 50})
    rest = node("rest", "order.close", config=ticket)
    closes = machine.post("/workflows", named("Closes", node("start"), half, rest))
    opener = execute(machine, opens["id"])
    assert opener["trades"] | {"results": []} == {
        "state": "open", "orders": 1, "executed": 1, "volume": 0.4, "trades": 0, "profit": None, "currency": None,
        "results": [], "closed_others": [],
    }  # fmt: skip
    (bought,) = [run for run in opener["node_runs"] if run["node"] == "buy"]
    closer = execute(machine, closes["id"], payload={"ticket": bought["output"]["ticket"]})
    assert closer["status"] == "succeeded", closer
    told = eventually(
        lambda: machine.get(f"/executions/{opener['id']}")["trades"],
        lambda trades: trades["state"] == "closed",
        PATIENCE_S,
    )
    moved = balance(machine) - before
    assert (told["trades"], round(told["profit"], 8), told["currency"]) == (2, round(moved, 8), "USD")
    (other,) = machine.get(f"/executions/{closer['id']}")["trades"]["closed_others"]
    assert (other["trades"], round(other["net"], 8), other["volume"]) == (2, round(moved, 8), 0.4)
    page = machine.get(f"/workflows/{opens['id']}/executions")
    assert page["items"][0]["trades"] == told
    assert [round(each["net"], 8) for each in page["results"]] == [round(moved, 8)]
    every = {each["id"]: each for each in machine.get("/executions?limit=200")["items"]}
    assert (every[opener["id"]]["trades"], every[opener["id"]]["workflow_name"]) == (told, "Opens")
    assert every[closer["id"]]["trades"]["profit"] is None
    command = [str(Path(sys.executable).with_name("tradeloom")), "executions", "Opens"]
    environment = os.environ | {"TRADELOOM_HOME": str(home), "DATABASE_URL": dsn, "COLUMNS": "200"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    assert f"{moved:+,.2f} USD" in done.stdout
    assert "closed" in done.stdout
    as_json = subprocess.run([*command, "--json"], capture_output=True, text=True, env=environment, check=False)
    assert json.loads(as_json.stdout)["items"][0]["trades"] == told


def test_runs_that_were_not_are_told(machine: RunningMachine) -> None:
    """Nothing fires here, as when the scheduler stands still; the market goes on for three hours."""
    clock = node("clock", "trigger.schedule", config={"kind": "rate", "expression": "1 hour"})
    made = machine.post("/workflows", named("Clockwork", clock, expect_run_every_s=600))
    machine.post(f"/workflows/{made['id']}/toggle", {"active": True})
    machine.on_loop(machine.machine.expectations.look())
    client = machine.machine.market.client
    assert client is not None
    broker = client.account("paper")
    broker.advance(broker.market_time() + timedelta(hours=3, minutes=5))

    def told() -> dict[str, str]:
        machine.on_loop(machine.machine.expectations.look())
        items = machine.get("/notifications?limit=100")["items"]
        return {each["title"]: each["message"] for each in items if each["workflow_id"] == made["id"]}

    found = eventually(told, lambda titles: len(titles) >= 2, PATIENCE_S)
    assert found.keys() == {"Clockwork did not run 3 times", "Clockwork is silent"}
    assert "was not started in time" in found["Clockwork did not run 3 times"]
    assert told() == found, "each is told once"
    machine.post(f"/workflows/{made['id']}/toggle", {"active": False})


def balance(machine: RunningMachine) -> float:
    (found,) = [each for each in machine.get("/health")["accounts"] if each["name"] == "paper"]
    return float(found["balance"])
