"""utility.delay: what follows runs later."""

from collections.abc import Mapping
from datetime import UTC, timedelta
from typing import Any, Literal, Self

from pydantic import AwareDatetime, Field, model_validator

from tradeloom.errors import MissingInput, NodeConfigError
from tradeloom.nodes.base import Example, Kind, Node, NodeConfig, NodeContext, NodeOutput, Tier, setting

MAX_DELAY_S = 365 * 86_400
LONG_DELAY_S = 60
"""A longer delay makes a Standard state machine: there waiting is free, in Express it is billed."""
DEFAULT_SECONDS = 60.0


class DelayConfig(NodeConfig):
    mode: Literal["seconds", "until"] = setting(
        "seconds", title="Wait", help="For a length of time, or until a moment.", widget="select", static=True
    )
    seconds: float | None = setting(
        DEFAULT_SECONDS,
        title="Seconds",
        help="How long to wait, counted in market time. Zero or less waits not at all.",
        unit="s",
        widget="duration",
        show_if={"mode": ["seconds"]},
        le=MAX_DELAY_S,
    )
    until: AwareDatetime | None = setting(
        None,
        title="Until",
        help="The moment to wait for, with its offset. One that has passed waits not at all.",
        widget="expression",
        show_if={"mode": ["until"]},
        examples=["2026-01-05T09:00:00Z", '= now() + duration("4h")'],
    )

    @model_validator(mode="after")
    def _moment_where_needed(self) -> Self:
        if self.mode == "until" and "until" not in self.model_fields_set:
            raise ValueError("give the moment to wait until")
        return self


class DelayOutput(NodeOutput):
    timestamp: AwareDatetime = Field(description="The moment the wait ends.")


class DelayPlan(DelayOutput):
    """What the task before a Wait state gives.

    `seconds` is how long to wait from the moment the Wait is entered, null where `timestamp` itself was asked for. With
    `seconds`, `timestamp` counts from the execution's `as_of`: a node does not see the market clock.
    """

    seconds: float | None = Field(description="How long to wait from here on; null for a moment.")


class Delay(Node):
    type = "utility.delay"
    title = "Delay"
    description = "Waits for some seconds or until a moment, then goes on."
    help = (
        "What follows this node runs later; branches beside it do not wait. Time is market time: in a replay an hour "
        "passes as fast as the replay does.\n\n"
        f"A delay over {LONG_DELAY_S} seconds makes the workflow run as a Standard state machine, where waiting costs "
        "nothing; at most a year. Prices that were read before the delay are old afterwards: read them again."
    )
    icon = "timer"
    tier = Tier.BASIC
    kind = Kind.WAIT
    errors = (MissingInput, NodeConfigError)
    example = Example(title="Wait half a minute", config={"mode": "seconds", "seconds": 30})
    Config = DelayConfig
    Output = DelayOutput

    @classmethod
    def constant_delay_s(cls, config: Mapping[str, Any]) -> float | None:
        """How long the delay is if the document alone says so, else None. `config` is the raw one."""
        if config.get("mode", "seconds") != "seconds":
            return None
        seconds = config.get("seconds", DEFAULT_SECONDS)
        if isinstance(seconds, bool) or not isinstance(seconds, int | float) or seconds != seconds:
            return None
        return float(min(max(seconds, 0), MAX_DELAY_S))

    @classmethod
    def is_long(cls, config: Mapping[str, Any]) -> bool:
        """Whether to choose Standard; a delay that is only known when it runs counts as long."""
        constant = cls.constant_delay_s(config)
        return constant is None or constant > LONG_DELAY_S

    def run(self, config: DelayConfig, context: NodeContext) -> DelayPlan:
        if config.mode == "until":
            if config.until is None:
                raise MissingInput("The moment to wait until has no value.", field="config.until")
            if config.until - context.as_of > timedelta(seconds=MAX_DELAY_S):
                raise NodeConfigError("The moment to wait until is more than a year away.", field="config.until")
            return DelayPlan(timestamp=max(config.until, context.as_of).astimezone(UTC), seconds=None)
        if config.seconds is None:
            raise MissingInput("The seconds to wait have no value.", field="config.seconds")
        seconds = max(config.seconds, 0.0)
        return DelayPlan(timestamp=context.as_of.astimezone(UTC) + timedelta(seconds=seconds), seconds=seconds)
