"""What an execution tells the journal: its attempts, waits, logs and events, each with its sequence number."""

import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from tradeloom.engine.clock import Clock
from tradeloom.engine.events import Event, EventType
from tradeloom.engine.failure import message_of, node_of
from tradeloom.engine.interpreter.failures import StatesError
from tradeloom.engine.interpreter.machine import TaskCall, WaitCall
from tradeloom.engine.interpreter.times import timestamp
from tradeloom.engine.journal import Execution, Journal, LogLine, NodeRun, RunStatus
from tradeloom.engine.past import event_of, log_data, node_data, outcome_data

PROGRESS_EVERY_S = 0.1
_KNOWN_FIELDS = frozenset({"level", "message", "execution_id", "node", "iteration"})


class Recorder:
    """`last_at` is when the execution last heard from outside; `failed_nodes` the errors nothing made good since."""

    def __init__(self, row: Execution, last_seq: int, journal: Journal, clock: Clock) -> None:
        self._row = row
        self._seq = last_seq
        self._journal = journal
        self._clock = clock
        self.last_at = row.started_at or row.created_at
        self.failed_nodes: dict[str, str] = {}
        self._progress_at: dict[str, float] = {}

    def begin_task(self, call: TaskCall, given: str | None = None) -> NodeRun:
        """`given` says where the outcome comes from when no handler is asked; it stands in the record's input."""
        payload = call.payload if given is None else {**call.payload, "given": given}
        named = payload.get("node") if isinstance(payload, dict) else None
        run = NodeRun(
            execution_id=self._row.id,
            path=call.path,
            attempt=call.attempt,
            kind="task",
            node=named if isinstance(named, str) else node_of(call.state),
            state=call.state,
            function=call.function,
            iteration=list(call.iteration),
            started_at=self._clock.now(),
            started_seq=self._next_seq(),
            input={key: value for key, value in payload.items() if key != "run"}
            if isinstance(payload, dict)
            else payload,
        )
        return self._begun(run)

    def begin_wait(self, call: WaitCall, entered: datetime, due: datetime, given: str | None = None) -> NodeRun:
        run = NodeRun(
            execution_id=self._row.id,
            path=call.path,
            attempt=0,
            kind="wait",
            node=node_of(call.state),
            state=call.state,
            iteration=list(call.iteration),
            started_at=self._clock.now(),
            started_seq=self._next_seq(),
            due=due,
            input={"entered": timestamp(entered)} | ({} if given is None else {"given": given}),
        )
        return self._begun(run)

    def begin_pause(self, call: TaskCall, due: datetime) -> NodeRun:
        """`due` is when a pause that nobody ends is given up."""
        payload = call.payload if isinstance(call.payload, dict) else {}
        run = NodeRun(
            execution_id=self._row.id,
            path=f"{call.path}?",
            attempt=0,
            kind="pause",
            node=str(payload.get("node", "")),
            state=call.state,
            function=call.function,
            iteration=list(call.iteration),
            started_at=self._clock.now(),
            started_seq=self._next_seq(),
            due=due,
            input={key: value for key, value in payload.items() if key != "run"},
        )
        return self._begun(run)

    def note(self, run: NodeRun) -> None:
        """Write down what changed of a run that goes on."""
        self._journal.record(run)

    def begin_again(self, run: NodeRun) -> None:
        """A wait that had been cut off goes on."""
        run.status, run.finished_at, run.finished_seq, run.duration_ms = "RUNNING", None, None, None
        run.started_seq = self._next_seq()
        self._begun(run)

    def succeed(self, run: NodeRun, output: Any, begun: float | None = None) -> None:
        """`begun` is the monotonic time the handler's call began, where there was one."""
        run.output = output
        self.failed_nodes.pop(run.node, None)
        self.end(run, "SUCCEEDED", begun)

    def fail(self, run: NodeRun, error: StatesError, begun: float) -> None:
        run.error = {"name": error.error, "message": message_of(error.cause), "cause": error.cause}
        self.failed_nodes[run.node] = error.error
        self.end(run, "FAILED", begun)

    def end(self, run: NodeRun, status: RunStatus, begun: float | None = None) -> None:
        run.status = status
        run.finished_at = self.last_at = self._clock.now()
        elapsed = (run.finished_at - run.started_at).total_seconds() if begun is None else time.monotonic() - begun
        run.duration_ms = round(elapsed * 1000, 3)
        run.finished_seq = self._next_seq()
        event = self._node_event("node.finished", run, run.finished_seq, run.finished_at, outcome_data(run))
        self._journal.record(run, event)

    def recall(self, run: NodeRun) -> datetime:
        """Take a recorded outcome as if it came now; when it did."""
        self.last_at = run.finished_at or self.last_at
        if run.status == "FAILED":
            self.failed_nodes[run.node] = str((run.error or {}).get("name"))
        else:
            self.failed_nodes.pop(run.node, None)
        return self.last_at

    def log(self, run: NodeRun, record: Mapping[str, Any]) -> None:
        line = LogLine(
            execution_id=self._row.id,
            seq=self._next_seq(),
            time=self._clock.now(),
            level=str(record.get("level", "info")),
            message=str(record.get("message", "")),
            node=run.node,
            iteration=run.iteration,
            fields={key: value for key, value in record.items() if key not in _KNOWN_FIELDS},
        )
        self._journal.record(line, self._node_event("node.log", run, line.seq, line.time, log_data(line)))

    def progress(self, node: str, iteration: Sequence[int], record: Mapping[str, Any]) -> None:
        """Tell how far a node is, `{done, total, note}`, at most ten times a second but for its last step. This is not
        kept."""
        now, total = time.monotonic(), record.get("total")
        if now - self._progress_at.get(node, 0.0) < PROGRESS_EVERY_S and not (total and record["done"] >= total):
            return
        self._progress_at[node] = now
        said = {"done": record["done"], "total": total, "note": str(record.get("note", ""))}
        data = {"node": node, "path": "", "attempt": 0, "iteration": list(iteration), "kind": "task", **said}
        self._journal.tell(self._event("node.progress", self._seq, self._clock.now(), data))

    def execution(self, kind: EventType, data: dict[str, Any]) -> None:
        """Record the execution's row as it now is, and tell of it."""
        self._row.last_seq = self._next_seq()
        self._journal.record(self._row, self._event(kind, self._row.last_seq, self._clock.now(), data))

    def _begun(self, run: NodeRun) -> NodeRun:
        self._journal.record(run, self._node_event("node.started", run, run.started_seq, run.started_at))
        return run

    def _next_seq(self) -> int:
        self._seq += 1
        return self._seq

    def _event(self, kind: EventType, seq: int, at: datetime, data: dict[str, Any]) -> Event:
        return event_of(self._row, kind, seq, at, data)

    def _node_event(
        self, kind: EventType, run: NodeRun, seq: int, at: datetime, more: dict[str, Any] | None = None
    ) -> Event:
        data = node_data(run)
        return self._event(kind, seq, at, data if more is None else data | more)
