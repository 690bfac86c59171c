"""trigger.schedule: the clock starts the workflow."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Self

from pydantic import AwareDatetime, Field, TypeAdapter, ValidationError, model_validator

from tradeloom.errors import NodeConfigError
from tradeloom.nodes.base import Example, Kind, Node, NodeConfig, NodeContext, NodeOutput, Tier, setting
from tradeloom.workflow.schedules import (
    DAY_MIN,
    MAX_AGE_MIN,
    Misfire,
    Overlap,
    Schedule,
    ScheduleKind,
    parse_schedule,
)


class ScheduleConfig(NodeConfig):
    """The fields of `Schedule`, for a form."""

    kind: ScheduleKind | None = setting(
        None,
        title="Kind",
        help="cron for days and times, rate for every so often, at for once. Left unset it is read from a spelling "
        "such as rate(5 minutes), otherwise it is cron.",
        widget="select",
        static=True,
    )
    expression: str = setting(
        title="When",
        help="Cron in five fields (minute hour day month weekday, Sunday 0 or 7) or six as AWS writes them (with a "
        "year; Sunday is 1, one of the two day fields is ?); a rate such as 15 minutes; or a local time such as "
        "2026-01-05T09:00.",
        widget="cron",
        static=True,
        examples=["*/15 7-20 * * MON-FRI", "cron(0 9 ? * 2#1 *)", "rate(1 hour)", "at(2026-01-05T09:00:00)"],
        max_length=300,
    )
    time_zone: str = setting(
        "UTC",
        title="Time zone",
        help="The IANA zone whose clock counts for cron and for a one-time start.",
        widget="text",
        static=True,
        examples=["Europe/London", "America/New_York"],
    )
    start: str | None = setting(
        None,
        title="From",
        help="Fires from this date or time on, included. A rate counts from here.",
        widget="text",
        static=True,
        examples=["2026-01-05", "2026-01-05T09:00:00Z"],
        advanced=True,
    )
    end: str | None = setting(
        None,
        title="Until",
        help="Fires until this date or time, included; a bare date includes its whole day.",
        widget="text",
        static=True,
        examples=["2026-12-31"],
        advanced=True,
    )
    misfire: Misfire = setting(
        "skip",
        title="Missed starts",
        help="What to do with starts missed while nothing was running: skip them, start once for all, or catch up.",
        widget="select",
        static=True,
        advanced=True,
    )
    misfire_max: int = setting(
        10,
        title="Catch up at most",
        help="At most this many of the latest missed starts are made up for.",
        widget="number",
        static=True,
        show_if={"misfire": ["all"]},
        ge=1,
        le=100,
        advanced=True,
    )
    max_age_min: int = setting(
        DAY_MIN,
        title="Oldest start",
        help="A missed start older than this is not made up for, and a queued one does not run any more.",
        unit="minutes",
        widget="number",
        static=True,
        ge=1,
        le=MAX_AGE_MIN,
        advanced=True,
    )
    overlap: Overlap = setting(
        "skip",
        title="While one is running",
        help="What to do when it is time and the last execution has not ended: skip, queue behind it, or allow both.",
        widget="select",
        static=True,
        advanced=True,
    )
    flexible_window_min: int | None = setting(
        None,
        title="Flexible window",
        help="A start may come up to this much later, which spreads load. Leave it unset where the minute matters.",
        unit="minutes",
        widget="number",
        static=True,
        ge=1,
        le=DAY_MIN,
        advanced=True,
    )

    @model_validator(mode="after")
    def _is_a_schedule(self) -> Self:
        Schedule.model_validate(self.model_dump(exclude_none=True))  # its errors name the same fields
        return self


class ScheduleOutput(NodeOutput):
    scheduled_at: AwareDatetime = Field(description="The time it was due.")
    execution_time: AwareDatetime = Field(description="The moment the execution stands at, in market time.")
    late_s: float = Field(description="Seconds between the two; 0 for a run started by hand.")


_moment = TypeAdapter[AwareDatetime](AwareDatetime)


class ScheduleTrigger(Node):
    type = "trigger.schedule"
    title = "Schedule"
    description = "Starts the workflow by the clock: cron, every so often, or once."
    help = (
        "Times are local to the time zone you choose, and behave as in Amazon EventBridge Scheduler: when clocks go "
        "forward, a time that does not exist is left out; when they go back, a time that comes twice starts once. A "
        "rate counts real hours, and without *From* it keeps to the clock: 15 minutes means the quarter hours.\n\n"
        "**Missed starts** (the machine was off, the workflow paused): *skip* forgets them, which is right for most "
        "strategies, as an old signal is worth nothing; *once* starts one execution for all of them; *all* catches up, "
        "newest last. **While one is running**: *skip* leaves the new start out, *queue* runs it "
        "afterwards, *allow* runs both at once."
    )
    icon = "calendar-clock"
    tier = Tier.BASIC
    kind = Kind.TRIGGER
    errors = (NodeConfigError,)
    example = Example(
        title="Every quarter hour of the London session",
        config={"kind": "cron", "expression": "*/15 8-16 * * MON-FRI", "time_zone": "Europe/London"},
    )
    Config = ScheduleConfig
    Output = ScheduleOutput

    @classmethod
    def schedule(cls, config: Mapping[str, Any]) -> Schedule:
        """The schedule a document's node asks for. Raises `InvalidInput` naming the field that is wrong."""
        return parse_schedule({key: value for key, value in config.items() if value is not None})

    def run(self, config: ScheduleConfig, context: NodeContext) -> ScheduleOutput:
        now = context.as_of.astimezone(UTC)
        due = _due(context.payload["scheduled_at"]) if "scheduled_at" in context.payload else now
        late_s = max(0.0, (now - due).total_seconds())
        return ScheduleOutput(scheduled_at=due, execution_time=now, late_s=late_s)


def _due(value: Any) -> datetime:
    try:
        return _moment.validate_python(value).astimezone(UTC)
    except (ValidationError, OverflowError) as error:
        message = "The payload's scheduled_at is no time with a time zone."
        raise NodeConfigError(message, field="payload.scheduled_at") from error
