"""The same machines by our interpreter and by moto's ASL engine: same outputs, errors, calls and pauses."""

import asyncio
from collections import Counter
from functools import partial
from typing import Any

import pytest

from tests.support import moto_asl
from tests.unit.engine.machines import Raised, ScriptedHost, machine, task
from tradeloom.engine.codec import dumps
from tradeloom.engine.interpreter.failures import StatesError
from tradeloom.engine.interpreter.machine import Interpreter
from tradeloom.engine.interpreter.reading import read

END = {"Type": "Succeed"}
ALL = ["States.ALL"]


def branch(*states: tuple[str, dict[str, Any]]) -> dict[str, Any]:
    return {"StartAt": states[0][0], "States": dict(states)}


def loop(body: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "Type": "Map",
        "Items": "{% $states.input.items %}",
        "ItemSelector": {
            "item": "{% $states.context.Map.Item.Value %}",
            "index": "{% $states.context.Map.Item.Index %}",
        },
        "MaxConcurrency": 1,
        "ItemProcessor": {"ProcessorConfig": {"Mode": "INLINE"}, **body},
        **more,
    }


def retried(*retriers: dict[str, Any]) -> dict[str, Any]:
    caught = {"ErrorEquals": ALL, "Assign": {"e": "{% $states.errorOutput.Error %}"}, "Next": "E"}
    states = {
        "A": task("flaky", Retry=list(retriers), Catch=[caught], Assign={"e": "none"}, Next="E"),
        "E": {**END, "Output": "{% $e %}"},
    }
    return machine(states)


PAYLOAD = "{% $states.result.Payload %}"

MACHINES: dict[str, dict[str, Any]] = {
    "pass": machine(
        {"A": {"Type": "Pass", "Output": {"x": "{% $states.input.n + 1 %}", "y": [None, 2.5]}, "End": True}}
    ),
    "assign": machine(
        {
            "A": {"Type": "Pass", "Assign": {"x": 1, "y": "{% $states.input.n %}"}, "Next": "B"},
            "B": {"Type": "Pass", "Assign": {"x": "{% $y %}", "y": "{% $x %}"}, "Next": "C"},
            "C": {**END, "Output": {"in": "{% $states.input %}", "x": "{% $x %}", "y": "{% $y %}"}},
        }
    ),
    "choice": machine(
        {
            "A": {
                "Type": "Choice",
                "Choices": [
                    {"Condition": "{% $states.input.n > 5 %}", "Next": "B", "Assign": {"w": "big"}, "Output": "b"},
                    {"Condition": "{% $states.input.n = 3 %}", "Next": "B", "Assign": {"w": "three"}},
                ],
                "Default": "C",
                "Assign": {"w": "default"},
                "Output": "d",
            },
            "B": {**END, "Output": {"w": "{% $w %}", "in": "{% $states.input %}"}},
            "C": {**END, "Output": {"w": "{% $w %}", "in": "{% $states.input %}"}},
        }
    ),
    "no match": machine({"A": {"Type": "Choice", "Choices": [{"Condition": "{% false %}", "Next": "E"}]}, "E": END}),
    "task": machine(
        {
            "A": task("echo", {"n": "{% $states.input.n %}", "k": None}, Assign={"r": PAYLOAD}, Output={}, Next="E"),
            "E": {**END, "Output": {"r": "{% $r %}", "in": "{% $states.input %}"}},
        }
    ),
    "fails": machine({"A": task("fails", Next="E"), "E": END}),
    "caught": machine(
        {
            "A": task(
                "fails",
                Catch=[
                    {"ErrorEquals": ["Other"], "Next": "F"},
                    {"ErrorEquals": ALL, "Assign": {"e": "{% $states.errorOutput %}"}, "Next": "E"},
                ],
                Next="E",
            ),
            "E": {**END, "Output": {"e": "{% $e.Error %}", "in": "{% $states.input.Error %}"}},
            "F": {"Type": "Fail"},
        }
    ),
    "caught with output": machine(
        {
            "A": task("fails", Catch=[{"ErrorEquals": ["Broken"], "Output": {"was": "bad"}, "Next": "E"}], Next="E"),
            "E": END,
        }
    ),
    "fail state": machine(
        {
            "A": {"Type": "Pass", "Assign": {"f": {"name": "NotANumber", "cause": "why"}}, "Next": "F"},
            "F": {"Type": "Fail", "Error": "{% $f.name %}", "Cause": "{% 'rsi: ' & $f.cause %}"},
        }
    ),
    "undefined": machine({"A": {"Type": "Pass", "Output": "{% $states.input.none %}", "End": True}}),
    "undefined arguments": machine(
        {
            "A": task("echo", {"x": "{% $nobody %}"}, Catch=[{"ErrorEquals": ALL, "Output": 1, "Next": "E"}], Next="E"),
            "E": END,
        }
    ),
    "null": machine(
        {"A": {"Type": "Pass", "Output": {"x": "{% null %}", "y": "{% $states.input.nil %}"}, "End": True}}
    ),
    "retry": retried({"ErrorEquals": ["Flaky"], "IntervalSeconds": 2, "BackoffRate": 3, "MaxAttempts": 5}),
    "retry in vain": retried({"ErrorEquals": ["Flaky"], "MaxAttempts": 1}),
    "two retriers": retried(
        {"ErrorEquals": ["Flaky"], "IntervalSeconds": 1, "MaxAttempts": 2},
        {"ErrorEquals": ["Worse"], "IntervalSeconds": 7, "BackoffRate": 1, "MaxAttempts": 2},
    ),
    "retry on all": retried({"ErrorEquals": ALL, "MaxDelaySeconds": 3, "MaxAttempts": 6}),
    "parallel": machine(
        {
            "S": {"Type": "Pass", "Assign": {"o": 10}, "Next": "P"},
            "P": {
                "Type": "Parallel",
                "Branches": [
                    branch((f"B{n}", task("echo", {"n": n, "o": "{% $o %}"}, Output=PAYLOAD))) for n in range(3)
                ],
                "Assign": {"b1": "{% $states.result[1] %}"},
                "Output": {},
                "Next": "E",
            },
            "E": {**END, "Output": {"b1": "{% $b1 %}", "o": "{% $o %}"}},
        }
    ),
    "parallel fails": machine(
        {
            "P": {
                "Type": "Parallel",
                "Branches": [branch(("B0", task("fails"))), branch(("B1", {"Type": "Pass", "End": True}))],
                "Catch": [{"ErrorEquals": ["Broken"], "Assign": {"e": "{% $states.errorOutput.Error %}"}, "Next": "E"}],
                "Next": "E",
            },
            "E": {**END, "Output": "{% $e %}"},
        }
    ),
    "map": machine(
        {
            "M": loop(
                branch(("A", task("echo", "{% $states.input %}", Output="{% $states.result.Payload.item * 2 %}"))),
                Assign={"results": "{% $states.result %}"},
                Output={"count": "{% $count($states.result) %}"},
                Next="E",
            ),
            "E": {**END, "Output": {"r": "{% $results %}", "in": "{% $states.input %}"}},
        }
    ),
    "map of one": machine(
        {"M": loop(branch(("A", {"Type": "Pass", "Output": "x", "End": True})), Items=[5], End=True)}
    ),
    "map of none": machine({"M": loop(branch(("A", task("fails"))), Items=[], End=True)}),
    "map fails": machine(
        {
            "M": loop(
                branch(("A", task("fails"))), Catch=[{"ErrorEquals": ALL, "Next": "E", "Output": "bad"}], Next="E"
            ),
            "E": END,
        }
    ),
    "map over no array": machine({"M": loop(branch(("A", END)), Items="{% $states.input.n %}", End=True)}),
    "wait": machine(
        {
            "A": {"Type": "Wait", "Seconds": 90, "Assign": {"w": 1}, "Next": "B"},
            "B": {"Type": "Wait", "Seconds": "{% $states.input.n %}", "Output": "{% $w %}", "End": True},
        }
    ),
}
VALUE = {"n": 3, "nil": None, "items": [1, 2, 3], "deep": {"list": [{"a": 1}]}}


class Functions:
    """The same functions for both engines, fresh for each."""

    def __init__(self) -> None:
        self.calls: Counter[str] = Counter()
        self.left = ["Flaky", "Worse", "Flaky"]

    def call(self, name: str, payload: Any) -> Any:
        self.calls[f"{name} {dumps(payload)}"] += 1
        if name == "fails":
            raise Raised("Broken", "as told")
        if name == "flaky" and self.left:
            raise Raised(self.left.pop(0), "as told")
        return payload


def ours(definition: dict[str, Any]) -> tuple[Any, ...]:
    functions = Functions()
    host = ScriptedHost({name: partial(functions.call, name) for name in ("echo", "fails", "flaky")})
    begun = host.now
    ended: tuple[Any, ...]
    try:
        ended = ("SUCCEEDED", asyncio.run(Interpreter(read(definition), host).run(VALUE)))
    except StatesError as error:
        ended = ("FAILED", error.error)
    return *ended, functions.calls, (host.now - begun).total_seconds()


def theirs(definition: dict[str, Any]) -> tuple[Any, ...]:
    functions, pauses = Functions(), list[float]()

    def invoke(name: str, payload: Any) -> Any:
        try:
            return functions.call(name, payload)
        except Raised as error:
            raise moto_asl.FunctionFailed(error.name, str(error)) from error

    ended = moto_asl.run(definition, VALUE, invoke, pauses)
    shown = ended.output if ended.status == "SUCCEEDED" else ended.error
    return ended.status, shown, functions.calls, sum(pauses)


# What moto does otherwise than Step Functions documents. (Its Output also sees what the state's Assign just assigned;
# Step Functions evaluates both in parallel.)
MOTO_SAYS = {"no match": ("FAILED", "States.Runtime")}


@pytest.mark.parametrize("name", MACHINES)
def test_both_engines_agree(name: str) -> None:
    mine, other = ours(MACHINES[name]), theirs(MACHINES[name])
    if name in MOTO_SAYS:
        assert other[:2] == MOTO_SAYS[name]
        mine, other = mine[2:], other[2:]
    assert mine == other


def test_the_wiring_reaches_every_gap() -> None:
    """The canary: fails when a moto release moved what `moto_asl` replaces."""
    pauses: list[float] = []
    definition = machine(
        {
            "A": task("f", {"x": "{% $states.input.x %}"}, Assign={"v": PAYLOAD}, Next="W"),
            "W": {"Type": "Wait", "Seconds": 3600, "Next": "B"},
            "B": task("bad", Retry=[{"ErrorEquals": ALL, "IntervalSeconds": 600, "MaxAttempts": 1}], Next="E"),
            "E": END,
        }
    )

    def invoke(name: str, payload: Any) -> Any:
        if name == "bad":
            raise moto_asl.FunctionFailed("Broken")
        return payload

    ended = moto_asl.run(definition, {"x": 1}, invoke, pauses)
    assert (ended.status, ended.error) == ("FAILED", "Broken")
    assert pauses == [3600, 600]
