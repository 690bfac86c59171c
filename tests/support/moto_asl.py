"""State machines run by moto's ASL engine (LocalStack's), as a second opinion on our interpreter.

moto leaves JSONata and Lambda to be filled in: expressions go to jsonata-python with data bound as variables, functions
to a Python callable, and pauses are noted instead of slept. What is replaced has private names; the canary test beside
this file's users tells when moto moved them.
"""

import json
import logging
import threading
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any

from jsonata import Jsonata
from jsonata.utils import Utils
from moto.stepfunctions.parser.api import HistoryEventType, StateMachineType
from moto.stepfunctions.parser.asl.component.common.error_name.failure_event import (
    FailureEvent,
    FailureEventException,
)
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name import StatesErrorName
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name_type import StatesErrorNameType
from moto.stepfunctions.parser.asl.component.common.retry import retrier_decl
from moto.stepfunctions.parser.asl.component.common.string.string_expression import StringJSONata
from moto.stepfunctions.parser.asl.component.state.exec.state_task import lambda_eval_utils
from moto.stepfunctions.parser.asl.component.state.wait.wait_function.wait_function import WaitFunction
from moto.stepfunctions.parser.asl.eval.environment import Environment
from moto.stepfunctions.parser.asl.eval.evaluation_details import AWSExecutionDetails
from moto.stepfunctions.parser.asl.eval.event.event_detail import EventDetails
from moto.stepfunctions.parser.asl.eval.event.event_manager import EventHistoryContext
from moto.stepfunctions.parser.asl.eval.program_state import ProgramEnded, ProgramError, ProgramTimedOut
from moto.stepfunctions.parser.asl.eval.states import ContextObjectData, ExecutionData, StateMachineData
from moto.stepfunctions.parser.asl.parse.asl_parser import AmazonStateLanguageParser
from moto.stepfunctions.parser.asl.parse.preprocessor import Preprocessor

ACCOUNT, REGION = "000000000000", "us-east-1"

Invoke = Callable[[str, Any], Any]
"""Function name and payload in, payload out; raises `FunctionFailed`."""


class FunctionFailed(Exception):
    """A Lambda function's exception: its type and message."""

    def __init__(self, error_type: str, message: str = "") -> None:
        super().__init__(message)
        self.error_type = error_type


@dataclass(frozen=True, slots=True)
class Ended:
    """`status` is SUCCEEDED, FAILED or TIMED_OUT; the rest is what an execution shows then."""

    status: str
    output: Any = None
    error: str | None = None
    cause: str | None = None


@dataclass(frozen=True, slots=True)
class _Running:
    invoke: Invoke
    pauses: list[float]


_running: dict[str, _Running] = {}


def run(definition: dict[str, Any], value: Any, invoke: Invoke, pauses: list[float] | None = None) -> Ended:
    """Run a machine to its end. `pauses` collects the seconds of waits and back-offs, none of which is slept."""
    _wire()
    name = uuid.uuid4().hex
    arn = f"arn:aws:states:{REGION}:{ACCOUNT}:execution:m:{name}"
    _running[name] = _Running(invoke, [] if pauses is None else pauses)
    try:
        program, _ = AmazonStateLanguageParser.parse(json.dumps(definition))
        environment = _environment(name, arn, value)
        environment.states.reset(input_value=value)
        program.eval(environment)
        return _ended(environment)
    finally:
        del _running[name]


def _environment(name: str, arn: str, value: Any) -> Environment:
    started = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return Environment(
        aws_execution_details=AWSExecutionDetails(ACCOUNT, REGION, f"arn:aws:iam::{ACCOUNT}:role/r"),
        execution_type=StateMachineType.STANDARD,
        context=ContextObjectData(  # type: ignore[typeddict-item]
            Execution=ExecutionData(Id=arn, Input=value, Name=name, RoleArn="r", StartTime=started),
            StateMachine=StateMachineData(Id="m", Name="m"),
        ),
        event_history_context=EventHistoryContext.of_program_start(),
        cloud_watch_logging_session=None,
        activity_store={},
    )


def _ended(environment: Environment) -> Ended:
    state = environment.program_state()
    if isinstance(state, ProgramEnded):
        return Ended("SUCCEEDED", output=environment.states.get_input())
    if isinstance(state, ProgramTimedOut):
        return Ended("TIMED_OUT", error="States.Timeout")
    assert isinstance(state, ProgramError)
    told: dict[str, Any] = dict(state.error or {})
    return Ended("FAILED", error=told.get("error", ""), cause=told.get("cause", ""))


@cache
def _wire() -> None:
    """Fill moto's gaps, once a process."""
    logging.getLogger("moto.stepfunctions").setLevel(logging.CRITICAL)
    StringJSONata._eval_body = _evaluate  # type: ignore[method-assign]
    WaitFunction._wait_interval = _wait  # type: ignore[method-assign]
    lambda_eval_utils.execute_lambda_function_integration = _call
    plain_init = Preprocessor.__init__

    def with_own_scopes(self: Any, *args: Any, **more: Any) -> None:
        plain_init(self, *args, **more)
        self._query_language_per_scope = []

    Preprocessor.__init__ = with_own_scopes  # type: ignore[method-assign]
    plain_retry = retrier_decl.RetrierDecl._eval_body

    def retry(self: Any, env: Any) -> None:
        _thread.pauses = _of(env).pauses
        plain_retry(self, env)

    retrier_decl.RetrierDecl._eval_body = retry  # type: ignore[method-assign]
    retrier: Any = retrier_decl
    retrier.time = _Clock()


def _of(environment: Any) -> _Running:
    return _running[environment.states.context_object.context_object_data["Execution"]["Name"]]


class _Clock:
    """Stands in for the `time` of retriers, and notes pauses with the execution whose retrier runs in this thread."""

    def sleep(self, seconds: float) -> None:
        _thread.pauses.append(seconds)


_thread = threading.local()


def _wait(self: Any, env: Any, wait_seconds: float) -> None:
    _of(env).pauses.append(wait_seconds)


def _call(env: Any, parameters: dict[str, Any], region: str, state_credentials: Any) -> None:
    running = _of(env)
    try:
        payload = running.invoke(parameters["FunctionName"], json.loads(parameters.get("Payload", b"{}")))
    except FunctionFailed as failure:
        cause = {"errorMessage": str(failure), "errorType": failure.error_type, "stackTrace": []}
        raise lambda_eval_utils.LambdaFunctionErrorException("Unhandled", json.dumps(cause)) from failure
    env.stack.append({"ExecutedVersion": "$LATEST", "Payload": json.loads(json.dumps(payload)), "StatusCode": 200})


@cache
def _parsed(text: str) -> Jsonata:
    return Jsonata(text)


_evaluating = threading.Lock()


def _evaluate(self: Any, env: Any) -> None:
    """A JSONata expression in the scope of a state."""
    store = env.variable_store
    known = {**store._outer_scope, **store._inner_scope, "states": env.states._states_data}
    bound = {name: Utils.NULL_VALUE if value is None else value for name, value in known.items()}
    with _evaluating:  # a parsed expression keeps its last variables
        try:
            parsed = _parsed(self.expression)
            parsed.set_output_convert_nulls(False)
            value = parsed.evaluate(None, bound)
            defined = value is not None
            text = json.dumps(value, default=_null)
        except Exception as error:  # whatever the library raises
            raise _failure(env, str(error)) from error
    if not defined:
        raise _failure(env, f"The JSONata expression '{self.expression}' returned nothing (undefined).")
    env.stack.append(json.loads(text, parse_float=_number))


def _number(text: str) -> float:
    value = float(text)
    return int(value) if value.is_integer() and abs(value) <= 2**53 else value


def _null(value: Any) -> Any:
    if value is Utils.NULL_VALUE:
        return None
    raise TypeError(f"{value!r} is not JSON")


def _failure(env: Any, cause: str) -> FailureEventException:
    name = StatesErrorName(typ=StatesErrorNameType.StatesQueryEvaluationError)
    details: Any = EventDetails
    return FailureEventException(
        FailureEvent(
            env=env,
            error_name=name,
            event_type=HistoryEventType.EvaluationFailed,
            event_details=details(taskFailedEventDetails={"error": name.error_name, "cause": cause}),
        )
    )
