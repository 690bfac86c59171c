"""Fire times worked out without our code: minute after minute, from what a wall clock shows."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

ZONES = (
    "Europe/London",
    "Europe/Berlin",
    "Europe/Dublin",  # its winter is the exception
    "America/New_York",
    "America/Chicago",
    "America/Sao_Paulo",  # none any more
    "America/Santiago",  # at midnight
    "Australia/Sydney",
    "Australia/Lord_Howe",  # half an hour
    "Africa/Cairo",  # back since 2023
    "Africa/Casablanca",  # around Ramadan, the other way round
    "Asia/Beirut",  # at midnight
)
SCHEDULES = ("*/10 * * * *", "30 1 * * *", "0 2 * * MON-SAT", "15 0,3 ? * SUN *", "45 23 L * *", "rate(7 hours)")
MINUTE = timedelta(minutes=1)


def matches(schedule: str, local: datetime) -> bool:
    """Read by hand, for the six schedules above."""
    clock, day = (local.hour, local.minute), local.isoweekday()
    match schedule:
        case "*/10 * * * *":
            return local.minute % 10 == 0
        case "30 1 * * *":
            return clock == (1, 30)
        case "0 2 * * MON-SAT":
            return clock == (2, 0) and day <= 6
        case "15 0,3 ? * SUN *":
            return clock in ((0, 15), (3, 15)) and day == 7
        case _:
            return clock == (23, 45) and (local + timedelta(days=1)).month != local.month


def table(schedule: str, zone: str, begin: datetime, end: datetime) -> Iterator[datetime]:
    """Minute after minute: what the wall shows for the first time, and the schedule names, fires."""
    info, shown = ZoneInfo(zone), set()
    moment = begin - timedelta(hours=3)
    while moment <= end:
        local = moment.astimezone(info).replace(tzinfo=None, fold=0)
        if schedule.startswith("rate"):
            due = (moment - datetime(1970, 1, 1, tzinfo=UTC)) % timedelta(hours=7) == timedelta()
        else:
            due = local not in shown and matches(schedule, local)
        shown.add(local)
        if due and moment > begin:
            yield moment
        moment += MINUTE
