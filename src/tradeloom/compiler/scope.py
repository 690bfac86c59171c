"""The names an expression in a node's configuration may use, with their types."""

from collections.abc import Mapping
from functools import cache

from tradeloom.expressions import DYN, NUMBER, STRING, ObjectType, Type, type_from_json_schema, union
from tradeloom.nodes.base import ERROR_PORT, Kind
from tradeloom.nodes.base import Node as NodeType
from tradeloom.workflow.document import Connection, Node
from tradeloom.workflow.graph import ITEM_PORT, Graph

FAILURE = ObjectType({"error": ObjectType({"name": STRING, "message": STRING, "node": STRING})})


@cache
def output_type(node_type: type[NodeType]) -> Type:
    return type_from_json_schema(node_type.Output.model_json_schema(mode="serialization"))


def names_for(node: Node, graph: Graph, types: Mapping[str, type[NodeType]], join: str) -> dict[str, Type]:
    """`{name: type}` for a node's expressions. A name that is missing cannot be used there.

    `input` is missing where several connections are always live together, and where nothing is connected.
    """
    around = graph.loops_around(node.id)
    ancestors = {other: _node_type(graph.nodes[other], types) for other in graph.ancestors(node.id) - set(around)}
    names: dict[str, Type] = {"nodes": ObjectType(ancestors)}
    incoming = graph.incoming[node.id]
    sources = {c.source: _connection_type(c, node, graph, types) for c in incoming if c.source not in around}
    names["inputs"] = ObjectType(sources)
    if incoming and not (join == "all" and len(incoming) > 1):
        names["input"] = union([_connection_type(c, node, graph, types) for c in incoming])
    triggers = [n.id for n in graph.document.nodes if types[n.id].kind is Kind.TRIGGER and not n.disabled]
    if types[node.id].kind is not Kind.TRIGGER:
        names["trigger"] = union([output_type(types[trigger]) for trigger in sorted(triggers)]) if triggers else DYN
    if around:
        names["item"] = _item_type(graph.nodes[around[-1]])
        names["index"] = NUMBER
    return names


def _node_type(node: Node, types: Mapping[str, type[NodeType]]) -> Type:
    """A routed failure leaves `error` where the output would be, so that it can be asked for by `has()`."""
    made = output_type(types[node.id])
    if node.on_error != "route" or not isinstance(made, ObjectType):
        return made
    return ObjectType({**made.fields, **FAILURE.fields}, optional=made.optional | set(FAILURE.fields))


def _connection_type(connection: Connection, node: Node, graph: Graph, types: Mapping[str, type[NodeType]]) -> Type:
    source = graph.nodes[connection.source]
    if connection.source_port == ITEM_PORT and node.parent == source.id:
        return ObjectType({"item": _item_type(source), "index": NUMBER})
    if connection.source_port == ERROR_PORT:
        return FAILURE
    return output_type(types[source.id])


def _item_type(loop: Node) -> Type:
    return NUMBER if loop.config.get("over", "list") == "count" else DYN
