"""`tradeloom accounts`, `limits`, `kill` and `resume` against a machine that runs, as a person types them."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from tests.support.local_machine import RunningMachine
from tests.support.postgres import new_database, postgres_server
from tradeloom.cli.app import app
from tradeloom.local.live_money import LiveMoney
from tradeloom.trading.broker import Account

__all__ = ["postgres_server"]

OPENS: dict[str, Any] = {
    "name": "opens",
    "nodes": [
        {"id": "start", "type": "trigger.manual", "name": "Start"},
        {"id": "buy", "type": "order.market", "config": {"symbol": "EURUSD", "side": "buy", "volume": 0.1}},
        {
            "id": "rest",
            "type": "order.limit",
            "config": {"symbol": "EURUSD", "side": "buy", "volume": 0.1, "price": 1.0},
        },
    ],
    "connections": [{"source": "start", "target": "buy"}, {"source": "buy", "target": "rest"}],
    "settings": {"broker_account": "paper"},
}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("machine") / "home"


@pytest.fixture(scope="module")
def machine(home: Path, postgres_server: str) -> Iterator[RunningMachine]:
    with RunningMachine(home, new_database(postgres_server)) as machine:
        yield machine


def say(home: Path, *words: str) -> Result:
    return CliRunner().invoke(app, [*words, "--home", str(home)])


def say_json(home: Path, *words: str) -> Any:
    told = say(home, *words, "--json")
    assert told.exit_code == 0, told.output
    return json.loads(told.stdout)


def test_from_a_position_to_a_flat_account_and_back(machine: RunningMachine, home: Path) -> None:
    workflow = machine.post("/workflows", OPENS)["id"]
    done = machine.execute(workflow)
    assert done["status"] == "succeeded", done["error"]
    listed = say(home, "accounts")
    assert listed.exit_code == 0, listed.output
    assert [line.split()[:2] for line in listed.stdout.splitlines()[1:3]] == [
        ["paper", "active"], ["paper-test", "active"],
    ]  # fmt: skip
    killed = say(home, "kill", "paper", "--mode", "flatten", "--reason", "the news went wrong")
    assert killed.exit_code == 0, killed.output
    assert "paper is halted (by local: the news went wrong)" in killed.stdout
    assert "paper is flat: 1 positions closed, 1 orders cancelled" in killed.stdout
    assert "tradeloom resume" in killed.stdout
    (paper, test) = say_json(home, "accounts")
    assert (paper["state"], paper["positions"], paper["orders"], test["state"]) == ("halted", 0, 0, "active")
    looser = say(home, "kill", "paper", "--mode", "reduce", "--reason", "looser")
    assert looser.exit_code == 4
    assert "Resume it first" in looser.stderr
    doctor = json.loads(say(home, "doctor", "--json").stdout)
    found = next(check for check in doctor["checks"] if check["check"] == "accounts")
    assert found["status"] == "warning"
    assert "the news went wrong" in found["hint"]
    resumed = say(home, "resume", "paper", "--reason", "looked at it")
    assert resumed.exit_code == 0, resumed.output
    assert "paper is active (by local: looked at it)" in resumed.stdout
    assert machine.get("/accounts/paper")["state_reason"] == "looked at it"


def test_limits_are_seen_tightened_and_loosened_on_a_person_s_word(machine: RunningMachine, home: Path) -> None:
    before = say_json(home, "limits", "paper")["limits"]
    shown = say(home, "limits", "paper")
    assert shown.exit_code == 0, shown.output
    assert "lost today 0.0" in shown.stdout
    assert "max_drawdown_pct" in shown.stdout
    changes = ["max_lot=0.5", "workflow.max_lot=0.2", "workflows.wf-1.max_repeats=1"]
    wrong = say(home, "limits", "set", "paper", *changes, "--reason", "careful")
    assert (wrong.exit_code, "limits.workflows.wf-1.max_repeats" in wrong.output) == (3, True), wrong.output
    told = say(home, "limits", "set", "paper", *changes[:2], "--reason", "careful")
    assert told.exit_code == 0, told.output
    lines = [line.split() for line in told.stdout.splitlines()[2:]]
    assert [(line[0], line[-1]) for line in lines] == [("max_lot", "0.5"), ("workflow.max_lot", "0.2")]
    assert say_json(home, "limits", "paper")["limits"] == before | {
        "max_lot": "0.5", "workflow": before["workflow"] | {"max_lot": "0.2"},
    }  # fmt: skip
    workflow = machine.post("/workflows", OPENS | {"name": "too large", "nodes": larger(0.3)})["id"]
    done = machine.execute(workflow)
    assert (done["error"]["name"], "workflow's limit of 0.2" in done["error"]["message"]) == ("RiskRejected", True)
    back = [f"max_lot={before['max_lot']}", f"workflow.max_lot={before['workflow']['max_lot']}"]
    refused = say(home, "limits", "set", "paper", *back, "--reason", "as before")
    assert (refused.exit_code, "limits.max_lot" in refused.output) == (4, True), refused.output
    said = say_json(home, "limits", "set", "paper", *back, "--reason", "as before", "--clear")
    assert said == {"account": "paper", "limits": before}
    again = say(home, "limits", "set", "paper", *back, "--reason", "as before")
    assert "as they were" in again.stdout
    assert [each["name"] for each in say_json(home, "limits")] == ["paper", "paper-test"]
    assert say(home, "limits").exit_code == 0


def larger(volume: float) -> list[dict[str, Any]]:
    start, buy, rest = OPENS["nodes"]
    return [start, buy | {"config": buy["config"] | {"volume": volume}}, rest]


def test_all_accounts_and_a_workflow(machine: RunningMachine, home: Path) -> None:
    told = say_json(home, "kill", "--all", "--reason", "enough")
    assert [(each["name"], each["state"]) for each in told["items"]] == [("paper", "halted"), ("paper-test", "halted")]
    for account in ("paper", "paper-test"):
        assert say_json(home, "resume", account, "--reason", "fine")["state"] == "active"
    workflow = machine.post("/workflows", OPENS | {"name": "another"})["id"]
    machine.post(f"/workflows/{workflow}/toggle", {"active": True})
    assert say_json(home, "kill", "--workflow", workflow, "--reason", "odd") == {"id": workflow, "stopped": 0}
    assert machine.get(f"/workflows/{workflow}")["active"] is False


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["kill", "--reason", "x"], 3, "Say what to stop"),
        (["kill", "paper", "--all", "--reason", "x"], 3, "Say what to stop"),
        (["kill", "nothing", "--reason", "x"], 3, "There is no account 'nothing'"),
        (["kill", "paper", "--reason", " "], 3, "reason"),
        (["kill", "paper/../x", "--reason", "x"], 3, "There is nothing at this address"),
        (["kill", "--workflow", "none", "--reason", "x"], 3, "NotFound"),
        (["kill", "paper"], 2, "--reason"),
        (["kill", "paper", "--mode", "explode", "--reason", "x"], 2, "--mode"),
        (["resume", "paper"], 2, "--reason"),
        (["limits", "nothing"], 3, "There is no account 'nothing'"),
        (["limits", "set", "nothing", "max_lot=1", "--reason", "x"], 3, "There is no account 'nothing'"),
        (["limits", "set", "paper", "max_lot", "--reason", "x"], 3, "LIMIT=VALUE"),
        (["limits", "set", "paper", "max_lot=0", "--reason", "x"], 3, "limits.max_lot"),
        (["limits", "set", "paper", "max_lot=0", "--reason", "x"], 3, "It is a number above 0 up to"),
        (["limits", "set", "paper", "max_lots=1", "--reason", "x"], 3, "There is no limit limits.max_lots"),
        (["limits", "set", "paper", "max_lot=0.1"], 2, "--reason"),
        (["limits", "set", "paper", "--reason", "x"], 2, "LIMIT=VALUE"),
        (["resume", "nothing", "--reason", "x"], 3, "There is no account 'nothing'"),
    ],
)
def test_what_cannot_be_done_is_said(
    machine: RunningMachine, home: Path, words: list[str], code: int, said: str
) -> None:
    told = say(home, *words)
    assert (told.exit_code, said in told.output) == (code, True), told.output
    assert machine.get("/accounts/paper")["state"] == "active"


class RealMoney:
    """A terminal that is logged in to an account with real money, as far as one is asked for that."""

    def account(self) -> Account:
        return Account(
            name="Somebody", login=1, trade_mode="live", margin_mode="hedging", currency="USD", leverage=30,
            balance=1.0, equity=1.0, margin=0.0, free_margin=1.0, margin_level=None, profit=0.0,
        )  # fmt: skip


def test_real_money_is_let_loose_word_for_word(
    machine: RunningMachine, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    live = LiveMoney()
    assert live.is_live("paper-test", RealMoney())
    monkeypatch.setattr(machine.machine.ports.accounts, "_live", live)  # no terminal here has real money
    assert say(home, "kill", "paper-test", "--reason", "stop").exit_code == 0
    resume = ("resume", "paper-test", "--reason", "go")
    for typed in ((), ("--acknowledge", "yes"), ("--acknowledge", "trade live money on paper")):
        told = say(home, *resume, *typed)
        assert told.exit_code == 3, told.output
        assert "--acknowledge 'trade live money on paper-test'" in told.stderr
        assert machine.get("/accounts/paper-test")["state"] == "halted"
    refused = json.loads(say(home, *resume, "--json").stdout)
    assert refused["error"]["field"] == "--acknowledge"
    told = say(home, *resume, "--acknowledge", "trade live money on paper-test")
    assert told.exit_code == 0, told.output
    assert machine.get("/accounts/paper-test")["state"] == "active"


def test_nothing_runs(tmp_path: Path) -> None:
    for words in (
        ["accounts"],
        ["limits"],
        ["limits", "paper"],
        ["kill", "paper", "--reason", "x"],
        ["resume", "paper", "--reason", "x"],
    ):
        told = say(tmp_path / "none", *words)
        assert told.exit_code == 4
        assert "Tradeloom is not running" in told.output
