"""utility.formula: named calculations, each on the ones before it."""

from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from tradeloom.errors import ExpressionError, MissingInput, NotANumber, TradeloomError
from tradeloom.expressions import KEYWORDS, expression_source, is_expression
from tradeloom.nodes.base import Example, Node, NodeConfig, NodeContext, NodeOutput, setting
from tradeloom.nodes.values import number

MAX_FORMULAS = 50
OWN_NAMES = ("values",)

Name = Annotated[str, StringConstraints(pattern=r"^[a-z_][a-z0-9_]{0,39}$")]


def _expression_setting() -> Any:
    made = setting(
        title="Formula",
        help="An expression. It sees the workflow as any field does, and the results above it as values.<name>.",
        widget="expression",
        static=True,
        examples=["nodes.rsi.value - 50", "values.risk / values.distance"],
        min_length=1,
    )
    made.json_schema_extra["names"] = list(OWN_NAMES)
    return made


class Formula(BaseModel):
    """One calculation."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Name = setting(
        title="Name", help="What the result is called: small letters, digits and underscores.", widget="text"
    )
    expression: str = _expression_setting()


class FormulaConfig(NodeConfig):
    formulas: list[Formula] = setting(
        title="Formulas",
        help="What to calculate, in this order.",
        min_length=1,
        max_length=MAX_FORMULAS,
        examples=[[{"name": "middle", "expression": "(nodes.bars.last.high + nodes.bars.last.low) / 2"}]],
    )

    @model_validator(mode="after")
    def _each_name_once(self) -> Self:
        names = [formula.name for formula in self.formulas]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"two formulas are called {name}")
            if name in KEYWORDS:
                raise ValueError(f"{name} is a word of the expression language; choose another name")
        return self


class FormulaOutput(NodeOutput):
    values: dict[str, Any] = Field(description="Every result by its name.")
    value: Any = Field(description="The last result.")


class FormulaNode(Node):
    type = "utility.formula"
    title = "Formula"
    description = "Calculates named values from the ones before, step by step."
    help = (
        "Each line is a name and an expression. Lines are calculated from top to bottom; a line may use the results "
        "above it as `values.<name>`, besides what other nodes gave. The last line is also the node's `value`.\n\n"
        "Functions such as `abs`, `min`, `max`, `round`, `sqrt`, `pow`, `log`, `exp`, `sum` and `avg` are at hand. A "
        "result that is missing, or a number that is not finite, fails the node and names the line: a strategy must "
        "never trade on half a calculation."
    )
    icon = "calculator"
    errors = (MissingInput, NotANumber, ExpressionError)
    example = Example(
        title="Stop distance from the ATR, and the money it risks",
        config={
            "formulas": [
                {"name": "distance", "expression": "nodes.atr.value * 2"},
                {"name": "points", "expression": "round(values.distance / 0.00001)"},
                {"name": "worth_it", "expression": "values.points >= 50.0"},
            ]
        },
        inputs={"indicator.atr": {"value": 0.00123, "percent": 0.11, "volatility": "normal"}},
    )
    Config = FormulaConfig
    Output = FormulaOutput

    def run(self, config: FormulaConfig, context: NodeContext) -> FormulaOutput:
        values: dict[str, Any] = {}
        for position, formula in enumerate(config.formulas):
            try:
                values[formula.name] = _result(formula, values, context)
            except TradeloomError as error:
                error.message = f"{formula.name}: {error.message}"
                error.args = (error.message,)
                error.field = f"config.formulas.{position}.expression"
                raise
        return FormulaOutput(values=values, value=values[config.formulas[-1].name])


def _result(formula: Formula, values: dict[str, Any], context: NodeContext) -> Any:
    text = formula.expression
    made = context.evaluate(expression_source(text) if is_expression(text) else text, values=values)
    if made is None:
        raise MissingInput("the result is null")
    if isinstance(made, int | float) and not isinstance(made, bool):
        return number(made, formula.name)
    return made
