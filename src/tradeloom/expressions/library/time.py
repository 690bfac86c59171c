"""Functions on timestamps and durations. Fields count as in CEL: months and days of the week or year from 0."""

import math
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from tradeloom.expressions.failures import failure
from tradeloom.expressions.library.function import Function, Overload
from tradeloom.expressions.limits import Run
from tradeloom.expressions.times import (
    SECOND,
    Duration,
    Timestamp,
    Zones,
    local_time,
    parse_duration,
    parse_timestamp,
    timestamp_at,
    timestamp_from,
)
from tradeloom.expressions.types import DURATION, NUMBER, STRING, TIMESTAMP
from tradeloom.expressions.values import a_kind, as_number, as_text

_ZONES = Zones()
_MAX_SECONDS = 1e12
_STEPS = 16
_STEPS_TO_LOAD_A_ZONE = 1_000


def _now(run: Run) -> Timestamp:
    if run.now is None:
        raise failure("now() is not known here: it is the time the execution was dispatched as of.")
    return timestamp_from(run.now)


def _timestamp(run: Run, value: Any) -> Timestamp:
    run.spend(_STEPS)
    if type(value) is Timestamp:
        return value
    if type(value) is str:
        return parse_timestamp(value)
    if type(value) not in (float, int):
        raise failure(f"timestamp takes a string or seconds since 1970, not {a_kind(value)}.")
    seconds = as_number(value, "timestamp")
    if abs(seconds) > _MAX_SECONDS:
        raise failure("The timestamp is out of range: years go from 1 to 9999.")
    whole = math.floor(seconds)
    return timestamp_at(whole * SECOND + round((seconds - whole) * SECOND))


def _duration(run: Run, value: Any) -> Duration:
    run.spend(_STEPS)
    return value if type(value) is Duration else parse_duration(as_text(value, "duration"))


def _field(name: str, of_time: Callable[[datetime], int]) -> Callable[..., float]:
    def evaluate(run: Run, value: Any, zone_name: Any = "UTC") -> float:
        if type(value) is not Timestamp:
            hint = f"Write timestamp(text).{name}()." if type(value) is str else None
            raise failure(f"{name} takes a timestamp, not {a_kind(value)}.", hint=hint)
        run.spend(_STEPS)
        wanted = as_text(zone_name, name)
        zone = UTC if wanted == "UTC" else _ZONES.known(wanted)
        if zone is None:
            run.spend(_STEPS_TO_LOAD_A_ZONE)
            zone = _ZONES.load(wanted)
        return float(of_time(local_time(value, zone)))

    return evaluate


def _clock(name: str, of_time: Callable[[datetime], int], of_span: Callable[[int], int]) -> Callable[..., float]:
    """A field both timestamps and durations have; of a duration it is the whole of it in that unit."""
    of_timestamp = _field(name, of_time)

    def evaluate(run: Run, value: Any, *zone: Any) -> float:
        if type(value) is not Duration:
            return of_timestamp(run, value, *zone)
        if zone:
            raise failure(f"{name} of a duration takes no time zone.")
        # Towards zero, as protobuf's durations count.
        return float(-of_span(-value.ns) if value.ns < 0 else of_span(value.ns))

    return evaluate


_OF_TIMESTAMP = (Overload((TIMESTAMP,), NUMBER), Overload((TIMESTAMP, STRING), NUMBER))


def _calendar_function(name: str, help_: str, of_time: Callable[[datetime], int]) -> Function:
    return Function(name, help_, _OF_TIMESTAMP, _field(name, of_time), method=True, plain=False)


def _clock_function(
    name: str, help_: str, of_time: Callable[[datetime], int], of_span: Callable[[int], int]
) -> Function:
    overloads = (*_OF_TIMESTAMP, Overload((DURATION,), NUMBER))
    return Function(name, help_, overloads, _clock(name, of_time, of_span), method=True, plain=False)


FUNCTIONS = (
    Function("now", "The time this execution runs as of; the same throughout it.", (Overload((), TIMESTAMP),), _now),
    Function(
        "timestamp",
        "A text such as 2026-11-22T14:30:00Z, or seconds since 1970, as a point in time.",
        tuple(Overload((type_,), TIMESTAMP) for type_ in (STRING, NUMBER, TIMESTAMP)),
        _timestamp,
    ),
    Function(
        "duration",
        "A text such as 1h30m as a span of time.",
        (Overload((STRING,), DURATION), Overload((DURATION,), DURATION)),
        _duration,
    ),
    _calendar_function("getFullYear", "The year.", lambda time: time.year),
    _calendar_function("getMonth", "The month, from 0 for January.", lambda time: time.month - 1),
    _calendar_function("getDate", "The day of the month, from 1.", lambda time: time.day),
    _calendar_function("getDayOfMonth", "The day of the month, from 0.", lambda time: time.day - 1),
    _calendar_function("getDayOfWeek", "The day of the week, from 0 for Sunday.", lambda time: time.isoweekday() % 7),
    _calendar_function("getDayOfYear", "The day of the year, from 0.", lambda time: time.timetuple().tm_yday - 1),
    _clock_function(
        "getHours", "The hour, or a duration in hours.", lambda t: t.hour, lambda ns: ns // (3600 * SECOND)
    ),
    _clock_function(
        "getMinutes", "The minute, or a duration in minutes.", lambda t: t.minute, lambda ns: ns // (60 * SECOND)
    ),
    _clock_function("getSeconds", "The second, or a duration in seconds.", lambda t: t.second, lambda ns: ns // SECOND),
    _clock_function(
        "getMilliseconds",
        "The milliseconds within the second.",
        lambda time: time.microsecond // 1_000,
        lambda ns: ns % SECOND // 1_000_000,
    ),
)
