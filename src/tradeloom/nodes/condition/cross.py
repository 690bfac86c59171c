"""condition.cross: one line crossing another, or a level; confirmed and with room for noise where asked."""

from typing import Any, Literal, Self

from pydantic import Field, model_validator

from tradeloom.errors import MissingInput, NodeConfigError, NotANumber, NotEnoughBars
from tradeloom.nodes.base import TRUE_FALSE, Emit, Example, Node, NodeConfig, NodeContext, NodeOutput, Tier, setting
from tradeloom.nodes.values import number, shown

MAX_VALUES = 5_000
Direction = Literal["above", "below", "either"]


class CrossConfig(NodeConfig):
    a: Any = setting(
        title="A",
        help="The line that crosses: a series, oldest value first, or one value with the one before it in A before.",
        widget="expression",
        examples=["= nodes.fast.series", "= nodes.fast.value"],
    )
    a_previous: Any = setting(
        None,
        title="A before",
        help="A one step earlier, where A is a single number. Nodes that give `value` also give `previous`.",
        widget="expression",
        examples=["= nodes.fast.previous"],
    )
    b: Any = setting(
        title="B",
        help="What is crossed: a series or a number like A, or a level that does not move.",
        widget="expression",
        examples=["= nodes.slow.series", "= nodes.slow.value", 30],
    )
    b_previous: Any = setting(
        None,
        title="B before",
        help="B one step earlier. Left unset, a B that is a single number counts as a level that does not move.",
        widget="expression",
        examples=["= nodes.slow.previous"],
    )
    direction: Direction = setting(
        "above", title="Direction", help="Which crossings count: upwards, downwards, or both.", widget="select"
    )
    min_distance: float = setting(
        0.0,
        title="Minimum distance",
        help="How far A must get beyond B before it counts as across, so that lines that run together do not fire at "
        "every touch. It must have been back at B or on the other side to fire again.",
        unit="the values' own",
        widget="number",
        ge=0,
        advanced=True,
    )
    confirmation: int = setting(
        0,
        title="Confirmation",
        help="How many further values A must stay on the new side before the crossing counts; above 0 takes a series.",
        unit="bars",
        widget="number",
        ge=0,
        le=100,
    )

    @model_validator(mode="after")
    def _series_have_no_field_before(self) -> Self:
        for name, value, before in (("a", self.a, self.a_previous), ("b", self.b, self.b_previous)):
            if isinstance(value, list) and before is not None:
                raise ValueError(f"{name} is a series; leave {name}_previous unset")
        return self


class CrossOutput(NodeOutput):
    result: bool = Field(description="Whether a crossing that counts is complete on the latest value.")
    crossed: Literal["above", "below", "none"] = Field(
        description="The crossing complete on the latest value, whether or not its direction counts."
    )
    side: Literal["above", "below", "on"] = Field(description="Where A stands to B now; on is exactly equal.")
    distance: float = Field(description="A minus B now.")
    touches: int = Field(description="How many of the values given stand exactly on B.")
    reason: str = Field(description="The decision in words, such as `1.08 → 1.1 crosses above 1.09`.")


class Cross(Node):
    type = "condition.cross"
    title = "Cross"
    description = "Goes on by true on the one bar where a line crosses another line or a level."
    help = (
        "A crosses **above** B on the bar where it stands above B and one bar earlier did not: it was below or exactly "
        "on it. So a touch from below is no crossing, leaving B upwards after a touch is one, and a touch from above "
        "makes the next rise a crossing again. **Below** is the mirror. This is what condition.if and the function "
        "cross_above mean by it; `touches` counts the values exactly on B, so you see where it mattered.\n\n"
        "**Minimum distance** waits until A is that far beyond B, and fires once until A has come back to B. "
        "**Confirmation** waits further bars on which A must stay beyond B, and then fires on the last of them, once. "
        "Both need the history a series gives: with a single value and the one before, only a step from B or the other "
        "side to the full distance counts.\n\n"
        "A value that is missing or not a number takes neither port: the node fails and says which one it was."
    )
    icon = "shuffle"
    tier = Tier.BASIC
    ports = TRUE_FALSE
    errors = (MissingInput, NotANumber, NotEnoughBars, NodeConfigError)
    example = Example(
        title="Fast average crosses above the slow one",
        config={"a": "= nodes.ma.series", "b": "= nodes.bollinger.middle", "direction": "above", "confirmation": 1},
        inputs={
            "indicator.ma": {"value": 1.0816, "previous": 1.0811, "series": [1.0802, 1.0806, 1.0811, 1.0816]},
            "indicator.bollinger": {"middle": 1.0808},
        },
    )
    Config = CrossConfig
    Output = CrossOutput

    def run(self, config: CrossConfig, context: NodeContext) -> Emit:
        differences, a, b = _lines(config)
        crossed = _crossed(differences, config.min_distance, config.confirmation)
        result = crossed != "none" and config.direction in (crossed, "either")
        output = CrossOutput(
            result=result,
            crossed=crossed,
            side="above" if differences[-1] > 0 else "below" if differences[-1] < 0 else "on",
            distance=differences[-1],
            touches=differences.count(0.0),
            reason=_reason(config, crossed, a, b),
        )
        return Emit("true" if result else "false", output)


def _crossed(differences: list[float], distance: float, confirmation: int) -> Literal["above", "below", "none"]:
    if _completes(differences, distance, confirmation):
        return "above"
    if _completes([-each for each in differences], distance, confirmation):
        return "below"
    return "none"


def _completes(differences: list[float], distance: float, confirmation: int) -> bool:
    """Whether an upward crossing, confirmed, is complete on the last value and was not on the one before."""
    crossing = len(differences) - 1 - confirmation
    if not _beyond(differences[crossing], distance) or any(each <= 0 for each in differences[crossing:]):
        return False
    for before in reversed(differences[:crossing]):
        if before <= 0:
            return True
        if _beyond(before, distance):
            return False
    return False


def _beyond(difference: float, distance: float) -> bool:
    return difference > 0 and difference >= distance


def _lines(config: CrossConfig) -> tuple[list[float], list[float], list[float]]:
    """A minus B over the values both have, and A and B there. At least as many as the confirmation takes."""
    a = _values(config.a, config.a_previous, "a")
    level = config.b_previous is None and not isinstance(config.b, list)
    b = [number(config.b, "b")] * len(a) if level else _values(config.b, config.b_previous, "b")
    length, needed = min(len(a), len(b)), config.confirmation + 2
    if length < needed:
        shorter = "a" if len(a) <= len(b) else "b"
        hint = "Give a series, such as `= nodes.ma.series`, or ask for less confirmation."
        raise NotEnoughBars(
            f"{shorter} has {length} values; {config.confirmation} of confirmation need {needed}.",
            field=f"config.{shorter}",
            hint=hint if config.confirmation else None,
        )
    a, b = a[-length:], b[-length:]
    differences = []
    for ours, theirs in zip(a, b, strict=True):
        differences.append(number(ours - theirs, "a"))
    return differences, a, b


def _values(value: Any, previous: Any, name: str) -> list[float]:
    if isinstance(value, list):
        if len(value) > MAX_VALUES:
            message = f"{name} has {len(value)} values; {MAX_VALUES} are the most."
            raise NodeConfigError(message, field=f"config.{name}")
        if len(value) < 2:
            raise NotEnoughBars(f"{name} has {len(value)} values; a crossing needs two.", field=f"config.{name}")
        return [number(each, f"{name}.{position}") for position, each in enumerate(value)]
    now = number(value, name)
    if previous is None:
        message = f"{name} is a single number, so a crossing also needs the one before."
        raise MissingInput(message, field=f"config.{name}_previous")
    return [number(previous, f"{name}_previous"), now]


def _reason(config: CrossConfig, crossed: str, a: list[float], b: list[float]) -> str:
    at = len(a) - 1 - config.confirmation
    levels = shown(b[at]) if b[at] == b[at - 1] else f"{shown(b[at - 1])} → {shown(b[at])}"
    moved = f"{shown(a[at - 1])} → {shown(a[at])}"
    if crossed == "none":
        wanted = "neither way" if config.direction == "either" else f"not {config.direction}"
        return f"{moved} crosses {levels} {wanted}"
    held = f", {config.confirmation} values held" if config.confirmation else ""
    unwanted = "" if config.direction in (crossed, "either") else f", which is not {config.direction}"
    return f"{moved} crosses {crossed} {levels}{held}{unwanted}"
