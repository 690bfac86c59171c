"""From JSON of any shape to a document, or to the list of what keeps it from being one.

Every node and connection is read by itself, so one bad node does not hide what is wrong with the others.
"""

import json
import math
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from tradeloom.expressions import KEYWORDS
from tradeloom.workflow.document import (
    MAX_CONFIG_BYTES,
    MAX_CONNECTIONS,
    MAX_DOCUMENT_BYTES,
    MAX_NODES,
    Connection,
    Node,
    Workflow,
)
from tradeloom.workflow.problems import Problem

MAX_CONFIG_DEPTH = 16
_MOST_BITS = 14_000
"""A whole number with more is over the 4,300 digits that Python writes out."""


@dataclass
class Reading:
    """What could be read. `document` holds the parts that are sound; it is None where nothing could be made of it."""

    document: Workflow | None = None
    problems: list[Problem] = field(default_factory=list)
    broken_nodes: set[str] = field(default_factory=set)
    """Ids of nodes that are there but could not be read: connections to them are not dangling."""


def read_text(text: str | bytes) -> Reading:
    """Read a document from JSON text."""
    if len(text) > MAX_DOCUMENT_BYTES:
        return _unreadable("too_large", f"The document is larger than {MAX_DOCUMENT_BYTES // 1024} KiB.")
    try:
        value = json.loads(text, parse_constant=_refuse_constant)
    except RecursionError:
        return _unreadable("too_deep", "The document is nested too deeply.")
    except ValueError as error:
        return _unreadable("invalid_json", f"The document is not JSON: {error}.")
    return read(value)


def read(value: Any) -> Reading:
    """Read a document from parsed JSON."""
    if not isinstance(value, dict):
        return _unreadable("invalid_document", f"A workflow document is a JSON object, not {_kind(value)}.")
    size_problem = _size_problem(value)
    if size_problem is not None:
        return Reading(problems=[size_problem])
    reading = Reading()
    nodes = _read_nodes(value.get("nodes", []), reading)
    connections = _read_connections(value.get("connections", []), reading)
    head = {key: part for key, part in value.items() if key not in {"nodes", "connections"}}
    shell = _read_part(Workflow, head, reading, node=None, prefix="")
    if shell is None:
        named = Workflow(name="unnamed")
        reading.document = named.model_copy(update={"nodes": nodes, "connections": connections})
    else:
        reading.document = shell.model_copy(update={"nodes": nodes, "connections": connections})
    return reading


def _read_nodes(value: Any, reading: Reading) -> list[Node]:
    if not isinstance(value, list):
        reading.problems.append(_shape("nodes", f"nodes is a list, not {_kind(value)}."))
        return []
    if len(value) > MAX_NODES:
        reading.problems.append(
            Problem(code="too_many_nodes", field="nodes", message=f"{len(value)} nodes; at most {MAX_NODES} fit.")
        )
        value = value[:MAX_NODES]
    nodes: list[Node] = []
    for position, raw in enumerate(value):
        field_name = f"nodes.{position}"
        if not isinstance(raw, dict):
            reading.problems.append(_shape(field_name, f"A node is a JSON object, not {_kind(raw)}."))
            continue
        named = raw.get("id") if isinstance(raw.get("id"), str) and raw.get("id") else None
        node = _read_part(Node, raw, reading, node=named, prefix="" if named else field_name)
        if node is None:
            if named:
                reading.broken_nodes.add(named)
            continue
        nodes.append(node)
        reading.problems.extend(_node_problems(node))
    return _without_doubles(nodes, reading)


def _node_problems(node: Node) -> list[Problem]:
    problems = []
    if node.id in KEYWORDS:
        message = f"The id {node.id!r} is a word of the expression language; choose another."
        problems.append(Problem(code="reserved_id", node=node.id, field="id", message=message))
    size = len(json.dumps(node.config).encode())
    if size > MAX_CONFIG_BYTES:
        message = f"The configuration of {node.label!r} takes {size} bytes; at most {MAX_CONFIG_BYTES} fit."
        problems.append(Problem(code="config_too_large", node=node.id, field="config", message=message))
    return problems


def _without_doubles(nodes: list[Node], reading: Reading) -> list[Node]:
    counted = Counter(node.id for node in nodes)
    for node_id, count in counted.items():
        if count > 1:
            message = f"{count} nodes have the id {node_id!r}; ids are unique."
            reading.problems.append(Problem(code="duplicate_id", node=node_id, field="id", message=message))
    return list({node.id: node for node in reversed(nodes)}.values())[::-1]


def _read_connections(value: Any, reading: Reading) -> list[Connection]:
    if not isinstance(value, list):
        reading.problems.append(_shape("connections", f"connections is a list, not {_kind(value)}."))
        return []
    if len(value) > MAX_CONNECTIONS:
        message = f"{len(value)} connections; at most {MAX_CONNECTIONS} fit."
        reading.problems.append(Problem(code="too_many_connections", field="connections", message=message))
        value = value[:MAX_CONNECTIONS]
    found = []
    for position, raw in enumerate(value):
        connection = _read_part(Connection, raw, reading, node=None, prefix=f"connections.{position}")
        if connection is not None:
            found.append(connection)
    return found


def _read_part[Part: BaseModel](
    model: type[Part], raw: Any, reading: Reading, *, node: str | None, prefix: str
) -> Part | None:
    try:
        return model.model_validate(raw)
    except ValidationError as error:
        reading.problems.extend(_problem(detail, node, prefix) for detail in error.errors(include_url=False))
        return None


def _problem(detail: ErrorDetails, node: str | None, prefix: str) -> Problem:
    path = ".".join(str(part) for part in ([prefix] if prefix else []) + list(detail["loc"]))
    message = sentence(detail)
    code = {"missing": "missing_field", "extra_forbidden": "unknown_field"}.get(detail["type"], "invalid_field")
    if path == "id" and detail["type"] == "string_pattern_mismatch":
        code = "invalid_id"
        message = "An id is 1 to 24 of a-z, 0-9 and _, and starts with no digit."
    return Problem(code=code, node=node, field=path or None, message=message)


def sentence(detail: ErrorDetails) -> str:
    """Pydantic's words as a sentence."""
    message = detail["msg"].removeprefix("Value error, ").rstrip(".")
    if detail["type"] == "extra_forbidden":
        message = "There is no such field"
    elif detail["type"] == "missing":
        message = "This field is required"
    return message[:1].upper() + message[1:] + "."


def _size_problem(value: dict[str, Any]) -> Problem | None:
    """The document's own limits, checked before anything walks it."""
    deepest = 0
    waiting: list[tuple[Any, int]] = [(value, 0)]
    while waiting and deepest <= MAX_CONFIG_DEPTH:
        part, depth = waiting.pop()
        deepest = max(deepest, depth)
        if isinstance(part, dict):
            waiting.extend((inner, depth + 1) for inner in part.values())
        elif isinstance(part, list):
            waiting.extend((inner, depth + 1) for inner in part)
    if deepest > MAX_CONFIG_DEPTH:
        message = f"The document is nested deeper than {MAX_CONFIG_DEPTH} levels."
        return _problem_at(value, "too_deep", message, lambda path, part: len(path) > MAX_CONFIG_DEPTH)
    try:
        size = len(json.dumps(value, allow_nan=False, ensure_ascii=False).encode())
    except UnicodeEncodeError:
        message = "A text in the document holds half a character (a lone surrogate)."
        return _problem_at(value, "invalid_json", message, lambda path, part: _holds_half_a_character(part))
    except ValueError:
        message = "NaN, infinity and numbers of thousands of digits are no JSON."
        return _problem_at(value, "invalid_json", message, lambda path, part: _is_no_json_number(part))
    if size > MAX_DOCUMENT_BYTES:
        message = f"The document takes {size} bytes; at most {MAX_DOCUMENT_BYTES} fit."
        return Problem(code="too_large", message=message)
    return None


def _problem_at(
    value: dict[str, Any], code: str, message: str, wrong: Callable[[tuple[Any, ...], Any], bool]
) -> Problem:
    """A problem with the first part that is wrong: its field, and the node that bears it. A key counts as a part."""
    waiting: list[tuple[tuple[Any, ...], Any]] = [((), value)]
    path: tuple[Any, ...] = ()
    while waiting:
        path, part = waiting.pop()
        if wrong(path, part) or (isinstance(part, dict) and any(wrong((), key) for key in part)):
            break
        if isinstance(part, dict):
            waiting.extend(((*path, key), inner) for key, inner in part.items())
        elif isinstance(part, list):
            waiting.extend(((*path, position), inner) for position, inner in enumerate(part))
    node = None
    if len(path) > 1 and path[0] == "nodes" and isinstance(value["nodes"][path[1]], dict):
        node = value["nodes"][path[1]].get("id")
    if not isinstance(node, str):
        return Problem(code=code, field=".".join(map(str, path)) or "document", message=message)
    return Problem(code=code, node=node, field=".".join(map(str, path[2:])), message=message)


def _holds_half_a_character(value: Any) -> bool:
    return isinstance(value, str) and any("\ud800" <= letter <= "\udfff" for letter in value)


def _is_no_json_number(value: Any) -> bool:
    """Not finite, or with more digits than Python turns into text."""
    if isinstance(value, float):
        return not math.isfinite(value)
    return isinstance(value, int) and not isinstance(value, bool) and value.bit_length() > _MOST_BITS


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON number")


def _unreadable(code: str, message: str) -> Reading:
    return Reading(problems=[Problem(code=code, message=message)])


def _shape(field_name: str, message: str) -> Problem:
    return Problem(code="invalid_field", field=field_name, message=message)


def _kind(value: Any) -> str:
    names = {dict: "an object", list: "a list", str: "a text", bool: "true/false", type(None): "null"}
    return names.get(type(value), "a number")
