"""Small builders for workflow documents in tests."""

from typing import Any


def node(node_id: str, node_type: str = "trigger.manual", /, **parts: Any) -> dict[str, Any]:
    """A node as JSON; keyword arguments that are fields of a node are its fields, `config` its configuration."""
    return {"id": node_id, "type": node_type, **parts}


def wire(*ways: str) -> list[dict[str, str]]:
    """`wire("a > b", "b.true > c")` as connections."""
    made = []
    for way in ways:
        source, target = (end.strip() for end in way.split(">"))
        source, _, port = source.partition(".")
        made.append({"source": source, "source_port": port or "main", "target": target, "target_port": "main"})
    return made


def document(nodes: list[dict[str, Any]], *ways: str, **parts: Any) -> dict[str, Any]:
    return {"name": "Test", "nodes": nodes, "connections": wire(*ways), **parts}
