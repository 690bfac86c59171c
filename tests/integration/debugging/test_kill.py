"""kill -9 while a person debugs: the session is where it was, with what was edited."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.machine import Up
from tests.support.workflow_examples import read_example

BOUND_S = 60
START_S = 180
"""Only to end a test that hangs: a machine that is busy starts slowly."""


@pytest.fixture
def up(tmp_path: Path) -> Iterator[Up]:
    machine = Up(tmp_path / "home")
    machine.start(timeout_s=START_S)
    try:
        yield machine
    finally:
        machine.stop()


def paused(up: Up, execution: str) -> dict[str, Any]:
    """The session, once it is paused again."""
    deadline = time.monotonic() + BOUND_S
    while True:
        session: dict[str, Any] = up.call("GET", f"/executions/{execution}/debug")
        if session["paused"]:
            return session
        assert time.monotonic() < deadline, session
        time.sleep(0.1)


def test_a_killed_machine_pauses_where_it_paused(up: Up) -> None:
    workflow = up.call("POST", "/workflows", read_example("rsi_dip_buyer"))["id"]
    session = up.call("POST", f"/workflows/{workflow}/debug", {"run_to": "dip", "wait_s": 25})
    execution = session["execution"]["id"]
    at = f"/executions/{execution}/debug"
    up.call("POST", at, {"action": "breakpoints", "breakpoints": ["buy"]})
    up.call("POST", at, {"action": "set", "values": {"nodes.rsi.value": 25}})
    up.kill()
    up.start(timeout_s=START_S)
    session = paused(up, execution)
    (dip,) = session["paused"]
    assert (dip["node"], dip["edited"], session["breakpoints"]) == ("dip", {"nodes.rsi.value": 25}, ["buy"])
    session = up.call("POST", at, {"action": "continue", "wait_s": 25})
    assert [each["node"] for each in session["paused"]] == ["buy"]
    up.kill()
    up.start(timeout_s=START_S)
    paused(up, execution)
    done = up.call("POST", at, {"action": "continue", "wait_s": 25})["execution"]
    assert done["status"] == "succeeded", done["error"]
    assert len(done["orders"]) == 1
    (dip_run,) = [run for run in done["node_runs"] if run["node"] == "dip"]
    assert (dip_run["port"], dip_run["attempts"]) == ("true", 1)
