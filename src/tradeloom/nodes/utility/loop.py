"""utility.loop: the nodes inside it run once an item, one iteration after another."""

from collections.abc import Mapping
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from tradeloom.errors import MissingInput
from tradeloom.nodes.base import Example, Kind, Node, NodeConfig, NodeContext, NodeOutput, Port, Tier, setting
from tradeloom.workflow.graph import ITEM_PORT

MAX_ITERATIONS = 1_000
DEFAULT_ITERATIONS = 100


class LoopConfig(NodeConfig):
    over: Literal["count", "list"] = setting(
        "list", title="Over", help="A list's items, or a number of times.", widget="select", static=True
    )
    items: list[Any] | None = setting(
        None,
        title="List",
        help="The items; each is `item` inside the loop.",
        widget="expression",
        show_if={"over": ["list"]},
        examples=["= nodes.positions.positions", ["EURUSD", "GBPUSD"]],
    )
    count: int | None = setting(
        None,
        title="Times",
        help="How often; `item` counts from 0.",
        widget="number",
        show_if={"over": ["count"]},
        examples=[3],
        ge=0,
        le=MAX_ITERATIONS,
    )
    max_iterations: int = setting(
        DEFAULT_ITERATIONS,
        title="At most",
        help="More items than this fail the loop before its first iteration. The workflow's size is judged by it.",
        unit="iterations",
        widget="number",
        static=True,
        ge=1,
        le=MAX_ITERATIONS,
    )

    @model_validator(mode="after")
    def _something_to_loop_over(self) -> Self:
        if self.over == "count":
            if "count" not in self.model_fields_set:
                raise ValueError("give how many times to loop")
            wanted = self.count
        else:
            if "items" not in self.model_fields_set:
                raise ValueError("give the list to loop over")
            wanted = None if self.items is None else len(self.items)
        if wanted is not None and wanted > self.max_iterations:
            raise ValueError(f"{wanted} iterations, but the loop allows at most {self.max_iterations}")
        return self


class LoopOutput(NodeOutput):
    results: list[Any] = Field(
        description="What the body's last node gave in each iteration, in order; null if skipped."
    )
    count: int = Field(description="How many iterations there were.")


class LoopPlan(NodeOutput):
    """What the task before the Map gives: the items it runs over, and how many they are."""

    items: list[Any] = Field(description="One item an iteration.")
    count: int = Field(description="How many items there are.")


class Loop(Node):
    type = "utility.loop"
    title = "Loop"
    description = "Runs the nodes inside it once for each item of a list, or a number of times."
    help = (
        "A frame on the canvas. The nodes inside run once an item, one iteration after another; inside, `item` is the "
        "item and `index` counts from 0. Its *Each item* port leads into the body, its *After* port goes on once all "
        "iterations are done, with `results` holding what the body's last node gave each time.\n\n"
        "Loops may stand inside one another, two deep. Too many items fail the loop before anything has run, so no "
        "order is sent for half a list. An empty list is fine: nothing runs, and `results` is empty."
    )
    icon = "repeat"
    tier = Tier.PRO
    kind = Kind.LOOP
    ports = (Port("main", "After"), Port(ITEM_PORT, "Each item"))
    errors = (MissingInput,)
    example = Example(
        title="Each open position",
        config={"over": "list", "items": "= nodes.positions.positions", "max_iterations": 20},
        inputs={"market.positions": {"positions": [{"ticket": 7, "symbol": "EURUSD", "profit": 12.5}], "count": 1}},
    )
    Config = LoopConfig
    Output = LoopOutput

    @classmethod
    def max_iterations_of(cls, config: Mapping[str, Any]) -> int:
        """Exact for a count that stands there."""
        most = most_items(config)
        return min(_whole(config.get("count"), default=most), most) if config.get("over", "list") == "count" else most

    def run(self, config: LoopConfig, context: NodeContext) -> LoopPlan:
        if config.over == "count":
            if config.count is None:
                raise MissingInput("The number of times has no value.", field="config.count")
            return LoopPlan(items=list(range(config.count)), count=config.count)
        if config.items is None:
            raise MissingInput("The list to loop over has no value.", field="config.items")
        return LoopPlan(items=config.items, count=len(config.items))


def most_items(config: Mapping[str, Any]) -> int:
    """The most items a loop's raw configuration can lead to: the length of a list that stands there, else its cap."""
    cap = _whole(config.get("max_iterations", DEFAULT_ITERATIONS), default=MAX_ITERATIONS)
    items = config.get("items")
    return min(len(items), cap) if isinstance(items, list) and config.get("over", "list") == "list" else cap


def _whole(value: Any, default: int) -> int:
    """A number between 0 and the hard limit; `default` for an expression or anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value:
        return default
    return int(min(max(value, 0), MAX_ITERATIONS))
