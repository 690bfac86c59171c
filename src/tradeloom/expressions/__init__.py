"""Tradeloom's expression language: a subset of CEL over JSON values.

`parse` gives an `Expression`; `check` types it against the outputs it may refer to; `evaluate` gives its value as JSON.
Text fields with `{{ … }}` are `Template`s. Everything that can be wrong is an `ExpressionError` with a position.

Departures from CEL, all deliberate: every number is a double, so integers and fractions mix, and a result that is not
finite is an error; map keys are strings; `has(a.b.c)` is false when any step of the path is missing; there are no
bytes, no regular expressions and no message types. Added are numeric functions, series crossings and `now()`.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from tradeloom.expressions.config_strings import expression_source, has_placeholders, is_expression, unescape
from tradeloom.expressions.evaluation.program import Evaluation
from tradeloom.expressions.expression import Expression, compile_expression, evaluate
from tradeloom.expressions.library import FUNCTIONS
from tradeloom.expressions.limits import DEFAULT_LIMITS, Limits
from tradeloom.expressions.parser import MAX_DEPTH, MAX_NESTING, MAX_NODES, MAX_SOURCE, parse
from tradeloom.expressions.references import References, names_in, names_only_in_has, references_in
from tradeloom.expressions.syntax import MACROS
from tradeloom.expressions.template import Placeholder, Template, parse_template, render
from tradeloom.expressions.types import (
    BOOL,
    DURATION,
    DYN,
    NEVER,
    NULL,
    NUMBER,
    STRING,
    TIMESTAMP,
    ListType,
    MapType,
    ObjectType,
    StringType,
    Type,
    UnionType,
    assignable,
    union,
)
from tradeloom.expressions.words import KEYWORDS

if TYPE_CHECKING:
    from tradeloom.expressions.checking.checker import MAX_PROBLEMS, check, check_all
    from tradeloom.expressions.checking.templates import check_template
    from tradeloom.expressions.json_schema import type_from_json_schema
    from tradeloom.expressions.printer import to_source
else:
    _AT_SAVE_TIME = {
        "MAX_PROBLEMS": "checking.checker",
        "check": "checking.checker",
        "check_all": "checking.checker",
        "check_template": "checking.templates",
        "to_source": "printer",
        "type_from_json_schema": "json_schema",
    }
    """What only editing and saving need, and where it is: a function that runs one node never loads it."""

    def __getattr__(name: str) -> Any:
        if name not in _AT_SAVE_TIME:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(f"{__name__}.{_AT_SAVE_TIME[name]}"), name)


__all__ = [
    "BOOL",
    "DEFAULT_LIMITS",
    "DURATION",
    "DYN",
    "FUNCTIONS",
    "KEYWORDS",
    "MACROS",
    "MAX_DEPTH",
    "MAX_NESTING",
    "MAX_NODES",
    "MAX_PROBLEMS",
    "MAX_SOURCE",
    "NEVER",
    "NULL",
    "NUMBER",
    "STRING",
    "TIMESTAMP",
    "Evaluation",
    "Expression",
    "Limits",
    "ListType",
    "MapType",
    "ObjectType",
    "Placeholder",
    "References",
    "StringType",
    "Template",
    "Type",
    "UnionType",
    "assignable",
    "check",
    "check_all",
    "check_template",
    "compile_expression",
    "evaluate",
    "expression_source",
    "has_placeholders",
    "is_expression",
    "names_in",
    "names_only_in_has",
    "parse",
    "parse_template",
    "references_in",
    "render",
    "to_source",
    "type_from_json_schema",
    "unescape",
    "union",
]
