"""Closures for the JSONata a compiled machine is full of: paths, literals, comparisons, `and`/`or`, constructors.

`build` answers None for an expression outside that subset; a closure raises `NotQuickError` when the data need
JSONata's sequence rules (a path through an array, say). Either way jsonata-python evaluates it instead.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from jsonata import Jsonata


class _Undefined:
    def __repr__(self) -> str:
        return "undefined"

    def __bool__(self) -> bool:
        return False


UNDEFINED: Any = _Undefined()
"""JSONata's `undefined`, which null (None) is not."""

Closure = Callable[[Mapping[str, Any]], Any]

_EXACT: Final = 2**53
_FUNCTION_NAMES: Final = frozenset(Jsonata.static_frame.bindings)  # a bare `$sum` is a function, not undefined
_EXTRAS = ("predicate", "stages", "group", "focus", "index", "ancestor", "tuple", "keep_array", "consarray")


class NotQuickError(Exception):
    """The data need the full evaluator."""


def build(symbol: Any) -> Closure | None:
    """A closure with the expression's meaning, or None."""
    maker = _MAKERS.get(symbol.type)
    if maker is None or _has_extras(symbol):
        return None
    return maker(symbol)


def _has_extras(symbol: Any) -> bool:
    return any(getattr(symbol, extra, None) for extra in _EXTRAS) or bool(
        getattr(symbol, "keep_singleton_array", False)
    )


def _literal(symbol: Any) -> Closure | None:
    value = symbol.value
    if isinstance(value, float):
        value = int(value) if value.is_integer() and abs(value) <= _EXACT else value
    return lambda variables: value


def _variable(symbol: Any) -> Closure | None:
    name = str(symbol.value)
    if name in _FUNCTION_NAMES:
        return None
    return lambda variables: variables.get(name, UNDEFINED)


def _path(symbol: Any) -> Closure | None:
    """`$variable.name.name`, each step perhaps with one constant index."""
    first, *rest = symbol.steps
    if first.type != "variable" or _has_extras(first):
        return None
    name = str(first.value)
    if name in _FUNCTION_NAMES:
        return None
    steps: list[str | int] = []
    for step in rest:
        if step.type != "name":
            return None
        stages = getattr(step, "stages", None) or []
        if len(stages) > 1 or any(getattr(step, extra, None) for extra in _EXTRAS if extra != "stages"):
            return None
        steps.append(str(step.value))
        if stages:
            index = getattr(stages[0].expr, "value", None)
            if stages[0].type != "filter" or stages[0].expr.type != "number" or not isinstance(index, int) or index < 0:
                return None
            steps.append(index)
    return _walk(name, tuple(steps))


def _walk(name: str, steps: tuple[str | int, ...]) -> Closure:
    last = len(steps) - 1

    def closure(variables: Mapping[str, Any]) -> Any:
        value = variables.get(name, UNDEFINED)
        for position, step in enumerate(steps):
            if type(step) is int:
                value = _indexed(value, step, is_last=position == last)
            elif isinstance(value, dict):
                value = value.get(step, UNDEFINED)
            elif isinstance(value, list):
                raise NotQuickError
            else:
                return UNDEFINED
            if value is UNDEFINED:
                return UNDEFINED
        return value

    return closure


def _indexed(value: Any, index: int, *, is_last: bool) -> Any:
    if not isinstance(value, list):
        raise NotQuickError
    if index >= len(value):
        return UNDEFINED
    item = value[index]
    if isinstance(item, list) or (item is None and not is_last):
        raise NotQuickError
    return item


def _binary(symbol: Any) -> Closure | None:
    maker = _OPERATORS.get(str(symbol.value))
    left, right = build(symbol.lhs), build(symbol.rhs)
    if maker is None or left is None or right is None:
        return None
    return maker(left, right)


def _equal(left: Closure, right: Closure) -> Closure:
    return lambda variables: _compare(left(variables), right(variables), equal=True)


def _unequal(left: Closure, right: Closure) -> Closure:
    return lambda variables: _compare(left(variables), right(variables), equal=False)


def _compare(left: Any, right: Any, *, equal: bool) -> bool:
    """Whether two values are equal (or not). Undefined is neither equal to anything nor different from it."""
    if left is UNDEFINED or right is UNDEFINED:
        return False
    if isinstance(left, dict | list) or isinstance(right, dict | list):
        raise NotQuickError
    same = isinstance(left, bool) == isinstance(right, bool) and left == right
    return same is equal


def _less(left: Closure, right: Closure, test: Callable[[Any, Any], bool]) -> Closure:
    def closure(variables: Mapping[str, Any]) -> Any:
        a, b = left(variables), right(variables)
        if _is_number(a) and _is_number(b):
            return test(a, b)
        raise NotQuickError

    return closure


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _both(left: Closure, right: Closure) -> Closure:
    return lambda variables: _truth(left(variables)) and _truth(right(variables))


def _either(left: Closure, right: Closure) -> Closure:
    return lambda variables: _truth(left(variables)) or _truth(right(variables))


def _truth(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if value is UNDEFINED or value is None:
        return False
    raise NotQuickError


_OPERATORS: dict[str, Callable[[Closure, Closure], Closure]] = {
    "=": _equal,
    "!=": _unequal,
    "and": _both,
    "or": _either,
    "<": lambda a, b: _less(a, b, lambda x, y: bool(x < y)),
    "<=": lambda a, b: _less(a, b, lambda x, y: bool(x <= y)),
    ">": lambda a, b: _less(a, b, lambda x, y: bool(x > y)),
    ">=": lambda a, b: _less(a, b, lambda x, y: bool(x >= y)),
}


def _condition(symbol: Any) -> Closure | None:
    test, then = build(symbol.condition), build(symbol.then)
    other: Closure | None = (lambda variables: UNDEFINED) if symbol._else is None else build(symbol._else)
    if test is None or then is None or other is None:
        return None
    return lambda variables: then(variables) if _truth(test(variables)) else other(variables)


def _unary(symbol: Any) -> Closure | None:
    value = str(symbol.value)
    if value == "[":
        return _array(symbol)
    if value == "{":
        return _object(symbol)
    return None


def _array(symbol: Any) -> Closure | None:
    """`[a, b]`. An item that is an array itself would be flattened by JSONata, so it is left to it."""
    makers = [build(item) for item in symbol.expressions]
    items = [maker for maker in makers if maker is not None]
    if len(items) < len(makers):
        return None

    def closure(variables: Mapping[str, Any]) -> Any:
        values = [item(variables) for item in items]
        if any(isinstance(value, list) for value in values):
            raise NotQuickError
        return [value for value in values if value is not UNDEFINED]

    return closure


def _object(symbol: Any) -> Closure | None:
    """`{'key': value}` with constant keys; undefined values are left out."""
    entries: list[tuple[str, Closure]] = []
    for key, value in symbol.lhs_object:
        maker = build(value)
        if key.type != "string" or maker is None:
            return None
        entries.append((str(key.value), maker))
    if len({key for key, _ in entries}) < len(entries):
        return None

    def closure(variables: Mapping[str, Any]) -> Any:
        values = ((key, maker(variables)) for key, maker in entries)
        return {key: value for key, value in values if value is not UNDEFINED}

    return closure


def _call(symbol: Any) -> Closure | None:
    """`$exists(x)`, `$not(x)` and `$count(x)`, unless a variable of the machine hides the function."""
    name = str(getattr(symbol.procedure, "value", ""))
    maker = _FUNCTIONS.get(name)
    if symbol.procedure.type != "variable" or maker is None or len(symbol.arguments) != 1:
        return None
    argument = build(symbol.arguments[0])
    if argument is None:
        return None

    def closure(variables: Mapping[str, Any]) -> Any:
        if name in variables:
            raise NotQuickError
        return maker(argument(variables))

    return closure


def _negated(value: Any) -> Any:
    return UNDEFINED if value is UNDEFINED else not _truth(value)


def _count(value: Any) -> Any:
    if not isinstance(value, list):
        raise NotQuickError
    return len(value)


_FUNCTIONS: dict[str, Callable[[Any], Any]] = {
    "exists": lambda value: value is not UNDEFINED,
    "not": _negated,
    "count": _count,
}

_MAKERS: dict[str, Callable[[Any], Closure | None]] = {
    "string": _literal,
    "number": _literal,
    "value": _literal,
    "variable": _variable,
    "path": _path,
    "binary": _binary,
    "condition": _condition,
    "unary": _unary,
    "function": _call,
}
