"""Points in time and spans of time: CEL's timestamp and duration, to the nanosecond.

Our own two classes rather than `datetime`'s, so that no value from outside can be taken for one of them: outside, times
are texts (RFC 3339 timestamps, durations in seconds such as "5400s"), and `timestamp()` and `duration()` read them.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone, tzinfo

from tradeloom.expressions.failures import failure, quoted

SECOND = 1_000_000_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MAX_TEXT = 64
_RFC_3339 = re.compile(
    r"([0-9]{4,5}-[0-9]{2}-[0-9]{2})[Tt]((?:[01][0-9]|2[0-3]):[0-9]{2}:[0-9]{2})(?:\.([0-9]{1,9}))?"
    r"([Zz]|[+-][0-9]{2}:[0-9]{2})"
)
_UNITS = {
    "h": 3600 * SECOND,
    "m": 60 * SECOND,
    "s": SECOND,
    "ms": 1_000_000,
    "us": 1_000,
    "µs": 1_000,
    "μs": 1_000,
    "ns": 1,
}
_SPAN_PART = re.compile(r"([0-9]*)(?:\.([0-9]*))?(h|ms|m|us|µs|μs|ns|s)")
_OFFSET = re.compile(r"([+-]?)([0-9]{2}):([0-9]{2})")


@dataclass(frozen=True, slots=True, order=True)
class Timestamp:
    """Nanoseconds since 1970-01-01T00:00:00Z, within the years 1 to 9999."""

    ns: int


@dataclass(frozen=True, slots=True, order=True)
class Duration:
    """Nanoseconds, at most about 10,000 years either way."""

    ns: int


def _since_epoch(moment: datetime) -> int:
    delta = moment - _EPOCH
    return (delta.days * 86_400 + delta.seconds) * SECOND + delta.microseconds * 1_000


_FIRST = _since_epoch(datetime(1, 1, 1, tzinfo=UTC))
_LAST = _since_epoch(datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)) + SECOND - 1
_LONGEST = 315_576_000_000 * SECOND  # protobuf's range, which CEL takes over


def timestamp_at(ns: int) -> Timestamp:
    if not _FIRST <= ns <= _LAST:
        raise failure("The timestamp is out of range: years go from 1 to 9999.")
    return Timestamp(ns)


def duration_of(ns: int) -> Duration:
    if not -_LONGEST <= ns <= _LONGEST:
        raise failure("The duration is out of range: at most about 10,000 years.")
    return Duration(ns)


def timestamp_from(moment: datetime) -> Timestamp:
    if moment.tzinfo is None:
        raise failure("The time given for now() has no time zone.")
    return Timestamp(_since_epoch(moment))


def parse_timestamp(text: str) -> Timestamp:
    """RFC 3339, as in 2026-11-22T14:30:00Z or 2026-11-22T14:30:00.25+01:00. Raises `ExpressionError`."""
    found = _RFC_3339.fullmatch(text) if len(text) <= _MAX_TEXT else None
    if found is None:
        raise failure(f"{quoted(text)} is not a timestamp.", hint="Write it as 2026-11-22T14:30:00Z.")
    date, time, fraction, zone = found.groups()
    try:
        moment = datetime.fromisoformat(f"{date}T{time}+00:00")
        offset = _fixed_zone(zone).utcoffset(None) if zone not in "Zz" else timedelta()
    except ValueError:
        raise failure(f"The timestamp {quoted(text)} is out of range: there is no such date or time.") from None
    ns = _since_epoch(moment) + int((fraction or "").ljust(9, "0"))
    return timestamp_at(ns - (offset or timedelta()) // timedelta(microseconds=1) * 1_000)


def format_timestamp(value: Timestamp) -> str:
    """RFC 3339 in UTC, with as many digits of a second as it has."""
    seconds, fraction = divmod(value.ns, SECOND)
    moment = _EPOCH + timedelta(seconds=seconds)
    return f"{moment.replace(tzinfo=None).isoformat()}{_fraction(fraction)}Z"


def parse_duration(text: str) -> Duration:
    """Numbers with units h, m, s, ms, us, ns, as in 1h30m, -1.5h or 250ms. Raises `ExpressionError`."""
    unsigned = text[1:] if text[:1] in ("-", "+") else text
    total, at = 0, 0
    while at < len(unsigned) <= _MAX_TEXT:
        part = _SPAN_PART.match(unsigned, at)
        if part is None or not (part[1] or part[2]):
            break
        unit = _UNITS[part[3]]
        fraction = part[2] or ""
        total += int(part[1] or 0) * unit + int(fraction or 0) * unit // 10 ** len(fraction)
        at = part.end()
    if unsigned != "0" and (at < len(unsigned) or not unsigned):
        raise failure(f"{quoted(text)} is not a duration.", hint="Write it as 1h30m, 90s or 250ms.")
    return duration_of(-total if text[0] == "-" else total)


def format_duration(value: Duration) -> str:
    """Seconds with a unit, as CEL and protobuf write durations in JSON: "5400s", "-0.25s"."""
    seconds, fraction = divmod(abs(value.ns), SECOND)
    return f"{'-' if value.ns < 0 else ''}{seconds}{_fraction(fraction)}s"


def _fraction(nanoseconds: int) -> str:
    return f".{nanoseconds:09}".rstrip("0") if nanoseconds else ""


def local_time(value: Timestamp, zone: tzinfo) -> datetime:
    """The wall clock there, to the microsecond. Raises `ExpressionError` outside the years 1 to 9999."""
    try:
        return (_EPOCH + timedelta(microseconds=value.ns // 1_000)).astimezone(zone)
    except OverflowError:
        raise failure("The timestamp is out of range in that time zone.") from None


class Zones:
    """Time zones by IANA name (`Europe/London`) or fixed offset (`+05:30`); loaded once each."""

    _NAME = re.compile(r"[A-Za-z][A-Za-z0-9_+-]*(?:/[A-Za-z0-9_+-]+)*")

    def __init__(self) -> None:
        self._loaded: dict[str, tzinfo] = {"UTC": UTC}

    def known(self, name: str) -> tzinfo | None:
        return self._loaded.get(name)

    def load(self, name: str) -> tzinfo:
        """Costs a look into the time-zone files. Raises `ExpressionError` for a zone nobody knows."""
        from zoneinfo import ZoneInfo  # deferred: most expressions never ask for a zone

        problem = failure(f"There is no time zone {quoted(name)}.", hint="Use an IANA name such as Europe/London.")
        if _OFFSET.fullmatch(name):
            return _fixed_zone(name)
        if len(name) > _MAX_TEXT or not self._NAME.fullmatch(name):
            raise problem
        try:
            zone = ZoneInfo(name)
        except (ValueError, OSError, KeyError):
            raise problem from None
        self._loaded[name] = zone
        return zone


def _fixed_zone(offset: str) -> tzinfo:
    found = _OFFSET.fullmatch(offset)
    if found is None or int(found[2]) > 23 or int(found[3]) > 59:
        raise failure(f"There is no time zone {quoted(offset)}.", hint="A fixed offset is written +05:30.")
    span = timedelta(hours=int(found[2]), minutes=int(found[3]))
    return timezone(-span if found[1] == "-" else span)
