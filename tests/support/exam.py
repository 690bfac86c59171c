"""The exam: heavy suites run CI-sized in `make test` and at the issues' full figures in `make exam`."""

import os
from typing import Any

FULL = os.environ.get("TRADELOOM_EXAM") == "full"
FIGURES: dict[str, dict[str, Any]] = {}


def sized(ci: int, full: int) -> int:
    """How much of a suite to run here."""
    return full if FULL else ci


def record(name: str, **figures: Any) -> None:
    """Keep what a suite measured; `make exam` writes it to `docs/exam.json`."""
    FIGURES.setdefault(name, {}).update(figures)
