"""Debugging a workflow step by step."""

from typing import Any, Literal

from pydantic import AwareDatetime, ConfigDict, Field, StrictBool

from tradeloom.api.models.base import Model
from tradeloom.api.models.executions import Execution
from tradeloom.workflow.document import ID_PATTERN

_WAIT = "Seconds to wait until it is paused or has ended, before answering."
NodeIds = list[str]


class StartDebugging(Model):
    """What to debug, and where it pauses first. It runs in test mode, through the real engine and handlers."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"wait_s": 20}, {"step": False, "breakpoints": ["buy"]}]}
    )

    document: dict[str, Any] | None = Field(
        default=None, description="A document that need not be saved; else the workflow's own is debugged."
    )
    version: str | None = Field(default=None, max_length=80, description="A saved version; the last when left out.")
    trigger: str | None = Field(
        default=None, pattern=ID_PATTERN, description="Id of the trigger node that fires; its only one when left out."
    )
    payload: dict[str, Any] = Field(default_factory=dict, description="What the trigger gives as its payload.")
    step: StrictBool = Field(default=True, description="Pause before every node.")
    breakpoints: NodeIds = Field(default_factory=list, max_length=500, description="Nodes to pause before.")
    run_to: str | None = Field(default=None, pattern=ID_PATTERN, description="A node to pause before once.")
    use_pins: StrictBool = Field(default=True, description="Use pinned outputs in place of running their nodes.")
    wait_s: float = Field(default=0, ge=0, le=25, allow_inf_nan=False, description=_WAIT)


class DebugCommand(Model):
    """What to do with a paused execution.

    `step` lets one node run and pauses before the next; `continue` lets all go on to the next breakpoint; `run_to` goes
    on and pauses before the node `to`; `skip` puts `output` in place of running the node; `set` changes what the node
    is about to get; `reset` takes such changes back; `breakpoints` replaces them; `stop` ends it.
    """

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {"action": "step", "wait_s": 20},
                {"action": "set", "node": "oversold", "values": {"nodes.rsi.value": 25}},
            ]
        },
    )

    action: Literal["step", "continue", "run_to", "skip", "set", "reset", "breakpoints", "stop"]
    node: str | None = Field(
        default=None, pattern=ID_PATTERN, description="Which paused node is meant; needed where several are."
    )
    iteration: list[int] | None = Field(default=None, max_length=2, description="Which turn of the loops around it.")
    values: dict[str, Any] = Field(
        default_factory=dict,
        max_length=100,
        description="For `set`: values by path, such as `nodes.rsi.value`, `config.period` or `item`.",
    )
    to: str | None = Field(default=None, pattern=ID_PATTERN, description="For `run_to`: the node to pause before.")
    output: Any = Field(default=None, description="For `skip`: what the node is to give.")
    port: str = Field(default="main", min_length=1, max_length=64, description="For `skip`: the port it is to emit.")
    breakpoints: NodeIds | None = Field(default=None, max_length=500, description="For `breakpoints`: all of them.")
    wait_s: float = Field(default=0, ge=0, le=25, allow_inf_nan=False, description=_WAIT)


class InputRecord(Model):
    """What a node sees of another."""

    state: Literal["pending", "succeeded", "failed", "skipped"]
    port: str | None = None
    output: Any = None


class ConfigField(Model):
    """A setting: as it is written, and the value it has for this run."""

    field: str
    written: Any = None
    value: Any = None
    error: str | None = Field(default=None, description="Why it has no value.")


class PausedNode(Model):
    """A node about to run."""

    node: str
    name: str
    type: str
    iteration: list[int] = Field(default_factory=list)
    since: AwareDatetime
    expires_at: AwareDatetime = Field(description="When the execution is stopped unless somebody does something.")
    inputs: dict[str, InputRecord] = Field(description="The outputs it sees, by node, with what was edited.")
    config: list[ConfigField]
    item: Any = Field(default=None, description="Inside a loop: the item of this turn.")
    index: int | None = None
    edited: dict[str, Any] = Field(default_factory=dict, description="The values that were set, by path.")


class DebugSession(Model):
    """A debugged execution: where it is paused, and what it did so far."""

    execution: Execution
    step: bool
    breakpoints: NodeIds
    run_to: str | None = None
    paused: list[PausedNode]
