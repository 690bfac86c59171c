"""condition.range: whether a value lies between two bounds, and how far outside."""

from typing import Self

from pydantic import Field, model_validator

from tradeloom.errors import MissingInput, NodeConfigError, NotANumber
from tradeloom.nodes.base import (
    TRUE_FALSE,
    Emit,
    Example,
    Node,
    NodeConfig,
    NodeContext,
    NodeOutput,
    Tier,
    input_setting,
    setting,
)
from tradeloom.nodes.values import number, shown


class RangeConfig(NodeConfig):
    # Null and NaN come as far as `run`, which says which value is missing or no number.
    value: float | None = input_setting(
        title="Value",
        help="The number to judge. Left unset, the `value` of what is connected.",
        widget="expression",
        allow_inf_nan=True,
    )
    min: float | None = setting(
        title="Minimum", help="The lower bound.", widget="number", examples=[30], allow_inf_nan=True
    )
    max: float | None = setting(
        title="Maximum", help="The upper bound.", widget="number", examples=[70], allow_inf_nan=True
    )
    inclusive: bool = setting(
        True, title="Inclusive", help="Whether a value exactly on a bound is inside.", widget="toggle"
    )

    @model_validator(mode="after")
    def _bounds_in_order(self) -> Self:
        if self.min is None or self.max is None:
            return self
        if self.min > self.max:
            raise ValueError(f"the minimum {self.min:g} is above the maximum {self.max:g}")
        if self.min == self.max and not self.inclusive:
            raise ValueError("nothing lies between equal bounds; make them inclusive or move them apart")
        return self


class RangeOutput(NodeOutput):
    in_range: bool = Field(description="Whether the value is inside.")
    distance: float = Field(
        description="How far outside: below the minimum negative, above the maximum positive, otherwise 0. "
        "In the value's own unit."
    )
    value: float = Field(description="The value as it was judged.")
    min: float = Field(description="The lower bound.")
    max: float = Field(description="The upper bound.")
    reason: str = Field(description="The decision in words, such as `28.4 is below 30 … 70`.")


class Range(Node):
    type = "condition.range"
    title = "Range"
    description = "Goes on by true where a value lies between two bounds, by false where it does not."
    help = (
        "Judges whether a value lies between a minimum and a maximum. `distance` says how far outside it is: negative "
        "below the minimum, positive above the maximum, 0 inside and on a bound.\n\n"
        "Turn *Inclusive* off if a value exactly on a bound should count as outside. A value that is missing or not a "
        "number takes neither port: the node fails and says so."
    )
    icon = "ruler"
    tier = Tier.BASIC
    ports = TRUE_FALSE
    errors = (MissingInput, NotANumber, NodeConfigError)
    example = Example(
        title="RSI between 30 and 70",
        config={"min": 30, "max": 70},
        inputs={"indicator.rsi": {"value": 28.4, "previous": 31.2, "signal": "oversold"}},
    )
    Config = RangeConfig
    Output = RangeOutput

    def run(self, config: RangeConfig, context: NodeContext) -> Emit:
        value = number(config.value, "value")
        low, high = number(config.min, "min"), number(config.max, "max")
        inside = low <= value <= high if config.inclusive else low < value < high
        distance = min(value - low, 0.0) + max(value - high, 0.0)
        bounds = f"{shown(low)} … {shown(high)}"
        if inside:
            reason = f"{shown(value)} is inside {bounds}"
        elif distance == 0.0:
            reason = f"{shown(value)} is on a bound of {bounds}, which is outside"
        else:
            reason = f"{shown(value)} is {'below' if distance < 0 else 'above'} {bounds}"
        output = RangeOutput(in_range=inside, distance=distance, value=value, min=low, max=high, reason=reason)
        return Emit("true" if inside else "false", output)
