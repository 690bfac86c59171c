"""A worker process as the engine hears it: its answers by one way, what it prints by another."""

import asyncio
import os
from collections.abc import Coroutine
from typing import Any

import pytest

from tests.support.loop import run
from tradeloom.engine import codec
from tradeloom.engine.interpreter.failures import StatesError
from tradeloom.engine.workers.invocation import Invocation
from tradeloom.engine.workers.process import WorkerProcess
from tradeloom.engine.workers.settings import WorkerSettings


class Wire(asyncio.Transport):
    """Keeps what is written."""

    def __init__(self) -> None:
        super().__init__()
        self.written: list[bytes] = []

    def write(self, data: Any) -> None:
        self.written.append(bytes(data))


class Worker(WorkerProcess):
    """One whose process is the test."""

    def __init__(self) -> None:
        super().__init__(WorkerSettings(), lambda worker: None)
        self.killed = False
        self.connection_made(Wire())

    def says(self, *messages: dict[str, Any]) -> None:
        data = b"".join(codec.frame(message) for message in messages)
        self.get_buffer(-1)[: len(data)] = data
        self.buffer_updated(len(data))

    def kill(self) -> None:
        self.killed = True


async def begun(worker: Worker, **more: Any) -> asyncio.Task[Any]:
    """A task that the worker has."""
    running = asyncio.ensure_future(worker.run(Invocation(function="f", payload={}, **more)))
    await asyncio.sleep(0)
    return running


def guarded(work: Coroutine[Any, Any, None]) -> None:
    async def within() -> None:
        async with asyncio.timeout(60):
            await work

    run(within())


def test_what_was_printed_before_the_answer_and_read_after_it_is_the_task_s() -> None:
    async def body() -> None:
        worker = Worker()
        told: list[str] = []
        ours, theirs = os.pipe()
        await worker.listen_to(os.fdopen(ours, "rb", 0))
        running = await begun(worker, on_log=lambda record: told.append(record["message"]))
        os.write(theirs, b"by the pipe\n" * 5_000)
        worker.says({"say": "log", "record": {"message": "by the socket"}}, {"say": "done", "payload": 5})
        assert await running == 5
        assert told == ["by the socket", *["by the pipe"] * 5_000]
        os.close(theirs)

    guarded(body())


def test_whoever_waited_has_gone_on_when_the_end_is_told() -> None:
    async def body() -> None:
        worker = Worker()
        heard: list[str] = []

        async def wait() -> None:
            call = Invocation(function="f", payload={}, on_end=lambda: heard.append("the end"))
            heard.append(f"answer {await worker.run(call)}")

        waiting = asyncio.ensure_future(wait())
        await asyncio.sleep(0)
        asyncio.get_running_loop().call_soon(worker.says, {"say": "done", "payload": 1})
        await waiting
        assert heard == ["answer 1", "the end"]

    guarded(body())


def test_a_task_stopped_as_its_answer_arrives_ends_once() -> None:
    async def body() -> None:
        worker = Worker()
        running = await begun(worker)
        worker.says({"say": "done", "payload": 1})
        running.cancel()
        await asyncio.wait([running])
        assert running.cancelled()
        assert worker.killed
        await asyncio.sleep(0)

    guarded(body())


def test_an_alarm_left_by_an_earlier_task_does_not_end_a_later_one() -> None:
    async def body() -> None:
        worker = Worker()
        first = await begun(worker, timeout_s=0.05)
        worker.says({"say": "done", "payload": 1})
        await first
        second = await begun(worker, timeout_s=30)
        await asyncio.sleep(0.1)
        assert not worker.killed
        worker.says({"say": "done", "payload": 2})
        assert await second == 2

        third = await begun(worker, timeout_s=0.02)
        while not worker.killed:
            await asyncio.sleep(0.005)
        worker.dying = True
        worker.says({"say": "failed", "error": "E", "message": "m", "trace": []})
        with pytest.raises(StatesError):
            await third

    guarded(body())
