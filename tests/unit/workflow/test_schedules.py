from datetime import UTC, datetime, timedelta
from itertools import pairwise
from string import printable
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from tradeloom.errors import InvalidInput
from tradeloom.workflow.cron import parse_cron
from tradeloom.workflow.schedules import (
    MAX_FIRES,
    Schedule,
    fires_between,
    missed_fires,
    next_fires,
    parse_schedule,
)

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)  # a Monday


def schedule(expression: str, **parts: Any) -> Schedule:
    return parse_schedule({"expression": expression, **parts})


def fires(expression: str, after: str, count: int = 3, **parts: Any) -> list[str]:
    found = next_fires(schedule(expression, **parts), datetime.fromisoformat(after).replace(tzinfo=UTC), count)
    return [moment.strftime("%Y-%m-%d %H:%M") for moment in found]


class TestSpelling:
    @pytest.mark.parametrize(
        ("given", "kind", "expression"),
        [
            ("0 9 * * mon-fri", "cron", "0 9 * * MON-FRI"),
            ("cron(0 9 ? * 2-6 *)", "cron", "0 9 ? * 2-6 *"),
            (" CRON( 0  9 ? * MON *) ", "cron", "0 9 ? * MON *"),
            ("rate(5 minutes)", "rate", "5 minutes"),
            ("rate(1 days)", "rate", "1 day"),
            ("at(2026-01-05T09:00:00)", "at", "2026-01-05T09:00:00"),
        ],
    )
    def test_says_the_kind(self, given: str, kind: str, expression: str) -> None:
        made = schedule(given)
        assert (made.kind, made.expression) == (kind, expression)
        assert Schedule.model_validate_json(made.model_dump_json()) == made

    def test_bare_with_the_kind_named(self) -> None:
        assert schedule("2 hours", kind="rate").expression == "2 hours"
        assert schedule("2026-01-05T09:00", kind="at").expression == "2026-01-05T09:00:00"


@pytest.mark.parametrize(
    ("data", "field", "message"),
    [
        ({}, "expression", "required"),
        ({"expression": 5}, "expression", "string"),
        ({"expression": "61 * * * *"}, "expression", "minute: 61 is not in 0–59"),
        ({"expression": "0 0 30 2 *"}, "expression", "no date ever matches"),
        ({"expression": "* * * * *", "kind": "weekly"}, "kind", "cron"),
        ({"expression": "cron(* * * * *)", "kind": "rate"}, "expression", "kind is rate"),
        ({"expression": "rate(0 minutes)"}, "expression", "above 0"),
        ({"expression": "rate(5 seconds)"}, "expression", "minutes, hours or days"),
        ({"expression": "rate(1.5 hours)"}, "expression", "whole number"),
        ({"expression": "rate(9999999 days)"}, "expression", "at most 365 days"),
        ({"expression": "at(2026-02-30T09:00)"}, "expression", "no such time"),
        ({"expression": "at(2026-01-05T09:00:30)"}, "expression", "seconds must be 00"),
        ({"expression": "at(2026-01-05T09:00:00Z)"}, "expression", "without offset"),
        ({"expression": "at(9999-01-05T09:00)"}, "expression", "year"),
        ({"expression": "at(2026-03-29T01:30)", "time_zone": "Europe/London"}, "expression", "skip"),
        ({"expression": "at(2026-01-05T09:00)", "end": "2027-01-01"}, "end", "neither start nor end"),
        ({"expression": "* * * * *", "time_zone": "Europe"}, "time_zone", "no IANA time zone"),
        ({"expression": "* * * * *", "time_zone": "../etc/passwd"}, "time_zone", "no IANA time zone"),
        ({"expression": "* * * * *", "start": 1_700_000_000}, "start", "give a date or a time"),
        ({"expression": "* * * * *", "start": "1700000000"}, "start", "give a date or a time"),
        ({"expression": "* * * * *", "start": "0001-01-01T00:00:00+14:00"}, "start", "year"),
        ({"expression": "* * * * *", "start": "2026-05-02", "end": "2026-05-01"}, "end", "before the start"),
        ({"expression": "* * * * *", "misfire": "never"}, "misfire", "skip"),
        ({"expression": "* * * * *", "misfire_max": 0}, "misfire_max", "greater"),
        ({"expression": "* * * * *", "overlap": "kill"}, "overlap", "skip"),
        ({"expression": "* * * * *", "flexible_window_min": 2_000}, "flexible_window_min", "less"),
        ({"expression": "* * * * *", "colour": "red"}, "colour", "Extra"),
    ],
)
def test_refusals_name_the_field(data: dict[str, Any], field: str, message: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse_schedule(data)
    assert caught.value.field == field
    assert message in caught.value.message
    assert caught.value.message.startswith(f"{field}: ")


def test_the_model_itself_points_at_the_field() -> None:
    with pytest.raises(ValidationError) as caught:
        Schedule(expression="61 * * * *")
    assert caught.value.errors()[0]["loc"] == ("expression",)


class TestDaylightSaving:
    """As EventBridge Scheduler: skipped in spring, once in autumn. Dates of 2026."""

    def test_london_spring_skips_0130(self) -> None:
        assert fires("30 1 * * *", "2026-03-27T12:00", time_zone="Europe/London") == [
            "2026-03-28 01:30",
            "2026-03-30 00:30",
            "2026-03-31 00:30",
        ]

    def test_london_autumn_fires_0130_once(self) -> None:
        assert fires("30 1 * * *", "2026-10-24T12:00", time_zone="Europe/London") == [
            "2026-10-25 00:30",
            "2026-10-26 01:30",
            "2026-10-27 01:30",
        ]

    def test_new_york_spring_skips_0230(self) -> None:
        assert fires("30 2 * * ? *", "2026-03-07T00:00", time_zone="America/New_York") == [
            "2026-03-07 07:30",
            "2026-03-09 06:30",
            "2026-03-10 06:30",
        ]

    def test_new_york_autumn_fires_0130_once(self) -> None:
        assert fires("30 1 * * ? *", "2026-10-31T12:00", time_zone="America/New_York") == [
            "2026-11-01 05:30",
            "2026-11-02 06:30",
            "2026-11-03 06:30",
        ]

    def test_every_half_hour_through_both_changes(self) -> None:
        assert fires("*/30 * * * *", "2026-03-29T00:00", count=3, time_zone="Europe/London") == [
            "2026-03-29 00:30",
            "2026-03-29 01:00",  # 02:00 local: 01:00 and 01:30 do not exist
            "2026-03-29 01:30",
        ]
        assert fires("*/30 * * * *", "2026-10-24T23:45", count=4, time_zone="Europe/London") == [
            "2026-10-25 00:00",
            "2026-10-25 00:30",
            "2026-10-25 02:00",  # the second 01:00 and 01:30 do not fire again
            "2026-10-25 02:30",
        ]

    def test_asked_inside_the_doubled_hour(self) -> None:
        assert fires("45 1 * * *", "2026-10-25T01:10", count=1, time_zone="Europe/London") == ["2026-10-26 01:45"]

    def test_new_york_open_keeps_its_local_time(self) -> None:
        assert fires("30 9 * * 1-5", "2026-03-06T00:00", time_zone="America/New_York") == [
            "2026-03-06 14:30",
            "2026-03-09 13:30",
            "2026-03-10 13:30",
        ]

    def test_a_day_that_a_zone_skipped(self) -> None:
        assert fires("0 12 * * *", "2011-12-29T12:00", count=2, time_zone="Pacific/Apia") == [
            "2011-12-29 22:00",
            "2011-12-30 22:00",  # local 31 December: the 30th never was
        ]

    def test_a_rate_counts_real_hours(self) -> None:
        start: dict[str, Any] = {"start": "2026-03-28T09:00", "time_zone": "Europe/London"}
        assert fires("rate(1 day)", "2026-03-28T00:00", **start) == [
            "2026-03-28 09:00",
            "2026-03-29 09:00",
            "2026-03-30 09:00",  # 10:00 local
        ]

    def test_one_time_in_the_doubled_hour_is_the_first(self) -> None:
        found = fires("at(2026-10-25T01:30)", "2026-01-01T00:00", time_zone="Europe/London")
        assert found == ["2026-10-25 00:30"]


class TestBounds:
    def test_start_and_end_are_included(self) -> None:
        bounds = {"start": "2026-03-02T13:00:00Z", "end": "2026-03-02T15:00:00Z"}
        assert fires("0 * * * *", "2026-01-01T00:00", count=9, **bounds) == [
            "2026-03-02 13:00",
            "2026-03-02 14:00",
            "2026-03-02 15:00",
        ]

    def test_bare_dates_are_local_and_include_the_last_day(self) -> None:
        bounds = {"start": "2026-07-01", "end": "2026-07-01", "time_zone": "America/New_York"}
        assert fires("0 */12 * * *", "2026-01-01T00:00", count=9, **bounds) == ["2026-07-01 04:00", "2026-07-01 16:00"]

    def test_after_is_excluded(self) -> None:
        assert fires("0 12 * * *", "2026-03-02T12:00", count=1) == ["2026-03-03 12:00"]

    def test_rate_without_a_start_keeps_to_the_clock(self) -> None:
        assert fires("rate(15 minutes)", "2026-03-02T12:07") == [
            "2026-03-02 12:15",
            "2026-03-02 12:30",
            "2026-03-02 12:45",
        ]

    def test_rate_counts_from_its_start_on_whole_minutes(self) -> None:
        start: dict[str, Any] = {"start": "2026-03-02T12:03:20Z"}
        assert fires("rate(10 minutes)", "2026-03-02T12:00", **start)[:2] == ["2026-03-02 12:04", "2026-03-02 12:14"]
        assert fires("rate(10 minutes)", "2026-03-02T12:14", **start)[:1] == ["2026-03-02 12:24"]

    def test_one_time_fires_once(self) -> None:
        assert fires("at(2026-04-05T09:00)", "2026-03-01T00:00", count=5) == ["2026-04-05 09:00"]
        assert fires("at(2026-04-05T09:00)", "2026-04-05T09:00", count=5) == []

    def test_what_never_fires_again_is_empty(self) -> None:
        assert fires("0 0 1 1 ? 2025", "2026-01-01T00:00") == []
        assert next_fires(schedule("* * * * *"), datetime.max.replace(tzinfo=UTC), 3) == []
        assert next_fires(schedule("rate(1 minute)"), datetime.max.replace(tzinfo=UTC), 3) == []

    def test_a_time_only_ever_skipped_is_empty(self) -> None:
        assert fires("30 1 29 3 ? 2026", "2026-01-01T00:00", time_zone="Europe/London") == []

    def test_long_ago_starts_in_1970(self) -> None:
        assert next_fires(schedule("* * * * *"), datetime.min.replace(tzinfo=UTC), 1) == [
            datetime(1970, 1, 1, tzinfo=UTC)
        ]

    @pytest.mark.parametrize("count", [-1, MAX_FIRES + 1])
    def test_count_is_bounded(self, count: int) -> None:
        with pytest.raises(InvalidInput, match="not"):
            next_fires(schedule("* * * * *"), NOON, count)

    def test_times_need_a_zone(self) -> None:
        naive = NOON.replace(tzinfo=None)
        made = schedule("* * * * *", misfire="once")
        with pytest.raises(InvalidInput, match="after"):
            next_fires(made, naive, 1)
        with pytest.raises(InvalidInput, match="until"):
            fires_between(made, NOON, naive)
        with pytest.raises(InvalidInput, match="now"):
            missed_fires(made, NOON, naive)


class TestMisfire:
    def test_between(self) -> None:
        found = list(fires_between(schedule("0 * * * *"), NOON, NOON + timedelta(hours=2)))
        assert found == [NOON + timedelta(hours=1), NOON + timedelta(hours=2)]

    @pytest.mark.parametrize(
        ("policy", "expected_hours"),
        [({"misfire": "skip"}, []), ({"misfire": "once"}, [5]), ({"misfire": "all"}, [3, 4, 5])],
    )
    def test_policies(self, policy: dict[str, Any], expected_hours: list[int]) -> None:
        made = schedule("0 * * * *", misfire_max=3, **policy)
        now = NOON + timedelta(hours=5, minutes=59)
        assert missed_fires(made, NOON, now) == [NOON + timedelta(hours=hours) for hours in expected_hours]

    def test_nothing_was_missed(self) -> None:
        made = schedule("0 0 1 1 *", misfire="all")
        assert missed_fires(made, NOON, NOON + timedelta(days=30)) == []
        assert missed_fires(made, NOON, NOON) == []
        assert missed_fires(made, NOON, NOON - timedelta(days=1)) == []

    @given(
        expression=st.sampled_from(["7 * * * *", "0 0 * * 1", "0 12 1 * *", "*/13 * * * *"]),
        days=st.integers(0, 400),
        limit=st.integers(1, 30),
    )
    def test_looking_back_finds_the_latest(self, expression: str, days: int, limit: int) -> None:
        made = schedule(expression, misfire="all", misfire_max=limit)
        now = NOON + timedelta(days=days, minutes=17)
        assert missed_fires(made, NOON, now) == list(fires_between(made, NOON, now))[-limit:]


_ZONES = st.sampled_from(
    [
        "UTC",
        "Europe/London",
        "America/New_York",
        "Australia/Lord_Howe",
        "Asia/Kathmandu",
        "Pacific/Apia",
        "America/Sao_Paulo",
    ]
)
_MOMENTS = st.integers(630_720_000, 2_840_140_800).map(lambda seconds: datetime.fromtimestamp(seconds, tz=UTC))


@given(
    minute=st.one_of(st.just("*"), st.integers(0, 59).map(str)),
    hour=st.one_of(st.just("*"), st.integers(0, 23).map(str)),
    weekday=st.one_of(st.just("*"), st.integers(0, 6).map(str)),
    zone=_ZONES,
    after=_MOMENTS,
)
def test_cron_law(minute: str, hour: str, weekday: str, zone: str, after: datetime) -> None:
    """Strictly increasing, after `after`, on the fields' local time, and no local time a second time."""
    found = next_fires(schedule(f"{minute} {hour} * * {weekday}", time_zone=zone), after, 20)
    assert len(found) == 20
    assert all(early < late for early, late in pairwise([after, *found]))
    local = [moment.astimezone(ZoneInfo(zone)) for moment in found]
    assert all(minute in ("*", str(moment.minute)) and moment.second == 0 for moment in local)
    assert all(hour in ("*", str(moment.hour)) for moment in local)
    assert all(weekday in ("*", str(moment.isoweekday() % 7)) for moment in local)
    assert all(moment.fold == 0 for moment in local)


_CHANGES = st.sampled_from(
    [
        ("Europe/London", "2026-03-29T01:00"),
        ("Europe/London", "2026-10-25T01:00"),
        ("America/New_York", "2026-03-08T07:00"),
        ("America/New_York", "2026-11-01T06:00"),
        ("Australia/Lord_Howe", "2026-04-04T15:00"),  # half an hour
        ("Pacific/Apia", "2011-12-30T10:00"),  # a whole day
    ]
)


@settings(max_examples=60)
@given(
    change=_CHANGES,
    before=st.integers(0, 300),
    minute=st.sampled_from(["*", "*/7", "0", "29"]),
    hour=st.sampled_from(["*", "1", "1-2", "0"]),
)
def test_cron_leaves_nothing_out(change: tuple[str, str], before: int, minute: str, hour: str) -> None:
    """Around each clock change the fires are those found by asking every minute of six hours."""
    zone, moment = change[0], datetime.fromisoformat(change[1]).replace(tzinfo=UTC)
    after = moment - timedelta(minutes=before)
    cron = parse_cron(f"{minute} {hour} * * *")
    expected = []
    for offset in range(1, 361):
        asked = after + timedelta(minutes=offset)
        local = asked.astimezone(ZoneInfo(zone))
        if local.fold == 0 and local.minute in cron.minutes and local.hour in cron.hours:
            expected.append(asked)
    made = schedule(cron.text, time_zone=zone)
    assert list(fires_between(made, after, after + timedelta(hours=6))) == expected


@given(
    value=st.integers(1, 1_000),
    unit=st.sampled_from(["minutes", "hours"]),
    after=_MOMENTS,
    start=st.one_of(st.none(), _MOMENTS),
)
def test_rate_law(value: int, unit: str, after: datetime, start: datetime | None) -> None:
    made = schedule(f"rate({value} {unit})", start=start)
    found = next_fires(made, after, 5)
    period = timedelta(**{unit: value})
    assert found[0] > after
    assert {late - early for early, late in pairwise(found)} == {period}
    assert all(moment.second == 0 and moment.microsecond == 0 for moment in found)
    if start is None:
        assert found[0] - after <= period
    else:
        assert found[0] >= start
        assert found[0] - max(after, start) <= period + timedelta(minutes=1)


@given(
    st.fixed_dictionaries(
        {},
        optional={
            name: st.one_of(
                st.none(), st.integers(), st.text(alphabet=printable, max_size=20), st.lists(st.integers(), max_size=2)
            )
            for name in Schedule.model_fields
        },
    )
)
def test_any_data_is_understood_or_refused_by_name(data: dict[str, Any]) -> None:
    try:
        assert len(next_fires(parse_schedule(data), NOON, 2)) <= 2
    except InvalidInput as error:
        refused = error
    else:
        return
    assert refused.field is not None
