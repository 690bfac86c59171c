"""Text with expressions in it: `RSI is {{ nodes.rsi.value }}`.

`\\{{` stands for two plain braces; to put a backslash right before an expression, double it: `\\\\{{ x }}`.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tradeloom.errors import ExpressionError
from tradeloom.expressions.evaluation.export import to_json
from tradeloom.expressions.expression import Expression
from tradeloom.expressions.failures import LimitReached, failure, shifted
from tradeloom.expressions.lexer import tokens
from tradeloom.expressions.limits import DEFAULT_LIMITS, Limits, Run
from tradeloom.expressions.parser import parse
from tradeloom.expressions.values import number_text

MAX_TEXT = 100_000
"""Characters of a template."""
MAX_PLACEHOLDERS = 200
_OPENING = re.compile(r"(\\*)\{\{")


@dataclass(frozen=True, slots=True)
class Placeholder:
    """One `{{ expression }}`; `offset` is where the expression's own source begins in the text."""

    expression: Expression
    offset: int


@dataclass(frozen=True, slots=True)
class Template:
    """A parsed text field. `parts` alternate freely between plain text and placeholders."""

    text: str
    parts: tuple[str | Placeholder, ...]

    @property
    def placeholders(self) -> tuple[Placeholder, ...]:
        return tuple(part for part in self.parts if isinstance(part, Placeholder))

    @property
    def expressions(self) -> tuple[Expression, ...]:
        return tuple(placeholder.expression for placeholder in self.placeholders)

    @property
    def is_plain(self) -> bool:
        """Whether there is nothing to fill in."""
        return not self.placeholders


def parse_template(text: str) -> Template:
    """Raises `ExpressionError` with the position in the text, also past `MAX_TEXT` or `MAX_PLACEHOLDERS`."""
    if len(text) > MAX_TEXT:
        raise failure(f"The text is longer than {MAX_TEXT:,} characters.", MAX_TEXT)
    parts: list[str | Placeholder] = []
    plain: list[str] = []
    at = 0
    while opening := _OPENING.search(text, at):
        backslashes = len(opening[1])
        plain += (text[at : opening.start()], "\\" * (backslashes // 2))
        at = opening.end()
        if backslashes % 2:
            plain.append("{{")
            continue
        end = _closing(text, opening.end(1))
        if sum(isinstance(part, Placeholder) for part in parts) == MAX_PLACEHOLDERS:
            raise failure(f"The text has more than {MAX_PLACEHOLDERS} expressions.", opening.end(1))
        parts += [*_joined(plain), _placeholder(text, at, end)]
        plain = []
        at = end + 2
    plain.append(text[at:])
    return Template(text, (*parts, *_joined(plain)))


def _joined(plain: list[str]) -> Iterator[str]:
    if joined := "".join(plain):
        yield joined


def _closing(text: str, opening: int) -> int:
    """Where the `}}` stands that closes the `{{` at `opening`, past strings and maps inside the expression."""
    depth = 0
    for token in tokens(text, opening + 2):
        if token.kind == "operator" and token.text == "{":
            depth += 1
        elif token.kind == "operator" and token.text == "}":
            if depth == 0 and text.startswith("}}", token.position):
                return token.position
            depth -= 1
    raise failure("The {{ is not closed.", opening, "Two plain braces are written \\{{.")


def _placeholder(text: str, start: int, end: int) -> Placeholder:
    try:
        return Placeholder(parse(text[start:end]), start)
    except ExpressionError as error:
        raise shifted(error, start) from None


def render(
    template: Template, names: Mapping[str, Any], *, now: datetime | None = None, limits: Limits = DEFAULT_LIMITS
) -> str:
    """The text with every expression's value in its place; all of them share one allowance.

    Texts go in as they are, whole numbers without a fraction, other numbers in the shortest form that reads back the
    same, `true`, `false`, `null` by name, lists and maps as JSON. Raises `TradeloomError` as `evaluate` does.
    """
    programs = [placeholder.expression.program for placeholder in template.placeholders]
    run = Run(names, now, limits, [None] * max((program.slots for program in programs), default=0))
    rendered: list[str] = []
    room = limits.result_characters
    try:
        for part in template.parts:
            rendered.append(part if isinstance(part, str) else _value_text(part, run))
            room -= len(rendered[-1])
            if room < 0:
                raise LimitReached(f"The text grows longer than {limits.result_characters:,} characters.")
    except LimitReached as limit:
        raise failure(str(limit)) from None
    return "".join(rendered)


def _value_text(placeholder: Placeholder, run: Run) -> str:
    program = placeholder.expression.program
    try:
        run.spend(program.cost)
        value = to_json(program.body(run), run.limits, placeholder.expression.root.position)
    except ExpressionError as error:
        raise shifted(error, placeholder.offset) from None
    if isinstance(value, str):
        return value
    if isinstance(value, int | float) and not isinstance(value, bool):
        return number_text(value)
    return json.dumps(value, ensure_ascii=False)
