import itertools
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
from dateutil.easter import easter as dateutil_easter
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from tests.support.node_context import FakeContext
from tradeloom.nodes.market._calendar import SESSIONS, Session, easter, last_and_next_rollover, week_end
from tradeloom.nodes.market.session import SessionConfig, SessionNode, SessionOutput


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def judge(moment: str | datetime, **config: Any) -> SessionOutput:
    stands = at(moment) if isinstance(moment, str) else moment
    emitted = SessionNode().run(SessionConfig.model_validate(config), FakeContext(as_of=stands))
    assert isinstance(emitted.output, SessionOutput)
    assert (emitted.port == "open") is emitted.output.open
    return emitted.output


class TestSessions:
    @pytest.mark.parametrize(
        ("moment", "open_now"),
        [
            ("2024-01-10T07:59:59", []),
            ("2024-01-10T08:00", ["london"]),
            ("2024-01-10T13:00", ["london", "new_york"]),
            ("2024-01-10T17:00", ["new_york"]),
            ("2024-07-10T07:00", ["london"]),  # summer time: an hour earlier in UTC
            ("2024-07-10T12:00", ["london", "new_york"]),
            ("2024-03-12T12:00", ["london", "new_york"]),  # New York has changed its clocks, London not yet
            ("2024-03-12T07:30", []),
        ],
    )
    def test_by_their_own_clocks(self, moment: str, open_now: list[str]) -> None:
        made = judge(moment)
        assert made.sessions == open_now
        assert made.open is bool(open_now)

    def test_tokyo_and_sydney_begin_on_the_evening_before(self) -> None:
        assert judge("2024-01-10T00:30", sessions=["tokyo", "sydney"]).sessions == ["tokyo", "sydney"]
        assert judge("2024-01-09T21:00", sessions=["sydney"]).sessions == ["sydney"]

    def test_all_at_once(self) -> None:
        assert not judge("2024-01-10T09:00", overlap=True).open
        assert judge("2024-01-10T14:00", overlap=True).open
        assert judge("2024-01-10T09:00", overlap=True).reason == "closed: new_york not open at the same time"

    def test_own_hours_past_midnight(self) -> None:
        night = {"name": "night", "opens": "22:00", "closes": "02:00", "time_zone": "Europe/Berlin", "days": ["tue"]}
        assert judge("2024-01-09T21:00", sessions=[], hours=[night]).sessions == ["night"]
        assert judge("2024-01-10T00:59", sessions=[], hours=[night]).open
        assert not judge("2024-01-10T01:00", sessions=[], hours=[night]).open
        assert not judge("2024-01-10T21:30", sessions=[], hours=[night]).open


class TestBlocks:
    def test_rollover(self) -> None:
        day = [{"opens": "00:00", "closes": "00:00"}]
        rules = {"sessions": [], "hours": day, "before_rollover_min": 15, "after_rollover_min": 60}
        assert judge("2024-01-10T21:44", **rules).open
        assert judge("2024-01-10T21:45", **rules).reason == "closed: 15 minutes before the rollover"
        assert judge("2024-01-10T22:59", **rules).reason == "closed: 60 minutes after the rollover"
        assert judge("2024-01-10T23:00", **rules).open
        assert judge("2024-07-10T20:45", **rules).reason == "closed: 15 minutes before the rollover"

    def test_weekend(self) -> None:
        whole = [
            {"opens": "00:00", "closes": "00:00", "days": ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]},
        ]
        assert judge("2024-01-12T21:59", sessions=[], hours=whole).open
        assert judge("2024-01-12T22:00", sessions=[], hours=whole).reason == "closed: weekend"
        assert judge("2024-01-14T21:59", sessions=[], hours=whole).reason == "closed: weekend"
        assert judge("2024-01-14T22:00", sessions=[], hours=whole).open
        assert judge("2024-01-13T12:00", sessions=[], hours=whole, weekend=True).open
        early = judge("2024-01-12T19:00", sessions=[], hours=whole, before_weekend_min=180)
        assert early.reason == "closed: 180 minutes before the weekend"

    @pytest.mark.parametrize(
        ("moment", "holiday"),
        [
            ("2024-12-25T12:00", "Christmas Day"),
            ("2025-01-01T12:00", "New Year's Day"),
            ("2024-03-29T12:00", "Good Friday"),
        ],
    )
    def test_common_holidays(self, moment: str, holiday: str) -> None:
        assert judge(moment).reason == f"closed: {holiday}"
        assert judge(moment, common_holidays=False).open

    def test_own_holidays_are_dates_of_the_session(self) -> None:
        assert not judge("2024-07-04T18:00", holidays=["2024-07-04"]).open
        assert judge("2024-07-04T18:00", holidays=["2024-07-05"]).open


class TestWhatComesNext:
    def test_until_it_closes(self) -> None:
        assert judge("2024-01-10T20:00").minutes_to_close == 120
        assert judge("2024-01-10T20:00", before_rollover_min=30).minutes_to_close == 90

    def test_when_it_opens(self) -> None:
        assert judge("2024-01-12T23:00").next_open == at("2024-01-15T08:00")
        assert judge("2024-12-24T23:00", sessions=["london"]).next_open == at("2024-12-26T08:00")

    @given(
        second=st.integers(1_577_836_800, 1_893_456_000),
        sessions=st.lists(st.sampled_from(sorted(SESSIONS)), min_size=1, max_size=4, unique=True),
        before=st.sampled_from([0, 15]),
        overlap=st.booleans(),
    )
    def test_it_is_true(self, second: int, sessions: list[str], before: int, overlap: bool) -> None:
        rules: dict[str, Any] = {"sessions": sessions, "before_rollover_min": before, "overlap": overlap}
        now = datetime.fromtimestamp(second, UTC)
        made = judge(now, **rules)
        change = made.next_open if not made.open else now + timedelta(minutes=made.minutes_to_close or 0)
        if change is None:
            return
        assert judge(change + timedelta(seconds=1), **rules).open is not made.open
        steps = [now + (change - now) * (part / 7) for part in range(7)]
        assert all(judge(step, **rules).open is made.open for step in steps)


class TestCalendar:
    def test_easter_is_dateutils(self) -> None:
        assert [easter(year) for year in range(1900, 2200)] == [dateutil_easter(year) for year in range(1900, 2200)]

    @given(second=st.integers(1_577_836_800, 1_893_456_000))
    def test_rollovers_are_a_day_apart_and_weeks_a_week(self, second: int) -> None:
        moment = datetime.fromtimestamp(second, UTC)
        last, following = last_and_next_rollover(moment)
        assert last <= moment < following
        assert timedelta(hours=23) <= following - last <= timedelta(hours=25)
        ends, begins = week_end(moment)
        assert ends.weekday() == 4
        assert begins > moment
        assert begins - timedelta(days=7, hours=1) <= moment

    def test_a_time_that_does_not_exist_is_no_session(self) -> None:
        gap = Session("gap", "Europe/Berlin", time(2, 0), time(2, 30), frozenset(range(7)))
        spans = gap.around(at("2024-03-31T00:00"))
        assert all(opens < closes for opens, closes in spans)
        assert all(one[0] < other[0] for one, other in itertools.pairwise(spans))
        assert gap.date_of(spans[0][0]) == date(2024, 3, 29)


@pytest.mark.parametrize(
    "config",
    [
        {"sessions": []},
        {"sessions": ["paris"]},
        {"hours": [{"opens": "25:00", "closes": "01:00"}]},
        {"hours": [{"opens": "01:00", "closes": "02:00", "time_zone": "Moon"}]},
        {"hours": [{"opens": "01:00", "closes": "02:00", "days": []}]},
        {"holidays": ["yesterday"]},
        {"before_rollover_min": -1},
    ],
)
def test_bad_configurations(config: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        judge("2024-01-10T12:00", **config)
