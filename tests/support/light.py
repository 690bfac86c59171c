"""Which node types are light: those whose function asks no broker for anything before it answers."""

from infra.access import Access, access_of
from tradeloom.nodes.base import Kind, Node
from tradeloom.nodes.registry import node_types


def is_light(node: type[Node]) -> bool:
    """From what the type declares. A trigger's function hands on the payload it was started with; it looks at the
    market only for a sample, in a run started by hand."""
    return node.kind is Kind.TRIGGER or Access.BRIDGE not in access_of(node)


def light_types() -> list[str]:
    return [name for name, node in node_types().items() if is_light(node)]
