"""The messages about runs: the same from the local server and from AppSync Events.

They are small: a status, a log line, a figure. What a node gave or was given is read by REST once the status is known.
Long texts are cut, and `cut` says so. Whoever makes a message has redacted its texts.
"""

import json
from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, TypeAdapter

MAX_TEXT: Final = 4_096
"""Characters of a text in a message."""
MAX_FIELDS: Final = 4_096
"""Characters of a log line's fields as JSON; more are left out."""

RunStatus = Literal["pending", "running", "succeeded", "failed", "stopped", "timed_out"]
NodeStatus = Literal["succeeded", "failed", "aborted"]


class Failure(BaseModel):
    """Why a node or an execution failed. `message` is cut at `MAX_TEXT`."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    name: str
    message: str
    node: str | None = None


class _Message(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    execution_id: str
    workflow_id: str
    seq: int = Field(ge=0, description="Counts an execution's messages; never goes back. Some numbers may be missing.")
    time: AwareDatetime


class ExecutionStarted(_Message):
    type: Literal["execution.started"] = "execution.started"
    status: Literal["running"] = "running"
    version: str
    trigger: str
    resumed: bool = Field(default=False, description="It goes on after a restart.")


class ExecutionFinished(_Message):
    type: Literal["execution.finished"] = "execution.finished"
    status: RunStatus
    has_errors: bool = False
    error: Failure | None = None
    duration_ms: float | None = None


class _NodeMessage(_Message):
    node: str
    iteration: list[int] = Field(default_factory=list, description="Indices of the loops around it.")


class NodeStarted(_NodeMessage):
    type: Literal["node.started"] = "node.started"
    attempt: int = Field(description="0 for the first try.")
    kind: str = Field(description="task, wait, or pause: what kind of run it is.")


class NodeFinished(_NodeMessage):
    type: Literal["node.finished"] = "node.finished"
    attempt: int
    kind: str = Field(description="task, wait, or pause: what kind of run it is.")
    status: NodeStatus
    port: str | None = Field(default=None, description="The port it emitted.")
    error: Failure | None = None
    duration_ms: float | None = None


class NodeLog(_NodeMessage):
    type: Literal["node.log"] = "node.log"
    level: str
    message: str
    fields: dict[str, Any] = Field(default_factory=dict)
    cut: bool = Field(default=False, description="Something was left out: the whole line is read by REST.")


class NodeProgress(_NodeMessage):
    """How far a running node is: `done` of `total`. It is not kept: `seq` is that of the last message before it."""

    type: Literal["node.progress"] = "node.progress"
    done: float = Field(ge=0)
    total: float | None = Field(default=None, gt=0, description="None where the node does not know.")
    note: str = ""


class Gap(BaseModel):
    """Messages `first` to `last` of an execution were left out, all or some of them: they are to be read by REST.

    Without an execution (on the channel of all runs) any run's status may have changed.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    type: Literal["gap"] = "gap"
    execution_id: str | None = None
    first: int | None = None
    last: int | None = None


RunMessage = ExecutionStarted | ExecutionFinished | NodeStarted | NodeFinished | NodeLog | NodeProgress | Gap
RUN_MESSAGE: Final[TypeAdapter[RunMessage]] = TypeAdapter(
    Annotated[RunMessage, Field(discriminator="type")], config=ConfigDict(defer_build=True)
)


def cut(text: str) -> str:
    return text if len(text) <= MAX_TEXT else text[: MAX_TEXT - 1] + "…"


def failure(error: Mapping[str, Any] | None) -> Failure | None:
    """`{name, message, node?}` as it is told."""
    if error is None:
        return None
    node = error.get("node")
    return Failure(
        name=str(error.get("name")),
        message=cut(str(error.get("message", ""))),
        node=node if isinstance(node, str) else None,
    )


def short_fields(fields: Mapping[str, Any]) -> dict[str, Any]:
    """A log line's fields, or none where they are too long to be told."""
    return dict(fields) if len(json.dumps(fields)) <= MAX_FIELDS else {}
