"""What subscribers are told while executions run."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from tradeloom.engine.interpreter.times import timestamp

EventType = Literal[
    "execution.started", "execution.finished", "node.started", "node.log", "node.progress", "node.finished"
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """`seq` counts an execution's events from 1 and never goes back; some numbers may be missing after a crash.

    `data` by type: execution.started `{version, trigger, resumed, retry}`; execution.finished `{status, has_errors,
    error, duration_ms}`; node.* `{node, path, attempt, iteration, kind}` and, for finished, `{status, output, error,
    duration_ms}`, for log `{level, message, fields}`, for progress `{done, total, note}`. Progress is not kept; its
    `seq` is that of the event before it.
    """

    type: EventType
    tenant: str
    execution_id: str
    workflow_id: str
    seq: int
    time: datetime
    data: dict[str, Any] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON, as it is sent to clients."""
        return {
            "type": self.type,
            "execution_id": self.execution_id,
            "workflow_id": self.workflow_id,
            "seq": self.seq,
            "time": timestamp(self.time),
            **self.data,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Hint:
    """Word from another engine on the same database: what it recorded of an execution is durable up to `seq`. `status`
    says that the execution's row changed, `stop` that somebody asked for its end."""

    tenant: str
    execution_id: str
    seq: int = 0
    status: bool = False
    stop: bool = False


@dataclass(frozen=True, slots=True)
class Past:
    """An execution's events after some number, as far as they can still be told: of an execution's own only the last.
    `last_seq` is the number of its last event. Not `complete` when there are more than were asked for."""

    events: "list[Event]"
    last_seq: int
    complete: bool = True


Subscriber = Callable[[Event], None]
"""Called on the engine's event loop; must return at once."""

Listener = Callable[[Sequence[Hint]], None]
"""Called on the engine's event loop with word from other engines; none at all when some of it was lost."""
