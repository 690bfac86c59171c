"""A node's configuration against its model, before its expressions have values."""

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from tradeloom.expressions import is_expression
from tradeloom.nodes.base import Node as NodeType
from tradeloom.nodes.references import leaves, required_inputs
from tradeloom.workflow.document import Node
from tradeloom.workflow.problems import Problem
from tradeloom.workflow.reading import sentence


def config_problems(node: Node, node_type: type[NodeType]) -> list[Problem]:
    """Fields that are missing, unknown or out of bounds; a field that holds an expression is judged when it runs."""
    open_paths = {
        leaf.path for leaf in leaves(node_type, node.config) if not leaf.static and _has_expression(leaf.value)
    }
    fixed = {
        leaf.path: leaf
        for leaf in leaves(node_type, node.config)
        if leaf.static and leaf.own_names is None and isinstance(leaf.value, str) and is_expression(leaf.value)
    }
    problems = []
    wired = set(required_inputs(node_type, node.config))
    try:
        node_type.Config.model_validate(_without_unset_inputs(node.config, wired))
    except ValidationError as error:
        for detail in error.errors(include_url=False):
            where = tuple(detail["loc"])
            if where and where[0] in wired:
                continue
            if detail["type"] != "extra_forbidden" and _concerns(where, open_paths):
                continue
            if where in fixed:
                message = f"{_title(node_type, where)} is fixed when the workflow is saved; it takes no expression."
                problems.append(Problem(code="static_field", node=node.id, field=fixed[where].field, message=message))
                continue
            code = "missing_config" if detail["type"] == "missing" else "invalid_config"
            field = ".".join(["config", *(str(part) for part in _plain(where, node.config))])
            message = f"{_title(node_type, where)}: {sentence(detail)}" if where else sentence(detail)
            problems.append(Problem(code=code, node=node.id, field=field, message=message))
    return problems


def _has_expression(value: Any) -> bool:
    return isinstance(value, str) and (is_expression(value) or "{{" in value)


def _without_unset_inputs(config: Mapping[str, Any], wired: set[str]) -> dict[str, Any]:
    return {key: value for key, value in config.items() if key not in wired}


def _concerns(where: tuple[int | str, ...], open_paths: set[tuple[str | int, ...]]) -> bool:
    """Whether an error is about a field whose value is not known yet, or about a group that holds one."""
    for path in open_paths:
        parts = [str(part) for part in path]
        told = [str(part) for part in where]
        if told[: len(parts)] == parts or parts[: len(told)] == told or _follows(parts, told):
            return True
    return False


def _follows(parts: list[str], told: list[str]) -> bool:
    """Whether `told` walks the same path with the names of alternatives (`float`, `Rule`) put in between."""
    position = 0
    for step in told:
        if position < len(parts) and step == parts[position]:
            position += 1
    return position == len(parts) or (position > 0 and len(told) <= position)


def _plain(where: tuple[int | str, ...], config: Any) -> list[int | str]:
    """The part of an error's location that exists in the document: alternatives' names are left out."""
    plain: list[int | str] = []
    value = config
    for step in where:
        inside = isinstance(value, Mapping) and isinstance(step, str) and (step in value or not plain)
        listed = isinstance(value, list) and isinstance(step, int) and step < len(value)
        if inside or listed:
            plain.append(step)
            value = value.get(step) if isinstance(value, Mapping) else value[int(step)]
        elif isinstance(value, Mapping) and step == where[-1]:
            plain.append(step)
    return plain


def _title(node_type: type[NodeType], where: tuple[int | str, ...]) -> str:
    info = node_type.Config.model_fields.get(str(where[0])) if where else None
    return (info.title if info is not None else None) or (str(where[0]) if where else "The configuration")
