"""What the palette, the forms and the node reference know of a node type: its declarations as plain JSON."""

import copy
from collections.abc import Mapping
from difflib import get_close_matches
from functools import cache
from typing import Any

from tradeloom.errors import NotFound, TradeloomError
from tradeloom.nodes.base import ERROR_PORT, Node
from tradeloom.nodes.registry import node_types

JsonObject = dict[str, Any]


def palette() -> list[JsonObject]:
    """Every node type, sorted by type: what a palette shows, without schemas, help and examples."""
    return [_summary(node) for node in node_types().values()]


def describe(node_type: str) -> JsonObject:
    """Everything a node type declares.

    `config_schema` is JSON Schema whose objects carry `order` (their fields as a form shows them) and whose fields
    carry `widget` (`list` is a list of objects, each with a form of its own), and where they apply `unit`, `static`,
    `input`, `show_if`, `names` and `advanced`. `output_schema` is that of the output on any port but `error`. Raises
    `NotFound`.
    """
    known = node_types()
    if node_type not in known:
        close = get_close_matches(node_type, known, n=1)
        hint = f"Did you mean {close[0]}?" if close else None
        raise NotFound(f"There is no node type {node_type!r}.", hint=hint)
    return copy.deepcopy(_description(known[node_type]))


def _summary(node: type[Node]) -> JsonObject:
    return {
        "type": node.type,
        "version": node.version,
        "category": node.category(),
        "title": node.title,
        "description": node.description,
        "icon": node.icon,
        "tier": node.tier.value,
        "kind": node.kind.value,
        "effects": sorted(effect.value for effect in node.effects),
        "ports": [{"name": port.name, "title": port.title} for port in node.ports]
        + [{"name": ERROR_PORT, "title": "Error"}],
        "default_join": node.default_join,
    }


@cache
def _description(node: type[Node]) -> JsonObject:
    return _summary(node) | {
        "help": node.help,
        "timeout_s": node.timeout_s,
        "config_schema": _form_schema(node.Config.model_json_schema()),
        "output_schema": node.Output.model_json_schema(mode="serialization"),
        "errors": [_error(error) for error in node.errors],
        "example": {
            "title": node.example.title,
            "config": dict(node.example.config),
            "inputs": dict(node.example.inputs),
        },
    }


def _error(error: type[TradeloomError]) -> JsonObject:
    return {
        "name": error.__name__,
        "retryable": error.retryable,
        "description": (vars(error).get("__doc__") or "").strip(),
    }


def _form_schema(schema: JsonObject) -> JsonObject:
    """The schema with `order` on each object and a `widget` on each field, those of its definitions included."""
    for part in (schema, *schema.get("$defs", {}).values()):
        if "properties" in part:
            part["order"] = list(part["properties"])
            for field in part["properties"].values():
                field.setdefault("widget", _widget(field))
    return schema


def _widget(field: Mapping[str, Any]) -> str:
    """The plain widget of a field that asks for none."""
    alternatives = [part for part in field.get("anyOf", [field]) if part.get("type") != "null"]
    if len(alternatives) != 1:
        return "expression"
    only = alternatives[0]
    if "enum" in only or "const" in only:
        return "select"
    if only.get("type") == "array" and "items" in only and ("$ref" in only["items"] or "oneOf" in only["items"]):
        return "list"
    widgets = {"boolean": "toggle", "number": "number", "integer": "number", "string": "text", "object": "key-value"}
    return widgets.get(str(only.get("type")), "expression")
