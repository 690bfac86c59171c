"""What can be wrong with a graph whatever its nodes do: dangling ends, cycles, borders of loops."""

from tradeloom.workflow.document import Connection, Node, Workflow
from tradeloom.workflow.graph import ITEM_PORT
from tradeloom.workflow.problems import Problem

MAX_LOOP_DEPTH = 2


def structural_problems(document: Workflow, broken_nodes: frozenset[str] = frozenset()) -> list[Problem]:
    """Every structural problem. `broken_nodes` exist but could not be read: connections to them do not dangle."""
    nodes = {node.id: node for node in document.nodes}
    problems = [problem for node in document.nodes for problem in _parent_problems(node, nodes, broken_nodes)]
    for position, connection in enumerate(document.connections):
        problems.extend(_connection_problems(position, connection, nodes, broken_nodes))
    problems.extend(_cycles(document, nodes))
    return problems


def _parent_problems(node: Node, nodes: dict[str, Node], broken: frozenset[str]) -> list[Problem]:
    if node.parent is None or node.parent in broken:
        return []
    if node.parent not in nodes:
        message = f"{node.label!r} stands inside {node.parent!r}, which is not there."
        return [Problem(code="unknown_parent", node=node.id, field="parent", message=message)]
    seen = {node.id}
    parent: str | None = node.parent
    while parent is not None and parent in nodes:
        if parent in seen:
            message = f"{node.label!r} stands inside itself."
            return [Problem(code="parent_cycle", node=node.id, field="parent", message=message)]
        seen.add(parent)
        parent = nodes[parent].parent
    depth = len(seen) - 1
    if depth > MAX_LOOP_DEPTH:
        message = f"{node.label!r} stands {depth} loops deep; {MAX_LOOP_DEPTH} is the most."
        return [Problem(code="loop_too_deep", node=node.id, field="parent", message=message)]
    return []


def _connection_problems(
    position: int, connection: Connection, nodes: dict[str, Node], broken: frozenset[str]
) -> list[Problem]:
    where = f"connections.{position}"
    problems = []
    for end, node_id in (("source", connection.source), ("target", connection.target)):
        if node_id not in nodes and node_id not in broken:
            message = f"The connection's {end} {node_id!r} is not there."
            problems.append(Problem(code="dangling_connection", field=f"{where}.{end}", message=message))
    if problems or connection.source not in nodes or connection.target not in nodes:
        return problems
    source, target = nodes[connection.source], nodes[connection.target]
    if source.id == target.id:
        message = f"{source.label!r} is connected to itself."
        return [Problem(code="cycle", node=source.id, field=where, message=message)]
    feeds_body = connection.source_port == ITEM_PORT and target.parent == source.id
    if source.parent != target.parent and not feeds_body:
        message = f"The connection from {source.label!r} to {target.label!r} crosses a loop's border."
        hint = f"Only a loop's own {ITEM_PORT!r} port leads into its body; its other ports lead out."
        return [Problem(code="crosses_loop", node=target.id, field=where, message=message, hint=hint)]
    return []


def _cycles(document: Workflow, nodes: dict[str, Node]) -> list[Problem]:
    """One problem a cycle (strongly connected set), naming its nodes; Tarjan's algorithm without recursion."""
    following: dict[str, list[str]] = {node: [] for node in nodes}
    for connection in document.connections:
        if connection.source in nodes and connection.target in nodes and connection.source != connection.target:
            following[connection.source].append(connection.target)
    problems = []
    for component in _strong_components(following):
        if len(component) > 1:
            members = sorted(component)
            names = " → ".join(nodes[node].label for node in members)
            message = f"These nodes feed each other in a circle: {names}."
            hint = "To repeat something, put it inside a loop node."
            problems.append(Problem(code="cycle", node=members[0], field="connections", message=message, hint=hint))
    return problems


def _strong_components(following: dict[str, list[str]]) -> list[list[str]]:
    order: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    on_stack: set[str] = set()
    found: list[list[str]] = []
    for root in following:
        if root in order:
            continue
        work = [(root, iter(following[root]))]
        order[root] = low[root] = len(order)
        stack.append(root)
        on_stack.add(root)
        while work:
            node, successors = work[-1]
            step = next(successors, None)
            if step is None:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[node])
                if low[node] == order[node]:
                    cut = stack.index(node)
                    found.append(stack[cut:])
                    on_stack.difference_update(stack[cut:])
                    del stack[cut:]
            elif step not in order:
                order[step] = low[step] = len(order)
                stack.append(step)
                on_stack.add(step)
                work.append((step, iter(following[step])))
            elif step in on_stack:
                low[node] = min(low[node], order[step])
    return found
