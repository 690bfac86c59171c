"""The debugger's prompt: each command as what it asks for, and what is told of the answer."""

import io
from collections.abc import Mapping
from typing import Any

import pytest
from rich.console import Console

from tradeloom.cli.debug_prompt import Prompt, Session
from tradeloom.errors import Conflict, InvalidInput

AT = "2026-11-26T00:00:00Z"


def paused(node: str) -> dict[str, Any]:
    return {
        "node": node,
        "name": node.upper(),
        "type": "condition.if",
        "iteration": [],
        "inputs": {"rsi": {"state": "succeeded", "port": "main", "output": {"value": 43}}},
        "config": [{"field": "a", "written": "= nodes.rsi.value", "value": 43, "error": None}],
        "item": None,
        "index": None,
        "edited": {"nodes.rsi.value": 43},
    }


def session(*places: str, status: str = "running", ran: tuple[str, ...] = ()) -> Session:
    run: dict[str, Any] = {
        "iteration": [],
        "state": "succeeded",
        "port": "main",
        "output": {"value": 1},
        "error": None,
        "given": None,
    }
    runs = [{"node": node, "name": node.upper(), "type": "t", **run} for node in ran]
    execution = {
        "id": "e1",
        "workflow_id": "w1",
        "version": "v1",
        "status": status,
        "trigger": "start",
        "test_mode": True,
        "account": "paper-test",
        "as_of": AT,
        "started_at": AT,
        "node_runs": runs,
    }
    return {"execution": execution, "step": True, "breakpoints": ["old"], "paused": [paused(each) for each in places]}


class Door:
    def __init__(self, *answers: Session | Exception) -> None:
        self.asked: list[dict[str, Any]] = []
        self._answers = list(answers)

    def do(self, command: Mapping[str, Any]) -> Session:
        self.asked.append({key: value for key, value in command.items() if key != "wait_s"})
        answer = self._answers.pop(0) if self._answers else session(status="succeeded")
        if isinstance(answer, Exception):
            raise answer
        return answer


def run(*lines: str, door: Door | None = None, first: Session | None = None, strict: bool = True) -> tuple[Door, str]:
    used, text = door or Door(), io.StringIO()
    console = Console(file=text, width=200, highlight=False)
    Prompt(console, used, first or session("dip"), strict=strict).run(lines)
    return used, text.getvalue()


@pytest.mark.parametrize(
    ("line", "command"),
    [
        ("step", {"action": "step", "node": "dip"}),
        ("S other", {"action": "step", "node": "other"}),
        ("continue", {"action": "continue"}),
        ("c dip", {"action": "continue", "node": "dip"}),
        ("run-to buy", {"action": "run_to", "to": "buy"}),
        ('skip {"result": true} true', {"action": "skip", "node": "dip", "output": {"result": True}, "port": "true"}),
        ('skip {"result": true}', {"action": "skip", "node": "dip", "output": {"result": True}, "port": "main"}),
        ("stop", {"action": "stop"}),
        ("quit", {"action": "stop"}),
    ],
)
def test_what_goes_on(line: str, command: dict[str, Any]) -> None:
    door, _ = run(line)
    assert door.asked == [command]


@pytest.mark.parametrize(
    ("line", "command"),
    [
        ("set nodes.rsi.value=25", {"action": "set", "node": "dip", "values": {"nodes.rsi.value": 25}}),
        ("set config.text = oversold", {"action": "set", "node": "dip", "values": {"config.text": "oversold"}}),
        ("set item=null", {"action": "set", "node": "dip", "values": {"item": None}}),
        ("reset", {"action": "reset", "node": "dip"}),
        ("break buy sell", {"action": "breakpoints", "breakpoints": ["buy", "old", "sell"]}),
        ("unbreak old", {"action": "breakpoints", "breakpoints": []}),
    ],
)
def test_what_only_changes_something(line: str, command: dict[str, Any]) -> None:
    door, _ = run(line, "stop", door=Door(session("dip")))
    assert door.asked == [command, {"action": "stop"}]


def test_inputs_and_values_are_told() -> None:
    _, told = run("inputs", "stop")
    assert "nodes.rsi  value 43" in told
    assert "config.a  43  ← = nodes.rsi.value" in told
    assert "set: nodes.rsi.value = 43" in told


def test_what_ran_is_told_once() -> None:
    _, told = run("step", "step", door=Door(session("b", ran=("a",)), session(status="succeeded", ran=("a", "b"))))
    assert told.count("✓ A") == 1
    assert told.count("✓ B") == 1
    assert "✓ succeeded" in told


def test_one_of_several_is_chosen() -> None:
    door, told = run("at y", "step", first=session("x", "y"))
    assert door.asked == [{"action": "step", "node": "y"}]
    assert "▶ before Y" in told


def test_comments_and_empty_lines_are_passed_over_and_the_end_of_a_script_stops() -> None:
    door, told = run("# first", "", "  ")
    assert door.asked == [{"action": "stop"}]
    assert "no more commands" in told


@pytest.mark.parametrize(
    "line", ["fly", "set", "set =5", "run-to", "skip {oops", "at nowhere", "output nothing", "unbreak"]
)
def test_a_wrong_command_ends_a_script_and_not_a_person(line: str) -> None:
    with pytest.raises(InvalidInput):
        run(line)
    door, told = run(line, "stop", strict=False)
    assert door.asked == [{"action": "stop"}]
    assert told


def test_what_the_machine_refuses_is_told_to_a_person() -> None:
    refused = Conflict("The session has ended.", hint="Start another.")
    _, told = run("step", "stop", door=Door(refused), strict=False)
    assert "The session has ended. Start another." in told
    with pytest.raises(Conflict):
        run("step", door=Door(Conflict("The session has ended.")))
