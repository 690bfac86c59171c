"""Events made of records: as they are told when the record is made, and again to who comes later."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from tradeloom.engine.events import Event, EventType, Past
from tradeloom.engine.journal import ACTIVE, Execution, LogLine, NodeRun


def node_data(run: NodeRun) -> dict[str, Any]:
    """What every event about a run of a node says."""
    return {
        "node": run.node,
        "path": run.path,
        "attempt": run.attempt,
        "iteration": run.iteration,
        "kind": run.kind,
    }


def outcome_data(run: NodeRun) -> dict[str, Any]:
    """What a node.finished event says besides."""
    error = None if run.error is None else {key: run.error[key] for key in ("name", "message")}
    return {"status": run.status, "output": run.output, "error": error, "duration_ms": run.duration_ms}


def log_data(line: LogLine) -> dict[str, Any]:
    """What a node.log event says besides."""
    return {"level": line.level, "message": line.message, "fields": line.fields}


def end_data(row: Execution) -> dict[str, Any]:
    """What an execution.finished event says."""
    return {
        "status": row.status,
        "has_errors": row.has_errors,
        "error": row.error,
        "duration_ms": row.duration_ms,
    }


def event_of(row: Execution, kind: EventType, seq: int, at: datetime, data: dict[str, Any]) -> Event:
    return Event(
        type=kind,
        tenant=row.tenant,
        execution_id=row.id,
        workflow_id=row.workflow_id,
        seq=seq,
        time=at,
        data=data,
    )


def status_event(row: Execution) -> Event | None:
    """The event about an execution's present status; None before it has begun."""
    if row.status == "PENDING" or row.last_seq == 0:
        return None
    if row.status in ACTIVE:
        said = {"version": row.version, "trigger": row.trigger, "resumed": False}
        return event_of(row, "execution.started", row.last_seq, row.started_at or row.created_at, said)
    return event_of(row, "execution.finished", row.last_seq, row.finished_at or row.created_at, end_data(row))


def past_of(
    row: Execution, runs: Iterable[NodeRun], lines: Iterable[LogLine], *, after: int, limit: int, last_seq: int
) -> Past:
    """The events with numbers above `after` that stand in these records, in order."""
    events: list[Event] = []
    status = status_event(row)
    if status is not None:
        events.append(status)
    for run in runs:
        events.append(event_of(row, "node.started", run.started_seq, run.started_at, node_data(run)))
        if run.finished_seq is not None and run.finished_at is not None:
            said = node_data(run) | outcome_data(run)
            events.append(event_of(row, "node.finished", run.finished_seq, run.finished_at, said))
    for line in lines:
        said = {"node": line.node, "path": "", "attempt": 0, "iteration": line.iteration, "kind": "task"}
        events.append(event_of(row, "node.log", line.seq, line.time, said | log_data(line)))
    events = sorted((event for event in events if event.seq > after), key=lambda event: event.seq)
    if len(events) > limit:
        return Past([], last_seq, complete=False)
    return Past(events, last_seq)
