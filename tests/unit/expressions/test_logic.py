"""`&&`, `||` and the macros built on them: CEL's table of absorption, completely."""

from itertools import product

import pytest

from tradeloom.errors import ExpressionError
from tradeloom.expressions import evaluate, parse

OPERANDS = {"true": True, "false": False, "(1 / 0 > 0)": "error", "'text'": "error", "null": "error", "nosuch": "error"}


def expected(operator: str, *outcomes: object) -> object:
    """The operand that decides wins; otherwise an error is one; otherwise the other value."""
    decisive = operator == "||"
    if decisive in [outcome for outcome in outcomes if outcome != "error"]:
        return decisive
    return "error" if "error" in outcomes else not decisive


def outcome_of(source: str) -> object:
    try:
        return evaluate(parse(source), {})
    except ExpressionError:
        return "error"


@pytest.mark.parametrize("operator", ["&&", "||"])
def test_two_operands(operator):
    for left, right in product(OPERANDS, repeat=2):
        source = f"{left} {operator} {right}"
        assert outcome_of(source) == expected(operator, OPERANDS[left], OPERANDS[right]), source


@pytest.mark.parametrize("operator", ["&&", "||"])
@pytest.mark.parametrize("grouping", ["{} {op} {} {op} {}", "{} {op} ({} {op} {})"])
def test_three_operands_however_grouped(operator, grouping):
    for operands in product(OPERANDS, repeat=3):
        source = grouping.format(*operands, op=operator)
        assert outcome_of(source) == expected(operator, *(OPERANDS[operand] for operand in operands)), source


@pytest.mark.parametrize("operator", ["&&", "||"])
def test_all_and_exists_are_the_operators_over_a_list(operator):
    """Each element picks its own predicate, so each can be true, false or an error."""
    macro = "all" if operator == "&&" else "exists"
    for operands in product(OPERANDS, repeat=3):
        picks = " : ".join(f"i == {place} ? {operand}" for place, operand in enumerate(operands)) + " : null"
        source = f"[0, 1, 2].{macro}(i, {picks})"
        assert outcome_of(source) == expected(operator, *(OPERANDS[operand] for operand in operands)), source


def test_negation_and_condition_do_not_absorb():
    for source in ("!(1 / 0 > 0)", "(1 / 0 > 0) ? true : true", "!null"):
        assert outcome_of(source) == "error"


def test_the_first_error_is_the_one_reported():
    with pytest.raises(ExpressionError) as caught:
        evaluate(parse("nosuch && 1 / 0 > 0"), {})
    assert "nosuch" in caught.value.message


@pytest.mark.parametrize(
    ("source", "value"),
    [
        # From the specification's description of the macros
        ("[1, 2, 3].exists(e, e > 2)", True),
        ("[1, 2, 3].exists(e, e > 3)", False),
        ("[].exists(e, e == 2)", False),
        ("[1, 'foo', 3].exists(e, e > 2)", True),
        ("[1, 2, 3].all(e, e > 0)", True),
        ("[1, 2, 3].all(e, e == 2)", False),
        ("[].all(e, e > 0)", True),
        ("[1, 2, 3].all(e, 6 / (2 - e) == 6)", False),
        ("{'a': 1, 'b': 2}.exists(k, k == 'b')", True),
        ("{'a': 1, 'b': 2}.all(k, k == 'b')", False),
        ("[].exists_one(a, a == 7)", False),
        ("[7].exists_one(a, a == 7)", True),
        ("[6, 7, 8].exists_one(n, n % 5 == 2)", True),
        ("[0, 1, 2, 3, 4].exists_one(n, n % 2 == 1)", False),
        ("{'x6': 1, 'y7': 2}.exists_one(k, k.startsWith('y'))", True),
        ("[2, 4, 6].map(n, n / 2)", [1, 2, 3]),
        ("[].map(n, n / 2)", []),
        ("{'a': 1, 'b': 2}.map(k, k + k)", ["aa", "bb"]),
        ("[1, 2, 3, 4].map(n, n % 2 == 0, n * n)", [4, 16]),
        ("[0, 1, 2].map(n, n > 0, 2 / n)", [2, 1]),
        ("[0, 1, 2, 3, 4].filter(x, x % 2 == 1)", [1, 3]),
        ("[1, 2].filter(x, x > 3)", []),
        ("{'a': 1, 'b': 2}.filter(k, k != 'a')", ["b"]),
        # Scopes
        ("[1, 2].map(x, [10, 20].map(y, x + y))", [[11, 21], [12, 22]]),
        ("[1, 2].map(x, [x].map(x, x * 10))", [[10], [20]]),
        ("[1].map(x, [2].map(x, x))", [[2]]),
        ("[[1, 2], [3]].map(x, x.map(y, y)).map(z, size(z))", [2, 1]),
        ("[1, 2].map(x, x) + [3].map(y, y + outer)", [1, 2, 103]),
        ("[1].map(outer, outer)", [1]),
        ("[{'a': 1}, {'b': 2}].filter(x, has(x.a)).map(x, x.a)", [1]),
        ("[1, 2].all(x, [3, 4].exists(y, y - 2 == x))", True),
    ],
)
def test_macros(source, value):
    assert evaluate(parse(source), {"outer": 100}) == value


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("[3, 2, 1, 0].exists_one(n, 12 / n > 1)", "Division by zero"),
        ("[3, 2, 1, 0].filter(n, 12 / n > 4)", "Division by zero"),
        ("[2, 1, 0].map(n, 4 / n)", "Division by zero"),
        ("[1, 2].exists(e, e / 0 == 17)", "Division by zero"),
        ("[1].filter(x, 1)", "The condition of filter must be true or false"),
        ("[1].map(x, 'a', x)", "The condition of map must be true or false"),
        ("[1].exists_one(x, null)", "The condition of exists_one must be true or false"),
        ("[1].all(x, x)", "The condition of all must be true or false"),
        ("'abc'.map(x, x)", "goes through a list or a map, not a string"),
        ("null.all(x, true)", "goes through a list or a map, not null"),
        ("[1].map(x, y)", 'no "y" here'),
        ("[1].map(x, x)[0] + x", 'no "x" here'),
    ],
)
def test_macro_errors(source, message):
    with pytest.raises(ExpressionError, match=message):
        evaluate(parse(source), {})
