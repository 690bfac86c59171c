import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from tests.support.node_context import FakeContext
from tradeloom.errors import MissingInput, NodeConfigError, NotANumber, NotEnoughBars
from tradeloom.nodes.condition.if_ import If, IfConfig


def decide(**config: Any) -> Any:
    return If().run(IfConfig(**config), FakeContext())


def holds(**config: Any) -> bool:
    emitted = decide(**config)
    assert emitted.port == ("true" if emitted.output.result else "false")
    return bool(emitted.output.result)


class TestComparison:
    @pytest.mark.parametrize(
        ("a", "operator", "b", "expected"),
        [
            (29.9, "<", 30, True),
            (30, "<", 30, False),
            (30, "<=", 30.0, True),
            (30.1, ">", 30, True),
            (30, ">", 30, False),
            (30, ">=", 30, True),
            (1, "=", 1.0, True),
            (1, "=", 2, False),
            (1, "!=", 2, True),
            (1, "!=", 1, False),
            ("up", "=", "up", True),
            ("up", "=", "Up", False),
            ("up", "!=", "down", True),
            (True, "=", True, True),
            (True, "!=", False, True),
        ],
    )
    def test_operators(self, a: Any, operator: str, b: Any, expected: bool) -> None:
        assert holds(a=a, operator=operator, b=b) is expected

    def test_tolerance_makes_near_numbers_equal(self) -> None:
        assert not holds(a=0.1 + 0.2, operator="=", b=0.3)
        assert holds(a=0.1 + 0.2, operator="=", b=0.3, tolerance=1e-9)
        assert holds(a=1.10010, operator="!=", b=1.10000, tolerance=0.00009)
        assert not holds(a=10, operator="!=", b=12, tolerance=2)

    def test_output_says_why(self) -> None:
        output = decide(a=28.4, operator="<", b=30).output
        assert output.model_dump() == {
            "result": True,
            "operator": "<",
            "a": 28.4,
            "b": 30,
            "a_previous": None,
            "b_previous": None,
            "reason": "28.4 < 30 holds",
        }
        assert decide(a="up", operator="=", b="down").output.reason == '"up" = "down" does not hold'

    @given(a=st.floats(allow_nan=False, allow_infinity=False), b=st.floats(allow_nan=False, allow_infinity=False))
    def test_exactly_one_of_less_equal_greater(self, a: float, b: float) -> None:
        assert [holds(a=a, operator=operator, b=b) for operator in ("<", "=", ">")].count(True) == 1
        assert holds(a=a, operator=">=", b=b) is not holds(a=a, operator="<", b=b)
        assert holds(a=a, operator="!=", b=b) is not holds(a=a, operator="=", b=b)


class TestMissing:
    """A value that cannot be had takes neither port."""

    @pytest.mark.parametrize("operator", ["<", "=", "!=", "crosses_above"])
    def test_null(self, operator: str) -> None:
        number = [1, 2] if operator == "crosses_above" else 1
        for config, field in (({"a": None, "b": 1}, "a"), ({"a": number, "b": None}, "b")):
            with pytest.raises(MissingInput) as caught:
                decide(operator=operator, **config)
            assert caught.value.field == f"config.{field}"

    @pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 10**400])
    def test_not_finite(self, value: Any) -> None:
        for operator in (">", "=", "!="):
            with pytest.raises(NotANumber):
                decide(a=value, operator=operator, b=1)
        with pytest.raises(NotANumber):
            decide(a=[1, value], operator="crosses_above", b=1)

    def test_null_expression(self) -> None:
        with pytest.raises(MissingInput, match="expression"):
            decide(expression=None)

    @pytest.mark.parametrize(
        ("a", "operator", "b"), [("1", "=", 1), (1, "<", "2"), (True, "=", 1), (True, ">", 0), ("a", "!=", True)]
    )
    def test_kinds_do_not_mix(self, a: Any, operator: str, b: Any) -> None:
        with pytest.raises(NotANumber):
            decide(a=a, operator=operator, b=b)

    @pytest.mark.parametrize(("a", "b"), [("a", "b"), (True, False)])
    def test_texts_and_booleans_have_no_order(self, a: Any, b: Any) -> None:
        with pytest.raises(NodeConfigError, match="= and != do"):
            decide(a=a, operator="<", b=b)

    @pytest.mark.parametrize("value", [[1, 2], {"value": 1}])
    def test_lists_and_objects_are_not_compared(self, value: Any) -> None:
        for operator in ("<", "="):
            with pytest.raises(NodeConfigError, match="does not compare"):
                decide(a=1, operator=operator, b=value)


class TestCrossing:
    @pytest.mark.parametrize(
        ("before", "now", "level", "above", "below"),
        [
            (29, 31, 30, True, False),
            (30, 31, 30, True, False),  # from the level itself
            (29, 30, 30, False, False),  # reaching it is not crossing it
            (31, 32, 30, False, False),
            (31, 29, 30, False, True),
            (30, 29, 30, False, True),
            (31, 30, 30, False, False),
            (30, 30, 30, False, False),
        ],
    )
    def test_a_level(self, before: float, now: float, level: float, above: bool, below: bool) -> None:
        for a in ({"a": [5.0, before, now]}, {"a": now, "a_previous": before}):
            assert holds(operator="crosses_above", b=level, **a) is above
            assert holds(operator="crosses_below", b=level, **a) is below

    def test_two_series(self) -> None:
        output = decide(a=[1.0, 2.0, 4.0], operator="crosses_above", b=[9.0, 3.0, 3.5]).output
        assert output.result
        assert (output.a_previous, output.a, output.b_previous, output.b) == (2.0, 4.0, 3.0, 3.5)
        assert output.reason == "2 → 4 crosses above 3 → 3.5 holds"

    def test_a_moving_b_may_cross_too(self) -> None:
        assert holds(a=10, a_previous=10, operator="crosses_above", b=9, b_previous=11)
        assert not holds(a=10, a_previous=10, operator="crosses_above", b=9)

    def test_a_single_number_needs_the_one_before(self) -> None:
        with pytest.raises(MissingInput) as caught:
            decide(a=31, operator="crosses_above", b=30)
        assert caught.value.field == "config.a_previous"

    @pytest.mark.parametrize("series", [[], [31]])
    def test_a_series_needs_two_values(self, series: list[float]) -> None:
        with pytest.raises(NotEnoughBars, match="needs two"):
            decide(a=series, operator="crosses_below", b=30)
        with pytest.raises(NotEnoughBars):
            decide(a=[1, 2], operator="crosses_below", b=series)

    def test_a_hole_in_the_series(self) -> None:
        with pytest.raises(MissingInput, match=r"a\.1"):
            decide(a=[1, None, 3], operator="crosses_above", b=2)

    def test_a_series_with_a_value_before(self) -> None:
        with pytest.raises(NodeConfigError, match="leave a_previous unset"):
            decide(a=[1, 2], a_previous=1, operator="crosses_above", b=2)

    _price = st.floats(-1e6, 1e6)

    @given(a=st.tuples(_price, _price), b=st.tuples(_price, _price))
    def test_crossing_law(self, a: tuple[float, float], b: tuple[float, float]) -> None:
        """Never both ways at once, and swapping the lines swaps the direction."""
        above = holds(a=list(a), operator="crosses_above", b=list(b))
        assert not (above and holds(a=list(a), operator="crosses_below", b=list(b)))
        assert above == holds(a=list(b), operator="crosses_below", b=list(a))


class TestExpression:
    @pytest.mark.parametrize("value", [True, False])
    def test_decides(self, value: bool) -> None:
        emitted = decide(expression=value)
        assert (emitted.port, emitted.output.result) == (str(value).lower(), value)
        assert emitted.output.operator is None

    @pytest.mark.parametrize("value", ["true", 1, 0.0, [], {}])
    def test_only_true_or_false(self, value: Any) -> None:
        with pytest.raises(ValidationError) as caught:
            IfConfig(expression=value)
        assert caught.value.errors()[0]["loc"] == ("expression",)

    def test_one_way_to_decide(self) -> None:
        with pytest.raises(ValidationError, match="not both"):
            IfConfig(expression=True, a=1, b=2)
        for partial in ({}, {"a": 1}, {"b": 1, "operator": "<"}):
            with pytest.raises(ValidationError, match="or one expression"):
                IfConfig(**partial)
