"""One execution while it runs: the interpreter's host. Tasks go to workers, waits to clocks, all to the journal."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

from tradeloom.engine.admission import Ticket
from tradeloom.engine.attempts import Attempts
from tradeloom.engine.clock import Clock
from tradeloom.engine.debugging import Debugger
from tradeloom.engine.failure import node_of
from tradeloom.engine.interpreter.failures import StatesError
from tradeloom.engine.interpreter.machine import Outcome, TaskCall, WaitCall
from tradeloom.engine.interpreter.times import parse_timestamp, timestamp, to_millisecond
from tradeloom.engine.journal import Execution, History, NodeRun
from tradeloom.engine.mode import PLAIN, Departures, GivenOutcome, Pausing, skipped_record
from tradeloom.engine.recording import Recorder
from tradeloom.engine.replay import Replay
from tradeloom.engine.surroundings import Surroundings
from tradeloom.engine.turns import alone, why_not
from tradeloom.errors import StorageUnavailable

ACCOUNT_ID: Final = "000000000000"
STOP_AGAIN_S: Final = 1.0


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
        self._around = around
        self._market = market
        self._replay = Replay(history.runs, history.retries)
        self.retries = len(history.retries)
        self._counted_from = history.retries[-1].at if history.retries else None
        self.out_of_time: str | None = None
        """Says so once the machine's time is up: nothing more is done in the execution's name."""
        self._attempts = Attempts(self, self.recorder, self._replay, market, around)
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
        return await self._attempts.run(call)

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

    async def drain(self, grace_s: float) -> None:
        """Let handlers that still run finish for a while, then kill them."""
        await self._attempts.drain(grace_s)
        if not self.closing:
            for run in self._replay.left_over():
                self.recorder.end(run, "ABORTED")


def _entered(run: NodeRun) -> datetime:
    entered = parse_timestamp(str((run.input or {}).get("entered")))
    return entered or run.started_at
