"""Trading days, weeks and months: which one each bar belongs to."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from tradeloom.nodes.base import setting
from tradeloom.nodes.trading_days import CLOCK_PATTERN
from tradeloom.trading.timeframes import Timeframe

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_DAY_S = 86_400
_QUARTER_S = 900
"""Clocks change on whole quarters of an hour, everywhere since 1972."""

_LONGEST_S: Mapping[str, int] = {"day": 25 * 3_600, "week": 7 * _DAY_S + 3_600, "month": 31 * _DAY_S + 3_600}
"""The longest a period can be, with the hour that ends summer time in it."""

_SHORTEST_BAR_S: Mapping[str, int] = {"day": 60, "week": 300, "month": 1_800}
"""The timeframes whose bars are loaded for a period: a week of minutes is more than a reference holds."""


def time_zone_setting(show_if: Mapping[str, Any] | None = None) -> Any:
    return setting(
        "America/New_York",
        title="Time zone",
        help="The IANA zone whose clock begins the trading day.",
        widget="text",
        show_if=show_if,
        examples=["America/New_York", "Europe/London", "UTC"],
        min_length=1,
        max_length=64,
    )


def day_start_setting(show_if: Mapping[str, Any] | None = None) -> Any:
    return setting(
        "17:00",
        title="Day begins at",
        help="The trading day's first minute on that clock. 17:00 in New York is the currency market's; a start at "
        "noon or later opens the next date.",
        widget="text",
        show_if=show_if,
        examples=["17:00", "00:00"],
        pattern=CLOCK_PATTERN,
        advanced=True,
    )


def bars_in(period: str, timeframe: Timeframe) -> int:
    """Most bars of a timeframe that one period holds."""
    return -(-_LONGEST_S[period] // timeframe.seconds)


def bars_loaded(period: str | None) -> int:
    """Most bars one period holds on the timeframes it is meant for; the worst where the period is not known yet."""
    known = _SHORTEST_BAR_S if period is None else (period,)
    return max(-(-_LONGEST_S[each] // _SHORTEST_BAR_S[each]) for each in known)


def period_numbers(time: "NDArray[np.int64]", period: str, zone: str, day_start: str) -> "NDArray[np.int64]":
    """For each bar the number of the trading day, week or month it opens in: equal within one, never falling."""
    import numpy as np

    hour, _, minute = day_start.partition(":")
    start_s = int(hour) * 3_600 + int(minute) * 60
    # Sunday 17:00 opens Monday: a day that starts in the afternoon carries the next date.
    ahead_s = _DAY_S if start_s >= _DAY_S // 2 else 0
    days = (time + _offsets(time, zone) - start_s + ahead_s) // _DAY_S
    match period:
        case "day":
            numbers = days
        case "week":
            numbers = (days + 3) // 7  # the first of January 1970 was a Thursday
        case _:
            numbers = days.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)
    # Where clocks go back across the day's start, the new day has begun all the same.
    return np.maximum.accumulate(numbers)


def starts_of(numbers: "NDArray[np.int64]") -> "NDArray[np.int64]":
    """The rows on which a period begins, the first row included."""
    import numpy as np

    return np.flatnonzero(np.diff(numbers, prepend=numbers[:1] - 1))


def _offsets(time: "NDArray[np.int64]", zone: str) -> "NDArray[np.int64]":
    """Seconds the zone's clock is ahead of UTC at each time."""
    from datetime import UTC, datetime
    from zoneinfo import ZoneInfo

    import numpy as np

    clock = ZoneInfo(zone)
    quarters, where = np.unique(time // _QUARTER_S, return_inverse=True)
    offsets = []
    for quarter in quarters.tolist():
        offset = datetime.fromtimestamp(quarter * _QUARTER_S, tz=UTC).astimezone(clock).utcoffset()
        offsets.append(int(offset.total_seconds()) if offset is not None else 0)
    return np.array(offsets, dtype=np.int64)[where]
