"""An expression ready to run, and one run of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from tradeloom.expressions.evaluation.build import closure, size_of
from tradeloom.expressions.evaluation.export import to_json
from tradeloom.expressions.evaluation.paths import Closure
from tradeloom.expressions.failures import LimitReached, failure
from tradeloom.expressions.limits import DEFAULT_LIMITS, Limits, Run
from tradeloom.expressions.syntax import Macro, Node, children


class Evaluation(Protocol):
    """A compiled expression: names in, JSON out. Raises `TradeloomError`; see `evaluate`."""

    def __call__(
        self, names: Mapping[str, Any], *, now: datetime | None = None, limits: Limits = DEFAULT_LIMITS
    ) -> Any: ...


@dataclass(frozen=True, slots=True)
class Program:
    body: Closure
    cost: int
    """Steps it takes at most, its macros' repetitions aside; paid before it starts."""
    slots: int
    """Macro variables in scope at once, at most."""
    run: Evaluation


def build(root: Node) -> Program:
    body, cost, slots = closure(root), size_of(root), _macro_depth(root)

    def run(names: Mapping[str, Any], *, now: datetime | None = None, limits: Limits = DEFAULT_LIMITS) -> Any:
        state = Run(names, now, limits, [None] * slots)
        try:
            state.spend(cost)
            value = body(state)
            return value if value is True or value is False else to_json(value, limits, root.position)
        except LimitReached as limit:
            raise failure(str(limit)) from None

    return Program(body, cost, slots, run)


def _macro_depth(root: Node) -> int:
    deepest, pending = 0, [(root, 0)]
    while pending:
        node, depth = pending.pop()
        depth += isinstance(node, Macro)
        deepest = max(deepest, depth)
        pending.extend((child, depth) for child in children(node))
    return deepest
