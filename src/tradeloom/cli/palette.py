"""`tradeloom nodes`."""

import json
from typing import Any

from rich.markdown import Markdown
from rich.text import Text

from tradeloom.cli.output import out, plain_table, say_json
from tradeloom.nodes.catalogue import describe, palette


def show_nodes(node_type: str | None, *, as_json: bool) -> None:
    """The list of types, or all about one. Raises `NotFound`."""
    if node_type is None:
        cards = palette()
        if as_json:
            say_json(cards)
            return
        table = plain_table("type", "what it does", "tier")
        category = None
        for card in cards:
            if category not in (None, card["category"]):
                table.add_section()
            category = card["category"]
            table.add_row(Text(card["type"], "cyan"), card["description"], Text(card["tier"], "dim"))
        out.print(table)
        return
    told = describe(node_type)
    if as_json:
        say_json(told)
        return
    out.print(Text.assemble((told["title"], "bold"), "  ", (told["type"], "cyan"), "  ", (told["tier"], "dim")))
    out.print(Markdown(told["help"]))
    _fields("Configuration", told["config_schema"], with_defaults=True)
    _fields("Output", told["output_schema"], with_defaults=False)
    out.print(Text.assemble("\nPorts   ", ", ".join(port["name"] for port in told["ports"])))
    if told["errors"]:
        names = [f"{error['name']}{' (retried)' if error['retryable'] else ''}" for error in told["errors"]]
        out.print(Text.assemble("Errors  ", ", ".join(names)))
    example = told["example"]
    out.print(Text.assemble("\nExample  ", (example["title"], "italic")))
    out.print(Text(json.dumps(example["config"], indent=2, ensure_ascii=False), "dim"))


def _fields(title: str, schema: dict[str, Any], *, with_defaults: bool) -> None:
    properties = schema.get("properties", {})
    if not properties:
        return
    required = set(schema.get("required", ()))
    columns = ("field", "kind", "default", "what it is") if with_defaults else ("field", "kind", "what it is")
    table = plain_table(*columns)
    for name, field in properties.items():
        row = [Text(name, "cyan"), Text(_kind(field, schema.get("$defs", {})), "dim")]
        if with_defaults:
            row.append(Text("required" if name in required else _shown(field.get("default"))))
        table.add_row(*row, Text(str(field.get("description", ""))))
    out.print(f"\n[bold]{title}[/]")
    out.print(table)


def _kind(field: dict[str, Any], definitions: dict[str, Any]) -> str:
    if "enum" in field:
        return " | ".join(str(value) for value in field["enum"])
    if "const" in field:
        return str(field["const"])
    if "anyOf" in field:
        return " | ".join(dict.fromkeys(_kind(part, definitions) for part in field["anyOf"]))
    if "$ref" in field:
        name = str(field["$ref"]).rpartition("/")[2]
        target = definitions.get(name, {})
        return _kind(target, definitions) if "enum" in target else name
    return str(field.get("type", "any"))


def _shown(value: Any) -> str:
    return "" if value is None else json.dumps(value, ensure_ascii=False)
