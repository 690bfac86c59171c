"""The values an expression may name while a node runs.

`nodes.<id>` of a node that did not run raises `MissingInput` when it is used, and `has()` sees that it is not there;
`input` raises where no source, or more than one, is live.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

from tradeloom.errors import AmbiguousInput, MissingInput
from tradeloom.nodes.base import Source
from tradeloom.runtime.claims import check_out
from tradeloom.runtime.envelope import NodeRecord, TaskInput
from tradeloom.runtime.services import Services
from tradeloom.workflow.document import Connection, Workflow


class Lazy(Mapping[str, Any]):
    """A mapping whose values are made when they are read; reading one may raise. It contains only what is there."""

    def __init__(self, makers: Mapping[str, Callable[[], Any]], present: Mapping[str, bool]) -> None:
        self._makers = makers
        self._present = present
        self._made: dict[str, Any] = {}

    def __getitem__(self, key: str) -> Any:
        if key not in self._made:
            self._made[key] = self._makers[key]()
        return self._made[key]

    def __contains__(self, key: object) -> bool:
        return isinstance(key, str) and self._present.get(key, False)

    def __iter__(self) -> Iterator[str]:
        return (key for key in self._makers if self._present[key])

    def __len__(self) -> int:
        return sum(self._present.values())


def sources_of(task: TaskInput, incoming: list[Connection], services: Services) -> list[Source]:
    """Each incoming connection as it settled. A loop's `item` port feeds `{item, index}`."""
    found = []
    for connection in incoming:
        record = task.inputs.get(connection.source)
        if record is None:
            output = {"item": task.item, "index": task.index}
            found.append(Source(connection.source, connection.source_port, live=True, output=output))
            continue
        live = record.port == connection.source_port
        given = output_of(record, services) if live else None
        found.append(Source(connection.source, connection.source_port, live=live, output=given))
    return found


def output_of(record: NodeRecord, services: Services) -> Any:
    """A record's output: claims fetched, a failure's cause put in words."""
    if record.state == "failed" and isinstance(record.output, dict) and "error" in record.output:
        return {"error": readable_failure(record.output["error"])}
    return _with_readable_items(check_out(record.output, services))


def _with_readable_items(output: Any) -> Any:
    """The results of a loop that went on past failures, each failure's cause put in words."""
    results = output.get("results") if isinstance(output, dict) else None
    if not isinstance(results, list) or not any(_failed_item(result) for result in results):
        return output
    told = [
        {**result, "error": readable_failure(result["error"])} if _failed_item(result) else result for result in results
    ]
    return {**output, "results": told}


def _failed_item(result: Any) -> bool:
    error = result.get("error") if isinstance(result, dict) else None
    return isinstance(error, dict) and error.keys() == {"name", "cause", "node"}


def readable_failure(failure: Mapping[str, Any]) -> dict[str, Any]:
    """`{name, message, node}` from what a Catch recorded: Lambda's cause is JSON with the message inside."""
    cause = str(failure.get("cause", ""))
    message = cause
    try:
        told = json.loads(cause)
    except ValueError:
        told = None
    if isinstance(told, dict) and isinstance(told.get("errorMessage"), str):
        message = told["errorMessage"]
    return {"name": failure.get("name", ""), "message": message, "node": failure.get("node", "")}


def names_of(task: TaskInput, document: Workflow, sources: list[Source], services: Services) -> Mapping[str, Any]:
    """The roots `input`, `inputs`, `nodes`, `trigger`, `item`, `index`."""
    nodes = _Nodes(task, document, services)
    live = [source for source in sources if source.live]
    makers: dict[str, Callable[[], Any]] = {
        "input": lambda: _only(live, task.node),
        "inputs": lambda: _inputs(sources),
        "nodes": lambda: nodes,
        "trigger": lambda: nodes[task.run.trigger],
    }
    present = {"input": len(live) == 1, "inputs": True, "nodes": True, "trigger": task.run.trigger in nodes}
    if task.index is not None:
        makers |= {"item": lambda: task.item, "index": lambda: task.index}
        present |= {"item": True, "index": True}
    return Lazy(makers, present)


class _Nodes(Mapping[str, Any]):
    """Outputs by node, of those that ran. Asked for few of many, at every task: nothing is made before it is read."""

    def __init__(self, task: TaskInput, document: Workflow, services: Services) -> None:
        self._task = task
        self._document = document
        self._services = services
        self._read: dict[str, Any] = {}

    def __getitem__(self, key: str) -> Any:
        if key not in self._read:
            self._read[key] = output_of(self._record(key), self._services)
        return self._read[key]

    def _record(self, key: str) -> NodeRecord:
        record = self._task.inputs.get(key)
        if record is not None and _ran(record):
            return record
        label = next((node.label for node in self._document.nodes if node.id == key), None)
        if label is None:
            raise KeyError(key)
        raise MissingInput(
            f"{label!r} did not run, so its output cannot be used.",
            node=self._task.node,
            hint=f"Ask has(nodes.{key}) first, or connect this node so that it only runs after {label!r}.",
        )

    def __contains__(self, key: object) -> bool:
        record = self._task.inputs.get(key) if isinstance(key, str) else None
        return record is not None and _ran(record)

    def __iter__(self) -> Iterator[str]:
        return (node.id for node in self._document.nodes if node.id in self)

    def __len__(self) -> int:
        return sum(1 for _ in self)


def _ran(record: NodeRecord) -> bool:
    return record.state in {"succeeded", "failed"}


def _inputs(sources: list[Source]) -> Lazy:
    """Outputs by source; where two ports of one node lead here, the live one speaks."""
    chosen: dict[str, Source] = {}
    for source in sources:
        if source.live or source.node not in chosen:
            chosen[source.node] = source
    makers = {node: partial(_live_output, source) for node, source in chosen.items()}
    return Lazy(makers, {node: source.live for node, source in chosen.items()})


def _only(live: list[Source], node: str) -> Any:
    if len(live) == 1:
        return live[0].output
    if not live:
        raise MissingInput("Nothing that leads into this node gave an output.", node=node)
    names = ", ".join(source.node for source in live)
    hint = "Name the one you mean: inputs.<node>."
    raise AmbiguousInput(f"Several inputs are live ({names}), so `input` is not one.", node=node, hint=hint)


def _live_output(source: Source) -> Any:
    if not source.live:
        raise MissingInput(f"The connection from {source.node!r} is not live.", hint=f"Ask has(inputs.{source.node}).")
    return source.output
