"""Every change of the clocks from 2024 to 2030 in twelve zones, against a table made minute by minute."""

from datetime import UTC, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import pytest
from cronsim import CronSim

from tests.support.exam import record, sized
from tests.support.fire_table import SCHEDULES, ZONES, table
from tradeloom.workflow.schedules import Schedule, fire_times, fires_between, next_fires

HALF = timedelta(hours=26)
MINUTE = timedelta(minutes=1)
BEGIN, END = datetime(2024, 1, 1, tzinfo=UTC), datetime(2031, 1, 1, tzinfo=UTC)


@cache
def changes(zone: str) -> list[datetime]:
    """The first moments of each new offset."""
    info, found = ZoneInfo(zone), []
    moment, step = BEGIN, timedelta(hours=1)
    while moment < END:
        if moment.astimezone(info).utcoffset() != (moment + step).astimezone(info).utcoffset():
            exact = moment
            while exact.astimezone(info).utcoffset() == moment.astimezone(info).utcoffset():
                exact += MINUTE
            found.append(exact)
        moment += step
    return found


@pytest.mark.exam(suite="daylight saving")
@pytest.mark.parametrize("zone", ZONES)
def test_every_change_of_the_clocks(zone: str) -> None:
    found = changes(zone)
    checked = 0
    for number, change in enumerate(found):
        for position, text in enumerate(SCHEDULES):
            if (number + position) % sized(6, 1):
                continue
            begin, end = change - HALF, change + HALF
            schedule = Schedule(expression=text, time_zone=zone)
            expected = list(table(text, zone, begin, end))
            assert list(fires_between(schedule, begin, end)) == expected, (text, change)
            checked += len(expected)
    record("daylight saving", **{zone: {"changes": len(found), "fire_times": checked}})
    assert len(found) == {"America/Sao_Paulo": 0, "Africa/Casablanca": 15}.get(zone, 14)
    assert checked >= 100 * bool(found)


@pytest.mark.parametrize("zone", ZONES)
def test_what_is_skipped_and_doubled_is_told(zone: str) -> None:
    info = ZoneInfo(zone)
    for change in changes(zone)[:: sized(4, 1)]:
        every = fire_times(Schedule(expression="* * * * *", time_zone=zone), change - timedelta(hours=4), 600)
        before, after = ((change + step).astimezone(info).utcoffset() for step in (-MINUTE, MINUTE))
        assert before is not None
        assert after is not None
        length = (after - before) / MINUTE
        assert sum(each.at is None for each in every) == max(0, length)
        assert sum(each.doubled for each in every) == max(0, -length)
        fired = [each.at for each in every if each.at is not None]
        assert fired == next_fires(Schedule(expression="* * * * *", time_zone=zone), change - timedelta(hours=4), 600)


@pytest.mark.parametrize("zone", ZONES)
def test_a_second_opinion_where_it_means_the_same(zone: str) -> None:
    """cronsim runs what spring skips later, as Debian's cron does; on all other days both mean the same."""
    info = ZoneInfo(zone)
    odd = {(change + step).astimezone(info).date() for change in changes(zone) for step in (-MINUTE, MINUTE)}
    for text in ("30 1 * * *", "0 2 * * 1-6", "45 23 L * *", "5 4 * * 2#2"):
        ours = [
            fire.astimezone(info)
            for fire in next_fires(Schedule(expression=text, time_zone=zone), BEGIN, sized(120, 1_000))
        ]
        theirs = CronSim(text, BEGIN.astimezone(info))
        until = ours[-1]
        second: list[datetime] = []
        while not second or second[-1] < until:
            second.append(next(theirs))
        kept = [fire for fire in ours if fire.date() not in odd]
        assert kept == [fire for fire in second if fire.date() not in odd and fire <= until]
