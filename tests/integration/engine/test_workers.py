"""Real worker processes: how handlers run in them, fail in them, and what they cannot do."""

import asyncio
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.support.local_engine import SUPPORT, function, worker_settings
from tradeloom.engine.errors import EngineClosed, WorkersUnavailable
from tradeloom.engine.interpreter.failures import StatesError
from tradeloom.engine.workers.invocation import Call
from tradeloom.engine.workers.pool import WorkerPool


@asynccontextmanager
async def pool(**settings: Any) -> AsyncIterator[WorkerPool]:
    made = WorkerPool(worker_settings(**{"least": 1, "most": 2} | settings))
    await made.start()
    try:
        yield made
    finally:
        await made.close()


def call(name: str, payload: Any = None, **more: Any) -> Call:
    return Call(function=function(name), payload={} if payload is None else payload, **more)


async def failure(workers: WorkerPool, invocation: Call) -> StatesError:
    with pytest.raises(StatesError) as caught:
        await workers.invoke(invocation)
    return caught.value


def test_a_payload_comes_back_as_json() -> None:
    payload = {"whole": 5.0, "odd": "a\0\ud800🧵", "null": None, "list": [1, [2.5]], "large": "x" * 500_000}

    async def body() -> None:
        async with pool() as workers:
            assert await workers.invoke(call("echo", payload)) == payload

    asyncio.run(body())


@pytest.mark.parametrize(
    ("name", "payload", "error", "says"),
    [
        ("misbehave", {"how": "raise"}, "StalePrice", "9 minutes old"),
        ("misbehave", {"how": "exit"}, "Runtime.ExitError", "exit status 3"),
        ("misbehave", {"how": "leave"}, "Runtime.ExitError", "exit status 4"),
        ("misbehave", {"how": "segfault"}, "Runtime.ExitError", "signal: SIGSEGV"),
        ("misbehave", {"how": "nan"}, "Runtime.MarshalError", "Unable to marshal response"),
        ("misbehave", {"how": "object"}, "Runtime.MarshalError", "Unable to marshal response"),
        ("misbehave", {"how": "large", "bytes": 7_000_000}, "Function.ResponseSizeTooLarge", "exceeded maximum"),
        ("misbehave", {"how": "files"}, "OSError", "Too many open files"),
        ("misbehave", {"how": "protocol"}, "Runtime.ExitError", "protocol"),
        ("nowhere", {}, "Runtime.ImportModuleError", "handlers.probe.nowhere"),
        ("empty", {}, "Runtime.HandlerNotFound", "missing on module"),
    ],
)
def test_a_failure_has_lambdas_name(name: str, payload: Any, error: str, says: str) -> None:
    async def body() -> None:
        async with pool() as workers:
            failed = await failure(workers, call(name, payload))
            assert failed.error == error
            assert says in failed.cause
            assert await workers.invoke(call("echo", "still alive")) == "still alive"

    asyncio.run(body())


def test_a_module_that_does_not_compile_has_lambdas_name(tmp_path: Path) -> None:
    module = tmp_path / "handlers" / "probe" / "garbled.py"
    module.parent.mkdir(parents=True)
    module.write_text("def handler(:")

    async def body() -> None:
        async with pool(paths=(SUPPORT, tmp_path)) as workers:
            assert (await failure(workers, call("garbled"))).error == "Runtime.UserCodeSyntaxError"

    asyncio.run(body())


def test_a_stack_trace_shows_the_handlers_lines_only() -> None:
    async def body() -> None:
        async with pool() as workers:
            cause = (await failure(workers, call("misbehave", {"how": "raise"}))).cause
            assert "misbehave.py" in cause
            assert "worker.py" not in cause

    asyncio.run(body())


def test_a_time_out_kills_the_worker_and_another_takes_its_place() -> None:
    async def body() -> None:
        async with pool() as workers:
            (first,) = workers.pids
            begun = time.monotonic()
            failed = await failure(workers, call("misbehave", {"how": "sleep", "s": 30}, timeout_s=0.3))
            assert time.monotonic() - begun < 25
            assert failed.error == "States.Timeout"
            assert not psutil.pid_exists(first)
            assert await workers.invoke(call("echo", 1)) == 1
            assert first not in workers.pids

    asyncio.run(body())


def test_the_functions_own_limit_shows_as_lambdas() -> None:
    async def body() -> None:
        async with pool(longest_task_s=0.3) as workers:
            failed = await failure(workers, call("misbehave", {"how": "sleep", "s": 30}, timeout_s=60))
            assert failed.error == "Sandbox.Timedout"
            assert "Task timed out after 0.30 seconds" in failed.cause

    asyncio.run(body())


def test_a_busy_loop_runs_out_of_cpu() -> None:
    async def body() -> None:
        async with pool(cpu_s=1) as workers:
            failed = await failure(workers, call("misbehave", {"how": "spin"}, timeout_s=30))
            assert (failed.error, "SIGXCPU" in failed.cause) == ("Runtime.ExitError", True)

    asyncio.run(body())


def test_memory_and_files_are_limited(tmp_path: Path) -> None:
    async def body() -> None:
        async with pool(memory_bytes=1024**3, file_bytes=1024**2) as workers:
            assert (await failure(workers, call("misbehave", {"how": "memory", "bytes": 2 * 1024**3}))).error == (
                "MemoryError"
            )
            disk = {"how": "disk", "path": str(tmp_path / "x"), "bytes": 2 * 1024**2}
            assert (await failure(workers, call("misbehave", disk))).error in {"OSError", "Runtime.ExitError"}
            assert (tmp_path / "x").stat().st_size <= 1024**2

    asyncio.run(body())


def test_cancelling_kills_the_handler() -> None:
    async def body() -> None:
        async with pool() as workers:
            (first,) = workers.pids
            begun = asyncio.Event()
            running = asyncio.ensure_future(
                workers.invoke(call("misbehave", {"how": "sleep", "s": 30}, on_begin=begun.set))
            )
            await begun.wait()
            await asyncio.sleep(0.05)
            running.cancel()
            with pytest.raises(asyncio.CancelledError):
                await running
            assert await workers.invoke(call("echo", 1)) == 1
            assert first not in workers.pids

    asyncio.run(body())


def test_cancelling_one_that_waits_for_a_worker_costs_nothing() -> None:
    async def body() -> None:
        async with pool(most=1) as workers:
            pids = workers.pids
            busy = asyncio.ensure_future(workers.invoke(call("misbehave", {"how": "sleep", "s": 0.2})))
            await asyncio.sleep(0.05)
            waiting = asyncio.ensure_future(workers.invoke(call("echo", 1)))
            await asyncio.sleep(0.01)
            waiting.cancel()
            assert await busy == "done"
            assert await workers.invoke(call("echo", 2)) == 2
            assert workers.pids == pids

    asyncio.run(body())


def test_what_a_handler_starts_dies_with_it(tmp_path: Path) -> None:
    async def body() -> None:
        async with pool() as workers:
            await failure(workers, call("misbehave", {"how": "child, then leave", "path": str(tmp_path / "pid")}))
            child = int((tmp_path / "pid").read_text())
            await gone(child)
            other = await workers.invoke(call("misbehave", {"how": "child"}))
            assert psutil.pid_exists(other)
        await gone(other)

    asyncio.run(body())


async def gone(pid: int) -> None:
    async with asyncio.timeout(60):
        while psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
            await asyncio.sleep(0.01)


def test_everything_a_handler_says_arrives_while_it_runs() -> None:
    said: list[tuple[float, dict[str, Any]]] = []

    async def body() -> None:
        async with pool() as workers:
            invocation = call("talk", {"s": 1.5}, on_log=lambda record: said.append((time.monotonic(), record)))
            await workers.invoke(invocation)
            ended = time.monotonic()
        assert ended - said[0][0] > 0.2

    asyncio.run(body())
    messages = [record["message"] for _, record in said]
    assert [text for text in messages if text != "past python"] == [
        "first",
        "printed",
        "to stderr",
        "not json",
        "half a line",
    ]
    assert "past python" in messages
    assert said[0][1]["bars"] == 500
    assert said[0][1]["odd"] == "a\0\ud800"


def test_a_worker_sees_nothing_of_the_engines_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://secret")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("PYTHONPATH", "/somewhere")

    async def body() -> None:
        async with pool(environment={"EXTRA": "yes"}) as workers:
            invocation = call("talk", timeout_s=60)
            seen = await workers.invoke(invocation)
        environment = seen["environment"]
        assert "secret" not in str(environment)
        assert environment["EXTRA"] == "yes"
        assert environment["TRADELOOM_SERVICES"] == "tradeloom.engine.worker_services:services"
        assert not {"DATABASE_URL", "PYTHONPATH", "TRADELOOM_WORKER"} & set(environment)
        assert seen["session"], "a worker leads a session of its own"
        assert seen["function"] == "tradeloom-probe-talk"
        assert seen["arn"] == function("talk")
        assert seen["request"] == invocation.id
        assert 0 < seen["left_ms"] <= 60_000

    asyncio.run(body())


def test_services_reach_blobs_and_say_when_there_is_no_bridge(tmp_path: Path) -> None:
    from tradeloom.storage.blobs import FileBlobs

    FileBlobs(tmp_path).put_artefact("v1", {"document": {"name": "x"}})

    async def body() -> None:
        async with pool(blob_directory=tmp_path) as workers:
            assert await workers.invoke(call("blobs")) == {
                "blob": "bars",
                "artefact": {"document": {"name": "x"}},
                "missing": "NotFound",
                "broker": "BrokerUnavailable",
            }

    asyncio.run(body())


def test_the_pool_grows_under_load_and_shrinks_after() -> None:
    async def body() -> None:
        async with pool(least=1, most=4, idle_s=0.2) as workers:
            calls = [workers.invoke(call("misbehave", {"how": "sleep", "s": 2})) for _ in range(8)]
            most, work = 1, asyncio.gather(*calls)
            while not work.done():
                most = max(most, len(workers.pids))
                await asyncio.sleep(0.02)
            await work
            assert 1 < most <= 4
            async with asyncio.timeout(60):
                while len(workers.pids) > 1:
                    await asyncio.sleep(0.02)
            assert await workers.invoke(call("echo", 1)) == 1

    asyncio.run(body())


def test_a_killed_worker_is_replaced() -> None:
    async def body() -> None:
        async with pool(least=2) as workers:
            killed = set(workers.pids)
            for pid in killed:
                os.kill(pid, 9)
            async with asyncio.timeout(60):
                while len(workers.pids) < 2 or killed & set(workers.pids):
                    await asyncio.sleep(0.02)
            assert await workers.invoke(call("echo", 1)) == 1

    asyncio.run(body())


def test_workers_that_cannot_start_are_told_of() -> None:
    async def body() -> None:
        workers = WorkerPool(worker_settings(least=1, preload=("no.such.module",)))
        with pytest.raises(WorkersUnavailable):
            await workers.start()
        assert (await failure(workers, call("echo"))).error == "Lambda.ServiceException"
        await workers.close()
        with pytest.raises(EngineClosed):
            await workers.invoke(call("echo"))

    asyncio.run(body())


def test_a_task_that_waits_for_a_long_one_gets_a_worker_of_its_own() -> None:
    async def body() -> None:
        async with pool(least=1, most=2) as workers:
            taken = asyncio.Event()
            long = call("misbehave", {"how": "sleep", "s": 300}, on_begin=taken.set)
            begun = asyncio.ensure_future(workers.invoke(long))
            async with asyncio.timeout(60):
                await taken.wait()
                assert await workers.invoke(call("echo", {"n": 1})) == {"n": 1}
            assert len(workers.pids) == 2
            assert not begun.done()
            begun.cancel()
            await asyncio.gather(begun, return_exceptions=True)

    asyncio.run(body())
