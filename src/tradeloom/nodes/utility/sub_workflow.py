"""utility.sub_workflow: another workflow runs as one node of this one."""

import time
from typing import Any, Literal

from pydantic import Field

from tradeloom.errors import (
    Conflict,
    ExecutionStopped,
    InvalidInput,
    NotFound,
    StorageUnavailable,
    SubWorkflowFailed,
    SubWorkflowUnfinished,
)
from tradeloom.nodes.base import Effect, Example, Node, NodeConfig, NodeContext, NodeOutput, setting
from tradeloom.nodes.sub_workflows import MAX_DEPTH, SubResult

LONGEST_WAIT_S = 840
LOOK_S = 2.0
"""How long one question to the engine may take."""


class SubWorkflowConfig(NodeConfig):
    workflow: str = setting(
        title="Workflow",
        help="The workflow to run: its id, or its name where no other has it.",
        widget="text",
        examples=["Exit rules"],
        pattern=r"\S",
        max_length=200,
    )
    payload: dict[str, Any] = setting(
        {},
        title="Payload",
        help="What it is started with; there it is `trigger.payload`.",
        widget="key-value",
        examples=[{"symbol": "= item", "side": "buy"}],
    )
    wait: bool = setting(
        True,
        title="Wait for it",
        help="Go on when it has ended, with what it gave; otherwise at once.",
        widget="toggle",
    )
    timeout_s: float = setting(
        240,
        title="Wait at most",
        help="A workflow that takes longer fails this node and runs on by itself.",
        unit="s",
        widget="duration",
        show_if={"wait": [True]},
        ge=1,
        le=LONGEST_WAIT_S,
        advanced=True,
    )
    outputs: list[str] = setting(
        [],
        title="Outputs of",
        help="Ids of its nodes whose outputs you want beside the last one's.",
        widget="text",
        show_if={"wait": [True]},
        examples=[["size", "order"]],
        max_length=20,
    )


class SubWorkflowOutput(NodeOutput):
    execution_id: str = Field(description="Its execution, to look up in the console.")
    status: Literal["started", "succeeded"] = Field(description="started when nobody waited for its end.")
    has_errors: bool = Field(description="Whether a node in it failed and it went on.")
    output: Any = Field(description="What its last node gave; null when nobody waited.")
    outputs: dict[str, Any] = Field(description="What the nodes you named gave, by id; null for one that did not run.")


class SubWorkflow(Node):
    type = "utility.sub_workflow"
    title = "Sub-workflow"
    description = "Runs another workflow as one step of this one, and takes its result."
    help = (
        "Build a piece once, such as exit rules or an alert, and use it in many workflows. The other workflow starts "
        "by its manual trigger with the payload you give, in an execution of its own that the console shows; this node "
        "waits for its end and gives what its last node gave, or goes on at once.\n\n"
        "It runs the version that is active, or the one saved last where none is; a run by hand or in test mode always "
        "takes the one saved last, and test mode carries over. It may act as long as this workflow may: stopping or "
        f"deactivating this one stops both. Workflows may call each other {MAX_DEPTH} deep, and never themselves.\n\n"
        "If this node is tried again after a failure the same execution is waited for: nothing is started twice. When "
        "the other workflow fails, so does this node, with its error."
    )
    icon = "workflow"
    effects = frozenset({Effect.STARTS})
    errors = (
        NotFound,
        InvalidInput,
        Conflict,
        SubWorkflowFailed,
        SubWorkflowUnfinished,
        ExecutionStopped,
        StorageUnavailable,
    )
    timeout_s = 900
    example = Example(
        title="The shared exit rules for one symbol",
        config={"workflow": "Exit rules", "payload": {"symbol": "EURUSD"}, "timeout_s": 60},
    )
    Config = SubWorkflowConfig
    Output = SubWorkflowOutput

    def run(self, config: SubWorkflowConfig, context: NodeContext) -> SubWorkflowOutput:
        context.before_acting()
        try:
            started = context.sub_workflows.start(
                config.workflow.strip(), config.payload, effect=context.client_order_id()
            )
        except (NotFound, InvalidInput, Conflict) as error:
            error.field = "config.workflow"
            raise
        context.log(f"{config.workflow} runs as {started}", started=started)
        if not config.wait:
            return SubWorkflowOutput(execution_id=started, status="started", has_errors=False, output=None, outputs={})
        ended = _ended(started, config, context)
        if ended.status != "succeeded":
            raise _failure(config.workflow, ended)
        return SubWorkflowOutput(
            execution_id=started,
            status="succeeded",
            has_errors=ended.has_errors,
            output=ended.output,
            outputs=dict(ended.outputs or {}),
        )


def _ended(execution_id: str, config: SubWorkflowConfig, context: NodeContext) -> SubResult:
    give_up = time.monotonic() + config.timeout_s
    while (left := give_up - time.monotonic()) > 0:
        known = context.sub_workflows.result(execution_id, wait_s=min(left, LOOK_S), outputs=tuple(config.outputs))
        if known.status != "running":
            return known
        context.check_stopped()
    raise SubWorkflowUnfinished(
        f"{config.workflow} has not ended within {config.timeout_s:g} s; it runs on as {execution_id}.",
        field="config.timeout_s",
        hint="Wait longer, or do not wait for it.",
    )


def _failure(workflow: str, ended: SubResult) -> SubWorkflowFailed:
    error = ended.error or {}
    where = f" at {error['node']}" if error.get("node") else ""
    why = f": {error.get('name', '')}: {error.get('message', '')}" if error else ""
    return SubWorkflowFailed(
        f"{workflow} {ended.status.replace('_', ' ')}{where}{why}",
        hint=f"Open the execution {ended.execution_id}.",
    )
