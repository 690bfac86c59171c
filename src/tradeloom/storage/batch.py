"""What one transaction of the journal writes, and the word that goes out of it."""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from tradeloom.engine.events import Event, Hint
from tradeloom.engine.journal import ACTIVE, Execution, LogLine, NodeRun, Record, StoredNotification


@dataclass(slots=True)
class Creation:
    execution: Execution
    answer: asyncio.Future[bool]
    abandoned: bool = False


@dataclass(slots=True)
class Batch:
    """Records kept by what they are about: of a row recorded several times the latest is written."""

    creations: dict[str, Creation] = field(default_factory=dict)
    executions: dict[str, Execution] = field(default_factory=dict)
    runs: dict[tuple[str, str, int], NodeRun] = field(default_factory=dict)
    logs: list[LogLine] = field(default_factory=list)
    notifications: dict[str, StoredNotification] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)
    barriers: list[tuple[str, asyncio.Future[None]]] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(
            self.creations or self.executions or self.runs or self.logs or self.notifications or self.barriers
        ) or bool(self.events)

    def waiting(self) -> set[str]:
        """The executions that somebody waits for."""
        return {*self.creations, *(execution_id for execution_id, _ in self.barriers)}

    def crowd(self) -> set[str]:
        """Whom the next batch had better wait a moment for. Who ends among several is followed by others, like as not;
        who ends alone is not."""
        waiting = self.waiting()
        if len(waiting) > 1:
            return waiting
        return {each for each in waiting if each not in self.executions or self.executions[each].status in ACTIVE}

    def add(self, record: Record) -> None:
        match record:
            case NodeRun():
                self.runs[record.execution_id, record.path, record.attempt] = record
            case LogLine():
                self.logs.append(record)
            case Execution():
                self.executions[record.id] = record
            case StoredNotification():
                self.notifications.setdefault(record.notification.id, record)

    def drop(self, execution_id: str) -> None:
        """Take out an execution's records; whoever waits at a barrier of it still waits."""
        self.creations.pop(execution_id, None)
        self.executions.pop(execution_id, None)
        self.runs = {key: run for key, run in self.runs.items() if run.execution_id != execution_id}
        self.logs = [line for line in self.logs if line.execution_id != execution_id]
        self.events = [event for event in self.events if event.execution_id != execution_id]

    def by_execution(self) -> Iterator[tuple[str, "Batch"]]:
        """The batch taken apart: one for each execution, without events and barriers."""
        parts: dict[str, Batch] = {}

        def part(execution_id: str) -> Batch:
            return parts.setdefault(execution_id, Batch())

        for key, creation in self.creations.items():
            part(key).creations[key] = creation
        for key, execution in self.executions.items():
            part(key).executions[key] = execution
        for run_key, run in self.runs.items():
            part(run.execution_id).runs[run_key] = run
        for line in self.logs:
            part(line.execution_id).logs.append(line)
        for stored in self.notifications.values():
            part(stored.notification.execution_id).notifications[stored.notification.id] = stored
        yield from parts.items()


def hints_of(events: Sequence[Event]) -> list[Hint]:
    """Word for other engines of what became durable: one hint an execution."""
    found: dict[tuple[str, str], tuple[int, bool]] = {}
    for event in events:
        key = (event.tenant, event.execution_id)
        seq, status = found.get(key, (0, False))
        found[key] = max(seq, event.seq), status or event.type.startswith("execution.")
    return [
        Hint(tenant=tenant, execution_id=execution_id, seq=seq, status=status)
        for (tenant, execution_id), (seq, status) in found.items()
    ]
