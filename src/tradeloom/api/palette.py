"""Node types as the API shows them: the catalogue's words in the API's models."""

from tradeloom.api.models.nodes import NodeSchema, NodeType
from tradeloom.nodes.catalogue import describe, palette


def all_types() -> list[NodeType]:
    """Every node type, by name."""
    return [NodeType.model_validate(card) for card in palette()]


def schema_of(name: str) -> NodeSchema:
    """A type with its schemas. Raises `NotFound`, which names the nearest type there is."""
    return NodeSchema.model_validate(describe(name))
