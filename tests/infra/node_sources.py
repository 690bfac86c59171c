"""What a node type's source uses, read without running it: lazy imports, and what it takes of its context."""

import ast
import importlib.util
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tradeloom.nodes.base import Node

REACHING = {
    "broker",
    "bars",
    "keep_bars",
    "notify",
    "before_acting",
    "http",
    "mail",
    "credential",
    "variables",
    "models",
    "database",
    "sub_workflows",
}
"""What of the context reaches something outside."""


@dataclass
class Used:
    """Top-level packages imported anywhere, and what of the context reaches something."""

    imports: set[str] = field(default_factory=set)
    reached: set[str] = field(default_factory=set)


def used_by(node: type[Node]) -> Used:
    """Of the node's module and of the helpers (`_name.py`) it imports, theirs included."""
    used, waiting, seen = Used(), [node.__module__], set[str]()
    while waiting:
        module = waiting.pop()
        if module in seen:
            continue
        seen.add(module)
        for statement in _runtime(ast.parse(_source(module))):
            match statement:
                case ast.Import(names=names):
                    used.imports |= {name.name.partition(".")[0] for name in names}
                case ast.ImportFrom(module=str(imported)):
                    used.imports.add(imported.partition(".")[0])
                    if imported.startswith("tradeloom.nodes.") and imported.rpartition(".")[2].startswith("_"):
                        waiting.append(imported)
                case ast.Attribute(value=ast.Name(id="context"), attr=name):
                    used.reached |= {name} & REACHING
    return used


def _source(module: str) -> str:
    spec = importlib.util.find_spec(module)
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).read_text()


def _runtime(tree: ast.AST) -> Iterator[ast.AST]:
    """Every node of a tree but those for type checkers only."""
    for child in ast.iter_child_nodes(tree):
        if isinstance(child, ast.If) and isinstance(child.test, ast.Name) and child.test.id == "TYPE_CHECKING":
            continue
        yield child
        yield from _runtime(child)
