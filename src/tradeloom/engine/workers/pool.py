"""The pool of worker processes: warm ones at hand, more under load, dead ones replaced."""

import asyncio
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from tradeloom.engine.errors import EngineClosed, WorkersUnavailable
from tradeloom.engine.interpreter.failures import lambda_failure
from tradeloom.engine.workers.invocation import Invocation, Workers
from tradeloom.engine.workers.process import WorkerProcess
from tradeloom.engine.workers.settings import WorkerSettings

log: Final = logging.getLogger(__name__)

GROW_AFTER_S: Final = 0.05
"""How long a task waits before another worker is started for it. Light tasks are served by then by those there are, and
the start of a worker costs as much processor time as hundreds of them."""
_TRIES: Final = 3
"""This many workers in a row that die before they are ready, and waiting tasks fail."""


class WorkerPool(Workers):
    def __init__(self, settings: WorkerSettings) -> None:
        self._settings = settings
        self._idle: list[WorkerProcess] = []
        self._alive: set[WorkerProcess] = set()
        self._unburied: set[WorkerProcess] = set()
        self._starting: set[asyncio.Task[None]] = set()
        self._waiting: dict[Invocation, float | None] = {}
        """In their order; since when, for those no worker was started for."""
        self._look: asyncio.TimerHandle | None = None
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
        if self._look is not None:
            self._look.cancel()
        self._end_waiting(EngineClosed("The workers are being stopped."))
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

    def begin(self, invocation: Invocation) -> None:
        if self._closed:
            invocation.on_end(None, EngineClosed("The workers are being stopped."))
        elif not self._waiting and not self._draining and (worker := self._idle_for(invocation.function)) is not None:
            self._have_run(worker, invocation)
        else:
            invocation.holder = self
            self._waiting[invocation] = asyncio.get_running_loop().time()
            if self._look is None:
                self._look_at_waiting()

    def interrupt(self, invocation: Invocation) -> None:
        """One that waits has no handler to tell."""

    def cancel(self, invocation: Invocation) -> None:
        """Take back one that waits."""
        if self._waiting.pop(invocation, None) is not None:
            invocation.holder = None
            invocation.on_end(None, asyncio.CancelledError())

    def _have_run(self, worker: WorkerProcess, invocation: Invocation) -> None:
        self._busy += 1
        worker.begin(invocation)

    def _idle_for(self, function: str) -> WorkerProcess | None:
        """An idle worker, one that knows the function if there is one. One whose socket has closed has died."""
        idle = self._idle = [worker for worker in self._idle if not worker.dying]
        if not idle:
            return None
        known = (at for at in range(len(idle) - 1, -1, -1) if function in idle[at].warm)
        return idle.pop(next(known, len(idle) - 1))

    def _free(self, worker: WorkerProcess) -> None:
        """A worker's task has ended."""
        self._busy -= 1
        self._have(worker)

    def _have(self, worker: WorkerProcess) -> None:
        """A worker has nothing to do: the first that waits gets it."""
        if worker.dead or worker not in self._alive or worker.dying:
            return
        while self._waiting and not self._draining:
            invocation = next(iter(self._waiting))
            if invocation.given_up:
                self.cancel(invocation)
                continue
            del self._waiting[invocation]
            self._have_run(worker, invocation)
            return
        self._idle.append(worker)
        if len(self._alive) > self._settings.least and self._reaper is None:
            self._reaper = asyncio.get_running_loop().call_later(self._settings.idle_s, self._shrink)

    def _end_waiting(self, error: BaseException) -> None:
        waiting, self._waiting = self._waiting, {}
        for invocation in waiting:
            invocation.holder = None
            invocation.on_end(None, error)

    def _look_at_waiting(self) -> None:
        """Have a worker started for each that has waited long enough, and look again when the next one will have."""
        self._look = None
        loop = asyncio.get_running_loop()
        for invocation, since in self._waiting.items():
            if since is None:
                continue
            due = since + GROW_AFTER_S if self._alive else since
            if due > loop.time():
                self._look = loop.call_at(due, self._look_at_waiting)
                return
            self._waiting[invocation] = None
            self._grow(1)

    def _grow(self, by: int) -> None:
        room = self._settings.most + self._lent - len(self._alive) - len(self._starting)
        for _ in range(min(by, room)):
            task = asyncio.ensure_future(self._spawn())
            self._starting.add(task)
            task.add_done_callback(self._starting.discard)

    def _shrink(self) -> None:
        """Let go of workers nobody needed lately."""
        self._reaper = None
        while self._idle and len(self._alive) > self._settings.least:
            worker = self._idle.pop(0)
            self._alive.discard(worker)
            worker.dismiss()

    async def _spawn(self) -> None:
        worker = WorkerProcess(self._settings, self._free, self._died)
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
        self._have(worker)

    def _fail_waiting(self, error: WorkersUnavailable) -> None:
        """Nothing can run: say so to whoever waits, as an error that Lambda's callers retry."""
        if self._alive:
            return
        self._end_waiting(lambda_failure("Lambda.ServiceException", error.message))

    def _died(self, worker: WorkerProcess) -> None:
        self._alive.discard(worker)
        self._unburied.discard(worker)
        if worker in self._idle:
            self._idle.remove(worker)
        if not self._closed:
            missing = max(self._settings.least, min(len(self._waiting), self._settings.most)) - len(self._alive)
            self._grow(missing - len(self._starting))
