"""The journal: what the engine remembers, and the port its storage implements.

What the journal promises
-------------------------
1. **A start is decided once.** `create` makes the PENDING row only when neither its id nor its dedupe key is taken, and
   returns after the row is durable. Whoever gets False lost the race and starts nothing.
2. **Nothing acts ahead of the journal.** `record` only queues; `barrier` returns once every record queued before it is
   durable. The engine puts a barrier before a task that trades, writes or sends (its own "started" record included) and
   before it announces the end of an execution. Reads and pure transitions wait for nothing.
3. **What is durable is a prefix.** Records of an execution become durable in the order they were made; a crash loses at
   most a tail, and by (2) no effect stands on that tail. Running the lost part again can only repeat pure work.
4. **An outcome is kept for good.** A task attempt with a recorded outcome is never invoked again: on resume the
   interpreter runs the machine from its start and is answered from the journal, in the order the outcomes came in the
   first run. An attempt that was started and has no outcome is invoked again with the same address, so its effects
   carry the same ids and whoever performs them (the bridge, the notifications table) recognises them.
   A retry breaks this in nothing: attempts it makes have addresses of their own, and order ids come from the node.
5. **Waits keep their due time** across restarts, and pauses between retries theirs.
6. **Events are told after they are durable**, in order, with sequence numbers that never go back; so a snapshot from
   the journal and the stream behind it have neither gap nor overlap.
7. **One engine runs an execution.** Rows are owned by the engine that accepted them; `claim` takes over those whose
   owner is gone. An engine that was cut off from the journal and comes back finds out what was taken over, before
   anything else it wants to do gets past a barrier.

It does not promise that a handler killed in the middle of an effect did or did not perform it: that is what the ids are
for. When the journal cannot write (disk full, database down), `barrier` raises `JournalRefused` and the effect does not
happen; queued records are kept and written once it can.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Literal, Protocol

from tradeloom.engine.events import Event, Hint, Past
from tradeloom.runtime.services import Notification

ExecutionStatus = Literal["PENDING", "RUNNING", "SUCCEEDED", "FAILED", "STOPPED", "TIMED_OUT"]
RunStatus = Literal["RUNNING", "SUCCEEDED", "FAILED", "ABORTED"]
RunKind = Literal["task", "wait", "pause"]

ACTIVE: Final[frozenset[ExecutionStatus]] = frozenset({"PENDING", "RUNNING"})
BAD_ENDS: Final[frozenset[ExecutionStatus]] = frozenset({"FAILED", "STOPPED", "TIMED_OUT"})
RETRYABLE: Final[frozenset[ExecutionStatus]] = frozenset({"FAILED", "TIMED_OUT"})


@dataclass(slots=True, kw_only=True)
class Execution:
    """One execution's row. `run` is its `RunInfo` as JSON, `input` the machine's start input, `definition` the sha256
    of the state machine's blob. `manual` ones were started by a person, not by a trigger; `exclusive` ones run only
    while no other of their workflow runs; after `start_by`, in market time, it is too late to begin. `last_seq` is the
    number of its last event. `mode` is how it departs from a plain run: a `Mode` as JSON."""

    id: str
    tenant: str
    workflow_id: str
    version: str
    definition: str
    trigger: str
    account: str
    run: dict[str, Any]
    input: Any
    as_of: datetime
    created_at: datetime
    dedupe_key: str | None = None
    test_mode: bool = False
    manual: bool = False
    exclusive: bool = False
    start_by: datetime | None = None
    status: ExecutionStatus = "PENDING"
    started_at: datetime | None = None
    finished_at: datetime | None = None
    output: Any = None
    error: dict[str, Any] | None = None
    has_errors: bool = False
    stop_reason: str | None = None
    last_seq: int = 0
    mode: dict[str, Any] | None = None

    @property
    def duration_ms(self) -> float | None:
        """Wall time from start to end."""
        if self.started_at is None or self.finished_at is None:
            return None
        return (self.finished_at - self.started_at).total_seconds() * 1000


@dataclass(slots=True, kw_only=True)
class NodeRun:
    """One attempt of a task, a wait, or a pause before a task, at its address `path`. Recorded when it starts and again
    when it ends.

    `input` is the payload without `run`, or a wait's `{entered}`; `output` the payload the handler gave; `error`
    `{name, message, cause}` where `cause` is what the state machine saw. `due` is a wait's due time on its clock.
    """

    execution_id: str
    path: str
    attempt: int
    kind: RunKind
    node: str
    state: str
    started_at: datetime
    started_seq: int
    iteration: list[int] = field(default_factory=list)
    function: str | None = None
    status: RunStatus = "RUNNING"
    finished_at: datetime | None = None
    duration_ms: float | None = None
    due: datetime | None = None
    input: Any = None
    output: Any = None
    error: dict[str, Any] | None = None
    finished_seq: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LogLine:
    execution_id: str
    seq: int
    time: datetime
    level: str
    message: str
    node: str | None
    iteration: list[int]
    fields: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredNotification:
    tenant: str
    created_at: datetime
    notification: Notification


Record = Execution | NodeRun | LogLine | StoredNotification


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutionFilter:
    """Which executions to list, newest first; unset parts match all."""

    tenant: str = "local"
    workflow_id: str | None = None
    status: ExecutionStatus | None = None
    since: datetime | None = None
    """Created then or later."""
    before: datetime | None = None
    limit: int = 50
    offset: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryRecord:
    """One time a failed execution went on. `number` counts an execution's from 1; `error` is what it had failed with.

    `anew` maps the addresses of what is tried anew to the first attempt that counts from then on. The outcomes of the
    attempts before it stay in the record and are not given back any more.
    """

    execution_id: str
    number: int
    at: datetime
    by: str
    anew: dict[str, int]
    error: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class KeyedStart:
    """`began` whether it came to run at all: an execution that was queued may have been stopped before."""

    execution_id: str
    status: ExecutionStatus
    began: bool
    stop_reason: str | None


@dataclass(frozen=True, slots=True)
class History:
    """What a resumed execution needs: its attempts and waits, the last sequence number given out, its retries."""

    runs: Sequence[NodeRun]
    last_seq: int
    retries: Sequence[RetryRecord] = ()


class Journal(Protocol):
    """One engine's connection to the journal. All times are aware; all JSON is canonical (see `codec`)."""

    on_durable: Callable[[Sequence[Event]], None]
    """Called, on the event loop, with events whose records have become durable."""

    on_lost: Callable[[Sequence[str]], None]
    """Called with ids of executions that another engine took over while this one was cut off; their records are refused
    from then on."""

    on_late: Callable[[Execution], None]
    """Called with an execution that has a key and was made after `create` had given up: it is this engine's to run."""

    async def open(self) -> None: ...

    async def close(self) -> None:
        """Make what is queued durable and let go of this engine's executions."""
        ...

    async def create(self, execution: Execution) -> bool:
        """Make a PENDING row unless its id or its (tenant, dedupe key) exists. Raises `JournalRefused`."""
        ...

    on_hint: Callable[[Sequence[Hint]], None]
    """Called, on the event loop, with word of what other engines on the same rows recorded. No hints at all: some may
    have been lost. A hint is told once, soon after what it is about is durable, and may be lost with its engine."""

    def tell(self, event: Event) -> None:
        """Queue an event that is not kept: it is told in its order, once what was recorded before it is durable."""
        ...

    def record(self, record: Record, event: Event | None = None) -> None:
        """Queue a record. A row recorded again before it was written is written once, as it then is."""
        ...

    async def barrier(self, execution_id: str) -> None:
        """Return once everything recorded so far is durable. Raises `JournalRefused` when that cannot be had,
        `RecordRefused` when a record of this execution never can."""
        ...

    def forget(self, execution_id: str) -> None:
        """Forget that records of an execution were refused, so that its end can be recorded."""
        ...

    async def request_stop(self, tenant: str, execution_id: str, reason: str) -> Execution | None:
        """Set the cancel flag of an active execution, durably. The row as it now is; None when there is none."""
        ...

    async def take_turn(self, execution: Execution, at: datetime) -> bool:
        """Let an exclusive execution of this engine's, which never ran, begin: it is RUNNING then, durably, since `at`.
        False while an older one of its workflow is active or another exclusive one runs; test runs and others are in
        nobody's way but their own kind's."""
        ...

    async def claim(self) -> list[Execution]:
        """Take over every unfinished execution whose engine is gone, oldest first."""
        ...

    async def reopen(self, tenant: str, retry: RetryRecord) -> Execution | None:
        """Make a FAILED or TIMED_OUT execution PENDING again, this engine's, with the retry in its record; the row as
        it then is. None when it is in another state, or has a retry of this number by somebody else. Durable when it
        returns; the same retry again finds what the first made of it."""
        ...

    async def retries(self, tenant: str, execution_id: str) -> list[RetryRecord]:
        """In order."""
        ...

    async def history(self, execution_id: str) -> History: ...

    async def execution(self, tenant: str, execution_id: str) -> Execution | None: ...

    async def execution_by_key(self, tenant: str, dedupe_key: str) -> Execution | None: ...

    async def executions(self, which: ExecutionFilter) -> tuple[list[Execution], int]:
        """A page, newest first, and how many match in all."""
        ...

    async def active(self, tenant: str, workflow_id: str) -> list[Execution]:
        """The PENDING and RUNNING executions of a workflow, oldest first."""
        ...

    async def starts(self, tenant: str, dedupe_keys: Sequence[str]) -> dict[str, KeyedStart]:
        """What became of the starts under these keys; a key that nothing was started under is left out."""
        ...

    async def last_as_of(self, tenant: str, workflow_id: str, until: datetime) -> datetime | None:
        """The latest market time, up to `until`, at which an execution of a workflow stood that began to run, test mode
        left out."""
        ...

    async def last_runs(self, tenant: str, workflow_ids: Sequence[str]) -> dict[str, Execution]:
        """The newest execution of each of these workflows, test mode left out; one without any is left out."""
        ...

    async def unattended(self, tenant: str, *, limit: int = 100) -> list[Execution]:
        """Executions that came to a bad end of which `attend` has not been called, the first ended first. The end and
        this are one row: whatever crashes, what follows an end is not forgotten."""
        ...

    async def attend(self, tenant: str, execution_id: str) -> None:
        """Note, durably, that what follows the bad end of an execution is done."""
        ...

    async def node_runs(self, tenant: str, execution_id: str) -> list[NodeRun]:
        """In the order they started."""
        ...

    async def with_runs(self, tenant: str, execution_id: str) -> tuple[Execution, list[NodeRun]] | None:
        """An execution and its node runs, of one moment: one that has ended has all of them, with what they gave."""
        ...

    async def logs(self, tenant: str, execution_id: str, *, after: int = 0, limit: int = 1000) -> list[LogLine]:
        """Lines with a sequence number above `after`, in order."""
        ...

    async def past(self, tenant: str, execution_id: str, *, after: int = 0, limit: int = 1000) -> Past | None:
        """An execution's events with numbers above `after`, of one moment; None when there is no such execution."""
        ...

    async def notifications(self, tenant: str, *, limit: int = 50) -> list[StoredNotification]:
        """Newest first; each id once."""
        ...
