"""`tradeloom run`: what it prints, and that it agrees with the API on every example."""

import json
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from tests.support.exam import FULL
from tests.support.local_machine import RunningMachine
from tests.support.postgres import postgres_database, postgres_dsn, postgres_server
from tests.support.workflow_examples import EXAMPLES, read_example
from tradeloom.cli.app import app
from tradeloom.cli.run import RunOptions, run_file
from tradeloom.local.market import bundled_data
from tradeloom.local.places import examples_folder

__all__ = ["postgres_database", "postgres_dsn", "postgres_server"]

VOLATILE = {"id", "execution_time"}
COMPARED = EXAMPLES if FULL else EXAMPLES[:2]
"""Examples whose run by the command line is held against one by a whole machine, which takes its time."""


def _options(name: str, keep: Path, dsn: str | None, **more: Any) -> RunOptions:
    plain: dict[str, Any] = {
        "file": examples_folder() / f"{name}.json",
        "data": None,
        "symbol": "EURUSD",
        "timeframe": "H1",
        "at": None,
        "find": True,
        "test": False,
        "trigger": None,
        "payload": None,
        "keep": keep,
        "as_json": True,
        "database": dsn,
    }
    return RunOptions(**{**plain, **more})


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_example_fills_an_order_and_the_api_agrees(
    name: str, tmp_path: Path, postgres_dsn: str, capsys: pytest.CaptureFixture[str]
) -> None:
    run_file(_options(name, tmp_path / "cli", postgres_dsn))
    by_hand = json.loads(capsys.readouterr().out)
    assert by_hand["status"] == "succeeded"
    assert by_hand["orders"], "the bar was found because an order would be sent there"
    assert all(order["status"] == "done" and order["ticket"] and order["price"] for order in by_hand["orders"])
    if name not in COMPARED:
        return
    data = replace(bundled_data(), start=datetime.fromisoformat(by_hand["as_of"]))
    with RunningMachine(tmp_path / "api", postgres_dsn, data) as machine:
        workflow = machine.post("/workflows", read_example(name))
        by_api = machine.execute(workflow["id"])
    assert by_api["as_of"] == by_hand["as_of"]
    assert by_api["version"] == by_hand["version"]
    assert _told(by_api) == _told(by_hand)


def _told(execution: dict[str, Any]) -> Any:
    """What must be the same whoever started it: states, ports, outputs, in the same order of running."""
    runs = [(run["node"], run["state"], run["port"], _plain(run["output"])) for run in execution["node_runs"]]
    return execution["status"], sorted(runs, key=lambda run: run[0])


def _plain(output: Any) -> Any:
    return {k: v for k, v in output.items() if k not in VOLATILE} if isinstance(output, dict) else output


def test_a_person_sees_the_trace_and_the_filled_order(
    tmp_path: Path, postgres_dsn: str, capsys: pytest.CaptureFixture[str]
) -> None:
    run_file(_options("rsi_dip_buyer", tmp_path, postgres_dsn, as_json=False))
    text = capsys.readouterr().out
    lines = text.splitlines()
    nodes = ["Start by hand", "EURUSD H1", "RSI 14", "Oversold?", "Risk 1 %", "Buy", "Tell"]
    positions = [next(at for at, line in enumerate(lines) if node in line and "✓" in line) for node in nodes]
    assert positions == sorted(positions)
    assert all(" ms" in lines[at] for at in positions)
    assert "not run: Every hour" in text
    assert "order filled: buy 0.24 EURUSD, ticket " in text
    assert " at price 1.18903" in text


def test_a_bar_without_a_signal_sends_nothing_and_is_a_success(
    tmp_path: Path, postgres_dsn: str, capsys: pytest.CaptureFixture[str]
) -> None:
    run_file(_options("rsi_dip_buyer", tmp_path, postgres_dsn, find=False, as_json=False))
    assert "no order was sent" in capsys.readouterr().out


def test_a_failed_execution_has_its_exit_code(tmp_path: Path) -> None:
    """Through the command itself, with a database of its own: nothing else is running."""
    document = {
        "name": "Wrong symbol",
        "nodes": [
            {"id": "start", "type": "trigger.manual"},
            {"id": "price", "type": "market.live_price", "config": {"symbol": "NOPE"}},
        ],
        "connections": [{"source": "start", "target": "price"}],
    }
    file = tmp_path / "wrong.json"
    file.write_text(json.dumps(document))
    told = CliRunner().invoke(app, ["run", str(file), "--json"])
    assert told.exit_code == 1, told.output
    execution = json.loads(told.stdout)
    assert (execution["status"], execution["error"]["node"]) == ("failed", "price")
    assert execution["error"]["name"] == "NotFound"
