"""Takes one execution from its place in the queue to its durable end."""

import asyncio
import logging
from contextlib import suppress
from datetime import timedelta
from typing import Any, Final

from tradeloom.correlation import now_about
from tradeloom.engine.admission import Admission
from tradeloom.engine.clock import Clock
from tradeloom.engine.errors import EngineClosed, JournalRefused, RecordRefused
from tradeloom.engine.execution import ExecutionRun
from tradeloom.engine.failure import describe, describe_stop
from tradeloom.engine.interpreter.definition import Machine
from tradeloom.engine.interpreter.failures import RUNTIME, StatesError
from tradeloom.engine.interpreter.machine import Interpreter
from tradeloom.engine.journal import Execution, Journal

log: Final = logging.getLogger(__name__)


class Driver:
    """`task` ends when the execution has; `ended` gives its row then. `machine` None: its definition is gone."""

    def __init__(
        self,
        run: ExecutionRun,
        machine: Machine | None,
        journal: Journal,
        admission: Admission,
        clock: Clock,
        grace_s: float,
    ) -> None:
        self.row = run.row
        self.ended: asyncio.Future[Execution] = asyncio.get_running_loop().create_future()
        self.run = run
        self._machine = machine
        self._journal = journal
        self._admission = admission
        self._clock = clock
        self._grace_s = grace_s
        self._main: asyncio.Task[Any] | None = None
        self.task = asyncio.ensure_future(self._drive())

    def stop(self, reason: str, grace_s: float | None = None) -> None:
        if grace_s is not None:
            self._grace_s = grace_s
        if self.row.stop_reason is None:
            self.row.stop_reason = reason
        if self._main is not None:
            self._main.cancel()

    def close(self) -> None:
        self.run.closing = True
        if self._main is not None:
            self._main.cancel()

    async def _drive(self) -> None:
        now_about(execution=self.row.id, workflow=self.row.workflow_id)
        try:
            self._main = asyncio.ensure_future(self._work())
            await asyncio.wait([self._main])
            if not self._main.cancelled() and isinstance(self._main.exception(), TimeoutError):
                self.run.out_of_time = self._out_of_time()
            await self.run.drain(0 if self.run.closing else self._grace_s)
            if not (self.run.closing and self._main.cancelled()):
                await self._end(self._main)
        finally:
            self._admission.leave(self.run.ticket)
            if not self.ended.done():
                self.ended.set_exception(EngineClosed("The engine stopped; the execution goes on when it is back."))
                self.ended.exception()  # nobody may be waiting

    async def _work(self) -> Any:
        """The machine's output. Cancelled when it is stopped; `TimeoutError` when its time is up."""
        if self.run.closing or self.row.stop_reason is not None:
            raise asyncio.CancelledError
        await self._admission.enter(self.run.ticket)
        await self.run.begin()
        await self.run.go_on()
        row, resumed = self.row, self.row.status == "RUNNING"
        if not resumed:
            row.status, row.started_at = "RUNNING", row.started_at or self._clock.now()
        started = {"version": row.version, "trigger": row.trigger, "resumed": resumed, "retry": self.run.retries}
        self.run.recorder.execution("execution.started", started)
        log.info("resumed" if resumed else "started")
        if self._machine is None:
            raise StatesError(RUNTIME, "The state machine of this execution is not there any more.")
        left_s = self._left_s()
        if left_s is not None and left_s <= 0:
            raise TimeoutError
        async with asyncio.timeout(left_s):
            return await Interpreter(self._machine, self.run, self.run.looped).run(row.input)

    def _left_s(self) -> float | None:
        if self._machine is None or self._machine.timeout_s is None or self.run.debugger is not None:
            return None  # people are slow: a debugged execution ends when nobody goes on with it
        due = self.run.counted_from + timedelta(seconds=self._machine.timeout_s)
        return (due - self._clock.now()).total_seconds()

    async def _end(self, main: asyncio.Task[Any]) -> None:
        row = self.row
        row.finished_at = self._clock.now()
        failed = self.run.recorder.failed_nodes
        if main.cancelled():
            row.status = "STOPPED"
            row.error = describe_stop(row.stop_reason or "stopped")
        elif (error := main.exception()) is None:
            row.status, row.output = "SUCCEEDED", main.result()
            said = row.output.get("has_errors") if isinstance(row.output, dict) else None
            row.has_errors = said if isinstance(said, bool) else bool(failed)
        elif isinstance(error, TimeoutError):
            row.status = "TIMED_OUT"
            row.error = describe("States.Timeout", self._out_of_time(), {})
        elif isinstance(error, StatesError):
            row.status, row.error = "FAILED", describe(error.error, error.cause, failed)
        else:
            log.error("execution %s hit a fault of the engine", row.id, exc_info=error)
            row.status, row.error = "FAILED", describe(RUNTIME, f"{type(error).__name__}: {error}", {})
        await self._record_end()
        if not self.ended.done():
            self.ended.set_result(row)

    def _out_of_time(self) -> str:
        limit = self._machine.timeout_s if self._machine else None
        return f"The execution ran longer than {limit} seconds."

    async def _record_end(self) -> None:
        """Return once the end is durable: as long as the journal cannot write, nobody hears of it."""
        row = self.row
        ended = {
            "status": row.status,
            "has_errors": row.has_errors,
            "error": row.error,
            "duration_ms": row.duration_ms,
        }
        self.run.recorder.execution("execution.finished", ended)
        log.info("ended: %s", row.status)
        while not self.run.closing:
            try:
                await self._journal.barrier(row.id)
                return
            except RecordRefused as error:
                log.error("the end of execution %s is recorded without its output: %s", row.id, error)
                self._journal.forget(row.id)
                row.output, row.status = None, "FAILED"
                row.error = {"name": error.name, "message": error.message, "node": None}
                self._journal.record(row)
            except JournalRefused:
                continue
        with suppress(JournalRefused):
            await self._journal.barrier(row.id)
