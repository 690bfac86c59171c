"""A failed execution that goes on: from its failure, under its own id, whatever dies on the way."""

import asyncio
import copy
from datetime import timedelta
from typing import Any

import pytest

from tests.support import loop
from tests.unit.engine.fakes import AS_OF, Machinery, run_info
from tests.unit.engine.machines import Raised, machine, task
from tests.unit.engine.test_resume import CopyingJournal, FastClock
from tradeloom.engine.clock import ManualClock
from tradeloom.engine.engine import Engine, StartRequest
from tradeloom.engine.journal import Execution, RetryRecord
from tradeloom.engine.workers.invocation import Invocation
from tradeloom.storage.memory.journal import MemoryDatabase, MemoryJournal

END = {"Type": "Succeed"}
TWICE = [{"ErrorEquals": ["Flaky"], "BackoffRate": 1, "MaxAttempts": 1}]


def branch(name: str, state: dict[str, Any]) -> dict[str, Any]:
    """As the compiler writes one: a node that fails is a result, which is judged behind the Parallel."""
    caught = [{"ErrorEquals": ["States.ALL"], "Output": {"failed": True}, "Next": f"{name}.failed"}]
    return {
        "StartAt": name,
        "States": {name: {**state, "Catch": caught}, f"{name}.failed": {"Type": "Pass", "End": True}},
    }


LINE = machine(
    {
        "Read-r1": task("read", {"node": "r1"}, Assign={"v": "{% $states.result.Payload %}"}, Next="Act-a1"),
        "Act-a1": task("act", {"node": "a1"}, Next="Bad-b1"),
        "Bad-b1": task("bad", {"node": "b1"}, Retry=TWICE, Next="Act-a2"),
        "Act-a2": task("act", {"node": "a2"}, Next="D-d1"),
        "D-d1": {"Type": "Wait", "Seconds": 30, "Next": "E"},
        "E": {**END, "Output": "{% $v %}"},
    }
)
WIDE = machine(
    {
        "P": {
            "Type": "Parallel",
            "Branches": [
                branch("Read-r1", task("read", {"node": "r1"})),
                branch("Bad-b1", task("bad", {"node": "b1"}, Retry=TWICE)),
                branch("Bad-b2", task("bad", {"node": "b2"}, Retry=TWICE)),
            ],
            "Assign": {"all": "{% $states.result %}"},
            "Next": "Ok",
        },
        "Ok": {
            "Type": "Choice",
            "Choices": [{"Condition": "{% $exists($all[failed=true]) %}", "Next": "F"}],
            "Default": "Act-a1",
        },
        "Act-a1": task("act", {"node": "a1"}, Next="E"),
        "E": END,
        "F": {"Type": "Fail", "Error": "Broken"},
    }
)
LOOPED = machine(
    {
        "M": {
            "Type": "Map",
            "Items": "{% [1, 2, 3] %}",
            "MaxConcurrency": 1,
            "ItemProcessor": {
                "StartAt": "Act-a1",
                "States": {
                    "Act-a1": task("act", {"node": "a1"}, Next="D-d1"),
                    "D-d1": {"Type": "Wait", "Seconds": 30, "Next": "Bad-b1"},
                    "Bad-b1": task("bad", {"node": "b1"}, Retry=TWICE),
                },
            },
            "Next": "Act-a2",
        },
        "Act-a2": task("act", {"node": "a2"}, Next="E"),
        "E": END,
    }
)
MACHINES = {"line": LINE, "wide": WIDE, "looped": LOOPED}


class World:
    """`mended` makes what is bad good. Effects are told by node and iteration, as orders are."""

    def __init__(self) -> None:
        self.acts: list[tuple[str, int]] = []
        self.reads = 0
        self.bad_calls = 0
        self.mended = False

    def functions(self) -> dict[str, Any]:
        def act(payload: Any, invocation: Invocation) -> Any:
            self.acts.append((payload["node"], len([one for one in self.acts if one[0] == payload["node"]])))
            return "acted"

        def read(payload: Any, invocation: Invocation) -> Any:
            self.reads += 1
            return {"read": self.reads}

        def bad(payload: Any, invocation: Invocation) -> Any:
            self.bad_calls += 1
            if not self.mended:
                raise Raised("Flaky")
            return "good"

        return {"act": act, "read": read, "bad": bad}


def record(row: Execution, made: Machinery, number: int = 1, **more: Any) -> RetryRecord:
    """A retry of every address whose last attempt failed."""
    anew = dict(sorted((run.path, run.attempt) for run in made.rows.runs.values()))
    last = {path: made.rows.runs[row.id, path, attempt] for path, attempt in anew.items()}
    failed = {path: run.attempt + 1 for path, run in last.items() if run.kind == "task" and run.status != "SUCCEEDED"}
    given: dict[str, Any] = {"execution_id": row.id, "number": number, "at": AS_OF, "by": "ann", "anew": failed}
    return RetryRecord(**(given | more))


async def ended(engine: Engine, clock: ManualClock) -> Execution:
    result = asyncio.ensure_future(engine.result("e1"))
    async with asyncio.timeout(60):
        while not result.done():
            await asyncio.sleep(0.002)
            clock.advance(timedelta(seconds=10))
    return result.result()


def machinery(world: World) -> tuple[Machinery, ManualClock]:
    clock = ManualClock(AS_OF)
    made = Machinery(clock, **world.functions())
    made.effects = {"act"}
    return made, clock


async def failed(made: Machinery, clock: ManualClock, definition: dict[str, Any]) -> Execution:
    async with made.engine(clock=FastClock()) as engine:
        await engine.start(StartRequest(run=run_info(), definition=definition))
        row = await ended(engine, clock)
    assert row.status == "FAILED", row.error
    return row


@pytest.mark.parametrize("name", MACHINES)
def test_what_succeeded_is_not_done_again(name: str) -> None:
    async def body() -> None:
        world = World()
        made, clock = machinery(world)
        row = await failed(made, clock, MACHINES[name])
        before = {key: copy.deepcopy(run) for key, run in made.rows.runs.items() if run.status == "SUCCEEDED"}
        tries = world.bad_calls
        world.mended = True
        async with made.engine(clock=FastClock()) as engine:
            assert await engine.retry(row, record(row, made))
            again = await ended(engine, clock)
        assert again.status == "SUCCEEDED", again.error
        assert (again.id, again.error, again.started_at) == ("e1", None, row.started_at)
        assert len(world.acts) == len(set(world.acts)) == sum(run.function == "act" for run in made.rows.runs.values())
        assert world.reads <= 1
        assert {key: made.rows.runs[key] for key in before} == before, "what was recorded stands"
        kept = [run for run in made.rows.runs.values() if run.status == "FAILED"]
        assert len(kept) == tries, "failed attempts stay in the record"
        assert made.rows.retries["e1", 1].by == "ann"
        seqs = [event.seq for event in made.events if event.type != "node.progress"]
        assert seqs == sorted(set(seqs))

    loop.run(body())


@pytest.mark.parametrize("name", MACHINES)
def test_a_retry_survives_a_crash_at_every_commit(name: str) -> None:
    async def body() -> None:
        world = World()
        made, clock = machinery(world)
        row = await failed(made, clock, MACHINES[name])
        world.mended = True
        copies: list[tuple[MemoryDatabase, list[tuple[str, int]]]] = []

        def copy_all() -> None:
            rows = MemoryDatabase()
            for each in ("executions", "keys", "runs", "logs", "notifications", "retries"):
                setattr(rows, each, copy.deepcopy(getattr(made.rows, each)))
            rows.owners = dict.fromkeys(rows.executions, object())
            copies.append((rows, list(world.acts)))

        async with made.engine(CopyingJournal(made.rows, copy_all), clock=FastClock()) as engine:
            assert await engine.retry(row, record(row, made))
            copy_all()  # as if it died right behind the word that it goes on
            await ended(engine, clock)
        crashes = [made_copy for made_copy in copies if made_copy[0].executions["e1"].status != "SUCCEEDED"]
        assert len(crashes) > 2
        for rows, acts in crashes:
            later = World()
            later.acts, later.mended = list(acts), True
            other = Machinery(ManualClock(clock.now()), **later.functions())
            other.rows, other.blobs, other.effects = rows, made.blobs, {"act"}
            assert isinstance(other.clock, ManualClock)
            async with other.engine(clock=FastClock()) as engine:
                assert await engine.resume() == ["e1"]
                again = await ended(engine, other.clock)
            assert again.status == "SUCCEEDED", again.error
            assert later.reads == 0, "a recorded outcome is given back"
            assert {node for node, _ in later.acts} == {node for node, _ in world.acts}
            assert len(later.acts) <= len(world.acts) + 1, "at most the effect whose outcome was lost, under its old id"

    loop.run(body())


def test_it_may_fail_again_and_be_retried_again() -> None:
    async def body() -> None:
        world = World()
        made, clock = machinery(world)
        row = await failed(made, clock, LINE)
        async with made.engine(clock=FastClock()) as engine:
            assert await engine.retry(row, record(row, made))
            row = await ended(engine, clock)
            assert row.status == "FAILED"
            assert world.bad_calls == 4, "a retry has the node's own retries anew"
            world.mended = True
            assert await engine.retry(row, record(row, made, 2))
            assert (await ended(engine, clock)).status == "SUCCEEDED"
        assert sorted(number for _, number in made.rows.retries) == [1, 2]
        assert [run.attempt for run in made.rows.runs.values() if run.node == "b1"] == [0, 1, 2, 3, 4]

    loop.run(body())


def test_two_clicks_are_one_retry() -> None:
    async def body() -> None:
        world = World()
        made, clock = machinery(world)
        row = await failed(made, clock, LINE)
        world.mended = True
        async with made.engine(clock=FastClock()) as engine:
            first, second = record(row, made), record(row, made, by="bob")
            assert sorted(await asyncio.gather(engine.retry(row, first), engine.retry(row, second))) == [False, True]
            assert (await ended(engine, clock)).status == "SUCCEEDED"
            assert not await engine.retry(row, record(row, made, 2)), "one that succeeded stays as it is"
        assert len(made.rows.retries) == 1
        assert world.acts == [("a1", 0), ("a2", 0)]

    loop.run(body())


def test_one_that_ran_out_of_time_has_its_time_again_and_its_wait_the_old_due_time() -> None:
    definition = machine(
        {
            "D-d1": {"Type": "Wait", "Seconds": 600, "Next": "Slow-s1"},
            "Slow-s1": task("slow", {"node": "s1"}, Next="E"),
            "E": END,
        },
        TimeoutSeconds=1,
    )

    async def body() -> None:
        clock = ManualClock(AS_OF)
        made = Machinery(clock, slow=lambda payload, invocation: "done")
        async with made.engine() as engine:
            await engine.start(StartRequest(run=run_info(), definition=definition))
            row = await engine.result("e1")
            assert row.status == "TIMED_OUT"
            assert [run.status for run in made.rows.runs.values()] == ["ABORTED"]
            clock.advance(timedelta(seconds=500))
            assert row.finished_at
            assert await engine.retry(row, record(row, made, at=row.finished_at, anew={}))
            async with asyncio.timeout(60):
                while made.rows.runs["e1", "D-d1", 0].status != "RUNNING":
                    await asyncio.sleep(0.001)
            clock.advance(timedelta(seconds=100))
            again = await engine.result("e1")
        assert again.status == "SUCCEEDED", again.error
        assert made.rows.runs["e1", "D-d1", 0].due == AS_OF + timedelta(seconds=600)

    loop.run(body())


def test_an_engine_that_shuts_down_retries_nothing() -> None:
    async def body() -> None:
        world = World()
        made, clock = machinery(world)
        row = await failed(made, clock, LINE)
        journal = MemoryJournal(made.rows)
        async with made.engine(journal, clock=FastClock()) as engine:
            await engine.close()
            with pytest.raises(Exception, match="shutting down"):
                await engine.retry(row, record(row, made))
        assert made.rows.executions["e1"].status == "FAILED"

    loop.run(body())
