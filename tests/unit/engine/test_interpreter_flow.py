"""States that pass data on: Pass, Choice, Succeed, Fail, Task, Wait, and the scope of variables."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.unit.engine.machines import START, ScriptedHost, machine, run, task
from tradeloom.engine.interpreter.failures import StatesError


def only(state: dict[str, Any]) -> dict[str, Any]:
    return machine({"A": state})


def test_a_pass_passes_its_input_on() -> None:
    assert run(only({"Type": "Pass", "End": True}), {"a": 1}) == {"a": 1}


def test_an_output_is_a_template_at_any_depth() -> None:
    output = {
        "whole": "{% $states.input %}",
        "nested": [{"x": "{% $states.input.a + 1 %}"}, "text", 2.5, None],
        "no {% expression %}": " {% not one %}",
    }
    assert run(only({"Type": "Pass", "Output": output, "End": True}), {"a": 1}) == {
        "whole": {"a": 1},
        "nested": [{"x": 2}, "text", 2.5, None],
        "no {% expression %}": " {% not one %}",
    }


def test_an_output_of_null_is_null() -> None:
    assert run(only({"Type": "Pass", "Output": None, "End": True}), {"a": 1}) is None
    assert run(only({"Type": "Pass", "Output": "{% null %}", "End": True})) is None


def test_numbers_are_javascripts() -> None:
    output = {"whole": "{% $states.input.x * 2 %}", "kept": "{% $states.input.x %}", "constant": 5.0}
    result = run(only({"Type": "Pass", "Output": output, "End": True}), {"x": 2.5})
    assert result == {"whole": 5, "kept": 2.5, "constant": 5}
    assert all(isinstance(result[key], int) for key in ("whole", "constant"))


def test_undefined_is_an_error() -> None:
    with pytest.raises(StatesError, match="returned nothing") as caught:
        run(only({"Type": "Pass", "Output": "{% $states.input.nothing %}", "End": True}))
    assert caught.value.error == "States.QueryEvaluationError"
    with pytest.raises(StatesError, match="could not be evaluated"):
        run(only({"Type": "Pass", "Output": "{% 1 + 'a' %}", "End": True}))


def test_assignments_see_the_old_values() -> None:
    states = {
        "A": {"Type": "Pass", "Assign": {"x": 1, "y": 2}, "Next": "B"},
        "B": {
            "Type": "Pass",
            "Assign": {"x": "{% $y %}", "y": "{% $x %}"},
            "Output": "{% [$x, $y] %}",
            "Next": "C",
        },
        "C": {"Type": "Succeed", "Output": {"before": "{% $states.input %}", "after": "{% [$x, $y] %}"}},
    }
    assert run(machine(states)) == {"before": [1, 2], "after": [2, 1]}


def test_an_unset_variable_is_undefined() -> None:
    with pytest.raises(StatesError):
        run(only({"Type": "Pass", "Output": "{% $nobody %}", "End": True}))


@pytest.mark.parametrize(("n", "way"), [(1, "low"), (5, "high"), (3, "default")])
def test_a_choice_takes_the_first_rule_that_matches(n: int, way: str) -> None:
    states = {
        "A": {
            "Type": "Choice",
            "Choices": [
                {"Condition": "{% $states.input.n < 2 %}", "Next": "End", "Output": "low", "Assign": {"v": 1}},
                {"Condition": "{% $states.input.n > 4 %}", "Next": "End", "Output": "high", "Assign": {"v": 2}},
                {"Condition": "{% $states.input.n > 3 %}", "Next": "End", "Output": "never"},
            ],
            "Default": "End",
            "Output": "default",
            "Assign": {"v": 3},
        },
        "End": {"Type": "Succeed", "Output": {"way": "{% $states.input %}", "v": "{% $v %}"}},
    }
    assert run(machine(states), {"n": n}) == {"way": way, "v": {"low": 1, "high": 2, "default": 3}[way]}


def test_a_rule_without_assignments_makes_none() -> None:
    states = {
        "S": {"Type": "Pass", "Assign": {"v": 0}, "Next": "A"},
        "A": {
            "Type": "Choice",
            "Choices": [{"Condition": "{% true %}", "Next": "End"}],
            "Default": "End",
            "Assign": {"v": 3},
        },
        "End": {"Type": "Succeed", "Output": "{% $v %}"},
    }
    assert run(machine(states)) == 0


def test_a_choice_without_a_match_or_default_fails() -> None:
    states = {
        "A": {"Type": "Choice", "Choices": [{"Condition": "{% false %}", "Next": "B"}]},
        "B": {"Type": "Succeed"},
    }
    with pytest.raises(StatesError) as caught:
        run(machine(states))
    assert caught.value.error == "States.NoChoiceMatched"


@pytest.mark.parametrize("condition", ["1", "'true'", "$states.input", "null"])
def test_a_condition_is_true_or_false(condition: str) -> None:
    states = {
        "A": {"Type": "Choice", "Choices": [{"Condition": f"{{% {condition} %}}", "Next": "B"}], "Default": "B"},
        "B": {"Type": "Succeed"},
    }
    with pytest.raises(StatesError) as caught:
        run(machine(states))
    assert caught.value.error == "States.QueryEvaluationError"


def test_a_fail_state_names_its_error() -> None:
    states = {
        "A": {"Type": "Pass", "Assign": {"f": {"name": "NotANumber", "cause": "because"}}, "Next": "F"},
        "F": {"Type": "Fail", "Error": "{% $f.name %}", "Cause": "{% 'rsi: ' & $f.cause %}"},
    }
    with pytest.raises(StatesError) as caught:
        run(machine(states))
    assert (caught.value.error, caught.value.cause) == ("NotANumber", "rsi: because")
    with pytest.raises(StatesError) as caught:
        run(only({"Type": "Fail"}))
    assert (caught.value.error, caught.value.cause) == ("", "")
    with pytest.raises(StatesError, match="not a string"):
        run(only({"Type": "Fail", "Error": "{% 5 %}"}))


def test_a_task_calls_its_function() -> None:
    host = ScriptedHost({"arn:f": lambda payload: {"got": payload}})
    definition = machine(
        {
            "A": task("arn:f", {"n": "{% $states.input.n %}"}, TimeoutSeconds=7, Next="B"),
            "B": {"Type": "Succeed", "Output": "{% $states.input.Payload %}"},
        }
    )
    assert run(definition, {"n": 3}, host) == {"got": {"n": 3}}
    (call,) = host.calls
    assert (call.path, call.state, call.function, call.timeout_s, call.attempt) == ("A", "A", "arn:f", 7, 0)


def test_a_tasks_result_has_lambdas_shape() -> None:
    assert run(machine({"A": task()}), f=lambda payload: 1) == {
        "ExecutedVersion": "$LATEST",
        "Payload": 1,
        "StatusCode": 200,
    }


def test_a_tasks_output_and_assignments_see_result_and_input() -> None:
    states = {
        "A": task(
            Assign={"r": "{% $states.result.Payload %}", "i": "{% $states.input.n %}"},
            Output={"sum": "{% $states.result.Payload + $states.input.n %}"},
            Next="B",
        ),
        "B": {"Type": "Succeed", "Output": "{% [$r, $i, $states.input.sum] %}"},
    }
    assert run(machine(states), {"n": 2}, f=lambda payload: 40) == [40, 2, 42]


def test_a_time_out_may_be_an_expression() -> None:
    host = ScriptedHost({"f": lambda payload: 1})
    run(machine({"A": task(TimeoutSeconds="{% $states.input.t %}")}), {"t": 9}, host)
    assert host.calls[0].timeout_s == 9
    for wrong in (0, 1.5, "x", -1, True):
        with pytest.raises(StatesError) as caught:
            run(machine({"A": task(TimeoutSeconds="{% $states.input.t %}")}), {"t": wrong}, f=lambda payload: 1)
        assert caught.value.error == "States.QueryEvaluationError"


def test_a_wait_waits_from_when_it_was_entered() -> None:
    host = ScriptedHost()
    due = "$fromMillis($toMillis($states.context.State.EnteredTime) + 90000)"
    states = {
        "A": {"Type": "Wait", "Seconds": 90, "Output": {"due": f"{{% {due} %}}"}, "Assign": {"w": 1}, "Next": "B"},
        "B": {"Type": "Succeed", "Output": {"due": "{% $states.input.due %}", "w": "{% $w %}"}},
    }
    assert run(machine(states), host=host) == {"due": "2026-11-22T09:31:30.000Z", "w": 1}
    assert host.waits == [("A", START + timedelta(seconds=90))]


def test_a_wait_may_name_a_time() -> None:
    host = ScriptedHost()
    definition = only({"Type": "Wait", "Timestamp": "{% $states.input.at %}", "End": True})
    run(definition, {"at": "2026-11-22T12:00:00+02:00"}, host)
    assert host.waits == [("A", datetime(2026, 11, 22, 10, tzinfo=UTC))]
    for wrong in ("tomorrow", "2026-11-22", "2026-11-22T12:00:00", 5, None):
        with pytest.raises(StatesError) as caught:
            run(definition, {"at": wrong})
        assert caught.value.error == "States.QueryEvaluationError"


@pytest.mark.parametrize("seconds", [-1, 0.5, 100_000_000, "5", None])
def test_a_waits_seconds_are_whole_and_bounded(seconds: Any) -> None:
    with pytest.raises(StatesError) as caught:
        run(only({"Type": "Wait", "Seconds": "{% $states.input.s %}", "End": True}), {"s": seconds})
    assert caught.value.error == "States.QueryEvaluationError"


def test_the_context_knows_execution_and_state() -> None:
    output = {"id": "{% $states.context.Execution.Id %}", "state": "{% $states.context.State.Name %}"}
    assert run(only({"Type": "Pass", "Output": output, "End": True})) == {"id": "arn:e", "state": "A"}


def test_a_machine_in_circles_ends() -> None:
    states = {
        "A": {"Type": "Pass", "Next": "B"},
        "B": {"Type": "Choice", "Choices": [{"Condition": "{% false %}", "Next": "C"}], "Default": "A"},
        "C": {"Type": "Succeed"},
    }
    with pytest.raises(StatesError) as caught:
        run(machine(states))
    assert caught.value.error == "States.Runtime"


def test_a_state_visited_again_has_another_address() -> None:
    host = ScriptedHost({"f": lambda payload: payload["n"] + 1})
    states = {
        "S": {"Type": "Pass", "Assign": {"n": 0}, "Next": "A"},
        "A": task("f", {"n": "{% $n %}"}, Assign={"n": "{% $states.result.Payload %}"}, Next="B"),
        "B": {"Type": "Choice", "Choices": [{"Condition": "{% $n < 3 %}", "Next": "A"}], "Default": "C"},
        "C": {"Type": "Succeed", "Output": "{% $n %}"},
    }
    assert run(machine(states), host=host) == 3
    assert [call.path for call in host.calls] == ["A", "A:2", "A:3"]
