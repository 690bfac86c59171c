"""What a configuration would come to, and how an indicator looks: answers for whoever edits, that change nothing."""

from typing import Any, Literal

from pydantic import AwareDatetime, ConfigDict, Field

from tradeloom.api.models.base import Model
from tradeloom.trading.timeframes import Timeframe
from tradeloom.workflow.document import ID_PATTERN
from tradeloom.workflow.problems import Problem

MAX_CANDLES = 1_000


class ExpressionPreviewRequest(Model):
    """A document as it is on the screen, and one of its nodes."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "document": {
                        "name": "Dip",
                        "nodes": [
                            {"id": "rsi", "type": "indicator.rsi"},
                            {"id": "dip", "type": "condition.if", "config": {"expression": "= nodes.rsi.value < 30"}},
                        ],
                        "connections": [{"source": "rsi", "target": "dip"}],
                    },
                    "node": "dip",
                    "outputs": {"rsi": {"value": 24.5}},
                }
            ]
        },
    )

    document: dict[str, Any]
    node: str = Field(pattern=ID_PATTERN)
    workflow_id: str | None = Field(
        default=None, max_length=64, description="The workflow whose last execution and pins give the values."
    )
    execution_id: str | None = Field(default=None, max_length=64, description="Another execution than the last.")
    outputs: dict[str, Any] = Field(
        default_factory=dict, max_length=300, description="Outputs to see in place of what was recorded, by node."
    )


class FieldPreview(Model):
    """What a field of the configuration gives, or why it gives nothing."""

    field: str = Field(examples=["config.expression"])
    value: Any = None
    shortened: bool = Field(default=False, description="The value is long: `value` is the beginning of its text.")
    error: str | None = None
    hint: str | None = None


class ExpressionPreview(Model):
    execution_id: str | None = Field(default=None, description="The execution whose outputs were seen.")
    as_of: AwareDatetime = Field(description="What now() is.")
    seen: list[str] = Field(default_factory=list, description="The nodes whose outputs are known.")
    fields: list[FieldPreview] = Field(default_factory=list, description="Every field that holds an expression.")
    turn: list[FieldPreview] = Field(
        default_factory=list, description="In a loop: `item` and `index`, as its last turn had them."
    )
    problems: list[Problem] = Field(
        default_factory=list, description="What the compiler has against this node; also what its values break."
    )


class ExpressionFunction(Model):
    """A function of the expression language."""

    name: str
    signature: str = Field(examples=["round(number, number)"])
    help: str
    kind: Literal["function", "method", "macro"]


class ExpressionFunctions(Model):
    items: list[ExpressionFunction]


class Candles(Model):
    """Bars as columns of equal length, the oldest first."""

    account: str
    symbol: str
    timeframe: Timeframe
    time: list[int] = Field(description="Opening of each bar, seconds since 1970 in UTC.")
    open: list[float]
    high: list[float]
    low: list[float]
    close: list[float]
    volume: list[float]


class IndicatorPreviewRequest(Model):
    """An indicator node's configuration without its bars, and the bars to draw it on."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {"type": "indicator.rsi", "config": {"period": 14}, "account": "paper", "symbol": "EURUSD"},
            ]
        },
    )

    type: str = Field(max_length=80)
    config: dict[str, Any] = Field(default_factory=dict, description="Values only: an expression has none here.")
    account: str = Field(default="paper", min_length=1, max_length=64)
    symbol: str = Field(min_length=1, max_length=29)
    timeframe: Timeframe = Timeframe.H1
    count: int = Field(default=200, ge=20, le=MAX_CANDLES, description="How many bars.")
    to: AwareDatetime | None = Field(default=None, description="The end; the account's market time when left out.")


class PreviewLine(Model):
    """A column of the indicator, as long as the candles; null where it has no value."""

    name: str
    pane: Literal["price", "own"] = Field(description="Over the prices, or beneath them on a scale of its own.")
    look: Literal["line", "histogram"]
    help: str = ""
    values: list[float | None]


class PreviewMark(Model):
    """Something that the indicator calls out on a bar."""

    time: int
    name: str = Field(examples=["crossover"])
    word: str = Field(examples=["bullish"])
    side: Literal["up", "down"]


class PreviewLevel(Model):
    """A setting that is a level on the indicator's own scale."""

    field: str
    value: float


class IndicatorPreview(Model):
    candles: Candles
    lines: list[PreviewLine]
    marks: list[PreviewMark]
    levels: list[PreviewLevel]
