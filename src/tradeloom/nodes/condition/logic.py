"""condition.logic: AND, OR, NOT and their kin over the branches that lead in."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from tradeloom.errors import MissingInput, NodeConfigError
from tradeloom.nodes.base import (
    TRUE_FALSE,
    Emit,
    Example,
    Node,
    NodeConfig,
    NodeContext,
    NodeOutput,
    Source,
    Tier,
    setting,
)
from tradeloom.nodes.values import shown
from tradeloom.workflow.graph import ITEM_PORT

Operator = Literal["AND", "OR", "NOT", "NAND", "NOR", "XOR"]
MAX_VALUES = 100


class LogicConfig(NodeConfig):
    operator: Operator = setting(
        "AND",
        title="Operator",
        help="AND: all are true. OR: at least one. NOT: the one input is false. NAND: not all. NOR: none. "
        "XOR: an odd number, so of two exactly one.",
        widget="select",
    )
    values: list[Any] = setting(
        [],
        title="More inputs",
        help="Expressions that are true or false, counted as inputs beside the connections.",
        widget="expression",
        examples=[["= nodes.rsi.value < 30"]],
        max_length=MAX_VALUES,
    )
    use_connections: bool = setting(
        True,
        title="Count the connections",
        help="Whether each connection is an input. Turned off, connections only say when this node runs.",
        widget="toggle",
        static=True,
        advanced=True,
    )


class LogicInput(BaseModel):
    """One input as it counted."""

    model_config = ConfigDict(frozen=True)

    source: str = Field(description="The node it came from; for an expression `values.0` and so on.")
    port: str | None = Field(description="The port the connection leaves by; null for an expression.")
    value: bool = Field(description="What it counted as.")


class LogicOutput(NodeOutput):
    result: bool = Field(description="The operator over all inputs.")
    inputs: list[LogicInput] = Field(description="Every input as it counted, connections first.")
    reason: str = Field(description="The decision in words, such as `AND of rsi.true=true, trend.true=false`.")


class Logic(Node):
    type = "condition.logic"
    title = "Logic"
    description = "Combines branches by AND, OR, NOT, NAND, NOR or XOR, and goes on by true or false."
    help = (
        "Joins decisions made apart. Connect the `true` port of several conditions to one AND and it goes on by `true` "
        "only where all of them held.\n\n"
        "It waits until every branch that leads in has settled and then fires once. A connection that was taken counts "
        "as true, one that was not taken as false. A connection from an ordinary output counts as that output if it is "
        "true or false, or as its `result`; any other output is an error.\n\n"
        "NOT takes exactly one input. XOR over more than two is true where an odd number is."
    )
    icon = "binary"
    tier = Tier.BASIC
    ports = TRUE_FALSE
    default_join = "settled"
    errors = (MissingInput, NodeConfigError)
    example = Example(
        title="Oversold and in an uptrend",
        config={
            "operator": "AND",
            "values": ["= nodes.rsi.value < 30", '= nodes.ma.trend == "up"'],
            "use_connections": False,
        },
        inputs={
            "indicator.rsi": {"value": 28.4, "previous": 31.2, "signal": "oversold"},
            "indicator.ma": {"value": 1.0812, "previous": 1.0809, "trend": "up"},
        },
    )
    Config = LogicConfig
    Output = LogicOutput

    @classmethod
    def wiring_problem(cls, config: Mapping[str, Any], ports: Sequence[str]) -> str | None:
        values = config.get("values", [])
        if not isinstance(values, list):
            return None
        connected = len([port for port in ports if port != ITEM_PORT]) if config.get("use_connections", True) else 0
        count = len(values) + connected
        return _count_problem(str(config.get("operator", "AND")), count)

    def run(self, config: LogicConfig, context: NodeContext) -> Emit:
        inputs = []
        if config.use_connections:
            # A loop feeds its body by the item port: that says when to run, and decides nothing.
            inputs = [_of_connection(source) for source in context.sources if source.port != ITEM_PORT]
        inputs += [_of_value(value, position) for position, value in enumerate(config.values)]
        problem = _count_problem(config.operator, len(inputs))
        if problem is not None:
            kind = MissingInput if not inputs else NodeConfigError
            raise kind(problem, field="config.operator")
        result = _combine(config.operator, [each.value for each in inputs])
        told = ", ".join(f"{each.source}{'.' + each.port if each.port else ''}={shown(each.value)}" for each in inputs)
        output = LogicOutput(result=result, inputs=inputs, reason=f"{config.operator} of {told}")
        return Emit("true" if result else "false", output)


def _count_problem(operator: str, count: int) -> str | None:
    if count == 0:
        return f"{operator} has no input: connect a branch, or give expressions."
    if operator == "NOT" and count != 1:
        return f"NOT takes exactly one input, not {count}; NOR is true where none of several is."
    return None


def _of_connection(source: Source) -> LogicInput:
    value = source.live
    if source.live and source.port == "main":
        value = _told(source)
    return LogicInput(source=source.node, port=source.port, value=value)


def _told(source: Source) -> bool:
    output = source.output
    told = output.get("result") if isinstance(output, Mapping) else output
    if not isinstance(told, bool):
        raise MissingInput(
            f"{source.node!r} gives neither true nor false, nor a `result` that is.",
            hint="Put a condition in between, connect one of its branches, or turn off Count the connections.",
        )
    return told


def _of_value(value: Any, position: int) -> LogicInput:
    name = f"values.{position}"
    if value is None:
        raise MissingInput(f"{name} has no value.", field=f"config.{name}")
    if not isinstance(value, bool):
        raise NodeConfigError(f"{name} is {shown(value)}, not true or false.", field=f"config.{name}")
    return LogicInput(source=name, port=None, value=value)


def _combine(operator: Operator, values: list[bool]) -> bool:
    match operator:
        case "AND":
            return all(values)
        case "OR":
            return any(values)
        case "NAND":
            return not all(values)
        case "NOT" | "NOR":
            return not any(values)
        case "XOR":
            return sum(values) % 2 == 1
