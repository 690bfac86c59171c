"""Which pauses in a series of bars are worth a name."""

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.series import eurusd_h1
from tradeloom.nodes.market._gaps import Hole, unusual_gaps
from tradeloom.trading.timeframes import Timeframe

MONDAY = datetime(2017, 5, 1, tzinfo=UTC)


def hours(weeks: int, *, open_from: int = 0, open_to: int = 24, weekends: bool = False) -> list[datetime]:
    """Hourly bars of a market open these hours, on weekdays or on all days."""
    moments = [MONDAY + timedelta(hours=hour) for hour in range(weeks * 7 * 24)]
    return [each for each in moments if open_from <= each.hour < open_to and (weekends or each.weekday() < 5)]


def gaps(moments: list[datetime], timeframe: Timeframe = Timeframe.H1) -> list[tuple[datetime, datetime, int]]:
    times = np.array([int(each.timestamp()) for each in moments], dtype=np.int64)
    found = unusual_gaps(times, timeframe)
    return [
        (datetime.fromtimestamp(hole.start, tz=UTC), datetime.fromtimestamp(hole.end, tz=UTC), hole.bars_missing)
        for hole in found
    ]


MARKETS: dict[str, dict[str, Any]] = {
    "round the clock on weekdays": {},
    "with a daily break": {"open_from": 1},
    "an exchange's day": {"open_from": 9, "open_to": 17},
    "every day of the week": {"weekends": True},
}


@pytest.mark.parametrize("market", MARKETS)
@pytest.mark.parametrize("weeks", [1, 2, 3, 12])
def test_usual_closing_hours_are_no_gap(market: str, weeks: int) -> None:
    assert gaps(hours(weeks, **MARKETS[market])) == []


@pytest.mark.parametrize("market", MARKETS)
def test_a_missing_day_is_a_gap(market: str) -> None:
    wednesday = MONDAY + timedelta(days=16)
    moments = [each for each in hours(6, **MARKETS[market]) if each.date() != wednesday.date()]
    ((start, end, missing),) = gaps(moments)
    assert start <= wednesday.replace(hour=9) < end
    assert missing == (end - start) // timedelta(hours=1)


@pytest.mark.parametrize("market", MARKETS)
def test_a_long_weekend_is_a_gap(market: str) -> None:
    friday = MONDAY + timedelta(days=18)
    absent = {(friday + timedelta(days=more)).date() for more in range(3)}
    moments = [each for each in hours(6, **MARKETS[market]) if each.date() not in absent]
    assert len(gaps(moments)) == 1


def test_a_shift_of_the_clocks_is_no_gap() -> None:
    shift = MONDAY + timedelta(days=20)
    moments = [each + timedelta(hours=each > shift) for each in hours(6)]
    assert gaps(moments) == []


def test_a_single_long_weekend_is_named_even_if_it_is_the_only_one_seen() -> None:
    thursday, tuesday = MONDAY + timedelta(days=3), MONDAY + timedelta(days=8)
    moments = [thursday + timedelta(hours=hour) for hour in range(24)]
    moments += [tuesday + timedelta(hours=hour) for hour in range(24)]
    assert gaps(moments) == [(thursday + timedelta(days=1), tuesday, 96)]


def test_quiet_minutes_are_no_gap_and_lost_hours_are() -> None:
    minutes = [MONDAY + timedelta(minutes=minute) for minute in range(5000) if minute % 17]
    assert gaps(minutes, Timeframe.M1) == []
    lost = [each for each in minutes if not 600 <= (each - MONDAY).total_seconds() / 60 < 720]
    assert [missing for *_, missing in gaps(lost, Timeframe.M1)] == [120]


def test_months_differ_in_length_without_a_gap() -> None:
    months = [datetime(2015 + month // 12, month % 12 + 1, 1, tzinfo=UTC) for month in range(36)]
    assert gaps(months, Timeframe.MN1) == []
    assert gaps(months[:10] + months[12:], Timeframe.MN1) == [
        (months[9] + timedelta(days=30), months[12], 2),
    ]


def test_real_year_of_eurusd_has_one_gap_christmas() -> None:
    christmas = datetime(2017, 12, 25, tzinfo=UTC)
    start, end = (int((christmas + timedelta(hours=hour)).timestamp()) for hour in (8, 22))
    assert unusual_gaps(eurusd_h1()["time"], Timeframe.H1) == [Hole(start, end, 14)]


@given(st.lists(st.integers(0, 10_000), unique=True, max_size=60), st.sampled_from(Timeframe))
def test_gaps_lie_between_bars_and_in_order(places: list[int], timeframe: Timeframe) -> None:
    times = np.array(sorted(places), dtype=np.int64) * timeframe.seconds
    found = unusual_gaps(times, timeframe)
    assert found == sorted(found, key=lambda hole: hole.start)
    opened = set(times.tolist())
    for hole in found:
        assert hole.end in opened
        assert hole.start - timeframe.seconds in opened
        assert hole.bars_missing == (hole.end - hole.start) // timeframe.seconds > 0
        assert not any(hole.start <= each < hole.end for each in opened)
