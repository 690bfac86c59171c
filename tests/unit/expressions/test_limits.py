"""Expressions built to cost: each ends with a typed error (or a value) within 100 ms of processor time."""

import inspect
import sys
from contextlib import suppress
from typing import Any

import pytest

from tests.unit.expressions.timing import ALLOWED_S, seconds_for
from tradeloom.errors import ExpressionError
from tradeloom.expressions import (
    MAX_DEPTH,
    MAX_NESTING,
    Limits,
    check_all,
    evaluate,
    names_in,
    parse,
    parse_template,
    render,
    to_source,
    type_from_json_schema,
)
from tradeloom.expressions.types import NUMBER, ObjectType

NUMBERS = [float(i) for i in range(150_000)]
NAMES: dict[str, Any] = {
    "l": NUMBERS,
    "other": list(NUMBERS),
    "s": "a" * 1_000_000,
    "same": "".join(["a"] * 1_000_000),
    "m": {f"key{i}": i for i in range(50_000)},
    "bars": [{"open": 1.0, "close": 2.0, "time": "2026-11-22T14:30:00Z", "note": None} for _ in range(5_000)],
    "objects": [{"a": {"b": [1.0, 2.0, {"c": 3.0}]}} for _ in range(20_000)],
    "texts": ["12.5"] * 5_000,
}
DEEP: Any = 1.0
for _ in range(5_000):
    DEEP = [DEEP]
NAMES["deep"] = DEEP


def nested(macro: str, body: str, levels: int, width: int) -> str:
    for level in range(levels):
        body = f"[{', '.join(['1'] * width)}].{macro}(v{level}, {body})"
    return body


COSTLY = {
    "nested loops": nested("all", "v0 == 1", 20, 8),
    "nested loops of absorbed errors": nested("all", "1 / 0 > 0", 12, 5),
    "nested loops of missing names": nested("exists", "nosuch.x > 0", 12, 5),
    "nested maps": nested("map", "v0", 12, 10),
    "list tree": "[1]" + ".map(x, [x, x, x, x, x, x, x, x, x, x])" * 30,
    "list doubling": "[[1, 2]]" + ".map(x, x + x)" * 60,
    "text doubling": "['ab']" + ".map(x, x + x)" * 60,
    "text doubling of a long text": "[s]" + ".map(x, x + x)" * 10,
    "shared structure compared": "[1]" + ".map(x, [x, x])" * 30 + " == [1]" + ".map(x, [x, x])" * 30,
    "shared structure in a map": "[1]" + ".map(x, {'a': x, 'b': x})" * 40,
    "shared structure looked for": "[[1]" + ".map(x, [x, x])" * 40 + "].map(y, y in [y])",
    "map": "l.map(x, x)",
    "all": "l.all(x, x >= 0)",
    "filter": "l.filter(x, x > 5)",
    "search in a loop": "l.exists(x, -1 in l)",
    "compare lists": "l == other",
    "compare in a loop": "l.all(x, l == other)",
    "compare objects": "objects == objects",
    "compare maps": "[1, 2, 3].all(x, m == m)",
    "compare long texts": "l.all(x, s + 'a' == s + 'a')",
    "order long texts": "l.all(x, s <= same)",
    "keys in a loop": "l.all(x, m.exists(k, true))",
    "text search": "l.all(x, !s.contains('aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab'))",
    "upper": "l.map(x, s.upper())",
    "sum in a loop": "l.all(x, sum(l) > 0)",
    "min in a loop": "bars.all(x, min(l) == 0)",
    "timestamps": "bars.map(b, timestamp(b.time))",
    "zoned fields": "bars.all(b, timestamp(b.time).getHours('Europe/London') == 14)",
    "unknown zones": "l.exists(x, timestamp(0).getHours('Zone' + string(x)) == 1)",
    "known zones": "[1, 2, 3, 4, 5, 6, 7, 8, 9].all(x, timestamp(0).getHours('Etc/GMT+' + string(x)) > 0)",
    "bad timestamps": "l.exists(x, timestamp('nonsense') == x)",
    "bad durations": "l.exists(x, duration('nonsense') == x)",
    "rounding": "l.map(x, round(x / 3, 5))",
    "texts of numbers": "l.map(x, string(x / 3))",
    "numbers of texts": "texts.map(x, double(x))",
    "powers": "l.map(x, pow(x, 1.5))",
    "missing fields": "objects.exists(x, x.y.z > 3 || x.z > 2 || x.w)",
    "missing places": "l.exists(x, l[x + 1000000] > 0)",
    "wide literals": "l.map(x, {'a': x, 'b': x, 'c': x, 'd': [x, x, x, x, x, x]})",
    "long result": "l",
    "long map": "m",
    "long text": "s",
    "many objects": "objects",
    "deep value": "deep",
    "deep value compared": "deep == deep",
    "deep value in a list": "[deep] == [deep]",
    "huge number": "9" * 300 + " * " + "9" * 300,
    "huge exponent": "pow(10, 308) * pow(10, 308)",
    "huge index": "l[1e308]",
}


@pytest.mark.parametrize("name", COSTLY)
def test_costly_expressions_end_in_time(name):
    expression = parse(COSTLY[name])

    def work() -> None:
        with suppress(ExpressionError):
            evaluate(expression, NAMES)

    assert seconds_for(work) < ALLOWED_S


@pytest.mark.parametrize(
    "name",
    ["nested loops", "nested loops of absorbed errors", "list doubling", "text doubling", "shared structure compared",
     "compare in a loop", "keys in a loop", "sum in a loop", "text search", "unknown zones"],
)  # fmt: skip
def test_running_out_of_fuel_says_so(name):
    with pytest.raises(ExpressionError, match="200,000 steps"):
        evaluate(parse(COSTLY[name]), NAMES)


@pytest.mark.parametrize("name", ["list tree", "shared structure in a map", "long result"])
def test_results_are_limited(name):
    with pytest.raises(ExpressionError, match=r"more than 100,000 elements|200,000 steps"):
        evaluate(parse(COSTLY[name]), NAMES)


def test_limits_are_not_absorbed():
    for source in (
        "l.all(x, x >= 0) || true",
        "true && l.all(x, x >= 0) || true",
        "[1].exists(y, l.all(x, x >= 0)) || true",
    ):
        with pytest.raises(ExpressionError, match="steps"):
            evaluate(parse(source), {"l": [1.0] * 300_000})


def test_limits_can_be_set():
    numbers = {"l": [1.0] * 100}
    assert evaluate(parse("l.all(x, x == 1)"), numbers, limits=Limits(fuel=1_000)) is True
    with pytest.raises(ExpressionError, match="more than 100 steps"):
        evaluate(parse("l.all(x, x == 1)"), numbers, limits=Limits(fuel=100))
    with pytest.raises(ExpressionError, match="more than 2 steps"):
        evaluate(parse("1 + 2"), {}, limits=Limits(fuel=2))
    with pytest.raises(ExpressionError, match="more than 99 elements"):
        evaluate(parse("l"), numbers, limits=Limits(result_items=99))
    with pytest.raises(ExpressionError, match="more than 5 characters"):
        evaluate(parse("['abc', 'def']"), {}, limits=Limits(result_characters=5))
    with pytest.raises(ExpressionError, match="more than 3 levels"):
        evaluate(parse("[[[[1]]]]"), {}, limits=Limits(value_depth=3))
    with pytest.raises(ExpressionError, match="more than 3 levels"):
        evaluate(parse("[[[[1]]]] == [[[[1]]]]"), {}, limits=Limits(value_depth=3))


def test_a_template_s_expressions_share_one_allowance():
    template = parse_template("{{ l.all(x, x == 1) }} " * 3)
    numbers = {"l": [1.0] * 100}
    assert render(template, numbers, limits=Limits(fuel=2_000)) == "true true true "
    with pytest.raises(ExpressionError, match="more than 700 steps"):
        render(template, numbers, limits=Limits(fuel=700))
    with pytest.raises(ExpressionError, match="longer than 10 characters"):
        render(template, numbers, limits=Limits(result_characters=10))


def test_ordinary_work_is_well_within_the_allowance():
    """The whole history the platform hands out, filtered, mapped and averaged."""
    source = "avg(bars.filter(b, b.close > b.open && b.note == null).map(b, (b.close - b.open) / b.open))"
    assert evaluate(parse(source), NAMES) == 1
    assert len(evaluate(parse("bars"), NAMES)) == 5_000


FIELDS = {f"field{i}": NUMBER for i in range(30)}
SCOPE = {"nodes": ObjectType({f"node{i}": ObjectType(FIELDS) for i in range(100)})}
HARD_TO_CHECK = {
    "unknown names": "[" + ",".join(f"nam{i}" for i in range(550)) + "]",
    "unknown fields": "[" + ",".join(["nodes.nod"] * 390) + "]",
    "types that grow": "(true ? [1]"
    + ".map(x, {'a': x, 'b': x})" * 40
    + " : [1]"
    + ".map(x, {'a': x, 'b': x})" * 40
    + ")",
    "long chains": " && ".join(["nodes.node1 != null"] * 90),
    "big literals": "[" + ",".join(["[nodes]"] * 490) + "]",
    "conditionals": "[" + ",".join(["true ? nodes : 1"] * 230) + "]",
    "dynamic fields": "[" + ",".join(["nodes['a' + 'b']"] * 230) + "]",
}


@pytest.mark.parametrize("name", HARD_TO_CHECK)
def test_checking_ends_in_time(name):
    expression = parse(HARD_TO_CHECK[name])
    assert seconds_for(lambda: check_all(expression, SCOPE)) < ALLOWED_S
    assert len(check_all(expression, SCOPE)[1]) <= 20


def test_schemas_that_multiply_are_read_in_time():
    """Each definition refers twice to the next: 2**40 paths, 40 definitions."""
    definitions = {
        f"D{i}": {
            "type": "object",
            "properties": {"a": {"$ref": f"#/$defs/D{i + 1}"}, "b": {"$ref": f"#/$defs/D{i + 1}"}},
        }
        for i in range(40)
    }
    definitions["D40"] = {"type": "number"}
    schema = {"$ref": "#/$defs/D0", "$defs": definitions}
    assert seconds_for(lambda: type_from_json_schema(schema)) < ALLOWED_S


DEEPEST = {
    "brackets": "(" * (MAX_NESTING - 1) + "1" + ")" * (MAX_NESTING - 1),
    "calls": "abs(" * (MAX_NESTING - 1) + "1" + ")" * (MAX_NESTING - 1),
    "maps": "{'a':" * (MAX_NESTING - 1) + "1" + "}" * (MAX_NESTING - 1),
    "macros": "".join(f"[1].exists_one(x{i}, " for i in range(MAX_NESTING - 1)) + "true" + ")" * (MAX_NESTING - 1),
    "conditionals": "true ? 1 : " * (MAX_NESTING - 1) + "2",
    "conjunction": " && ".join(["true"] * (MAX_DEPTH - 1)),
    "sum": " + ".join(["1"] * (MAX_DEPTH - 1)),
    "signs": "-" * (MAX_DEPTH - 1) + "1",
    "fields": "a" + ".b" * (MAX_DEPTH - 1),
    "chained macros": "[1]" + ".map(x, x)" * (MAX_DEPTH - 2),
}


@pytest.mark.parametrize("name", DEEPEST)
def test_the_deepest_expressions_fit_half_of_python_s_stack(name):
    """So that a caller may stand deep in a stack of its own."""
    source = DEEPEST[name] + " "  # not yet in the cache of `parse`
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(len(inspect.stack(0)) + 500)
    try:
        expression = parse(source)
        check_all(expression, {})
        assert parse(to_source(expression)) == expression
        names_in(expression)
        hash(expression)
        with suppress(ExpressionError):
            evaluate(expression, {})
    finally:
        sys.setrecursionlimit(limit)
