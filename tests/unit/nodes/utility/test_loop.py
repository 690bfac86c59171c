from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from tests.support.node_context import FakeContext
from tradeloom.errors import MissingInput
from tradeloom.nodes.base import Kind
from tradeloom.nodes.utility.loop import Loop, LoopConfig, LoopPlan


def plan(**config: Any) -> LoopPlan:
    return Loop().run(LoopConfig.model_validate(config), FakeContext())


class TestRun:
    def test_over_a_list(self) -> None:
        assert plan(items=["EURUSD", {"a": 1}]) == LoopPlan(items=["EURUSD", {"a": 1}], count=2)

    def test_a_number_of_times(self) -> None:
        assert plan(over="count", count=3.0) == LoopPlan(items=[0, 1, 2], count=3)

    def test_nothing_to_do_is_fine(self) -> None:
        assert plan(items=[]).count == 0
        assert plan(over="count", count=0).items == []

    def test_no_value(self) -> None:
        with pytest.raises(MissingInput, match="list"):
            plan(items=None)
        with pytest.raises(MissingInput, match="times"):
            plan(over="count", count=None)


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"items": [1, 2, 3], "max_iterations": 2}, "3 iterations, but the loop allows at most 2"),
        ({"items": [0] * 101}, "101 iterations"),
        ({"over": "count", "count": 101}, "101 iterations"),
        ({"over": "count", "count": 1_001, "max_iterations": 1_000}, "1000"),
        ({"over": "count", "count": -1}, "greater than or equal to 0"),
        ({"over": "count", "count": 1.5}, "fractional"),
        ({"over": "count", "count": True}, "true/false"),
        ({"items": "EURUSD"}, "list"),
        ({"items": [1], "max_iterations": 0}, "greater"),
        ({"items": [1], "max_iterations": 1_001}, "less"),
        ({}, "give the list"),
        ({"over": "count"}, "how many times"),
    ],
)
def test_refuses(config: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        LoopConfig.model_validate(config)


class TestWhatTheCompilerAsks:
    @pytest.mark.parametrize(
        ("config", "most"),
        [
            ({}, 100),
            ({"items": "= nodes.x.rows"}, 100),
            ({"items": "= nodes.x.rows", "max_iterations": 20}, 20),
            ({"items": ["a", "b"]}, 2),
            ({"over": "count", "count": 5}, 5),
            ({"over": "count", "count": 500, "max_iterations": 20}, 20),
            ({"over": "count", "count": "= 3", "max_iterations": 20}, 20),
            ({"over": "count"}, 100),
            ({"items": "= x", "max_iterations": "= 5"}, 1_000),
            ({"over": "count", "count": float("nan"), "max_iterations": 10**400}, 1_000),
        ],
    )
    def test_the_worst_case(self, config: dict[str, Any], most: int) -> None:
        assert Loop.max_iterations_of(config) == most

    @given(items=st.lists(st.integers(), max_size=20), cap=st.integers(1, 20), count=st.integers(0, 20))
    def test_a_run_never_exceeds_it(self, items: list[int], cap: int, count: int) -> None:
        for config in (
            {"items": items, "max_iterations": cap},
            {"over": "count", "count": count, "max_iterations": cap},
        ):
            try:
                made = plan(**config)
            except ValidationError:
                continue
            assert made.count == len(made.items) <= Loop.max_iterations_of(config)

    def test_is_a_loop(self) -> None:
        assert Loop.kind is Kind.LOOP
        assert [port.name for port in Loop.ports] == ["main", "item"]
        assert set(Loop.Output.model_fields) == {"results", "count"}
