"""utility.for_each: the nodes inside it run once a symbol (or other item); one that fails leaves the others alone."""

from collections.abc import Mapping
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from tradeloom.errors import MissingInput
from tradeloom.nodes.base import Example, Kind, Node, NodeConfig, NodeContext, NodeOutput, Port, setting
from tradeloom.nodes.utility.loop import DEFAULT_ITERATIONS, MAX_ITERATIONS, LoopPlan, most_items
from tradeloom.workflow.graph import ITEM_PORT


class ForEachConfig(NodeConfig):
    items: list[Any] | str | None = setting(
        None,
        title="Symbols",
        help="Symbols separated by commas, or a list of anything; each is `item` inside.",
        widget="expression",
        examples=["EURUSD, GBPUSD, USDJPY", ["EURUSD", "GBPUSD"], "= nodes.positions.positions"],
    )
    unique: bool = setting(
        True, title="Each once", help="Leave out items that came before in the list.", widget="toggle"
    )
    on_item_error: Literal["continue", "stop"] = setting(
        "continue",
        title="If one fails",
        help="Go on with the next item and report the failure, or fail the node at once.",
        widget="select",
        static=True,
    )
    max_iterations: int = setting(
        DEFAULT_ITERATIONS,
        title="At most",
        help="More items than this fail the node before its first item. The workflow's size is judged by it.",
        unit="iterations",
        widget="number",
        static=True,
        ge=1,
        le=MAX_ITERATIONS,
    )

    @field_validator("items")
    @classmethod
    def _split(cls, value: Any) -> Any:
        """A text is a list of symbols."""
        return value.replace(",", " ").replace(";", " ").split() if isinstance(value, str) else value

    @model_validator(mode="after")
    def _not_too_many(self) -> Self:
        if "items" not in self.model_fields_set:
            raise ValueError("give the symbols, or the list, to go through")
        if isinstance(self.items, list) and len(self.items) > self.max_iterations:
            raise ValueError(f"{len(self.items)} items, but the node allows at most {self.max_iterations}")
        return self


class ItemFailure(BaseModel):
    """Why the nodes inside came to no end for an item."""

    model_config = ConfigDict(frozen=True)

    name: str = Field(description="The error's name, such as StalePrice.")
    message: str = Field(description="What went wrong.")
    node: str = Field(description="The node inside that failed.")


class ItemResult(BaseModel):
    """What became of one item."""

    model_config = ConfigDict(frozen=True)

    item: Any = Field(description="The item.")
    state: Literal["succeeded", "failed"] = Field(description="How it ended.")
    output: Any = Field(description="What the last node inside gave; null if it was skipped or the item failed.")
    error: ItemFailure | None = Field(description="Why it failed; null where it did not.")


class ForEachOutput(NodeOutput):
    results: list[ItemResult] = Field(description="What became of each item, in order.")
    count: int = Field(description="How many items there were.")
    succeeded: int = Field(description="How many of them came to an end without a failure.")
    failed: int = Field(description="How many failed.")


class ForEach(Node):
    type = "utility.for_each"
    title = "For each symbol"
    description = "Runs the nodes inside it once for each symbol of a list; one failure does not stop the others."
    help = (
        "A frame on the canvas for one strategy on many symbols. Type the symbols, or give a list; the nodes inside "
        "run once for each, one after another, and use `= item` as their symbol.\n\n"
        "Unlike a plain loop it goes on when an item fails: a market that is closed or a price that is stale costs "
        "that symbol its turn and nothing else. Afterwards `results` says of each item how it ended, and `failed` how "
        "many did not. Set *If one fails* to stop where the items belong together.\n\n"
        "Too many items fail the node before anything has run. A stopped execution stops here too: no item after it "
        "can act."
    )
    icon = "list-tree"
    kind = Kind.LOOP
    ports = (Port("main", "After"), Port(ITEM_PORT, "Each item"))
    errors = (MissingInput,)
    example = Example(title="Three majors", config={"items": "EURUSD, GBPUSD, USDJPY", "max_iterations": 10})
    Config = ForEachConfig
    Output = ForEachOutput

    @classmethod
    def max_iterations_of(cls, config: Mapping[str, Any]) -> int:
        return most_items(config)

    @classmethod
    def isolates_items(cls, config: Mapping[str, Any]) -> bool:
        return bool(config.get("on_item_error", "continue") != "stop")

    def run(self, config: ForEachConfig, context: NodeContext) -> LoopPlan:
        if config.items is None:
            raise MissingInput("The list to go through has no value.", field="config.items")
        items = list(config.items)
        if config.unique:
            items = [item for position, item in enumerate(items) if item not in items[:position]]
        return LoopPlan(items=items, count=len(items))
