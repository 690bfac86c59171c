"""What the API answers with. Every field is described: the OpenAPI document and its clients are made from here."""

from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, SecretStr, StrictBool

from tradeloom.workflow.document import ID_PATTERN
from tradeloom.workflow.problems import Problem

ExecutionStatus = Literal["pending", "running", "succeeded", "failed", "stopped", "timed_out"]
NodeRunState = Literal["running", "succeeded", "failed", "skipped", "waiting"]
LogLevel = Literal["debug", "info", "warning", "error"]
Identifier = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9-]+$")]

FINISHED: frozenset[str] = frozenset({"succeeded", "failed", "stopped", "timed_out"})


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True)


# -- workflows --------------------------------------------------------------------------------------------------


class WorkflowSummary(_Model):
    """A workflow as lists show it. `version` is the sha256 of its document; every save that changes it makes one."""

    id: Identifier = Field(examples=["wf-3f9c2c1e"])
    name: str = Field(examples=["RSI dip buyer"])
    description: str = ""
    active: bool = Field(description="Whether its triggers start it.")
    version: str = Field(description="Also the ETag; a PUT names it in If-Match.", examples=["9f86d081884c7d65…"])
    nodes: int = Field(description="How many nodes it has.")
    account: str = Field(description="The broker account it trades on.", examples=["paper"])
    created_at: AwareDatetime
    updated_at: AwareDatetime
    next_fire: AwareDatetime | None = Field(
        default=None, description="When a schedule starts it next, in market time; null where none does."
    )


class WorkflowDetail(WorkflowSummary):
    document: dict[str, Any] = Field(description="The workflow document, as saved.")
    execution_type: Literal["express", "standard"] = Field(description="The kind of state machine it compiles to.")
    warnings: list[Problem] = Field(default_factory=list, description="What does not keep it from running.")


class WorkflowPage(_Model):
    items: list[WorkflowSummary]
    total: int = Field(description="How many there are in all.")


class Toggle(_Model):
    """Whether the workflow is to be active. Left out, it changes to the other state."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"active": True}]})

    active: StrictBool | None = None


# -- executions -------------------------------------------------------------------------------------------------


class Execute(_Model):
    """How to start a workflow once."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"test_mode": True, "wait_s": 20}, {"payload": {"reason": "by hand"}}]},
    )

    test_mode: StrictBool = Field(
        default=False, description="Trade on the private test account; network sends are shown and not sent."
    )
    payload: dict[str, Any] = Field(default_factory=dict, description="What the trigger gives as its payload.")
    trigger: str | None = Field(
        default=None, pattern=ID_PATTERN, description="Id of the trigger node that fires; its only one when left out."
    )
    wait_s: float = Field(
        default=0, ge=0, le=25, allow_inf_nan=False, description="Seconds to wait for the end before answering."
    )


class Failure(_Model):
    """Why an execution or a node failed."""

    name: str = Field(examples=["StalePrice"])
    message: str
    node: str | None = None


class NodeRun(_Model):
    """One run of one node. In a loop every iteration is a run of its own."""

    node: str
    name: str = Field(description="The node's display name.")
    type: str
    iteration: list[int] = Field(default_factory=list)
    state: NodeRunState
    port: str | None = Field(default=None, description="The port it emitted.")
    output: Any = None
    error: Failure | None = None
    attempts: int = Field(default=1, description="How often it was tried.")
    started_at: AwareDatetime | None = None
    finished_at: AwareDatetime | None = None
    duration_ms: float | None = None


class ExecutionSummary(_Model):
    id: Identifier
    workflow_id: str
    workflow_name: str = ""
    version: str
    status: ExecutionStatus
    has_errors: bool = Field(default=False, description="It completed although a node failed.")
    trigger: str
    test_mode: bool
    account: str
    as_of: AwareDatetime = Field(description="The market's time when it was dispatched.")
    started_at: AwareDatetime
    finished_at: AwareDatetime | None = None
    duration_ms: float | None = None
    error: Failure | None = None


class Execution(ExecutionSummary):
    payload: dict[str, Any] = Field(default_factory=dict)
    node_runs: list[NodeRun] = Field(default_factory=list, description="In the order they started.")


class ExecutionPage(_Model):
    items: list[ExecutionSummary]
    total: int


class LogLine(_Model):
    """One line of an execution's log. `seq` grows by one; `after=seq` gives what came later."""

    seq: int
    time: AwareDatetime
    level: LogLevel
    message: str
    node: str | None = None
    iteration: list[int] = Field(default_factory=list)
    fields: dict[str, Any] = Field(default_factory=dict)


class LogPage(_Model):
    items: list[LogLine]
    next_after: int = Field(description="What to ask for next time.")


# -- nodes ------------------------------------------------------------------------------------------------------


class NodePort(_Model):
    name: str
    title: str


class NodeType(_Model):
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


class NodeTypes(_Model):
    items: list[NodeType]


class NodeExample(_Model):
    title: str
    config: dict[str, Any]
    inputs: dict[str, Any] = Field(default_factory=dict)


class NodeError(_Model):
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


class NodeTest(_Model):
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
    payload: dict[str, Any] = Field(default_factory=dict, description="What started the run, for triggers.")
    account: str = Field(default="paper", min_length=1, max_length=64)


class NodeTestResult(_Model):
    """What the node gave. A node that fails is an answer too: `state` is failed and `error` says why."""

    state: Literal["succeeded", "failed"]
    port: str | None = None
    output: Any = None
    error: Failure | None = None
    duration_ms: float
    logs: list[LogLine] = Field(default_factory=list)


# -- credentials ------------------------------------------------------------------------------------------------

CredentialName = Annotated[str, Field(min_length=1, max_length=100, description="Unique; printable characters.")]
FieldName = Annotated[str, Field(max_length=100)]
SecretText = Annotated[SecretStr, Field(max_length=8192)]


class CredentialField(_Model):
    """One field of a kind, as a form shows it. What is `secret` is never answered, and shown nowhere."""

    name: str = Field(examples=["password"])
    title: str
    help: str
    secret: bool
    required: bool
    default: str | None = None
    choices: list[str] | None = Field(default=None, description="The only values it takes.")


class CredentialKind(_Model):
    kind: str = Field(examples=["smtp"])
    title: str
    description: str
    fields: list[CredentialField]


class CredentialKinds(_Model):
    items: list[CredentialKind]


class NewCredential(_Model):
    """A credential to keep. `GET /credential-kinds` tells which fields a kind has."""

    model_config = ConfigDict(
        extra="forbid",
        hide_input_in_errors=True,
        json_schema_extra={
            "examples": [{"name": "Ops bot", "kind": "http_bearer", "fields": {"token": "the token itself"}}]
        },
    )

    name: CredentialName
    kind: str = Field(max_length=40)
    fields: dict[FieldName, SecretText] = Field(max_length=20, description="All values are texts.")


class ReplacedCredential(_Model):
    """What is to change. Fields left out keep their values, null takes one away."""

    model_config = ConfigDict(
        extra="forbid",
        hide_input_in_errors=True,
        json_schema_extra={"examples": [{"name": "Ops bot"}, {"fields": {"token": "the new token"}}]},
    )

    name: CredentialName | None = None
    fields: dict[FieldName, SecretText | None] = Field(default_factory=dict, max_length=20)


class CredentialSummary(_Model):
    id: Identifier = Field(examples=["cred-5b0c9e2f41d7a836"])
    name: str
    kind: str = Field(examples=["http_bearer"])
    fields: list[str] = Field(description="Which fields are set.")
    created_at: AwareDatetime
    updated_at: AwareDatetime
    last_used_at: AwareDatetime | None = Field(default=None, description="When a node was given it last.")


class CredentialUse(_Model):
    """A workflow whose newest or running version names a credential, and in which nodes."""

    workflow_id: str
    workflow_name: str
    active: bool
    nodes: list[str]


class CredentialDetail(CredentialSummary):
    used_by: list[CredentialUse]


class CredentialPage(_Model):
    items: list[CredentialSummary]
    total: int


# -- the rest ---------------------------------------------------------------------------------------------------


class NotificationItem(_Model):
    id: str
    time: AwareDatetime
    level: Literal["info", "success", "warning", "error"]
    title: str
    message: str
    execution_id: str
    workflow_id: str
    node: str


class NotificationPage(_Model):
    items: list[NotificationItem] = Field(description="Newest first.")


class Component(_Model):
    name: str = Field(examples=["database"])
    status: Literal["ok", "down"]
    detail: str = ""


class AccountStanding(_Model):
    """A broker account and its market clock. `speed` is market seconds per second: 1 live, 0 standing still."""

    name: str
    available: bool
    trade_mode: Literal["paper", "demo", "live"] | None = None
    margin_mode: Literal["netting", "hedging"] | None = None
    state: Literal["active", "reducing", "halted"] | None = None
    currency: str | None = None
    balance: float | None = None
    equity: float | None = None
    market_time: AwareDatetime | None = None
    speed: float | None = None
    detail: str = ""


class Health(_Model):
    status: Literal["ok", "degraded"]
    version: str
    started_at: AwareDatetime
    components: list[Component]
    accounts: list[AccountStanding]
    running: int = Field(description="Executions that have not ended.")
