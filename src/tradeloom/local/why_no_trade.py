"""Where the ways to a workflow's trading nodes ended in an execution, with the values that decided it."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from tradeloom.api.models.decisions import Clause, Decisions, NamedValue, Stop
from tradeloom.engine.journal import Execution, NodeRun
from tradeloom.engine.stores import Blobs
from tradeloom.errors import TradeloomError
from tradeloom.expressions import Expression, evaluate, references_in, to_source
from tradeloom.expressions.syntax import Binary
from tradeloom.expressions.syntax import Node as Syntax
from tradeloom.local.carrying import blob_services
from tradeloom.local.views import execution_failure
from tradeloom.nodes.base import Effect, Kind
from tradeloom.nodes.references import expressions_in
from tradeloom.nodes.registry import node_types
from tradeloom.runtime.envelope import TaskInput
from tradeloom.runtime.names import names_of, sources_of
from tradeloom.workflow.document import Connection, Node, Workflow
from tradeloom.workflow.graph import ITEM_PORT, Graph

MOST_TEXT: Final = 200
JOINING: Final = frozenset({"&&", "||"})


def decisions_of(row: Execution, runs: Sequence[NodeRun], document: Workflow, blobs: Blobs) -> Decisions:
    """Reads blobs; run it beside the loop."""
    return _Search(row, runs, document, blobs).decisions()


class _Search:
    def __init__(self, row: Execution, runs: Sequence[NodeRun], document: Workflow, blobs: Blobs) -> None:
        self._row = row
        self._document = document
        self._services = blob_services(blobs)
        self._graph = Graph(document)
        self._types = node_types()
        self._last = {run.node: run for run in runs if run.kind == "task"}

    def decisions(self) -> Decisions:
        trading = [node.id for node in self._document.nodes if Effect.TRADES in self._types[node.type].effects]
        idle = [node for node in trading if node not in self._last]
        found: dict[tuple[str, str], Connection] = {}
        kept_from: dict[tuple[str, str], dict[str, None]] = defaultdict(dict)
        for node in idle:
            for connection in self._ends(node):
                end = (connection.source, connection.source_port)
                found.setdefault(end, connection)
                kept_from[end][node] = None
        order = {node: place for place, node in enumerate(self._last)}
        ends = sorted(found, key=lambda end: order.get(end[0], len(order)))
        stops = [self._stop(found[end], list(kept_from[end])) for end in ends]
        return Decisions(can_trade=bool(trading), idle=idle, stops=stops)

    def _ends(self, node_id: str) -> list[Connection]:
        """The connections on the ways to the node whose source ran, or could not, and did not lead on."""
        if self._graph.nodes[node_id].disabled:
            return [Connection(source=node_id, source_port="main", target=node_id)]
        ends: dict[Connection, None] = {}
        pending, seen = [node_id], {node_id}
        while pending:
            for connection in self._graph.incoming[pending.pop()]:
                source = self._graph.nodes[connection.source]
                if source.id in self._last or source.disabled:
                    if source.disabled or not self._led_on(connection):
                        ends[connection] = None
                elif source.id not in seen:
                    seen.add(source.id)
                    pending.append(source.id)
        return list(ends)

    def _led_on(self, connection: Connection) -> bool:
        run = self._last[connection.source]
        if run.status != "SUCCEEDED":
            return False
        # Whoever stands in a loop ran unless the loop had nothing to go through.
        if connection.source_port == ITEM_PORT and self._kind(connection.source) is Kind.LOOP:
            return connection.target in self._last
        return _port(run) == connection.source_port

    def _kind(self, node_id: str) -> Kind:
        return self._types[self._graph.nodes[node_id].type].kind

    def _stop(self, connection: Connection, kept_from: list[str]) -> Stop:
        node = self._graph.nodes[connection.source]
        told: dict[str, Any] = {
            "node": node.id,
            "name": node.label,
            "type": node.type,
            "wanted_port": connection.source_port,
            "kept_from": kept_from,
        }
        run = self._last.get(node.id)
        if node.disabled or run is None:
            return Stop(kind="disabled", **told)
        told["iteration"] = list(run.iteration)
        if run.status != "SUCCEEDED":
            return Stop(kind="failed", error=execution_failure(run.error, node.id), **told)
        if connection.source_port == ITEM_PORT and self._kind(node.id) is Kind.LOOP:
            return Stop(kind="empty_loop", **told)
        return Stop(kind="decided", port=_port(run), reason=_reason(run), clauses=self._clauses(node, run), **told)

    def _clauses(self, node: Node, run: NodeRun) -> list[Clause]:
        """What the node's expressions came to, on what it was given."""
        try:
            task = TaskInput.model_validate({**(run.input or {}), "node": node.id, "run": self._row.run})
            sources = sources_of(task, list(self._graph.incoming[node.id]), self._services)
            names = names_of(task, self._document, sources, self._services)
            found, _ = expressions_in(self._types[node.type], node.config)
        except (TradeloomError, ValueError):
            return []  # An old record that no longer reads: the node's own words are still told.
        return [
            self._clause(part, each.leaf.path[0], names)
            for each in found
            if each.whole
            for part in _parts(each.expression.root)
        ]

    def _clause(self, part: Syntax, setting: Any, names: Mapping[str, Any]) -> Clause:
        expression = Expression(to_source(part), part)
        values = [_named(path, names) for path in sorted(references_in(expression).read)]
        told: dict[str, Any] = {"setting": str(setting), "text": expression.source, "values": values}
        try:
            value = evaluate(expression, names, now=self._row.as_of)
        except TradeloomError as error:
            return Clause(error=error.message, **told)
        return Clause(holds=value if isinstance(value, bool) else None, value=_short(value), **told)


def _parts(root: Syntax) -> Iterator[Syntax]:
    """The conditions that one `&&` or one `||` joins; another operator's stay whole."""
    if not (isinstance(root, Binary) and root.operator in JOINING):
        yield root
        return
    pending = [root.right, root.left]
    while pending:
        part = pending.pop()
        if isinstance(part, Binary) and part.operator == root.operator:
            pending += [part.right, part.left]
        else:
            yield part


def _named(path: Sequence[str], names: Mapping[str, Any]) -> NamedValue:
    name, value = ".".join(path), names
    try:
        for step in path:
            value = value[step]
    except TradeloomError as error:
        return NamedValue(name=name, error=error.message)
    except (KeyError, TypeError, IndexError):
        return NamedValue(name=name, error="It is not there.")
    return NamedValue(name=name, value=_short(value))


def _short(value: Any) -> Any:
    match value:
        case list():
            return f"[{len(value)} values]"
        case Mapping():
            return f"{{{len(value)} fields}}"
        case str() if len(value) > MOST_TEXT:
            return value[: MOST_TEXT - 1] + "…"
        case _:
            return value


def _port(run: NodeRun) -> str | None:
    port = run.output.get("port") if isinstance(run.output, dict) else None
    return port if isinstance(port, str) else None


def _reason(run: NodeRun) -> str:
    output = run.output.get("output") if isinstance(run.output, dict) else None
    reason = output.get("reason") if isinstance(output, dict) else None
    return reason if isinstance(reason, str) else ""
