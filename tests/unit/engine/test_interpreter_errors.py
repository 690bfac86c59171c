"""Retry, Catch, error names and limits."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.unit.engine.machines import Raised, ScriptedHost, machine, run, task
from tradeloom.engine.interpreter.failures import StatesError, lambda_failure, matches
from tradeloom.engine.interpreter.machine import MAX_PAYLOAD_BYTES

END = {"Type": "Succeed"}


def failing(*names: str) -> Callable[[Any], Any]:
    """A function that fails with these errors, one a call, then gives 'ok'."""
    left = list(names)

    def function(payload: Any) -> Any:
        if left:
            raise Raised(left.pop(0), "as told")
        return "ok"

    return function


@pytest.mark.parametrize(
    ("names", "error", "covered"),
    [
        (["A"], "A", True),
        (["A"], "B", False),
        (["a"], "A", False),
        (["A", "B"], "B", True),
        (["States.ALL"], "Anything", True),
        (["States.ALL"], "States.Timeout", True),
        (["States.ALL"], "States.DataLimitExceeded", False),
        (["States.ALL"], "States.Runtime", False),
        (["States.Runtime"], "States.Runtime", False),
        (["States.DataLimitExceeded"], "States.DataLimitExceeded", True),
        (["States.TaskFailed"], "BrokerTimeout", True),
        (["States.TaskFailed"], "States.QueryEvaluationError", True),
        (["States.TaskFailed"], "States.Timeout", False),
        (["States.TaskFailed"], "States.DataLimitExceeded", False),
        (["States.TaskFailed", "States.Timeout"], "States.Timeout", True),
    ],
)
def test_error_names_match_as_step_functions_says(names: list[str], error: str, covered: bool) -> None:
    assert matches(names, error) is covered


def test_a_retry_backs_off() -> None:
    host = ScriptedHost({"f": failing("Flaky", "Flaky", "Flaky")})
    retry = [{"ErrorEquals": ["Flaky"], "IntervalSeconds": 2, "BackoffRate": 3, "MaxDelaySeconds": 10}]
    assert run(machine({"A": task(Retry=retry)}), host=host)["Payload"] == "ok"
    assert host.pauses == [("A", 0, 2.0, False), ("A", 1, 6.0, False), ("A", 2, 10.0, False)]
    assert [call.attempt for call in host.calls] == [0, 1, 2, 3]


def test_defaults_of_a_retrier() -> None:
    host = ScriptedHost({"f": failing(*["Flaky"] * 9)})
    with pytest.raises(StatesError, match="Flaky"):
        run(machine({"A": task(Retry=[{"ErrorEquals": ["States.ALL"]}])}), host=host)
    assert [pause[2] for pause in host.pauses] == [1.0, 2.0, 4.0]


def test_the_first_matching_retrier_counts_for_itself() -> None:
    host = ScriptedHost({"f": failing("A", "B", "A", "B", "A")})
    retry = [
        {"ErrorEquals": ["A"], "IntervalSeconds": 1, "MaxAttempts": 2, "BackoffRate": 2},
        {"ErrorEquals": ["B"], "IntervalSeconds": 5, "MaxAttempts": 5, "BackoffRate": 1},
        {"ErrorEquals": ["States.ALL"], "IntervalSeconds": 60, "MaxAttempts": 9},
    ]
    caught = [{"ErrorEquals": ["A"], "Next": "E", "Output": "{% $states.errorOutput.Error %}"}]
    definition = machine({"A": task(Retry=retry, Catch=caught), "E": END})
    assert run(definition, host=host) == "A"
    assert [pause[2] for pause in host.pauses] == [1.0, 5.0, 2.0, 5.0]


def test_no_attempts_means_no_retry() -> None:
    host = ScriptedHost({"f": failing("A")})
    retry = [{"ErrorEquals": ["A"], "MaxAttempts": 0}, {"ErrorEquals": ["States.ALL"]}]
    with pytest.raises(StatesError):
        run(machine({"A": task(Retry=retry)}), host=host)
    assert host.pauses == []


def test_jitter_is_left_to_the_host() -> None:
    host = ScriptedHost({"f": failing("A")})
    run(machine({"A": task(Retry=[{"ErrorEquals": ["A"], "JitterStrategy": "FULL"}])}), host=host)
    assert host.pauses == [("A", 0, 1.0, True)]


def test_a_catch_has_the_error_and_assigns() -> None:
    states = {
        "A": task(
            Assign={"never": 1},
            Catch=[
                {
                    "ErrorEquals": ["StalePrice"],
                    "Assign": {"failure": "{% $states.errorOutput %}", "was": "{% $states.input.n %}"},
                    "Next": "E",
                }
            ],
        ),
        "E": {
            "Type": "Succeed",
            "Output": {"in": "{% $states.input %}", "failure": "{% $failure %}", "was": "{% $was %}"},
        },
    }
    result = run(machine(states), {"n": 7}, f=failing("StalePrice"))
    cause = lambda_failure("StalePrice", "as told").cause
    error = {"Error": "StalePrice", "Cause": cause}
    assert result == {"in": error, "failure": error, "was": 7}


def test_what_no_catcher_covers_fails_the_execution() -> None:
    definition = machine({"A": task(Catch=[{"ErrorEquals": ["B"], "Next": "E"}]), "E": END})
    with pytest.raises(StatesError) as caught:
        run(definition, f=failing("A"))
    assert caught.value.error == "A"


def test_a_failed_function_shows_as_lambdas_does() -> None:
    error = lambda_failure("ValueError", "bad", ["line 1"])
    assert error.error == "ValueError"
    assert error.cause == '{"errorMessage": "bad", "errorType": "ValueError", "stackTrace": ["line 1"]}'
    assert len(lambda_failure("E", "x" * 100_000, ["y" * 100_000]).cause) <= 32_768


def test_bad_arguments_can_be_caught_and_nothing_is_called() -> None:
    host = ScriptedHost()
    caught = [{"ErrorEquals": ["States.QueryEvaluationError"], "Next": "E", "Output": "caught"}]
    definition = machine({"A": task("f", {"x": "{% $nobody %}"}, Catch=caught), "E": END})
    assert run(definition, host=host) == "caught"
    assert host.calls == []


def test_a_bad_output_after_a_task_can_be_caught() -> None:
    caught = [{"ErrorEquals": ["States.ALL"], "Next": "E", "Output": "{% $states.errorOutput.Error %}"}]
    definition = machine({"A": task(Output="{% $states.result.Payload.none %}", Catch=caught), "E": END})
    assert run(definition, f=lambda payload: {}) == "States.QueryEvaluationError"


def test_a_bad_catch_fails_the_execution() -> None:
    caught = [{"ErrorEquals": ["States.ALL"], "Next": "E", "Output": "{% $states.result %}"}]
    with pytest.raises(StatesError) as failed:
        run(machine({"A": task(Catch=caught), "E": END}), f=failing("A"))
    assert failed.value.error == "States.QueryEvaluationError"


LARGE = "x" * MAX_PAYLOAD_BYTES


@pytest.mark.parametrize(
    "state",
    [
        task("large"),
        task("f", "{% $states.input & $states.input %}"),
        task("f", Output="{% $states.input & $states.input %}"),
        task("f", Assign={"v": "{% $states.input & $states.input %}"}),
    ],
    ids=["result", "arguments", "output", "assign"],
)
def test_more_than_a_state_may_pass_on_is_its_own_error(state: dict[str, Any]) -> None:
    half = "y" * (MAX_PAYLOAD_BYTES * 2 // 3)
    covered = [
        {"ErrorEquals": ["States.DataLimitExceeded"], "Next": "E", "Output": "caught"},
        {"ErrorEquals": ["States.ALL"], "Next": "E", "Output": "not this"},
    ]
    functions = {"large": lambda payload: LARGE, "f": lambda payload: 1}
    definition = machine({"A": {**state, "Catch": covered}, "E": END})
    assert run(definition, half, ScriptedHost(functions)) == "caught"
    with pytest.raises(StatesError) as caught:
        run(machine({"A": {**state, "Catch": covered[1:]}, "E": END}), half, ScriptedHost(functions))
    assert caught.value.error == "States.DataLimitExceeded"


def test_the_limit_counts_bytes_and_is_exact() -> None:
    fits = "é" * (MAX_PAYLOAD_BYTES // 2 - 1)
    assert run(machine({"A": {"Type": "Pass", "Output": "{% $states.input %}", "End": True}}), fits) == fits
    with pytest.raises(StatesError) as caught:
        run(machine({"A": {"Type": "Pass", "End": True}}), fits + "é")
    assert caught.value.error == "States.DataLimitExceeded"


def test_a_timed_out_task_is_caught_by_name_or_all_but_not_as_failed() -> None:
    for names, caught in ((["States.Timeout"], True), (["States.ALL"], True), (["States.TaskFailed"], False)):
        definition = machine({"A": task(Catch=[{"ErrorEquals": names, "Next": "E"}]), "E": END})
        if caught:
            assert run(definition, f=failing("States.Timeout"))["Error"] == "States.Timeout"
        else:
            with pytest.raises(StatesError):
                run(definition, f=failing("States.Timeout"))
