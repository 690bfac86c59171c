import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from tests.support.node_context import FakeContext
from tradeloom.errors import MissingInput, NotANumber
from tradeloom.nodes.base import Emit
from tradeloom.nodes.condition.range import Range, RangeConfig


def judge(value: float | None, low: float | None = 30, high: float | None = 70, inclusive: bool = True) -> Emit:
    return Range().run(RangeConfig(value=value, min=low, max=high, inclusive=inclusive), FakeContext())


@pytest.mark.parametrize(
    ("value", "inclusive", "inside", "distance"),
    [
        (50, True, True, 0),
        (30, True, True, 0),
        (70, True, True, 0),
        (30, False, False, 0),
        (70, False, False, 0),
        (28.5, True, False, -1.5),
        (75, True, False, 5),
        (75, False, False, 5),
    ],
)
def test_inside_and_how_far_outside(value: float, inclusive: bool, inside: bool, distance: float) -> None:
    emitted = judge(value, inclusive=inclusive)
    output: Any = emitted.output
    assert (output.in_range, output.distance) == (inside, distance)
    assert emitted.port == ("true" if inside else "false")


def test_reason() -> None:
    told = {judge(value, inclusive=False).output.reason for value in (28.4, 30, 50, 71)}  # type: ignore[attr-defined]
    assert told == {
        "28.4 is below 30 … 70",
        "30 is on a bound of 30 … 70, which is outside",
        "50 is inside 30 … 70",
        "71 is above 30 … 70",
    }


@pytest.mark.parametrize("place", ["value", "low", "high"])
def test_missing_and_not_a_number(place: str) -> None:
    given: dict[str, Any] = {"value": 50.0, "low": 30.0, "high": 70.0}
    with pytest.raises(MissingInput):
        judge(**(given | {place: None}))
    for bad in (math.nan, math.inf if place != "low" else -math.inf):
        with pytest.raises(NotANumber):
            judge(**(given | {place: bad}))


def test_bounds_in_order() -> None:
    with pytest.raises(ValidationError, match="above the maximum"):
        RangeConfig(value=1, min=2, max=1)
    with pytest.raises(ValidationError, match="equal bounds"):
        RangeConfig(value=1, min=2, max=2, inclusive=False)
    assert judge(2, 2, 2).port == "true"


def test_true_is_no_number() -> None:
    with pytest.raises(ValidationError, match="true/false"):
        RangeConfig(value=True, min=0, max=2)


_number = st.integers(-(10**9), 10**9).map(lambda number: number / 1024)  # differences of these are exact


@given(value=_number, bounds=st.lists(_number, min_size=2, max_size=2, unique=True))
def test_distance_law(value: float, bounds: list[float]) -> None:
    """Moving the value by the distance puts it on the bound it missed; inside, the distance is 0."""
    low, high = min(bounds), max(bounds)
    output: Any = judge(value, low, high).output
    assert output.in_range == (output.distance == 0.0)
    assert value - output.distance == min(max(value, low), high)
