"""Every function of the language, by name."""

from tradeloom.expressions.library import lists, numbers, text, time
from tradeloom.expressions.library.function import Function, Overload

FUNCTIONS: dict[str, Function] = {
    function.name: function
    for module in (numbers, lists, text, time)
    for function in module.FUNCTIONS
}  # fmt: skip

__all__ = ["FUNCTIONS", "Function", "Overload"]
