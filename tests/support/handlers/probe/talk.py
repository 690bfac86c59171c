"""A handler that says things in every way there is, and looks around."""

import os
import sys
import time
from typing import Any

from tradeloom.runtime.observability import emit


def handler(event: Any, context: Any) -> Any:
    emit({"level": "info", "message": "first", "bars": 500, "odd": "a\0\ud800"})
    print("printed")
    print("half a line", end="")
    print("to stderr", file=sys.stderr)
    emit({"level": "warning", "message": "not json", "thing": {1, 2}})
    os.write(1, b"past python\n")
    time.sleep(event.get("s", 0))
    return {
        "environment": dict(os.environ),
        "directory": os.getcwd(),
        "session": os.getsid(0) == os.getpid(),
        "function": context.function_name,
        "arn": context.invoked_function_arn,
        "request": context.aws_request_id,
        "left_ms": context.get_remaining_time_in_millis(),
    }
