import re
from datetime import datetime, timedelta
from itertools import islice

import pytest
from cronsim import CronSim, CronSimError
from hypothesis import given
from hypothesis import strategies as st

from tradeloom.errors import InvalidInput
from tradeloom.workflow.cron import parse_cron


def times(text: str, start: str, count: int = 3) -> list[str]:
    found = islice(parse_cron(text).local_times(datetime.fromisoformat(start)), count)
    return [moment.strftime("%a %Y-%m-%d %H:%M") for moment in found]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # Five fields, Unix.
        ("*/20 9-10 * * *", ["Mon 2026-01-05 09:00", "Mon 2026-01-05 09:20", "Mon 2026-01-05 09:40"]),
        ("0 9 * * 0", ["Sun 2026-01-11 09:00", "Sun 2026-01-18 09:00", "Sun 2026-01-25 09:00"]),
        ("0 9 * * 7", ["Sun 2026-01-11 09:00", "Sun 2026-01-18 09:00", "Sun 2026-01-25 09:00"]),
        ("0 9 * * fri-sun", ["Fri 2026-01-09 09:00", "Sat 2026-01-10 09:00", "Sun 2026-01-11 09:00"]),
        ("0 9 13 * 5", ["Fri 2026-01-09 09:00", "Tue 2026-01-13 09:00", "Fri 2026-01-16 09:00"]),  # either day
        ("0 9 */10 * 5", ["Fri 2026-05-01 09:00", "Fri 2026-07-31 09:00", "Fri 2026-08-21 09:00"]),  # * means both
        ("45/5 23 31 12 ?", ["Thu 2026-12-31 23:45", "Thu 2026-12-31 23:50", "Thu 2026-12-31 23:55"]),
        ("0 0 29 2 *", ["Tue 2028-02-29 00:00", "Sun 2032-02-29 00:00", "Fri 2036-02-29 00:00"]),
        # Six fields, EventBridge: 1 is Sunday.
        ("0 9 ? * 1 *", ["Sun 2026-01-11 09:00", "Sun 2026-01-18 09:00", "Sun 2026-01-25 09:00"]),
        ("0 9 ? * MON-WED *", ["Mon 2026-01-05 09:00", "Tue 2026-01-06 09:00", "Wed 2026-01-07 09:00"]),
        ("0 9 ? * 2/3 *", ["Mon 2026-01-05 09:00", "Thu 2026-01-08 09:00", "Mon 2026-01-12 09:00"]),
        ("0 9 ? * L *", ["Sat 2026-01-10 09:00", "Sat 2026-01-17 09:00", "Sat 2026-01-24 09:00"]),
        ("0 9 ? * 6L *", ["Fri 2026-01-30 09:00", "Fri 2026-02-27 09:00", "Fri 2026-03-27 09:00"]),
        ("0 9 ? * MON#1 *", ["Mon 2026-01-05 09:00", "Mon 2026-02-02 09:00", "Mon 2026-03-02 09:00"]),
        ("0 9 ? * 6#5 *", ["Fri 2026-01-30 09:00", "Fri 2026-05-29 09:00", "Fri 2026-07-31 09:00"]),
        ("0 18 L * ? *", ["Sat 2026-01-31 18:00", "Sat 2026-02-28 18:00", "Tue 2026-03-31 18:00"]),
        ("0 18 LW * ? *", ["Fri 2026-01-30 18:00", "Fri 2026-02-27 18:00", "Tue 2026-03-31 18:00"]),
        ("0 9 15W * ? *", ["Thu 2026-01-15 09:00", "Mon 2026-02-16 09:00", "Mon 2026-03-16 09:00"]),
        ("0 9 1W 2,8,11 ? *", ["Mon 2026-02-02 09:00", "Mon 2026-08-03 09:00", "Mon 2026-11-02 09:00"]),  # stays inside
        ("0 9 31W 1,4,5 ? *", ["Fri 2026-01-30 09:00", "Fri 2026-05-29 09:00", "Fri 2027-01-29 09:00"]),
        ("0 9 15,L JAN ? *", ["Thu 2026-01-15 09:00", "Sat 2026-01-31 09:00", "Fri 2027-01-15 09:00"]),
        ("0 0 1 1 ? 2030-2032/2", ["Tue 2030-01-01 00:00", "Thu 2032-01-01 00:00"]),
        ("0 0 1 1 ? 2025", []),
    ],
)
def test_matches(text: str, expected: list[str]) -> None:
    assert times(text, "2026-01-05T00:00") == expected


def test_ends_with_the_last_year() -> None:
    assert times("30 12 31 12 *", "2198-12-31T12:31") == ["Tue 2199-12-31 12:30"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "not 0"),
        ("* * * *", "5 fields"),
        ("* * * * * * *", "not 7"),
        ("60 * * * *", "minute: 60 is not in 0–59"),
        ("* 24 * * *", "hour: 24 is not in 0–23"),
        ("* * 0 * *", "day of month: 0 is not in 1–31"),
        ("* * * 13 *", "month: 13 is not in 1–12"),
        ("* * * FOO *", "month: 'FOO' is no number or a name such as JAN"),
        ("* * * * 8", "day of week: 8 is not in 0–7"),
        ("* * ? * 0 *", "day of week: 0 is not in 1–7"),
        ("* * ? * * 1969", "year: 1969 is not in 1970–2199"),
        ("*/0 * * * *", "minute: the step '0'"),
        ("*/ * * * *", "minute: the step ''"),
        ("5-1 * * * *", "minute: the range '5-1' runs backwards"),
        ("1- * * * *", "minute: '' is no number"),
        (", * * * *", "minute: '' is no number"),
        ("-5 * * * *", "minute: '' is no number"),
        ("٣ * * * *", "minute: '٣' is no number"),
        ("* * 32W * *", "day of month: 32 is not in 1–31"),
        ("* * * * 5#6", "after # stands 1 to 5"),
        ("* * * * L", "day of week: 'L' is no number"),
        ("* * ? * 2#1,3#1 *", "a # stands alone"),
        ("* * * * * *", "exactly one of them is ?"),
        ("* * ? * ? *", "exactly one of them is ?"),
        ("0 0 30 2 *", "no date ever matches"),
        ("0 0 31 4,6,9,11 ? *", "no date ever matches"),
        ("0 0 29 2 ? 2100", "no date ever matches"),
        ("* " * 200, "at most 256 characters"),
    ],
)
def test_refuses(text: str, message: str) -> None:
    with pytest.raises(InvalidInput, match=re.escape(message)) as caught:
        parse_cron(text)
    assert caught.value.field == "expression"


def _items(low: int, high: int) -> st.SearchStrategy[str]:
    number = st.integers(low, high)
    # Two different ends: cronsim reads 5-5/2 as 5/2.
    span = st.lists(number, min_size=2, max_size=2, unique=True).map(lambda ends: f"{min(ends)}-{max(ends)}")
    step = st.integers(1, 12)
    item = st.one_of(
        number.map(str),
        span,
        st.tuples(span, step).map(lambda pair: f"{pair[0]}/{pair[1]}"),
        st.tuples(number, step).map(lambda pair: f"{pair[0]}/{pair[1]}"),
    )
    some = st.lists(item, min_size=1, max_size=3).map(",".join)
    return st.one_of(st.just("*"), step.map(lambda every: f"*/{every}"), some)


_WEEKDAYS = st.one_of(_items(0, 7), st.sampled_from(["5L", "0L", "1#1", "7#3", "MON-FRI"]))
_MONTH_DAYS = st.one_of(_items(1, 31), st.sampled_from(["L", "LW"]))


@given(
    fields=st.tuples(_items(0, 59), _items(0, 23), _MONTH_DAYS, _items(1, 12), _WEEKDAYS),
    start=st.integers(0, 20 * 365 * 1_440).map(
        lambda minutes: datetime.fromisoformat("2020-01-01") + timedelta(minutes=minutes)
    ),
)
def test_agrees_with_an_independent_implementation(fields: tuple[str, ...], start: datetime) -> None:
    text = " ".join(fields)
    try:
        theirs = list(islice(CronSim(text, start), 5))
    except CronSimError:
        theirs = []
    try:
        ours = [moment for moment in islice(parse_cron(text).local_times(start), 6) if moment > start][:5]
    except InvalidInput:
        ours = []  # like theirs: no date ever matches
    assert ours == theirs


@given(st.text(alphabet="0123456789*/,-?LW#MONJA ", max_size=40))
def test_any_text_is_parsed_or_refused(text: str) -> None:
    try:
        assert parse_cron(text).ever_fires
    except InvalidInput as error:
        refused = error
    else:
        return
    assert refused.field == "expression"
