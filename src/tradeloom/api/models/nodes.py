"""Node types, and one node on trial."""

from typing import Any, Literal

from pydantic import ConfigDict, Field

from tradeloom.api.models.base import Model
from tradeloom.api.models.executions import Failure, LogLine
from tradeloom.workflow.document import ID_PATTERN


class NodePort(Model):
    name: str
    title: str


class NodeType(Model):
    """A node type as the palette shows it."""

    type: str = Field(examples=["indicator.rsi"])
    version: int
    category: str
    title: str
    description: str
    icon: str = Field(description="Name of a Lucide icon.")
    tier: Literal["basic", "pro"]
    kind: Literal["task", "trigger", "wait", "loop"]
    effects: list[str] = Field(description="What it does beyond computing.")
    ports: list[NodePort]
    default_join: Literal["any", "all", "settled"]


class NodeTypes(Model):
    items: list[NodeType]


class NodeExample(Model):
    title: str
    config: dict[str, Any]
    inputs: dict[str, Any] = Field(default_factory=dict)


class NodeError(Model):
    """An error the node may fail with; a retryable one is tried again as the node's retry policy says."""

    name: str
    retryable: bool
    description: str


class NodeSchema(NodeType):
    """Everything a form or a type checker needs of a node type."""

    help: str = Field(description="Markdown.")
    timeout_s: int
    config_schema: dict[str, Any] = Field(description="JSON Schema of the configuration, with widgets and units.")
    output_schema: dict[str, Any] = Field(description="JSON Schema of the output.")
    errors: list[NodeError]
    example: NodeExample


class NodeTest(Model):
    """One node, its configuration, and what its sources are to have given it."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "type": "condition.if",
                    "config": {"a": "= inputs.rsi.value", "operator": "<", "b": 30},
                    "inputs": {"rsi": {"value": 24.5}},
                }
            ]
        },
    )

    type: str = Field(max_length=80)
    config: dict[str, Any] = Field(default_factory=dict)
    inputs: dict[str, Any] = Field(
        default_factory=dict, max_length=100, description="Outputs of the node's sources, by their ids."
    )
    node: str | None = Field(
        default=None,
        pattern=ID_PATTERN,
        description="Id of the node in a workflow: what it saw in an execution counts where `inputs` has nothing.",
    )
    execution_id: str | None = Field(default=None, max_length=64, description="With `node`: the execution.")
    workflow_id: str | None = Field(
        default=None, max_length=64, description="With `node`: the workflow whose last execution counts."
    )
    payload: dict[str, Any] = Field(default_factory=dict, description="What started the run, for triggers.")
    account: str = Field(default="paper", min_length=1, max_length=64)


class NodeTestResult(Model):
    """What the node gave. A node that fails is an answer too: `state` is failed and `error` says why."""

    state: Literal["succeeded", "failed"]
    port: str | None = None
    output: Any = None
    error: Failure | None = None
    duration_ms: float
    logs: list[LogLine] = Field(default_factory=list)
