"""Retries and replays of executions, and outputs pinned on nodes."""

from typing import Any, Literal

from pydantic import AwareDatetime, ConfigDict, Field, StrictBool

from tradeloom.api.models.base import Model
from tradeloom.workflow.document import ID_PATTERN


class Retry(Model):
    """How a failed execution goes on."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"wait_s": 20}]})

    even_if_old: StrictBool = Field(
        default=False, description="Go on although it trades and what it decided on is older than 15 minutes."
    )
    wait_s: float = Field(
        default=0, ge=0, le=25, allow_inf_nan=False, description="Seconds to wait for the end before answering."
    )


class Replay(Model):
    """How an old execution is run again, as a new one with its payload and its time."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"from_node": "rsi", "wait_s": 20}]})

    from_node: str | None = Field(
        default=None,
        pattern=ID_PATTERN,
        description="What does not depend on this node gives what was recorded; it and all behind it run. "
        "Everything runs when left out.",
    )
    version: Literal["old", "current"] = Field(
        default="old", description="The version it ran with, or the last one saved."
    )
    test_mode: StrictBool = Field(default=True, description="Trade on the private test account.")
    arm: StrictBool = Field(default=False, description="Needed besides `test_mode: false`: it may trade for real.")
    even_if_old: StrictBool = Field(
        default=False, description="Trade for real although what it decides on is older than 15 minutes."
    )
    wait_s: float = Field(
        default=0, ge=0, le=25, allow_inf_nan=False, description="Seconds to wait for the end before answering."
    )


class SetPin(Model):
    """An output to use in place of running a node."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"output": {"value": 24.5}}]})

    output: Any = Field(description="What the node is to give: any JSON.")
    port: str = Field(default="main", min_length=1, max_length=64, description="The port it is to emit.")


class Pin(SetPin):
    """A pinned output. It counts in test mode only."""

    model_config = ConfigDict(extra="ignore")

    node: str
    pinned_by: str
    pinned_at: AwareDatetime


class PinList(Model):
    items: list[Pin]
