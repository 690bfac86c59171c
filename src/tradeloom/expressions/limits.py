"""What one evaluation may use up."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tradeloom.expressions.failures import LimitReached


@dataclass(frozen=True, slots=True)
class Limits:
    """Allowances of one evaluation; the defaults keep any expression well under 100 ms.

    `fuel` counts steps: one per construct evaluated and per element visited, one per 8 characters of text built
    or searched. The others bound the result: its elements, its characters, and how deep values may nest.
    """

    fuel: int = 200_000
    result_items: int = 100_000
    result_characters: int = 1_000_000
    value_depth: int = 64


DEFAULT_LIMITS = Limits()

CHARACTERS_PER_STEP = 8


class Run:
    """One evaluation under way: what names mean, what `now()` is, how much fuel is left."""

    __slots__ = ("fuel", "limits", "names", "now", "variables")

    def __init__(self, names: Mapping[str, Any], now: datetime | None, limits: Limits, variables: list[Any]) -> None:
        self.names = names
        self.now = now
        self.limits = limits
        self.fuel = limits.fuel
        self.variables = variables
        """Values of the macro variables in scope, one per level of macro nesting."""

    def spend(self, steps: int) -> None:
        self.fuel -= steps
        if self.fuel < 0:
            raise out_of_fuel(self)

    def spend_text(self, characters: int) -> None:
        self.spend(1 + characters // CHARACTERS_PER_STEP)


def out_of_fuel(run: Run) -> LimitReached:
    return LimitReached(f"The expression takes more than {run.limits.fuel:,} steps.")
