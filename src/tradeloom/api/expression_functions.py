"""The functions of the expression language, as an editor offers them."""

from functools import cache

from tradeloom.api.models.previews import ExpressionFunction
from tradeloom.expressions import FUNCTIONS, MACROS

_MACRO_HELP = {
    "all": "Whether the condition holds for every element: list.all(x, x > 0).",
    "exists": "Whether the condition holds for some element: list.exists(x, x > 0).",
    "exists_one": "Whether the condition holds for exactly one element.",
    "map": "What the expression gives for each element: list.map(x, x * 2).",
    "filter": "The elements for which the condition holds: list.filter(x, x > 0).",
}


@cache
def all_functions() -> list[ExpressionFunction]:
    """Every function, by name; the list macros last."""
    told = [
        ExpressionFunction(
            name=function.name,
            signature=f"{function.name}({', '.join(str(each) for each in function.overloads[0].parameters)})",
            help=function.help,
            kind="function" if function.plain else "method",
        )
        for function in sorted(FUNCTIONS.values(), key=lambda each: each.name)
    ]
    macros = [
        ExpressionFunction(name=name, signature=f"list.{name}(x, …)", help=_MACRO_HELP[name], kind="macro")
        for name in sorted(MACROS)
    ]
    return [*told, *macros]
