"""CEL's lexis: what a literal is, and where a bad one is reported."""

import pytest

from tradeloom.errors import ExpressionError
from tradeloom.expressions import evaluate, parse
from tradeloom.expressions.syntax import Number, Text


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("0", 0.0),
        ("007", 7.0),
        ("42", 42.0),
        ("0x1F", 31.0),
        ("0Xff", 255.0),
        ("1.5", 1.5),
        (".5", 0.5),
        ("1e3", 1000.0),
        ("1.25E-2", 0.0125),
        ("1e+2", 100.0),
        ("1.7976931348623157e308", 1.7976931348623157e308),
        ("5e-324", 5e-324),
        ("1e-400", 0.0),
        ("9007199254740993", 9007199254740992.0),
    ],
)
def test_numbers(source, value):
    assert parse(source).root == Number(value)


@pytest.mark.parametrize(
    ("source", "position"),
    [("1e309", 0), ("9" * 400, 0), ("0x" + "f" * 400, 0), ("12abc", 2), ("7u", 1), ("0xg", 1), ("1e", 1), ("1.", 2)],
)
def test_bad_numbers(source, position):
    with pytest.raises(ExpressionError) as caught:
        parse(source)
    assert caught.value.position == position


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ('""', ""),
        ("'hello'", "hello"),
        ('"it\'s"', "it's"),
        ("'''a'b''c'''", "a'b''c"),
        ('"""two\nlines"""', "two\nlines"),
        ('"""""" + "x"', None),
        (r"' \\ \? \" \' \` '", " \\ ? \" ' ` "),
        (r"'\a\b\f\n\r\t\v'", "\a\b\f\n\r\t\v"),
        (r"'\x41\X42\u00e9\U0001F600'", "ABé😀"),
        (r"'\101\377\000'", "Aÿ\0"),
        (r"'\ud83d\ude00'", "😀"),
        (r"r'\n'", "\\n"),
        (r'R"\"', "\\"),
        (r"r'''\u00e9'''", "\\u00e9"),
        ("'tab\there'", "tab\there"),
    ],
)
def test_strings(source, value):
    if value is None:
        assert evaluate(parse(source), {}) == "x"
    else:
        assert parse(source).root == Text(value)


@pytest.mark.parametrize(
    ("source", "position"),
    [
        ("'open", 0),
        ("1 + 'a\nb'", 4),
        ("'''open''", 0),
        (r"'ab\q'", 3),
        (r"'\08'", 1),
        (r"'\400'", 1),
        (r"'\x4'", 1),
        (r"'\U00110000'", 1),
        (r"'\ud800'", 1),
        (r"'\U0000d800'", 1),
        ("b'bytes'", 0),
        ("rb'bytes'", 0),
        ("'\ud800'", 1),
        ("'\\", 0),
    ],
)
def test_bad_strings(source, position):
    with pytest.raises(ExpressionError) as caught:
        parse(source)
    assert caught.value.position == position


def test_comments_and_white_space_are_skipped():
    assert evaluate(parse("1 // one\n\t+\f2\r\n// done"), {}) == 3


@pytest.mark.parametrize(
    ("source", "hint"),
    [
        ("a = b", "=="),
        ("7u", "without u"),
        ("a & b", "&&"),
        ("a and b", "&&"),
        ("not a", "!"),
        ("“text”", "straight"),
        ("1\u00a0+ 2", "no-break space"),
        ("5 − 3", "hyphen"),
        ("a ≤ b", "<="),
    ],
)
def test_habits_from_elsewhere_get_a_hint(source, hint):
    with pytest.raises(ExpressionError) as caught:
        parse(source)
    assert hint in (caught.value.hint or "")


@pytest.mark.parametrize(
    "character", ["#", "@", "$", "~", "^", "\\", ";", "\0", "é", "٣", "²", "\u202e", "\u200b", "ａ"]
)
def test_characters_outside_the_language_are_refused(character):
    with pytest.raises(ExpressionError) as caught:
        parse("1 + " + character)
    assert caught.value.position == 4
