"""What the pool promises, on a worker that is the test itself."""

import asyncio
from typing import Any

import pytest

from tests.support.loop import until
from tests.unit.engine.fakes import Machinery
from tests.unit.engine.machines import machine, task
from tests.unit.engine.test_engine import MemoryJournalOf, chain, start
from tests.unit.engine.test_worker_process import Wire, Worker, guarded
from tradeloom.engine.workers.invocation import Call, Invocation
from tradeloom.engine.workers.pool import WorkerPool
from tradeloom.engine.workers.settings import WorkerSettings


class OneWorkerPool(WorkerPool):
    def __init__(self) -> None:
        super().__init__(WorkerSettings(least=1, most=1))
        self.worker = Worker(self._free)
        self.worker.interrupt = lambda invocation: None  # type: ignore[method-assign]  # its process is this one
        self._alive.add(self.worker)
        self._have(self.worker)

    @property
    def written(self) -> int:
        wire = self.worker._transport
        assert isinstance(wire, Wire)
        return len(wire.written)


class Kept(Invocation):
    """Keeps its end."""

    __slots__ = ("ends",)

    def __init__(self, function: str, payload: Any = None) -> None:
        super().__init__(function=function, payload={} if payload is None else payload)
        self.ends: list[tuple[Any, BaseException | None]] = []

    def on_end(self, payload: Any, error: BaseException | None) -> None:
        self.ends.append((payload, error))


def side_by_side() -> dict[str, Any]:
    branches = [{"StartAt": name, "States": {name: task("order", {"node": name})}} for name in ("X", "Y")]
    return machine({"P": {"Type": "Parallel", "Branches": branches, "End": True}})


@pytest.mark.parametrize("definition", [chain("order"), side_by_side()], ids=["in a row", "side by side"])
@pytest.mark.parametrize("end", ["stop", "close"])
def test_a_word_to_end_and_a_free_worker_in_one_turn_of_the_loop_begin_nothing(
    definition: dict[str, Any], end: str
) -> None:
    async def body() -> None:
        pool, made = OneWorkerPool(), Machinery()
        made.workers = pool  # type: ignore[assignment]
        async with made.engine(grace_s=0) as engine:
            await engine.start(start(chain("a"), "e1"))
            await until(lambda: pool.written)
            await engine.start(start(definition, "e2"))
            await until(lambda: pool.waiting)
            driver, loop = engine._running["e2"], asyncio.get_running_loop()
            loop.call_soon(driver.close if end == "close" else lambda: driver.stop("enough"))
            loop.call_soon(pool.worker.says, {"say": "done", "payload": 1})
            await asyncio.wait([driver.task])
            assert pool.written == 1, "only e1's task went to the worker"
            assert (await engine.result("e1")).status == "SUCCEEDED"
        runs = await MemoryJournalOf(made).node_runs("e2")
        assert {run.status for run in runs} == {"RUNNING" if end == "close" else "ABORTED"}

    guarded(body())


def test_a_call_nobody_waits_for_any_more_does_not_begin() -> None:
    async def body() -> None:
        pool = OneWorkerPool()
        pool.begin(Kept("a"))
        asked = asyncio.ensure_future(pool.invoke(Call(function="b", payload={})))
        await asyncio.sleep(0)
        loop = asyncio.get_running_loop()
        loop.call_soon(asked.cancel)
        loop.call_soon(pool.worker.says, {"say": "done", "payload": 1})
        await asyncio.wait([asked])
        assert pool.written == 1
        assert not pool.worker.killed

    guarded(body())


def test_a_worker_whose_socket_has_closed_gets_no_task() -> None:
    async def body() -> None:
        pool = OneWorkerPool()
        pool.worker.dying = True  # as `connection_lost` says; the burial takes up to a second
        call = Kept("a")
        pool.begin(call)
        assert (pool.written, pool.waiting, call.ends) == (0, 1, [])
        call.cancel()
        await pool.close()

    guarded(body())


def test_a_task_s_end_is_told_whatever_the_next_one_s_begin_does() -> None:
    class Broken(Kept):
        def on_begin(self) -> None:
            raise RuntimeError("broken")

    async def body() -> None:
        pool = OneWorkerPool()
        done = Kept("a")
        pool.begin(done)
        broken, after = Broken("b"), Kept("c")
        pool.begin(broken)
        pool.begin(after)
        pool.worker.says({"say": "done", "payload": 1})
        assert done.ends == [(1, None)]
        assert [type(error) for _, error in broken.ends] == [RuntimeError]
        assert after.holder is pool.worker, "which is as good as before"

    guarded(body())


def test_a_cancelled_running_task_frees_its_place_and_not_its_worker() -> None:
    async def body() -> None:
        pool = OneWorkerPool()
        pool.worker.kill = lambda: setattr(pool.worker, "dying", True)  # type: ignore[method-assign]
        running, queued = Kept("a"), Kept("b")
        pool.begin(running)
        pool.begin(queued)
        running.cancel()
        running.cancel()
        assert len(running.ends) == 1
        assert isinstance(running.ends[0][1], asyncio.CancelledError)
        assert (pool._busy, pool.waiting, pool.written, queued.ends) == (0, 1, 1, [])
        queued.cancel()
        assert len(queued.ends) == 1
        await pool.close()

    guarded(body())
