"""A handler that gives back what it got."""

from typing import Any


def handler(event: Any, context: Any) -> Any:
    return event
