"""Everything that can be wrong with a workflow, found in one pass over the document.

Shapes first, then the graph's structure, then what each node's type has to say about its ports, its configuration and
its expressions. A check that needs a sound part is left out where that part is not sound; every other check still runs.
"""

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

from tradeloom.compiler.config_check import config_problems
from tradeloom.compiler.expression_check import expression_problems
from tradeloom.compiler.pieces import TIMED_OUT, may_be_retried
from tradeloom.compiler.secret_check import secret_problems
from tradeloom.nodes.base import ERROR_PORT, Kind
from tradeloom.nodes.base import Node as NodeType
from tradeloom.nodes.registry import node_types
from tradeloom.workflow.document import Connection, Node, Workflow
from tradeloom.workflow.graph import Graph
from tradeloom.workflow.problems import Problem, errors
from tradeloom.workflow.reading import read, read_text
from tradeloom.workflow.structure import structural_problems


def validate(value: Any) -> tuple[Workflow | None, list[Problem]]:
    """The document (None while any error stands) and every problem. `value` is JSON text or parsed JSON."""
    reading = read_text(value) if isinstance(value, str | bytes) else read(value)
    problems = list(reading.problems)
    if reading.document is None:
        return None, problems
    problems += document_problems(reading.document, frozenset(reading.broken_nodes))
    return (None if errors(problems) else reading.document), problems


def document_problems(document: Workflow, broken: frozenset[str] = frozenset()) -> list[Problem]:
    """Every problem of a document whose shape is sound. `broken` nodes exist but could not be read."""
    broken -= {node.id for node in document.nodes}  # of two nodes with one id, the other may be sound
    structure = structural_problems(document, broken)
    known = node_types()
    types = {node.id: known[node.type] for node in document.nodes if node.type in known}
    problems = structure + [_unknown_type(node) for node in document.nodes if node.type not in known]
    problems += _trigger_problems(document, types, bool(broken))
    for position, connection in enumerate(document.connections):
        problems += _port_problems(position, connection, document, types)
    for node in document.nodes:
        if node.id in types:
            problems += _placement_problems(node, document, types)
            problems += config_problems(node, types[node.id])
        problems += secret_problems(node)
    graph = _sound_graph(document, types, structure)
    problems += _wiring_problems(graph, types)
    problems += _unreachable(graph, types, broken)
    problems += expression_problems(graph, types)
    return [_softened(problem, document) for problem in problems]


def _sound_graph(document: Workflow, types: Mapping[str, type[NodeType]], structure: list[Problem]) -> Graph:
    """The part of the document whose nodes have types and whose connections hold, without the circles."""
    kept = [node for node in document.nodes if node.id in types]
    ids = {node.id for node in kept}
    unsound_parents = {p.node for p in structure if p.code in {"unknown_parent", "parent_cycle", "loop_too_deep"}}
    kept = [
        node.model_copy(update={"parent": None}) if node.id in unsound_parents or node.parent not in ids else node
        for node in kept
    ]
    bad = {p.field for p in structure if p.field is not None}
    connections = [
        connection
        for position, connection in enumerate(document.connections)
        if connection.source in ids
        and connection.target in ids
        and not any(field == f"connections.{position}" for field in bad)
    ]
    return Graph(document.model_copy(update={"nodes": kept, "connections": connections}))


def _unknown_type(node: Node) -> Problem:
    close = get_close_matches(node.type, node_types(), n=1)
    hint = f"Did you mean {close[0]!r}?" if close else "`tradeloom nodes` lists the node types."
    message = f"There is no node type {node.type!r}."
    return Problem(code="unknown_type", node=node.id, field="type", message=message, hint=hint)


def _trigger_problems(document: Workflow, types: Mapping[str, type[NodeType]], broken: bool) -> list[Problem]:
    if not document.nodes and not broken:
        return [Problem(code="empty", field="nodes", message="The workflow has no nodes.")]
    if len(types) < len(document.nodes) or broken:
        return []
    triggers = [node for node in document.nodes if types[node.id].kind is Kind.TRIGGER]
    if not triggers:
        hint = "Add a trigger.manual or trigger.schedule node and connect it."
        return [Problem(code="no_trigger", field="nodes", message="Nothing starts this workflow.", hint=hint)]
    if all(node.disabled for node in triggers):
        message = "Every trigger of this workflow is disabled, so nothing starts it."
        return [Problem(code="no_trigger", node=triggers[0].id, field="disabled", message=message)]
    return []


def _port_problems(
    position: int, connection: Connection, document: Workflow, types: Mapping[str, type[NodeType]]
) -> list[Problem]:
    problems = []
    source = types.get(connection.source)
    if source is not None:
        ports = [port.name for port in source.ports] + [ERROR_PORT]
        if connection.source_port not in ports:
            label = document.node(connection.source).label
            message = f"{label!r} has no output {connection.source_port!r}; it has {', '.join(ports)}."
            where = f"connections.{position}.source_port"
            problems.append(Problem(code="unknown_port", node=connection.source, field=where, message=message))
        elif connection.source_port == ERROR_PORT and document.node(connection.source).on_error != "route":
            label = document.node(connection.source).label
            message = f"The error output of {label!r} is connected, but the node does not route its errors."
            problems.append(
                Problem(
                    code="error_not_routed",
                    node=connection.source,
                    field="on_error",
                    message=message,
                    hint="Set on_error to route, or remove the connection.",
                )
            )
    target = types.get(connection.target)
    if target is not None:
        where = f"connections.{position}.target_port"
        if target.kind is Kind.TRIGGER:
            message = f"{document.node(connection.target).label!r} is a trigger; nothing can lead into it."
            problems.append(Problem(code="trigger_has_input", node=connection.target, field=where, message=message))
        elif connection.target_port != "main":
            message = f"A node has one input, 'main'; there is no {connection.target_port!r}."
            problems.append(Problem(code="unknown_port", node=connection.target, field=where, message=message))
    return problems


def _placement_problems(node: Node, document: Workflow, types: Mapping[str, type[NodeType]]) -> list[Problem]:
    problems = []
    if node.parent is not None and node.parent in types and types[node.parent].kind is not Kind.LOOP:
        message = f"{node.label!r} stands inside {document.node(node.parent).label!r}, which is no loop."
        problems.append(Problem(code="not_a_loop", node=node.id, field="parent", message=message))
    if node.parent is not None and types[node.id].kind is Kind.TRIGGER:
        message = f"The trigger {node.label!r} stands inside a loop; triggers stand outside."
        problems.append(Problem(code="trigger_in_loop", node=node.id, field="parent", message=message))
    most = types[node.id].timeout_s
    if node.timeout_s is not None and node.timeout_s > most:
        message = f"{node.label!r} may take {most} s at most: its function is ended then; {node.timeout_s} s is more."
        problems.append(Problem(code="timeout_too_long", node=node.id, field="timeout_s", message=message))
    problems += _retry_problems(node, types[node.id])
    if types[node.id].kind is Kind.LOOP and not any(other.parent == node.id for other in document.nodes):
        message = f"The loop {node.label!r} has nothing inside it."
        hint = "Drag the nodes to repeat into the loop."
        problems.append(Problem(code="empty_loop", node=node.id, message=message, hint=hint))
    return problems


def _retry_problems(node: Node, node_type: type[NodeType]) -> list[Problem]:
    """Errors named in a node's retry policy that it does not raise, or after which trying again cannot help."""
    known = may_be_retried(node_type)
    problems = []
    for name in node.retry.errors or ():
        if name in known:
            continue
        if name in {error.__name__ for error in node_type.errors}:
            message = f"{node.label!r} is not tried again after {name}: that would not change it."
        elif name == TIMED_OUT:
            message = f"{node.label!r} is not tried again after {name}: what it does could be done twice."
        else:
            message = f"{node.label!r} has no error {name!r}."
        hint = f"It may be tried again after {', '.join(sorted(known))}." if known else "It is never tried again."
        problems.append(Problem(code="not_retried", node=node.id, field="retry.errors", message=message, hint=hint))
    return problems


def _wiring_problems(graph: Graph, types: Mapping[str, type[NodeType]]) -> list[Problem]:
    """What a node type itself says of what leads into it."""
    problems = []
    for node in graph.document.nodes:
        ports = [connection.source_port for connection in graph.incoming[node.id]]
        message = types[node.id].wiring_problem(node.config, ports)
        if message is not None:
            problems.append(Problem(code="bad_wiring", node=node.id, field="connections", message=message))
    return problems


def _unreachable(graph: Graph, types: Mapping[str, type[NodeType]], broken: frozenset[str]) -> list[Problem]:
    if broken:
        return []
    triggers = [node for node in graph.nodes if types[node].kind is Kind.TRIGGER]
    reached = graph.reachable(triggers)
    problems = []
    for node in graph.document.nodes:
        if node.id not in reached and triggers:
            message = f"No trigger leads to {node.label!r}, so it can never run."
            hint = "Connect it, disable its whole chain, or delete it."
            problems.append(Problem(code="unreachable", node=node.id, message=message, hint=hint))
    return problems


def _softened(problem: Problem, document: Workflow) -> Problem:
    """What is wrong inside a disabled node warns: the node will not run."""
    inside = problem.code in {"invalid_config", "missing_config", "invalid_expression", "unreachable"}
    if inside and any(node.id == problem.node and node.disabled for node in document.nodes):
        return problem.model_copy(update={"severity": "warning"})
    return problem
