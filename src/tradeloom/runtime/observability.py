"""Node logs: one JSON record a line through Powertools, and a sink the local engine sets to stream them live."""

from collections.abc import Callable
from typing import Any

LogRecord = dict[str, Any]

_LOGGERS_OWN = frozenset(
    "name msg args levelname levelno pathname filename module exc_info exc_text stack_info lineno funcName created "
    "msecs relativeCreated thread threadName processName process taskName asctime".split()
)

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
    fields = {
        # A field that bears the name of one of the logger's own would end the log call.
        f"{key}_" if key in _LOGGERS_OWN else key: value
        for key, value in record.items()
        if key not in {"level", "message"}
    }
    getattr(_logger(), record["level"])(record["message"], extra=fields)


_powertools: Any = None


def _logger() -> Any:
    global _powertools
    if _powertools is None:
        from aws_lambda_powertools import Logger

        _powertools = Logger(service="tradeloom")
    return _powertools
