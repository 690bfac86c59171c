"""What travels between the state machine and a node's handler.

A task's payload is `{run, node, inputs, iteration?, item?, index?, first_at?}`; its answer is a node record
`{state, port, output}`. Both are plain JSON; nothing the user wrote but node outputs is in them.
"""

from typing import Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

NodeState = Literal["pending", "succeeded", "failed", "skipped"]

INLINE_OUTPUT_BYTES = 8 * 1024
"""An output up to this size travels inline; a larger one as a claim check."""


class RunInfo(BaseModel):
    """One execution, as every task sees it. `version` names the artefact the execution started with."""

    model_config = ConfigDict(frozen=True, extra="ignore", defer_build=True)

    execution_id: str = Field(pattern=r"^[A-Za-z0-9-]{1,50}$")
    tenant: str = "local"
    workflow_id: str
    version: str
    trigger: str
    payload: dict[str, Any] = Field(default_factory=dict)
    as_of: AwareDatetime
    started_at: AwareDatetime
    account: str
    test_mode: bool = False
    user_id: str = "local"
    parent: str | None = None
    """The execution that called this one; `called_by` are the workflows around it, outermost first."""
    called_by: tuple[str, ...] = ()


class NodeRecord(BaseModel):
    """What became of a node. `port` is the port it emitted (None when it emitted none), `output` what it gave."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    state: NodeState
    port: str | None = None
    output: Any = None


class TaskInput(BaseModel):
    """A task's payload. `inputs` holds the records of the nodes this one refers to, by id."""

    model_config = ConfigDict(frozen=True, extra="ignore", defer_build=True)

    run: RunInfo
    node: str
    inputs: dict[str, NodeRecord] = Field(default_factory=dict)
    iteration: list[int] = Field(default_factory=list)
    item: Any = None
    index: int | None = None
    first_at: AwareDatetime | None = None
    """Of a node that acts: the market time of its first attempt that counts. None where the engine does not tell."""
