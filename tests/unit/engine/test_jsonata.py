"""JSONata: the quick closures mean what the full evaluator means; values are plain JSON."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.exam import sized
from tradeloom.engine.errors import InvalidDefinition
from tradeloom.engine.interpreter.failures import StatesError
from tradeloom.engine.interpreter.jsonata import parse
from tradeloom.engine.interpreter.quick import UNDEFINED

scalars = st.one_of(
    st.none(), st.booleans(), st.integers(-5, 5), st.sampled_from([0.5, 2.25, 1e300, -0.1]), st.sampled_from("abc")
)
NAMES = ("a", "b", "c")
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=3),
    max_leaves=12,
)
variables = st.dictionaries(st.sampled_from(("x", "y", "states")), values)

paths = st.builds(
    lambda root, steps: "$" + root + "".join(steps),
    st.sampled_from(("x", "y", "states", "nobody")),
    st.lists(st.sampled_from([f".{name}{index}" for name in NAMES for index in ("", "[0]", "[1]")]), max_size=3),
)
literals = st.sampled_from(["1", "0", "2.5", "5.0", "'a'", "''", "true", "false", "null", "-3"])


def compound(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    operators = st.sampled_from(["=", "!=", "<", "<=", ">", ">=", "and", "or", "in", "&", "+"])
    return st.one_of(
        st.builds("({} {} {})".format, inner, operators, inner),
        st.builds("({} ? {} : {})".format, inner, inner, inner),
        st.builds("({} ? {})".format, inner, inner),
        st.builds(lambda items: "[" + ", ".join(items) + "]", st.lists(inner, max_size=3)),
        st.builds(
            lambda items: "{" + ", ".join(f"'{key}': {item}" for key, item in items) + "}",
            st.lists(st.tuples(st.sampled_from(NAMES), inner), max_size=3),
        ),
        st.builds("${}({})".format, st.sampled_from(("exists", "not", "count", "string", "type")), inner),
    )


expressions = st.recursive(paths | literals, compound, max_leaves=8)


def outcome(evaluate: Any, bound: dict[str, Any]) -> Any:
    try:
        return evaluate(bound)
    except StatesError as error:
        return error.error


@settings(max_examples=sized(100, 1_000))
@given(expressions, variables)
def test_quick_equals_full(text: str, bound: dict[str, Any]) -> None:
    expression = parse(text)
    quick, full = outcome(expression.evaluate, bound), outcome(expression.evaluate_fully, bound)
    assert repr(quick) == repr(full)


@given(variables)
def test_evaluation_leaves_its_data_alone(bound: dict[str, Any]) -> None:
    before = repr(bound)
    for text in ("$x", "[$x, $y]", "{'a': $x.a}", "$merge([$x, {'a': 1}])", "$append($x, $y)", "$sort($x)", "$x.a.b"):
        outcome(parse(text).evaluate, bound)
    assert repr(bound) == before


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("10 / 2", 5),
        ("0.1 + 0.2", 0.1 + 0.2),
        ("[1..4]", [1, 2, 3, 4]),
        ("[1..4][2]", 3),
        ("$exists($sum)", True),
        ("$map([1, 2], function($v) { $v * 2 })", [2, 4]),
        ("$x.a", [{"b": 1}]),
        ("$x.a.b", 1),
        ("$x.none", UNDEFINED),
        ("$x.nil", None),
        ("[$x.nil]", [None]),
        ("$count($x.a)", 1),
        ("$fromMillis(0)", "1970-01-01T00:00:00.000Z"),
        ("$toMillis('1970-01-01T00:00:01.000Z')", 1000),
        ("$x.big", 2**60),
        ("$number('5')", 5),
        ("true and 'a'", True),
        ("$merge([{'a': 1}, {'b': null}])", {"a": 1, "b": None}),
    ],
)
def test_values_are_plain_json(text: str, value: Any) -> None:
    result = parse(text).evaluate({"x": {"a": [{"b": 1}], "nil": None, "big": 2**60}})
    assert repr(result) == repr(value)
    assert type(result) in (int, float, str, bool, list, dict, type(None), type(UNDEFINED))


@pytest.mark.parametrize("text", ["1/0", "1 + 'a'", "$error('x')", "function($x) { $x }", "$sum", "1e308 * 10", "-'a'"])
def test_what_gives_no_json_is_a_query_evaluation_error(text: str) -> None:
    with pytest.raises(StatesError) as caught:
        parse(text).evaluate({})
    assert caught.value.error == "States.QueryEvaluationError"


@pytest.mark.parametrize("text", ["", "1 +", "$x[", "'open", "$now()", "$x.($millis())", "$shuffle($x)", "$", "$$.a"])
def test_bad_or_unsteady_text_is_refused(text: str) -> None:
    with pytest.raises(InvalidDefinition):
        parse(text)


def test_a_text_is_parsed_once() -> None:
    assert parse("$x.a = 'one of a kind'") is parse("$x.a = 'one of a kind'")
