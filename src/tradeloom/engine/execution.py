"""One execution while it runs: the interpreter's host. Tasks go to workers, waits to clocks, all to the journal."""

import asyncio
import hashlib
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Protocol

from tradeloom.engine.admission import Admission, Ticket
from tradeloom.engine.clock import Clock
from tradeloom.engine.errors import EngineClosed
from tradeloom.engine.events import Event, EventType
from tradeloom.engine.failure import message_of, node_of
from tradeloom.engine.interpreter.failures import StatesError, lambda_failure
from tradeloom.engine.interpreter.machine import Outcome, TaskCall, WaitCall
from tradeloom.engine.interpreter.times import parse_timestamp, timestamp, to_millisecond
from tradeloom.engine.journal import Execution, History, Journal, LogLine, NodeRun, RunStatus, StoredNotification
from tradeloom.engine.replay import Replay
from tradeloom.engine.workers.invocation import Invocation, Workers
from tradeloom.errors import ExecutionStopped, InvalidInput, StorageUnavailable, TradeloomError
from tradeloom.runtime.services import Notification

ACCOUNT_ID: Final = "000000000000"


class Permit(Protocol):
    """Asked before a handler acts; raises `ExecutionStopped` when it may not."""

    async def __call__(self, execution: Execution, node: str) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What all executions of an engine share. `clock` is the wall's; `is_effect` tells functions that act."""

    journal: Journal
    workers: Workers
    admission: Admission
    clock: Clock
    is_effect: Callable[[str], bool]
    permit: Permit | None


class ExecutionRun:
    """Implements the interpreter's `Host` for one execution."""

    def __init__(self, row: Execution, history: History, market: Clock, around: Surroundings) -> None:
        self.row = row
        self.ticket = Ticket((row.tenant, row.workflow_id), row.exclusive)
        self.failed_nodes: dict[str, str] = {}
        self.closing = False
        self._around = around
        self._market = market
        self._replay = Replay(history.runs)
        self._seq = history.last_seq
        self._attempts: dict[asyncio.Task[Outcome], NodeRun] = {}
        self._at_work: set[asyncio.Task[Outcome]] = set()
        self._waiting = 0
        self._last_at = row.started_at or row.created_at
        self.strands = self._replay.strands
        self.strands.on_fewer = self._rest
        self.context: Mapping[str, Any] = {
            "Execution": {
                "Id": f"arn:aws:states:local:{ACCOUNT_ID}:execution:{row.workflow_id}:{row.id}",
                "Input": row.input,
                "Name": row.id,
                "StartTime": timestamp(self._last_at),
            },
            "StateMachine": {
                "Id": f"arn:aws:states:local:{ACCOUNT_ID}:stateMachine:{row.workflow_id}",
                "Name": row.workflow_id,
            },
        }

    @property
    def started_at(self) -> datetime:
        return self.row.started_at or self.row.created_at

    # -- the interpreter's host ---------------------------------------------------------------------------------

    async def invoke(self, call: TaskCall) -> Outcome:
        known = await self._replay.ask((call.path, call.attempt)) if self._replay.active else None
        if known is not None:
            return self._recorded(known)
        attempt = asyncio.ensure_future(self._attempt(call))
        attempt.add_done_callback(self._settled)
        try:
            return await asyncio.shield(attempt)
        except asyncio.CancelledError:
            if attempt not in self._at_work:
                attempt.cancel()  # no worker has it yet, so it need not start
            raise

    async def wait(self, call: WaitCall, due: Callable[[datetime], datetime]) -> Outcome:
        known = await self._replay.ask((call.path, 0)) if self._replay.active else None
        if known is not None:
            self._recorded(known)
            return Outcome(_entered(known), known.finished_at or self._last_at)
        run = self._replay.take_begun((call.path, 0)) or self._wait_begun(call, due)
        assert run.due is not None
        try:
            await self._sleep(run.due)
        except asyncio.CancelledError:
            if not self.closing:
                self._finish(run, "ABORTED")
            raise
        run.output = {"due": timestamp(run.due)}
        self._finish(run, "SUCCEEDED")
        assert run.finished_at is not None
        return Outcome(_entered(run), run.finished_at)

    async def back_off(self, path: str, attempt: int, delay_s: float, *, jitter: bool) -> None:
        """The pause counts from the outcome before it and its jitter from its address: a replay finds the same end."""
        if self._replay.went_on((path, attempt + 1)):
            return
        if jitter:
            delay_s *= random.Random(f"{self.row.id}|{path}|{attempt}").random()  # noqa: S311
        due = self._last_at + timedelta(seconds=delay_s)
        if self._replay.active:
            await self._replay.ask((path, attempt + 1))
        await self._around.clock.sleep_until(due)

    # -- tasks --------------------------------------------------------------------------------------------------

    def _recorded(self, known: NodeRun) -> Outcome:
        self._last_at = known.finished_at or self._last_at
        if known.status == "FAILED":
            error = known.error or {}
            self.failed_nodes[known.node] = str(error.get("name"))
            raise StatesError(str(error.get("name")), str(error.get("cause", "")))
        self.failed_nodes.pop(known.node, None)
        return Outcome(known.output, self._last_at)

    async def _attempt(self, call: TaskCall) -> Outcome:
        """Run one attempt to its end and record it, whether or not anybody still waits for it."""
        task = asyncio.current_task()
        assert task is not None
        run = self._task_begun(call)
        self._attempts[task] = run
        begun = time.monotonic()
        try:
            if self._around.is_effect(call.function):
                await self._around.journal.barrier(self.row.id)
            payload = await self._around.workers.invoke(self._invocation(call, run, task))
        except StatesError as error:
            self._fail(run, error, begun)
            raise
        except EngineClosed as error:
            raise asyncio.CancelledError from error
        except TradeloomError as error:
            failure = lambda_failure(_error_name(error), error.message)
            self._fail(run, failure, begun)
            raise failure from error
        except asyncio.CancelledError:
            if not self.closing:
                self._finish(run, "ABORTED", begun)
            raise
        run.output = payload
        self.failed_nodes.pop(run.node, None)
        self._finish(run, "SUCCEEDED", begun)
        return Outcome(payload, self._last_at)

    def _invocation(self, call: TaskCall, run: NodeRun, task: asyncio.Task[Any]) -> Invocation:
        return Invocation(
            id=_request_id(self.row.id, call.path, call.attempt),
            function=call.function,
            payload=call.payload,
            timeout_s=call.timeout_s,
            on_begin=lambda: self._at_work.add(task),
            on_log=lambda record: self._log(run, record),
            on_ask=lambda what, body: self._answer(run, what, body),
        )

    def _settled(self, task: asyncio.Task[Outcome]) -> None:
        self._attempts.pop(task, None)
        self._at_work.discard(task)
        if not task.cancelled():
            task.exception()  # an attempt nobody waits for any more has told the journal

    def _task_begun(self, call: TaskCall) -> NodeRun:
        self._replay.take_begun((call.path, call.attempt))
        payload = call.payload
        named = payload.get("node") if isinstance(payload, dict) else None
        run = NodeRun(
            execution_id=self.row.id,
            path=call.path,
            attempt=call.attempt,
            kind="task",
            node=named if isinstance(named, str) else node_of(call.state),
            state=call.state,
            function=call.function,
            iteration=list(call.iteration),
            started_at=self._around.clock.now(),
            started_seq=self._next_seq(),
            input={key: value for key, value in payload.items() if key != "run"}
            if isinstance(payload, dict)
            else payload,
        )
        self._around.journal.record(run, self._node_event("node.started", run, run.started_seq, run.started_at))
        return run

    def _fail(self, run: NodeRun, error: StatesError, begun: float) -> None:
        run.error = {"name": error.error, "message": message_of(error.cause), "cause": error.cause}
        self.failed_nodes[run.node] = error.error
        self._finish(run, "FAILED", begun)

    def _finish(self, run: NodeRun, status: RunStatus, begun: float | None = None) -> None:
        run.status = status
        run.finished_at = self._last_at = self._around.clock.now()
        elapsed = (run.finished_at - run.started_at).total_seconds() if begun is None else time.monotonic() - begun
        run.duration_ms = round(elapsed * 1000, 3)
        run.finished_seq = self._next_seq()
        error = None if run.error is None else {key: run.error[key] for key in ("name", "message")}
        ended = {"status": status, "output": run.output, "error": error, "duration_ms": run.duration_ms}
        event = self._node_event("node.finished", run, run.finished_seq, run.finished_at, ended)
        self._around.journal.record(run, event)

    # -- waiting ------------------------------------------------------------------------------------------------

    def _wait_begun(self, call: WaitCall, due: Callable[[datetime], datetime]) -> NodeRun:
        entered = to_millisecond(self._market.now())
        run = NodeRun(
            execution_id=self.row.id,
            path=call.path,
            attempt=0,
            kind="wait",
            node=node_of(call.state),
            state=call.state,
            iteration=list(call.iteration),
            started_at=self._around.clock.now(),
            started_seq=self._next_seq(),
            due=due(entered),
            input={"entered": timestamp(entered)},
        )
        self._around.journal.record(run, self._node_event("node.started", run, run.started_seq, run.started_at))
        return run

    async def _sleep(self, due: datetime) -> None:
        if self._market.now() >= due:
            return
        self._waiting += 1
        self._rest()
        try:
            await self._market.sleep_until(due)
        finally:
            self._waiting -= 1
        await self._around.admission.resume(self.ticket)

    def _rest(self) -> None:
        """Give the slot to others when nothing is left but waits."""
        if self._waiting and self._waiting >= self.strands.total:
            self._around.admission.pause(self.ticket)

    # -- what handlers say and ask ------------------------------------------------------------------------------

    def _log(self, run: NodeRun, record: Mapping[str, Any]) -> None:
        known = {"level", "message", "execution_id", "node", "iteration"}
        line = LogLine(
            execution_id=self.row.id,
            seq=self._next_seq(),
            time=self._around.clock.now(),
            level=str(record.get("level", "info")),
            message=str(record.get("message", "")),
            node=run.node,
            iteration=run.iteration,
            fields={key: value for key, value in record.items() if key not in known},
        )
        said = {"level": line.level, "message": line.message, "fields": line.fields}
        self._around.journal.record(line, self._node_event("node.log", run, line.seq, line.time, said))

    async def _answer(self, run: NodeRun, what: str, body: dict[str, Any]) -> Any:
        if what == "may_act":
            await self.may_act(run.node)
        elif what == "notify":
            await self._notify(body)
        else:
            raise InvalidInput(f"The engine knows no question {what!r}.")

    async def may_act(self, node: str) -> None:
        """Raises `ExecutionStopped` when nothing more may be done in this execution's name."""
        if self.row.stop_reason is not None:
            raise ExecutionStopped(f"The execution was stopped: {self.row.stop_reason}", node=node)
        if self.closing:
            raise ExecutionStopped("The engine is shutting down; the task runs again when it is back.", node=node)
        if self._around.permit is not None:
            await self._around.permit(self.row, node)

    async def _notify(self, body: dict[str, Any]) -> None:
        try:
            notification = Notification.model_validate(body)
        except ValueError as error:
            raise InvalidInput(f"Not a notification: {error}") from error
        if notification.execution_id != self.row.id:
            raise InvalidInput("A notification speaks for its own execution only.")
        stored = StoredNotification(
            tenant=self.row.tenant, created_at=self._around.clock.now(), notification=notification
        )
        self._around.journal.record(stored)
        await self._around.journal.barrier(self.row.id)

    # -- its events and its end ---------------------------------------------------------------------------------

    async def drain(self, grace_s: float) -> None:
        """Let handlers that still run finish for a while, then kill them."""
        if self._attempts:
            await asyncio.wait(list(self._attempts), timeout=grace_s)
        for attempt in list(self._attempts):
            attempt.cancel()
        if self._attempts:
            await asyncio.wait(list(self._attempts))
        if not self.closing:
            for run in self._replay.left_over():
                self._finish(run, "ABORTED")

    def event(self, kind: EventType, data: dict[str, Any]) -> Event:
        """The execution's next event."""
        self.row.last_seq = self._next_seq()
        return self._event(kind, self.row.last_seq, self._around.clock.now(), data)

    def _next_seq(self) -> int:
        self._seq += 1
        return self._seq

    def _event(self, kind: EventType, seq: int, at: datetime, data: dict[str, Any]) -> Event:
        return Event(
            type=kind,
            tenant=self.row.tenant,
            execution_id=self.row.id,
            workflow_id=self.row.workflow_id,
            seq=seq,
            time=at,
            data=data,
        )

    def _node_event(
        self, kind: EventType, run: NodeRun, seq: int, at: datetime, more: dict[str, Any] | None = None
    ) -> Event:
        data: dict[str, Any] = {
            "node": run.node,
            "path": run.path,
            "attempt": run.attempt,
            "iteration": run.iteration,
            "kind": run.kind,
        }
        return self._event(kind, seq, at, data if more is None else data | more)


def _entered(run: NodeRun) -> datetime:
    entered = parse_timestamp(str((run.input or {}).get("entered")))
    return entered or run.started_at


def _error_name(error: TradeloomError) -> str:
    """The name callers know: a refused journal is an unavailable storage."""
    return StorageUnavailable.__name__ if isinstance(error, StorageUnavailable) else error.name


def _request_id(execution_id: str, path: str, attempt: int) -> str:
    """The same for the same attempt, so that logs of both runs of a resumed task can be told to belong together."""
    digest = hashlib.sha256(f"{execution_id}|{path}|{attempt}".encode("utf-8", "surrogatepass")).hexdigest()
    return f"{digest[:8]}-{digest[8:12]}-{digest[12:16]}-{digest[16:20]}-{digest[20:32]}"
