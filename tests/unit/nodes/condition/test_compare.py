import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from tests.support.node_context import FakeContext
from tradeloom.errors import MissingInput, NodeConfigError, NotANumber
from tradeloom.nodes.condition.compare import Compare, CompareConfig, CompareOutput


def judge(comparison: str, values: Any, **more: Any) -> CompareOutput:
    config = CompareConfig.model_validate({"comparison": comparison, "values": values, **more})
    emitted = Compare().run(config, FakeContext())
    assert isinstance(emitted.output, CompareOutput)
    assert emitted.port == ("true" if emitted.output.result else "false")
    return emitted.output


@pytest.mark.parametrize(
    ("comparison", "values", "expected"),
    [
        ("all_true", [True, True], True),
        ("all_true", [True, False], False),
        ("any_true", [False, True], True),
        ("any_true", [False, False], False),
        ("none_true", [False, False], True),
        ("none_true", [False, True], False),
        ("ascending", [1, 1, 2], True),
        ("ascending", [1, 3, 2], False),
        ("strictly_ascending", [1, 1, 2], False),
        ("strictly_ascending", [1, 1.5, 2], True),
        ("descending", [3, 3, 2], True),
        ("strictly_descending", [3, 3, 2], False),
        ("strictly_descending", [3, 2.5, 2], True),
    ],
)
def test_among_themselves(comparison: str, values: list[Any], expected: bool) -> None:
    assert judge(comparison, values).result is expected


@pytest.mark.parametrize(
    ("comparison", "expected"),
    [
        ("all_above", False),
        ("any_above", True),
        ("none_above", False),
        ("all_below", False),
        ("any_below", True),
        ("none_below", False),
    ],
)
def test_against_a_threshold(comparison: str, expected: bool) -> None:
    output = judge(comparison, [1, 2, 3], threshold=2)
    assert output.result is expected
    assert output.matched == 1  # the 2 itself is neither above nor below


def test_the_threshold_itself_counts_on_neither_side() -> None:
    assert judge("none_above", [2, 2], threshold=2).result
    assert judge("none_below", [2, 2], threshold=2).result


def test_at_least() -> None:
    signals = [True, False, True, False, True]
    assert judge("at_least_true", signals, count=3).result
    assert not judge("at_least_true", signals, count=4).result
    assert judge("at_least_true", signals).reason == "3 of 5 true"


def test_equal_within_tolerance() -> None:
    assert not judge("equal", [1.0, 1.1, 1.05]).result
    assert judge("equal", [1.0, 1.1, 1.05], tolerance=0.11).result
    assert judge("equal", [1.0, 1.1], tolerance=0.05).matched is None


def test_reason_names_the_first_break() -> None:
    assert judge("ascending", [1, 5, 4, 3]).reason == "not ascending: 5, then 4 (value 3 of 4)"
    assert judge("all_above", [1, 5], threshold=0).reason == "2 of 2 above 0"


class TestRefusals:
    def test_an_empty_list_is_no_yes(self) -> None:
        for comparison in ("all_true", "none_true", "equal"):
            with pytest.raises(MissingInput, match="empty"):
                judge(comparison, [])

    def test_a_missing_value_decides_nothing_even_where_others_would(self) -> None:
        with pytest.raises(MissingInput, match=r"values\.1"):
            judge("any_true", [True, None])
        with pytest.raises(MissingInput, match=r"values\.0"):
            judge("any_above", [None, 5], threshold=1)

    def test_no_list(self) -> None:
        with pytest.raises(MissingInput):
            judge("all_true", None)

    @pytest.mark.parametrize("value", [1, "true", [True]])
    def test_only_booleans_are_true_or_false(self, value: Any) -> None:
        with pytest.raises(NodeConfigError, match=r"values\.1 .* not true or false"):
            judge("all_true", [True, value])

    @pytest.mark.parametrize("value", ["1", True, math.nan, [1]])
    def test_only_numbers_have_an_order(self, value: Any) -> None:
        with pytest.raises(NotANumber, match=r"values\.1"):
            judge("ascending", [1, value])

    def test_threshold(self) -> None:
        with pytest.raises(ValidationError, match="needs a threshold"):
            CompareConfig(values=[1], comparison="all_above")
        with pytest.raises(MissingInput, match="threshold"):
            judge("all_above", [1], threshold=None)
        with pytest.raises(NotANumber, match="threshold"):
            judge("all_above", [1], threshold="1")

    def test_an_order_needs_two(self) -> None:
        for comparison in ("ascending", "equal"):
            with pytest.raises(MissingInput, match="at least two"):
                judge(comparison, [1])


@given(st.lists(st.integers(-5, 5), min_size=2, max_size=8))
def test_orders_agree_with_sorting(values: list[int]) -> None:
    assert judge("ascending", values).result == (values == sorted(values))
    assert judge("descending", values).result == (values == sorted(values, reverse=True))
    assert judge("strictly_ascending", values).result == (values == sorted(set(values)))


@given(st.lists(st.booleans(), min_size=1, max_size=8))
def test_counts_agree(values: list[bool]) -> None:
    assert judge("all_true", values).result == all(values)
    assert judge("any_true", values).result == any(values)
    assert judge("none_true", values).result == (not any(values))
    assert judge("all_true", values).matched == sum(values)
