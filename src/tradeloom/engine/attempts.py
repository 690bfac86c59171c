"""The attempts of one execution's tasks: handed to the workers, and recorded however they end.

An attempt is no task of the event loop: what a worker says moves it on, and whether anybody still waits for it makes no
difference to it.
"""

import asyncio
import hashlib
import logging
import time
from contextlib import suppress
from dataclasses import replace
from typing import Any, Final

from tradeloom.engine.asking import Asking, Standing
from tradeloom.engine.clock import Clock
from tradeloom.engine.errors import EngineClosed
from tradeloom.engine.interpreter.failures import StatesError, lambda_failure
from tradeloom.engine.interpreter.machine import Outcome, TaskCall
from tradeloom.engine.interpreter.times import timestamp
from tradeloom.engine.journal import NodeRun
from tradeloom.engine.prompt import PromptFuture
from tradeloom.engine.recording import Recorder
from tradeloom.engine.replay import Replay
from tradeloom.engine.surroundings import Surroundings
from tradeloom.engine.workers.invocation import Invocation
from tradeloom.errors import AccountHalted, ExecutionStopped, StorageUnavailable, TradeloomError
from tradeloom.runtime.redaction import ANSWER_WORDS, LOG_WORDS, Redactor

log: Final = logging.getLogger(__name__)

_STOPS: Final = frozenset({ExecutionStopped.__name__, AccountHalted.__name__})


class Attempts:
    def __init__(
        self, standing: Standing, recorder: Recorder, replay: Replay, market: Clock, around: Surroundings
    ) -> None:
        self.standing = standing
        self.recorder = recorder
        self.redactor = Redactor()
        self.asking = Asking(standing, around, self.redactor)
        self._replay = replay
        self._market = market
        self._around = around
        self._open: set[_Attempt] = set()
        self._none_left: asyncio.Future[None] | None = None

    async def run(self, call: TaskCall) -> Outcome:
        """One attempt's outcome. Raises `StatesError` as it failed. Cancelled, an attempt that no worker has yet ends;
        one that a worker has goes on to its record."""
        self._replay.take_begun((call.path, call.attempt))
        acts = self._around.is_effect(call.function)
        if acts and isinstance(call.payload, dict):
            first_at = self._replay.first_at(call.path, timestamp(self._market.now()))
            call = replace(call, payload={**call.payload, "first_at": first_at})
        attempt = _Attempt(self, call)
        if acts:
            try:
                await self._around.journal.barrier(self.standing.row.id)
            except (TradeloomError, asyncio.CancelledError) as error:
                return attempt.recorded(None, error)
        self._open.add(attempt)
        self._around.workers.begin(attempt)
        try:
            return await attempt.outcome
        except asyncio.CancelledError:
            if not attempt.at_work:
                attempt.cancel()
            raise

    def left(self, attempt: "_Attempt") -> None:
        """An attempt has ended."""
        self._open.discard(attempt)
        if not self._open and self._none_left is not None and not self._none_left.done():
            self._none_left.set_result(None)

    async def drain(self, grace_s: float) -> None:
        """Let handlers that still run finish for a while, then kill them. Those of an execution that was stopped or
        whose time is up are told, so that they end as soon as they can."""
        if self.standing.row.stop_reason is not None or self.standing.out_of_time is not None:
            for attempt in self._open:
                attempt.interrupt()
        if self._open:
            self._none_left = asyncio.get_running_loop().create_future()
            with suppress(TimeoutError):
                async with asyncio.timeout(grace_s):
                    await self._none_left
        for attempt in list(self._open):
            attempt.cancel()


class _Attempt(Invocation):
    """One of them, from its begin."""

    __slots__ = ("_attempts", "_begun", "_run", "at_work", "outcome")

    def __init__(self, attempts: Attempts, call: TaskCall) -> None:
        run = attempts.recorder.begin_task(call)
        super().__init__(function=call.function, payload=call.payload, timeout_s=call.timeout_s, id=_request_id(run))
        self._attempts = attempts
        self._run = run
        self._begun = time.monotonic()
        self.at_work = False
        self.outcome: PromptFuture[Outcome] = PromptFuture()

    @property
    def given_up(self) -> bool:
        """Also before the word has come through to its strand: that takes a turn of the loop, and in a branch two."""
        standing = self._attempts.standing
        ended = standing.closing or standing.row.stop_reason is not None or standing.out_of_time is not None
        return ended or self.outcome.done()

    def on_begin(self) -> None:
        self.at_work = True

    def on_log(self, record: dict[str, Any]) -> None:
        self._attempts.recorder.log(self._run, self._attempts.redactor.record(record, LOG_WORDS))

    def on_progress(self, record: dict[str, Any]) -> None:
        told = self._attempts.redactor.value(record)
        self._attempts.recorder.progress(self._run.node, self._run.iteration, told)

    async def on_ask(self, what: str, body: dict[str, Any]) -> Any:
        return await self._attempts.asking.answer(self._run, what, body)

    def on_end(self, payload: Any, error: BaseException | None) -> None:
        """Record it, then let whoever still waits go on."""
        self.at_work = False
        self._attempts.left(self)
        try:
            outcome = self.recorded(payload, error)
        except asyncio.CancelledError:
            self.outcome.cancel()
        except Exception as failure:
            if not self.outcome.done():
                self.outcome.set_exception(failure)
            elif not isinstance(failure, StatesError):
                log.exception("an attempt nobody waited for any more could not be recorded")
        else:
            if not self.outcome.done():
                self.outcome.set_result(outcome)

    def recorded(self, payload: Any, error: BaseException | None) -> Outcome:
        """Its outcome, recorded. Raises `StatesError` for one that failed, and `CancelledError` for one that did not
        come to an outcome of its own."""
        recorder, standing = self._attempts.recorder, self._attempts.standing
        if error is None:
            payload = self._redacted(payload)
            recorder.succeed(self._run, payload, self._begun)
            return Outcome(payload, recorder.last_at)
        if isinstance(error, StatesError):
            if standing.out_of_time is not None and error.error in _STOPS:
                recorder.end(self._run, "ABORTED", self._begun)  # the node did not fail: it may run again
                raise asyncio.CancelledError from error
            told = StatesError(error.error, self._attempts.redactor.text(error.cause))
            recorder.fail(self._run, told, self._begun)
            raise told from None
        if isinstance(error, EngineClosed):
            raise asyncio.CancelledError from error
        if isinstance(error, TradeloomError):
            failure = lambda_failure(_error_name(error), error.message)
            recorder.fail(self._run, failure, self._begun)
            raise failure from error
        if isinstance(error, asyncio.CancelledError) and not standing.closing:
            recorder.end(self._run, "ABORTED", self._begun)
        raise error

    def _redacted(self, payload: Any) -> Any:
        """The worker keeps what it was given to itself; what it was given by this execution is looked for once more."""
        if isinstance(payload, dict):
            return self._attempts.redactor.record(payload, ANSWER_WORDS)
        return self._attempts.redactor.value(payload)


def _error_name(error: TradeloomError) -> str:
    """The name callers know: a refused journal is an unavailable storage."""
    return StorageUnavailable.__name__ if isinstance(error, StorageUnavailable) else error.name


def _request_id(run: NodeRun) -> str:
    """The same for the same attempt, so that logs of both runs of a resumed task can be told to belong together."""
    named = f"{run.execution_id}|{run.path}|{run.attempt}"
    digest = hashlib.sha256(named.encode("utf-8", "surrogatepass")).hexdigest()
    return f"{digest[:8]}-{digest[8:12]}-{digest[12:16]}-{digest[16:20]}-{digest[20:32]}"
