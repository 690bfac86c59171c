"""When schedules start a workflow next."""

from typing import Any, Literal

from pydantic import AwareDatetime, ConfigDict, Field

from tradeloom.api.models.base import Model
from tradeloom.workflow.problems import Problem

MAX_COUNT = 100


class UpcomingFire(Model):
    """One time of a schedule. What the clocks skip does not fire; what they double fires the first time."""

    at: AwareDatetime | None = Field(description="The moment, in UTC; null for a local time that is skipped.")
    local: str = Field(description="The same on the schedule's clock.", examples=["2026-10-25T01:30:00+01:00"])
    until: AwareDatetime | None = Field(
        default=None, description="The end of its flexible window: it starts at some moment before; null without one."
    )
    change: Literal["skipped", "doubled"] | None = Field(
        default=None, description="What the change of the clocks does to it."
    )


class ScheduleFailure(Model):
    """A schedule that fails. Set aside after five failures in a row, it is tried again at `until`."""

    node: str = Field(description="The trigger; empty where the whole version cannot be read.")
    failures: int = Field(description="In a row.")
    error: str = Field(examples=["StorageUnavailable"])
    reason: str
    failed_at: AwareDatetime
    until: AwareDatetime | None = Field(description="Until when it is set aside; null while it is not.")


class NodeSchedule(Model):
    """One schedule trigger of a workflow."""

    node: str
    name: str
    kind: Literal["cron", "rate", "at"] | None = None
    expression: str = ""
    time_zone: str = "UTC"
    fires: list[UpcomingFire] = Field(default_factory=list, description="The next ones, with skipped ones in between.")
    last_fire: AwareDatetime | None = Field(default=None, description="The last fire time that was seen to.")
    failure: ScheduleFailure | None = None
    problems: list[Problem] = Field(default_factory=list, description="What keeps it from being read.")


class WorkflowSchedule(Model):
    """The schedules of the active version, or of the newest while none is active: then nothing fires."""

    active: bool
    version: str
    account: str
    now: AwareDatetime = Field(description="The account's market time, which schedules go by.")
    items: list[NodeSchedule]
    failure: ScheduleFailure | None = Field(default=None, description="What keeps the version from being read.")


class SchedulePreviewRequest(Model):
    """A schedule trigger's configuration that need not be saved, nor right."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"config": {"expression": "*/15 8-16 * * MON-FRI", "time_zone": "Europe/London"}, "count": 3}]
        },
    )

    config: dict[str, Any]
    count: int = Field(default=10, ge=1, le=MAX_COUNT, description="How many fire times.")
    after: AwareDatetime | None = Field(default=None, description="Later than this. Left out: than now.")
    account: str | None = Field(default=None, max_length=64, description="Whose market clock says what now is.")


class SchedulePreview(Model):
    after: AwareDatetime
    fires: list[UpcomingFire]
    problems: list[Problem] = Field(default_factory=list, description="With the fields that are wrong.")
