"""Cron expressions, matched against local time: five fields as Unix writes them, six as EventBridge Scheduler does.

Five: `minute hour day-of-month month day-of-week`; the week is 0–7 from Sunday to Sunday, and where both day fields
are restricted a day that matches either fires. Six: a year stands last, the week is 1–7 from Sunday to Saturday, and
one of the day fields is `?`. Both know names (`JAN`, `MON`), `*`, lists, ranges, steps, and of days `L` (the last),
`15W` (the weekday nearest the 15th, in the same month), `5L` (the last such weekday) and `5#2` (the second one).
"""

import calendar
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property, lru_cache

from tradeloom.errors import InvalidInput

FIRST_YEAR, LAST_YEAR = 1970, 2199
MAX_LENGTH = 256

_MONTHS = {name.upper(): number for number, name in enumerate(calendar.month_abbr) if name}
_DAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")


@dataclass(frozen=True)
class _Field:
    """What a field may hold. `high` ends ranges and steps, `last` ends `*`: not the same where Sunday is 0 and 7."""

    name: str
    low: int
    high: int
    last: int
    names: Mapping[str, int]

    def number(self, text: str) -> int:
        if text in self.names:
            return self.names[text]
        if not (text.isascii() and text.isdigit() and len(text) <= 4):
            hint = f" or a name such as {next(iter(self.names))}" if self.names else ""
            raise _bad(self, f"{_shown(text)} is no number{hint}")
        if not self.low <= int(text) <= self.high:
            raise _bad(self, f"{text} is not in {self.low}–{self.high}")
        return int(text)

    def values(self, part: str) -> range:
        """The values of one item of a list: `*`, `5`, `1-5`, and each with a step."""
        base, slash, step_text = part.partition("/")
        step = 1
        if slash:
            if not (step_text.isascii() and step_text.isdigit() and 0 < len(step_text) <= 4 and int(step_text) > 0):
                raise _bad(self, f"the step {_shown(step_text)} is no whole number above 0")
            step = int(step_text)
        if base == "*":
            return range(self.low, self.last + 1, step)
        if "-" not in base:
            first = self.number(base)
            return range(first, (self.high if slash else first) + 1, step)
        first_text, _, last_text = base.partition("-")
        first, last = self.number(first_text), self.number(last_text)
        if last == 0 < first and self.high == 7:
            last = 7  # Unix: FRI-SUN ends on the Sunday that is 7
        if last < first:
            raise _bad(self, f"the range {_shown(base)} runs backwards; write it as two ranges")
        return range(first, last + 1, step)


_MINUTE = _Field("minute", 0, 59, 59, {})
_HOUR = _Field("hour", 0, 23, 23, {})
_DAY = _Field("day of month", 1, 31, 31, {})
_MONTH = _Field("month", 1, 12, 12, _MONTHS)
_UNIX_WEEKDAY = _Field("day of week", 0, 7, 6, {name: number for number, name in enumerate(_DAYS)})
_AWS_WEEKDAY = _Field("day of week", 1, 7, 7, {name: number for number, name in enumerate(_DAYS, start=1)})
_YEAR = _Field("year", FIRST_YEAR, LAST_YEAR, LAST_YEAR, {})


@dataclass(frozen=True)
class _MonthDays:
    """Days of the month: by number, the last one, the last weekday, and weekdays nearest to a number."""

    numbers: frozenset[int]
    last: bool
    last_weekday: bool
    nearest: frozenset[int]

    def of(self, year: int, month: int) -> set[int]:
        length = calendar.monthrange(year, month)[1]
        days = {day for day in self.numbers if day <= length}
        days |= {_nearest_weekday(year, month, day, length) for day in self.nearest if day <= length}
        if self.last:
            days.add(length)
        if self.last_weekday:
            days.add(_nearest_weekday(year, month, length, length))
        return days


@dataclass(frozen=True)
class _Weekdays:
    """Days of the week, 0 being Sunday: every one, the last of a month, and the nth of a month."""

    every: frozenset[int]
    last: frozenset[int]
    nth: frozenset[tuple[int, int]]

    def of(self, year: int, month: int) -> set[int]:
        first, length = calendar.monthrange(year, month)
        found = set()
        for day in range(1, length + 1):
            weekday = (first + day) % 7  # monthrange counts from Monday, so the 1st (day 1) of a Monday is 1
            nth = (weekday, (day + 6) // 7)
            if weekday in self.every or nth in self.nth or (day + 7 > length and weekday in self.last):
                found.add(day)
        return found


@dataclass(frozen=True)
class Cron:
    """A parsed expression. `either_day`: matching one of the two day fields is enough (Unix, both restricted)."""

    text: str
    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    months: tuple[int, ...]
    years: frozenset[int] | None
    month_days: _MonthDays
    weekdays: _Weekdays
    either_day: bool

    def days(self, year: int, month: int) -> list[int]:
        """The days of a month on which it fires, in order."""
        by_number, by_weekday = self.month_days.of(year, month), self.weekdays.of(year, month)
        return sorted(by_number | by_weekday if self.either_day else by_number & by_weekday)

    def local_times(self, start: datetime) -> Iterator[datetime]:
        """Local times (naive, whole minutes) at or after `start` that match, in order; ends with the year 2199."""
        for year in range(max(start.year, FIRST_YEAR), LAST_YEAR + 1):
            if self.years is not None and year not in self.years:
                continue
            for month in self.months:
                if (year, month) < (start.year, start.month):
                    continue
                for day in self.days(year, month):
                    if date(year, month, day) >= start.date():
                        yield from self._times_of(year, month, day, start)

    def _times_of(self, year: int, month: int, day: int, start: datetime) -> Iterator[datetime]:
        for hour in self.hours:
            for minute in self.minutes:
                moment = datetime(year, month, day, hour, minute)  # noqa: DTZ001 (local time, by design)
                if moment >= start:
                    yield moment

    @cached_property
    def ever_fires(self) -> bool:
        return next(self.local_times(datetime(FIRST_YEAR, 1, 1)), None) is not None  # noqa: DTZ001


@lru_cache(maxsize=1_024)
def parse_cron(text: str) -> Cron:
    """Parse the fields (without `cron(…)`). Raises `InvalidInput` naming the field and what is wrong with it."""
    if len(text) > MAX_LENGTH:
        raise _wrong(f"a cron expression has at most {MAX_LENGTH} characters, not {len(text)}")
    fields = text.upper().split()
    if len(fields) not in (5, 6):
        raise _wrong(
            f"a cron expression has 5 fields (minute hour day-of-month month day-of-week) or 6 (with a year), "
            f"not {len(fields)}"
        )
    aws = len(fields) == 6
    minute, hour, day, month, weekday = fields[:5]
    if aws and (day == "?") == (weekday == "?"):
        raise _wrong("day of month and day of week: with 6 fields exactly one of them is ?")
    cron = Cron(
        text=" ".join(fields),
        minutes=_numbers(_MINUTE, minute),
        hours=_numbers(_HOUR, hour),
        months=_numbers(_MONTH, month),
        years=frozenset(_numbers(_YEAR, fields[5])) if aws and fields[5] != "*" else None,
        month_days=_month_days(day),
        weekdays=_weekdays(weekday, _AWS_WEEKDAY if aws else _UNIX_WEEKDAY),
        either_day=not (day.startswith(("*", "?")) or weekday.startswith(("*", "?"))),
    )
    if not cron.ever_fires:
        raise _wrong(f"no date ever matches {_shown(cron.text)}: that month has no such day")
    return cron


def _numbers(field: _Field, text: str) -> tuple[int, ...]:
    return tuple(sorted({value for part in text.split(",") for value in field.values(part)}))


def _month_days(text: str) -> _MonthDays:
    numbers: set[int] = set()
    nearest: set[int] = set()
    parts = ["*"] if text == "?" else text.split(",")
    for part in parts:
        if re.fullmatch(r"[0-9]+W", part):
            nearest.add(_DAY.number(part[:-1]))
        elif part not in {"L", "LW"}:
            numbers.update(_DAY.values(part))
    return _MonthDays(frozenset(numbers), "L" in parts, "LW" in parts, frozenset(nearest))


def _weekdays(text: str, field: _Field) -> _Weekdays:
    every: set[int] = set()
    last: set[int] = set()
    nth: set[tuple[int, int]] = set()
    sunday = field.names["SUN"]
    parts = ["*"] if text == "?" else text.split(",")
    for part in parts:
        if "#" in part:
            weekday, _, count = part.partition("#")
            if count not in {"1", "2", "3", "4", "5"}:
                raise _bad(field, f"{_shown(part)}: after # stands 1 to 5")
            if field is _AWS_WEEKDAY and len(parts) > 1:
                raise _bad(field, "with 6 fields a # stands alone, in no list")
            nth.add(((field.number(weekday) - sunday) % 7, int(count)))
        elif part == "L" and field is _AWS_WEEKDAY:
            every.add(6)  # EventBridge: the last day of the week is Saturday
        elif part.endswith("L") and len(part) > 1:
            last.add((field.number(part[:-1]) - sunday) % 7)
        else:
            every.update((value - sunday) % 7 for value in field.values(part))
    return _Weekdays(frozenset(every), frozenset(last), frozenset(nth))


def _nearest_weekday(year: int, month: int, day: int, length: int) -> int:
    """The weekday nearest to a day, without leaving its month."""
    match date(year, month, day).isoweekday():
        case 6:
            return day - 1 if day > 1 else day + 2
        case 7:
            return day + 1 if day < length else day - 2
        case _:
            return day


def _shown(text: str) -> str:
    return repr(text if len(text) <= 40 else text[:39] + "…")


def _bad(field: _Field, what: str) -> InvalidInput:
    return _wrong(f"{field.name}: {what}")


def _wrong(what: str) -> InvalidInput:
    return InvalidInput(what, field="expression")
