"""Expressions against the output schemas of the nodes they name."""

from collections.abc import Mapping

from tradeloom.compiler.scope import names_for
from tradeloom.errors import ExpressionError
from tradeloom.expressions import DYN, Type, assignable, check_all, parse, type_from_json_schema, union
from tradeloom.nodes.base import Node as NodeType
from tradeloom.nodes.references import (
    FieldExpression,
    config_schema,
    expressions_in,
    required_inputs,
)
from tradeloom.workflow.document import Node
from tradeloom.workflow.graph import Graph
from tradeloom.workflow.problems import Problem


def expression_problems(graph: Graph, types: Mapping[str, type[NodeType]]) -> list[Problem]:
    """Every expression problem of the graph's nodes, and every required input that nothing gives."""
    problems: list[Problem] = []
    for node in graph.document.nodes:
        names = names_for(node, graph, types, node.join or types[node.id].default_join)
        found, broken = expressions_in(types[node.id], node.config)
        problems += [_invalid(node, each.leaf.field, each.error) for each in broken]
        for each in found:
            problems += _check(node, types[node.id], each, names)
        for field in required_inputs(types[node.id], node.config):
            problems += _check_input(node, types[node.id], field, names, graph)
    return problems


def _check(node: Node, node_type: type[NodeType], found: FieldExpression, names: Mapping[str, Type]) -> list[Problem]:
    own = found.leaf.own_names
    scope = dict(names) | (dict.fromkeys(own, DYN) if own is not None else {})
    made, wrong = check_all(found.expression, scope)
    problems = [_invalid(node, found.leaf.field, error) for error in wrong]
    if wrong or not found.whole or own is not None:
        return problems
    wanted = _wanted(found.leaf.schemas, node_type)
    if not assignable(made, wanted):
        message = f"This expression gives {made}, but the field takes {wanted}."
        problems.append(Problem(code="invalid_expression", node=node.id, field=found.leaf.field, message=message))
    return problems


def _check_input(
    node: Node, node_type: type[NodeType], field: str, names: Mapping[str, Type], graph: Graph
) -> list[Problem]:
    """A required input left unset takes `input.<field>`: there must be one, and of the right type."""
    info = node_type.Config.model_fields[field]
    title = info.title or field
    if "input" not in names:
        several = len(graph.incoming[node.id]) > 1
        code = "ambiguous_input" if several else "missing_input"
        why = "several inputs are live together, so it cannot be taken from one" if several else "nothing is connected"
        message = f"{title} of {node.label!r} is not set, and {why}."
        hint = f"Set it to an expression such as `= nodes.<node>.{field}`."
        return [Problem(code=code, node=node.id, field=f"config.{field}", message=message, hint=hint)]
    made, wrong = check_all(parse(f"input.{field}"), names)
    wanted = _wanted((config_schema(node_type)["properties"][field],), node_type)
    if not wrong and assignable(made, wanted):
        return []
    message = f"{title} of {node.label!r} is not set, and what is connected gives no {field!r}."
    hint = f"Connect a node that gives it, or set it to an expression such as `= nodes.<node>.{field}`."
    return [Problem(code="missing_input", node=node.id, field=f"config.{field}", message=message, hint=hint)]


def _wanted(schemas: tuple[Mapping[str, object], ...], node_type: type[NodeType]) -> Type:
    definitions = config_schema(node_type).get("$defs", {})
    members = [type_from_json_schema({**schema, "$defs": definitions}) for schema in schemas]
    return union(members) if members else DYN


def _invalid(node: Node, field: str, error: ExpressionError) -> Problem:
    where = f" (at character {error.position + 1})" if error.position is not None else ""
    return Problem(
        code="invalid_expression", node=node.id, field=field, message=f"{error.message}{where}", hint=error.hint
    )
