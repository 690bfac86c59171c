"""Node types as the API shows them."""

from difflib import get_close_matches
from typing import Any

from tradeloom.api.models import NodeExample, NodePort, NodeSchema, NodeType
from tradeloom.errors import NotFound
from tradeloom.nodes.base import Node
from tradeloom.nodes.references import config_schema
from tradeloom.nodes.registry import node_types


def all_types() -> list[NodeType]:
    """Every node type, by name."""
    return [NodeType(**_card(node)) for node in node_types().values()]


def schema_of(name: str) -> NodeSchema:
    """A type with its schemas. Raises `NotFound`, which names the nearest type there is."""
    node = node_types().get(name)
    if node is None:
        close = get_close_matches(name, node_types(), n=1)
        hint = f"Did you mean {close[0]}?" if close else None
        raise NotFound(f"There is no node type {name[:80]!r}.", field="type", hint=hint)
    example = node.example
    return NodeSchema(
        **_card(node),
        config_schema=dict(config_schema(node)),
        output_schema=node.Output.model_json_schema(mode="serialization"),
        default_join=node.default_join,
        example=NodeExample(title=example.title, config=dict(example.config), inputs=dict(example.inputs)),
    )


def _card(node: type[Node]) -> dict[str, Any]:
    return {
        "type": node.type,
        "version": node.version,
        "category": node.category(),
        "title": node.title,
        "description": node.description,
        "help": node.help,
        "icon": node.icon,
        "tier": node.tier.value,
        "kind": node.kind.value,
        "effects": sorted(effect.value for effect in node.effects),
        "ports": [NodePort(name=port.name, title=port.title) for port in node.ports],
        "errors": sorted(error.__name__ for error in node.errors),
        "timeout_s": node.timeout_s,
    }
