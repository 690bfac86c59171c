"""The pool of worker processes: warm ones at hand, more under load, dead ones replaced."""

import asyncio
import logging
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from tradeloom.engine.errors import EngineClosed, WorkersUnavailable
from tradeloom.engine.interpreter.failures import lambda_failure
from tradeloom.engine.workers.invocation import Invocation
from tradeloom.engine.workers.process import WorkerProcess
from tradeloom.engine.workers.settings import WorkerSettings

log: Final = logging.getLogger(__name__)

GROW_AFTER_S: Final = 0.05
"""How long a task waits before another worker is started for it. Light tasks are served by then by those there are, and
the start of a worker costs as much processor time as hundreds of them."""
_TRIES: Final = 3
"""This many workers in a row that die before they are ready, and waiting tasks fail."""


class WorkerPool:
    def __init__(self, settings: WorkerSettings) -> None:
        self._settings = settings
        self._idle: list[WorkerProcess] = []
        self._alive: set[WorkerProcess] = set()
        self._unburied: set[WorkerProcess] = set()
        self._starting: set[asyncio.Task[None]] = set()
        self._waiting: deque[asyncio.Future[WorkerProcess]] = deque()
        self._lent = 0
        self._failures = 0
        self._closed = False
        self._draining = False
        self._busy = 0
        self._reaper: asyncio.TimerHandle | None = None

    @property
    def pids(self) -> list[int]:
        """The process ids of the workers that live."""
        return [worker.pid for worker in self._alive]

    @property
    def waiting(self) -> int:
        """Tasks that wait for a worker."""
        return len(self._waiting)

    async def start(self) -> None:
        """Start the workers that are always kept. Raises `WorkersUnavailable`."""
        self._grow(self._settings.least)
        await asyncio.gather(*self._starting)
        if not self._alive:
            raise WorkersUnavailable("No worker process could be started; see the log for what they said.")

    async def drain(self) -> None:
        """Begin no task any more; returns once those that were begun are done. What is not begun waits for `close`."""
        self._draining = True
        while self._busy:
            await asyncio.sleep(0.02)

    async def close(self) -> None:
        """End all workers; tasks still running fail."""
        self._closed = True
        if self._reaper is not None:
            self._reaper.cancel()
        for waiting in self._waiting:
            if not waiting.done():
                waiting.set_exception(EngineClosed("The workers are being stopped."))
        self._waiting.clear()
        for worker in list(self._alive):
            worker.dismiss()
        while self._starting or self._unburied:
            await asyncio.sleep(0.005)

    @contextmanager
    def lending(self) -> Iterator[None]:
        """While a task's worker only waits for other tasks, another worker may be started in its place."""
        self._lent += 1
        self._grow(len(self._waiting))
        try:
            yield
        finally:
            self._lent -= 1

    async def invoke(self, invocation: Invocation) -> Any:
        worker = await self._take(invocation.function)
        self._busy += 1
        try:
            invocation.on_begin()
            return await worker.run(invocation)
        finally:
            self._busy -= 1
            self._give_back(worker)

    async def _take(self, function: str) -> WorkerProcess:
        """An idle worker, one that knows the function if there is one."""
        if self._closed:
            raise EngineClosed("The workers are being stopped.")
        if self._idle and not self._waiting and not self._draining:
            index = next(
                (at for at in range(len(self._idle) - 1, -1, -1) if function in self._idle[at].warm),
                len(self._idle) - 1,
            )
            return self._idle.pop(index)
        loop = asyncio.get_running_loop()
        waiting: asyncio.Future[WorkerProcess] = loop.create_future()
        self._waiting.append(waiting)
        grow = loop.call_later(GROW_AFTER_S if self._alive else 0, self._grow_for, waiting)
        try:
            return await waiting
        except asyncio.CancelledError:
            if waiting.done() and not waiting.cancelled() and waiting.exception() is None:
                self._give_back(waiting.result())
            raise
        finally:
            grow.cancel()

    def _give_back(self, worker: WorkerProcess) -> None:
        if worker.dead or worker not in self._alive or worker.dying:
            return
        while self._waiting and not self._draining:
            waiting = self._waiting.popleft()
            if not waiting.done():
                waiting.set_result(worker)
                return
        self._idle.append(worker)
        if len(self._alive) > self._settings.least and self._reaper is None:
            self._reaper = asyncio.get_running_loop().call_later(self._settings.idle_s, self._shrink)

    def _grow(self, by: int) -> None:
        room = self._settings.most + self._lent - len(self._alive) - len(self._starting)
        for _ in range(min(by, room)):
            task = asyncio.ensure_future(self._spawn())
            self._starting.add(task)
            task.add_done_callback(self._starting.discard)

    def _grow_for(self, waiting: asyncio.Future[WorkerProcess]) -> None:
        if not waiting.done():
            self._grow(1)

    def _shrink(self) -> None:
        """Let go of workers nobody needed lately."""
        self._reaper = None
        while self._idle and len(self._alive) > self._settings.least:
            worker = self._idle.pop(0)
            self._alive.discard(worker)
            worker.dismiss()

    async def _spawn(self) -> None:
        worker = WorkerProcess(self._settings, self._died)
        self._unburied.add(worker)
        try:
            await worker.spawn()
        except WorkersUnavailable as error:
            self._failures += 1
            log.error("%s", error.message)
            if self._failures < _TRIES and not self._closed:
                await asyncio.sleep(0.1 * self._failures)
                await self._spawn()
            else:
                self._fail_waiting(error)
            return
        if self._closed:
            worker.dismiss()
            return
        self._failures = 0
        self._alive.add(worker)
        self._give_back(worker)

    def _fail_waiting(self, error: WorkersUnavailable) -> None:
        """Nothing can run: say so to whoever waits, as an error that Lambda's callers retry."""
        if self._alive:
            return
        for waiting in self._waiting:
            if not waiting.done():
                waiting.set_exception(lambda_failure("Lambda.ServiceException", error.message))
        self._waiting.clear()

    def _died(self, worker: WorkerProcess) -> None:
        self._alive.discard(worker)
        self._unburied.discard(worker)
        if worker in self._idle:
            self._idle.remove(worker)
        if not self._closed:
            missing = max(self._settings.least, min(len(self._waiting), self._settings.most)) - len(self._alive)
            self._grow(missing - len(self._starting))
