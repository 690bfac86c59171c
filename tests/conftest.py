"""Unit tests reach no network; everything else may talk to this machine."""

import json
import os
import platform
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from tests.support import exam
from tests.support.scheduling import Scheduling

# As in the engine's workers: small matrices gain nothing from threads, and suites that run side by side lose a lot.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

# A shared machine is slow at times: how long an example took is no verdict on the code. The examples are the same each
# time, so that a failure is everybody's; `--hypothesis-profile explore` looks for new ones.
settings.register_profile("tradeloom", deadline=None, derandomize=True, max_examples=exam.sized(50, 200))
settings.register_profile("explore", deadline=None, max_examples=200)
settings.load_profile("tradeloom")

EXAM_FILE = Path(__file__).parents[1] / "docs" / "exam.json"


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Scheduling | None:
    return Scheduling(config, log) if config.getoption("dist") == "loadfile" else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "/tests/unit/" in str(item.path):
            item.add_marker(pytest.mark.disable_socket)
        else:
            item.add_marker(pytest.mark.enable_socket)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Any:
    """What each exam suite took and how it ended."""
    outcome = yield
    report = outcome.get_result()
    marker = item.get_closest_marker("exam")
    if exam.FULL and report.when == "call" and marker is not None:
        # Tests of one suite are one entry: `pytest.mark.exam(suite="…")`.
        name = marker.kwargs.get("suite", item.name)
        so_far = exam.FIGURES.get(name, {})
        seconds = round(report.duration + so_far.get("seconds", 0.0), 1)
        exam.record(name, passed=report.passed and so_far.get("passed", True), seconds=seconds)


def pytest_sessionfinish(session: pytest.Session) -> None:
    if not exam.FULL or not exam.FIGURES:
        return
    known = json.loads(EXAM_FILE.read_text())["suites"] if EXAM_FILE.exists() else {}
    result = {
        "date": datetime.now(UTC).date().isoformat(),
        "python": platform.python_version(),
        "cores": os.cpu_count(),
        "suites": dict(sorted((known | exam.FIGURES).items())),
    }
    EXAM_FILE.write_text(json.dumps(result, indent=2) + "\n")
