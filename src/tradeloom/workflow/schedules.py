"""Schedules: when a workflow starts by itself. The scheduler, the API and the console all ask here.

Times behave as in EventBridge Scheduler: a local time that spring skips does not fire, one that autumn doubles fires
once (the first time), a rate counts in real hours. Everything is on whole minutes.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from itertools import islice, takewhile
from typing import Any, Literal
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, ValidationError, ValidationInfo, field_validator, model_validator

from tradeloom.errors import InvalidInput
from tradeloom.workflow.cron import FIRST_YEAR, LAST_YEAR, parse_cron
from tradeloom.workflow.time_zones import iana

ScheduleKind = Literal["cron", "rate", "at"]
Misfire = Literal["skip", "once", "all"]
Overlap = Literal["skip", "queue", "allow"]

MAX_FIRES = 1_000
"""Most fire times one question may ask for."""
MAX_RATE = timedelta(days=365)
MAX_AGE_MIN = 44_640
"""Oldest start that may be made up for: 31 days."""
DAY_MIN = 1_440

_EPOCH = datetime(FIRST_YEAR, 1, 1, tzinfo=UTC)
_END = datetime(LAST_YEAR + 1, 1, 1, tzinfo=UTC)
_SPELLING = re.compile(r"\s*(cron|rate|at)\s*\((.*)\)\s*", re.IGNORECASE | re.DOTALL)
_RATE = re.compile(r"([0-9]{1,7})\s+(minute|hour|day)s?", re.IGNORECASE)
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_AT = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2})?", re.ASCII)


class Schedule(BaseModel):
    """When to fire, and what to do when a fire was missed or the last run is still going.

    `expression` is cron (five fields, or six with a year), a rate (`5 minutes`) or a local time (`2026-01-05T09:00`);
    EventBridge's spellings `cron(…)`, `rate(…)` and `at(…)` are understood, and say the kind. `start` and `end` are
    included. A rate counts from `start`; without one from midnight UTC of 1 January 1970, so that `15 minutes` fires
    on the quarter hour whoever asks. `misfire`: leave out what was missed, fire once for all of it, or catch up with
    at most the last `misfire_max`; never with what is older than `max_age_min` minutes. A fire may come up to
    `flexible_window_min` minutes late on purpose.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    kind: ScheduleKind = "cron"
    time_zone: str = "UTC"
    expression: str
    start: datetime | None = None
    end: datetime | None = None
    misfire: Misfire = "skip"
    misfire_max: int = Field(default=10, ge=1, le=100)
    max_age_min: int = Field(default=DAY_MIN, ge=1, le=MAX_AGE_MIN)
    overlap: Overlap = "skip"
    flexible_window_min: int | None = Field(default=None, ge=1, le=DAY_MIN)

    @model_validator(mode="before")
    @classmethod
    def _kind_from_spelling(cls, data: Any) -> Any:
        if not isinstance(data, dict) or data.get("kind") is not None:
            return data
        spelled = _SPELLING.fullmatch(str(data.get("expression", "")))
        return {**data, "kind": spelled[1].lower() if spelled else "cron"}

    @field_validator("time_zone")
    @classmethod
    def _is_iana(cls, value: str) -> str:
        return iana(value)

    @field_validator("expression")
    @classmethod
    def _is_understood(cls, value: str, info: ValidationInfo) -> str:
        kind = info.data.get("kind")
        spelled = _SPELLING.fullmatch(value)
        if spelled and kind and spelled[1].lower() != kind:
            raise ValueError(f"this is written as {spelled[1].lower()}(…), but kind is {kind}")
        text = (spelled[2] if spelled else value).strip()
        match kind:
            case "cron":
                try:
                    return parse_cron(text).text
                except InvalidInput as error:
                    raise ValueError(error.message) from error
            case "rate":
                return _canonical_rate(text)
            case "at":
                return _canonical_at(text, info.data.get("time_zone"))
            case _:
                return text

    @field_validator("start", "end", mode="before")
    @classmethod
    def _is_a_moment(cls, value: Any, info: ValidationInfo) -> Any:
        if value is None:
            return None
        if info.data.get("kind") == "at":
            raise ValueError("a one-time schedule has neither start nor end")
        if not isinstance(value, datetime) and not (isinstance(value, str) and _DATE.match(value)):
            raise ValueError("give a date or a time, such as 2026-01-05 or 2026-01-05T09:00:00Z")
        if isinstance(value, str) and info.field_name == "end" and _DATE.fullmatch(value):
            return f"{value}T{time.max.isoformat()}"  # a bare date includes the whole day
        return value

    @field_validator("start", "end")
    @classmethod
    def _in_utc(cls, value: datetime | None, info: ValidationInfo) -> datetime | None:
        if value is None:
            return None
        if not FIRST_YEAR < value.year < LAST_YEAR:
            raise ValueError(f"the year is not between {FIRST_YEAR} and {LAST_YEAR}")
        if value.tzinfo is None:
            value = value.replace(tzinfo=ZoneInfo(info.data.get("time_zone", "UTC")))
        value = value.astimezone(UTC)
        start = info.data.get("start")
        if start is not None and value < start:
            raise ValueError("the end is before the start")
        return value


@dataclass(frozen=True, slots=True)
class FireTime:
    """A time on a schedule's own clock (naive `local`) and the moment it is, in UTC. `at` is None where the clocks skip
    it: it does not fire. One that comes twice, `doubled`, fires the first time."""

    local: datetime
    at: datetime | None
    doubled: bool = False


def parse_schedule(data: Mapping[str, Any]) -> Schedule:
    """A schedule from JSON. Raises `InvalidInput` naming the first field that is wrong."""
    try:
        return Schedule.model_validate(dict(data))
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        field = ".".join(str(part) for part in first["loc"]) or None
        message = first["msg"].removeprefix("Value error, ")
        raise InvalidInput(f"{field}: {message}" if field else message, field=field) from error


def next_fires(schedule: Schedule, after: datetime, count: int) -> list[datetime]:
    """The next fire times strictly after `after`, in UTC, oldest first; fewer than `count` where it fires no more.

    Raises `InvalidInput` where `after` has no time zone or `count` is not in 0–1,000.
    """
    if not 0 <= count <= MAX_FIRES:
        raise InvalidInput(f"between 0 and {MAX_FIRES} fire times can be asked for, not {count}", field="count")
    return list(islice(_fires(schedule, after), count))


def fire_times(schedule: Schedule, after: datetime, count: int) -> list[FireTime]:
    """The next `count` fire times as `next_fires` gives them, with their local time, and in their midst those that the
    clocks skip (at most `count` of them). Raises as `next_fires` does."""
    if not 0 <= count <= MAX_FIRES:
        raise InvalidInput(f"between 0 and {MAX_FIRES} fire times can be asked for, not {count}", field="count")
    zone = ZoneInfo(schedule.time_zone)
    found: list[FireTime] = []
    fires = skipped = 0
    for local, moment in _times(schedule, after):
        if fires == count or skipped > count:
            break
        if moment is None:
            skipped += 1
            found.append(FireTime(local, None))
        else:
            fires += 1
            found.append(FireTime(local, moment, _comes_twice(local, zone)))
    return found


def fires_between(schedule: Schedule, after: datetime, until: datetime) -> Iterator[datetime]:
    """Fire times later than `after` and not later than `until`, in UTC, oldest first."""
    _need_zone("until", until)
    return takewhile(lambda moment: moment <= until, _fires(schedule, after))


def missed_fires(schedule: Schedule, after: datetime, now: datetime) -> list[datetime]:
    """The fires of (`after`, `now`] that the misfire policy wants made up for, oldest first.

    `skip` none, `once` the latest, `all` the latest `misfire_max`. `after` is the last fire that was seen to.
    """
    _need_zone("after", after)
    _need_zone("now", now)
    wanted = {"skip": 0, "once": 1, "all": schedule.misfire_max}[schedule.misfire]
    if wanted == 0 or after >= now:
        return []
    # Looking back in growing windows costs by how many are wanted, not by how long nobody was watching.
    span = timedelta(hours=1)
    while True:
        begin = max(after, now - span) if now - after > span else after
        found = list(fires_between(schedule, begin, now))
        if len(found) >= wanted or begin == after:
            return found[-wanted:]
        span *= 4


def _fires(schedule: Schedule, after: datetime) -> Iterator[datetime]:
    return (moment for _, moment in _times(schedule, after) if moment is not None)


def _times(schedule: Schedule, after: datetime) -> Iterator[tuple[datetime, datetime | None]]:
    """Local times later than `after` with their moments, in order; without a moment where the clocks skip them."""
    _need_zone("after", after)
    if after >= _END:
        return
    after = max(after.astimezone(UTC), _EPOCH - timedelta(minutes=1))
    if schedule.start is not None:
        after = max(after, schedule.start - timedelta(microseconds=1))
    zone = ZoneInfo(schedule.time_zone)
    every = {"cron": _cron_times, "rate": _rate_times, "at": _at_times}[schedule.kind]
    for local, moment in every(schedule, after, zone):
        place = moment or local.replace(tzinfo=zone, fold=0).astimezone(UTC)  # of a skipped one: just after the leap
        if schedule.end is not None and place > schedule.end:
            return
        if place > after:
            yield local, moment


_Times = Iterator[tuple[datetime, datetime | None]]


def _cron_times(schedule: Schedule, after: datetime, zone: ZoneInfo) -> _Times:
    start = after.astimezone(zone).replace(tzinfo=None, second=0, microsecond=0, fold=0)
    for local in parse_cron(schedule.expression).local_times(start):
        yield local, _utc(local, zone)


def _rate_times(schedule: Schedule, after: datetime, zone: ZoneInfo) -> _Times:
    period = _rate(schedule.expression)
    anchor = _EPOCH if schedule.start is None else _whole_minute(schedule.start)
    moment = anchor + max(0, (after - anchor) // period + 1) * period
    while moment < _END:
        yield moment.astimezone(zone).replace(tzinfo=None), moment
        moment += period


def _at_times(schedule: Schedule, _after: datetime, zone: ZoneInfo) -> _Times:
    local = datetime.fromisoformat(schedule.expression)
    yield local, _utc(local, zone)


def _comes_twice(local: datetime, zone: ZoneInfo) -> bool:
    early, late = (local.replace(tzinfo=zone, fold=fold).utcoffset() for fold in (0, 1))
    return early != late


def _utc(local: datetime, zone: ZoneInfo) -> datetime | None:
    """The moment a local time stands for: the first of a doubled one, None for a skipped one."""
    moment = local.replace(tzinfo=zone, fold=0).astimezone(UTC)
    return moment if moment.astimezone(zone).replace(tzinfo=None) == local else None


def _need_zone(name: str, moment: datetime) -> None:
    if moment.tzinfo is None:
        raise InvalidInput(f"{name}: a time without a time zone", field=name)


def _whole_minute(moment: datetime) -> datetime:
    """The moment itself, or the next whole minute."""
    whole = moment.replace(second=0, microsecond=0)
    return whole if whole == moment else whole + timedelta(minutes=1)


def _rate(text: str) -> timedelta:
    value, unit = text.split()
    return timedelta(**{f"{unit.removesuffix('s')}s": int(value)})


def _canonical_rate(text: str) -> str:
    matched = _RATE.fullmatch(text)
    if not matched or int(matched[1]) == 0:
        raise ValueError("a rate is a whole number above 0 and minutes, hours or days, such as 5 minutes")
    value, unit = int(matched[1]), matched[2].lower()
    if _rate(f"{value} {unit}") > MAX_RATE:
        raise ValueError(f"a rate is at most {MAX_RATE.days} days")
    return f"{value} {unit}" + ("" if value == 1 else "s")


def _canonical_at(text: str, time_zone: str | None) -> str:
    example = "a one-time schedule is a local time without offset, such as 2026-01-05T09:00"
    if not _AT.fullmatch(text):
        raise ValueError(example)
    try:
        local = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"there is no such time; {example}") from None
    if not FIRST_YEAR < local.year < LAST_YEAR:
        raise ValueError(f"the year is not between {FIRST_YEAR} and {LAST_YEAR}")
    if local.second:
        raise ValueError("schedules fire on whole minutes: the seconds must be 00")
    if time_zone is not None and _utc(local, ZoneInfo(time_zone)) is None:
        raise ValueError(f"the clocks of {time_zone} skip {text}; it never happens")
    return local.isoformat()
