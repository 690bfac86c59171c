"""Every node type there is, found by walking the category folders."""

import importlib
import pkgutil
from collections.abc import Iterable, Mapping
from functools import cache
from types import MappingProxyType

import tradeloom.nodes as package
from tradeloom.nodes.base import Node


@cache
def node_types() -> Mapping[str, type[Node]]:
    """`{type name: class}`, sorted by name.

    A module whose name starts with `_` holds no node type; one whose type is a word of Python ends in `_` (`if_.py`).
    """
    found: dict[str, type[Node]] = {}
    for category in pkgutil.iter_modules(package.__path__):
        if not category.ispkg:
            continue
        folder = importlib.import_module(f"{package.__name__}.{category.name}")
        for entry in pkgutil.iter_modules(folder.__path__):
            if entry.name.startswith("_"):
                continue
            module = importlib.import_module(f"{folder.__name__}.{entry.name}")
            node = _only_node(module.__name__, vars(module).values())
            if node.type != f"{category.name}.{entry.name.rstrip('_')}":
                raise ImportError(f"{module.__name__} declares type {node.type!r}")
            found[node.type] = node
    return MappingProxyType(dict(sorted(found.items())))


def _only_node(module: str, values: Iterable[object]) -> type[Node]:
    nodes = [
        value for value in values if isinstance(value, type) and issubclass(value, Node) and value.__module__ == module
    ]
    if len(nodes) != 1:
        raise ImportError(f"{module} must hold exactly one node type, not {len(nodes)}")
    return nodes[0]
