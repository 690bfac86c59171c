"""The account's trading day: when it began, and when the next one does."""

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any, Literal

from tradeloom.nodes.base import setting
from tradeloom.workflow.time_zones import iana

Period = Literal["day", "week", "month"]


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
        pattern=r"^([01]\d|2[0-3]):[0-5]\d$",
        **options,
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

        local = moment.astimezone(ZoneInfo(self.zone))
        date = local.date()
        if local.time() < self.begins:
            date -= timedelta(days=1)
        if period == "week":
            date -= timedelta(days=date.weekday())
        elif period == "month":
            date = date.replace(day=1)
        return self._begin(date)

    def next_start(self, moment: datetime) -> datetime:
        """When the next day begins, in UTC."""
        from zoneinfo import ZoneInfo

        began = self.start(moment).astimezone(ZoneInfo(self.zone))
        return self._begin(began.date() + timedelta(days=1))

    def _begin(self, date: Any) -> datetime:
        from zoneinfo import ZoneInfo

        return datetime.combine(date, self.begins, ZoneInfo(self.zone)).astimezone(UTC)
