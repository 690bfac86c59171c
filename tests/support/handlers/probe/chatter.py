"""A handler that writes `lines` to its log, `pause_s` apart, each with the moment it was written."""

import time
from typing import Any

from tradeloom.runtime.observability import emit


def handler(event: Any, context: Any) -> Any:
    for number in range(event["lines"]):
        emit({"level": "info", "message": f"line {number}", "at": time.time()})
        time.sleep(event["pause_s"])
    return {"state": "succeeded", "port": "main", "output": {}}
