"""Timestamps and durations: the CEL specification's cases, zones, ranges, and how they leave as texts."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradeloom.errors import ExpressionError
from tradeloom.expressions import evaluate, parse

NOW = datetime(2026, 11, 22, 14, 30, tzinfo=UTC)


def value_of(source: str, now: datetime | None = NOW) -> object:
    return evaluate(parse(source), {}, now=now)


FRIDAY = "timestamp('2009-02-13T23:31:30Z')"


@pytest.mark.parametrize(
    ("source", "value"),
    [
        (f"int({FRIDAY})", 1234567890),
        (f"string({FRIDAY})", "2009-02-13T23:31:30Z"),
        ("string(timestamp('9999-12-31T23:59:59.999999999Z'))", "9999-12-31T23:59:59.999999999Z"),
        ("string(timestamp('0001-01-01T00:00:00Z'))", "0001-01-01T00:00:00Z"),
        ("string(duration('1000000s'))", "1000000s"),
        (f"{FRIDAY}.getDate()", 13),
        (f"{FRIDAY}.getDayOfMonth()", 12),
        (f"{FRIDAY}.getDayOfWeek()", 5),
        (f"{FRIDAY}.getDayOfYear()", 43),
        (f"{FRIDAY}.getFullYear()", 2009),
        (f"{FRIDAY}.getHours()", 23),
        ("timestamp('2009-02-13T23:31:20.123456789Z').getMilliseconds()", 123),
        (f"{FRIDAY}.getMinutes()", 31),
        (f"{FRIDAY}.getMonth()", 1),
        (f"{FRIDAY}.getSeconds()", 30),
        (f"{FRIDAY}.getDate('Australia/Sydney')", 14),
        (f"{FRIDAY}.getDayOfMonth('US/Central')", 12),
        (f"{FRIDAY}.getDayOfMonth('+11:00')", 13),
        ("timestamp('2009-02-13T02:00:00Z').getDayOfMonth('-02:30')", 11),
        ("timestamp('2009-02-13T02:00:00Z').getDayOfMonth('America/St_Johns')", 11),
        (f"{FRIDAY}.getDayOfWeek('UTC')", 5),
        (f"{FRIDAY}.getDayOfYear('US/Central')", 43),
        (f"{FRIDAY}.getFullYear('-09:30')", 2009),
        (f"{FRIDAY}.getHours('02:00')", 1),
        (f"{FRIDAY}.getMinutes('Asia/Kathmandu')", 16),
        (f"{FRIDAY}.getSeconds('-00:00')", 30),
        ("timestamp('2009-02-15T00:00:00Z').getDayOfWeek()", 0),
        (f"{FRIDAY} == timestamp('2009-02-14T00:31:30+01:00')", True),
        (f"{FRIDAY} != timestamp('2009-02-13T23:31:30.000000001Z')", True),
        ("duration('60s') == duration('1m')", True),
        ("duration('60s') == 60", False),
        (f"{FRIDAY} == '2009-02-13T23:31:30Z'", False),
        ("timestamp('2009-02-13T23:00:00Z') + duration('240s') == timestamp('2009-02-13T23:04:00Z')", True),
        ("duration('120s') + timestamp('2009-02-13T23:01:00Z') == timestamp('2009-02-13T23:03:00Z')", True),
        ("duration('600s') + duration('50s') == duration('650s')", True),
        (
            "timestamp('0001-01-01T00:00:01.000000001Z') + duration('-999999999ns')"
            " == timestamp('0001-01-01T00:00:00.000000002Z')",
            True,
        ),
        ("timestamp('2009-02-13T23:31:00Z') - timestamp('2009-02-13T23:29:00Z') == duration('120s')", True),
        ("timestamp('2009-02-13T23:10:00Z') - duration('600s') == timestamp('2009-02-13T23:00:00Z')", True),
        ("duration('900s') - duration('42s') == duration('858s')", True),
        (f"{FRIDAY} < now()", True),
        ("duration('200s') >= duration('300s')", False),
        ("duration('10000s').getHours()", 2),
        ("duration('3730s').getMinutes()", 62),
        ("duration('3730s').getSeconds()", 3730),
        ("duration('123.321456789s').getMilliseconds()", 321),
        ("duration('-10000s').getHours()", -2),
        ("timestamp(timestamp(0))", "1970-01-01T00:00:00Z"),
        ("timestamp(1700000000.25)", "2023-11-14T22:13:20.25Z"),
        ("timestamp(-0.5)", "1969-12-31T23:59:59.5Z"),
        ("int(timestamp(-0.5))", -1),
        ("duration('1h30m')", "5400s"),
        ("duration('-1.5h')", "-5400s"),
        ("duration('1m0.25s')", "60.25s"),
        ("duration('250ms')", "0.25s"),
        ("duration('3us')", "0.000003s"),
        ("duration('3µs') == duration('3μs')", True),
        ("duration('.5s')", "0.5s"),
        ("duration('0')", "0s"),
        ("duration(duration('1s'))", "1s"),
        ("now()", "2026-11-22T14:30:00Z"),
        ("now() - duration('1h')", "2026-11-22T13:30:00Z"),
        ("now() - now()", "0s"),
        ("[now(), {'d': duration('1s')}]", ["2026-11-22T14:30:00Z", {"d": "1s"}]),
        ("(now() - timestamp('2026-11-22T00:00:00Z')).getMinutes() > 60", True),
        ("now().getHours('America/New_York')", 9),
        ("timestamp('2026-07-01T12:00:00Z').getHours('Europe/London')", 13),  # summer time
        ("timestamp('2026-01-01t12:00:00z')", "2026-01-01T12:00:00Z"),
    ],
)
def test_values(source, value):
    assert value_of(source) == value


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("timestamp('0000-01-01T00:00:00Z')", "range"),
        ("timestamp('10000-01-01T00:00:00Z')", "range"),
        ("timestamp('2026-02-29T00:00:00Z')", "range"),
        ("timestamp('2026-01-01T24:00:00Z')", "not a timestamp"),
        ("timestamp('2026-01-01T00:00:60Z')", "range"),
        ("timestamp('0001-01-01T00:00:00+01:00')", "range"),
        ("timestamp('0001-01-01T00:00:00Z') + duration('-1s')", "range"),
        ("timestamp('9999-12-31T23:59:59Z') + duration('1s')", "range"),
        ("timestamp('9999-12-31T23:59:59.999999999Z') + duration('1ns')", "range"),
        ("timestamp('0001-01-01T00:00:00Z') + duration('-1ns')", "range"),
        ("timestamp(1e18)", "range"),
        ("timestamp(-1e300)", "range"),
        ("timestamp(1e12)", "range"),
        ("timestamp('0001-01-01T00:00:00Z').getHours('-01:00')", "range"),
        ("timestamp('9999-12-31T23:59:59Z').getHours('Asia/Tokyo')", "range"),
        ("duration('-320000000000s')", "range"),
        ("duration('320000000000s')", "range"),
        ("duration('-200000000000s') + duration('-200000000000s')", "range"),
        ("duration('200000000000s') - duration('-200000000000s')", "range"),
        ("timestamp('2026-01-01')", "not a timestamp"),
        ("timestamp('2026-01-01T00:00:00')", "not a timestamp"),
        ("timestamp('2026-01-01 00:00:00Z')", "not a timestamp"),
        ("timestamp('٢٠٢٦-01-01T00:00:00Z')", "not a timestamp"),
        ("timestamp('')", "not a timestamp"),
        ("timestamp(true)", "takes a string or seconds"),
        ("timestamp('2026-01-01T00:00:00+24:00')", "no time zone"),
        ("duration('')", "not a duration"),
        ("duration('-')", "not a duration"),
        ("duration('5')", "not a duration"),
        ("duration('h')", "not a duration"),
        ("duration('.s')", "not a duration"),
        ("duration('1d')", "not a duration"),
        ("duration('1h 30m')", "not a duration"),
        ("duration('1h-30m')", "not a duration"),
        ("duration(5)", "takes a string"),
        ("now() + 5", "cannot add"),
        ("now() + now()", "cannot add"),
        ("duration('1s') - now()", "cannot subtract"),
        ("now() * 2", "takes two numbers"),
        ("now() > '2026-01-01T00:00:00Z'", "cannot compare"),
        ("now().getHours('Mars/Olympus')", "no time zone"),
        ("now().getHours('../../etc/passwd')", "no time zone"),
        ("now().getHours('America')", "no time zone"),
        ("now().getHours('')", "no time zone"),
        ("now().getHours('+25:00')", "no time zone"),
        ("now().getHours('\\u0000')", "no time zone"),
        ("now().getHours(5)", "takes a string"),
        ("now().getFullYear('UTC' + 'x')", "no time zone"),
        ("duration('1h').getHours('UTC')", "no time zone"),
        ("duration('1h').getFullYear()", "takes a timestamp"),
        ("'2026-01-01T00:00:00Z'.getHours()", "takes a timestamp"),
        ("string(now()) + 1", "cannot add"),
        ("!now()", "true or false"),
        ("-duration('1s')", "takes a number"),
        ("now().x", 'no field "x" in a timestamp'),
    ],
)
def test_errors(source, message):
    with pytest.raises(ExpressionError) as caught:
        value_of(source)
    assert message in caught.value.message


def test_now_has_to_be_known_and_to_have_a_zone():
    with pytest.raises(ExpressionError, match="not known here"):
        value_of("now()", now=None)
    with pytest.raises(ExpressionError, match="no time zone"):
        value_of("now()", now=datetime(2026, 1, 1))  # noqa: DTZ001 (that is the point)
    assert value_of("now()", now=datetime(2026, 1, 1, tzinfo=timezone(timedelta(hours=2)))) == "2025-12-31T22:00:00Z"


def test_times_from_outside_are_texts_only():
    with pytest.raises(ExpressionError, match="not JSON"):
        evaluate(parse("t"), {"t": NOW})
    assert evaluate(parse("timestamp(t).getFullYear()"), {"t": "2026-11-22T14:30:00Z"}) == 2026


@given(
    st.datetimes(min_value=datetime(2, 1, 1), max_value=datetime(9998, 1, 1)),  # noqa: DTZ001
    st.integers(-1439, 1439),
)
def test_timestamps_round_trip_through_their_text(moment, offset_minutes):
    aware = moment.replace(tzinfo=timezone(timedelta(minutes=offset_minutes)))
    text = evaluate(parse("string(timestamp(t))"), {"t": aware.isoformat()})
    assert datetime.fromisoformat(text) == aware
    assert evaluate(parse("timestamp(t) == timestamp(u)"), {"t": aware.isoformat(), "u": text}) is True


@given(st.integers(-(10**20), 10**20))
def test_durations_round_trip_through_their_text(nanoseconds):
    text = evaluate(parse("string(duration(d))"), {"d": f"{nanoseconds}ns"})
    assert evaluate(parse("duration(a) == duration(b)"), {"a": text, "b": f"{nanoseconds}ns"}) is True


@given(st.datetimes(min_value=datetime(1900, 1, 1), max_value=datetime(2100, 1, 1)))  # noqa: DTZ001
def test_fields_agree_with_the_standard_library(moment):
    aware = moment.replace(tzinfo=UTC)
    source = "[t.getFullYear(), t.getMonth(), t.getDate(), t.getDayOfMonth(), t.getDayOfWeek(), t.getDayOfYear(),"
    source += " t.getHours(), t.getMinutes(), t.getSeconds(), t.getMilliseconds(), int(t)]"
    found = evaluate(parse(f"[timestamp(s)].map(t, {source})[0]"), {"s": aware.isoformat()})
    day_of_year = int(aware.strftime("%j")) - 1
    assert found == [
        aware.year, aware.month - 1, aware.day, aware.day - 1, int(aware.strftime("%w")), day_of_year,
        aware.hour, aware.minute, aware.second, aware.microsecond // 1000, int(aware.timestamp() // 1),
    ]  # fmt: skip
