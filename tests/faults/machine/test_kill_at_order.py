"""kill -9 of the bridge's front, its account worker and the engine at random points around `order_send`.

A point of the bridge (claimed, marked as sent, executed, answered) is armed at a random moment of executions that
trade. The process that reaches it stands still there for 50 ms, and within 100 ms one of the three is killed: in about
half of the cases the account worker stands exactly at the point, in the others it has gone on by a random step.
"""

import contextlib
import json
import os
import random
import signal
import sqlite3
import time
import urllib.error
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psutil
import pytest

from mt5_bridge.faultpoints import VARIABLE
from tests.faults.machine.test_kill import AT_ONCE, batch_length_s, doubled, lost, trading_workflow
from tests.support.exam import record, sized
from tests.support.machine import ENDED, Up, fills

KILLS = sized(3, 200)
POINTS = ("worker.claimed", "worker.sent", "worker.executed", "front.answered")
VICTIMS = ("front", "terminal", "engine")
AROUND_S = 0.1
"""Twice as long as a process stands still at a point."""


class Points:
    """The bridge's fault points, each disarmed while its mark is there."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir()
        self._marks = {point: directory / point for point in POINTS}
        for mark in self._marks.values():
            mark.touch()

    @property
    def rules(self) -> str:
        return ",".join(f"{point}=hold:{mark}" for point, mark in self._marks.items())

    def arm(self, point: str) -> None:
        self._marks[point].unlink()

    def reached(self, point: str, within_s: float) -> bool:
        """Whether a process comes to the point in time; it is disarmed either way."""
        give_up = time.monotonic() + within_s
        while not self._marks[point].exists():
            if time.monotonic() > give_up:
                self._marks[point].touch()
                return False
            time.sleep(0.001)
        return True


@pytest.fixture
def points(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Points:
    made = Points(tmp_path / "points")
    monkeypatch.setenv(VARIABLE, made.rules)
    return made


@pytest.fixture
def system(tmp_path: Path, points: Points) -> Iterator[Up]:
    made = Up(tmp_path / "home")
    made.start()
    yield made
    made.stop()


@pytest.mark.exam
@pytest.mark.timeout(7200)
def test_no_order_is_doubled_or_lost_around_order_send(system: Up, points: Points) -> None:
    chance = random.Random(20261125)
    workflow = system.call("POST", "/workflows", trading_workflow())["id"]
    length_s = batch_length_s(system, workflow)
    killed: Counter[str] = Counter()
    statuses: dict[str, str] = {}
    under_way: list[str] = []
    while sum(killed.values()) < KILLS:
        # In turn, so that a short run has each of the three.
        victim, point = VICTIMS[sum(killed.values()) % len(VICTIMS)], chance.choice(POINTS)
        while not (pids := system.victims()[victim]):
            time.sleep(0.05)  # it is being started again
        if len(under_way) < AT_ONCE:
            under_way += started(system, workflow)
        time.sleep(chance.uniform(0, length_s / 4))
        points.arm(point)
        if points.reached(point, length_s):
            time.sleep(chance.uniform(0, AROUND_S))
            if kill(system, victim, chance.choice(pids)):
                killed[f"{victim} at {point}"] += 1
                print(f"{sum(killed.values())}: {victim} at {point}", flush=True)
        statuses |= ended(system, under_way)  # the others go on while the next are started and killed into
        under_way = [execution for execution in under_way if execution not in statuses]
    statuses |= {execution: system.wait(execution, timeout_s=120)["status"] for execution in under_way}
    system.stop()

    made, ends = fills(system.home), Counter(statuses.values())
    record(
        "test_no_order_is_doubled_or_lost_around_order_send",
        kills=dict(sorted(killed.items())),
        executions=dict(ends),
        orders=sum(made.values()),
    )
    assert doubled(statuses, made) == []
    assert lost(statuses, made) == {}
    assert recorded_fills(system.home) == set(made), "the journal tells of every fill, and of no other"
    # Several kills may fall into one execution, which then runs out of tries; enough must come through to be compared.
    assert ends["succeeded"] >= 0.25 * sum(ends.values()), ends


def started(system: Up, workflow: str) -> list[str]:
    """Executions just started; fewer than wanted where the bridge is not back yet to tell the market's time."""
    ids = []
    for _ in range(AT_ONCE):
        with contextlib.suppress(urllib.error.HTTPError):
            ids.append(system.call("POST", f"/workflows/{workflow}/execute", {})["id"])
    return ids


def ended(system: Up, executions: list[str]) -> dict[str, str]:
    """The status of each that has come to its end."""
    found = {}
    for execution in executions:
        with contextlib.suppress(urllib.error.HTTPError):
            status = system.call("GET", f"/executions/{execution}")["status"]
            if status in ENDED:
                found[execution] = status
    return found


def kill(system: Up, victim: str, pid: int) -> bool:
    """Whether it was there to be killed."""
    if victim == "engine":
        system.kill()
        start_again(system)
        return True
    try:
        os.kill(pid, signal.SIGKILL)
        psutil.Process(pid).wait(timeout=60)
    except ProcessLookupError:
        return False
    except psutil.NoSuchProcess:
        pass  # buried already
    return True


def start_again(system: Up, *options: str, tries: int = 3) -> None:
    """On a crowded machine the database may take longer to recover than it is given: as often as a service manager
    would, and no order depends on it. `options` are of `tradeloom up`."""
    for _ in range(tries - 1):
        try:
            system.start(*options)
            return
        except (AssertionError, json.JSONDecodeError):  # it said why and ended
            system.kill()
    system.start(*options)


def recorded_fills(home: Path) -> set[int]:
    """Magic numbers of the orders that the bridge's journal knows as filled. For a system that is down."""
    books = home / "bridge" / "accounts" / "paper" / "journal.sqlite3"
    with closing(sqlite3.connect(books)) as journal:
        rows = journal.execute("SELECT magic FROM orders WHERE state IN ('done', 'partial')").fetchall()
        closed_before = journal.execute(
            "SELECT magic FROM orders WHERE json_extract(outcome, '$.reason') = 'already_closed'"
        ).fetchall()
    return {int(magic) for (magic,) in rows} - {int(magic) for (magic,) in closed_before}
