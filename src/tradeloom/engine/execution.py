"""One execution while it runs: the interpreter's host. Tasks go to workers, waits to clocks, all to the journal."""

import asyncio
import hashlib
import random
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final

from tradeloom.engine.admission import Ticket
from tradeloom.engine.asking import Asking
from tradeloom.engine.clock import Clock
from tradeloom.engine.debugging import Debugger
from tradeloom.engine.errors import EngineClosed
from tradeloom.engine.failure import node_of
from tradeloom.engine.interpreter.failures import StatesError, lambda_failure
from tradeloom.engine.interpreter.machine import Outcome, TaskCall, WaitCall
from tradeloom.engine.interpreter.times import parse_timestamp, timestamp, to_millisecond
from tradeloom.engine.journal import Execution, History, NodeRun
from tradeloom.engine.mode import PLAIN, Departures, GivenOutcome, Pausing, skipped_record
from tradeloom.engine.prompt import PromptFuture
from tradeloom.engine.recording import Recorder
from tradeloom.engine.replay import Replay
from tradeloom.engine.surroundings import Surroundings
from tradeloom.engine.turns import alone, why_not
from tradeloom.engine.workers.invocation import Invocation
from tradeloom.errors import AccountHalted, ExecutionStopped, StorageUnavailable, TradeloomError
from tradeloom.runtime.redaction import ANSWER_WORDS, LOG_WORDS, Redactor

ACCOUNT_ID: Final = "000000000000"
STOP_AGAIN_S: Final = 1.0
_STOPS: Final = frozenset({ExecutionStopped.__name__, AccountHalted.__name__})


class ExecutionRun:
    """Implements the interpreter's `Host` for one execution."""

    def __init__(
        self, row: Execution, history: History, market: Clock, around: Surroundings, departs: Departures = PLAIN
    ) -> None:
        self.row = row
        # A test, perhaps paused for its person, is in no real execution's way.
        self.ticket = Ticket(
            (row.tenant, f"{row.workflow_id} (test)" if row.test_mode else row.workflow_id),
            row.exclusive and row.status == "PENDING",
        )
        self.recorder = Recorder(row, history.last_seq, around.journal, around.clock)
        self.closing = False
        self._redactor = Redactor()
        self._around = around
        self._asking = Asking(self, around, self._redactor)
        self._market = market
        self._replay = Replay(history.runs, history.retries)
        self.retries = len(history.retries)
        self._counted_from = history.retries[-1].at if history.retries else None
        self._attempts: set[asyncio.Task[Outcome]] = set()
        self._at_work: set[asyncio.Task[Outcome]] = set()
        self._calls: dict[asyncio.Task[Any], Invocation] = {}
        self.out_of_time: str | None = None
        """Says so once the machine's time is up: nothing more is done in the execution's name."""
        self._waiting = 0
        self.strands = self._replay.strands
        self.strands.on_fewer = self._rest
        self._departs = departs
        self._given_failures: set[str] = set()
        self.debugger = None if departs.mode.debug is None else self._debugger(departs.mode.debug)

    @property
    def started_at(self) -> datetime:
        return self.row.started_at or self.row.created_at

    @property
    def counted_from(self) -> datetime:
        """When its time-out began to run: a retry has the whole time again."""
        return self._counted_from or self.started_at

    @property
    def context(self) -> Mapping[str, Any]:
        row = self.row
        return {
            "Execution": {
                "Id": f"arn:aws:states:local:{ACCOUNT_ID}:execution:{row.workflow_id}:{row.id}",
                "Input": row.input,
                "Name": row.id,
                "StartTime": timestamp(self.started_at),
            },
            "StateMachine": {
                "Id": f"arn:aws:states:local:{ACCOUNT_ID}:stateMachine:{row.workflow_id}",
                "Name": row.workflow_id,
            },
        }

    # -- the interpreter's host ---------------------------------------------------------------------------------

    async def invoke(self, call: TaskCall) -> Outcome:
        node = str(call.payload.get("node", "")) if isinstance(call.payload, dict) else ""
        if self._departs.leaves_out(node):
            return Outcome(skipped_record(timestamp(self.row.as_of)), self.started_at)
        if first := self._replay.first(call.path):
            call = replace(call, attempt=call.attempt + first)
        given = self._departs.task(node, call.iteration)
        if self.debugger is not None and given is None:
            key = (call.path, call.attempt)
            decision = await self.debugger.before(call, first=call.attempt == first, known=self._replay.went_on(key))
            call = decision.call
            if decision.record is not None:
                given = GivenOutcome(node=node, source="by_hand", record=decision.record)
        known = await self._replay.ask((call.path, call.attempt)) if self._replay.active else None
        if known is not None:
            at = self.recorder.recall(known)
            if known.status == "FAILED":
                error = known.error or {}
                raise StatesError(str(error.get("name")), str(error.get("cause", "")))
            return Outcome(known.output, at)
        await self.go_on(call.function)
        if given is not None:
            return self._give(call, given)
        outcome: PromptFuture[Outcome] = PromptFuture()
        # Begun here and now: an idle worker has its task a turn of the loop earlier.
        work = self._attempt(call, outcome)
        attempt = asyncio.Task(work, loop=asyncio.get_running_loop(), eager_start=True)
        self._attempts.add(attempt)
        attempt.add_done_callback(partial(self._settle, outcome))
        try:
            return await outcome
        except asyncio.CancelledError:
            if attempt not in self._at_work:
                attempt.cancel()  # no worker has it yet, so it need not start
            raise

    def _give(self, call: TaskCall, given: GivenOutcome) -> Outcome:
        """Record what is given as the task's outcome; no handler hears of it."""
        self._replay.take_begun((call.path, call.attempt))
        run = self.recorder.begin_task(call, given.source)
        begun = time.monotonic()
        if given.error is not None:
            failure = StatesError(given.error["name"], given.error["cause"])
            self._given_failures.add(call.path)
            self.recorder.fail(run, failure, begun)
            raise failure
        self.recorder.succeed(run, given.record, begun)
        return Outcome(given.record, self.recorder.last_at)

    async def wait(self, call: WaitCall, due: Callable[[datetime], datetime]) -> Outcome:
        node = node_of(call.state)
        if self._departs.leaves_out(node):
            return Outcome(self.started_at, self.started_at)
        known = await self._replay.ask((call.path, 0)) if self._replay.active else None
        if known is not None:
            return Outcome(_entered(known), self.recorder.recall(known))
        run = self._replay.take_begun((call.path, 0))
        if run is None and (run := self._replay.take_cut_off(call.path)) is not None:
            self.recorder.begin_again(run)
        given = self._departs.wait(node, call.iteration)
        if given is not None:
            entered = parse_timestamp(given.entered or "") or self.row.as_of
            run = run or self.recorder.begin_wait(call, entered, due(entered), given.source)
            self.recorder.succeed(run, {"due": timestamp(run.due or entered)})
            return Outcome(entered, self.recorder.last_at)
        if run is None:
            entered = to_millisecond(self._market.now())
            run = self.recorder.begin_wait(call, entered, due(entered))
        assert run.due is not None
        try:
            await self._sleep(run.due)
        except asyncio.CancelledError:
            if not self.closing:
                self.recorder.end(run, "ABORTED")
            raise
        self.recorder.succeed(run, {"due": timestamp(run.due)})
        await self.go_on()
        return Outcome(_entered(run), self.recorder.last_at)

    async def back_off(self, path: str, attempt: int, delay_s: float, *, jitter: bool) -> None:
        """The pause counts from the outcome before it and its jitter from its address: a replay finds the same end."""
        if path in self._given_failures:
            return
        attempt += self._replay.first(path)
        if self._replay.went_on((path, attempt + 1)):
            return
        if jitter:
            delay_s *= random.Random(f"{self.row.id}|{path}|{attempt}").random()  # noqa: S311
        due = self.recorder.last_at + timedelta(seconds=delay_s)
        if self._replay.active:
            await self._replay.ask((path, attempt + 1))
        await self._around.clock.sleep_until(due)

    def looped(self, state: str, iteration: Sequence[int], done: int, total: int) -> None:
        """A loop has run `done` of its iterations."""
        if not self._replay.active:
            self.recorder.progress(node_of(state), iteration, {"done": done, "total": total})

    async def go_on(self, function: str | None = None) -> None:
        """Returns unless a halt of the account reaches this execution, or the function it would run now: then it is
        stopped, and the caller cancelled."""
        halt, stop = self._around.halt, self._around.stop
        while halt is not None and stop is not None and (reason := await halt(self.row, function)) is not None:
            with suppress(StorageUnavailable):  # it stays here until it can be stopped, durably
                await stop(self.row, reason)
            await asyncio.sleep(STOP_AGAIN_S)  # the cancellation comes here

    async def begin(self) -> None:
        """Returns unless this never ran yet, has waited and may not begin any more: then it is stopped, and the caller
        cancelled."""
        row, stop = self.row, self._around.stop
        if row.started_at is not None:
            return
        if row.exclusive:
            await alone(row, self.ticket, self._around.journal, self._around.admission, self._around.clock)
        if not self.ticket.waited or stop is None:
            return
        while (reason := await why_not(row, self._market, self._around.permit)) is not None:
            with suppress(StorageUnavailable):
                await stop(row, reason)
            await asyncio.sleep(STOP_AGAIN_S)  # the cancellation comes here

    async def _sleep(self, due: datetime) -> None:
        if self._market.now() >= due:
            return
        async with self._resting():
            await self._market.sleep_until(due)

    @asynccontextmanager
    async def _resting(self) -> AsyncIterator[None]:
        """While a strand only waits. It needs the slot again to go on."""
        self._waiting += 1
        self._rest()
        try:
            yield
        finally:
            self._waiting -= 1
        await self._around.admission.resume(self.ticket)

    @property
    def rests(self) -> bool:
        """Whether nothing is left of it but waits and pauses."""
        return self._waiting > 0 and self._waiting >= self.strands.total

    def _rest(self) -> None:
        """Give the slot to others when nothing is left but waits."""
        if self.rests:
            self._around.admission.pause(self.ticket)

    def _debugger(self, pausing: Pausing) -> Debugger:
        async def abandon(reason: str) -> None:
            if self._around.stop is not None:
                with suppress(StorageUnavailable):
                    await self._around.stop(self.row, reason)
            await asyncio.sleep(STOP_AGAIN_S)  # the cancellation comes here

        return Debugger(
            pausing,
            self.recorder,
            self._replay,
            self._around.clock,
            resting=self._resting,
            abandon=abandon,
            closing=lambda: self.closing,
        )

    # -- tasks --------------------------------------------------------------------------------------------------

    async def _attempt(self, call: TaskCall, outcome: asyncio.Future[Outcome]) -> Outcome:
        """Run one attempt to its end and record it, whether or not anybody still waits for it."""
        task = asyncio.current_task()
        assert task is not None
        self._replay.take_begun((call.path, call.attempt))
        if self._around.is_effect(call.function) and isinstance(call.payload, dict):
            first_at = self._replay.first_at(call.path, timestamp(self._market.now()))
            call = replace(call, payload={**call.payload, "first_at": first_at})
        run = self.recorder.begin_task(call)
        begun = time.monotonic()
        try:
            if self._around.is_effect(call.function):
                await self._around.journal.barrier(self.row.id)
            invocation = self._calls[task] = self._invocation(call, run, task)
            invocation.on_end = partial(self._settle, outcome, task)
            payload = self._redacted(await self._around.workers.invoke(invocation))
        except StatesError as error:
            if self.out_of_time is not None and error.error in _STOPS:
                self.recorder.end(run, "ABORTED", begun)  # the node did not fail: it may run again
                raise asyncio.CancelledError from error
            told = StatesError(error.error, self._redactor.text(error.cause))
            self.recorder.fail(run, told, begun)
            raise told from None
        except EngineClosed as error:
            raise asyncio.CancelledError from error
        except TradeloomError as error:
            failure = lambda_failure(_error_name(error), error.message)
            self.recorder.fail(run, failure, begun)
            raise failure from error
        except asyncio.CancelledError:
            if not self.closing:
                self.recorder.end(run, "ABORTED", begun)
            raise
        self.recorder.succeed(run, payload, begun)
        return Outcome(payload, self.recorder.last_at)

    def _invocation(self, call: TaskCall, run: NodeRun, task: asyncio.Task[Any]) -> Invocation:
        return Invocation(
            id=_request_id(self.row.id, call.path, call.attempt),
            function=call.function,
            payload=call.payload,
            timeout_s=call.timeout_s,
            on_begin=lambda: self._at_work.add(task),
            on_log=lambda record: self.recorder.log(run, self._redactor.record(record, LOG_WORDS)),
            on_progress=lambda record: self.recorder.progress(run.node, run.iteration, self._redactor.value(record)),
            on_ask=lambda what, body: self._asking.answer(run, what, body),
        )

    def _redacted(self, payload: Any) -> Any:
        """The worker keeps what it was given to itself; what it was given by this execution is looked for once more."""
        if isinstance(payload, dict):
            return self._redactor.record(payload, ANSWER_WORDS)
        return self._redactor.value(payload)

    def _settle(self, outcome: asyncio.Future[Outcome], attempt: asyncio.Task[Outcome]) -> None:
        """Tell whoever still waits for an attempt how it ended, if it has."""
        if not attempt.done():
            return
        self._attempts.discard(attempt)
        self._at_work.discard(attempt)
        self._calls.pop(attempt, None)
        error = None if attempt.cancelled() else attempt.exception()  # asked for, or asyncio misses it
        if outcome.done():
            return
        if attempt.cancelled():
            outcome.cancel()
        elif error is not None:
            outcome.set_exception(error)
        else:
            outcome.set_result(attempt.result())

    async def drain(self, grace_s: float) -> None:
        """Let handlers that still run finish for a while, then kill them. Those of an execution that was stopped or
        whose time is up are told, so that they end as soon as they can."""
        if self.row.stop_reason is not None or self.out_of_time is not None:
            for invocation in list(self._calls.values()):
                invocation.interrupt()
        if self._attempts:
            await asyncio.wait(list(self._attempts), timeout=grace_s)
        for attempt in list(self._attempts):
            attempt.cancel()
        if self._attempts:
            await asyncio.wait(list(self._attempts))
        if not self.closing:
            for run in self._replay.left_over():
                self.recorder.end(run, "ABORTED")


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
