"""A worker process as the engine hears it: its answers by one way, what it prints by another."""

import asyncio
import os
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from tests.support.loop import run
from tradeloom.engine import codec
from tradeloom.engine.errors import InvalidPayload
from tradeloom.engine.interpreter.failures import StatesError
from tradeloom.engine.workers.invocation import Call
from tradeloom.engine.workers.process import WorkerProcess
from tradeloom.engine.workers.settings import WorkerSettings


class Wire(asyncio.Transport):
    """Keeps what is written."""

    def __init__(self) -> None:
        super().__init__()
        self.written: list[bytes] = []

    def write(self, data: Any) -> None:
        self.written.append(bytes(data))

    def close(self) -> None:
        """There is nobody at its other end."""


class Worker(WorkerProcess):
    """One whose process is the test."""

    def __init__(self, on_free: Callable[[WorkerProcess], None] = lambda worker: None) -> None:
        super().__init__(WorkerSettings(), on_free, lambda worker: None)
        self.killed = False
        self.connection_made(Wire())

    @property
    def pid(self) -> int:
        return os.getpid()

    def says(self, *messages: dict[str, Any]) -> None:
        data = b"".join(codec.frame(message) for message in messages)
        self.get_buffer(-1)[: len(data)] = data
        self.buffer_updated(len(data))

    def kill(self) -> None:
        self.killed = True


def begun(worker: Worker, **more: Any) -> Call:
    """A task that the worker has."""
    call = Call(function="f", payload={}, **more)
    worker.begin(call)
    return call


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
        running = begun(worker, on_log=lambda record: told.append(record["message"]))
        os.write(theirs, b"by the pipe\n" * 5_000)
        worker.says({"say": "log", "record": {"message": "by the socket"}}, {"say": "done", "payload": 5})
        assert await running.answer == 5
        assert told == ["by the socket", *["by the pipe"] * 5_000]
        os.close(theirs)

    guarded(body())


def test_a_worker_is_free_before_whoever_waits_for_its_task_hears_of_the_end() -> None:
    async def body() -> None:
        heard: list[str] = []

        class Heard(Call):
            def on_end(self, payload: Any, error: BaseException | None) -> None:
                heard.append(f"answer {payload}")

        worker = Worker(lambda worker: heard.append("free"))
        worker.begin(Heard(function="f", payload={}))
        worker.says({"say": "done", "payload": 1})
        assert heard == ["free", "answer 1"]

    guarded(body())


def test_a_task_cancelled_as_its_answer_arrives_ends_once() -> None:
    async def body() -> None:
        worker = Worker()
        call = begun(worker)
        call.cancel()
        worker.says({"say": "done", "payload": 1})
        call.cancel()
        assert call.answer.cancelled()
        assert worker.killed

    guarded(body())


def test_what_cannot_travel_ends_before_it_begins() -> None:
    async def body() -> None:
        worker = Worker()
        call = Call(function="f", payload={"value": float("nan")})
        worker.begin(call)
        with pytest.raises(InvalidPayload):
            await call.answer
        worker.says({"say": "done", "payload": 1})  # nobody's
        assert begun(worker).holder is worker

    guarded(body())


def test_an_alarm_left_by_an_earlier_task_does_not_end_a_later_one() -> None:
    async def body() -> None:
        worker = Worker()
        first = begun(worker, timeout_s=0.05)
        worker.says({"say": "done", "payload": 1})
        await first.answer
        second = begun(worker, timeout_s=30)
        await asyncio.sleep(0.1)
        assert not worker.killed
        worker.says({"say": "done", "payload": 2})
        assert await second.answer == 2

        third = begun(worker, timeout_s=0.02)
        while not worker.killed:
            await asyncio.sleep(0.005)
        worker.dying = True
        worker.says({"say": "failed", "error": "E", "message": "m", "trace": []})
        with pytest.raises(StatesError):
            await third.answer

    guarded(body())
