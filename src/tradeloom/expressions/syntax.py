"""The syntax tree of an expression: plain frozen data, one class per construct.

`position` is the offset of the construct's telling character in the source (an operator, a field's first letter)
and takes no part in equality, so two spellings of one expression have equal trees.

Literals hold no negative numbers: `-1` is a `Unary`.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

MACROS = {"all": (2,), "exists": (2,), "exists_one": (2,), "map": (2, 3), "filter": (2,)}
"""List macros and how many arguments each takes, the variable included."""


@dataclass(frozen=True, slots=True)
class Node:
    position: int = field(default=0, compare=False, kw_only=True)


@dataclass(frozen=True, slots=True)
class Number(Node):
    value: float


@dataclass(frozen=True, slots=True)
class Text(Node):
    value: str


@dataclass(frozen=True, slots=True)
class Boolean(Node):
    value: bool


@dataclass(frozen=True, slots=True)
class Null(Node):
    pass


@dataclass(frozen=True, slots=True)
class Name(Node):
    name: str


@dataclass(frozen=True, slots=True)
class Select(Node):
    """`operand.field`"""

    operand: Node
    field: str


@dataclass(frozen=True, slots=True)
class Index(Node):
    """`operand[index]`"""

    operand: Node
    index: Node


@dataclass(frozen=True, slots=True)
class ListLiteral(Node):
    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class MapLiteral(Node):
    entries: tuple[tuple[Node, Node], ...]


@dataclass(frozen=True, slots=True)
class Unary(Node):
    """`!operand` or `-operand`"""

    operator: str
    operand: Node


@dataclass(frozen=True, slots=True)
class Binary(Node):
    operator: str
    left: Node
    right: Node


@dataclass(frozen=True, slots=True)
class Conditional(Node):
    """`condition ? then : otherwise`"""

    condition: Node
    then: Node
    otherwise: Node


@dataclass(frozen=True, slots=True)
class Call(Node):
    """`function(arguments)`, or `target.function(arguments)` when there is a target."""

    function: str
    arguments: tuple[Node, ...]
    target: Node | None = None


@dataclass(frozen=True, slots=True)
class Has(Node):
    """`has(operand.field)`"""

    operand: Node
    field: str


@dataclass(frozen=True, slots=True)
class Macro(Node):
    """`target.macro(variable, arguments…)`; the arguments are evaluated once per element."""

    macro: str
    target: Node
    variable: str
    arguments: tuple[Node, ...]


def children(node: Node) -> tuple[Node, ...]:
    """The node's direct parts, in source order."""
    match node:
        case Select(operand=operand) | Has(operand=operand) | Unary(operand=operand):
            return (operand,)
        case Index(operand=operand, index=index):
            return (operand, index)
        case ListLiteral(items=items):
            return items
        case MapLiteral(entries=entries):
            return tuple(part for entry in entries for part in entry)
        case Binary(left=left, right=right):
            return (left, right)
        case Conditional(condition=condition, then=then, otherwise=otherwise):
            return (condition, then, otherwise)
        case Call(target=target, arguments=arguments):
            return arguments if target is None else (target, *arguments)
        case Macro(target=target, arguments=arguments):
            return (target, *arguments)
        case _:
            return ()


def walk(root: Node) -> Iterator[tuple[Node, int]]:
    """Every node with its depth (the root's is 1), without recursion."""
    pending = [(root, 1)]
    while pending:
        node, depth = pending.pop()
        yield node, depth
        pending.extend((child, depth + 1) for child in children(node))


def chain(node: Node) -> tuple[Node, tuple[str, ...]]:
    """`a.b["c"].d` as its innermost operand and the fields taken from it: `(Name("a"), ("b", "c", "d"))`."""
    fields: list[str] = []
    while True:
        match node:
            case Select(operand=operand, field=name) | Index(operand=operand, index=Text(value=name)):
                fields.append(name)
                node = operand
            case _:
                return node, tuple(reversed(fields))
