"""Logs of the bridge's processes: one rotating file each, UTC times, never a password or a payload.

A line is `time level logger message`, then what it is about as `name=value` pairs: `request`, `account`, `order`. The
same request id stands in the front's and the worker's lines.
"""

import json
import logging
import logging.handlers
import re
import time
from collections.abc import Mapping
from contextvars import ContextVar
from pathlib import Path
from types import MappingProxyType

_MAX_BYTES = 5_000_000
_KEPT = 5
_ROTATE_AGAIN_S = 60.0
_PLAIN = re.compile(r"[A-Za-z0-9_.:-]{1,64}")

_about: ContextVar[Mapping[str, str]] = ContextVar("about", default=MappingProxyType({}))


class about:  # noqa: N801  used like a function
    """What the lines logged inside are about; values left out stay as they are outside."""

    __slots__ = ("_token", "_values")

    def __init__(self, **values: str | None) -> None:
        self._values = {name: value for name, value in values.items() if value}

    def __enter__(self) -> None:
        self._token = _about.set({**_about.get(), **self._values})

    def __exit__(self, *_what: object) -> None:
        _about.reset(self._token)


def note(**values: str) -> None:
    """What the rest of the `about` around it is about, besides."""
    _about.set({**_about.get(), **values})


def current(name: str) -> str:
    """The value in force, empty where there is none."""
    return _about.get().get(name, "")


def log_to(path: Path, level: str) -> None:
    """Sends everything the process logs to `path`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handler = PatientRotation(path, maxBytes=_MAX_BYTES, backupCount=_KEPT, encoding="utf-8")
    formatter = _OneLine("%(asctime)sZ %(levelname)s %(name)s %(message)s", "%Y-%m-%dT%H:%M:%S")
    formatter.converter = time.gmtime
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.addHandler(handler)
    root.setLevel(level)


class PatientRotation(logging.handlers.RotatingFileHandler):
    """Goes on in the same file while it cannot be renamed.

    Windows renames no file that anybody else has open (a predecessor on its way out, whoever reads along, a virus
    scanner). The standard handler would lose every line until that ends; this one tries again a minute later.
    """

    _not_before = 0.0

    def doRollover(self) -> None:  # noqa: N802  the standard library's name
        if time.monotonic() < self._not_before:
            return
        try:
            super().doRollover()
        except OSError:
            self._not_before = time.monotonic() + _ROTATE_AGAIN_S
            if self.stream is None:
                self.stream = self._open()


class _OneLine(logging.Formatter):
    """Escapes line breaks inside a message, so that nobody's input looks like a line of ours; a traceback's stay."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802  the standard library's name
        line = super().formatMessage(record).replace("\r", "\\r").replace("\n", "\\n")
        return line + "".join(f" {name}={_quoted(value)}" for name, value in _about.get().items())


def _quoted(value: str) -> str:
    return value if _PLAIN.fullmatch(value) else json.dumps(value)
