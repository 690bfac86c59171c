"""Source text to tokens, by CEL's lexis. Lazily, so that a template can stop at the end of its expression."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from tradeloom.expressions.failures import failure, quoted
from tradeloom.expressions.string_literals import read_string

_SKIPPED = re.compile(r"(?:[\t\n\f\r ]+|//[^\r\n]*)+")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_NUMBER = re.compile(r"0[xX][0-9a-fA-F]+|(?:[0-9]+\.[0-9]+|\.[0-9]+|[0-9]+)(?:[eE][+-]?[0-9]+)?")
_OPERATOR = re.compile(r"&&|\|\||[=!<>]=|[-+*/%<>!?:.,()\[\]{}]")
_STRING_START = re.compile(r"([A-Za-z]{0,2})(\"\"\"|'''|\"|')")
_SURROGATE = re.compile("[\ud800-\udfff]")
_HINTS = {
    "=": "Equality is written ==.",
    "&": "Logical and is written &&.",
    "|": "Logical or is written ||.",
    "“": 'Quotes are straight: "text".',
    "”": 'Quotes are straight: "text".',
    "‘": "Quotes are straight: 'text'.",
    "’": "Quotes are straight: 'text'.",
    "–": "Minus is the plain hyphen: -.",
    "−": "Minus is the plain hyphen: -.",
    "×": "Multiplication is written *.",
    "÷": "Division is written /.",
    "≤": "Less or equal is written <=.",
    "≥": "Greater or equal is written >=.",
    "≠": "Inequality is written !=.",
    "\u00a0": "It looks like a space but is a no-break space.",
}


@dataclass(frozen=True, slots=True)
class Token:
    """`text` is the operator, the name, or the value of the literal; `end` is where the token stops."""

    kind: Literal["number", "string", "name", "operator", "end"]
    text: str
    position: int
    end: int


def tokens(source: str, start: int = 0) -> Iterator[Token]:
    """The tokens from `start` on, the last being of kind `end`. Raises `ExpressionError`."""
    if bad := _SURROGATE.search(source, start):
        raise failure("The text holds half of a surrogate pair, which is not a character.", bad.start())
    position = start
    while True:
        if skipped := _SKIPPED.match(source, position):
            position = skipped.end()
        if position >= len(source):
            yield Token("end", "", position, position)
            return
        token = _next_token(source, position)
        yield token
        position = token.end


def _next_token(source: str, position: int) -> Token:
    if opening := _STRING_START.match(source, position):
        value, end = read_string(source, position, opening.group(1), opening.group(2))
        return Token("string", value, position, end)
    if found := _NAME.match(source, position):
        return Token("name", found.group(), position, found.end())
    if found := _NUMBER.match(source, position):
        return _number(source, found)
    if found := _OPERATOR.match(source, position):
        return Token("operator", found.group(), position, found.end())
    raise _unexpected(source[position], position)


def _number(source: str, found: re.Match[str]) -> Token:
    digits, end = found.group(), found.end()
    if after := _NAME.match(source, end):
        hint = "Every number is a double: write it without u." if after.group() in ("u", "U") else None
        raise failure(f"A number cannot be followed by {quoted(after.group())}.", end, hint)
    is_hexadecimal = digits[:2] in ("0x", "0X")
    try:
        value = float(int(digits, 16)) if is_hexadecimal else float(digits)
    except OverflowError:
        value = float("inf")
    if value == float("inf"):
        raise failure("The number is too large: a double ends at about 1.8e308.", found.start())
    return Token("number", repr(value), found.start(), end)


def _unexpected(character: str, position: int) -> Exception:
    shown = character if character.isprintable() and character != " " else f"U+{ord(character):04X}"
    return failure(f"Unexpected character {shown}.", position, _HINTS.get(character))
