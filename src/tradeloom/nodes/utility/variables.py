"""utility.variables: what a workflow remembers from one run to the next."""

import math
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from tradeloom.errors import (
    Conflict,
    ExecutionStopped,
    InvalidInput,
    MissingInput,
    NodeConfigError,
    NotANumber,
    StorageUnavailable,
)
from tradeloom.nodes.base import Effect, Example, Node, NodeConfig, NodeContext, NodeOutput, setting
from tradeloom.nodes.values import number, present, shown
from tradeloom.nodes.variables import SHARED, Variable, account_scope, update, workflow_scope

MAX_KEPT = 1_000
NEEDING_VALUE = ("set", "append")


class VariablesConfig(NodeConfig):
    action: Literal["get", "set", "add", "append", "remove"] = setting(
        "get",
        title="Action",
        help="Read it, set it, add to a number, append to a list, or take it away.",
        widget="select",
        static=True,
    )
    name: str = setting(
        title="Name",
        help="What it is called. It may hold values, such as peak_{{ trigger.payload.symbol }}.",
        widget="text",
        examples=["trades_today", "last_signal"],
        pattern=r"\S",
        max_length=100,
        coerce_numbers_to_str=True,
    )
    scope: Literal["workflow", "account", "shared"] = setting(
        "workflow",
        title="Seen by",
        help="This workflow only, all workflows on its account, or all of yours.",
        widget="select",
        static=True,
    )
    value: Any = setting(
        None,
        title="Value",
        help="What to set or append, or the number to add (1 when left empty).",
        widget="expression",
        show_if={"action": ["set", "add", "append"]},
        examples=["= nodes.rsi.value", 1],
    )
    default: Any = setting(
        None,
        title="If it is not there",
        help="What get gives and add starts from where nothing has been set yet.",
        widget="expression",
        show_if={"action": ["get", "add"]},
        examples=[0],
    )
    keep: int = setting(
        100,
        title="Keep the last",
        help="The list forgets its oldest entries beyond this many.",
        unit="entries",
        widget="number",
        show_if={"action": ["append"]},
        ge=1,
        le=MAX_KEPT,
    )

    @model_validator(mode="after")
    def _value_where_needed(self) -> Self:
        if self.action in NEEDING_VALUE and "value" not in self.model_fields_set:
            raise ValueError(f"give the value to {self.action}")
        return self


class VariablesOutput(NodeOutput):
    name: str = Field(description="What it is called.")
    value: Any = Field(description="Its value now; null when it is not there.")
    previous: Any = Field(description="Its value before this node; the same as the value for get.")
    exists: bool = Field(description="Whether it is there now; a default given by get does not count.")


class VariablesNode(Node):
    type = "utility.variables"
    title = "Variable"
    description = "Remembers a value between runs: a counter, a last signal, a list of recent readings."
    help = (
        "A variable outlives the run: the next one reads what this one left. **get** reads it, **set** replaces it, "
        "**add** adds to a number, **append** adds to the end of a list that keeps only its latest entries, **remove** "
        "takes it away.\n\n"
        "Each change happens whole or not at all, and two runs that add at the same time both count. A node that is "
        "tried again after a failure changes nothing a second time. In test mode changes are seen by that run only and "
        "the real values stay as they are.\n\n"
        "Setting null takes the variable away. A value may be up to 64 KiB of JSON."
    )
    icon = "database-zap"
    effects = frozenset({Effect.WRITES})
    errors = (
        MissingInput,
        NotANumber,
        NodeConfigError,
        InvalidInput,
        Conflict,
        ExecutionStopped,
        StorageUnavailable,
    )
    example = Example(title="Count this workflow's signals", config={"action": "add", "name": "signals", "value": 1})
    Config = VariablesConfig
    Output = VariablesOutput

    def run(self, config: VariablesConfig, context: NodeContext) -> VariablesOutput:
        name, scope = config.name.strip(), _scope(config, context)
        if config.action == "get":
            known = context.variables.read(scope, name)
            value = config.default if known.value is None else known.value
            return VariablesOutput(name=name, value=value, previous=value, exists=known.value is not None)
        context.before_acting()
        written = self._write(config, context, scope, name)
        if written.repeated:
            context.log("this was done before the node ran again; it is not done twice", variable=name)
        return VariablesOutput(
            name=name, value=written.value, previous=written.previous, exists=written.value is not None
        )

    def _write(self, config: VariablesConfig, context: NodeContext, scope: str, name: str) -> Variable:
        variables, effect = context.variables, context.client_order_id()
        match config.action:
            case "set":
                return variables.write(scope, name, config.value, effect=effect)
            case "remove":
                return variables.write(scope, name, None, effect=effect)
            case "add":
                return update(variables, scope, name, lambda known: _sum(config, known), effect=effect)
            case _:
                entry = present(config.value, "value")
                return update(variables, scope, name, lambda known: _longer(config, known, entry), effect=effect)


def _scope(config: VariablesConfig, context: NodeContext) -> str:
    match config.scope:
        case "workflow":
            return workflow_scope(context.workflow_id)
        case "account":
            return account_scope(context.account)
        case _:
            return SHARED


def _sum(config: VariablesConfig, known: Any) -> float:
    start = known if known is not None else (0 if config.default is None else number(config.default, "default"))
    if isinstance(start, bool) or not isinstance(start, int | float):
        message = f"The variable {config.name!r} is {shown(start)}, so nothing can be added to it."
        raise NotANumber(message, field="config.name", hint="Set it to a number first.")
    total = float(start) + (1.0 if config.value is None else number(config.value, "value"))
    if not math.isfinite(total):
        raise NotANumber(f"The sum in {config.name!r} is too large.", field="config.value")
    return total


def _longer(config: VariablesConfig, known: Any, entry: Any) -> list[Any]:
    if known is not None and not isinstance(known, list):
        message = f"The variable {config.name!r} is {shown(known)}, so nothing can be appended to it."
        raise NodeConfigError(message, field="config.name", hint="Remove it first, or use another name.")
    return [*(known or []), entry][-config.keep :]
