"""Text with `{{ … }}`, and how a config string says what it is."""

from datetime import UTC, datetime
from typing import Any

import pytest

from tradeloom.errors import ExpressionError, NodeError
from tradeloom.expressions import (
    NUMBER,
    ObjectType,
    check_template,
    expression_source,
    has_placeholders,
    is_expression,
    parse,
    parse_template,
    render,
    unescape,
)
from tradeloom.expressions.template import MAX_PLACEHOLDERS, MAX_TEXT

NAMES: dict[str, Any] = {
    "n": {"int": 3, "float": 3.0, "pip": 0.00001, "third": 1 / 3, "big": 1e21, "text": "EURUSD", "yes": True,
          "none": None, "list": [1, 2.0, "é"], "object": {"a": 1.5, "b": [None, True]}},
}  # fmt: skip


@pytest.mark.parametrize(
    ("text", "rendered"),
    [
        ("", ""),
        ("plain", "plain"),
        ("{{ n.text }}", "EURUSD"),
        ("{{n.text}}", "EURUSD"),
        ("Bought {{ n.int }} of {{ n.text }}!", "Bought 3 of EURUSD!"),
        ("{{ n.int }}{{ n.int }}", "33"),
        ("{{ n.float }}", "3"),
        ("{{ n.pip }}", "0.00001"),
        ("{{ n.third }}", "0.3333333333333333"),
        ("{{ n.big }}", "1e+21"),
        ("{{ 0.1 + 0.2 }}", "0.30000000000000004"),
        ("{{ -0.0 }}", "0"),
        ("{{ n.yes }} {{ !n.yes }} {{ n.none }}", "true false null"),
        ("{{ n.list }}", '[1, 2, "é"]'),
        ("{{ n.object }}", '{"a": 1.5, "b": [null, true]}'),
        ("{{ now() }}", "2026-11-22T14:30:00Z"),
        ("{{ duration('90s') }}", "90s"),
        ("{{ {'a': {'b': 1}} }}", '{"a": {"b": 1}}'),
        ("{{ {'a': {'b': 1}}.a.b }}", "1"),
        ("{{ '}}' + \"{{\" }}", "}}{{"),
        ("{{ n.int // }} a comment\n }}", "3"),
        (r"\{{ n.int }}", "{{ n.int }}"),
        (r"\\{{ n.int }}", r"\3"),
        (r"\\\{{ n.int }}", r"\{{ n.int }}"),
        (r"a\b \ {{ n.int }}", r"a\b \ 3"),
        ("{ n } } }} {", "{ n } } }} {"),
        ("{{{'a': 1}.a}}", "1"),
        ("line\n{{ n.int\n}}\nline", "line\n3\nline"),
        ("{{ n.text }}: {{ n.list.map(x, x) }} 😀", 'EURUSD: [1, 2, "é"] 😀'),
    ],
)
def test_rendering(text, rendered):
    assert render(parse_template(text), NAMES, now=datetime(2026, 11, 22, 14, 30, tzinfo=UTC)) == rendered


@pytest.mark.parametrize(
    ("text", "position"),
    [
        ("RSI {{ n.", 4),
        ("{{", 0),
        ("{{ 1 } }", 0),
        ("ab {{ }}", 6),
        ("{{ 1 }} {{ 1 + }}", 15),
        ("{{ 'open }}", 3),
        ("{{ a b }}", 5),
        ("x {{ nosuch(1) }}", 5),
        ("{{ # }}", 3),
        ("{{ (1 }}", 3),
        ("{{ \ud800 }}", 3),
        ("{{ {{ 1 }} }}", 8),
    ],
)
def test_errors_are_placed_in_the_text(text, position):
    with pytest.raises(ExpressionError) as caught:
        parse_template(text)
    assert caught.value.position == position


def test_evaluation_errors_are_placed_in_the_text():
    with pytest.raises(ExpressionError) as caught:
        render(parse_template("RSI {{ n.int / 0 }}"), NAMES)
    assert caught.value.position == 13


def test_errors_of_nodes_go_through():
    class Nodes(dict[str, Any]):
        def __missing__(self, key: str) -> Any:
            raise NodeError(f"{key} did not run", node=key)

    with pytest.raises(NodeError, match="rsi did not run"):
        render(parse_template("RSI {{ nodes.rsi.value }}"), {"nodes": Nodes()})


def test_parts():
    template = parse_template(r"a \{{ b {{ x }} c {{ y }}")
    assert template.expressions == (parse("x"), parse("y"))
    assert [placeholder.offset for placeholder in template.placeholders] == [10, 20]
    assert template.parts[0] == "a {{ b "
    assert template.parts[2] == " c "
    assert not template.is_plain
    assert parse_template("no braces").is_plain
    assert template.text == r"a \{{ b {{ x }} c {{ y }}"


def test_checking_finds_every_problem():
    template = parse_template("{{ n.int }} {{ n.nosuch }} {{ m }} {{ n.int + 'a' }}")
    problems = check_template(template, {"n": ObjectType({"int": NUMBER})})
    assert [problem.position for problem in problems] == [17, 30, 44]


def test_templates_are_limited():
    assert parse_template("{{ 1 }}" * MAX_PLACEHOLDERS)
    with pytest.raises(ExpressionError, match="more than 200"):
        parse_template("{{ 1 }}" * (MAX_PLACEHOLDERS + 1))
    with pytest.raises(ExpressionError, match="longer than"):
        parse_template("a" * (MAX_TEXT + 1))
    with pytest.raises(ExpressionError, match="longer than 4,000"):
        parse_template("{{ " + "1 + " * 1_200 + "1 }}")


@pytest.mark.parametrize(
    ("value", "expression", "source", "plain"),
    [
        ("= a + 1", True, " a + 1", "= a + 1"),
        ("=a", True, "a", "=a"),
        ("a = 1", False, "a = 1", "a = 1"),
        (" = a", False, " = a", " = a"),
        ("\\= a", False, "\\= a", "= a"),
        ("\\\\= a", False, "\\\\= a", "\\\\= a"),
        ("", False, "", ""),
        ("==", True, "=", "=="),
    ],
)
def test_config_strings(value, expression, source, plain):
    assert is_expression(value) is expression
    assert expression_source(value) == source
    assert unescape(value) == plain


def test_placeholders_are_noticed():
    assert has_placeholders("RSI {{ n }}")
    assert not has_placeholders("RSI { n }")
