"""A halt of the account reaches executions at every boundary: queued, waiting, between tasks, and before they act."""

import asyncio
from datetime import timedelta
from typing import Any

from tests.support import loop
from tests.support.loop import until
from tests.unit.engine.fakes import AS_OF, Machinery, run_info
from tests.unit.engine.machines import machine, task
from tradeloom.engine.clock import ManualClock
from tradeloom.engine.engine import Engine, StartRequest
from tradeloom.engine.errors import JournalRefused
from tradeloom.engine.failure import describe_stop
from tradeloom.engine.journal import Execution
from tradeloom.errors import ExecutionStopped
from tradeloom.storage.memory.journal import MemoryJournal

REASON = "AccountHalted: enough is enough"
ERROR = {"name": "AccountHalted", "message": "enough is enough", "node": None}
END = {"Type": "Succeed"}


class Switch:
    """Reaches everything, or only executions that come to one of some functions."""

    def __init__(self) -> None:
        self.on = False
        self.functions: set[str] | None = None

    async def __call__(self, execution: Execution, function: str | None) -> str | None:
        reached = self.functions is None or function in self.functions
        return REASON if self.on and reached else None


def start(states: dict[str, Any], name: str = "e1", **more: Any) -> StartRequest:
    return StartRequest(run=run_info(name), definition=machine(states), **more)


def waits() -> dict[str, Any]:
    return {"W-w": {"Type": "Wait", "Seconds": 3600, "Next": "A-f"}, "A-f": task("f")}


def errors_of(rows: list[Execution]) -> list[Any]:
    return [(row.status, row.error) for row in rows]


def test_queued_and_waiting_executions_end_with_the_reason_and_run_nothing() -> None:
    async def body() -> None:
        halt, ran = Switch(), []
        made = Machinery(ManualClock(AS_OF), f=lambda payload, invocation: ran.append(1))
        async with made.engine(halt=halt) as engine:
            ids = [await engine.start(start(waits(), f"e{n}", exclusive=True)) for n in range(20)]
            await until(lambda: any(run.kind == "wait" for run in made.rows.runs.values()))
            halt.on = True
            assert await engine.stop_halted() == 20
            rows = [await engine.result(each) for each in ids]
            assert errors_of(rows) == [("STOPPED", ERROR)] * 20
            assert ran == []
            assert await engine.stop_halted() == 0

    loop.run(body())


def test_an_execution_that_slips_through_is_stopped_before_its_first_task() -> None:
    """Accepted while the account was active, and halted before its turn came."""

    async def body() -> None:
        halt, ran = Switch(), []
        halt.on = True
        made = Machinery(f=lambda payload, invocation: ran.append(1))
        async with made.engine(halt=halt) as engine:
            await engine.start(start({"A-f": task("f")}))
            assert errors_of([await engine.result("e1")]) == [("STOPPED", ERROR)]
            assert ran == []

    loop.run(body())


def test_without_a_sweep_it_is_stopped_at_the_next_boundary() -> None:
    async def body() -> None:
        halt, ran = Switch(), []

        def first(payload: Any, invocation: Any) -> None:
            halt.on = True

        made = Machinery(first=first, second=lambda payload, invocation: ran.append(1))
        async with made.engine(halt=halt) as engine:
            await engine.start(start({"A-a": task("first", Next="B-b"), "B-b": task("second")}))
            assert errors_of([await engine.result("e1")]) == [("STOPPED", ERROR)]
            assert ran == []
            assert [run.node for run in made.rows.runs.values()] == ["a"]

    loop.run(body())


def test_a_wait_that_ends_during_the_halt_goes_nowhere() -> None:
    async def body() -> None:
        halt, ran, clock = Switch(), [], ManualClock(AS_OF)
        made = Machinery(clock, f=lambda payload, invocation: ran.append(1))
        async with made.engine(halt=halt) as engine:
            await engine.start(start(waits()))
            await until(lambda: any(run.kind == "wait" for run in made.rows.runs.values()))
            halt.on = True
            clock.advance(timedelta(hours=2))
            assert errors_of([await engine.result("e1")]) == [("STOPPED", ERROR)]
            assert ran == []

    loop.run(body())


def test_each_iteration_and_branch_is_a_boundary() -> None:
    async def body() -> None:
        halt, items, other = Switch(), [], []

        def item(payload: Any, invocation: Any) -> None:
            items.append(1)
            halt.on = len(items) == 2

        made = Machinery(item=item, other=lambda payload, invocation: other.append(1))
        each = {
            "Type": "Map", "Items": [1, 2, 3, 4], "MaxConcurrency": 1, "End": True,
            "ItemProcessor": {"ProcessorConfig": {"Mode": "INLINE"}, "StartAt": "I-i", "States": {"I-i": task("item")}},
        }  # fmt: skip
        branches = [
            {"StartAt": "M-m", "States": {"M-m": each}},
            {"StartAt": "W-w", "States": {"W-w": {"Type": "Wait", "Seconds": 9, "Next": "O-o"}, "O-o": task("other")}},
        ]
        async with made.engine(halt=halt) as engine:
            await engine.start(start({"P": {"Type": "Parallel", "Branches": branches, "End": True}}))
            assert errors_of([await engine.result("e1")]) == [("STOPPED", ERROR)]
            assert (len(items), other) == (2, [])

    loop.run(body())


def test_a_handler_about_to_act_may_not() -> None:
    async def body() -> None:
        halt, refused = Switch(), []
        reached, go = asyncio.Event(), asyncio.Event()

        async def order(payload: Any, invocation: Any) -> None:
            reached.set()
            await go.wait()
            try:
                await invocation.on_ask("may_act", {"execution_id": "e1", "node": "a"})
            except ExecutionStopped as error:
                refused.append(error.message)

        made = Machinery(order=order)
        async with made.engine(halt=halt) as engine:
            await engine.start(start({"A-a": task("order")}))
            await reached.wait()
            halt.on = True
            go.set()
            await until(lambda: refused)
            assert refused == ["enough is enough"]

    loop.run(body())


def test_while_it_reduces_what_only_reduces_goes_on() -> None:
    async def body() -> None:
        halt, ran = Switch(), []
        halt.on, halt.functions = True, {"open"}
        made = Machinery(
            close=lambda payload, invocation: ran.append("close"), open=lambda payload, invocation: ran.append("open")
        )
        async with made.engine(halt=halt) as engine:
            await engine.start(start({"A-a": task("close")}, "closes"))
            assert (await engine.result("closes")).status == "SUCCEEDED"
            await engine.start(start({"A-a": task("close", Next="B-b"), "B-b": task("open")}, "both"))
            assert errors_of([await engine.result("both")]) == [("STOPPED", ERROR)]
            assert ran == ["close", "close"]

    loop.run(body())


def test_a_journal_that_refuses_holds_it_until_it_can_be_stopped() -> None:
    class Refusing(MemoryJournal):
        refusals = 1

        async def request_stop(self, tenant: str, execution_id: str, reason: str) -> Execution | None:
            if self.refusals:
                self.refusals -= 1
                raise JournalRefused("the disk is full")
            return await super().request_stop(tenant, execution_id, reason)

    async def body() -> None:
        halt, ran = Switch(), []
        halt.on = True
        made = Machinery(f=lambda payload, invocation: ran.append(1))
        async with made.engine(Refusing(made.rows), halt=halt) as engine:
            await engine.start(start({"A-f": task("f")}))
            assert errors_of([await engine.result("e1")]) == [("STOPPED", ERROR)]
            assert ran == []

    loop.run(body())


def test_what_was_halted_is_halted_after_a_restart() -> None:
    """The engine died between the durable stop and the end: the resumed execution ends with the same reason."""

    async def body() -> None:
        halt, ran, clock = Switch(), [], ManualClock(AS_OF)
        made = Machinery(clock, f=lambda payload, invocation: ran.append(1))
        async with made.engine(halt=halt) as engine:
            await engine.start(start(waits()))
            await until(lambda: any(run.kind == "wait" for run in made.rows.runs.values()))
        halt.on = True
        clock.advance(timedelta(hours=2))
        async with made.engine(halt=halt) as engine:
            assert await engine.resume() == ["e1"]
            assert errors_of([await engine.result("e1")]) == [("STOPPED", ERROR)]
            assert ran == []

    loop.run(body())


def test_without_halts_an_engine_stops_nothing() -> None:
    async def body() -> None:
        made = Machinery(f=lambda payload, invocation: None)
        async with made.engine() as engine:
            assert isinstance(engine, Engine)
            assert await engine.stop_halted() == 0

    loop.run(body())


def test_only_kinds_of_stops_are_read_from_a_reason() -> None:
    assert describe_stop(REASON) == ERROR
    assert describe_stop("stopped by me")["name"] == "ExecutionStopped"
    assert describe_stop("ValueError: stopped by me") == {
        "name": "ExecutionStopped", "message": "ValueError: stopped by me", "node": None,
    }  # fmt: skip
    assert describe_stop("AccountHalted: ")["name"] == "ExecutionStopped"
