"""Pauses before nodes: what a person changes there, and what is left of it after a crash."""

import asyncio
import copy
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest

from tests.support import loop
from tests.unit.engine.fakes import AS_OF, Machinery, run_info
from tests.unit.engine.machines import machine, task
from tests.unit.engine.test_resume import CopyingJournal
from tradeloom.engine.clock import ManualClock
from tradeloom.engine.debugging import IDLE_S, Debugger
from tradeloom.engine.engine import Engine, StartRequest
from tradeloom.engine.journal import Execution
from tradeloom.engine.mode import Mode, Pausing
from tradeloom.errors import Conflict, InvalidInput, NotFound
from tradeloom.storage.memory.journal import MemoryDatabase

END = {"Type": "Succeed"}


def node(name: str, *needs: str, **more: Any) -> dict[str, Any]:
    """A task as the compiler writes one, whose function gives what it was given."""
    inputs = {other: "{% $n_" + other + " %}" for other in needs}
    payload = {"run": "{% $run %}", "node": name, "inputs": inputs}
    ending = {} if "Next" in more or "End" in more else {"End": True}
    return task("f", payload, Assign={f"n_{name}": "{% $states.result.Payload %}"}, **more, **ending)


def branch(name: str, *needs: str) -> dict[str, Any]:
    made = node(name, *needs)
    return {"StartAt": f"S-{name}", "States": {f"S-{name}": {**made, "Output": "{% $states.result.Payload %}"}}}


LINE = machine(
    {
        "Start": {"Type": "Pass", "Assign": {"run": "{% $states.input %}"}, "Next": "A-a"},
        "A-a": node("a", Next="B-b"),
        "B-b": node("b", "a", Next="C-c"),
        "C-c": node("c", "a", "b", Next="E"),
        "E": {**END, "Output": "{% $n_c %}"},
    }
)
WIDE = machine(
    {
        "Start": {"Type": "Pass", "Assign": {"run": "{% $states.input %}"}, "Next": "A-a"},
        "A-a": node("a", Next="P"),
        "P": {
            "Type": "Parallel",
            "Branches": [branch("x", "a"), branch("y", "a"), branch("z", "a")],
            "Assign": {f"n_{name}": "{% $states.result[" + str(at) + "] %}" for at, name in enumerate("xyz")},
            "Next": "C-c",
        },
        "C-c": node("c", "x", "y", "z", Next="E"),
        "E": {**END, "Output": "{% $n_c %}"},
    }
)


def given(payload: Any, invocation: Any = None) -> dict[str, Any]:
    """The function of every node: its record tells what it was given."""
    told = {other: record["output"] for other, record in payload["inputs"].items()}
    return {"state": "succeeded", "port": "main", "output": {"node": payload["node"], "given": told}}


def record(output: Any) -> dict[str, Any]:
    return {"state": "succeeded", "port": "main", "output": output}


@asynccontextmanager
async def debugged(
    made: Machinery, definition: dict[str, Any] = LINE, journal: Any = None, **pausing: Any
) -> AsyncIterator[tuple[Engine, Debugger]]:
    async with made.engine(journal) as engine:
        mode = Mode(debug=Pausing(**pausing))
        await engine.start(StartRequest(run=run_info(test_mode=True), definition=definition, mode=mode))
        debugger = engine.debugger("e1")
        assert debugger is not None
        yield engine, debugger


async def paused_at(debugger: Debugger, *nodes: str) -> None:
    async with asyncio.timeout(60):
        while sorted(paused.run.node for paused in debugger.paused) != sorted(nodes):
            await asyncio.sleep(0.001)


def outputs(row: Execution) -> Any:
    assert row.status == "SUCCEEDED", row.error
    return row.output["output"]


def test_it_pauses_before_each_node_when_stepping() -> None:
    async def body() -> None:
        made = Machinery(f=given)
        async with debugged(made) as (engine, debugger):
            for name in "abc":
                await paused_at(debugger, name)
                assert [call[1]["node"] for call in made.workers.calls] == list("abc"[: "abc".index(name)])
                assert engine.rests("e1")
                debugger.release(debugger.find(None))
            row = await engine.result("e1")
        assert outputs(row)["node"] == "c"
        pauses = [run for run in made.rows.runs.values() if run.kind == "pause"]
        assert [(run.node, run.status) for run in pauses] == [(name, "SUCCEEDED") for name in "abc"]

    loop.run(body())


def test_a_breakpoint_pauses_before_its_node_only_and_run_to_once() -> None:
    async def body() -> None:
        made = Machinery(f=given)
        async with debugged(made, stepping=False, breakpoints={"b"}) as (engine, debugger):
            await paused_at(debugger, "b")
            debugger.change(breakpoints=frozenset(), run_to="c")
            debugger.release(debugger.find("b"))
            await paused_at(debugger, "c")
            assert debugger.pausing.run_to is None
            debugger.release(debugger.find("c"))
            await engine.result("e1")
        assert [run.node for run in made.rows.runs.values() if run.kind == "pause"] == ["b", "c"]

    loop.run(body())


def test_what_was_edited_is_what_the_node_gets_and_the_record_shows() -> None:
    async def body() -> None:
        made = Machinery(f=given)
        async with debugged(made, stepping=False, breakpoints={"b"}) as (engine, debugger):
            await paused_at(debugger, "b")
            paused = debugger.find("b")
            debugger.edit(paused, {"inputs": {"a": record(25)}, "version": "other"})
            debugger.release(paused)
            row = await engine.result("e1")
        ran = {call[1]["node"]: call[1] for call in made.workers.calls}
        assert ran["b"]["inputs"] == {"a": record(25)}
        assert (ran["a"]["run"]["version"], ran["b"]["run"]["version"]) == ("v1", "other")
        assert ran["c"]["run"]["version"] == "v1"
        assert outputs(row)["given"]["a"] != 25, "others see what it really gave"
        assert made.rows.runs["e1", "B-b", 0].input["inputs"] == {"a": record(25)}
        assert made.rows.runs["e1", "B-b?", 0].input["inputs"] != {"a": record(25)}

    loop.run(body())


def test_a_skipped_node_gives_what_was_given_for_it() -> None:
    async def body() -> None:
        made = Machinery(f=given)
        async with debugged(made, stepping=False, breakpoints={"b"}) as (engine, debugger):
            await paused_at(debugger, "b")
            debugger.release(debugger.find("b"), "skip", record({"made": "up"}))
            row = await engine.result("e1")
        assert outputs(row)["given"]["b"] == {"made": "up"}
        assert [call[1]["node"] for call in made.workers.calls] == ["a", "c"]
        assert made.rows.runs["e1", "B-b", 0].input["given"] == "by_hand"

    loop.run(body())


def test_branches_pause_side_by_side_and_hold_no_slot() -> None:
    async def body() -> None:
        made = Machinery(f=given)
        async with made.engine(most_running=1) as engine:
            mode = Mode(debug=Pausing(stepping=False, breakpoints=frozenset("xy")))
            await engine.start(StartRequest(run=run_info(test_mode=True), definition=WIDE, mode=mode))
            debugger = engine.debugger("e1")
            assert debugger is not None
            await paused_at(debugger, "x", "y")
            with pytest.raises(InvalidInput, match="several"):
                debugger.find(None)
            with pytest.raises(NotFound):
                debugger.find("c")
            async with asyncio.timeout(60):
                await engine.start(StartRequest(run=run_info("e2"), definition=LINE))
                assert (await engine.result("e2")).status == "SUCCEEDED", "the only slot is free"
            debugger.release(debugger.find("y"))
            await paused_at(debugger, "x")
            debugger.release(debugger.find(None))
            row = await engine.result("e1")
        assert set(outputs(row)["given"]) == set("xyz")

    loop.run(body())


def test_a_session_nobody_goes_on_with_is_stopped() -> None:
    async def body() -> None:
        clock = ManualClock(AS_OF)
        made = Machinery(f=given)
        async with made.engine(clock=clock) as engine:
            mode = Mode(debug=Pausing())
            await engine.start(StartRequest(run=run_info(test_mode=True), definition=LINE, mode=mode))
            debugger = engine.debugger("e1")
            assert debugger is not None
            await paused_at(debugger, "a")
            clock.advance(timedelta(seconds=IDLE_S - 1))
            debugger.touch()
            await asyncio.sleep(0.01)
            clock.advance(timedelta(seconds=2))
            await asyncio.sleep(0.01)
            assert made.rows.executions["e1"].status == "RUNNING", "somebody was there"
            clock.advance(timedelta(seconds=IDLE_S))
            row = await engine.result("e1")
        assert row.status == "STOPPED"
        assert row.error is not None
        assert row.error["name"] == "DebuggingAbandoned"
        assert [run.status for run in made.rows.runs.values()] == ["ABORTED"]

    loop.run(body())


def test_a_person_may_take_longer_than_the_time_out() -> None:
    async def body() -> None:
        made = Machinery(f=given)
        async with debugged(made, {**LINE, "TimeoutSeconds": 60}, stepping=False, breakpoints={"a"}) as (_, debugger):
            await paused_at(debugger, "a")
        row = made.rows.executions["e1"]
        assert row.started_at
        row.started_at -= timedelta(days=1)
        async with made.engine() as engine:
            await engine.resume()
            later = engine.debugger("e1")
            assert later is not None
            await paused_at(later, "a")
            later.release(later.find("a"))
            assert (await engine.result("e1")).status == "SUCCEEDED"

    loop.run(body())


def test_a_paused_execution_can_be_stopped() -> None:
    async def body() -> None:
        made = Machinery(f=given)
        async with debugged(made) as (engine, debugger):
            await paused_at(debugger, "a")
            await engine.stop("e1", "enough")
            row = await engine.result("e1")
            assert row.status == "STOPPED"
            with pytest.raises(Conflict):
                debugger.find(None)
        assert made.workers.calls == []

    loop.run(body())


Script = Callable[[Debugger], None]


def edits(debugger: Debugger) -> None:
    """What a person does wherever it is paused: the same whether or not something died meanwhile."""
    for paused in list(debugger.paused):
        if paused.released.done():
            continue
        if paused.run.node == "y":
            debugger.release(paused, "skip", record({"made": "up"}))
        else:
            if paused.run.node == "x" and not paused.edits:
                debugger.edit(paused, {"inputs": {"a": record(25)}})
            debugger.release(paused)


async def driven(engine: Engine, script: Script) -> Execution:
    debugger = engine.debugger("e1")
    result = asyncio.ensure_future(engine.result("e1"))
    async with asyncio.timeout(60):
        while not result.done():
            await asyncio.sleep(0.001)
            if debugger is not None:
                script(debugger)
    return result.result()


def test_from_every_commit_it_pauses_and_goes_on_as_if_nothing_had_happened() -> None:
    async def body() -> None:
        made = Machinery(f=given)
        copies: list[tuple[MemoryDatabase, int]] = []

        def copy_all() -> None:
            rows = MemoryDatabase()
            for each in ("executions", "keys", "runs", "logs", "notifications", "retries"):
                setattr(rows, each, copy.deepcopy(getattr(made.rows, each)))
            rows.owners = dict.fromkeys(rows.executions, object())
            copies.append((rows, len(made.workers.calls)))

        async with debugged(made, WIDE, CopyingJournal(made.rows, copy_all)) as (engine, _):
            first = await driven(engine, edits)
        assert first.output["output"]["given"]["x"]["given"] == {"a": 25}
        assert first.output["output"]["given"]["y"] == {"made": "up"}
        crashes = [one for one, _ in copies if one.executions["e1"].status in {"PENDING", "RUNNING"}]
        assert len(crashes) >= 5
        for rows in crashes:
            kept = {key: copy.deepcopy(run) for key, run in rows.runs.items() if run.status == "SUCCEEDED"}
            later = Machinery(f=given)
            later.rows, later.blobs = rows, made.blobs
            async with later.engine() as engine:
                assert await engine.resume() == ["e1"]
                again = await driven(engine, edits)
            assert again.output == first.output
            assert {key: rows.runs[key] for key in kept} == kept, "what was decided stands"
            ran = [call[1]["node"] for call in later.workers.calls]
            assert not {run.node for run in kept.values() if run.kind == "task"} & set(ran)

    loop.run(body())


def test_edits_that_were_written_down_outlive_the_engine() -> None:
    async def body() -> None:
        made = Machinery(f=given)
        async with debugged(made, stepping=False, breakpoints={"b"}) as (_, debugger):
            await paused_at(debugger, "b")
            debugger.edit(debugger.find("b"), {"inputs": {"a": record(25)}})
            debugger.change(breakpoints=frozenset("bc"))
        assert made.rows.executions["e1"].status == "RUNNING"
        async with made.engine() as engine:
            await engine.resume()
            again = engine.debugger("e1")
            assert again is not None
            await paused_at(again, "b")
            assert again.pausing.breakpoints == frozenset("bc")
            assert again.find("b").edits == {"inputs": {"a": record(25)}}
            again.release(again.find("b"))
            await paused_at(again, "c")
            again.release(again.find("c"))
            row = await engine.result("e1")
        assert outputs(row)["given"]["b"]["given"] == {"a": 25}

    loop.run(body())
