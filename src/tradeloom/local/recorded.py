"""What an old execution's record gives to one that runs again from a node on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from tradeloom.compiler.plan import Plan
from tradeloom.engine.journal import NodeRun
from tradeloom.engine.mode import GivenOutcome
from tradeloom.errors import RetryRefused
from tradeloom.nodes.base import ERROR_PORT, Kind
from tradeloom.workflow.document import Workflow

Place = tuple[str, tuple[int, ...]]
MADE_UP: Final = frozenset({"pinned", "by_hand"})


@dataclass(frozen=True)
class Recorded:
    """`given` are outcomes of nodes that do not run again; `left_out` nodes that neither run nor gave anything;
    `made_up` those of the given whose outcome no handler gave: it was pinned, or made by hand."""

    given: tuple[GivenOutcome, ...]
    left_out: tuple[str, ...]
    made_up: tuple[str, ...] = ()


def recorded_for(plan: Plan, old: Workflow, runs: Sequence[NodeRun], trigger: str, from_node: str) -> Recorded:
    """What stands in for the nodes of `plan` that do not depend on `from_node`. `old` is the document `runs` are of.

    Raises `RetryRefused` for a node that is not there or would not run, and where an output it needs is missing.
    """
    graph = plan.graph
    if from_node not in graph.nodes:
        raise RetryRefused(
            f"This version has no node {from_node!r}.", field="from_node", hint="Name another, or run all of it again."
        )
    if graph.nodes[from_node].parent is not None:
        loop = graph.loops_around(from_node)[0]
        raise RetryRefused(f"{from_node!r} stands in a loop.", field="from_node", hint=f"Replay from {loop!r}.")
    again = graph.reachable([from_node])
    found = _Found(plan, old, runs)
    _check_ancestors(plan, found, trigger, from_node, again)
    kept = {node for node in graph.nodes if node not in again and found.usable(node)}
    kept = {node for node in kept if all(loop in kept for loop in graph.loops_around(node))}
    given = tuple(outcome for outcome in found.outcomes if outcome.node in kept)
    left_out = tuple(sorted(set(graph.nodes) - again - kept))
    return Recorded(given, left_out, tuple(sorted(found.made_up & kept)))


class _Found:
    """What became of each node, as far as it can be given again."""

    def __init__(self, plan: Plan, old: Workflow, runs: Sequence[NodeRun]) -> None:
        self._plan = plan
        self._old = {node.id: node for node in old.nodes}
        last: dict[tuple[Place, str], NodeRun] = {}
        for run in sorted(runs, key=lambda run: run.attempt):
            if run.kind != "pause":
                last[(run.node, tuple(run.iteration)), run.kind] = run
        self._last: Mapping[tuple[Place, str], NodeRun] = last
        self.made_up = {
            run.node for run in last.values() if isinstance(run.input, dict) and run.input.get("given") in MADE_UP
        }
        self.outcomes = [_given(run) for run in last.values() if run.status in {"SUCCEEDED", "FAILED"}]

    def usable(self, node_id: str) -> bool:
        """Whether its outcomes can stand in for it: of the same type, ended, and no end of the execution."""
        node, before = self._plan.graph.nodes[node_id], self._old.get(node_id)
        if before is None or before.type != node.type:
            return False
        own = [run for (place, _), run in self._last.items() if place[0] == node_id]
        if not own or any(run.status not in {"SUCCEEDED", "FAILED"} for run in own):
            return False
        if any(run.status == "FAILED" for run in own) and self._plan.ends_all(node_id):
            return False
        if self._plan.types[node_id].kind is Kind.WAIT:
            return any(kind == "wait" for (place, kind) in self._last if place[0] == node_id)
        if self._plan.types[node_id].kind is Kind.LOOP:
            return self._body_usable(node_id)
        return True

    def port(self, node_id: str) -> str | None:
        """The port it emitted."""
        plan, node = self._plan, self._plan.graph.nodes[node_id]
        failed = ERROR_PORT if plan.on_error(node) == "route" else None
        run = self._last.get(((node_id, ()), "task"))
        if run is not None and run.status == "FAILED":
            return failed
        if plan.types[node_id].kind is Kind.LOOP:
            return failed if self._broke_off(node_id) else "main"
        record = run.output if run is not None else None
        if plan.types[node_id].kind is Kind.WAIT or not isinstance(record, dict):
            return "main"
        port = record.get("port")
        return port if isinstance(port, str) else None

    def _body_usable(self, loop: str) -> bool:
        before = {node.id: node.type for node in self._old.values() if node.parent == loop}
        body = self._plan.graph.scope(loop)
        if before != {node: self._plan.graph.nodes[node].type for node in body}:
            return False
        return not (self._broke_off(loop) and self._plan.ends_all(loop))

    def _broke_off(self, loop: str) -> bool:
        """Whether a node of the body failed and ended the loop."""
        if self._plan.types[loop].isolates_items(self._plan.graph.nodes[loop].config):
            return False
        body = set(self._plan.graph.scope(loop))
        stops = {node for node in body if self._plan.on_error(self._plan.graph.nodes[node]) == "stop"}
        return any(run.status != "SUCCEEDED" and place[0] in stops for (place, _), run in self._last.items()) or any(
            self._broke_off(inner) for inner in stops if self._plan.types[inner].kind is Kind.LOOP
        )


def _given(run: NodeRun) -> GivenOutcome:
    place = {"node": run.node, "iteration": tuple(run.iteration), "source": "recorded"}
    if run.kind == "wait":
        return GivenOutcome.model_validate(place | {"entered": str((run.input or {}).get("entered"))})
    if run.status == "FAILED":
        error = run.error or {}
        told = {"name": str(error.get("name")), "cause": str(error.get("cause", ""))}
        return GivenOutcome.model_validate(place | {"error": told})
    return GivenOutcome.model_validate(place | {"record": run.output})


def _check_ancestors(plan: Plan, found: _Found, trigger: str, from_node: str, again: frozenset[str]) -> None:
    """Raises `RetryRefused` where what runs again needs an output that is missing, or `from_node` would not run."""
    graph = plan.graph
    needed = {other for node in again for other in graph.ancestors(node)} - again
    emitted: dict[str, str | None] = {}
    for layer in graph.layers(None):
        for node_id in layer:
            if node_id == from_node and not _runs(plan, node_id, trigger, emitted):
                raise RetryRefused(
                    f"{from_node!r} would not run: nothing that leads to it was live in that execution.",
                    field="from_node",
                )
            if node_id not in needed or not _runs(plan, node_id, trigger, emitted):
                continue
            if not found.usable(node_id):
                raise RetryRefused(
                    f"{node_id!r} gave no output in that execution that could be used again, and {from_node!r} or what "
                    "is behind it needs it.",
                    field="from_node",
                    hint=f"Replay from {node_id!r}, or all of it.",
                )
            emitted[node_id] = found.port(node_id)


def _runs(plan: Plan, node_id: str, trigger: str, emitted: Mapping[str, str | None]) -> bool:
    """Whether a node would run, by what those before it emitted."""
    node = plan.graph.nodes[node_id]
    if node.disabled:
        return False
    if plan.types[node_id].kind is Kind.TRIGGER:
        return node_id == trigger
    live = [emitted.get(each.source) == each.source_port for each in plan.graph.incoming[node_id]]
    match plan.join(node):
        case "settled":
            return True
        case "all":
            return all(live)
        case _:
            return any(live)
