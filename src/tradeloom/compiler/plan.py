"""The order a workflow runs in: stages of nodes, each started when the one before has settled.

Stages follow the graph's layers, ties by id. Two things bend the layers. Nodes that act (trade, write, send) run one
after another, so effects have one order everywhere. And a delay, with all that depends on it, comes after everything
that does not depend on it: a chain that waits never holds up a chain that could trade now.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from tradeloom.nodes.base import ERROR_PORT, Join, Kind
from tradeloom.nodes.base import Node as NodeType
from tradeloom.workflow.document import Connection, Node
from tradeloom.workflow.graph import ITEM_PORT, Graph

MAX_PARALLEL = 24


@dataclass(frozen=True)
class Stage:
    """Nodes that run side by side: several only where none of them acts."""

    nodes: tuple[str, ...]


@dataclass(frozen=True)
class Plan:
    """A validated document made ready for writing. `stages` maps each scope (None, or a loop's id) to its stages."""

    graph: Graph
    types: Mapping[str, type[NodeType]]
    stages: Mapping[str | None, tuple[Stage, ...]]
    triggers: tuple[str, ...]
    warmup: Mapping[str, int]
    """For each node that gives bars: how many more the hungriest indicator downstream needs."""
    _always: dict[str, bool] = field(default_factory=dict, repr=False)
    _never: dict[str, bool] = field(default_factory=dict, repr=False)

    def join(self, node: Node) -> Join:
        return node.join or self.types[node.id].default_join

    def on_error(self, node: Node) -> str:
        """`stop`, `continue` or `route`; a route whose error port leads nowhere is a stop."""
        if node.on_error != "route":
            return node.on_error
        wired = any(c.source == node.id and c.source_port == ERROR_PORT for c in self.graph.connections)
        return "route" if wired else "stop"

    def ends_all(self, node_id: str) -> bool:
        """Whether the node's failure fails the whole execution, through the loops around it."""
        node = self.graph.nodes[node_id]
        if self.on_error(node) != "stop":
            return False
        if node.parent is None:
            return True
        loop = self.graph.nodes[node.parent]
        return not self.types[loop.id].isolates_items(loop.config) and self.ends_all(loop.id)

    def acts(self, node_id: str) -> bool:
        """Whether the node, or anything in its body, has effects."""
        return self.types[node_id].acts() or any(self.acts(inner) for inner in self.graph.scope(node_id))

    def always_runs(self, node_id: str) -> bool:
        """Whether reaching the node's place in the order already means that it runs."""
        if node_id not in self._always:
            self._always[node_id] = self._find_always_runs(node_id)
        return self._always[node_id]

    def _find_always_runs(self, node_id: str) -> bool:
        node = self.graph.nodes[node_id]
        if node.disabled:
            return False
        if self.types[node_id].kind is Kind.TRIGGER:
            return len(self.triggers) == 1
        incoming = self.graph.incoming[node_id]
        match self.join(node):
            case "settled":
                return True
            case "all":
                return all(self.always_live(connection) for connection in incoming)
            case _:
                return any(self.always_live(connection) for connection in incoming)

    def always_live(self, connection: Connection) -> bool:
        """Whether a connection is live in every run that gets past its source."""
        source = self.graph.nodes[connection.source]
        if connection.source_port == ITEM_PORT and self.graph.nodes[connection.target].parent == source.id:
            return True
        only_main = [port.name for port in self.types[source.id].ports if port.name != ITEM_PORT] == ["main"]
        return (
            only_main
            and connection.source_port == "main"
            and self.on_error(source) == "stop"
            and self.always_runs(source.id)
        )

    def never_runs(self, node_id: str) -> bool:
        """Whether a disabled node upstream (or the node itself being disabled) keeps it from ever running."""
        if node_id not in self._never:
            self._never[node_id] = self._find_never_runs(node_id)
        return self._never[node_id]

    def _find_never_runs(self, node_id: str) -> bool:
        node = self.graph.nodes[node_id]
        if node.disabled:
            return True
        incoming = self.graph.incoming[node_id]
        if self.types[node_id].kind is Kind.TRIGGER or not incoming:
            return False
        dead = [self._never_live(connection) for connection in incoming]
        match self.join(node):
            case "settled":
                return False
            case "all":
                return any(dead)
            case _:
                return all(dead)

    def _never_live(self, connection: Connection) -> bool:
        if self.graph.nodes[connection.target].parent == connection.source:
            return False
        return self.never_runs(connection.source)


def make_plan(graph: Graph, types: Mapping[str, type[NodeType]]) -> Plan:
    """Plan a document that validation has passed. `types` maps each node's id to its type."""
    scopes: list[str | None] = [None, *(node for node, kind in types.items() if kind.kind is Kind.LOOP)]
    triggers = tuple(sorted(n.id for n in graph.document.nodes if types[n.id].kind is Kind.TRIGGER and not n.disabled))
    bare = Plan(graph=graph, types=types, stages={}, triggers=triggers, warmup=_warmup(graph, types))
    stages = {scope: _stages(bare, scope) for scope in scopes}
    return Plan(graph=graph, types=types, stages=stages, triggers=triggers, warmup=bare.warmup)


def _stages(plan: Plan, scope: str | None) -> tuple[Stage, ...]:
    waits = _wait_depths(plan, scope)
    ordered: dict[tuple[int, int], list[str]] = {}
    for depth, layer in enumerate(plan.graph.layers(scope)):
        for node in layer:
            if not plan.never_runs(node):
                ordered.setdefault((waits[node], depth), []).append(node)
    stages: list[Stage] = []
    for key in sorted(ordered):
        together = [node for node in ordered[key] if not plan.acts(node)]
        stages.extend(Stage(tuple(part)) for part in _even_parts(together))
        stages.extend(Stage((node,)) for node in ordered[key] if plan.acts(node))
    return tuple(stages)


def _even_parts(nodes: list[str]) -> list[list[str]]:
    """At most 24 a part, as evenly as it goes."""
    if not nodes:
        return []
    count = -(-len(nodes) // MAX_PARALLEL)
    size = -(-len(nodes) // count)
    return [nodes[start : start + size] for start in range(0, len(nodes), size)]


def _wait_depths(plan: Plan, scope: str | None) -> dict[str, int]:
    """How many delays stand on the longest way to each node of the scope, itself included."""
    depths: dict[str, int] = {}
    for layer in plan.graph.layers(scope):
        for node in layer:
            before = [depths[c.source] for c in plan.graph.incoming[node] if c.source in depths]
            depths[node] = max(before, default=0) + _waits(plan, node)
    return depths


def _waits(plan: Plan, node_id: str) -> int:
    if plan.types[node_id].kind is Kind.WAIT:
        return 1
    return int(any(_waits(plan, inner) for inner in plan.graph.scope(node_id)))


def _warmup(graph: Graph, types: Mapping[str, type[NodeType]]) -> dict[str, int]:
    needs = {node.id: types[node.id].memory(node.config) for node in graph.document.nodes}
    return {
        node: max((needs[other] for other in graph.descendants(node)), default=0)
        for node, kind in types.items()
        if "bars" in kind.Output.model_fields
    }
