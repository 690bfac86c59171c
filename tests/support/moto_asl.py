"""moto's ASL engine (LocalStack's) as an independent oracle: the same machine, tasks answered by a Python function.

JSONata is evaluated by `jsonata-python`. The names patched here are moto's private ones: `tests/parity/test_moto.py`
is the canary that fails first when a new moto moves them.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

from jsonata import Jsonata
from moto.stepfunctions.parser.api import StateMachineType
from moto.stepfunctions.parser.asl.component.common.retry import retrier_decl
from moto.stepfunctions.parser.asl.component.state.exec.state_task import lambda_eval_utils
from moto.stepfunctions.parser.asl.eval.environment import Environment
from moto.stepfunctions.parser.asl.eval.evaluation_details import AWSExecutionDetails
from moto.stepfunctions.parser.asl.eval.event.event_manager import EventHistoryContext
from moto.stepfunctions.parser.asl.eval.program_state import ProgramEnded, ProgramError
from moto.stepfunctions.parser.asl.eval.states import ContextObjectData, ExecutionData, StateMachineData
from moto.stepfunctions.parser.asl.jsonata import jsonata as moto_jsonata
from moto.stepfunctions.parser.asl.parse import preprocessor
from moto.stepfunctions.parser.asl.parse.asl_parser import AmazonStateLanguageParser

ARN = "arn:aws:states:us-east-1:000000000000"


class TaskError(Exception):
    """A task's failure as Lambda reports one."""

    def __init__(self, error_type: str, message: str) -> None:
        super().__init__(message)
        self.error_type = error_type
        self.message = message


class NoPause:
    """Stands for the `time` module where moto pauses between retries."""

    @staticmethod
    def sleep(_seconds: float) -> None:
        return


@dataclass(frozen=True)
class Ended:
    """How the execution ended: `output` when it succeeded, else `error` and `cause`."""

    output: Any = None
    error: str | None = None
    cause: str | None = None


def run(definition: dict[str, Any], value: Any, invoke: Callable[[str, Any], Any]) -> Ended:
    """Run a machine to its end. `invoke(function, payload)` gives a task's payload or raises `TaskError`."""
    with _wired(invoke):
        program, _ = AmazonStateLanguageParser.parse(json.dumps(definition))
        environment = _environment(value)
        program.eval(environment)
        state = environment.program_state()
    if isinstance(state, ProgramEnded):
        return Ended(output=environment.states.get_input())
    if isinstance(state, ProgramError) and state.error is not None:
        return Ended(error=state.error.get("error") or "", cause=state.error.get("cause"))
    return Ended(error=type(state).__name__)


def _environment(value: Any) -> Environment:
    execution = ExecutionData(
        Id=f"{ARN}:execution:oracle:oracle",
        Input=value,
        Name="oracle",
        RoleArn="arn:aws:iam::000000000000:role/oracle",
        StartTime="2026-01-05T09:00:00.000Z",
    )
    return Environment(
        aws_execution_details=AWSExecutionDetails("000000000000", "us-east-1", execution["RoleArn"]),
        execution_type=StateMachineType.STANDARD,
        context=ContextObjectData(  # type: ignore[typeddict-item]  # State, Map and Task come with each state
            Execution=execution,
            StateMachine=StateMachineData(Id=f"{ARN}:stateMachine:oracle", Name="oracle"),
        ),
        event_history_context=EventHistoryContext.of_program_start(),
        cloud_watch_logging_session=None,
        activity_store={},
    )


@contextmanager
def _wired(invoke: Callable[[str, Any], Any]) -> Iterator[None]:
    def answer(parameters: dict[str, Any], **_: Any) -> dict[str, Any]:
        try:
            payload = invoke(parameters["FunctionName"], json.loads(parameters["Payload"]))
        except TaskError as error:
            told = {"errorMessage": error.message, "errorType": error.error_type}
            return {"StatusCode": 200, "FunctionError": "Unhandled", "Payload": told}
        return {"StatusCode": 200, "ExecutedVersion": "$LATEST", "Payload": json.loads(json.dumps(payload))}

    original = preprocessor.Preprocessor.__init__

    def fresh_scopes(self: Any, *args: Any, **kwargs: Any) -> None:
        original(self, *args, **kwargs)
        self._query_language_per_scope = []

    with (
        patch.object(moto_jsonata, "_eval_jsonata", _evaluate),
        patch.object(lambda_eval_utils, "_invoke_lambda_function", answer),
        patch.object(preprocessor.Preprocessor, "__init__", fresh_scopes),
        patch.object(retrier_decl, "time", NoPause()),
    ):
        yield


def _evaluate(expression: str) -> Any:
    try:
        result = Jsonata(expression).evaluate(None)
    except Exception as error:
        raise moto_jsonata.JSONataException("UNKNOWN", str(error)) from error
    return json.loads(json.dumps(result))
