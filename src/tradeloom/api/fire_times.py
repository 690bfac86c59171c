"""The next fire times of a schedule trigger's configuration, for the API, the console and the command line. The
scheduler asks the same `workflow.schedules`."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from pydantic import ValidationError

from tradeloom.api.models.schedules import UpcomingFire
from tradeloom.workflow.problems import Problem
from tradeloom.workflow.schedules import FireTime, Schedule, fire_times


def read_schedule(config: Mapping[str, Any], *, node: str | None = None) -> tuple[Schedule | None, list[Problem]]:
    """The schedule, or everything that is wrong with it, with fields as `config.expression`."""
    given = {key: value for key, value in config.items() if value is not None}
    try:
        return Schedule.model_validate(given), []
    except ValidationError as error:
        return None, [
            Problem(
                code="schedule",
                message=wrong["msg"].removeprefix("Value error, "),
                node=node,
                field=".".join(["config", *map(str, wrong["loc"])]),
            )
            for wrong in error.errors(include_url=False, include_context=False, include_input=False)
        ]


def upcoming(schedule: Schedule, after: datetime, count: int) -> list[UpcomingFire]:
    """The next `count` fires after a moment, and the local times between them that are skipped."""
    zone = ZoneInfo(schedule.time_zone)
    window = None if schedule.flexible_window_min is None else timedelta(minutes=schedule.flexible_window_min)
    return [_shown(time, zone, window) for time in fire_times(schedule, after, count)]


def _shown(time: FireTime, zone: ZoneInfo, window: timedelta | None) -> UpcomingFire:
    if time.at is None:
        return UpcomingFire(at=None, local=time.local.isoformat(), change="skipped")
    return UpcomingFire(
        at=time.at.astimezone(UTC),
        local=time.at.astimezone(zone).isoformat(),
        until=None if window is None else time.at + window,
        change="doubled" if time.doubled else None,
    )
