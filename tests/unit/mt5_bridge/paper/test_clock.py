import pytest
from hypothesis import given
from hypothesis import strategies as st

from mt5_bridge.paper.clock import MarketClock
from tradeloom.errors import InvalidInput


class Wall:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_standing_clock_moves_only_when_told() -> None:
    wall = Wall()
    clock = MarketClock(1_000, 0.0, wall)
    wall.now += 3_600
    assert clock.now() == 1_000
    clock.advance(5_000)
    assert clock.now() == 5_000


def test_a_running_clock_is_start_plus_elapsed_times_speed() -> None:
    wall = Wall()
    clock = MarketClock(1_000, 60.0, wall)
    wall.now += 2.5
    assert clock.now() == 1_000 + 150_000
    clock.advance(1_000_000)
    wall.now += 1
    assert clock.now() == 1_060_000
    clock.set_speed(0)
    wall.now += 1
    assert clock.now() == 1_060_000


def test_it_refuses_to_go_back_or_run_at_no_speed() -> None:
    clock = MarketClock(1_000)
    with pytest.raises(InvalidInput) as caught:
        clock.advance(999)
    assert caught.value.field == "to"
    for speed in (-1.0, float("nan"), float("inf"), 1e9):
        with pytest.raises(InvalidInput):
            clock.set_speed(speed)


@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("wait"), st.floats(-5, 100)),  # a wall clock may even step back
            st.tuples(st.just("speed"), st.floats(0, 1_000)),
            st.tuples(st.just("advance"), st.floats(0, 1e6)),
        )
    )
)
def test_it_never_goes_back(steps: list[tuple[str, float]]) -> None:
    wall = Wall()
    clock = MarketClock(0, 1.0, wall)
    last = clock.now()
    for kind, amount in steps:
        match kind:
            case "wait":
                wall.now += max(0.0, amount)
            case "speed":
                clock.set_speed(amount)
            case _:
                clock.advance(clock.now() + int(amount))
        assert clock.now() >= last
        last = clock.now()
