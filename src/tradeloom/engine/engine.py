"""The local engine: takes starts, runs executions to their end, stops them, resumes them after a crash."""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from tradeloom.engine import codec
from tradeloom.engine.admission import Admission
from tradeloom.engine.clock import Clock, WallClock
from tradeloom.engine.debugging import Debugger
from tradeloom.engine.driver import Driver
from tradeloom.engine.errors import AlreadyStarted, EngineClosed
from tradeloom.engine.events import Event, Hint, Listener, Subscriber
from tradeloom.engine.execution import ExecutionRun
from tradeloom.engine.interpreter.definition import Machine
from tradeloom.engine.journal import ACTIVE, Execution, History, Journal, RetryRecord
from tradeloom.engine.machines import Machines
from tradeloom.engine.mode import PLAIN, Departures, Mode, unpack
from tradeloom.engine.questions import Answers
from tradeloom.engine.results import Results
from tradeloom.engine.stores import Blobs
from tradeloom.engine.surroundings import Halt, Surroundings
from tradeloom.engine.takeover import Takeover
from tradeloom.engine.turns import Permit
from tradeloom.engine.workers.invocation import Workers
from tradeloom.errors import NotFound, StorageUnavailable, TradeloomError
from tradeloom.runtime.envelope import RunInfo

log: Final = logging.getLogger(__name__)

GRACE_S: Final = 5.0
HALT_GRACE_S: Final = 2.5
"""Of executions whose account is halted: they are to have ended 5 s after the word. What the bridge has of an order in
its journal is not lost with the handler that waits for it."""
READ_AGAIN_S: Final = 0.5
REOPEN_AGAIN_S: Final = (0.1, 0.5, 2.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class StartRequest:
    """`definition` is a state machine, or the sha256 of one kept as a blob. `input` is the machine's (None: the run's
    JSON). One `dedupe_key` starts one execution for ever; `manual` says a person started it; `exclusive` ones of a
    workflow run one after another; one whose turn comes after `start_by`, in market time, is stopped."""

    run: RunInfo
    definition: Mapping[str, Any] | str
    input: Any = None
    dedupe_key: str | None = None
    manual: bool = False
    exclusive: bool = False
    mode: Mode = field(default_factory=Mode)
    start_by: datetime | None = None


class Engine:
    """One process's engine. Open the journal and start the workers first; then `resume`, then `start` at will.

    `clock_for` gives the market clock Delays of a run go by; `is_effect` tells functions that trade, write or send;
    `on_event` hears every event once it is durable; `permit` is asked before a handler acts; `answers` are to the
    questions handlers ask besides; `halt` says which executions an account's halt reaches.
    """

    def __init__(
        self,
        *,
        journal: Journal,
        workers: Workers,
        blobs: Blobs,
        is_effect: Callable[[str], bool],
        clock: Clock | None = None,
        clock_for: Callable[[RunInfo], Clock] | None = None,
        on_event: Subscriber | None = None,
        permit: Permit | None = None,
        answers: Answers | None = None,
        halt: Halt | None = None,
        most_running: int = 64,
        grace_s: float = GRACE_S,
    ) -> None:
        self._journal = journal
        self._blobs = blobs
        self._clock = clock or WallClock()
        self._clock_for = clock_for or (lambda run: self._clock)
        self._admission = Admission(most_running)
        self._grace_s = grace_s
        self._around = Surroundings(
            journal=journal,
            workers=workers,
            admission=self._admission,
            clock=self._clock,
            is_effect=is_effect,
            permit=permit,
            answers=answers or {},
            halt=halt,
            stop=self._stop_halted,
        )
        self._subscribers: list[Subscriber] = [] if on_event is None else [on_event]
        self._machines = Machines(blobs)
        self._running: dict[str, Driver] = {}
        self._closed = False
        self._takeover = Takeover(journal, self._go_on_with)
        journal.on_durable = self._tell
        journal.on_lost = self._abandon
        journal.on_late = self._takeover.remember
        journal.on_hint = self._hear
        self._listeners: list[Listener] = []
        self._results = Results(journal)
        self._stopping: set[asyncio.Task[None]] = set()
        self._accepting: set[asyncio.Task[str]] = set()

    def subscribe(self, subscriber: Subscriber) -> Callable[[], None]:
        """Hear events; call what is returned to stop hearing them."""
        self._subscribers.append(subscriber)
        return lambda: self._subscribers.remove(subscriber)

    def listen(self, listener: Listener) -> None:
        """Hear what other engines on the same rows say they recorded."""
        self._listeners.append(listener)

    @property
    def running(self) -> list[str]:
        """Ids of the executions this engine has accepted and not ended."""
        return list(self._running)

    async def start(self, request: StartRequest) -> str:
        """Accept an execution, durably; its id. It runs when its turn comes.

        Raises `InvalidDefinition`, `AlreadyStarted`, `JournalRefused`, `EngineClosed`.
        """
        if self._closed:
            raise EngineClosed("The engine is shutting down.")
        run = request.run
        request.mode.check(test_mode=run.test_mode)
        digest, machine = await self._machines.of(request.definition)
        departs = await self._departures(request.mode.as_json())
        info = run.model_dump(mode="json")
        row = Execution(
            id=run.execution_id,
            tenant=run.tenant,
            workflow_id=run.workflow_id,
            version=run.version,
            definition=digest,
            trigger=run.trigger,
            account=run.account,
            run=info,
            input=codec.canonical(info if request.input is None else request.input),
            as_of=run.as_of,
            created_at=self._clock.now(),
            dedupe_key=request.dedupe_key,
            test_mode=run.test_mode,
            manual=request.manual,
            exclusive=request.exclusive,
            mode=request.mode.as_json(),
            start_by=request.start_by,
        )
        # Whoever asked may go away meanwhile, as a scheduler that closes does. What the journal accepted begins all the
        # same, here or where this engine's work is taken over: its key is used up, and nobody would start it again.
        accepting = asyncio.ensure_future(self._accept(row, machine, run, departs))
        self._accepting.add(accepting)
        accepting.add_done_callback(self._accepting.discard)
        return await asyncio.shield(accepting)

    async def _accept(self, row: Execution, machine: Machine, run: RunInfo, departs: Departures) -> str:
        if not await self._journal.create(row):
            raise AlreadyStarted(f"The execution {row.id} was started before.", row.id)
        if not self._closed:
            self._drive(row, machine, History([], 0), run, departs)
        return row.id

    async def resume(self) -> list[str]:
        """Go on with every unfinished execution whose engine is gone, now and from time to time; ids of those now."""
        return await self._takeover.begin()

    async def _go_on_with(self, row: Execution) -> bool:
        """Whether there was anything left to do: it may have been stopped, or have ended, since it was claimed."""
        if row.id in self._running:
            return False
        history = await self._journal.history(row.id)
        departs, machine = PLAIN, None
        try:
            departs = await self._departures(row.mode)
            _, machine = await self._machines.of(row.definition)
        except TradeloomError as error:
            log.error("execution %s cannot go on: %s", row.id, error)
        now = await self._journal.execution(row.tenant, row.id)
        if now is None or now.status not in ACTIVE:
            return False
        self._drive(now, machine, history, RunInfo.model_validate(now.run), departs, waited=True)
        return True

    async def result(self, execution_id: str, *, tenant: str = "local") -> Execution:
        """The execution once it has ended, durably. Raises `NotFound`."""
        driver = self._running.get(execution_id)
        if driver is not None and driver.row.tenant == tenant:
            return await asyncio.shield(driver.ended)
        return await self._results.of(tenant, execution_id)

    def _hear(self, hints: Sequence[Hint]) -> None:
        """Word from other engines; none at all when some of it was lost: then anything may have been said."""
        told = {(hint.tenant, hint.execution_id) for hint in hints if hint.stop}
        for driver in self._running.values():
            if not hints or (driver.row.tenant, driver.row.id) in told:
                stopping = asyncio.ensure_future(self._stop_as_asked(driver))
                self._stopping.add(stopping)
                stopping.add_done_callback(self._stopping.discard)
        self._results.hear(hints)
        for listener in self._listeners:
            listener(hints)

    async def _stop_as_asked(self, driver: Driver) -> None:
        """Another engine may have been asked to stop what runs here; the reason is in the row, read until it can be."""
        while not driver.task.done():
            try:
                row = await self._journal.execution(driver.row.tenant, driver.row.id)
            except TradeloomError as error:
                log.warning("whether execution %s is to be stopped cannot be read: %s", driver.row.id, error)
                await asyncio.sleep(READ_AGAIN_S)
                continue
            if row is not None and row.stop_reason is not None:
                driver.stop(row.stop_reason)
            return

    async def retry(self, execution: Execution, retry: RetryRecord) -> bool:
        """Let an execution that failed or ran out of time go on under its own id; returns once that is durable. False
        when somebody else was first. Raises `InvalidDefinition`, `StorageUnavailable`, `EngineClosed`."""
        if self._closed:
            raise EngineClosed("The engine is shutting down.")
        driver = self._running.get(execution.id)
        if driver is not None:
            await asyncio.wait([driver.task])  # its end is durable, and it is on its way out
        _, machine = await self._machines.of(execution.definition)
        departs = await self._departures(execution.mode)
        before = await self._journal.history(execution.id)
        try:
            reopened = await self._reopened(execution.tenant, retry)
        except StorageUnavailable:
            self._takeover.remember(execution)  # it may have been reopened all the same
            raise
        if reopened is None or execution.id in self._running:
            return False
        history = History(before.runs, before.last_seq, (*before.retries, retry))
        self._drive(reopened, machine, history, RunInfo.model_validate(reopened.run), departs)
        return True

    def debugger(self, execution_id: str) -> Debugger | None:
        """The pauses of an execution that is debugged here and has not ended."""
        driver = self._running.get(execution_id)
        return None if driver is None else driver.run.debugger

    def rests(self, execution_id: str) -> bool:
        """Whether an execution stands still: all its strands wait, or are paused, or another one must end first."""
        driver = self._running.get(execution_id)
        return driver is not None and (driver.run.rests or self._admission.behind(driver.run.ticket))

    async def _reopened(self, tenant: str, retry: RetryRecord) -> Execution | None:
        """The journal's answer, asked for again where it was lost: it may have been reopened all the same."""
        for pause_s in REOPEN_AGAIN_S:
            try:
                return await self._journal.reopen(tenant, retry)
            except StorageUnavailable:
                await asyncio.sleep(pause_s)
        return await self._journal.reopen(tenant, retry)

    async def stop(
        self, execution_id: str, reason: str, *, tenant: str = "local", grace_s: float | None = None
    ) -> Execution:
        """Stop an execution: nothing new starts, running handlers get a grace time (`grace_s`, or the engine's).
        Returns as soon as that is durable; one that has ended stays as it is. Raises `NotFound`."""
        row = await self._journal.request_stop(tenant, execution_id, reason)
        if row is None:
            raise NotFound(f"There is no execution {execution_id!r}.")
        driver = self._running.get(execution_id)
        if driver is not None and row.status in ACTIVE:
            driver.stop(row.stop_reason or reason, grace_s)
        return row

    async def stop_halted(self) -> int:
        """Stop every execution that a halt of its account reaches, queued and waiting ones too; how many."""
        halt = self._around.halt
        if halt is None:
            return 0
        rows = [driver.row for driver in self._running.values() if driver.row.stop_reason is None]
        reached = [(row, reason) for row in rows if (reason := await halt(row, None)) is not None]
        await asyncio.gather(*[self._stop_halted(row, reason) for row, reason in reached])
        return len(reached)

    async def _stop_halted(self, row: Execution, reason: str) -> None:
        log.warning("execution %s is stopped: %s", row.id, reason)
        await self.stop(row.id, reason, tenant=row.tenant, grace_s=min(self._grace_s, HALT_GRACE_S))

    async def close(self) -> None:
        """Stop running. Unfinished executions stay as they are and go on at the next `resume`."""
        self._closed = True
        self._takeover.close()
        drivers = list(self._running.values())
        for driver in drivers:
            driver.close()
        for stopping in self._stopping:
            stopping.cancel()
        await asyncio.gather(*[driver.task for driver in drivers], *self._accepting, return_exceptions=True)

    def _abandon(self, execution_ids: Sequence[str]) -> None:
        """Another engine has these now: stop at once, and record nothing."""
        for execution_id in execution_ids:
            driver = self._running.get(execution_id)
            if driver is not None:
                log.warning("execution %s was taken over by another engine", execution_id)
                driver.close()

    # -- inside -------------------------------------------------------------------------------------------------

    async def _departures(self, mode: Mapping[str, Any] | None) -> Departures:
        """Raises `NotFound` when what is given is gone."""
        if mode is None:
            return PLAIN
        known = Mode.model_validate(mode)
        given = None if known.given is None else await asyncio.to_thread(self._blobs.get, known.given)
        return unpack(known, given)

    def _drive(
        self,
        row: Execution,
        machine: Machine | None,
        history: History,
        info: RunInfo,
        departs: Departures = PLAIN,
        *,
        waited: bool = False,
    ) -> None:
        run = ExecutionRun(row, history, self._clock_for(info), self._around, departs)
        run.ticket.waited = waited
        driver = Driver(run, machine, self._journal, self._admission, self._clock, self._grace_s)
        self._running[row.id] = driver
        driver.task.add_done_callback(lambda task: self._driven(row.id, task))

    def _driven(self, execution_id: str, task: asyncio.Task[None]) -> None:
        self._running.pop(execution_id, None)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("execution %s was left unfinished by a fault of the engine", execution_id, exc_info=error)

    def _tell(self, events: Sequence[Event]) -> None:
        for event in events:
            for subscriber in list(self._subscribers):
                try:
                    subscriber(event)
                except Exception:
                    log.exception("a subscriber failed on %s of %s", event.type, event.execution_id)
