from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from tests.support.node_context import FakeContext
from tradeloom.errors import MissingInput, NodeConfigError, NotANumber, NotEnoughBars
from tradeloom.expressions import evaluate, parse
from tradeloom.nodes.base import Emit
from tradeloom.nodes.condition.cross import Cross, CrossConfig
from tradeloom.nodes.condition.if_ import If, IfConfig

LEVELS = st.sampled_from([-2.0, -1.0, 0.0, 1.0, 2.0])


def crossed(**config: Any) -> tuple[str, Any]:
    emitted = Cross().run(CrossConfig(**config), FakeContext())
    return emitted.port, emitted.output


def fires(series: list[float], **config: Any) -> list[int]:
    """The positions at which a series that grows value by value crosses above 0."""
    ends = range(config.get("confirmation", 0) + 2, len(series) + 1)
    return [end - 1 for end in ends if crossed(a=series[:end], b=0, **config)[0] == "true"]


@pytest.mark.parametrize(
    ("a", "b", "direction", "port", "way", "side"),
    [
        ([1, 3], 2, "above", "true", "above", "above"),
        ([2, 3], 2, "above", "true", "above", "above"),  # from a touch
        ([1, 2], 2, "above", "false", "none", "on"),  # a touch is no crossing
        ([3, 2], 2, "below", "false", "none", "on"),
        ([2, 1], 2, "below", "true", "below", "below"),
        ([3, 1], 2, "above", "false", "below", "below"),
        ([3, 1], 2, "either", "true", "below", "below"),
        ([3, 4], 2, "either", "false", "none", "above"),
        ([1, 3], [2, 2], "above", "true", "above", "above"),
        ([2, 2], [3, 1], "above", "true", "above", "above"),  # B falls through A
        ([9, 9, 1, 3], [2, 2], "above", "true", "above", "above"),  # aligned at the end
    ],
)
def test_crossings(a: list[float], b: Any, direction: str, port: str, way: str, side: str) -> None:
    taken, output = crossed(a=a, b=b, direction=direction)
    assert (taken, output.crossed, output.side) == (port, way, side)
    assert output.result == (port == "true")


def test_pairs_of_value_and_previous() -> None:
    port, output = crossed(a=31.0, a_previous=29.0, b=30)
    assert (port, output.distance, output.reason) == ("true", 1.0, "29 → 31 crosses above 30")
    port, output = crossed(a=1.1, a_previous=1.0, b=1.05, b_previous=1.2)
    assert (port, output.reason) == ("true", "1 → 1.1 crosses above 1.2 → 1.05")
    port, output = crossed(a=1.0, a_previous=1.1, b=1.05)
    assert (port, output.reason) == ("false", "1.1 → 1 crosses below 1.05, which is not above")
    assert crossed(a=3, a_previous=4, b=2)[1].reason == "4 → 3 crosses 2 not above"


@given(a=st.lists(LEVELS, min_size=2, max_size=6), b=st.lists(LEVELS, min_size=2, max_size=6))
def test_means_what_if_and_the_expression_mean(a: list[float], b: list[float]) -> None:
    for direction, operator in (("above", "crosses_above"), ("below", "crosses_below")):
        ours = crossed(a=a, b=b, direction=direction)[1].result
        emitted = If().run(IfConfig(a=a, operator=operator, b=b), FakeContext())
        assert isinstance(emitted, Emit)
        assert ours == emitted.output.result  # type: ignore[attr-defined]
        assert ours == evaluate(parse(f"cross_{direction}(a, b)"), {"a": a, "b": b}, now=FakeContext().as_of)


@given(series=st.lists(LEVELS, min_size=2, max_size=12), distance=st.sampled_from([0.0, 1.0, 2.0]))
def test_fires_once_until_it_has_been_back(series: list[float], distance: float) -> None:
    """Against a plain machine that is armed at or below B and fires at the distance."""
    armed, expected = False, []
    for position, value in enumerate(series):
        if value <= 0:
            armed = True
        elif armed and value >= distance:
            armed = False
            expected.append(position)
    assert fires(series, min_distance=distance) == [position for position in expected if position >= 1]


@given(series=st.lists(LEVELS, min_size=4, max_size=12), distance=st.sampled_from([0.0, 2.0]), wait=st.integers(1, 2))
def test_confirmation_is_the_crossing_that_held(series: list[float], distance: float, wait: int) -> None:
    plain = fires(series, min_distance=distance)
    held = [at + wait for at in plain if at + wait < len(series) and min(series[at : at + wait + 1]) > 0]
    assert fires(series, min_distance=distance, confirmation=wait) == held


def test_hysteresis_ignores_lines_that_run_together() -> None:
    noisy = [-1.0, 0.2, -0.1, 0.3, -0.2, 0.4, 1.2, 0.3, 1.5, -0.1, 1.1]
    assert fires(noisy) == [1, 3, 5, 10]
    assert fires(noisy, min_distance=1.0) == [6, 10]
    assert fires(noisy, confirmation=2) == [7]


@given(series=st.lists(LEVELS, min_size=2, max_size=10), distance=st.sampled_from([0.0, 1.0]))
def test_below_is_the_mirror_of_above(series: list[float], distance: float) -> None:
    up = crossed(a=series, b=0, direction="above", min_distance=distance)[1]
    down = crossed(a=[-each for each in series], b=0, direction="below", min_distance=distance)[1]
    assert up.result == down.result
    assert up.touches == down.touches == series.count(0.0)
    either = crossed(a=series, b=0, direction="either", min_distance=distance)[1]
    assert either.result == (either.crossed != "none")


@pytest.mark.parametrize(
    ("config", "error", "field"),
    [
        ({"a": None, "b": 1}, MissingInput, "config.a"),
        ({"a": 1, "b": 1}, MissingInput, "config.a_previous"),
        ({"a": 1, "a_previous": 2, "b": None}, MissingInput, "config.b"),
        ({"a": 1, "a_previous": 2, "b": None, "b_previous": 1}, MissingInput, "config.b"),
        ({"a": [1, None, 2], "b": 1}, MissingInput, "config.a.1"),
        ({"a": [1, float("nan")], "b": 1}, NotANumber, "config.a.1"),
        ({"a": [float("nan"), 1, 2], "b": 1}, NotANumber, "config.a.0"),
        ({"a": [1, 2], "b": [1, float("inf")]}, NotANumber, "config.b.1"),
        ({"a": [1, 2], "b": "30"}, NotANumber, "config.b"),
        ({"a": [1, True], "b": 1}, NotANumber, "config.a.1"),
        ({"a": {}, "a_previous": 1, "b": 1}, NotANumber, "config.a"),
        ({"a": [1e308, 1e308], "b": -1e308}, NotANumber, "config.a"),
        ({"a": [10**400, 1], "b": 1}, NotANumber, "config.a.0"),
        ({"a": [], "b": 1}, NotEnoughBars, "config.a"),
        ({"a": [1, 2], "b": [1]}, NotEnoughBars, "config.b"),
        ({"a": [1, 2, 3], "b": 1, "confirmation": 2}, NotEnoughBars, "config.a"),
        ({"a": 1, "a_previous": 0, "b": 1, "confirmation": 1}, NotEnoughBars, "config.a"),
        ({"a": [0.0] * 5001, "b": 1}, NodeConfigError, "config.a"),
    ],
)
def test_what_cannot_be_judged_takes_neither_port(config: dict[str, Any], error: type[Exception], field: str) -> None:
    with pytest.raises(error) as raised:
        crossed(**config)
    assert raised.value.field == field  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "config",
    [
        {"a": [1, 2]},
        {"b": 1},
        {"a": [1, 2], "a_previous": 1, "b": 1},
        {"a": [1, 2], "b": 1, "min_distance": -1},
        {"a": [1, 2], "b": 1, "min_distance": float("inf")},
        {"a": [1, 2], "b": 1, "confirmation": 101},
        {"a": [1, 2], "b": 1, "confirmation": True},
        {"a": [1, 2], "b": 1, "direction": "up"},
    ],
)
def test_config_is_bounded(config: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        CrossConfig(**config)
