from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradeloom.nodes.indicator._sessions import bars_in, period_numbers, starts_of
from tradeloom.trading.timeframes import Timeframe

ZONES = st.sampled_from(
    ["UTC", "America/New_York", "Europe/London", "Asia/Tokyo", "Australia/Lord_Howe", "Asia/Kolkata"]
)
STARTS = st.sampled_from(["00:00", "08:30", "11:59", "12:00", "17:00", "23:45"])
EPOCH = date(1970, 1, 1)
FIRST = int(datetime(2016, 1, 1, tzinfo=UTC).timestamp())


def times(*moments: str) -> np.ndarray:
    return np.array([int(datetime.fromisoformat(each).timestamp()) for each in moments], dtype=np.int64)


@given(zone=ZONES, start=STARTS, at=st.lists(st.integers(FIRST, FIRST + 4 * 366 * 86_400), min_size=1, max_size=30))
def test_a_day_is_the_local_date_its_hours_belong_to(zone: str, start: str, at: list[int]) -> None:
    stamps = np.array(sorted(at), dtype=np.int64)
    hour, minute = (int(part) for part in start.split(":"))
    expected = []
    for stamp in stamps.tolist():
        local = datetime.fromtimestamp(stamp, tz=ZoneInfo(zone)).replace(tzinfo=None)
        opened = local - timedelta(hours=hour, minutes=minute)
        expected.append((opened.date() + timedelta(days=hour >= 12) - EPOCH).days)
    days = period_numbers(stamps, "day", zone, start)
    assert days.tolist() == np.maximum.accumulate(expected).tolist()
    weeks, months = (period_numbers(stamps, period, zone, start) for period in ("week", "month"))
    for day, week, month in zip(days.tolist(), weeks.tolist(), months.tolist(), strict=True):
        local_date = EPOCH + timedelta(days=day)
        monday = local_date - timedelta(days=local_date.weekday())
        assert week == (monday - date(1969, 12, 29)).days // 7
        assert month == (local_date.year - 1970) * 12 + local_date.month - 1


def test_the_currency_week() -> None:
    moments = times(
        "2017-03-10T21:59Z", "2017-03-12T21:00Z", "2017-03-13T20:59Z", "2017-03-13T21:00Z", "2017-03-17T20:59Z"
    )
    #  Friday's last minute, Sunday's opening in summer time, Monday's last minute, Tuesday's first, Friday's last
    days = period_numbers(moments, "day", "America/New_York", "17:00")
    assert (days - days[0]).tolist() == [0, 3, 3, 4, 7]
    weeks = period_numbers(moments, "week", "America/New_York", "17:00")
    assert (weeks - weeks[0]).tolist() == [0, 1, 1, 1, 1]


def test_numbers_never_fall_when_clocks_go_back() -> None:
    hours = times("2017-11-05T00:00Z")[0] + 1_800 * np.arange(48)
    for start in ("00:30", "01:00", "01:30"):
        assert (np.diff(period_numbers(hours, "day", "America/New_York", start)) >= 0).all()


def test_starts_are_the_first_rows() -> None:
    assert starts_of(np.array([4, 4, 5, 5, 9])).tolist() == [0, 2, 4]
    assert starts_of(np.array([4])).tolist() == [0]


@pytest.mark.parametrize(
    ("period", "timeframe", "bars"), [("day", "H1", 25), ("day", "D1", 2), ("week", "H4", 43), ("month", "D1", 32)]
)
def test_most_bars_in_a_period(period: str, timeframe: str, bars: int) -> None:
    assert bars_in(period, Timeframe(timeframe)) == bars
