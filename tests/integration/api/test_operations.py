"""What watches a machine: readiness, metrics, and the trace of an execution through every log."""

import json
from pathlib import Path
from typing import Any

import pytest
import requests
from prometheus_client.parser import text_string_to_metric_families
from typer.testing import CliRunner

from tests.integration.workflows.drawing import chain, run
from tests.support.local_machine import RunningMachine
from tradeloom.cli.app import app

BUY = {"id": "buy", "type": "order.market", "config": {"symbol": "EURUSD", "side": "buy", "volume": 0.1}}


def fetch(machine: RunningMachine, path: str, token: bool = True) -> requests.Response:
    headers = {"Authorization": f"Bearer {machine.served.token}"} if token else {}
    return requests.get(f"{machine.served.address}{path}", headers=headers, timeout=30)


def samples(machine: RunningMachine) -> dict[str, float]:
    text = fetch(machine, "metrics").text
    return {
        sample.name + "".join(sorted(f" {value}" for value in sample.labels.values())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def command(machine: RunningMachine, *words: str) -> Any:
    home = str(machine.machine.home.root)
    dsn = machine.machine.settings.database_url
    told = CliRunner().invoke(app, [*words, "--home", home, "--json"], env={"DATABASE_URL": dsn})
    assert told.exit_code == 0, told.output
    return json.loads(told.stdout)


def test_it_is_ready_until_a_part_is_gone(machine: RunningMachine) -> None:
    assert fetch(machine, "live", token=False).json() == {"live": True}
    answer = fetch(machine, "ready", token=False)
    assert (answer.status_code, answer.json()) == (200, {"ready": True, "reasons": []})
    machine.machine.status.resumed = False
    try:
        answer = fetch(machine, "ready", token=False)
        assert answer.status_code == 503
        assert answer.json()["reasons"] == ["executions of an earlier run are being taken up"]
    finally:
        machine.machine.status.resumed = True
    machine.machine.status.stopping = True
    try:
        assert fetch(machine, "ready", token=False).json() == {"ready": False, "reasons": ["it is stopping"]}
    finally:
        machine.machine.status.stopping = False


def test_metrics_need_the_token_and_count_what_runs(machine: RunningMachine) -> None:
    assert fetch(machine, "metrics", token=False).status_code == 401
    before = samples(machine)
    assert run(machine, chain(name="counted"))["status"] == "succeeded"
    after = samples(machine)
    for name in ("tradeloom_executions_started_total", "tradeloom_executions_finished_total succeeded"):
        assert after[name] == before.get(name, 0) + 1
    assert after["tradeloom_journal_commit_seconds_count"] > before["tradeloom_journal_commit_seconds_count"]
    assert after["tradeloom_account_state active paper"] == 1
    assert after["tradeloom_bridge_circuit closed"] == 1


def test_an_execution_is_traced_from_the_request_to_the_bridge(machine: RunningMachine) -> None:
    done = run(machine, chain(BUY, name="traced"))
    assert done["status"] == "succeeded", done
    lines = command(machine, "logs", "--execution", done["id"])["items"]
    said = [(line["source"].partition("/")[0], line["message"]) for line in lines]
    assert ("machine", "started") in said
    assert ("machine", "ended: SUCCEEDED") in said
    (meant,) = [line for line in lines if line["message"].startswith("means to send an order")]
    assert meant["execution"] == done["id"]
    assert any(line["source"].startswith("bridge") and line.get("order") == meant["order"] for line in lines)
    (begun,) = [line for line in lines if line["message"] == "started"]
    asked = [line for line in lines if line.get("request") == begun["request"] and "POST" in line["message"]]
    assert len(asked) == 1
    by_request = command(machine, "logs", "--request", begun["request"])["items"]
    assert {line["message"] for line in by_request} >= {"started", asked[0]["message"]}
    by_order = command(machine, "logs", "--order", meant["order"])["items"]
    assert any(line["source"].startswith("bridge") for line in by_order)


def test_retention_tells_and_keeps_what_is_young(machine: RunningMachine, tmp_path: Path) -> None:
    assert run(machine, chain(name="young"))["status"] == "succeeded"
    told = command(machine, "retention")
    assert (told["applied"], told["rows"]) == (
        False,
        dict.fromkeys(("executions", "logs", "notifications", "versions"), 0),
    )
    assert told["days"] == {"executions": 365, "logs": 180, "notifications": 365, "versions": 730}


@pytest.mark.parametrize("path", ["live", "ready", "metrics"])
def test_another_host_name_learns_nothing(machine: RunningMachine, path: str) -> None:
    answer = requests.get(f"{machine.served.address}{path}", headers={"Host": "evil.example"}, timeout=30)
    assert answer.status_code == 403
