"""The trade ledger of a whole machine: from a workflow's orders to the API, the command line, and the next start."""

import csv
import io
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.support.local_machine import RunningMachine
from tests.support.postgres import new_database, postgres_server

__all__ = ["postgres_server"]

SETTLED_S = 90.0


def document(volume: float, name: str = "In and out") -> dict[str, Any]:
    """Buys, and closes half of it, then the rest."""
    position = {"by": "ticket", "ticket": "= nodes.buy.ticket"}
    buy = {"symbol": "EURUSD", "side": "buy", "volume": volume, "stop_loss_type": "pips", "stop_loss": 40}
    return {
        "name": name,
        "nodes": [
            {"id": "start", "type": "trigger.manual"},
            {"id": "buy", "type": "order.market", "config": buy},
            {"id": "half", "type": "order.close", "config": position | {"volume_percent": 50}},
            {"id": "rest", "type": "order.close", "config": position},
        ],
        "connections": [
            {"source": "start", "target": "buy"},
            {"source": "buy", "target": "half"},
            {"source": "half", "target": "rest"},
        ],
    }  # fmt: skip


@pytest.fixture(scope="module")
def dsn(postgres_server: str) -> str:
    return new_database(postgres_server)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("ledger")


@pytest.fixture(scope="module")
def traded(home: Path, dsn: str) -> dict[str, Any]:
    """What a machine told of two versions that traded once each, and a trade in test mode; then it went down."""
    with RunningMachine(home, dsn) as machine:
        begun = account(machine)["balance"]
        made = machine.post("/workflows", document(0.4))
        first = execute(machine, made["id"])
        saved = machine.ask(
            "PUT", f"/workflows/{made['id']}", document(0.2), headers={"If-Match": f'"{made["version"]}"'}
        )
        assert saved.status_code == 200, saved.text
        second = execute(machine, made["id"])
        execute(machine, made["id"], test_mode=True)
        return {
            "workflow": made["id"],
            "versions": [first["version"], second["version"]],
            "executions": [first["id"], second["id"]],
            "trades": eventually(machine, "/trades?account=paper", 4),
            "tested": eventually(machine, "/trades?account=paper-test", 2),
            "summary": machine.get("/trades/summary?account=paper")["items"],
            "gained": account(machine)["balance"] - begun,
            "csv": machine.ask("GET", "/trades/export?account=paper").text,
        }


def account(machine: RunningMachine) -> dict[str, Any]:
    (found,) = [each for each in machine.get("/health")["accounts"] if each["name"] == "paper"]
    return dict(found)


def execute(machine: RunningMachine, workflow_id: str, **wanted: Any) -> dict[str, Any]:
    done = machine.execute(workflow_id, **wanted)
    assert done["status"] == "succeeded", done
    return dict(done)


def eventually(machine: RunningMachine, path: str, count: int) -> list[dict[str, Any]]:
    """The listed trades, once so many are kept."""
    give_up = time.monotonic() + SETTLED_S
    while (found := machine.get(path)["items"]) is not None and len(found) < count:
        assert time.monotonic() < give_up, f"{len(found)} of {count} trades after {SETTLED_S} s"
        time.sleep(0.1)
    assert len(found) == count
    return list(found)


def test_each_part_names_version_execution_and_nodes(traded: dict[str, Any]) -> None:
    keys = ("version", "execution_id", "entry_node", "exit_node", "volume", "left")
    told = [tuple(trade[key] for key in keys) for trade in reversed(traded["trades"])]
    (one, two), (first, second) = traded["versions"], traded["executions"]
    assert one != two
    assert told == [
        (one, first, "buy", "half", 0.2, 0.2),
        (one, first, "buy", "rest", 0.2, 0.0),
        (two, second, "buy", "half", 0.1, 0.1),
        (two, second, "buy", "rest", 0.1, 0.0),
    ]
    for trade in traded["trades"]:
        assert (trade["workflow_id"], trade["workflow_name"]) == (traded["workflow"], "In and out")
        assert (trade["reason"], trade["mixed"], trade["entries"]) == ("workflow", False, 1)
        assert trade["r_multiple"] < 0, "the spread was paid, nothing won"
        assert trade["exit_client_order_id"] not in trade["entry_client_order_ids"]


def test_nets_are_what_the_balance_moved_by(traded: dict[str, Any]) -> None:
    assert round(sum(trade["net"] for trade in traded["trades"]), 8) == round(traded["gained"], 8) != 0
    assert [item["count"] for item in traded["summary"]] == [2, 2]
    assert {item["version"] for item in traded["summary"]} == set(traded["versions"])
    assert round(sum(item["net"] for item in traded["summary"]), 8) == round(traded["gained"], 8)


def test_test_mode_trades_on_its_own_account(traded: dict[str, Any]) -> None:
    assert {trade["account"] for trade in traded["tested"]} == {"paper-test"}


def test_csv_holds_the_same(traded: dict[str, Any]) -> None:
    lines = list(csv.DictReader(io.StringIO(traded["csv"])))
    assert [int(line["deal"]) for line in lines] == [trade["deal"] for trade in reversed(traded["trades"])]


def test_what_was_missed_is_caught_up_with(traded: dict[str, Any], home: Path, dsn: str) -> None:
    """As when nothing had run for a while: the rows are gone, and come back from the broker's history, as they were."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("DELETE FROM trades WHERE account = 'paper'")
    with RunningMachine(home, dsn) as machine:
        assert eventually(machine, "/trades?account=paper", 4) == traded["trades"]


def shell(home: Path, dsn: str, *words: str) -> tuple[int, str]:
    command = [str(Path(sys.executable).with_name("tradeloom")), "trades", *words]
    environment = os.environ | {"TRADELOOM_HOME": str(home), "DATABASE_URL": dsn, "COLUMNS": "200"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    return done.returncode, done.stdout + done.stderr


def test_the_command_line_reads_well(traded: dict[str, Any], home: Path, dsn: str) -> None:
    code, text = shell(home, dsn, "--account", "paper", "--workflow", "In and out")
    assert code == 0, text
    header, *lines = [line for line in text.splitlines() if line.strip()]
    assert header.split() == [
        "closed", "(UTC)", "symbol", "side", "lots", "in", "out", "held", "ended", "by", "net", "R", "workflow",
    ]  # fmt: skip
    assert len(lines) == 4
    assert "0.2 of 0.4" in lines[3]
    assert f"In and out @{traded['versions'][0][:8]}" in lines[3]


def test_the_command_line_as_json_csv_and_summary(traded: dict[str, Any], home: Path, dsn: str) -> None:
    one = traded["versions"][0]
    code, text = shell(home, dsn, "--json", "--account", "paper", "--version", one[:10])
    assert code == 0, text
    assert [item["deal"] for item in json.loads(text)["items"]] == [trade["deal"] for trade in traded["trades"][2:]]
    code, text = shell(home, dsn, "--csv", "--account", "paper")
    assert (code, text.splitlines()) == (0, traded["csv"].splitlines())
    code, text = shell(home, dsn, "--summary", "--account", "paper", "--by", "workflow")
    assert code == 0, text
    (line,) = text.splitlines()[1:]
    assert "In and out" in line
    assert " 4 " in line


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--since", "yesterday"), "--since"),
        (("--by", "colour", "--summary"), "--by"),
    ],
)
def test_what_is_wrong_is_told(home: Path, dsn: str, words: tuple[str, ...], told: str) -> None:
    code, text = shell(home, dsn, *words)
    assert (code, told in text, "Traceback" in text) == (3, True, False)
