"""A crash at any moment: what the next engine does with what the journal kept.

The world is what effects did. After every commit of a run, rows and world are copied, and another engine goes on from
the copy as if the process had been killed there.
"""

import asyncio
import copy
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest

from tests.support import loop
from tests.support.loop import until
from tests.unit.engine.fakes import AS_OF, Machinery, run_info
from tests.unit.engine.machines import Raised, machine, task
from tradeloom.engine.clock import ManualClock
from tradeloom.engine.engine import Engine, StartRequest
from tradeloom.engine.events import Event
from tradeloom.engine.interpreter.times import timestamp
from tradeloom.engine.journal import Execution
from tradeloom.engine.workers.invocation import Invocation
from tradeloom.storage.batch import Batch
from tradeloom.storage.memory.journal import MemoryDatabase, MemoryJournal

END = {"Type": "Succeed"}


@dataclass
class World:
    """What happened outside: `acts` are effects by id, `reads` counts calls of pure functions."""

    acts: list[str] = field(default_factory=list)
    reads: int = 0
    told: list[Event] = field(default_factory=list)


class CopyingJournal(MemoryJournal):
    """Calls `after` when a batch is durable, before anybody else hears of it."""

    def __init__(self, rows: MemoryDatabase, after: Callable[[], None]) -> None:
        super().__init__(rows, linger_s=0)
        self._after = after

    async def _commit(self, batch: Batch) -> set[str]:
        created = await super()._commit(batch)
        self._after()
        return created


def act(node: str, **more: Any) -> dict[str, Any]:
    return task("act", {"node": node, "inputs": "{% $exists($v) ? $v : null %}"}, **more)


def read(node: str, **more: Any) -> dict[str, Any]:
    return task("read", {"node": node}, **more)


def branch(*states: tuple[str, dict[str, Any]]) -> dict[str, Any]:
    return {"StartAt": states[0][0], "States": dict(states)}


ORDER = machine(
    {
        "Read-r1": read("r1", Assign={"v": "{% $states.result.Payload %}"}, Next="Act-a1"),
        "Act-a1": act("a1", Assign={"w": "{% $states.result.Payload %}"}, Next="Act-a2"),
        "Act-a2": act("a2", Next="E"),
        "E": {**END, "Output": "{% $w %}"},
    }
)
FLAKY = machine(
    {
        "Read-r1": task(
            "flaky",
            {"node": "r1"},
            Retry=[{"ErrorEquals": ["Flaky"], "BackoffRate": 1, "MaxAttempts": 5}],
            Next="Act-a1",
        ),
        "Act-a1": act("a1", Catch=[{"ErrorEquals": ["States.ALL"], "Next": "F"}], Next="Bad-b1"),
        "Bad-b1": task("bad", {"node": "b1"}, Catch=[{"ErrorEquals": ["States.ALL"], "Next": "Act-a2"}], Next="F"),
        "Act-a2": act("a2", Next="E"),
        "E": END,
        "F": {"Type": "Fail", "Error": "Wrong way"},
    }
)
WIDE = machine(
    {
        "P": {
            "Type": "Parallel",
            "Branches": [
                branch(
                    (f"Read-r{number}", read(f"r{number}", Next=f"Read-s{number}")),
                    (f"Read-s{number}", read(f"s{number}")),
                )
                for number in range(4)
            ],
            "Next": "Act-a1",
        },
        "Act-a1": act("a1", Next="E"),
        "E": END,
    }
)
TORN = machine(
    {
        "P": {
            "Type": "Parallel",
            "Branches": [
                branch(("Read-r1", read("r1", Next="Bad-b1")), ("Bad-b1", task("bad", {"node": "b1"}))),
                branch(
                    ("Act-a1", act("a1", Next="Act-a2")), ("Act-a2", act("a2", Next="Act-a3")), ("Act-a3", act("a3"))
                ),
            ],
            "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Act-a4"}],
            "Next": "E",
        },
        "Act-a4": act("a4", Next="E"),
        "E": END,
    }
)
LOOPED = machine(
    {
        "M": {
            "Type": "Map",
            "Items": "{% [1, 2, 3] %}",
            "MaxConcurrency": 1,
            "ItemProcessor": {
                "StartAt": "Read-r1",
                "States": {
                    "Read-r1": read("r1", Next="Delay-d1"),
                    "Delay-d1": {"Type": "Wait", "Seconds": 30, "Next": "Act-a1"},
                    "Act-a1": act("a1"),
                },
            },
            "Next": "E",
        },
        "E": END,
    }
)
MACHINES = {"order": ORDER, "flaky": FLAKY, "wide": WIDE, "torn": TORN, "looped": LOOPED}


class Story:
    """One machine, run once with copies taken, then again from each copy."""

    def __init__(self, definition: dict[str, Any]) -> None:
        self.definition = definition
        self.copies: list[tuple[MemoryDatabase, World, Any]] = []

    def functions(self, world: World) -> dict[str, Callable[[Any, Invocation], Any]]:
        tries = {"flaky": 0}

        async def acts(payload: Any, invocation: Invocation) -> Any:
            await asyncio.sleep(0.001)
            world.acts.append(invocation.id)
            return {"acted": payload["node"], "on": payload["inputs"]}

        async def reads(payload: Any, invocation: Invocation) -> Any:
            await asyncio.sleep(0.0005)
            world.reads += 1
            return {"read": payload["node"], "time": world.reads}

        def flaky(payload: Any, invocation: Invocation) -> Any:
            tries["flaky"] += 1
            if tries["flaky"] < 3:
                raise Raised("Flaky")
            return "ok"

        def bad(payload: Any, invocation: Invocation) -> Any:
            raise Raised("Broken")

        return {"act": acts, "read": reads, "flaky": flaky, "bad": bad}

    async def first(self) -> tuple[Execution, World]:
        world, clock = World(), ManualClock(AS_OF)
        made = Machinery(clock, **self.functions(world))
        made.effects = {"act"}

        def copy_all() -> None:
            rows = MemoryDatabase()
            for name in ("executions", "keys", "runs", "logs", "notifications"):
                setattr(rows, name, copy.deepcopy(getattr(made.rows, name)))
            rows.owners = dict.fromkeys(rows.executions, object())
            self.copies.append((rows, copy.deepcopy(World(world.acts, world.reads, made.events)), clock.now()))

        async with made.engine(CopyingJournal(made.rows, copy_all), clock=FastClock()) as engine:
            await engine.start(StartRequest(run=run_info(), definition=self.definition))
            row = await self.finish(engine, clock)
        self.blobs = made.blobs
        return row, world

    async def again(self, rows: MemoryDatabase, world: World, now: Any) -> tuple[Execution, Machinery]:
        clock = ManualClock(now)
        made = Machinery(clock, **self.functions(world))
        made.rows, made.blobs, made.effects = rows, self.blobs, {"act"}
        async with made.engine(clock=FastClock()) as engine:
            assert await engine.resume() == ["e1"]
            row = await self.finish(engine, clock)
        return row, made

    async def finish(self, engine: Engine, clock: ManualClock) -> Execution:
        """The end, with the market moving on whenever nothing else does."""
        result = asyncio.ensure_future(engine.result("e1"))
        async with asyncio.timeout(60):
            while not result.done():
                await asyncio.sleep(0.004)
                clock.advance(timedelta(seconds=10))
        return result.result()


class FastClock:
    """A wall on which pauses take no time."""

    session = ""

    def __init__(self) -> None:
        self._now = AS_OF

    def now(self) -> Any:
        self._now += timedelta(milliseconds=1)
        return self._now

    async def sleep_until(self, due: Any) -> None:
        await asyncio.sleep(0)
        self._now = max(self._now, due)


@pytest.mark.parametrize("name", MACHINES)
def test_from_every_commit_it_ends_as_if_nothing_had_happened(name: str) -> None:
    async def body() -> None:
        story = Story(MACHINES[name])
        row, world = await story.first()
        assert row.status == "SUCCEEDED", row.error
        crashes = [made for made in story.copies if made[0].executions["e1"].status in {"PENDING", "RUNNING"}]
        assert len(crashes) > 3
        for rows, seen, now in crashes:
            kept = {key for key, run in rows.runs.items() if run.status in {"SUCCEEDED", "FAILED"}}
            outputs = {key: copy.deepcopy(rows.runs[key].output) for key in kept}
            begun, done_before, told = set(rows.runs), list(seen.acts), list(seen.told)
            resumed, made = await story.again(rows, seen, now)

            assert resumed.status == "SUCCEEDED", resumed.error
            if name != "torn":  # there it is a race how far one branch gets before the other fails
                assert set(seen.acts) == set(world.acts), "the same effects, none lost, none new"
            assert world.acts[-1] == seen.acts[-1]
            repeated = {act for act in seen.acts if seen.acts.count(act) > 1}
            assert repeated <= set(done_before), "an effect is repeated only when its outcome was lost"
            assert len(seen.acts) - len(set(seen.acts)) <= 1
            assert {key: rows.runs[key].output for key in kept} == outputs, "what was recorded stands"
            again = [event for event in made.events if event.type == "node.started"]
            assert not {(event.data["path"], event.data["attempt"]) for event in again} & kept
            assert not [event for event in made.events if event.seq <= max((one.seq for one in told), default=0)]
            assert begun <= set(rows.runs)

    loop.run(body())


@pytest.mark.parametrize("name", MACHINES)
def test_no_effect_is_ahead_of_the_journal(name: str) -> None:
    async def body() -> None:
        story = Story(MACHINES[name])
        await story.first()
        for rows, seen, _ in story.copies:
            started = sum(run.function == "act" for run in rows.runs.values())
            assert len(seen.acts) <= started
            decided = [run for run in rows.runs.values() if run.function == "act"]
            for run in decided:
                earlier = [other for other in rows.runs.values() if other.started_seq < run.started_seq]
                ended = [other for other in earlier if other.finished_seq and other.finished_seq < run.started_seq]
                assert all(other.status != "RUNNING" for other in ended)

    loop.run(body())


def test_a_wait_keeps_its_due_time_across_a_crash() -> None:
    definition = machine(
        {"D-d1": {"Type": "Wait", "Seconds": 600, "Output": "{% $states.context %}", "Next": "E"}, "E": END}
    )

    async def body() -> None:
        clock = ManualClock(AS_OF)
        made = Machinery(clock)
        async with made.engine() as engine:
            await engine.start(StartRequest(run=run_info(), definition=definition))
            await until(lambda: made.rows.runs)
        clock.advance(timedelta(seconds=590))
        async with made.engine() as engine:
            await engine.resume()
            await asyncio.sleep(0.01)
            clock.advance(timedelta(seconds=9))
            await asyncio.sleep(0.01)
            assert made.rows.executions["e1"].status == "RUNNING"
            clock.advance(timedelta(seconds=1))
            row = await engine.result("e1")
        assert row.status == "SUCCEEDED"
        assert row.output["State"]["EnteredTime"] == "2026-01-05T09:00:00.000Z"
        assert row.started_at
        assert row.output["Execution"]["StartTime"] == timestamp(row.started_at)
        (run,) = made.rows.runs.values()
        assert run.due == AS_OF + timedelta(seconds=600)

    loop.run(body())


def test_a_wait_that_came_due_while_nobody_ran_ends_at_once() -> None:
    definition = machine({"D-d1": {"Type": "Wait", "Seconds": 600, "Next": "E"}, "E": END})

    async def body() -> None:
        clock = ManualClock(AS_OF)
        made = Machinery(clock)
        async with made.engine() as engine:
            await engine.start(StartRequest(run=run_info(), definition=definition))
            await until(lambda: made.rows.runs)
        clock.advance(timedelta(days=1))
        async with made.engine() as engine:
            await engine.resume()
            async with asyncio.timeout(60):
                assert (await engine.result("e1")).status == "SUCCEEDED"

    loop.run(body())


def test_a_stop_asked_for_before_the_crash_holds_after_it() -> None:
    async def body() -> None:
        made = Machinery(slow=lambda payload, invocation: asyncio.sleep(30))
        journal = MemoryJournal(made.rows)
        async with made.engine(journal) as engine:
            await engine.start(StartRequest(run=run_info(), definition=machine({"A": task("slow")})))
            await until(lambda: made.workers.calls)
            await journal.request_stop("local", "e1", "enough")
        async with made.engine() as engine:
            await engine.resume()
            row = await engine.result("e1")
        assert (row.status, row.stop_reason) == ("STOPPED", "enough")
        assert [run.status for run in made.rows.runs.values()] == ["ABORTED"]
        assert len(made.workers.calls) == 1

    loop.run(body())


def test_an_execution_whose_time_ran_out_meanwhile_does_nothing_more() -> None:
    async def body() -> None:
        made = Machinery(slow=lambda payload, invocation: asyncio.sleep(30))
        definition = machine({"A": task("slow")}, TimeoutSeconds=60)
        async with made.engine() as engine:
            await engine.start(StartRequest(run=run_info(), definition=definition))
            await until(lambda: made.workers.calls)
        row = made.rows.executions["e1"]
        assert row.started_at
        row.started_at -= timedelta(minutes=5)
        async with made.engine() as engine:
            await engine.resume()
            assert (await engine.result("e1")).status == "TIMED_OUT"
        assert len(made.workers.calls) == 1

    loop.run(body())


def test_engines_that_die_later_are_inherited_from(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tradeloom.engine.takeover.FIRST_S", 0.02)
    monkeypatch.setattr("tradeloom.engine.takeover.EVERY_S", 0.02)

    async def body() -> None:
        made = Machinery(f=lambda payload, invocation: asyncio.sleep(0.05))
        async with made.engine() as heir:
            assert await heir.resume() == []
            async with made.engine() as dying:
                await dying.start(StartRequest(run=run_info(), definition=machine({"A": task("f")})))
                await until(lambda: made.workers.calls)
            await until(lambda: heir.running)
            assert (await heir.result("e1")).status == "SUCCEEDED"

    loop.run(body())
