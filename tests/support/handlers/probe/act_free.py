"""A handler that counts as one with an effect and has none: what a barrier costs."""

from typing import Any


def handler(event: Any, context: Any) -> Any:
    return {"state": "succeeded", "port": "main", "output": {"node": event["node"]}}
