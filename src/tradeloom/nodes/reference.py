"""The node reference: a page of Markdown for each node type, made of its declarations alone.

`python -m tradeloom.nodes.reference DIRECTORY` writes all of them (`make reference`); a test fails when what is
committed is not what would be written.
"""

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from tradeloom.nodes.base import ERROR_PORT
from tradeloom.nodes.catalogue import describe, palette

JsonObject = Mapping[str, Any]

CATEGORIES = {
    "trigger": "Triggers",
    "market": "Market data",
    "indicator": "Indicators",
    "condition": "Conditions",
    "order": "Orders",
    "risk": "Risk",
    "database": "Database",
    "notify": "Notifications",
    "utility": "Utilities",
    "ml": "Machine learning",
}

EFFECTS = {
    "reads_market": "reads prices from the broker",
    "reads_state": "reads the state of accounts or what was remembered",
    "trades": "sends orders",
    "writes": "writes",
    "network": "reaches the internet",
    "starts": "starts workflows",
}

TIERS = {"basic": "Free", "pro": "Pro"}


def pages() -> dict[str, str]:
    """`{path: Markdown}`, paths relative to the reference's folder."""
    made = {"README.md": _index()}
    for entry in palette():
        made[f"{_path(entry['type'])}.md"] = page(entry["type"])
    return made


def page(node_type: str) -> str:
    """One node's page."""
    told = describe(node_type)
    parts = [
        f"# {told['title']}",
        f"`{told['type']}` · {CATEGORIES[told['category']]} · {TIERS[told['tier']]}",
        told["description"],
        told["help"],
        "## Settings",
        _settings(told["config_schema"]),
        "## Output",
        _ports(told),
        _outputs(told["output_schema"]),
        "## Errors",
        _errors(told["errors"]),
        "## How it runs",
        _running(told),
        f"## Example: {told['example']['title']}",
        _example(told["type"], told["example"]),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _path(node_type: str) -> str:
    return node_type.replace(".", "/")


def _index() -> str:
    entries = palette()
    lines = [
        "# Node reference",
        "",
        f"{len(entries)} node types. These pages are made from the nodes' own declarations (`make reference`); "
        "`tradeloom nodes TYPE` shows the same in a terminal.",
    ]
    for category, title in CATEGORIES.items():
        rows = [entry for entry in entries if entry["category"] == category]
        if rows:
            table = [
                (
                    f"[{each['title']}]({_path(each['type'])}.md)",
                    _code(each["type"]),
                    each["description"],
                    TIERS[each["tier"]],
                )
                for each in rows
            ]
            lines += ["", f"## {title}", "", _table(("node", "type", "what it does", "tier"), table)]
    return "\n".join(lines) + "\n"


def _settings(schema: JsonObject) -> str:
    definitions = schema.get("$defs", {})
    if not schema.get("properties"):
        return "There is nothing to set."
    parts = [_fields_table(schema, definitions)]
    for name in _named_objects(schema, definitions):
        parts += [f"### {_words(name)}", str(definitions[name].get("description", ""))]
        parts.append(_fields_table(definitions[name], definitions))
    return "\n\n".join(part for part in parts if part)


def _fields_table(schema: JsonObject, definitions: JsonObject) -> str:
    required = set(schema.get("required", ()))
    rows = []
    for name, field in schema["properties"].items():
        told = [str(field.get("description", ""))]
        if field.get("input"):
            told.append(f"Left unset, it takes `{name}` from what is connected.")
        if field.get("show_if"):
            told.append(f"Used where {_condition(field['show_if'])}.")
        if field.get("static"):
            told.append("Takes no expression.")
        default = "required" if name in required else _value(field.get("default"))
        rows.append((_code(name), _kind(field, definitions), default, " ".join(told)))
    return _table(("setting", "kind", "default", "what it is"), rows)


def _named_objects(schema: JsonObject, definitions: JsonObject) -> list[str]:
    """Definitions with fields of their own that the schema refers to, in order of appearance."""
    found: list[str] = []
    waiting: list[Any] = [schema.get("properties", {})]
    while waiting:
        for name in _references(waiting.pop(0)):
            if name not in found and definitions.get(name, {}).get("properties"):
                found.append(name)
                waiting.append(definitions[name])
    return found


def _references(part: Any) -> Iterator[str]:
    if isinstance(part, Mapping):
        if isinstance(part.get("$ref"), str):
            yield part["$ref"].rpartition("/")[2]
        for value in part.values():
            yield from _references(value)
    elif isinstance(part, list):
        for value in part:
            yield from _references(value)


def _ports(told: JsonObject) -> str:
    leaving = [port for port in told["ports"] if port["name"] != ERROR_PORT]
    named = ", ".join(f"`{port['name']}` ({port['title']})" for port in leaving)
    word = "Port" if len(leaving) == 1 else "Ports"
    return f"{word}: {named}; `{ERROR_PORT}` where its errors are routed."


def _outputs(schema: JsonObject) -> str:
    definitions = schema.get("$defs", {})
    rows = [
        (_code(name), _kind(field, definitions), str(field.get("description", "")))
        for name, field in schema["properties"].items()
    ]
    parts = [_table(("field", "kind", "what it is"), rows)]
    for name in _named_objects(schema, definitions):
        inner = [
            (_code(field), _kind(declared, definitions), str(declared.get("description", "")))
            for field, declared in definitions[name]["properties"].items()
        ]
        parts += [f"### {_words(name)}", _table(("field", "kind", "what it is"), inner)]
    return "\n\n".join(parts)


def _errors(errors: Sequence[JsonObject]) -> str:
    if not errors:
        return "It raises no error of its own; a setting whose expression cannot be evaluated fails it all the same."
    rows = [
        (_code(error["name"]), "yes" if error["retryable"] else "no", " ".join(str(error["description"]).split()))
        for error in errors
    ]
    return _table(("error", "tried again", "when"), rows)


def _running(told: JsonObject) -> str:
    does = ", ".join(EFFECTS[effect] for effect in told["effects"]) or "computes, and touches nothing"
    joins = {"any": "once all inputs have settled and one is live", "all": "when every input is live"}
    join = joins.get(told["default_join"], "once all inputs have settled, live or not")
    return f"It {does}. It runs {join}, for at most {told['timeout_s']} s."


def _example(node_type: str, example: JsonObject) -> str:
    parts = ["```json\n" + _json({"type": node_type, "config": example["config"]}) + "\n```"]
    for source, output in example["inputs"].items():
        parts += [f"behind `{source}`, which gives", "```json\n" + _json(output) + "\n```"]
    return "\n\n".join(parts)


# -- words ----------------------------------------------------------------------------------------------------------


def _kind(field: JsonObject, definitions: JsonObject) -> str:
    """A field's kind in words, with its unit and bounds."""
    told = _bare_kind(field, definitions)
    unit = field.get("unit")
    return f"{told}, {unit}" if unit else told


def _bare_kind(field: JsonObject, definitions: JsonObject) -> str:
    if "const" in field:
        return _code(field["const"])
    if "enum" in field:
        return " ".join(_code(value) for value in field["enum"])
    if "$ref" in field:
        name = str(field["$ref"]).rpartition("/")[2]
        target = definitions.get(name, {})
        return _words(name).lower() if target.get("properties") else _bare_kind(target, definitions)
    alternatives = field.get("anyOf") or field.get("oneOf") or field.get("allOf")
    if alternatives:
        kinds = [_bare_kind(part, definitions) for part in alternatives if part.get("type") != "null"]
        return " or ".join(dict.fromkeys(kinds)) or "anything"
    match field.get("type"):
        case "array":
            return f"list of {_bare_kind(field.get('items', {}), definitions)}" + _length(field, "entries")
        case "integer":
            return "whole number" + _range(field)
        case "number":
            return "number" + _range(field)
        case "boolean":
            return "yes or no"
        case "string":
            return {"date-time": "time"}.get(str(field.get("format")), "text") + _length(field, "characters")
        case "object":
            return "object"
        case _:
            return "anything"


def _range(field: JsonObject) -> str:
    low, high = field.get("minimum"), field.get("maximum")
    above, below = field.get("exclusiveMinimum"), field.get("exclusiveMaximum")
    told = []
    if low is not None and high is not None:
        told.append(f"{_number(low)} to {_number(high)}")
    elif low is not None:
        told.append(f"at least {_number(low)}")
    elif high is not None:
        told.append(f"at most {_number(high)}")
    if above is not None:
        told.append(f"above {_number(above)}")
    if below is not None:
        told.append(f"below {_number(below)}")
    return f" ({', '.join(told)})" if told else ""


def _length(field: JsonObject, what: str) -> str:
    most = field.get("maxLength", field.get("maxItems"))
    return f" (at most {most:,} {what})" if most is not None else ""


def _number(value: float) -> str:
    return f"{value:,}" if abs(value) < 1e9 else f"{value:.3g}"


def _condition(shown_if: JsonObject) -> str:
    told = [f"`{name}` is {' or '.join(_code(value) for value in values)}" for name, values in shown_if.items()]
    return " and ".join(told)


def _value(value: Any) -> str:
    return "" if value is None else _code(value)


def _code(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return f"`{text}`" if text else '`""`'


def _words(name: str) -> str:
    """`PickRule` → `Pick rule`."""
    return "".join(f" {letter.lower()}" if letter.isupper() else letter for letter in name).strip().capitalize()


def _json(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    lines += ["| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in row) + " |" for row in rows]
    return "\n".join(lines)


def write(folder: Path) -> list[str]:
    """Write every page and take away those of node types that are gone; the paths that changed."""
    wanted = pages()
    known = {path.relative_to(folder).as_posix(): path.read_text("utf-8") for path in folder.rglob("*.md")}
    for path in known.keys() - wanted.keys():
        (folder / path).unlink()
    for path, text in wanted.items():
        if known.get(path) != text:
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(text, "utf-8")
    return sorted(path for path in known.keys() | wanted.keys() if known.get(path) != wanted.get(path))


if __name__ == "__main__":
    print(*write(Path(sys.argv[1])), sep="\n")
