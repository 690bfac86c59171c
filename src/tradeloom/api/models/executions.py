"""Executions, the runs of their nodes, and their logs."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from pydantic import AwareDatetime, ConfigDict, Field, StrictBool

from tradeloom.api.models.base import Identifier, Model
from tradeloom.api.models.execution_trades import ExecutionTrades, TradeResult
from tradeloom.api.models.orders import OrderItem
from tradeloom.workflow.document import ID_PATTERN

ExecutionStatus = Literal["pending", "running", "succeeded", "failed", "stopped", "timed_out"]
NodeRunState = Literal["running", "succeeded", "failed", "skipped", "waiting", "paused"]
LogLevel = Literal["debug", "info", "warning", "error"]

FINISHED: frozenset[str] = frozenset({"succeeded", "failed", "stopped", "timed_out"})


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutionQuery:
    """Which executions; unset parts match all. They were started at `since` or later, and earlier than `before`."""

    workflow_id: str | None = None
    status: ExecutionStatus | None = None
    since: datetime | None = None
    before: datetime | None = None


class Execute(Model):
    """How to start a workflow once."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"test_mode": True, "wait_s": 20}, {"payload": {"reason": "by hand"}}]},
    )

    test_mode: StrictBool = Field(
        default=False, description="Trade on the private test account; network sends are shown and not sent."
    )
    document: dict[str, Any] | None = Field(
        default=None,
        description="A document to run in place of the saved one, as it is on a screen. It becomes a version that runs "
        "this once: neither the workflow's newest nor what its triggers start.",
    )
    payload: dict[str, Any] = Field(default_factory=dict, description="What the trigger gives as its payload.")
    trigger: str | None = Field(
        default=None, pattern=ID_PATTERN, description="Id of the trigger node that fires; its only one when left out."
    )
    until: str | None = Field(
        default=None, pattern=ID_PATTERN, description="Run this node and what it depends on, and nothing else."
    )
    use_pins: StrictBool = Field(
        default=True, description="In test mode: use pinned outputs in place of running their nodes."
    )
    wait_s: float = Field(
        default=0, ge=0, le=25, allow_inf_nan=False, description="Seconds to wait for the end before answering."
    )


class Failure(Model):
    """Why an execution or a node failed."""

    name: str = Field(examples=["StalePrice"])
    message: str
    node: str | None = None
    hint: str = Field(default="", description="What can be done about it; empty where nothing more is known.")


class NodeRun(Model):
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
    given: Literal["pinned", "recorded", "by_hand"] | None = Field(
        default=None, description="It was not run: this is where its output comes from."
    )
    edited: dict[str, Any] = Field(default_factory=dict, description="What a person set before it ran, by path.")
    started_at: AwareDatetime | None = None
    finished_at: AwareDatetime | None = None
    duration_ms: float | None = None


class ExecutionSummary(Model):
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
    trades: ExecutionTrades = Field(
        default_factory=ExecutionTrades, description="What it traded, and what that made so far."
    )


class RetryItem(Model):
    """One time it went on after it had failed."""

    number: int
    at: AwareDatetime
    by: str
    error: Failure | None = Field(default=None, description="What it had failed with.")


class Execution(ExecutionSummary):
    seq: int = Field(
        default=0,
        description="Number of the last message about the execution that is in this answer: what came later is told "
        "by a subscription with `after`.",
    )
    payload: dict[str, Any] = Field(default_factory=dict)
    node_runs: list[NodeRun] = Field(default_factory=list, description="In the order they started.")
    retries: list[RetryItem] = Field(default_factory=list, description="In order.")
    replay_of: str | None = Field(default=None, description="The execution it runs again.")
    from_node: str | None = Field(default=None, description="It runs again from this node on.")
    until: str | None = Field(default=None, description="It ends behind this node.")
    debugging: bool = Field(default=False, description="It pauses for a person.")
    orders: list[OrderItem] = Field(default_factory=list, description="What it sent to the broker, the earliest first.")


class ExecutionDocument(Model):
    """What an execution runs: the document of its version, which need never have been saved."""

    version: str
    document: dict[str, Any]


class ExecutionPage(Model):
    items: list[ExecutionSummary]
    total: int
    results: list[TradeResult] = Field(
        default_factory=list,
        description="What all positions of the workflow made that are closed, not only those of this page; empty where "
        "executions of all workflows are listed.",
    )


class LogLine(Model):
    """One line of an execution's log. `seq` grows by one; `after=seq` gives what came later."""

    seq: int
    time: AwareDatetime
    level: LogLevel
    message: str
    node: str | None = None
    iteration: list[int] = Field(default_factory=list)
    fields: dict[str, Any] = Field(default_factory=dict)


class LogPage(Model):
    items: list[LogLine]
    next_after: int = Field(description="What to ask for next time.")
