"""Who holds a slot of the engine, and who waits for one."""

import asyncio
from datetime import timedelta

from tests.support import loop
from tests.support.loop import until
from tests.unit.engine.fakes import AS_OF, Machinery
from tests.unit.engine.machines import machine, task
from tests.unit.engine.test_engine import END, chain, start
from tradeloom.engine.clock import ManualClock


def test_three_hundred_waits_hold_no_slot() -> None:
    async def body() -> None:
        clock = ManualClock(AS_OF)
        made = Machinery(clock, f=lambda payload, invocation: 1)
        definition = machine({"D-d": {"Type": "Wait", "Seconds": 60, "Next": "A"}, "A": task("f", Next="E"), "E": END})
        async with made.engine(most_running=2) as engine:
            for number in range(300):
                await engine.start(start(definition, f"e{number}"))
            await until(lambda: len(made.rows.runs) == 300)
            clock.advance(timedelta(seconds=60))
            rows = await asyncio.gather(*[engine.result(f"e{number}") for number in range(300)])
            assert {row.status for row in rows} == {"SUCCEEDED"}

    loop.run(body())


def test_a_parallel_that_still_works_keeps_its_slot() -> None:
    async def body() -> None:
        clock = ManualClock(AS_OF)
        made = Machinery(clock, slow=lambda payload, invocation: asyncio.sleep(0.1), f=lambda payload, invocation: 1)
        branches = [
            {"StartAt": "W", "States": {"W": {"Type": "Wait", "Seconds": 60, "End": True}}},
            {"StartAt": "S", "States": {"S": task("slow")}},
        ]
        busy = machine({"P": {"Type": "Parallel", "Branches": branches, "Next": "E"}, "E": END})
        async with made.engine(most_running=1) as engine:
            await engine.start(start(busy, "e1"))
            await engine.start(start(chain("f"), "e2"))
            await until(lambda: ("slow", {}) in made.workers.calls)
            await asyncio.sleep(0.02)
            assert len(made.workers.calls) == 1
            assert (await engine.result("e2")).status == "SUCCEEDED"  # once only the wait is left
            clock.advance(timedelta(seconds=60))
            assert (await engine.result("e1")).status == "SUCCEEDED"

    loop.run(body())


def test_after_a_restart_who_queued_still_waits_for_who_ran() -> None:
    """Even for one that was started after it."""

    async def body() -> None:
        clock = ManualClock(AS_OF)
        waits = machine({"W": {"Type": "Wait", "Seconds": 60, "Next": "E"}, "E": END})
        made = Machinery(clock)
        async with made.engine() as engine:
            await engine.start(start(waits, "first"))
            await until(lambda: made.heard("execution.started"))
            await engine.start(start(waits, "queued", exclusive=True))
            await engine.start(start(waits, "beside"))
            await until(lambda: len(made.heard("execution.started")) == 2)
            await engine.stop("first", "enough")
            await engine.result("first")
        async with made.engine() as engine:
            await engine.resume()
            await until(lambda: len(made.heard("execution.started")) == 3)
            for _ in range(100):
                await asyncio.sleep(0)
            assert len(made.heard("execution.started")) == 3  # not the queued one
            clock.advance(timedelta(seconds=60))
            assert (await engine.result("beside")).status == "SUCCEEDED"
            await until(lambda: len(made.heard("execution.started")) == 4)
            await engine.stop("queued", "enough")
            await engine.result("queued")

    loop.run(body())
