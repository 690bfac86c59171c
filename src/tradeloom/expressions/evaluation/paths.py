"""Closures that reach into values: names, fields, indexes, `has`."""

from collections.abc import Callable, Mapping
from typing import Any

from tradeloom.errors import ExpressionError
from tradeloom.expressions.failures import failure, located, quoted
from tradeloom.expressions.limits import Run
from tradeloom.expressions.values import a_kind, admit, entry, kind_of, number_text

Closure = Callable[[Run], Any]


def read_name(root: str, root_position: int, fields: tuple[str, ...], positions: tuple[int, ...]) -> Closure:
    """`root.field.field`, the root being one of the run's names."""
    last = positions[-1] if positions else root_position

    def read(run: Run) -> Any:
        try:
            value = run.names[root]
        except KeyError:
            raise failure(f"There is no {quoted(root)} here.", root_position) from None
        try:
            for field in fields:
                if type(value) is not dict and not isinstance(value, Mapping):
                    raise _no_fields(value, fields, positions, run.names[root])
                value = value[field]
        except KeyError:
            raise _missing_field(run.names[root], fields, positions) from None
        # NaN and the infinities are the doubles whose difference with themselves is not 0.
        if type(value) is float and value - value == 0.0:
            return value
        try:
            return admit(value)
        except ExpressionError as error:
            raise located(error, last) from None

    return read


def read_fields(operand: Closure, fields: tuple[str, ...], positions: tuple[int, ...]) -> Closure:
    """`operand.field.field`"""

    def read(run: Run) -> Any:
        base = value = operand(run)
        try:
            for field in fields:
                if type(value) is not dict and not isinstance(value, Mapping):
                    raise _no_fields(value, fields, positions, base)
                value = value[field]
        except KeyError:
            raise _missing_field(base, fields, positions) from None
        try:
            return admit(value)
        except ExpressionError as error:
            raise located(error, positions[-1]) from None

    return read


def _steps_taken(base: Any, fields: tuple[str, ...]) -> int:
    """How many of the fields can be read before one cannot."""
    for taken, field in enumerate(fields):
        if not isinstance(base, Mapping):
            return taken
        try:
            base = base[field]
        except KeyError:
            return taken
    return len(fields) - 1


def _missing_field(base: Any, fields: tuple[str, ...], positions: tuple[int, ...]) -> ExpressionError:
    taken = _steps_taken(base, fields)
    hint = "Test for it with has(…) where it may be missing."
    return failure(f"There is no field {quoted(fields[taken])}.", positions[taken], hint)


def _no_fields(value: Any, fields: tuple[str, ...], positions: tuple[int, ...], base: Any) -> ExpressionError:
    taken = _steps_taken(base, fields)
    return failure(f"There is no field {quoted(fields[taken])} in {_described(value)}.", positions[taken])


def has(root: str | None, operand: Closure, fields: tuple[str, ...], position: int) -> Closure:
    """Whether the whole path is there. `root` is the name it starts from, or None if it starts from a value.

    A mapping that says a key is not in it answers no without being read: that is how a node that did not run looks.
    """
    *leading, last = fields

    def mapping(value: Any) -> Any:
        if type(value) is dict or isinstance(value, Mapping):
            return value
        raise failure(f"has looks for a field, and {_described(value)} has none.", position)

    def test(run: Run) -> bool:
        if root is not None and root not in run.names:
            return False
        value = operand(run)
        for field in leading:
            if field not in mapping(value):
                return False
            value = entry(value, field)
        return last in mapping(value)

    return test


def _described(value: Any) -> str:
    try:
        return a_kind(value)
    except ExpressionError:
        return f"a value of type {type(value).__name__}"


def index(operand: Closure, at: Closure, position: int) -> Closure:
    """`operand[at]`: an element of a list by its place from 0, or the value of a map's key."""

    def read(run: Run) -> Any:
        container, key = operand(run), at(run)
        try:
            return admit(_element(container, key) if type(container) is list else _entry(container, key))
        except ExpressionError as error:
            raise located(error, position) from None

    return read


def _element(items: list[Any], key: Any) -> Any:
    if kind_of(key) != "number":
        raise failure(f"The place in a list is a number, not {a_kind(key)}.")
    if key != int(key):
        raise failure("The place in a list is a whole number.")
    if not 0 <= key < len(items):
        hint = "The last element is list[size(list) - 1]." if key < 0 else None
        raise failure(f"The list has {len(items)} elements; there is none at {number_text(key)}.", hint=hint)
    return items[int(key)]


def _entry(container: Any, key: Any) -> Any:
    if kind_of(container) != "map":
        raise failure(f"Only lists and maps have elements, not {a_kind(container)}.")
    if type(key) is not str:
        raise failure(f"The key of a map is a string, not {a_kind(key)}.")
    return entry(container, key)
