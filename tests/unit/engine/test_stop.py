"""A stop of an execution: of one that runs, waits, is queued or has ended."""

import asyncio
from typing import Any

from tests.support import loop
from tests.support.loop import until
from tests.unit.engine.fakes import AS_OF, Machinery
from tests.unit.engine.machines import Raised, machine
from tests.unit.engine.test_engine import END, MemoryJournalOf, chain, start
from tradeloom.engine.clock import ManualClock
from tradeloom.errors import ExecutionStopped


def test_a_stop_reaches_a_running_handler() -> None:
    refused: list[str] = []

    async def acts(payload: Any, invocation: Any) -> Any:
        await invocation.on_ask("may_act", {})
        await asyncio.sleep(0.05)
        try:
            await invocation.on_ask("may_act", {})
        except ExecutionStopped as error:
            refused.append(error.message)
            raise Raised("ExecutionStopped", error.message) from error

    async def body() -> None:
        made = Machinery(acts=acts, f=lambda payload, invocation: 1)
        async with made.engine() as engine:
            await engine.start(start(chain("acts", "f")))
            await until(lambda: made.workers.calls)
            await asyncio.sleep(0.01)
            await engine.stop("e1", "the market went mad")
            row = await engine.result("e1")
            assert row.status == "STOPPED"
            assert row.error == {"name": "ExecutionStopped", "message": "the market went mad", "node": None}
        assert refused == ["The execution was stopped: the market went mad"]
        assert [function for function, _ in made.workers.calls] == ["acts"]
        (run,) = await MemoryJournalOf(made).node_runs("e1")
        assert run.status == "FAILED"

    loop.run(body())


def test_what_a_handler_finished_in_the_grace_time_is_kept() -> None:
    async def fills(payload: Any, invocation: Any) -> Any:
        await asyncio.sleep(0.05)
        return {"ticket": 7}

    async def body() -> None:
        made = Machinery(fills=fills)
        async with made.engine() as engine:
            await engine.start(start(chain("fills", "fills")))
            await until(lambda: made.workers.calls)
            await engine.stop("e1", "enough")
            assert (await engine.result("e1")).status == "STOPPED"
        (run,) = await MemoryJournalOf(made).node_runs("e1")
        assert (run.status, run.output) == ("SUCCEEDED", {"ticket": 7})

    loop.run(body())


def test_a_handler_that_does_not_end_is_killed_after_the_grace_time() -> None:
    async def body() -> None:
        made = Machinery(slow=lambda payload, invocation: asyncio.sleep(30))
        async with made.engine(grace_s=0.05) as engine:
            await engine.start(start(chain("slow")))
            await until(lambda: made.workers.calls)
            await engine.stop("e1", "enough")
            assert (await engine.result("e1")).status == "STOPPED"
        (run,) = await MemoryJournalOf(made).node_runs("e1")
        assert run.status == "ABORTED"

    loop.run(body())


def test_a_waiting_execution_stops_at_once() -> None:
    async def body() -> None:
        made = Machinery(ManualClock(AS_OF))
        async with made.engine() as engine:
            await engine.start(start(machine({"D-d": {"Type": "Wait", "Seconds": 3600, "Next": "E"}, "E": END})))
            await until(lambda: made.rows.runs)
            stopping = await engine.stop("e1", "enough")
            assert stopping.stop_reason == "enough"
            async with asyncio.timeout(60):
                assert (await engine.result("e1")).status == "STOPPED"

    loop.run(body())


def test_a_queued_execution_stops_without_running() -> None:
    async def body() -> None:
        made = Machinery(slow=lambda payload, invocation: asyncio.sleep(30))
        async with made.engine(most_running=1, grace_s=0) as engine:
            await engine.start(start(chain("slow"), "e1"))
            await engine.start(start(chain("slow"), "e2"))
            await until(lambda: made.workers.calls)
            await engine.stop("e2", "enough")
            row = await engine.result("e2")
            assert (row.status, row.started_at) == ("STOPPED", None)
            assert len(made.workers.calls) == 1

    loop.run(body())


def test_an_ended_execution_stays_as_it_is() -> None:
    async def body() -> None:
        made = Machinery(f=lambda payload, invocation: 1)
        async with made.engine() as engine:
            await engine.start(start(chain("f")))
            row = await engine.result("e1")
            assert await engine.stop("e1", "late") == row
            assert (await engine.result("e1")).status == "SUCCEEDED"

    loop.run(body())
