"""What a function is: its types for the checker, its code for the evaluator, its help for the console."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tradeloom.expressions.types import Type


@dataclass(frozen=True, slots=True)
class Overload:
    """Parameter types (a method's value first) and result type; `variadic` repeats the last parameter."""

    parameters: tuple[Type, ...]
    result: Type
    variadic: bool = False

    def takes(self, count: int) -> bool:
        return count >= len(self.parameters) if self.variadic else count == len(self.parameters)

    def parameter(self, index: int) -> Type:
        return self.parameters[min(index, len(self.parameters) - 1)]


@dataclass(frozen=True, slots=True)
class Function:
    """`evaluate(run, *arguments)` checks its arguments' kinds itself and pays for work that grows with them.

    `plain` functions are called as `f(x)`, `method` ones as `x.f()`; a function may be both.
    """

    name: str
    help: str
    overloads: tuple[Overload, ...]
    evaluate: Callable[..., Any]
    method: bool = False
    plain: bool = True

    def takes(self, count: int) -> bool:
        return any(overload.takes(count) for overload in self.overloads)

    def arity(self, *, method: bool) -> str:
        """How many arguments it takes, in words; a method's value is not counted."""
        counts = sorted({len(overload.parameters) - method for overload in self.overloads})
        words = " or ".join(str(count) for count in counts)
        if any(overload.variadic for overload in self.overloads):
            return f"{counts[0]} or more arguments"
        return f"{words} argument{'' if counts == [1] else 's'}"
