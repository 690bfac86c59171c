"""The plain meaning of a workflow, straight from "What runs": a walk of the graph that knows nothing of ASL.

It asks the same script what each node does and keeps a record of every node, iteration by iteration.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.parity.outcomes import NodeFailed, Script
from tradeloom.nodes.base import Kind
from tradeloom.nodes.base import Node as NodeType
from tradeloom.workflow.document import Connection, Node, Workflow

Iteration = tuple[int, ...]
Record = dict[str, Any]
SKIPPED: Record = {"state": "skipped", "port": None, "output": None}


class Stopped(Exception):
    """A node that stops its scope failed."""

    def __init__(self, name: str, node: str) -> None:
        super().__init__(name)
        self.name = name
        self.node = node


@dataclass
class Walk:
    document: Workflow
    types: Mapping[str, type[NodeType]]
    trigger: str
    script: Script
    records: dict[tuple[str, Iteration], Record] = field(default_factory=dict)

    def run(self) -> tuple[str, str | None]:
        """`("succeeded", None)` or `("failed", error name)`."""
        try:
            self._scope(None, (), {}, None)
        except Stopped as stop:
            return "failed", stop.name
        return "succeeded", None

    def _scope(
        self, scope: str | None, iteration: Iteration, outer: Mapping[str, Record], item: Any
    ) -> dict[str, Record]:
        members = {node.id: node for node in self.document.nodes if node.parent == scope}
        known: dict[str, Record] = dict(outer)
        for _key, ids in sorted(self._groups(members).items()):
            side_by_side = [node for node in ids if not self._acts(node)]
            one_by_one = [node for node in ids if self._acts(node)]
            stops: list[Stopped] = []
            before = dict(known)
            for node_id in side_by_side:
                known[node_id], stop = self._node(members[node_id], before, iteration, item)
                if stop is not None:
                    stops.append(stop)
            if stops:
                raise stops[0]
            for node_id in one_by_one:
                known[node_id], stop = self._node(members[node_id], known, iteration, item)
                if stop is not None:
                    raise stop
        return known

    def _groups(self, members: Mapping[str, Node]) -> dict[tuple[int, int], list[str]]:
        """Members by (delays on the longest way, layer), ids sorted."""
        place: dict[str, tuple[int, int]] = {}
        while len(place) < len(members):
            for node_id in members:
                sources = {c.source for c in self._incoming(members[node_id]) if c.source in members}
                if node_id in place or not sources <= place.keys():
                    continue
                waits = max((place[s][0] for s in sources), default=0) + self._waits(node_id)
                layer = max((place[s][1] + 1 for s in sources), default=0)
                place[node_id] = (waits, layer)
        groups: dict[tuple[int, int], list[str]] = {}
        for node_id in sorted(members):
            groups.setdefault(place[node_id], []).append(node_id)
        return groups

    def _node(
        self, node: Node, known: Mapping[str, Record], iteration: Iteration, item: Any
    ) -> tuple[Record, Stopped | None]:
        record, stop = self._outcome(node, known, iteration, item)
        self.records[(node.id, iteration)] = record
        return record, stop

    def _outcome(
        self, node: Node, known: Mapping[str, Record], iteration: Iteration, item: Any
    ) -> tuple[Record, Stopped | None]:
        if node.disabled or not self._runs(node, known):
            return SKIPPED, None
        kind = self.types[node.id].kind
        if kind is Kind.WAIT:
            return {"state": "succeeded", "port": "main", "output": {"timestamp": "later"}}, None
        try:
            record = self._try(node, known, iteration, item)
            if kind is Kind.LOOP:
                record = self._loop(node, record["output"]["items"], known, iteration)
            return record, None
        except NodeFailed as failure:
            return self._failed(node, failure.name)
        except Stopped as stop:
            return self._failed(node, stop.name)

    def _failed(self, node: Node, name: str) -> tuple[Record, Stopped | None]:
        routed = node.on_error == "route" and self._error_is_wired(node)
        stops = node.on_error == "stop" or (node.on_error == "route" and not routed)
        error = {"name": name, "node": node.id}
        record = {"state": "failed", "port": "error" if routed else None, "output": {"error": error}}
        return record, Stopped(name, node.id) if stops else None

    def _try(self, node: Node, known: Mapping[str, Record], iteration: Iteration, item: Any) -> Record:
        payload: dict[str, Any] = {"node": node.id, "inputs": self._inputs(node, known)}
        if iteration:
            payload |= {"iteration": list(iteration), "item": item, "index": iteration[-1]}
        retryable = {error.__name__ for error in self.types[node.id].errors if error.retryable}
        if node.retry.errors is not None:
            retryable &= set(node.retry.errors)
        tries = 0
        while True:
            try:
                return self.script.run(payload)
            except NodeFailed as failure:
                tries += 1
                again = node.retry.max_attempts
                if failure.name in ("BrokerUnavailable", "StorageUnavailable") and again > 0:
                    again = max(again, 5)  # a bridge or database that is started again is waited for
                if failure.name not in retryable or tries > again:
                    raise

    def _loop(self, node: Node, items: list[Any], known: Mapping[str, Record], iteration: Iteration) -> Record:
        isolates = node.type == "utility.for_each" and node.config["on_item_error"] == "continue"
        results: list[Any] = []
        for index, item in enumerate(items):
            try:
                inner = self._scope(node.id, (*iteration, index), known, item)
            except Stopped as stop:
                if not isolates:
                    raise
                error = {"name": stop.name, "node": stop.node}
                results.append({"item": item, "state": "failed", "output": None, "error": error})
                continue
            last = self._last(node.id)
            output = inner[last]["output"] if last is not None else None
            one = {"item": item, "state": "succeeded", "output": output, "error": None}
            results.append(one if isolates else output)
        output = {"results": results, "count": len(results)}
        if isolates:
            output |= {how: sum(one["state"] == how for one in results) for how in ("succeeded", "failed")}
        return {"state": "succeeded", "port": "main", "output": output}

    def _last(self, loop: str) -> str | None:
        """The body's last node that can run: of the last group, where what acts comes after what does not."""
        members = {node.id: node for node in self.document.nodes if node.parent == loop}
        alive = {key: [n for n in ids if self._can_run(members[n])] for key, ids in self._groups(members).items()}
        groups = [key for key in alive if alive[key]]
        if not groups:
            return None
        return max(alive[max(groups)], key=lambda node_id: (self._acts(node_id), node_id))

    def _can_run(self, node: Node) -> bool:
        """False where a disabled node makes the node dead in every run."""
        if node.disabled:
            return False
        incoming = [c for c in self._incoming(node) if c.source != node.parent]
        if not incoming or (len(incoming) < len(self._incoming(node)) and self._join(node) == "any"):
            return True
        alive = [self._can_run(self.document.node(c.source)) for c in incoming]
        return {"any": any(alive), "all": all(alive), "settled": True}[self._join(node)]

    # -- the rules ------------------------------------------------------------------------------------------------

    def _runs(self, node: Node, known: Mapping[str, Record]) -> bool:
        if self.types[node.id].kind is Kind.TRIGGER:
            return node.id == self.trigger
        live = [
            connection.source == node.parent or known[connection.source]["port"] == connection.source_port
            for connection in self._incoming(node)
        ]
        return {"any": any(live), "all": all(live), "settled": True}[self._join(node)]

    def _inputs(self, node: Node, known: Mapping[str, Record]) -> dict[str, Record]:
        return {c.source: known[c.source] for c in self._incoming(node) if c.source != node.parent}

    def _incoming(self, node: Node) -> list[Connection]:
        drawn = [c for c in self.document.connections if c.target == node.id]
        if not drawn and node.parent is not None:
            return [Connection(source=node.parent, source_port="item", target=node.id)]
        return drawn

    def _join(self, node: Node) -> str:
        return node.join or self.types[node.id].default_join

    def _error_is_wired(self, node: Node) -> bool:
        return any(c.source == node.id and c.source_port == "error" for c in self.document.connections)

    def _acts(self, node_id: str) -> bool:
        inside = any(self._acts(node.id) for node in self.document.nodes if node.parent == node_id)
        return inside or self.types[node_id].acts()

    def _waits(self, node_id: str) -> int:
        inside = any(self._waits(node.id) for node in self.document.nodes if node.parent == node_id)
        return int(inside or self.types[node_id].kind is Kind.WAIT)
