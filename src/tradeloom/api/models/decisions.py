"""Why an execution did not trade, or not with every node that could."""

from typing import Any, Literal

from pydantic import Field

from tradeloom.api.models.base import Model
from tradeloom.api.models.executions import Failure

StopKind = Literal["decided", "empty_loop", "failed", "disabled"]


class NamedValue(Model):
    """A value that an expression names, as the node saw it."""

    name: str = Field(examples=["nodes.rsi.value"])
    value: Any = Field(default=None, description="Lists and objects are told by their size: `[50 values]`.")
    error: str | None = Field(default=None, description="Why it had none.")


class Clause(Model):
    """One part of what a node looked at. `holds` is null for what is no condition by itself."""

    setting: str = Field(description="The setting it is written in.", examples=["expression"])
    text: str = Field(examples=["nodes.rsi.value < 30"])
    holds: bool | None = None
    value: Any = None
    error: str | None = None
    values: list[NamedValue] = Field(default_factory=list)


class Stop(Model):
    """A node at which the way to a trade ended."""

    kind: StopKind = Field(
        description="`decided`: it went on by another port. `empty_loop`: it had nothing to go through. `failed`, "
        "`disabled`: what led on did not run."
    )
    node: str
    name: str
    type: str
    iteration: list[int] = Field(default_factory=list, description="The last turn of the loops around it.")
    port: str | None = Field(default=None, description="The port it emitted.")
    wanted_port: str = Field(description="The port that leads to the trade.", examples=["true"])
    reason: str = Field(default="", description="In the node's own words.", examples=["43.1 < 30 does not hold"])
    clauses: list[Clause] = Field(default_factory=list)
    error: Failure | None = None
    kept_from: list[str] = Field(description="Ids of the trading nodes that therefore did not run.")


class Decisions(Model):
    can_trade: bool = Field(description="Whether the workflow has a node that trades.")
    idle: list[str] = Field(description="Ids of the trading nodes that did not run.")
    stops: list[Stop] = Field(description="Where the ways to them ended, the nearest to the trigger first.")
