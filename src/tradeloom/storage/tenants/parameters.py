"""A statement's parameters: `:name` and `%(name)s` become the server's own `$1`, and their values travel beside it."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from pglast.parser import ParseError, scan
from psycopg.types.json import Jsonb

from tradeloom.errors import QueryRefused
from tradeloom.nodes.tenant_database import MAX_SQL
from tradeloom.storage.tenants.numerals import is_huge_number

MAX_PARAMETERS: Final = 100
MAX_TOKENS: Final = 2_500
MAX_BRACKETS: Final = 40
"""Deepest nesting of parentheses and brackets. The parser is recursive, and so is everything behind it."""
MAX_LIST: Final = 1_000
MAX_TEXT: Final = 10_000
MAX_INTEGER: Final = 10**30

_SQL: Final = "config.sql"
_QUOTED: Final = {"SCONST", "USCONST", "BCONST", "XCONST", "SQL_COMMENT", "C_COMMENT"}
_OPEN, _CLOSE = {"ASCII_40", "ASCII_91"}, {"ASCII_41", "ASCII_93"}


@dataclass(frozen=True, slots=True)
class Statement:
    """SQL as the server gets it, and the values of `$1`, `$2`, …"""

    text: str
    values: Sequence[Any] = ()


class _Token(NamedTuple):
    name: str
    start: int
    end: int
    """The position behind it."""


def bind(sql: str, parameters: Mapping[str, Any]) -> Statement:
    """Put the server's placeholders in. PostgreSQL's own scanner finds them, so one inside a text is left alone.

    Raises `QueryRefused`.
    """
    tokens = _tokens(sql)
    places = list(_places(sql, tokens))
    wanted = list(dict.fromkeys(name for name, _, _ in places))
    _match(wanted, parameters)
    text, position = [], 0
    for name, start, end in places:
        text += [sql[position:start], f" ${wanted.index(name) + 1} "]
        position = end
    text.append(sql[position:])
    return Statement("".join(text), [_value(name, parameters[name]) for name in wanted])


def _tokens(sql: str) -> list[_Token]:
    if not sql.strip():
        raise QueryRefused("There is no SQL.", field=_SQL)
    if len(sql) > MAX_SQL:
        raise QueryRefused(f"The SQL has {len(sql):,} characters; {MAX_SQL:,} are the most.", field=_SQL)
    if any((ord(char) < 32 and char not in "\t\n\r") or 0xD800 <= ord(char) < 0xE000 for char in sql):
        raise QueryRefused("The SQL holds a control character or half of a surrogate pair.", field=_SQL)
    try:
        found = [_Token(token.name, token.start, token.end + 1) for token in scan(sql)]
    except ParseError as error:
        raise QueryRefused(f"This is not SQL: {_parser_said(error)}", field=_SQL) from error
    if len(found) > MAX_TOKENS:
        raise QueryRefused(f"The SQL has {len(found):,} words and signs; {MAX_TOKENS:,} are the most.", field=_SQL)
    depth = 0
    for token in found:
        depth += (token.name in _OPEN) - (token.name in _CLOSE)
        if depth > MAX_BRACKETS:
            raise QueryRefused(f"The SQL nests more than {MAX_BRACKETS} brackets.", field=_SQL)
    if any(token.name == "PARAM" for token in found):
        raise QueryRefused("Parameters have names here.", field=_SQL, hint="Write :name instead of $1.")
    return found


def _parser_said(error: Exception) -> str:
    return str(error.args[0] if error.args else error)[:200]


def _places(sql: str, tokens: list[_Token]) -> list[tuple[str, int, int]]:
    """`(name, start, end)` of every parameter."""
    found = []
    for index, token in enumerate(tokens):
        following = tokens[index + 1 : index + 5]
        if token.name == "ASCII_58" and following and _adjacent(token, following[0]):
            name = _word(sql, following[0])
            if name:
                found.append((name, token.start, following[0].end))
        elif token.name not in _QUOTED and sql[token.end - 1 : token.end] == "%" and len(following) == 4:
            opening, word, closing, kind = following
            named = _word(sql, word)
            if (
                (opening.name, closing.name) == ("ASCII_40", "ASCII_41")
                and named
                and sql[kind.start : kind.end] == "s"
                and all(_adjacent(a, b) for a, b in zip([token, *following], following, strict=False))
            ):
                found.append((named, token.end - 1, kind.end))
    return found


def _adjacent(left: _Token, right: _Token) -> bool:
    return left.end == right.start


def _word(sql: str, token: _Token) -> str:
    """The token's text where it can be a parameter's name, whether or not SQL uses the word itself."""
    text = sql[token.start : token.end]
    return text if token.name not in _QUOTED and text.isidentifier() and text.isascii() else ""


def _match(wanted: Sequence[str], parameters: Mapping[str, Any]) -> None:
    missing = [name for name in wanted if name not in parameters]
    if missing:
        raise QueryRefused(
            f"The SQL names the parameter :{missing[0]}, which has no value.",
            field="config.parameters",
            hint="Add it to the parameters. For a part of an array, put spaces around the colon: a[1 : n].",
        )
    if len(wanted) > MAX_PARAMETERS:
        raise QueryRefused(f"The SQL names more than {MAX_PARAMETERS} parameters.", field="config.parameters")
    spare = sorted(set(parameters) - set(wanted))
    if spare:
        raise QueryRefused(
            f"The parameter {spare[0]!a} has a value and the SQL does not name it.",
            field=f"config.parameters.{spare[0]}",
        )


def _value(name: str, value: Any) -> Any:
    """What psycopg sends for a JSON value: a list as an array, an object or a list of them as jsonb."""
    field = f"config.parameters.{name}"
    if isinstance(value, list):
        if len(value) > MAX_LIST:
            raise QueryRefused(f"The list {name} has more than {MAX_LIST:,} values.", field=field)
        if not any(isinstance(item, list | dict) for item in value):
            return _listed(name, value, field)
    if isinstance(value, list | dict):
        try:
            text = json.dumps(value, allow_nan=False)
        except (TypeError, ValueError, RecursionError) as error:
            raise QueryRefused(f"{name} holds what is no JSON.", field=field) from error
        if len(text) > MAX_TEXT or "\\u0000" in text or "\\ud" in text:
            raise QueryRefused(f"{name} is too large, or holds what PostgreSQL cannot keep.", field=field)
        return Jsonb(value)
    return scalar(name, value, field)


def _listed(name: str, values: list[Any], field: str) -> list[Any]:
    """The values as one array has them: all of a kind, whole numbers among others as fractions."""
    kinds = {type(item) for item in values if item is not None}
    if len(kinds) > 1 and kinds != {int, float}:
        raise QueryRefused(f"The list {name} mixes kinds of values.", field=field)
    made = [scalar(name, item, field) for item in values]
    return [float(item) if float in kinds and item is not None else item for item in made]


def scalar(name: str, value: Any, field: str) -> Any:
    """A single JSON value as it may be sent. Raises `QueryRefused`."""
    if isinstance(value, float) and not math.isfinite(value):
        raise QueryRefused(f"The parameter {name} is not a finite number.", field=field)
    if isinstance(value, int) and abs(value) > MAX_INTEGER:
        raise QueryRefused(f"The parameter {name} is a number of more than 30 digits.", field=field)
    if isinstance(value, str):
        if len(value) > MAX_TEXT:
            raise QueryRefused(f"The text {name} has more than {MAX_TEXT:,} characters.", field=field)
        if "\0" in value or any(0xD800 <= ord(char) < 0xE000 for char in value):
            raise QueryRefused(f"The text {name} holds a character PostgreSQL cannot keep.", field=field)
        _refuse_huge_number(name, value, field)
    elif value is not None and not isinstance(value, bool | int | float):
        raise QueryRefused(f"The parameter {name} is no JSON value.", field=field)
    return value


def _refuse_huge_number(name: str, text: str, field: str) -> None:
    if is_huge_number(text):
        raise QueryRefused(f"The parameter {name} is a number with far too many digits.", field=field)
