"""Which names an expression refers to."""

from dataclasses import dataclass

from tradeloom.expressions.expression import Expression
from tradeloom.expressions.syntax import Has, Index, Macro, Name, Node, Select, chain, children

Path = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class References:
    """Paths as far as they are static: `nodes.rsi.value` is `("nodes", "rsi", "value")`, `nodes[x]` is `("nodes",)`.

    Method calls and macros end a path. Macro variables are no references.
    """

    read: frozenset[Path]
    """Those the expression takes the value of."""
    tested: frozenset[Path]
    """Those inside `has()`."""

    @property
    def all(self) -> frozenset[Path]:
        return self.read | self.tested

    @property
    def only_tested(self) -> frozenset[Path]:
        """Those that appear nowhere but inside `has()`."""
        return self.tested - self.read


def references_in(expression: Expression) -> References:
    """The references of the expression, apart by whether `has()` only asks for them."""
    read: set[Path] = set()
    tested: set[Path] = set()
    _collect(expression.root, frozenset(), read, tested)
    return References(frozenset(read), frozenset(tested))


def names_in(expression: Expression) -> set[Path]:
    """Every free reference of the expression, as paths; see `References`."""
    return set(references_in(expression).all)


def names_only_in_has(expression: Expression) -> set[Path]:
    """The references that appear nowhere but inside `has()`: those the expression can do without."""
    return set(references_in(expression).only_tested)


def _collect(node: Node, variables: frozenset[str], read: set[Path], tested: set[Path]) -> None:
    match node:
        case Name() | Select() | Index() | Has():
            is_test = isinstance(node, Has)
            base, fields = chain(Select(node.operand, node.field) if isinstance(node, Has) else node)
            if not isinstance(base, Name):
                # A value computed on the spot, or a place computed at run time: look into its parts.
                inner = children(base) if isinstance(base, Index) else (base,)
                for part in inner:
                    _collect(part, variables, read, tested)
            elif base.name not in variables:
                (tested if is_test else read).add((base.name, *fields))
        case Macro(target=target, variable=variable, arguments=arguments):
            _collect(target, variables, read, tested)
            for argument in arguments:
                _collect(argument, variables | {variable}, read, tested)
        case _:
            for child in children(node):
                _collect(child, variables, read, tested)
