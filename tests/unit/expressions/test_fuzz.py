"""Whatever the text, only typed errors, and each soon: parse, check, print, evaluate, render."""

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.expressions.strategies import examples, trees_over
from tests.unit.expressions.timing import ALLOWED_S, seconds_for
from tradeloom.errors import ExpressionError
from tradeloom.expressions import (
    FUNCTIONS,
    KEYWORDS,
    MACROS,
    Expression,
    check_all,
    check_template,
    evaluate,
    names_in,
    parse,
    parse_template,
    render,
    to_source,
)
from tradeloom.expressions.syntax import Node
from tradeloom.expressions.types import BOOL, DYN, NUMBER, STRING, ListType, MapType, ObjectType

NAMES: dict[str, Any] = {
    "nodes": {"rsi": {"value": 27.5}, "bars": {"bars": [{"close": 1.1}, {"close": float("nan")}]}},
    "input": {"s": "text", "n": 10**400, "o": object(), "t": True, "z": None, "l": [1, [2, {"3": 4}]]},
    "a": 1.5,
    "x": "2026-11-22T14:30:00Z",
    "b": [object(), {1: 2}, float("inf")],
}
SCOPE = {
    "nodes": ObjectType(
        {"rsi": ObjectType({"value": NUMBER}), "bars": ObjectType({"bars": ListType(MapType(NUMBER))})}
    ),
    "input": ObjectType({"s": STRING, "t": BOOL}, optional=frozenset({"s"})),
    "a": NUMBER,
    "b": DYN,
}
VALID = [
    "nodes.rsi.value < 30 && nodes.bars.bars[0].close > 1",
    "nodes.bars.bars.map(b, b.close).filter(c, c > 1)",
    "has(nodes.rsi.value) ? nodes.rsi.value : -1.5e3",
    "{'a': [1, 2, 3].exists_one(x, x in [1]), \"b\": r'\\d' + '''x'''}",
    "timestamp(x).getHours('Europe/London') + duration('1h30m').getMinutes()",
    "cross_above([1, 2], 1) || !input.t && round(a, 2) == max(a, 0x1F) // done",
]
words = st.sampled_from(
    sorted(FUNCTIONS)
    + sorted(MACROS)
    + sorted(KEYWORDS)
    + sorted(NAMES)
    + sorted(NAMES["input"])
    + ["rsi", "value", "has"]
)
symbols = st.sampled_from(
    [*"()[]{}.,:?!<>=&|+-*/%'\"\\ \n\t0159eExurR_$#;@`", "&&", "||", "==", "!=", "{{", "}}", "'''", "//"]
)
odd = st.sampled_from(
    ["\0", "\u202e", "\ud800", "é", "٣", "😀", "\u2028", "\ufeff", "1e999", "0x", "9" * 50, "'\\u00e9'", "((((((((("]
)
soup = st.lists(st.one_of(words, symbols, symbols, odd, st.sampled_from(VALID)), max_size=30).map("".join)
spaced_soup = st.lists(st.one_of(words, symbols, st.sampled_from(VALID)), max_size=20).map(" ".join)


@st.composite
def mutated(draw: st.DrawFn) -> str:
    text = draw(st.sampled_from(VALID))
    for _ in range(draw(st.integers(1, 4))):
        at, length = draw(st.integers(0, len(text))), draw(st.integers(0, 6))
        text = text[:at] + draw(st.one_of(st.just(""), words, symbols, odd)) + text[at + length :]
    return text


def assert_placed(error: ExpressionError, text: str, *, if_known: bool = False) -> None:
    """Only reaching a limit has no place of its own."""
    if error.position is None and if_known:
        assert re.search(r"(more|longer) than", error.message), error.message
    else:
        assert error.position is not None
        assert 0 <= error.position <= len(text)


def exercise(source: str) -> None:
    """Everything there is to do with a source; only `ExpressionError` may come of it."""
    try:
        expression = parse(source)
    except ExpressionError as error:
        assert_placed(error, source)
        return
    exercise_parsed(expression)


def exercise_parsed(expression: Expression) -> None:
    assert parse(to_source(expression)) == expression
    assert all(path for path in names_in(expression))
    for problem in check_all(expression, SCOPE)[1]:
        assert_placed(problem, expression.source)
    try:
        evaluate(expression, NAMES)
    except ExpressionError as error:
        assert_placed(error, expression.source, if_known=True)


def timed(source: str) -> None:
    assert seconds_for(lambda: exercise(source)) < ALLOWED_S


@given(st.text(max_size=200))
@examples(300)
def test_any_text(source: str) -> None:
    timed(source)


@given(st.binary(max_size=200))
@examples(200)
def test_any_bytes(data: bytes) -> None:
    timed(data.decode("latin-1"))
    timed(data.decode("utf-8", "surrogateescape"))


@given(st.one_of(soup, spaced_soup))
@examples(250)
def test_token_soup(source: str) -> None:
    timed(source)


@given(mutated())
@examples(250)
def test_damaged_expressions(source: str) -> None:
    timed(source)


@given(trees_over(st.sampled_from(sorted(NAMES))))
@examples(200)
def test_any_tree(tree: Node) -> None:
    """Every construct meets every kind of value."""
    timed(to_source(tree))


@given(
    st.one_of(
        st.text(max_size=100),
        soup,
        st.lists(st.one_of(mutated().map("{{ {} }}".format), soup), max_size=4).map("".join),
    )
)
@examples(200)
def test_templates(text: str) -> None:
    assert seconds_for(lambda: exercise_template(text)) < ALLOWED_S


def exercise_template(text: str) -> None:
    try:
        template = parse_template(text)
        for problem in check_template(template, SCOPE):
            assert_placed(problem, text)
        assert isinstance(render(template, NAMES), str)
    except ExpressionError as error:
        assert_placed(error, text, if_known=True)


@pytest.mark.parametrize(
    "opening", ["(", "[", "{'a':", "a[", "abs(", "l.map(x,", "!", "-", "a?", "a.b(", "{{", "'", "has(", "1+(", "r'"]
)
@pytest.mark.parametrize("count", [50, 300, 1_300, 100_000])
def test_openings_without_an_end(opening: str, count: int) -> None:
    timed(opening * count)
    timed("1 + " + opening * count + " 1")
    with pytest.raises(ExpressionError):
        parse_template("{{ " + opening * count)
    assert seconds_for(lambda: exercise_template("{{ " + opening * count)) < ALLOWED_S
