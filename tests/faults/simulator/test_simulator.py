"""The fault simulator, CI-sized here and at its full figure in the exam; and whether it would notice."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.faults.simulator.campaign import Stopwatch, campaign, examine, quiet, traced
from tests.faults.simulator.command import KINDS
from tests.faults.simulator.invariants import broken
from tests.faults.simulator.mutations import MUTATIONS
from tests.faults.simulator.world import run
from tests.support import exam

ROOT = Path(__file__).parents[3]
SCHEDULES = exam.sized(ci=400, full=200_000)
ENOUGH = 150
"""Schedules within which each missing protection must show."""


@pytest.mark.exam(suite="fault simulator")
@pytest.mark.timeout(14_400)
def test_nothing_is_lost_and_nothing_doubled() -> None:
    watch = Stopwatch()
    if exam.FULL:
        *_, findings = campaign(range(1, SCHEDULES + 1))
    else:
        findings = examine(range(1, SCHEDULES + 1))
    exam.record(
        "fault simulator",
        schedules=findings.schedules,
        transmissions=findings.orders_sent,
        per_second=round(watch.rate(findings.schedules)),
        **{kind: findings.count(kind) for kind in KINDS},
    )
    assert findings.schedules == SCHEDULES
    assert set(findings.states) >= {"done", "partial", "placed", "rejected", "not_sent", "manual"}, "too tame a world"
    assert findings.orders_sent > SCHEDULES
    assert not findings.failures, f"replay with: python -m tests.faults --trace --one {findings.failures[0]}"


@pytest.mark.parametrize("missing", MUTATIONS)
def test_it_notices_a_missing_protection(missing: str) -> None:
    with quiet(), MUTATIONS[missing]():
        assert any(broken(run(seed)) for seed in range(1, ENOUGH + 1)), f"nobody missed the {missing}"


def test_the_same_seed_gives_the_same_trace() -> None:
    for seed in range(1, 20):
        assert traced(seed) == traced(seed)
    assert traced(1) != traced(2)


def test_the_same_seed_gives_the_same_trace_in_another_process() -> None:
    """With another hash seed, so that nothing rests on the order of a set."""
    command = [sys.executable, "-m", "tests.faults", "--trace", "--one", "30"]
    told = {
        subprocess.run(
            command, cwd=ROOT, env={"PYTHONHASHSEED": seed, "PATH": ""}, capture_output=True, check=True, timeout=120
        ).stdout
        for seed in ("1", "2")
    }
    (text,) = told
    assert text.decode().split(":", 1)[1].splitlines()[1:] == traced(30)[0]
