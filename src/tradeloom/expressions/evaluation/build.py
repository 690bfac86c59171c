"""Syntax tree to nested closures. No source text is ever executed."""

from collections.abc import Callable
from typing import Any, cast

from tradeloom.errors import ExpressionError
from tradeloom.expressions.arithmetic import ARITHMETIC, Operation, negate
from tradeloom.expressions.evaluation import logic, loops, paths
from tradeloom.expressions.evaluation.paths import Closure
from tradeloom.expressions.failures import failure, located
from tradeloom.expressions.library import FUNCTIONS
from tradeloom.expressions.limits import Run
from tradeloom.expressions.syntax import (
    Binary,
    Boolean,
    Call,
    Conditional,
    Has,
    Index,
    ListLiteral,
    Macro,
    MapLiteral,
    Name,
    Node,
    Null,
    Number,
    Select,
    Text,
    Unary,
    chain,
    walk,
)
from tradeloom.expressions.values import ORDERINGS, a_kind, contains, equal, ordered

Variables = tuple[str, ...]
"""The macro variables in scope, outermost first. Their place is their slot in `Run.variables`."""


def size_of(node: Node) -> int:
    """How many constructs the tree has: what evaluating it costs at most, its macros' repetitions aside."""
    return sum(1 for _ in walk(node))


def closure(node: Node, variables: Variables = ()) -> Closure:
    """The function that evaluates the node."""
    return _BUILDERS[type(node)](node, variables)


def _constant(node: Node, variables: Variables) -> Closure:
    value = None if isinstance(node, Null) else cast("Number | Text | Boolean", node).value
    return lambda run: value


def _slot(name: str, variables: Variables) -> int | None:
    """The slot of the innermost variable of that name, or None if there is none."""
    return max((slot for slot, variable in enumerate(variables) if variable == name), default=None)


def _name(node: Name, variables: Variables) -> Closure:
    slot = _slot(node.name, variables)
    if slot is None:
        return paths.read_name(node.name, node.position, (), ())
    return lambda run: run.variables[slot]


def _select(node: Select | Index, variables: Variables) -> Closure:
    base, fields = chain(node)
    positions = _chain_positions(node)
    if isinstance(base, Name) and _slot(base.name, variables) is None:
        return paths.read_name(base.name, base.position, fields, positions)
    return paths.read_fields(closure(base, variables), fields, positions)


def _chain_positions(node: Node) -> tuple[int, ...]:
    positions: list[int] = []
    while isinstance(node, Select) or (isinstance(node, Index) and isinstance(node.index, Text)):
        positions.append(node.position)
        node = node.operand
    return tuple(reversed(positions))


def _index(node: Index, variables: Variables) -> Closure:
    if isinstance(node.index, Text):
        return _select(node, variables)
    return paths.index(closure(node.operand, variables), closure(node.index, variables), node.position)


def _has(node: Has, variables: Variables) -> Closure:
    base, fields = chain(Select(node.operand, node.field))
    root = base.name if isinstance(base, Name) and _slot(base.name, variables) is None else None
    return paths.has(root, closure(base, variables), fields, node.position)


def _list(node: ListLiteral, variables: Variables) -> Closure:
    items = [closure(item, variables) for item in node.items]
    return lambda run: [item(run) for item in items]


def _map(node: MapLiteral, variables: Variables) -> Closure:
    entries = [(closure(key, variables), closure(value, variables), key.position) for key, value in node.entries]

    def evaluate(run: Run) -> dict[str, Any]:
        built: dict[str, Any] = {}
        for read_key, read_value, position in entries:
            key = read_key(run)
            if type(key) is not str:
                raise failure(f"The keys of a map are strings, not {a_kind(key)}.", position)
            if key in built:
                raise failure("The map has the same key twice.", position)
            built[key] = read_value(run)
        return built

    return evaluate


def _unary(node: Unary, variables: Variables) -> Closure:
    operand, position = closure(node.operand, variables), node.position
    if node.operator == "!":
        return logic.negation(operand, position)

    def evaluate(run: Run) -> float:
        value = operand(run)
        try:
            return negate(value)
        except ExpressionError as error:
            raise located(error, position) from None

    return evaluate


def _binary(node: Binary, variables: Variables) -> Closure:
    symbol, position = node.operator, node.position
    left, right = closure(node.left, variables), closure(node.right, variables)
    match symbol:
        case "&&":
            return logic.decided_by(False, left, right, symbol, position)
        case "||":
            return logic.decided_by(True, left, right, symbol, position)
        case "<" | "<=" | ">" | ">=":
            return _ordering(symbol, left, right, position)
        case "==":
            return _operation(equal, left, right, position)
        case "!=":
            return _operation(lambda run, a, b: not equal(run, a, b), left, right, position)
        case "in":
            return _operation(contains, left, right, position)
        case _:
            return _operation(ARITHMETIC[symbol], left, right, position)


def _ordering(symbol: str, left: Closure, right: Closure, position: int) -> Closure:
    compare = ORDERINGS[symbol]

    def evaluate(run: Run) -> bool:
        a, b = left(run), right(run)
        if type(a) is float and type(b) is float:
            return compare(a, b)
        try:
            return ordered(run, symbol, a, b)
        except ExpressionError as error:
            raise located(error, position) from None

    return evaluate


def _operation(operation: Operation, left: Closure, right: Closure, position: int) -> Closure:
    def evaluate(run: Run) -> Any:
        a, b = left(run), right(run)
        try:
            return operation(run, a, b)
        except ExpressionError as error:
            raise located(error, position) from None

    return evaluate


def _conditional(node: Conditional, variables: Variables) -> Closure:
    condition, then, otherwise = (closure(part, variables) for part in (node.condition, node.then, node.otherwise))
    return logic.conditional(condition, then, otherwise, node.position)


def _call(node: Call, variables: Variables) -> Closure:
    function, position = FUNCTIONS[node.function].evaluate, node.position
    given = node.arguments if node.target is None else (node.target, *node.arguments)
    arguments = [closure(argument, variables) for argument in given]

    def evaluate(run: Run) -> Any:
        values = [argument(run) for argument in arguments]
        try:
            return function(run, *values)
        except ExpressionError as error:
            raise located(error, position) from None

    return evaluate


def _macro(node: Macro, variables: Variables) -> Closure:
    inner = (*variables, node.variable)
    arguments = [closure(argument, inner) for argument in node.arguments]
    cost = 1 + sum(size_of(argument) for argument in node.arguments)
    name, position = node.macro, node.position
    each = loops.elements(closure(node.target, variables), name, len(variables), cost, position)
    match name:
        case "all":
            return loops.decided_by(False, each, arguments[0], name, position)
        case "exists":
            return loops.decided_by(True, each, arguments[0], name, position)
        case "exists_one":
            return loops.exists_one(each, arguments[0], position)
        case "filter":
            return loops.filtered(each, arguments[0], position)
        case _ if len(arguments) == 1:
            return loops.mapped(each, arguments[0])
        case _:
            return loops.mapped_where(each, arguments[0], arguments[1], position)


_BUILDERS: dict[type[Node], Callable[[Any, Variables], Closure]] = {
    Number: _constant,
    Text: _constant,
    Boolean: _constant,
    Null: _constant,
    Name: _name,
    Select: _select,
    Index: _index,
    Has: _has,
    ListLiteral: _list,
    MapLiteral: _map,
    Unary: _unary,
    Binary: _binary,
    Conditional: _conditional,
    Call: _call,
    Macro: _macro,
}
