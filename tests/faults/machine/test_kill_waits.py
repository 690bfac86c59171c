"""kill -9 of every part of the system, the database too, while executions wait, loop, branch and trade.

Whatever is killed and however often: each execution ends; a wait that has begun keeps the moment it is due; no loop
leaves an iteration out or runs one's effect twice; and the broker's own books show each order once.
"""

import contextlib
import os
import random
import signal
import time
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import psutil
import psycopg
import pytest

from tests.faults.machine.test_kill import ORDER, Places, doubled, lost
from tests.faults.machine.test_kill_at_order import ended, start_again, started
from tests.support.documents import document, node
from tests.support.exam import record, sized
from tests.support.machine import Up, fills

SUITE = "kills among waits, loops, branches and orders"
KILLS = sized(2, 200)
PARTS = ("database", "engine", "worker", "database stopped", "front", "terminal")
"""A database that is stopped ends in good order, as one that is restarted does; all others are killed."""
UNDER_WAY = 4
ITERATIONS = 3
BRANCHES = ("left", "right")
PLACES: Places = [
    *((name, ()) for name in BRANCHES),
    *(("each", (index,)) for index in range(ITERATIONS)),
    ("last", ()),
]
WAITS = 2 + ITERATIONS
"""Of one execution: one beside the branches, one in each iteration, one before the last order."""


def workflow() -> dict[str, Any]:
    """Two orders and a wait side by side, a loop of waits and orders, another wait, and a last order."""
    nodes = [
        node("start"),
        node("left", "order.market", config=ORDER),
        node("right", "order.market", config=ORDER | {"side": "sell"}),
        node("beside", "utility.delay", config={"seconds": 1.5}),
        node("rep", "utility.loop", config={"over": "count", "count": ITERATIONS, "max_iterations": ITERATIONS}),
        node("pause", "utility.delay", parent="rep", config={"seconds": 0.5}),
        node("each", "order.market", parent="rep", config=ORDER),
        node("rest", "utility.delay", config={"seconds": 1}),
        node("last", "order.market", config=ORDER | {"side": "sell"}),
    ]
    ways = [f"start > {name}" for name in (*BRANCHES, "beside")] + [f"{name} > rep" for name in (*BRANCHES, "beside")]
    ways += ["rep.item > pause", "pause > each", "rep > rest", "rest > last"]
    return document(nodes, *ways, settings={"timeout_s": 600}) | {"name": "Waits, loops, branches, orders"}


class Wait(NamedTuple):
    """`due` and `entered` are market time, `lasted` is wall time, in which the market's clock never runs ahead here."""

    status: str
    due: datetime
    entered: datetime
    lasted: timedelta | None


class Journal:
    """What the engine's database holds, read beside it."""

    def __init__(self, system: Up) -> None:
        self._data = system.home / "postgres"
        self.dues: dict[tuple[str, str], datetime] = {}
        """By (execution, path): when each wait that was ever seen is due."""

    def look(self) -> None:
        """Takes down the waits under way; a database that is down just now is no reason not to go on."""
        with contextlib.suppress(psycopg.Error):
            for execution, path, due in self._rows("SELECT execution_id, path, due FROM node_runs WHERE kind = 'wait'"):
                self.dues.setdefault((execution, path), due)

    def waits(self) -> dict[tuple[str, str], Wait]:
        rows = self._rows(
            "SELECT execution_id, path, status, due, (input ->> 'entered')::timestamptz, finished_at - started_at"
            " FROM node_runs WHERE kind = 'wait'"
        )
        return {(execution, path): Wait(*more) for execution, path, *more in rows}

    def effects(self) -> Counter[tuple[str, str, tuple[int, ...]]]:
        """How often each order node of an execution succeeded, by its iteration."""
        rows = self._rows(
            "SELECT execution_id, node, iteration FROM node_runs WHERE kind = 'task' AND status = 'SUCCEEDED'"
        )
        names = {name for name, _ in PLACES}
        return Counter((execution, name, tuple(iteration)) for execution, name, iteration in rows if name in names)

    def postmaster(self) -> int | None:
        with contextlib.suppress(OSError, ValueError):
            return int((self._data / "data" / "postmaster.pid").read_text().split("\n", 1)[0])
        return None

    def _rows(self, query: Any) -> list[Any]:
        address = f"postgresql://postgres@/postgres?host={(self._data / 'data').resolve()}"
        with psycopg.connect(address, connect_timeout=5) as connection:
            return connection.execute(query).fetchall()


@pytest.fixture
def system(tmp_path: Path) -> Iterator[Up]:
    made = Up(tmp_path / "home")
    made.start("--speed", "1", timeout_s=120)
    yield made
    made.stop()


@pytest.mark.exam(suite=SUITE)
@pytest.mark.timeout(14_400)
def test_waits_keep_their_time_and_loops_their_place(system: Up) -> None:
    chance = random.Random(20261126)
    journal = Journal(system)
    drawn = system.call("POST", "/workflows", workflow())["id"]
    killed: Counter[str] = Counter()
    statuses: dict[str, str] = {}
    under_way: list[str] = []
    while sum(killed.values()) < KILLS:
        if len(under_way) < UNDER_WAY:
            under_way += started(system, drawn)
        time.sleep(chance.uniform(0, 1.5))
        journal.look()
        # In turn, so that a short run has each of them.
        part = PARTS[sum(killed.values()) % len(PARTS)]
        if kill(system, journal, part, chance):
            killed[part] += 1
            print(f"{sum(killed.values())}: {part}", flush=True)
        statuses |= ended(system, under_way)
        under_way = [execution for execution in under_way if execution not in statuses]
    statuses |= {execution: system.wait(execution, timeout_s=240)["status"] for execution in under_way}
    undisturbed = _started_at_last(system, drawn)
    statuses |= {execution: system.wait(execution, timeout_s=240)["status"] for execution in undisturbed}
    waits, effects = journal.waits(), journal.effects()
    system.stop()

    made, ends = fills(system.home), Counter(statuses.values())
    record(
        SUITE,
        kills=dict(sorted(killed.items())),
        executions=dict(ends),
        orders=sum(made.values()),
        waits=len(waits),
        waits_seen_before_a_kill=len(journal.dues),
    )
    succeeded = [execution for execution, status in statuses.items() if status == "succeeded"]
    assert doubled(statuses, made, PLACES) == []
    assert lost(statuses, made, PLACES) == {}
    assert {key: due for key, due in journal.dues.items() if waits[key].due != due} == {}, "due at another moment"
    assert journal.dues, "no kill fell into a wait"
    for execution in succeeded:
        mine = [each for (owner, _), each in waits.items() if owner == execution]
        assert [wait.status for wait in mine] == ["SUCCEEDED"] * WAITS
        assert [wait for wait in mine if not wait.lasted or wait.lasted < (wait.due - wait.entered) * 0.95] == []
        assert {key: count for key, count in effects.items() if key[0] == execution} == {
            (execution, *place): 1 for place in PLACES
        }
    assert set(ends) <= {"succeeded", "failed"}, ends
    # Several kills may fall into one execution, or an outage be longer than it tries for; the last ones were let be.
    assert [statuses[execution] for execution in undisturbed] == ["succeeded"] * len(undisturbed)


def _started_at_last(system: Up, drawn: str) -> list[str]:
    """Once everything is back."""
    give_up = time.monotonic() + 120
    while not (executions := started(system, drawn)):
        assert time.monotonic() < give_up, "nothing can be started any more"
        time.sleep(0.2)
    return executions


def kill(system: Up, journal: Journal, part: str, chance: random.Random) -> bool:
    """Whether there was something to be killed."""
    if part == "engine":
        system.kill()
        start_again(system, "--speed", "1")
        return True
    victims = [journal.postmaster()] if part.startswith("database") else system.victims()[part]
    pids = [pid for pid in victims if pid is not None]
    if not pids:
        return False
    pid = chance.choice(pids)
    try:
        os.kill(pid, signal.SIGINT if part == "database stopped" else signal.SIGKILL)
        psutil.Process(pid).wait(timeout=5)
    except ProcessLookupError:
        return False
    except psutil.Error:
        pass  # buried already, or nobody buries it
    return True
