"""What a schedule starts next: fresh, missed, within a window."""

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tradeloom.workflow.firing import FRESH, Fire, next_fire
from tradeloom.workflow.schedules import Schedule, fires_between, parse_schedule

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def schedule(expression: str = "* * * * *", **parts: Any) -> Schedule:
    return parse_schedule({"expression": expression, **parts})


def caught_up(made: Schedule, last: datetime, now: datetime) -> list[Fire]:
    """The starts that are made at `now`, one after another."""
    fires = []
    while (fire := next_fire(made, last, now, "k")) is not None and fire.at <= now:
        fires.append(fire)
        last = fire.due
    return fires


def test_the_next_fire_is_at_its_time_and_fresh_for_ninety_seconds() -> None:
    assert next_fire(schedule(), NOON, NOON, "k") == Fire(NOON + MINUTE, NOON + MINUTE, NOON + MINUTE + FRESH)


def test_after_a_short_sleep_every_fire_is_made() -> None:
    assert [fire.due for fire in caught_up(schedule(), NOON, NOON + timedelta(seconds=85))] == [NOON + MINUTE]
    assert [fire.missed for fire in caught_up(schedule(), NOON, NOON + timedelta(seconds=149))] == [False, False]


def test_the_policy_decides_about_what_was_missed() -> None:
    now = NOON + timedelta(minutes=30, seconds=10)
    fresh = [(NOON + timedelta(minutes=minutes), False) for minutes in (29, 30)]
    for policy, minutes in (("skip", ()), ("once", (28,)), ("all", (26, 27, 28))):
        made = caught_up(schedule(misfire=policy, misfire_max=3), NOON, now)
        missed = [(NOON + timedelta(minutes=each), True) for each in minutes]
        assert [(fire.due, fire.missed) for fire in made] == missed + fresh, policy


def test_what_is_older_than_its_greatest_age_is_not_made_up_for() -> None:
    hourly = schedule("0 * * * *", misfire="all", max_age_min=150)
    found = caught_up(hourly, NOON, NOON + timedelta(hours=9, minutes=20))
    assert [fire.due.hour for fire in found] == [19, 20, 21]
    assert caught_up(schedule("0 * * * *", misfire="once", max_age_min=10), NOON, NOON + timedelta(minutes=80)) == []


def test_a_one_time_start_that_was_seen_to_never_comes_again() -> None:
    for policy in ("skip", "once", "all"):
        once = schedule("at(2026-03-02T12:05)", misfire=policy)
        due = NOON + timedelta(minutes=5)
        assert next_fire(once, NOON, NOON, "k") is not None
        assert next_fire(once, due, due, "k") is None
        assert next_fire(once, due, due + timedelta(days=400), "k") is None


def test_a_one_time_start_that_was_missed_is_made_up_for_if_wanted() -> None:
    late = NOON + timedelta(hours=3)
    assert next_fire(schedule("at(2026-03-02T12:05)"), NOON, late, "k") is None
    fire = next_fire(schedule("at(2026-03-02T12:05)", misfire="once"), NOON, late, "k")
    due = NOON + timedelta(minutes=5)
    assert fire == Fire(due, late, due + timedelta(days=1), missed=True)


def test_a_window_spreads_the_starts_of_schedules_and_of_times() -> None:
    hourly = schedule("0 * * * *", flexible_window_min=30)
    delays = {
        (key, hours): fire.at - fire.due
        for key in ("a", "b", "c", "d")
        for hours in range(24)
        if (fire := next_fire(hourly, NOON + timedelta(hours=hours), NOON + timedelta(hours=hours), key)) is not None
    }
    assert len(delays) == 96
    assert len(set(delays.values())) > 80
    assert timedelta() <= min(delays.values()) <= timedelta(minutes=3)
    assert timedelta(minutes=27) <= max(delays.values()) < timedelta(minutes=30)


def test_within_its_window_a_start_is_not_late() -> None:
    hourly = schedule("0 * * * *", flexible_window_min=30)
    due = NOON + timedelta(hours=1)
    fire = next_fire(hourly, NOON, due + timedelta(minutes=31), "k")
    assert fire is not None
    assert (fire.due, fire.missed) == (due, False)
    assert fire.until == due + timedelta(minutes=30) + FRESH
    later = next_fire(hourly, NOON, due + timedelta(minutes=32), "k")
    assert later is not None
    assert later.due == due + timedelta(hours=1)


_SCHEDULES = st.builds(
    lambda expression, misfire, most, age, window: schedule(
        expression, misfire=misfire, misfire_max=most, max_age_min=age, flexible_window_min=window
    ),
    st.sampled_from(["* * * * *", "*/7 * * * *", "rate(11 minutes)", "0 * * * *", "at(2026-03-02T13:00)"]),
    st.sampled_from(["skip", "once", "all"]),
    st.integers(1, 12),
    st.integers(1, 600),
    st.none() | st.integers(1, 90),
)


@given(made=_SCHEDULES, sleep=st.integers(0, 40_000), looks=st.lists(st.integers(1, 2_000), max_size=8))
def test_laws(made: Schedule, sleep: int, looks: list[int]) -> None:
    """Whenever somebody looks, after whatever sleep: fire times in order, each once, each a true one, none too late;
    fresh ones all of them, and of missed ones no more than the policy wants."""
    last, now = NOON, NOON + timedelta(seconds=sleep)
    window = timedelta(minutes=made.flexible_window_min or 0)
    true = set(fires_between(made, NOON, now + timedelta(days=2)))
    for seconds in [0, *looks]:
        now += timedelta(seconds=seconds)
        before, fires = last, caught_up(made, last, now)
        dues = [fire.due for fire in fires]
        assert dues == sorted(set(dues))
        assert all(due > before and due in true for due in dues)
        missed = [fire for fire in fires if fire.missed]
        assert len(missed) <= {"skip": 0, "once": 1, "all": made.misfire_max}[made.misfire]
        assert all(now - fire.due < timedelta(minutes=made.max_age_min) for fire in missed)
        assert all(fire.due <= fire.at <= now and now <= fire.until for fire in fires)
        assert all(fire.at <= fire.due + window for fire in fires if not fire.missed)
        if window == timedelta():
            fresh = {due for due in true if max(before, now - FRESH) < due <= now}
            assert fresh == {fire.due for fire in fires if not fire.missed}
        last = max([last, *dues])


@given(made=_SCHEDULES, minutes=st.integers(0, 600), key=st.text(max_size=8))
def test_two_that_ask_get_the_same(made: Schedule, minutes: int, key: str) -> None:
    now = NOON + timedelta(minutes=minutes)
    first, second = (next_fire(made, NOON, now, key) for _ in range(2))
    assert first == second
    if first is not None and not first.missed:
        sooner = next_fire(made, NOON, min(now, first.due - timedelta(seconds=1)), key)
        assert sooner is None or sooner.due != first.due or sooner.at == first.at
