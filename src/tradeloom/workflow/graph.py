"""The graph a document draws: who feeds whom, in what order, inside which loop."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from tradeloom.workflow.document import Connection, Node, Workflow

ITEM_PORT = "item"
"""The port of a loop that feeds its body; everything else about a loop leaves through its other ports."""


@dataclass(frozen=True)
class Graph:
    """A document's nodes and connections, indexed. Expects unique ids and connections between existing nodes.

    A *scope* is the document (None) or a loop's id: the nodes that share a `parent`. A body node that nothing feeds
    is fed by its loop's `item` port, as if that connection had been drawn.
    """

    document: Workflow

    @cached_property
    def nodes(self) -> dict[str, Node]:
        return {node.id: node for node in self.document.nodes}

    @cached_property
    def connections(self) -> tuple[Connection, ...]:
        drawn = list(dict.fromkeys(self.document.connections))
        fed = {connection.target for connection in drawn}
        implied = [
            Connection(source=node.parent, source_port=ITEM_PORT, target=node.id)
            for node in self.document.nodes
            if node.parent is not None and node.id not in fed
        ]
        return tuple(drawn + implied)

    @cached_property
    def incoming(self) -> dict[str, tuple[Connection, ...]]:
        """Each node's incoming connections, by source and port: results never depend on the order of drawing."""
        found: dict[str, list[Connection]] = defaultdict(list)
        for connection in self.connections:
            found[connection.target].append(connection)
        return {node: tuple(sorted(found[node], key=lambda c: (c.source, c.source_port))) for node in self.nodes}

    def scope(self, parent: str | None) -> list[str]:
        """Ids of the nodes directly inside a scope, sorted."""
        return sorted(node.id for node in self.document.nodes if node.parent == parent)

    def loops_around(self, node_id: str) -> list[str]:
        """The loops a node stands in, outermost first."""
        around: list[str] = []
        parent = self.nodes[node_id].parent
        while parent is not None:
            around.insert(0, parent)
            parent = self.nodes[parent].parent
        return around

    def depth(self, node_id: str) -> int:
        """How many loops a node stands in."""
        return len(self.loops_around(node_id))

    def layers(self, parent: str | None) -> list[list[str]]:
        """The scope's nodes in topological layers: a node stands one past its furthest source; ties by id.

        Raises `ValueError` where the scope has a cycle.
        """
        members = self.scope(parent)
        inside = set(members)
        waits_for = {node: {c.source for c in self.incoming[node] if c.source in inside} for node in members}
        layers: list[list[str]] = []
        placed: set[str] = set()
        while len(placed) < len(members):
            layer = [node for node in members if node not in placed and waits_for[node] <= placed]
            if not layer:
                raise ValueError("the scope has a cycle")
            layers.append(layer)
            placed.update(layer)
        return layers

    @cached_property
    def _ancestors(self) -> dict[str, frozenset[str]]:
        return {}

    def ancestors(self, node_id: str) -> frozenset[str]:
        """Every node whose output this one may name: upstream in its scope, and upstream of the loops around it.

        The loops around it are among them: they feed their body.
        """
        known = self._ancestors
        if node_id in known:
            return known[node_id]
        found: set[str] = set()
        waiting = [node_id]
        while waiting:
            current = waiting.pop()
            sources = {connection.source for connection in self.incoming[current]}
            parent = self.nodes[current].parent
            if parent is not None:
                sources.add(parent)
            fresh = sources - found
            found |= fresh
            waiting.extend(fresh)
        known[node_id] = frozenset(found - {node_id})
        return known[node_id]

    def descendants(self, node_id: str) -> frozenset[str]:
        return frozenset(other for other in self.nodes if node_id in self.ancestors(other))

    def reachable(self, starts: Iterable[str]) -> frozenset[str]:
        """The given nodes and all that can run after them, loop bodies included."""
        started = set(starts)
        return frozenset(node for node in self.nodes if node in started or started & self.ancestors(node))
