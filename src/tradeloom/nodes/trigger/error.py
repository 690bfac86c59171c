"""trigger.error: an execution of another workflow came to a bad end."""

from datetime import UTC
from typing import Any, Literal

from pydantic import AwareDatetime, Field, ValidationError

from tradeloom.errors import NodeConfigError
from tradeloom.nodes.base import Example, Kind, Node, NodeConfig, NodeContext, NodeOutput


class ErrorConfig(NodeConfig):
    pass


class ErrorOutput(NodeOutput):
    execution_id: str = Field(description="The execution that failed, to look up in the console.")
    workflow_id: str = Field(description="The workflow that failed.")
    workflow_name: str = Field(description="Its name now.")
    version: str = Field(description="The version of the workflow that ran.")
    status: Literal["failed", "timed_out", "stopped"] = Field(
        description="stopped where a halt of the account ended it, and the workflow wants to hear of that."
    )
    error: str = Field(description="The error's name, such as StalePrice.")
    message: str = Field(description="What went wrong, in a sentence.")
    hint: str = Field(description="What to do about it; empty where nothing is known.")
    node_id: str = Field(description="The node that failed; empty where it was none.")
    node_name: str = Field(description="What that node is called on the canvas.")
    node_type: str = Field(description="Its type, such as market.live_price.")
    trigger: str = Field(description="The trigger node that had started it.")
    account: str = Field(description="The broker account it traded on.")
    as_of: AwareDatetime = Field(description="The market time the execution stood at.")
    failed_at: AwareDatetime = Field(description="When it ended, by the wall clock, UTC.")


class Error(Node):
    type = "trigger.error"
    title = "On error"
    description = "Starts this workflow when another one fails."
    help = (
        "Name this workflow under *Error workflow* in the settings of others. When an execution of one fails or "
        "runs out of time, this one starts once, with what is known of the failure: send a message, close what is "
        "open, stop the account. It starts although the machine went down in between, and whether or not it is "
        "active.\n\n"
        "Executions in test mode start nothing, and what fails here starts no error workflow again. Started by hand "
        "without a payload, the output is a sample."
    )
    icon = "siren"
    kind = Kind.TRIGGER
    errors = (NodeConfigError,)
    example = Example(title="Tell me what failed", config={})
    Config = ErrorConfig
    Output = ErrorOutput

    def run(self, config: ErrorConfig, context: NodeContext) -> ErrorOutput:
        try:
            made = ErrorOutput.model_validate({**_sample(context), **context.payload})
            moments = {name: getattr(made, name).astimezone(UTC) for name in ("as_of", "failed_at")}
        except (ValidationError, OverflowError) as error:
            raise NodeConfigError(
                "The payload is not that of a failed execution.",
                field="payload",
                hint="Started by hand, it may give some of the output's fields, or none.",
            ) from error
        return made.model_copy(update=moments)


def _sample(context: NodeContext) -> dict[str, Any]:
    """What stands for the fields that are not given."""
    return {
        "execution_id": "sample",
        "workflow_id": "sample",
        "workflow_name": "A workflow that fails",
        "version": "",
        "status": "failed",
        "error": "StalePrice",
        "message": "This is a sample: the price of EURUSD is 75 s old, and 60 s is allowed.",
        "hint": "Look whether the terminal is connected.",
        "node_id": "price",
        "node_name": "Live price",
        "node_type": "market.live_price",
        "trigger": "start",
        "account": context.account,
        "as_of": context.as_of,
        "failed_at": context.started_at,
    }
