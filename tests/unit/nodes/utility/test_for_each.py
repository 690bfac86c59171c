from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from tests.support.node_context import FakeContext
from tradeloom.errors import MissingInput
from tradeloom.nodes.utility.for_each import ForEach, ForEachConfig
from tradeloom.nodes.utility.loop import LoopPlan


def plan(**config: Any) -> LoopPlan:
    return ForEach().run(ForEachConfig.model_validate(config), FakeContext())


@pytest.mark.parametrize(
    ("items", "told"),
    [
        ("EURUSD, GBPUSD;USDJPY\nXAUUSD", ["EURUSD", "GBPUSD", "USDJPY", "XAUUSD"]),
        ("", []),
        (" , ", []),
        (["EURUSD", "GBPUSD", "EURUSD"], ["EURUSD", "GBPUSD"]),
        ([{"a": 1}, {"a": 1}, 1, "1", None], [{"a": 1}, 1, "1", None]),
    ],
)
def test_what_it_goes_through(items: Any, told: list[Any]) -> None:
    assert plan(items=items) == LoopPlan(items=told, count=len(told))


def test_the_same_may_come_again() -> None:
    assert plan(items="a a", unique=False).items == ["a", "a"]


def test_no_list() -> None:
    with pytest.raises(MissingInput) as caught:
        plan(items=None)
    assert caught.value.field == "config.items"


@pytest.mark.parametrize(
    "config",
    [
        {},
        {"items": "a b c", "max_iterations": 2},
        {"items": ["a"] * 101},
        {"items": 5},
        {"items": [float("nan")] * 101},
    ],
)
def test_bad_configurations(config: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        plan(**config)


@given(items=st.lists(st.integers(0, 5), max_size=60), most=st.integers(60, 1_000))
def test_never_more_than_the_compiler_counted_on(items: list[int], most: int) -> None:
    config = {"items": items, "max_iterations": most}
    assert plan(**config).count <= ForEach.max_iterations_of(config)


def test_only_stop_does_not_isolate() -> None:
    assert ForEach.isolates_items({})
    assert ForEach.isolates_items({"on_item_error": "continue"})
    assert not ForEach.isolates_items({"on_item_error": "stop"})
