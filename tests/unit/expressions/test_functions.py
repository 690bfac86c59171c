"""The function list: values, errors, and agreement between its parts."""

import math
from typing import Any

import pytest

from tradeloom.errors import ExpressionError
from tradeloom.expressions import FUNCTIONS, evaluate, parse


def value_of(source: str, **names: Any) -> Any:
    return evaluate(parse(source), names)


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("abs(-1.5)", 1.5),
        ("abs(2)", 2),
        ("floor(-1.5)", -2),
        ("ceil(-1.5)", -1),
        ("round(2.5)", 3),
        ("round(-2.5)", -3),
        ("round(2.4)", 2),
        ("round(1.005, 2)", 1.01),
        ("round(-1.005, 2)", -1.01),
        ("round(1.08455, 4)", 1.0846),
        ("round(1e300, 2)", 1e300),
        ("round(123456789012345.67, 15)", 123456789012345.67),
        ("round(0.1, 15)", 0.1),
        ("sqrt(9)", 3),
        ("log(1)", 0),
        ("log(exp(2))", 2),
        ("exp(0)", 1),
        ("exp(-1000)", 0),
        ("pow(2, 10)", 1024),
        ("pow(4, 0.5)", 2),
        ("pow(2, -1)", 0.5),
        ("min(3, 1, 2)", 1),
        ("min([3, 1, 2])", 1),
        ("min(4)", 4),
        ("max(3, 1, 2)", 3),
        ("max([-3, -1])", -1),
        ("sum([1, 2.5])", 3.5),
        ("sum([])", 0),
        ("sum([0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1])", 1),
        ("avg([1, 2])", 1.5),
        ("size([1, 2])", 2),
        ("size('añ😀')", 3),
        ("size({'a': 1})", 1),
        ("[1, 2].size()", 2),
        ("'abc'.size()", 3),
        ("int(1.9)", 1),
        ("int(-1.9)", -1),
        ("int('42')", 42),
        ("int('-7')", -7),
        ("int(1e300)", 1e300),
        ("double('1.5')", 1.5),
        ("double('1e3')", 1000),
        ("double('.5')", 0.5),
        ("double(2)", 2),
        ("bool('true')", True),
        ("bool('False')", False),
        ("bool(true)", True),
        ("string(1)", "1"),
        ("string(1.50)", "1.5"),
        ("string(0.00001)", "0.00001"),
        ("string(1e21)", "1e+21"),
        ("string(1e20)", "100000000000000000000"),
        ("string(1e-7)", "1e-7"),
        ("string(-0.0)", "0"),
        ("string(-1.25e-8)", "-1.25e-8"),
        ("string(true)", "true"),
        ("string('a')", "a"),
        ("'EURUSD'.contains('USD')", True),
        ("'EURUSD'.contains('')", True),
        ("'EURUSD'.startsWith('EUR')", True),
        ("'EURUSD'.endsWith('EUR')", False),
        ("'Straße'.upper()", "STRASSE"),
        ("'ÀB'.lower()", "àb"),
    ],
)
def test_values(source, value):
    assert value_of(source) == value


@pytest.mark.parametrize(
    ("series", "level", "above", "below"),
    [
        ([1, 2, 3], 2.5, True, False),
        ([1, 2, 3], 2, True, False),  # touching the level before still counts as below it
        ([1, 2, 3], 3, False, False),
        ([3, 2, 1], 1.5, False, True),
        ([3, 2, 1], 2, False, True),
        ([3, 2, 1], 1, False, False),
        ([2, 2], 2, False, False),
        ([1, 3], [2, 2], True, False),
        ([1, 3], [2, 4], False, False),
        ([3, 3], [2, 4], False, True),
        ([9, 9, 1, 3], [0, 2, 2], True, False),  # only the last two of each count
    ],
)
def test_crossings(series, level, above, below):
    assert value_of("cross_above(a, b)", a=series, b=level) is above
    assert value_of("cross_below(a, b)", a=series, b=level) is below


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("cross_above([1], 1)", "at least two values"),
        ("cross_below([1, 2], [1])", "at least two values"),
        ("cross_above([], [])", "at least two values"),
        ("cross_above(1, [1, 2])", "takes a list, not a number"),
        ("cross_above([1, null], 2)", "takes a number, not null"),
        ("cross_above([1, 2], 'a')", "takes a number, not a string"),
        ("min([])", "empty list"),
        ("max([])", "empty list"),
        ("avg([])", "empty list"),
        ("min(1, [2])", "takes a number, not a list"),
        ("min(['a'])", "takes a number, not a string"),
        ("sum([true])", "takes a number, not a bool"),
        ("sum(1)", "takes a list, not a number"),
        ("sum([1e308, 1e308])", "too large"),
        ("avg([1e308, 1e308])", "too large"),
        ("size(1)", "takes a list, a map or a string"),
        ("size(null)", "not null"),
        ("abs('1')", "takes a number, not a string"),
        ("abs(true)", "takes a number, not a bool"),
        ("round(1, 16)", "0 to 15"),
        ("round(1, -1)", "0 to 15"),
        ("round(1, 1.5)", "0 to 15"),
        ("sqrt(-1)", "no square root"),
        ("log(0)", "no logarithm"),
        ("log(-1)", "no logarithm"),
        ("exp(1000)", "too large"),
        ("pow(10, 400)", "too large"),
        ("pow(-8, 1 / 3)", "no real result"),
        ("pow(0, -1)", "no real result"),
        ("int('4.2')", 'cannot read "4.2"'),
        ("int('')", "cannot read"),
        ("int('٣')", "cannot read"),
        ("int(' 1')", "cannot read"),
        ("int('1_000')", "cannot read"),
        ("int(true)", "takes a number, not a bool"),
        ("double('nan')", "cannot read"),
        ("double('Infinity')", "cannot read"),
        ("double('1e999')", "too large"),
        ("double('1,5')", "cannot read"),
        ("double(null)", "takes a number, not null"),
        ("bool('yes')", 'cannot read "yes"'),
        ("bool(1)", "takes a string or a bool"),
        ("string([1])", "not a list"),
        ("string(null)", "not null"),
        ("'a'.contains(1)", "takes a string, not a number"),
        ("(1).contains('a')", "takes a string, not a number"),
        ("null.lower()", "takes a string, not null"),
    ],
)
def test_errors(source, message):
    with pytest.raises(ExpressionError) as caught:
        value_of(source)
    assert message in caught.value.message
    assert caught.value.position is not None


def test_double_reads_digits_of_any_reasonable_length_only():
    assert value_of("double(s)", s="0." + "3" * 300) == pytest.approx(1 / 3)
    with pytest.raises(ExpressionError, match="cannot read"):
        value_of("double(s)", s="1" * 100_000)


@pytest.mark.parametrize(
    "value", [0.1, 1 / 3, 1e21, 123456.789e-20, 5e-324, 1.7976931348623157e308, 2.0**53 + 2, -0.000123]
)
def test_a_number_s_text_reads_back_as_the_number(value):
    assert value_of("double(string(x))", x=value) == value


def test_sums_do_not_depend_on_the_order_of_additions():
    values = [1e16, 1.0, -1e16, 1.0, math.pi]
    assert value_of("sum(x)", x=values) == value_of("sum(x)", x=sorted(values)) == 2 + math.pi


def test_the_catalogue_is_complete():
    asked_for = {
        "abs", "min", "max", "round", "floor", "ceil", "sqrt", "log", "exp", "pow", "sum", "avg", "size", "int",
        "double", "string", "bool", "now", "duration", "timestamp", "cross_above", "cross_below", "contains",
        "startsWith", "endsWith", "lower", "upper",
    }  # fmt: skip
    assert asked_for <= FUNCTIONS.keys()
    for name, function in FUNCTIONS.items():
        assert function.name == name
        assert function.overloads
        assert function.help.endswith(".")
        assert function.plain or function.method
