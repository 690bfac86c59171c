"""The checker and the evaluator over every operator, function and macro with every kind of operand.

What the checker accepts the evaluator can do (but for the value's sake), and what it refuses would fail for its types:
it is neither too lax nor too strict. Where it is stricter on purpose the case says so.
"""

from itertools import product
from typing import Any

import pytest

from tests.unit.expressions.test_properties import VALUE_ERRORS, conforms, outcome
from tradeloom.errors import ExpressionError
from tradeloom.expressions import FUNCTIONS, MACROS, check_all, parse
from tradeloom.expressions.types import BOOL, NULL, NUMBER, STRING, ListType, MapType, ObjectType, StringType, Type

SCOPE: dict[str, Type] = {
    "number": NUMBER,
    "text": STRING,
    "trend": StringType(("down", "up")),
    "truth": BOOL,
    "nothing": NULL,
    "numbers": ListType(NUMBER),
    "texts": ListType(STRING),
    "lists": ListType(ListType(NUMBER)),
    "table": MapType(NUMBER),
    "object": ObjectType({"a": NUMBER, "b": STRING}),
}
VALUES: dict[str, Any] = {
    "number": 1.0,
    "text": "7",
    "trend": "up",
    "truth": True,
    "nothing": None,
    "numbers": [1.0, 2.0, 3],
    "texts": ["a", "b"],
    "lists": [[1.0], [2.0, 3.0]],
    "table": {"a": 1.0, "7": 2.0},
    "object": {"a": 1.0, "b": "x"},
}
OPERANDS = [*SCOPE, "now()", "duration('1h')"]
OPERATORS = ["||", "&&", "<", "<=", ">", ">=", "==", "!=", "in", "+", "-", "*", "/", "%"]


def assert_agreement(source: str, *, may_be_stricter: bool = False) -> None:
    expression = parse(source)
    type_, problems = check_all(expression, SCOPE)
    result = outcome(expression, VALUES)
    if isinstance(result, ExpressionError):
        of_its_types = not VALUE_ERRORS.fullmatch(result.message)
        assert bool(problems) == of_its_types, f"{source}: {result.message} {[p.message for p in problems]}"
    else:
        assert may_be_stricter or not problems, f"{source} is {result!r}, yet {[p.message for p in problems]}"
        assert problems or conforms(result, type_), f"{source} is {result!r}, not {type_!r}"


@pytest.mark.parametrize("operator", OPERATORS)
def test_binary_operators(operator):
    """`==`, `!=` and `in` between kinds that are never equal are refused though they have a value: false.
    So are `&&` and `||` with an operand that is no bool, though the other may decide."""
    stricter = operator in ("==", "!=", "in", "&&", "||")
    for left, right in product(OPERANDS, repeat=2):
        assert_agreement(f"{left} {operator} {right}", may_be_stricter=stricter)


@pytest.mark.parametrize("operator", ["!", "-"])
def test_unary_operators(operator):
    for operand in OPERANDS:
        assert_agreement(f"{operator}{operand}")


def test_indexing():
    for operand, index in product(OPERANDS, repeat=2):
        assert_agreement(f"({operand})[{index}]")


def test_fields():
    for operand, field in product(OPERANDS, ["a", "b"]):
        assert_agreement(f"({operand}).{field}")
        assert_agreement(f"has(({operand}).{field})")


def test_conditions():
    for condition in OPERANDS:
        assert_agreement(f"{condition} ? 1 : 'a'")


def test_map_keys():
    for key in OPERANDS:
        assert_agreement(f"{{{key}: 1}}")


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions(name):
    function = FUNCTIONS[name]
    counts = {len(overload.parameters) for overload in function.overloads}
    counts |= {2 for overload in function.overloads if overload.variadic}
    for count in counts:
        for operands in product(OPERANDS, repeat=count):
            if function.plain:
                assert_agreement(f"{name}({', '.join(operands)})")
            if function.method:
                assert_agreement(f"({operands[0]}).{name}({', '.join(operands[1:])})")


@pytest.mark.parametrize("macro", MACROS)
def test_macros(macro):
    for target, body in product(OPERANDS, [*OPERANDS, "x", "x + x", "[x]", "x < x"]):
        assert_agreement(f"({target}).{macro}(x, {body})")
        if 3 in MACROS[macro]:
            assert_agreement(f"({target}).{macro}(x, {body}, x)")
            assert_agreement(f"({target}).{macro}(x, true, {body})")
