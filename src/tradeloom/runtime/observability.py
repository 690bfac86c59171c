"""Node logs: one JSON record a line through Powertools, and a sink the local engine sets to stream them live."""

from collections.abc import Callable
from typing import Any

LogRecord = dict[str, Any]

_sink: Callable[[LogRecord], None] | None = None


def set_sink(sink: Callable[[LogRecord], None] | None) -> None:
    """Send records to `sink` instead of the process's log; None restores the log."""
    global _sink
    _sink = sink


def emit(record: LogRecord) -> None:
    """Write one record: `{level, message, execution_id, node, iteration, …fields}`."""
    if _sink is not None:
        _sink(record)
        return
    fields = {key: value for key, value in record.items() if key not in {"level", "message"}}
    getattr(_logger(), record["level"])(record["message"], extra=fields)


_powertools: Any = None


def _logger() -> Any:
    global _powertools
    if _powertools is None:
        from aws_lambda_powertools import Logger

        _powertools = Logger(service="tradeloom")
    return _powertools
