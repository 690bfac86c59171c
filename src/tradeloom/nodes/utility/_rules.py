"""The rules of a transform. Each changes a working copy of the object; none touches what it was given."""

import copy
import json
import math
from abc import abstractmethod
from collections.abc import Callable, Sequence
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from tradeloom.errors import ExpressionError, MissingInput, NodeConfigError, NotANumber
from tradeloom.expressions import expression_source, is_expression
from tradeloom.nodes.base import NodeContext, setting
from tradeloom.nodes.utility._paths import DottedPath, get, put, remove, stands
from tradeloom.nodes.values import number, shown

MAX_LIST = 10_000
ELEMENT_NAMES = ("element", "position")

Function = Literal["sum", "avg", "min", "max", "count", "first", "last"]


def element_setting(*, help: str, examples: Sequence[str]) -> Any:
    """An expression kept as text: it is evaluated for each element of a list, which it calls `element`."""
    made = setting(title="Expression", help=help, widget="expression", static=True, examples=examples, min_length=1)
    made.json_schema_extra["names"] = list(ELEMENT_NAMES)
    return made


def path_setting(title: str, help: str, default: Any = ..., **options: Any) -> Any:
    return setting(default, title=title, help=help, widget="text", **options)


def op_setting() -> Any:
    return setting(title="Rule", help="What this rule does.", widget="select", static=True)


class Rule(BaseModel):
    # Not a NodeConfig: a discriminated union allows no validator before its discriminator.
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    @abstractmethod
    def apply(self, target: dict[str, Any], context: NodeContext) -> None:
        """Change `target`. Errors say what and where; the transform adds which rule it was."""


class SetRule(Rule):
    """Put a value at a path, over what was there; objects on the way are made."""

    op: Literal["set"] = op_setting()
    path: DottedPath = path_setting("Path", "Where to put it, such as order.side.")
    value: Any = setting(title="Value", help="A value or an expression.", widget="expression")

    def apply(self, target: dict[str, Any], context: NodeContext) -> None:
        put(target, self.path, copy.deepcopy(self.value))


class RenameRule(Rule):
    """Move what stands at a path to another one, where nothing may stand yet."""

    op: Literal["rename"] = op_setting()
    path: DottedPath = path_setting("Path", "What to rename.")
    to: DottedPath = path_setting("New path", "Where it goes.")

    def apply(self, target: dict[str, Any], context: NodeContext) -> None:
        value = get(target, self.path)
        if self.to == self.path:
            return
        remove(target, self.path)
        if stands(target, self.to):
            raise NodeConfigError(f"there already is `{self.to}`; drop it first")
        put(target, self.to, value)


class PickRule(Rule):
    """Keep only these paths."""

    op: Literal["pick"] = op_setting()
    paths: list[DottedPath] = setting(
        title="Paths", help="What to keep; each must be there.", widget="text", min_length=1, max_length=200
    )

    def apply(self, target: dict[str, Any], context: NodeContext) -> None:
        kept: dict[str, Any] = {}
        for path in self.paths:
            _refuse_lists(target, path)
            put(kept, path, get(target, path))
        target.clear()
        target.update(kept)


class DropRule(Rule):
    """Take these paths away. One that is not there is no error: gone is gone."""

    op: Literal["drop"] = op_setting()
    paths: list[DottedPath] = setting(
        title="Paths", help="What to take away.", widget="text", min_length=1, max_length=200
    )

    def apply(self, target: dict[str, Any], context: NodeContext) -> None:
        for path in self.paths:
            remove(target, path)


class MapRule(Rule):
    """Replace each element of a list by what an expression gives for it."""

    op: Literal["map"] = op_setting()
    path: DottedPath = path_setting("List", "The path of the list.")
    expression: str = element_setting(
        help="What each element becomes; `element` is the element, `position` counts from 0.",
        examples=["element.profit / element.volume"],
    )
    to: DottedPath | None = path_setting("Into", "Where the new list goes; left unset, in place of the old.", None)

    def apply(self, target: dict[str, Any], context: NodeContext) -> None:
        made = [value for _, value in _each(self.expression, list_at(target, self.path), context)]
        put(target, self.to or self.path, made)


class FilterRule(Rule):
    """Keep the elements of a list for which an expression is true."""

    op: Literal["filter"] = op_setting()
    path: DottedPath = path_setting("List", "The path of the list.")
    expression: str = element_setting(
        help="True for the elements to keep; `element` is the element, `position` counts from 0.",
        examples=['element.side == "buy" && element.profit > 0'],
    )
    to: DottedPath | None = path_setting("Into", "Where the kept ones go; left unset, in place of the list.", None)

    def apply(self, target: dict[str, Any], context: NodeContext) -> None:
        kept = []
        for position, (element, verdict) in enumerate(_each(self.expression, list_at(target, self.path), context)):
            if not isinstance(verdict, bool):
                raise ExpressionError(f"element {position} gives {shown(verdict)}, not true or false")
            if verdict:
                kept.append(copy.deepcopy(element))
        put(target, self.to or self.path, kept)


class AggregateRule(Rule):
    """One value out of a list, or one a group."""

    op: Literal["aggregate"] = op_setting()
    path: DottedPath = path_setting("List", "The path of the list.")
    function: Function = setting(
        title="Function", help="What to make of the values; avg is the arithmetic mean.", widget="select"
    )
    field: DottedPath | None = path_setting(
        "Field", "The path inside each element; left unset, the elements themselves.", None, examples=["profit"]
    )
    group_by: DottedPath | None = path_setting(
        "Group by",
        "The path inside each element that says its group; the result is then an object with a value a group.",
        None,
        examples=["symbol"],
    )
    to: DottedPath = path_setting("Into", "Where the result goes.", examples=["total_profit"])

    def apply(self, target: dict[str, Any], context: NodeContext) -> None:
        values = [
            (_group(element, self.group_by, position), _part(element, self.field, position))
            for position, element in enumerate(list_at(target, self.path))
        ]
        if self.group_by is None:
            put(target, self.to, self._result([value for _, value in values]))
            return
        groups: dict[str, list[Any]] = {}
        for group, value in values:
            groups.setdefault(group, []).append(value)
        put(target, self.to, {group: self._result(members) for group, members in groups.items()})

    def _result(self, values: list[Any]) -> Any:
        if self.function == "count":
            return len(values)
        if not values and self.function != "sum":
            raise MissingInput(f"`{self.path}` is empty, so it has no {self.function}")
        if self.function in {"first", "last"}:
            return copy.deepcopy(values[0 if self.function == "first" else -1])
        numbers = [number(value, self._name(position)) for position, value in enumerate(values)]
        return _finite(_FUNCTIONS[self.function](numbers), self.function)

    def _name(self, position: int) -> str:
        return f"{self.path}.{position}" + (f".{self.field}" if self.field else "")


AnyRule = Annotated[
    SetRule | RenameRule | PickRule | DropRule | MapRule | FilterRule | AggregateRule, Field(discriminator="op")
]


def list_at(target: dict[str, Any], path: str) -> list[Any]:
    value = get(target, path)
    if not isinstance(value, list):
        raise NodeConfigError(f"`{path}` is {shown(value)}, not a list")
    if len(value) > MAX_LIST:
        raise NodeConfigError(f"`{path}` has {len(value):,} items; at most {MAX_LIST:,} are worked on")
    return value


def _each(text: str, elements: list[Any], context: NodeContext) -> list[tuple[Any, Any]]:
    """Each element with what the expression gives for it."""
    source = expression_source(text) if is_expression(text) else text
    made = []
    for position, element in enumerate(elements):
        try:
            value = context.evaluate(source, element=element, position=position)
        except ExpressionError as error:
            raise ExpressionError(
                f"element {position}: {error.message}", position=error.position, hint=error.hint
            ) from error
        made.append((element, copy.deepcopy(value)))
    return made


def _refuse_lists(target: dict[str, Any], path: str) -> None:
    """What is picked out of a list has no place to go: the list itself is not kept."""
    steps = path.split(".")
    for length in range(1, len(steps)):
        way = ".".join(steps[:length])
        if isinstance(get(target, way), list):
            raise NodeConfigError(f"`{path}` leads into a list; pick `{way}`, or use map")


def _part(element: Any, path: str | None, position: int) -> Any:
    if path is None:
        return element
    try:
        return get(element, path)
    except (MissingInput, NodeConfigError) as error:
        raise type(error)(f"element {position}: {error.message}") from error


def _group(element: Any, path: str | None, position: int) -> str:
    if path is None:
        return ""
    value = _part(element, path, position)
    if value is None or isinstance(value, dict | list):
        raise MissingInput(f"element {position} has no plain value at `{path}` to group by")
    return value if isinstance(value, str) else json.dumps(value)


def _sum(numbers: list[float]) -> float:
    try:
        return math.fsum(numbers)
    except OverflowError:
        return math.inf


def _mean(numbers: list[float]) -> float:
    return _sum(numbers) / len(numbers)


def _finite(value: float, function: str) -> float:
    if not math.isfinite(value):
        raise NotANumber(f"the {function} is too large a number")
    return value


_FUNCTIONS: dict[str, Callable[[list[float]], float]] = {"sum": _sum, "avg": _mean, "min": min, "max": max}
