"""Logs of the bridge's processes: one rotating file each, UTC times, never a password or a payload."""

import logging
import logging.handlers
import time
from pathlib import Path

_MAX_BYTES = 5_000_000
_KEPT = 5


def log_to(path: Path, level: str) -> None:
    """Sends everything the process logs to `path`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handler = logging.handlers.RotatingFileHandler(path, maxBytes=_MAX_BYTES, backupCount=_KEPT, encoding="utf-8")
    formatter = logging.Formatter("%(asctime)sZ %(levelname)s %(name)s %(message)s", "%Y-%m-%dT%H:%M:%S")
    formatter.converter = time.gmtime
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.addHandler(handler)
    root.setLevel(level)
