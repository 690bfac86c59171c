"""Schemathesis over the OpenAPI document, against a whole machine: whatever is sent, no server error."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support import exam
from tests.support.local_machine import RunningMachine

CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
)
PHASES = "examples,coverage,fuzzing,stateful"
EXAMPLES_EACH = exam.sized(4, 300)
LEAST_CASES = exam.sized(100, 5_000)


@pytest.mark.exam
@pytest.mark.timeout(3_600 if exam.FULL else 900)
def test_no_request_makes_a_server_error(machine: RunningMachine, tmp_path: Path) -> None:
    command = [
        str(Path(sys.executable).with_name("schemathesis")),
        "run",
        f"{machine.served.address}api/agentic/openapi.json",
        *("--header", f"Authorization: Bearer {machine.served.token}"),
        *("--checks", ",".join(CHECKS)),
        *("--phases", PHASES if exam.FULL else PHASES.replace("coverage,", "")),
        *("--max-examples", str(EXAMPLES_EACH)),
        *("--seed", "20261122"),
        *("--suppress-health-check", "all"),
        "--continue-on-failure",
        "--no-color",
    ]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)
    assert done.returncode == 0, done.stdout[-6_000:] + done.stderr[-2_000:]
    counted = re.search(r"(\d[\d,]*) generated", done.stdout)
    assert counted is not None, done.stdout[-2_000:]
    cases = int(counted[1].replace(",", ""))
    assert cases >= LEAST_CASES, f"{cases} cases"
    exam.record("test_no_request_makes_a_server_error", cases=cases)
