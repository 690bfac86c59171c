"""The edge machine against what its words say, read over the whole history at once."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradeloom.nodes.trigger._edges import Condition, Edge, Memory

LEVEL = 0.0
VALUES = st.lists(st.integers(-4, 4).map(float), max_size=40)
HYSTERESIS = st.sampled_from([0.0, 1.0, 2.5])


def fires(edge: Edge, values: list[float], *, restart_at: int | None = None) -> list[tuple[int, str]]:
    memory = Memory()
    found: list[tuple[int, str]] = []
    for at, value in enumerate(values):
        if at == restart_at:
            memory = Memory.of(json.loads(json.dumps(memory.as_json())))
        memory, direction = edge.step(memory, float(at), value)
        if direction is not None:
            found.append((at, direction))
    return found


def up_crossings(values: list[float], hysteresis: float, *, armed: bool) -> list[int]:
    """Above the level, and since it last was above it has been at or below level - hysteresis."""
    found = []
    for at, value in enumerate(values):
        above = [before for before in range(at) if values[before] > LEVEL]
        since = values[above[-1] + 1 : at] if above else values[:at]
        fresh = armed and not above
        if value > LEVEL and (fresh or any(each <= LEVEL - hysteresis for each in since)):
            found.append(at)
    return found


def touches(values: list[float], hysteresis: float) -> list[int]:
    """The level lies between two values or on one, and since the last touch one was further away than hysteresis."""
    found: list[int] = []
    for at, value in enumerate(values):
        before = values[at - 1] if at else value
        away = any(abs(each - LEVEL) > hysteresis for each in values[found[-1] : at]) if found else True
        if away and min(before, value) <= LEVEL <= max(before, value):
            found.append(at)
    return found


@given(values=VALUES, hysteresis=HYSTERESIS)
def test_every_crossing_is_found_once(values: list[float], hysteresis: float) -> None:
    mirrored = [-value for value in values]
    up = up_crossings(values, hysteresis, armed=False)
    down = up_crossings(mirrored, hysteresis, armed=False)
    assert fires(Edge("crosses_above", LEVEL, hysteresis), values) == [(at, "up") for at in up]
    assert fires(Edge("crosses_below", LEVEL, hysteresis), values) == [(at, "down") for at in down]
    both = sorted([(at, "up") for at in up] + [(at, "down") for at in down])
    assert fires(Edge("crosses", LEVEL, hysteresis), values) == both


@given(values=VALUES, hysteresis=HYSTERESIS)
def test_above_and_below_begin_armed(values: list[float], hysteresis: float) -> None:
    up = up_crossings(values, hysteresis, armed=True)
    assert [at for at, _ in fires(Edge("above", LEVEL, hysteresis), values)] == up
    mirrored = [-value for value in values]
    assert [at for at, _ in fires(Edge("below", LEVEL, hysteresis), mirrored)] == up


@given(values=VALUES, hysteresis=HYSTERESIS)
def test_every_touch_is_found_once(values: list[float], hysteresis: float) -> None:
    assert [at for at, _ in fires(Edge("touches", LEVEL, hysteresis), values)] == touches(values, hysteresis)


@given(
    values=VALUES,
    hysteresis=HYSTERESIS,
    condition=st.sampled_from(["above", "below", "touches", "crosses_above", "crosses_below", "crosses"]),
    at=st.integers(0, 40),
    cooldown=st.sampled_from([0.0, 3.0]),
)
def test_a_restart_anywhere_changes_nothing(
    values: list[float], hysteresis: float, condition: Condition, at: int, cooldown: float
) -> None:
    edge = Edge(condition, LEVEL, hysteresis, cooldown)
    assert fires(edge, values, restart_at=at) == fires(edge, values)


@given(values=VALUES, cooldown=st.integers(1, 8))
def test_a_cooldown_leaves_out_what_comes_too_soon(values: list[float], cooldown: int) -> None:
    expected: list[int] = []
    for at in up_crossings(values, 0.0, armed=False):
        if not expected or at >= expected[-1] + cooldown:
            expected.append(at)
    assert [at for at, _ in fires(Edge("crosses_above", LEVEL, 0.0, float(cooldown)), values)] == expected


def test_a_leap_over_the_level_counts() -> None:
    assert fires(Edge("crosses_above", 1.1), [1.0, 1.5]) == [(1, "up")]
    assert fires(Edge("touches", 1.1), [1.5, 1.0]) == [(1, "down")]


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_no_number_is_left_out(value: float) -> None:
    assert fires(Edge("crosses_above", 0.0), [-1.0, value, 1.0]) == [(2, "up")]


def test_what_is_older_than_the_last_value_is_left_out() -> None:
    edge = Edge("crosses_above", 0.0)
    memory, _ = edge.step(Memory(), 10.0, -1.0)
    assert edge.step(memory, 9.0, 1.0) == (memory, None)
