"""A parsed expression, the value everything else works on, and its evaluation."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from tradeloom.expressions.evaluation.program import Evaluation, Program, build
from tradeloom.expressions.limits import DEFAULT_LIMITS, Limits
from tradeloom.expressions.syntax import Node


@dataclass(frozen=True)
class Expression:
    """Immutable; equal when the trees are, however the source was spelled. Made by `parse`."""

    source: str
    root: Node

    def __eq__(self, other: object) -> bool:
        return self.root == other.root if isinstance(other, Expression) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.root)

    @cached_property
    def program(self) -> Program:
        """The expression as nested closures, built at first use."""
        return build(self.root)

    def __reduce__(self) -> tuple[Any, ...]:
        # Closures cannot be pickled; the copy builds its own.
        return Expression, (self.source, self.root)


def evaluate(
    expression: Expression,
    names: Mapping[str, Any],
    *,
    now: datetime | None = None,
    limits: Limits = DEFAULT_LIMITS,
) -> Any:
    """The expression's value as plain JSON (see `evaluation.export.to_json` for how numbers and times come out).

    `names` holds the roots (`{"nodes": {...}, "input": {...}}`); `now`, with a time zone, is what `now()` gives.
    Any `Mapping` may stand for an object, and may fill itself when asked:

    - `mapping[key]` raising a `TradeloomError` is how a value that cannot be had says so (a node that did not run).
      `&&`, `||`, `all` and `exists` absorb it as they absorb their own errors; otherwise it goes through unchanged.
    - `key in mapping` being false makes `has(mapping.key)`, and `has` of any path through it, false without reading.

    Raises `ExpressionError` for everything else that goes wrong: wrong kinds, missing names and fields, division by
    zero, results that are not finite, and any limit reached, which nothing absorbs.
    """
    return expression.program.run(names, now=now, limits=limits)


def compile_expression(expression: Expression) -> Evaluation:
    """The expression as a function of its names, for evaluating it many times. It is kept with the expression."""
    return expression.program.run
