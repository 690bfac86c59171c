"""A broker's server clock and UTC.

MetaTrader gives every time as the server's wall clock written as if it were seconds since the epoch. The account
declares the zone of that clock: an IANA name, or one shifted by hours: `UTC+3`, or `America/New_York+7`, which is how
most forex brokers keep their day, midnight at 17:00 New York time all year.

An hour doubled in autumn is taken at its first passing, an hour skipped in spring belongs to the time after it; forex
markets are closed at both.
"""

import re
from bisect import bisect_right
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from tradeloom.errors import InvalidInput

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_NAME = re.compile(r"^(?P<zone>[A-Za-z][A-Za-z0-9_/+-]*?)(?P<shift>(?:(?<=[a-z])|(?<=UTC))[+-]\d{1,2}(:[0-5]\d)?)?$")
_DAY = 86_400


class ServerZone:
    """Conversions between server seconds and UTC seconds. Raises `InvalidInput` for an unknown zone."""

    def __init__(self, name: str) -> None:
        match = _NAME.match(name)
        try:
            if match is None:
                raise ValueError(name)
            self._zone = ZoneInfo(match["zone"])
        except (ValueError, OSError, LookupError) as error:
            raise InvalidInput(
                f"{name!r} is no time zone",
                field="server_time_zone",
                hint="an IANA name such as Europe/Athens, or one shifted: America/New_York+7",
            ) from error
        self.name = name
        self._shift = _shift_seconds(match["shift"])
        self._tables: dict[tuple[int, int], tuple[list[float], list[int]]] = {}
        self._latest: tuple[float, float, tuple[list[float], list[int]]] = (1.0, 0.0, ([], []))

    def offset_at(self, utc: float) -> int:
        """Seconds the server clock is ahead of UTC at a moment."""
        return _zone_offset(self._zone, int(utc // 1)) + self._shift

    def from_utc(self, utc: float) -> float:
        return utc + self.offset_at(utc)

    def to_utc(self, server: float) -> float:
        boundaries, offsets = self._table(server, server)
        return server - offsets[bisect_right(boundaries, server)]

    def to_utc_array(self, server: "NDArray[np.int64]") -> "NDArray[np.int64]":
        """Element by element; the input is sorted, as bars are."""
        import numpy as np

        if len(server) == 0:
            return server
        boundaries, offsets = self._table(int(server[0]), int(server[-1]))
        if not boundaries:
            return server - offsets[0]
        which = np.searchsorted(np.array(boundaries, dtype=np.int64), server, side="right")
        return server - np.array(offsets, dtype=np.int64)[which]

    def _table(self, first: float, last: float) -> tuple[list[float], list[int]]:
        """Server times at which the offset changes, and the offsets before, between and after them."""
        since, until, table = self._latest
        if since <= first and last <= until:
            return table
        years = _year(first - 2 * _DAY), _year(last + 2 * _DAY)
        if years not in self._tables:
            self._tables[years] = self._table_of(*years)
        table = self._tables[years]
        day_ends = first // _DAY * _DAY + _DAY
        self._latest = first, day_ends if _year(day_ends + 2 * _DAY) == years[1] else last, table
        return table

    def _table_of(self, first_year: int, last_year: int) -> tuple[list[float], list[int]]:
        years = range(first_year, last_year + 1)
        start = int(datetime(first_year, 1, 1, tzinfo=UTC).timestamp())
        boundaries: list[float] = []
        offsets = [self.offset_at(start)]
        for year in years:
            for moment, before, after in _changes(self._zone, year):
                boundaries.append(moment + max(before, after) + self._shift)
                offsets.append(after + self._shift)
        return boundaries, offsets


@lru_cache(maxsize=64)
def zone_named(name: str) -> ServerZone:
    """The zone, made once in a process."""
    return ServerZone(name)


@lru_cache(maxsize=256)
def _zone_offset(zone: ZoneInfo, utc: int) -> int:
    """Seconds ahead of UTC."""
    offset = datetime.fromtimestamp(utc, tz=UTC).astimezone(zone).utcoffset()
    return int((offset or timedelta()).total_seconds())


@lru_cache(maxsize=256)
def _changes(zone: ZoneInfo, year: int) -> tuple[tuple[int, int, int], ...]:
    """(UTC second, offset before, offset after) of each change of a zone in a UTC year."""
    moment = int(datetime(year, 1, 1, tzinfo=UTC).timestamp())
    end = int(datetime(year + 1, 1, 1, tzinfo=UTC).timestamp())
    found: list[tuple[int, int, int]] = []
    while moment < end:
        before, after = _zone_offset(zone, moment), _zone_offset(zone, moment + _DAY)
        if before != after:
            found.append((_exact_change(zone, moment, moment + _DAY), before, after))
        moment += _DAY
    return tuple(found)


def _exact_change(zone: ZoneInfo, low: int, high: int) -> int:
    old = _zone_offset(zone, low)
    while high - low > 1:
        middle = (low + high) // 2
        if _zone_offset(zone, middle) == old:
            low = middle
        else:
            high = middle
    return high


def _shift_seconds(shift: str | None) -> int:
    if not shift:
        return 0
    hours, _, minutes = shift[1:].partition(":")
    seconds = int(hours) * 3600 + int(minutes or 0) * 60
    return -seconds if shift.startswith("-") else seconds


def _year(seconds: float) -> int:
    return datetime.fromtimestamp(seconds, tz=UTC).year
