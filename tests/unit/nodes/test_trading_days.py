from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradeloom.nodes.trading_days import TradingDays

ZONES = ["UTC", "America/New_York", "Europe/London", "Australia/Sydney", "Asia/Tokyo", "Asia/Kathmandu"]
moments = st.integers(1_325_376_000, 1_924_905_600).map(lambda second: datetime.fromtimestamp(second, UTC))
days = st.builds(TradingDays.of, st.sampled_from(ZONES), st.sampled_from(["00:00", "01:30", "02:30", "17:00", "23:59"]))


@pytest.mark.parametrize(
    ("zone", "begins", "moment", "began"),
    [
        ("UTC", "00:00", "2024-03-05T00:00:00", "2024-03-05T00:00:00"),
        ("UTC", "00:00", "2024-03-05T23:59:59", "2024-03-05T00:00:00"),
        ("America/New_York", "17:00", "2024-03-05T21:59:59", "2024-03-04T22:00:00"),
        ("America/New_York", "17:00", "2024-03-05T22:00:00", "2024-03-05T22:00:00"),
        ("America/New_York", "17:00", "2024-03-11T20:59:59", "2024-03-10T21:00:00"),  # clocks went forward on the 10th
        ("America/New_York", "02:30", "2024-03-10T12:00:00", "2024-03-10T07:30:00"),  # half past two did not exist
        ("America/New_York", "02:30", "2024-03-10T07:10:00", "2024-03-09T07:30:00"),  # so it is still yesterday's
        ("America/New_York", "01:30", "2024-11-03T06:10:00", "2024-11-03T05:30:00"),  # half past one came twice
    ],
)
def test_when_a_day_began(zone: str, begins: str, moment: str, began: str) -> None:
    days = TradingDays.of(zone, begins)
    at = datetime.fromisoformat(moment).replace(tzinfo=UTC)
    assert days.start(at) == datetime.fromisoformat(began).replace(tzinfo=UTC)


def test_weeks_begin_on_monday_and_months_on_the_first() -> None:
    days = TradingDays.of("UTC", "00:00")
    at = datetime(2024, 3, 7, 12, tzinfo=UTC)  # a Thursday
    assert days.start(at, "week") == datetime(2024, 3, 4, tzinfo=UTC)
    assert days.start(at, "month") == datetime(2024, 3, 1, tzinfo=UTC)


@given(days=days, moment=moments)
def test_a_moment_lies_in_its_day(days: TradingDays, moment: datetime) -> None:
    began, following = days.start(moment), days.next_start(moment)
    assert began <= moment < following
    assert days.start(began) == began
    assert days.start(following) == following
    assert timedelta(hours=22) < following - began < timedelta(hours=26)


@pytest.mark.parametrize("zone", ["", "Mars/Base", "UTC+3", "localtime", "../etc/passwd"])
def test_no_zone(zone: str) -> None:
    with pytest.raises(ValueError, match="time zone"):
        TradingDays.of(zone, "00:00")
