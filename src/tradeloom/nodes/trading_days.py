"""Trading days by the clock of a zone: when one began, with its week and month, and when the next one does."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Literal

from tradeloom.nodes.base import setting
from tradeloom.workflow.time_zones import iana

Period = Literal["day", "week", "month"]

CLOCK_PATTERN = r"^([01]\d|2[0-3]):[0-5]\d$"
"""A time of day, such as 17:00."""


def time_zone_setting(**options: Any) -> Any:
    return setting(
        "UTC",
        title="Time zone",
        help="The IANA zone whose clock begins the day; most forex brokers' days are New York's.",
        widget="text",
        examples=["America/New_York", "Europe/London"],
        min_length=1,
        max_length=64,
        **options,
    )


def day_start_setting(**options: Any) -> Any:
    return setting(
        "00:00",
        title="Day begins at",
        help="The time of day, in that zone, at which a new trading day begins.",
        widget="text",
        examples=["00:00", "17:00"],
        pattern=CLOCK_PATTERN,
        **options,
        advanced=True,
    )


@dataclass(frozen=True, slots=True)
class TradingDays:
    """Days that begin at a time of the clock in a zone. A day is known by the date on which it begins there."""

    zone: str
    begins: time

    @classmethod
    def of(cls, zone: str, begins: str) -> "TradingDays":
        """Raises `ValueError` for no IANA zone."""
        return cls(iana(zone), time.fromisoformat(begins))

    def start(self, moment: datetime, period: Period = "day") -> datetime:
        """When the day, week (Monday) or month that `moment` lies in began, in UTC."""
        from zoneinfo import ZoneInfo

        day = moment.astimezone(ZoneInfo(self.zone)).date()
        # Not by the clock's reading: in the night clocks change it may skip the day's beginning, or show it twice.
        if moment < self.on(day):
            day -= timedelta(days=1)
        if period == "week":
            day -= timedelta(days=day.weekday())
        elif period == "month":
            day = day.replace(day=1)
        return self.on(day)

    def next_start(self, moment: datetime) -> datetime:
        """When the next day begins, in UTC."""
        from zoneinfo import ZoneInfo

        began = self.start(moment).astimezone(ZoneInfo(self.zone))
        return self.on(began.date() + timedelta(days=1))

    def on(self, day: date) -> datetime:
        """When the day that begins on a date does, in UTC."""
        from zoneinfo import ZoneInfo

        return datetime.combine(day, self.begins, ZoneInfo(self.zone)).astimezone(UTC)
