"""What subscribers are told while executions run."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from tradeloom.engine.interpreter.times import timestamp

EventType = Literal["execution.started", "execution.finished", "node.started", "node.log", "node.finished"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """`seq` counts an execution's events from 1 and never goes back; some numbers may be missing after a crash.

    `data` by type: execution.started `{version, trigger, resumed}`; execution.finished `{status, has_errors, error,
    duration_ms}`; node.* `{node, path, attempt, iteration, kind}` and, for finished, `{status, output, error,
    duration_ms}`, for log `{level, message, fields}`.
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


Subscriber = Callable[[Event], None]
"""Called on the engine's event loop; must return at once."""
