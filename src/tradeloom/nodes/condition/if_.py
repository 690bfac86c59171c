"""condition.if: two values and an operator, or one expression; the workflow goes on by `true` or by `false`."""

from typing import Any, Literal, Self

from pydantic import Field, StrictBool, model_validator

from tradeloom.errors import MissingInput, NodeConfigError, NotANumber, NotEnoughBars
from tradeloom.nodes.base import TRUE_FALSE, Emit, Example, Node, NodeConfig, NodeContext, NodeOutput, Tier, setting
from tradeloom.nodes.values import number, present, shown

Operator = Literal[">", "<", "=", ">=", "<=", "!=", "crosses_above", "crosses_below"]
CROSSES = ("crosses_above", "crosses_below")


class IfConfig(NodeConfig):
    a: Any = setting(
        None,
        title="A",
        help="The value to judge: a number, text or true/false; for crosses also a series, oldest value first.",
        widget="expression",
        examples=["= nodes.rsi.value"],
    )
    operator: Operator = setting(
        ">",
        title="Operator",
        help="How A must stand to B. Texts and true/false know only = and !=.",
        widget="select",
        static=True,  # `=` is an operator here, not the start of an expression
    )
    b: Any = setting(
        None,
        title="B",
        help="What A is compared with; for crosses a constant level, or a series like A.",
        widget="expression",
        examples=[30, "= nodes.ma.value"],
    )
    a_previous: Any = setting(
        None,
        title="A before",
        help="A one step earlier, where A is a single number. Nodes that give `value` also give `previous`.",
        widget="expression",
        show_if={"operator": list(CROSSES)},
        examples=["= nodes.rsi.previous"],
    )
    b_previous: Any = setting(
        None,
        title="B before",
        help="B one step earlier. Left unset, a B that is a single number counts as a level that does not move.",
        widget="expression",
        show_if={"operator": list(CROSSES)},
        examples=["= nodes.ma.previous"],
    )
    tolerance: float = setting(
        0.0,
        title="Tolerance",
        help="Numbers that differ by no more than this are equal.",
        unit="the values' own",
        widget="number",
        show_if={"operator": ["=", "!="]},
        ge=0,
        advanced=True,
    )
    expression: StrictBool | None = setting(
        None,
        title="Expression",
        help="Instead of A, operator and B: one expression that is true or false.",
        widget="expression",
        examples=["= nodes.rsi.value < 30 && nodes.bars.last.close > nodes.ma.value"],
    )

    @model_validator(mode="after")
    def _one_way_to_decide(self) -> Self:
        given = self.model_fields_set
        if "expression" not in given and not {"a", "b"} <= given:
            raise ValueError("give A, an operator and B, or one expression")
        if self.expression is not None and (self.a is not None or self.b is not None):
            raise ValueError("give either A, an operator and B, or an expression, not both")
        return self


class IfOutput(NodeOutput):
    result: bool = Field(description="Whether the condition holds.")
    operator: Operator | None = Field(description="The operator; null where an expression decided.")
    a: Any = Field(description="A as it was compared; null where an expression decided.")
    b: Any = Field(description="B as it was compared; null where an expression decided.")
    a_previous: float | None = Field(description="A one step earlier; only for crosses.")
    b_previous: float | None = Field(description="B one step earlier; only for crosses.")
    reason: str = Field(description="The decision in words, such as `28.4 < 30 holds`.")


class If(Node):
    type = "condition.if"
    title = "If"
    description = "Goes on by true or false: compares two values, or takes the answer of one expression."
    help = (
        "Compare A with B, or write one expression. What follows the `true` port runs when the condition holds, what "
        "follows `false` when it does not.\n\n"
        "**crosses_above** holds on the one step where A was at or below B and now is above it; **crosses_below** is "
        "its mirror. Give A and B as series (oldest first), or as single numbers with the value before; a lone number "
        "for B is a fixed level.\n\n"
        "A value that is missing or not a number takes neither port: the node fails and says which one it was, so a "
        "gap in the data never looks like a signal. Comparing a text with a number is an error, not a false."
    )
    icon = "split"
    tier = Tier.BASIC
    ports = TRUE_FALSE
    errors = (MissingInput, NotANumber, NotEnoughBars, NodeConfigError)
    example = Example(
        title="RSI below 30",
        config={"a": "= nodes.rsi.value", "operator": "<", "b": 30},
        inputs={"indicator.rsi": {"value": 28.4, "previous": 31.2, "signal": "oversold"}},
    )
    Config = IfConfig
    Output = IfOutput

    def run(self, config: IfConfig, context: NodeContext) -> Emit:
        if config.expression is not None:
            output = _by_expression(config.expression)
        elif config.a is None and config.b is None and "expression" in config.model_fields_set:
            raise MissingInput("The expression gave no value.", field="config.expression")
        elif config.operator in CROSSES:
            output = _by_crossing(config)
        else:
            output = _by_comparison(config)
        return Emit("true" if output.result else "false", output)


def _by_expression(result: bool) -> IfOutput:
    reason = _verdict("the expression", result)
    return IfOutput(result=result, operator=None, a=None, b=None, a_previous=None, b_previous=None, reason=reason)


def _by_comparison(config: IfConfig) -> IfOutput:
    a, b = present(config.a, "a"), present(config.b, "b")
    if config.operator in ("=", "!=") and _both_plain(a, b):
        result = (a == b) == (config.operator == "=")
    else:
        result = _numbers_compare(config)
    reason = _verdict(f"{shown(a)} {config.operator} {shown(b)}", result)
    return IfOutput(result=result, operator=config.operator, a=a, b=b, a_previous=None, b_previous=None, reason=reason)


def _both_plain(a: Any, b: Any) -> bool:
    """Whether both are texts, or both true/false."""
    return any(isinstance(a, kind) and isinstance(b, kind) for kind in (str, bool))


def _numbers_compare(config: IfConfig) -> bool:
    _same_kind(config)
    a, b = number(config.a, "a"), number(config.b, "b")
    match config.operator:
        case ">":
            return a > b
        case "<":
            return a < b
        case ">=":
            return a >= b
        case "<=":
            return a <= b
        case "=":
            return abs(a - b) <= config.tolerance
        case _:
            return abs(a - b) > config.tolerance


def _same_kind(config: IfConfig) -> None:
    """Say what cannot be compared, where the reason is not simply that one of the two is no number."""
    for name, value in (("a", config.a), ("b", config.b)):
        if isinstance(value, list | dict):
            hint = "Only crosses_above and crosses_below take a series." if isinstance(value, list) else None
            message = f"{name} is {shown(value)}, which {config.operator} does not compare."
            raise NodeConfigError(message, field=f"config.{name}", hint=hint)
    if _both_plain(config.a, config.b):
        kind = "texts" if isinstance(config.a, str) else "true and false"
        raise NodeConfigError(f"{config.operator} does not compare {kind}; = and != do.", field="config.operator")


def _by_crossing(config: IfConfig) -> IfOutput:
    a_previous, a = _step(config.a, config.a_previous, "a")
    if config.b_previous is None and not isinstance(config.b, list):
        b_previous = b = number(config.b, "b")
    else:
        b_previous, b = _step(config.b, config.b_previous, "b")
    if config.operator == "crosses_above":
        result = a_previous <= b_previous and a > b
    else:
        result = a_previous >= b_previous and a < b
    way = config.operator.replace("_", " ")
    levels = shown(b) if b == b_previous else f"{shown(b_previous)} → {shown(b)}"
    return IfOutput(
        result=result,
        operator=config.operator,
        a=a,
        b=b,
        a_previous=a_previous,
        b_previous=b_previous,
        reason=_verdict(f"{shown(a_previous)} → {shown(a)} {way} {levels}", result),
    )


def _step(value: Any, previous: Any, name: str) -> tuple[float, float]:
    """The value before and the value now, from a series or from two fields."""
    if not isinstance(value, list):
        now = number(value, name)
        if previous is None:
            raise MissingInput(
                f"{name} is a single number, so a crossing also needs the one before.", field=f"config.{name}_previous"
            )
        return number(previous, f"{name}_previous"), now
    if previous is not None:
        raise NodeConfigError(f"{name} is a series; leave {name}_previous unset.", field=f"config.{name}_previous")
    if len(value) < 2:
        raise NotEnoughBars(f"{name} has {len(value)} values; a crossing needs two.", field=f"config.{name}")
    return number(value[-2], f"{name}.{len(value) - 2}"), number(value[-1], f"{name}.{len(value) - 1}")


def _verdict(claim: str, result: bool) -> str:
    return f"{claim} holds" if result else f"{claim} does not hold"
