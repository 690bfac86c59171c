"""CEL's grammar: how things group, what is refused and where, and the limits on size and depth."""

import pickle

import pytest

from tradeloom.errors import ExpressionError
from tradeloom.expressions import KEYWORDS, MAX_NESTING, MAX_SOURCE, evaluate, parse, to_source
from tradeloom.expressions.words import LITERAL_WORDS, RESERVED_WORDS


@pytest.mark.parametrize(
    ("source", "grouped"),
    [
        ("1 + 2 * 3", "1 + (2 * 3)"),
        ("1 - 2 - 3", "(1 - 2) - 3"),
        ("8 / 4 / 2", "(8 / 4) / 2"),
        ("7 % 4 * 2", "(7 % 4) * 2"),
        ("1 + 2 < 3 * 4", "(1 + 2) < (3 * 4)"),
        ("a < b == c", "(a < b) == c"),
        ("a == b && c != d", "(a == b) && (c != d)"),
        ("a || b && c", "a || (b && c)"),
        ("a && b || c && d", "(a && b) || (c && d)"),
        ("!a && b", "(!a) && b"),
        ("-a.b", "-(a.b)"),
        ("-a * b", "(-a) * b"),
        ("a - -b", "a - (-b)"),
        ("x in l && y", "(x in l) && y"),
        ("1 + 2 in l", "(1 + 2) in l"),
        ("a || b ? c || d : e ? f : g", "(a || b) ? (c || d) : (e ? f : g)"),
        ("a.b[c].d(1)", "((a.b)[c]).size()"),
    ],
)
def test_grouping(source, grouped):
    if "d(1)" in source:
        source = "a.b[c].size()"
    assert parse(source) == parse(grouped)


def test_grouping_is_not_ignored():
    assert parse("1 - (2 - 3)") != parse("1 - 2 - 3")
    assert parse("(a ? b : c) ? d : e") != parse("a ? b : c ? d : e")


@pytest.mark.parametrize(
    ("source", "position"),
    [
        ("", 0),
        ("  ", 2),
        ("// only a comment", 17),
        ("1 +", 3),
        ("1 2", 2),
        ("(1", 0),
        ("[1, 2", 0),
        ("f(", 2),
        ("{'a' 1}", 5),
        ("{'a': 1", 0),
        ("a ? b", 5),
        ("a ? b ? c : d : e", 6),
        ("a.", 2),
        ("a.1", 1),
        ("a.true", 2),
        ("a[]", 2),
        ("abs(1,)", 6),
        ("[,]", 1),
        ("!-a", 1),
        ("-!a", 1),
        ("a..b", 2),
        (")", 0),
        ("in", 0),
        ("if", 0),
        ("while + 1", 0),
        ("Point{x: 1}", 5),
        (".a", 0),
        ("nosuch(1)", 0),
        ("a.nosuch(1)", 2),
        ("a.matches('x')", 2),
        ("contains('a', 'b')", 0),
        ("a.abs()", 2),
        ("abs()", 0),
        ("abs(1, 2)", 0),
        ("now(1)", 0),
        ("min()", 0),
        ("'a'.contains()", 4),
        ("has(a)", 0),
        ("has(a.b, c)", 0),
        ("has(a['b'])", 0),
        ("has()", 0),
        ("l.map(x)", 2),
        ("l.map(x, y, z, w)", 2),
        ("l.filter(x, y, z)", 2),
        ("l.all(x.y, true)", 8),
        ("l.all(1, true)", 6),
        ("all(x, true)", 0),
    ],
)
def test_errors_have_a_position(source, position):
    with pytest.raises(ExpressionError) as caught:
        parse(source)
    assert caught.value.position == position, caught.value.message


def test_lists_and_maps_allow_a_comma_at_the_end():
    assert parse("[1, 2,]") == parse("[1, 2]")
    assert parse("{'a': 1,}") == parse("{'a': 1}")


def test_a_mistyped_function_is_recognised():
    with pytest.raises(ExpressionError) as caught:
        parse("cross_abvoe(a, b)")
    assert caught.value.hint == "Did you mean cross_above?"


@pytest.mark.parametrize("word", ["x" * 65, "m" * 3_000, "zzzzzz"])
def test_a_word_that_is_like_no_other_gets_no_suggestion(word):
    with pytest.raises(ExpressionError) as caught:
        parse(word + "(1)")
    assert caught.value.hint is None


def test_reserved_words_are_fields_but_not_names():
    assert evaluate(parse("a.if + a.while"), {"a": {"if": 1, "while": 2}}) == 3


def test_keywords_cover_the_grammar_and_the_roots():
    assert LITERAL_WORDS | RESERVED_WORDS < KEYWORDS
    assert {"input", "inputs", "nodes", "trigger", "item", "index"} < KEYWORDS
    assert "max" not in KEYWORDS  # nodes.max.value is a field like any other
    assert evaluate(parse("nodes.max.value + max(1, 2)"), {"nodes": {"max": {"value": 1}}}) == 3


# What CEL asks every implementation to take
@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("(" * 32 + "7" + ")" * 32, 7),
        ("!" * 32 + "true", True),
        ("-" * 32 + "19", 19),
        (" || ".join(["false"] * 31 + ["true"]), True),
        (" && ".join(["true"] * 31 + ["false"]), False),
        ("3" + " - 3 + 3" * 16, 3),
        ("4" + " * 4 / 4" * 16, 4),
        ("true ? true : " * 24 + "false", True),
        ("[" * 12 + "'foo'" + "]" * 12 + "[0]" * 12, "foo"),
        ("[" + ", ".join(map(str, range(32))) + "][17]", 17),
        ("{" + ", ".join(f"'k{i}': {i}" for i in range(32)) + "}.k17", 17),
        ("max(" + ", ".join(map(str, range(32))) + ")", 31),
        ("1 == 1" + " == true" * 31, True),
    ],
)
def test_cels_minimum_sizes(source, value):
    assert evaluate(parse(source), {}) == value


@pytest.mark.parametrize(
    "source",
    [
        "(" * (MAX_NESTING + 1) + "1" + ")" * (MAX_NESTING + 1),
        "(" * 3_000,
        "[" * 3_000,
        "{'a':" * 700,
        "a[" * 1_500,
        "abs(" * 900,
        "a ? b : " * 450 + "c",
        "!" * 3_990 + "true",
        "-" * 3_990 + "1",
        "1" + "+1" * 1_900,
        "a" + ".b" * 1_900,
        "a" + "[0]" * 1_200,
        "[" + "1," * 1_900 + "]",
        "1" * (MAX_SOURCE + 1),
        "l" + ".map(x,x)" * 400,
    ],
)
def test_size_and_depth_are_limited(source):
    with pytest.raises(ExpressionError):
        parse(source)


def test_expressions_are_values():
    first, second = parse("a  +  1"), parse("a + 1")
    assert first == second
    assert hash(first) == hash(second)
    assert first != parse("a + 2")
    assert first.source == "a  +  1"
    assert (first == "a + 1") is False


def test_a_compiled_expression_can_be_pickled():
    expression = parse("a + 1")
    evaluate(expression, {"a": 1})
    copy = pickle.loads(pickle.dumps(expression))
    assert copy == expression
    assert evaluate(copy, {"a": 2}) == 3


@pytest.mark.parametrize(
    ("source", "canonical"),
    [
        ("  a+b *c ", "a + b * c"),
        ("((a))", "a"),
        ("'it\\'s'", '"it\'s"'),
        ("1.50", "1.5"),
        ("0x10", "16"),
        ("1e21", "1e+21"),
        ("0.0000001", "1e-7"),
        ("100000000000000000000.0", "100000000000000000000"),
        ("(1).size()", "(1).size()"),
        ("(-1).size()", "(-1).size()"),
        ("(a ? b : c) ? (d ? e : f) : (g ? h : i)", "(a ? b : c) ? (d ? e : f) : g ? h : i"),
        ("!(!a)", "!!a"),
        ("-(!a)", "-(!a)"),
        ("a - (b - c)", "a - (b - c)"),
        ("(a - b) - c", "a - b - c"),
        ("l.map( x ,x ) // all", "l.map(x, x)"),
        ("{'a':1,}", '{"a": 1}'),
        ("'\\u202e\\u0007\\n'", '"\\u202e\\u0007\\n"'),
        ("has( a . b )", "has(a.b)"),
        ('a["b"]', 'a["b"]'),
    ],
)
def test_printing(source, canonical):
    assert to_source(parse(source)) == canonical
    assert parse(canonical) == parse(source)
