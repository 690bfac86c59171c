"""utility.transform: an object made from another by rules, in order."""

import copy
from collections.abc import Mapping
from typing import Any

from pydantic import Field

from tradeloom.errors import AmbiguousInput, ExpressionError, MissingInput, NodeConfigError, NotANumber, TradeloomError
from tradeloom.nodes.base import Example, Node, NodeConfig, NodeContext, NodeOutput, Tier, setting
from tradeloom.nodes.utility._rules import AnyRule
from tradeloom.nodes.values import shown

MAX_RULES = 50


class TransformConfig(NodeConfig):
    source: Any = setting(
        None,
        title="Source",
        help="The object to start from. Left unset, the whole output of what is connected.",
        widget="expression",
        examples=["= nodes.positions", "= trigger.payload"],
    )
    rules: list[AnyRule] = setting(
        [],
        title="Rules",
        help="What to do with it, one after another.",
        max_length=MAX_RULES,
    )


class TransformOutput(NodeOutput):
    object: dict[str, Any] = Field(description="The source after all rules.")


class Transform(Node):
    type = "utility.transform"
    title = "Transform"
    description = "Shapes data: set, rename, pick, drop, map, filter and aggregate fields of an object."
    help = (
        "Starts from the output of what is connected (or the source you name) and applies its rules in order:\n\n"
        "- **set** puts a value or an expression at a path; **rename** moves a field; **pick** keeps only some; "
        "**drop** takes some away;\n"
        "- **map** replaces each element of a list by an expression, **filter** keeps those for which one is true: "
        "there `element` is the element and `position` counts from 0;\n"
        "- **aggregate** makes one value of a list: sum, avg, min, max, count, first or last, of one field of its "
        "elements, by groups if you like.\n\n"
        "Paths are dotted: `positions.0.symbol`. The expressions of *set* see the workflow, not the object in the "
        "making. A field that is missing or not a number is an error that names the rule; what the node was given is "
        "never changed."
    )
    icon = "wand-sparkles"
    tier = Tier.BASIC
    errors = (MissingInput, AmbiguousInput, NotANumber, ExpressionError, NodeConfigError)
    example = Example(
        title="Profit of the winners by symbol",
        config={
            "rules": [
                {"op": "filter", "path": "positions", "expression": "element.profit > 0"},
                {
                    "op": "aggregate",
                    "path": "positions",
                    "function": "sum",
                    "field": "profit",
                    "group_by": "symbol",
                    "to": "profit_by_symbol",
                },
                {"op": "pick", "paths": ["profit_by_symbol"]},
            ]
        },
        inputs={
            "market.positions": {
                "positions": [
                    {"ticket": 7, "symbol": "EURUSD", "profit": 12.5},
                    {"ticket": 8, "symbol": "EURUSD", "profit": 2.5},
                    {"ticket": 9, "symbol": "GBPUSD", "profit": -4.0},
                ],
                "count": 3,
            }
        },
    )
    Config = TransformConfig
    Output = TransformOutput

    def run(self, config: TransformConfig, context: NodeContext) -> TransformOutput:
        target = copy.deepcopy(_source(config, context))
        for position, rule in enumerate(config.rules):
            try:
                rule.apply(target, context)
            except TradeloomError as error:
                error.message = f"Rule {position + 1} ({rule.op}): {error.message}"
                error.args = (error.message,)
                error.field = f"config.rules.{position}"
                raise
        return TransformOutput(object=target)


def _source(config: TransformConfig, context: NodeContext) -> dict[str, Any]:
    if "source" in config.model_fields_set:
        source, name = config.source, "The source"
    else:
        live = [each for each in context.sources if each.live]
        if len(live) > 1:
            names = ", ".join(each.node for each in live)
            hint = "Name the one you mean, such as `= inputs.<node>`, or merge them first."
            raise AmbiguousInput(f"Several inputs are live ({names}).", field="config.source", hint=hint)
        source, name = (live[0].output, f"The output of {live[0].node!r}") if live else (None, "The source")
    if source is None:
        raise MissingInput("There is no source to start from.", field="config.source")
    if not isinstance(source, Mapping):
        raise NodeConfigError(f"{name} is {shown(source)}; a transform starts from an object.", field="config.source")
    return dict(source)
