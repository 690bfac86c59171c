"""Node logs: one JSON record a line through Powertools, and a sink the local engine sets to stream them live; and how
far a node is, which is only streamed."""

from collections.abc import Callable
from functools import cache
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
    logger = _logger()
    # A field that bears the name of one of the logger's own would end the log call.
    fields = {f"{key}_" if key in _own_fields() else key: value for key, value in record.items() if key not in _SAID}
    getattr(logger, record["level"])(record["message"], extra=fields)


_progress_sink: Callable[[LogRecord], None] | None = None


def set_progress_sink(sink: Callable[[LogRecord], None] | None) -> None:
    """Send how far nodes are to `sink`; None lets nobody know."""
    global _progress_sink
    _progress_sink = sink


def report(record: LogRecord) -> None:
    """Tell how far the running node is: `{done, total, note}`. It is not kept anywhere."""
    if _progress_sink is not None:
        _progress_sink(record)


_SAID = frozenset({"level", "message"})
_powertools: Any = None


@cache
def _own_fields() -> frozenset[str]:
    from logging import LogRecord

    return frozenset({"asctime", *vars(LogRecord("", 0, "", 0, "", None, None))})


def _logger() -> Any:
    global _powertools
    if _powertools is None:
        from aws_lambda_powertools import Logger

        _powertools = Logger(service="tradeloom")
    return _powertools
