"""What a condition tells about the paths in it: `x != null && x < 30` may compare, `has(a.b) ? a.b : 0` may read.

Using the left side's facts on the right of `&&` and `||` is sound although those absorb errors: if the left side fails,
its error is the one reported, whatever the right side does.
"""

from dataclasses import dataclass

from tradeloom.expressions.syntax import Binary, Has, Name, Node, Null, Select, Unary, chain

Path = tuple[str, ...]


def path_of(node: Node) -> Path | None:
    """The node as a path from a name, if it is one."""
    base, fields = chain(node)
    return (base.name, *fields) if isinstance(base, Name) else None


@dataclass(frozen=True, slots=True)
class Facts:
    not_null: frozenset[Path] = frozenset()
    present: frozenset[Path] = frozenset()

    def also(self, other: "Facts") -> "Facts":
        return Facts(self.not_null | other.not_null, self.present | other.present)

    def without(self, name: str) -> "Facts":
        """The facts that still hold where a macro variable takes the name over."""
        return Facts(
            frozenset(path for path in self.not_null if path[0] != name),
            frozenset(path for path in self.present if path[0] != name),
        )


NOTHING = Facts()


def facts_when(node: Node, outcome: bool) -> Facts:
    """What is known where the condition came out so."""
    match node:
        case Unary(operator="!", operand=operand):
            return facts_when(operand, not outcome)
        case Binary(operator="&&", left=left, right=right) if outcome:
            return facts_when(left, True).also(facts_when(right, True))
        case Binary(operator="||", left=left, right=right) if not outcome:
            return facts_when(left, False).also(facts_when(right, False))
        case Binary(operator="!=" | "==" as operator, left=left, right=right) if outcome == (operator == "!="):
            return _not_null(left, right).also(_not_null(right, left))
        case Has(operand=operand, field=field) if outcome:
            path = path_of(Select(operand, field))
            # The whole way is there, not only its end.
            return Facts(present=frozenset(path[:end] for end in range(2, len(path) + 1))) if path else NOTHING
        case _:
            return NOTHING


def _not_null(tested: Node, other: Node) -> Facts:
    path = path_of(tested)
    return Facts(not_null=frozenset({path})) if path and isinstance(other, Null) else NOTHING
