"""Definitions the engine does not know are refused, with the place of what is wrong."""

import json
from typing import Any

import pytest

from tests.unit.engine.machines import machine, task
from tradeloom.engine.errors import InvalidDefinition
from tradeloom.engine.interpreter.reading import read

PASS = {"Type": "Pass", "End": True}
BRANCH = {"StartAt": "X", "States": {"X": PASS}}
MAP = {"Type": "Map", "MaxConcurrency": 1, "ItemProcessor": BRANCH, "End": True}


def with_state(**state: Any) -> dict[str, Any]:
    return machine({"A": state, "E": {"Type": "Succeed"}})


WRONG: dict[str, tuple[Any, str]] = {
    "no object": ([], ""),
    "JSONPath": ({**machine({"A": PASS}), "QueryLanguage": "JSONPath"}, "/QueryLanguage"),
    "no query language": ({"StartAt": "A", "States": {"A": PASS}}, "/QueryLanguage"),
    "unknown top field": (machine({"A": PASS}, Timeout=5), "/Timeout"),
    "version": (machine({"A": PASS}, Version="2.0"), "/Version"),
    "time-out of zero": (machine({"A": PASS}, TimeoutSeconds=0), "/TimeoutSeconds"),
    "time-out of true": (machine({"A": PASS}, TimeoutSeconds=True), "/TimeoutSeconds"),
    "no states": (machine({"A": PASS}) | {"States": {}}, "/States"),
    "start at nowhere": (machine({"A": PASS}, StartAt="B"), "/StartAt"),
    "long name": (machine({"A" * 81: PASS}), "/States/" + "A" * 81),
    "next to nowhere": (with_state(Type="Pass", Next="Nowhere"), "/States/A"),
    "next and end": (with_state(Type="Pass", Next="E", End=True), "/States/A/Next"),
    "neither next nor end": (with_state(Type="Pass"), "/States/A/Next"),
    "end is false": (with_state(Type="Pass", End=False), "/States/A/End"),
    "unknown type": (with_state(Type="Activity"), "/States/A/Type"),
    "no type": (with_state(End=True), "/States/A/Type"),
    "type of a list": (with_state(Type=["Pass"], End=True), "/States/A/Type"),
    "unknown field": (with_state(Type="Pass", End=True, ResultPath="$"), "/States/A/ResultPath"),
    "Result": (with_state(Type="Pass", End=True, Result={}), "/States/A/Result"),
    "state in JSONPath": (with_state(Type="Pass", End=True, QueryLanguage="JSONPath"), "/States/A/QueryLanguage"),
    "assign to states": (with_state(Type="Pass", End=True, Assign={"states": 1}), "/States/A/Assign"),
    "assign no object": (with_state(Type="Pass", End=True, Assign="{% $x %}"), "/States/A/Assign"),
    "assign in Succeed": (machine({"A": {"Type": "Succeed", "Assign": {}}}), "/States/A/Assign"),
    "bad JSONata": (with_state(Type="Pass", End=True, Output={"x": ["{% 1 + %}"]}), "/States/A/Output/x[0]"),
    "unclosed expression": (with_state(Type="Pass", End=True, Output="{% 1"), "/States/A/Output"),
    "now": (with_state(Type="Pass", End=True, Output="{% $now() %}"), "/States/A/Output"),
    "random": (with_state(Type="Pass", End=True, Output="{% [$random()] %}"), "/States/A/Output"),
    "uuid": (with_state(Type="Pass", End=True, Output="{% {'a': $uuid()} %}"), "/States/A/Output"),
    "eval": (with_state(Type="Pass", End=True, Output="{% $eval('1') %}"), "/States/A/Output"),
    "context root": (with_state(Type="Pass", End=True, Output="{% $$.x %}"), "/States/A/Output"),
    "no choices": (with_state(Type="Choice", Choices=[], Default="E"), "/States/A/Choices"),
    "choice ends": (
        with_state(Type="Choice", Choices=[{"Condition": "{% true %}", "Next": "E"}], End=True),
        "/States/A/End",
    ),
    "plain condition": (
        with_state(Type="Choice", Choices=[{"Condition": "true", "Next": "E"}]),
        "/States/A/Choices[0]/Condition",
    ),
    "JSONPath rule": (
        with_state(Type="Choice", Choices=[{"Variable": "$.x", "NumericEquals": 1, "Next": "E"}]),
        "/States/A/Choices[0]/Condition",
    ),
    "default to nowhere": (
        with_state(Type="Choice", Choices=[{"Condition": "{% true %}", "Next": "E"}], Default="X"),
        "/States/A",
    ),
    "wait for nothing": (with_state(Type="Wait", End=True), "/States/A/Seconds"),
    "wait for both": (with_state(Type="Wait", Seconds=1, Timestamp="x", End=True), "/States/A/Seconds"),
    "another resource": (
        with_state(Type="Task", Resource="arn:aws:states:::sns:publish", Arguments={}, End=True),
        "/States/A/Resource",
    ),
    "no function": (
        with_state(Type="Task", Resource="arn:aws:states:::lambda:invoke", Arguments={"Payload": 1}, End=True),
        "/States/A/Arguments/FunctionName",
    ),
    "more arguments": (
        machine({"A": task() | {"Arguments": {"FunctionName": "f", "InvocationType": "Event"}}}),
        "/States/A/Arguments/InvocationType",
    ),
    "heartbeat": (machine({"A": task(HeartbeatSeconds=5)}), "/States/A/HeartbeatSeconds"),
    "retry without names": (machine({"A": task(Retry=[{}])}), "/States/A/Retry[0]/ErrorEquals"),
    "retry of no names": (machine({"A": task(Retry=[{"ErrorEquals": []}])}), "/States/A/Retry[0]/ErrorEquals"),
    "all not last": (
        machine({"A": task(Retry=[{"ErrorEquals": ["States.ALL"]}, {"ErrorEquals": ["X"]}])}),
        "/States/A/Retry[0]/ErrorEquals",
    ),
    "all not alone": (
        machine({"A": task(Retry=[{"ErrorEquals": ["X", "States.ALL"]}])}),
        "/States/A/Retry[0]/ErrorEquals",
    ),
    "half a second": (
        machine({"A": task(Retry=[{"ErrorEquals": ["X"], "IntervalSeconds": 0.5}])}),
        "/States/A/Retry[0]/IntervalSeconds",
    ),
    "shrinking pauses": (
        machine({"A": task(Retry=[{"ErrorEquals": ["X"], "BackoffRate": 0.5}])}),
        "/States/A/Retry[0]/BackoffRate",
    ),
    "cap below interval": (
        machine({"A": task(Retry=[{"ErrorEquals": ["X"], "IntervalSeconds": 5, "MaxDelaySeconds": 5}])}),
        "/States/A/Retry[0]/MaxDelaySeconds",
    ),
    "odd jitter": (
        machine({"A": task(Retry=[{"ErrorEquals": ["X"], "JitterStrategy": "HALF"}])}),
        "/States/A/Retry[0]/JitterStrategy",
    ),
    "catch to nowhere": (machine({"A": task(Catch=[{"ErrorEquals": ["X"], "Next": "Z"}])}), "/States/A"),
    "catch without next": (machine({"A": task(Catch=[{"ErrorEquals": ["X"]}])}), "/States/A/Catch[0]/Next"),
    "no branches": (with_state(Type="Parallel", Branches=[], End=True), "/States/A/Branches"),
    "branch names a state outside": (
        with_state(
            Type="Parallel",
            Branches=[{"StartAt": "X", "States": {"X": {"Type": "Pass", "Next": "E"}}}],
            End=True,
        ),
        "/States/A/Branches[0]/States/X",
    ),
    "a name twice in the machine": (
        with_state(Type="Parallel", Branches=[BRANCH, BRANCH], End=True),
        "/States/A/Branches[1]/States/X",
    ),
    "a map at full width": (machine({"A": MAP | {"MaxConcurrency": 5}}), "/States/A/MaxConcurrency"),
    "a map of no width": (
        machine({"A": {key: value for key, value in MAP.items() if key != "MaxConcurrency"}}),
        "/States/A/MaxConcurrency",
    ),
    "a distributed map": (
        machine({"A": MAP | {"ItemProcessor": BRANCH | {"ProcessorConfig": {"Mode": "DISTRIBUTED"}}}}),
        "/States/A/ItemProcessor/ProcessorConfig",
    ),
    "tolerated failures": (machine({"A": MAP | {"ToleratedFailureCount": 1}}), "/States/A/ToleratedFailureCount"),
}


@pytest.mark.parametrize("name", WRONG)
def test_it_is_refused(name: str) -> None:
    definition, field = WRONG[name]
    with pytest.raises(InvalidDefinition) as caught:
        read(definition)
    assert caught.value.field == field


def test_comments_are_welcome_everywhere() -> None:
    retry = [{"Comment": "c", "ErrorEquals": ["X"]}]
    definition = machine({"A": task(Comment="c", Retry=retry)}, Comment="what it does")
    assert read(definition).comment == "what it does"


def test_a_machine_knows_its_functions() -> None:
    inner = {"StartAt": "B", "States": {"B": task("g")}}
    definition = machine(
        {"A": task("f", Next="P"), "P": {"Type": "Parallel", "Branches": [inner], "Next": "C"}, "C": task("{% $x %}")}
    )
    assert read(definition).functions == {"f", "g"}


def test_reading_changes_nothing() -> None:
    definition = with_state(Type="Pass", End=True, Output={"a": "{% $states.input %}"}, Comment="c")
    before = json.dumps(definition)
    read(definition)
    assert json.dumps(definition) == before
