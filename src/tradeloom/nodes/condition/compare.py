"""condition.compare: one decision over a list of values."""

from collections.abc import Callable
from itertools import pairwise
from operator import ge, gt, le, lt
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from tradeloom.errors import MissingInput, NodeConfigError, NotANumber
from tradeloom.nodes.base import TRUE_FALSE, Emit, Example, Node, NodeConfig, NodeContext, NodeOutput, Tier, setting
from tradeloom.nodes.values import number, present, shown

Comparison = Literal[
    "all_true",
    "any_true",
    "none_true",
    "at_least_true",
    "all_above",
    "any_above",
    "none_above",
    "all_below",
    "any_below",
    "none_below",
    "ascending",
    "strictly_ascending",
    "descending",
    "strictly_descending",
    "equal",
]
WITH_THRESHOLD = ("all_above", "any_above", "none_above", "all_below", "any_below", "none_below")
MAX_VALUES = 1_000

_ORDERS: dict[str, Callable[[float, float], bool]] = {
    "ascending": le,
    "strictly_ascending": lt,
    "descending": ge,
    "strictly_descending": gt,
}


class CompareConfig(NodeConfig):
    values: list[Any] | None = setting(
        title="Values",
        help="What is judged: a list of expressions, or one expression that gives a list.",
        widget="expression",
        examples=[["= nodes.fast.value", "= nodes.middle.value", "= nodes.slow.value"]],
        max_length=MAX_VALUES,
    )
    comparison: Comparison = setting(
        "all_true",
        title="Comparison",
        help="What must hold: for true/false values, for numbers against a threshold, or for numbers among themselves.",
        widget="select",
    )
    threshold: Any = setting(
        None,
        title="Threshold",
        help="Above means greater than this, below less; equal is neither.",
        widget="number",
        show_if={"comparison": list(WITH_THRESHOLD)},
    )
    count: int = setting(
        2,
        title="How many",
        help="At least this many values must be true.",
        widget="number",
        show_if={"comparison": ["at_least_true"]},
        ge=1,
        le=MAX_VALUES,
    )
    tolerance: float = setting(
        0.0,
        title="Tolerance",
        help="The values are equal where the largest and the smallest differ by no more than this.",
        unit="the values' own",
        widget="number",
        show_if={"comparison": ["equal"]},
        ge=0,
        advanced=True,
    )

    @model_validator(mode="after")
    def _threshold_where_needed(self) -> Self:
        if self.comparison in WITH_THRESHOLD and "threshold" not in self.model_fields_set:
            raise ValueError(f"{self.comparison} needs a threshold")
        return self


class CompareOutput(NodeOutput):
    result: bool = Field(description="Whether the comparison holds.")
    values: list[Any] = Field(description="The values as they were judged.")
    matched: int | None = Field(
        description="How many values are true, above or below; null for an order and for equality."
    )
    reason: str = Field(description="The decision in words, such as `2 of 3 true`.")


class Compare(Node):
    type = "condition.compare"
    title = "Compare"
    description = "Goes on by true or false: judges several values at once."
    help = (
        "One decision over many values:\n\n"
        "- **all, any, none true**, or **at least** so many: for confirmations such as three signals out of five;\n"
        "- **all, any, none above or below** a threshold: above is greater than, below is less than;\n"
        "- **ascending, descending**: each value against the one before it, for moving averages stacked in a trend; "
        "*strictly* refuses equal neighbours;\n"
        "- **equal**: the largest and the smallest differ by no more than the tolerance.\n\n"
        "Every value is looked at: one that is missing or of the wrong kind fails the node, even where the others "
        "would decide. An empty list is an error, not a yes."
    )
    icon = "list-checks"
    tier = Tier.BASIC
    ports = TRUE_FALSE
    errors = (MissingInput, NotANumber, NodeConfigError)
    example = Example(
        title="Two of three confirmations",
        config={
            "values": ["= nodes.rsi.value < 30", '= nodes.ma.trend == "up"', '= nodes.macd.crossover == "bullish"'],
            "comparison": "at_least_true",
            "count": 2,
        },
        inputs={
            "indicator.rsi": {"value": 28.4, "previous": 31.2, "signal": "oversold"},
            "indicator.ma": {"value": 1.0812, "previous": 1.0809, "trend": "up"},
            "indicator.macd": {"macd": -0.0004, "signal": -0.0003, "histogram": -0.0001, "crossover": "none"},
        },
    )
    Config = CompareConfig
    Output = CompareOutput

    def run(self, config: CompareConfig, context: NodeContext) -> Emit:
        values = present(config.values, "values")
        if not values:
            raise MissingInput("The list of values is empty.", field="config.values")
        result, matched, reason = _judge(config, values)
        output = CompareOutput(result=result, values=values, matched=matched, reason=reason)
        return Emit("true" if result else "false", output)


def _judge(config: CompareConfig, values: list[Any]) -> tuple[bool, int | None, str]:
    kind, _, against = config.comparison.rpartition("_")
    if against == "true":
        matched = sum([_truth(value, position) for position, value in enumerate(values)])
        return _enough(kind, matched, len(values), config.count), matched, f"{matched} of {len(values)} true"
    numbers = [number(value, f"values.{position}") for position, value in enumerate(values)]
    if against in {"above", "below"}:
        threshold = number(config.threshold, "threshold")
        matched = sum(value > threshold if against == "above" else value < threshold for value in numbers)
        told = f"{matched} of {len(values)} {against} {shown(threshold)}"
        return _enough(kind, matched, len(values), config.count), matched, told
    if len(numbers) < 2:
        raise MissingInput(f"{config.comparison} needs at least two values.", field="config.values")
    if config.comparison == "equal":
        spread = max(numbers) - min(numbers)
        return spread <= config.tolerance, None, f"the values lie {shown(spread)} apart"
    return _in_order(config.comparison, numbers)


def _truth(value: Any, position: int) -> bool:
    if not isinstance(present(value, f"values.{position}"), bool):
        message = f"values.{position} is {shown(value)}, not true or false."
        raise NodeConfigError(message, field=f"config.values.{position}")
    return bool(value)


def _enough(kind: str, matched: int, total: int, count: int) -> bool:
    match kind:
        case "all":
            return matched == total
        case "any":
            return matched > 0
        case "none":
            return matched == 0
        case _:
            return matched >= count


def _in_order(comparison: str, numbers: list[float]) -> tuple[bool, None, str]:
    holds = _ORDERS[comparison]
    words = comparison.replace("_", " ")
    for position, (before, after) in enumerate(pairwise(numbers)):
        if not holds(before, after):
            told = f"not {words}: {shown(before)}, then {shown(after)} (value {position + 2} of {len(numbers)})"
            return False, None, told
    return True, None, f"{len(numbers)} values {words}"
