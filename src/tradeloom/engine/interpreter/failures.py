"""Errors inside a state machine: their names, and which Retry and Catch match them.

https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html
"""

import json
from collections.abc import Sequence
from typing import Any

TIMEOUT = "States.Timeout"
TASK_FAILED = "States.TaskFailed"
QUERY_EVALUATION = "States.QueryEvaluationError"
DATA_LIMIT = "States.DataLimitExceeded"
NO_CHOICE = "States.NoChoiceMatched"
RUNTIME = "States.Runtime"
ALL = "States.ALL"

MAX_CAUSE = 32_768
"""Step Functions keeps this many characters of a cause."""


class StatesError(Exception):
    """A state failed. `error` is what Retry and Catch match; `cause` is text for people, often JSON from a Lambda."""

    def __init__(self, error: str, cause: str = "") -> None:
        super().__init__(f"{error}: {cause}")
        self.error = error
        self.cause = cause[:MAX_CAUSE]

    def as_output(self) -> dict[str, Any]:
        """`$states.errorOutput`."""
        return {"Error": self.error, "Cause": self.cause}


def matches(names: Sequence[str], error: str) -> bool:
    """Whether an `ErrorEquals` list covers an error.

    `States.Runtime` always fails the execution. `States.ALL` and `States.TaskFailed` are wildcards that leave out
    `States.DataLimitExceeded`; `States.TaskFailed` also leaves out `States.Timeout`.
    """
    if error == RUNTIME:
        return False
    if error in names:
        return True
    if error == DATA_LIMIT:
        return False
    return ALL in names or (TASK_FAILED in names and error != TIMEOUT)


def lambda_failure(error_type: str, message: str, stack_trace: Sequence[str] = ()) -> StatesError:
    """The error a failed function shows: its type as the name, and Lambda's JSON as the cause."""
    cause = {"errorMessage": message, "errorType": error_type, "stackTrace": list(stack_trace)}
    text = json.dumps(cause, ensure_ascii=False)
    if len(text) > MAX_CAUSE:
        cause |= {"errorMessage": message[: MAX_CAUSE // 2], "stackTrace": []}
        text = json.dumps(cause, ensure_ascii=False)
    return StatesError(error_type, text)
