"""`tradeloom debug`, `retry` and `rerun` against a running machine, with commands from standard input."""

import json

from typer.testing import CliRunner

from tests.integration.debugging.test_debugging import dip_buyer
from tests.integration.debugging.test_reruns import failed, nothing_much
from tests.support.local_machine import RunningMachine
from tradeloom.cli.app import app


def cli(machine: RunningMachine, *words: str, script: str | None = None) -> tuple[int, str]:
    done = CliRunner().invoke(app, [*words, "--home", str(machine.machine.home.root)], input=script)
    return done.exit_code, done.output


def test_the_dip_buyer_buys_on_an_edited_rsi(machine: RunningMachine) -> None:
    workflow = dip_buyer(machine)
    script = "run-to dip\nset nodes.rsi.value=25\nstep\nrun-to bought\noutput buy\ncontinue\n"
    code, told = cli(machine, "debug", workflow, script=script)
    assert code == 0, told
    assert "before Oversold?" in told
    assert "config.expression  true" in told
    assert "set: nodes.rsi.value = 25" in told
    assert "→ true" in told
    assert "order filled: buy" in told


def test_a_script_that_goes_wrong_ends_the_session(machine: RunningMachine) -> None:
    code, told = cli(
        machine, "debug", dip_buyer(machine), "--break", "dip", script="set nodes.bars.count=5\ncontinue\n"
    )
    assert code == 3, told
    assert "does not look at 'bars'" in told
    (last,) = machine.get("/executions?limit=1")["items"]
    assert last["status"] == "stopped"


def test_a_script_that_stops_short_ends_the_session_too(machine: RunningMachine) -> None:
    code, told = cli(machine, "debug", dip_buyer(machine), "--json", script="step\n")
    assert code == 1, told
    session = json.loads(told)
    assert (session["execution"]["status"], session["paused"]) == ("stopped", [])


def test_retry_and_rerun(machine: RunningMachine) -> None:
    _, done = failed(machine, "Comes by the command line", test_mode=True)
    code, told = cli(machine, "retry", done["id"])
    assert (code, "✕ failed" in told) == (1, True)
    machine.post("/workflows", nothing_much("Comes by the command line"))
    code, told = cli(machine, "retry", done["id"])
    assert (code, "✓ succeeded" in told, done["id"] in told) == (0, True, True)
    code, told = cli(machine, "retry", done["id"])
    assert (code, "only one that failed" in told) == (4, True)
    code, told = cli(machine, "rerun", done["id"], "--from", "call", "--json")
    assert code == 0, told
    again = json.loads(told)
    assert (again["replay_of"], again["test_mode"]) == (done["id"], True)
    assert {run["node"]: run["given"] for run in again["node_runs"]}["buy"] == "recorded"
