"""An order whose answer is lost, from the workflow that waits for it to the row that shows it: the whole machine."""

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
from typer.testing import CliRunner

from mt5_bridge.paper.config import CONFIG_FILE
from tests.support.documents import document, node
from tests.support.local_machine import RunningMachine
from tests.support.postgres import new_database, postgres_server
from tradeloom.cli.app import app
from tradeloom.local.home import Home
from tradeloom.local.market import ACCOUNT, PaperMarket, bundled_data

__all__ = ["postgres_server"]

LOST = {"kind": "timeout", "executed": True, "history_lag_s": 9}
BUY = {"symbol": "EURUSD", "side": "buy", "volume": 0.1}


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory, postgres_server: str) -> Iterator[RunningMachine]:
    """Its broker loses the answer to the first order, and shows what it did only nine seconds later."""
    root = tmp_path_factory.mktemp("machine")
    home = Home(root)
    PaperMarket(home, bundled_data())._write_terminals()
    terminal = home.terminals / ACCOUNT / CONFIG_FILE
    terminal.write_text(json.dumps(json.loads(terminal.read_text()) | {"faults": [LOST]}))
    with RunningMachine(root, new_database(postgres_server)) as running:
        yield running


@pytest.fixture(scope="module")
def workflow(machine: RunningMachine) -> str:
    drawn = document([node("t", "trigger.manual"), node("buy", "order.market", config=BUY)], "t > buy")
    return str(machine.post("/workflows", drawn)["id"])


def until(machine: RunningMachine, execution: str, found: Any, timeout_s: float = 90) -> Any:
    give_up = time.monotonic() + timeout_s
    while True:
        shown = machine.get(f"/executions/{execution}")
        if found(shown):
            return shown
        assert time.monotonic() < give_up, json.dumps(shown)
        time.sleep(0.2)


def buy_run(shown: Any) -> Any:
    return next((run for run in shown["node_runs"] if run["node"] == "buy"), {"state": "none"})


def test_a_workflow_waits_for_an_order_nobody_knows_the_fate_of(machine: RunningMachine, workflow: str) -> None:
    execution = machine.post(f"/workflows/{workflow}/execute", {})["id"]
    waiting = until(machine, execution, lambda shown: buy_run(shown)["state"] == "waiting")
    (order,) = waiting["orders"]
    assert (waiting["status"], order["state"], order["what"]) == ("running", "unknown", "buy 0.1 EURUSD")
    assert order["id"] in [each["id"] for each in machine.get("/orders?state=unknown&state=manual")["items"]]
    over = until(machine, execution, lambda shown: shown["status"] != "running")
    assert (over["status"], over["orders"][0]["state"]) == ("succeeded", "done")
    assert over["orders"][0]["check_at"] is None
    run = buy_run(over)
    assert (run["output"]["status"], run["attempts"] > 1) == ("done", True)
    assert over["orders"][0]["outcome"]["position"] == run["output"]["ticket"]
    client = machine.machine.market.client
    assert client is not None
    assert len(client.account(ACCOUNT).positions()) == 1


def test_an_order_is_on_record_with_who_meant_it(machine: RunningMachine, workflow: str) -> None:
    over = machine.execute(workflow)
    (order,) = over["orders"]
    assert (order["workflow_id"], order["version"], order["execution_id"], order["node"]) == (
        workflow,
        over["version"],
        over["id"],
        "buy",
    )
    assert (order["state"], order["intent"]["volume"], order["resend_of"]) == ("done", "0.1", None)
    assert machine.get(f"/orders/{order['id']}") == order
    assert machine.get(f"/orders?execution_id={over['id']}")["total"] == 1


def test_test_mode_keeps_its_orders_apart(machine: RunningMachine, workflow: str) -> None:
    over = machine.execute(workflow, test_mode=True)
    (order,) = over["orders"]
    assert (order["test_mode"], order["account"]) == (True, "paper-test")


def test_only_an_order_that_waits_for_a_person_takes_a_persons_word(machine: RunningMachine, workflow: str) -> None:
    (order,) = machine.execute(workflow)["orders"]
    answer = machine.ask("POST", f"/orders/{order['id']}/settle", {"decision": "not_sent", "reason": "guess"})
    assert (answer.status_code, answer.json()["error"]["name"]) == (409, "Conflict")
    assert machine.get(f"/orders/{order['id']}")["state"] == "done"


def test_the_command_line_lists_and_refuses_alike(machine: RunningMachine, workflow: str) -> None:
    (order,) = machine.execute(workflow)["orders"]
    home = str(machine.machine.home.root)
    runner = CliRunner()
    assert "none is open" in runner.invoke(app, ["orders", "--home", home]).output
    told = json.loads(runner.invoke(app, ["orders", "--all", "--home", home, "--json"]).output)
    assert order["id"] in [each["id"] for each in told["items"]]
    for words in (["--not-sent"], ["--order", "7"], ["--position", "9"]):
        made = runner.invoke(app, ["orders", "settle", order["id"], "--reason", "x", "--home", home, *words])
        assert made.exit_code == 4, made.output
    for words in ([], ["--not-sent", "--order", "7"], ["--deal", "1", "--order", "7"]):
        made = runner.invoke(app, ["orders", "settle", order["id"], "--reason", "x", "--home", home, *words])
        assert made.exit_code == 3, made.output
    assert runner.invoke(app, ["orders", "--state", "lost", "--home", home]).exit_code == 3
