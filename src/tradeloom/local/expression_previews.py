"""What a node's expressions give on what its workflow's last execution recorded."""

import asyncio
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final

from tradeloom.api.models.previews import ExpressionPreview, ExpressionPreviewRequest, FieldPreview
from tradeloom.compiler.validate import document_problems
from tradeloom.engine.clock import Clock
from tradeloom.engine.journal import Execution, Journal, NodeRun
from tradeloom.engine.pins import PinStore
from tradeloom.engine.stores import Blobs
from tradeloom.errors import NodeConfigError, NotFound, TradeloomError
from tradeloom.expressions import (
    evaluate,
    expression_source,
    has_placeholders,
    is_expression,
    parse,
    parse_template,
    render,
)
from tradeloom.local.carrying import blob_services
from tradeloom.local.named_executions import execution_named_or_last
from tradeloom.nodes.base import Node as NodeType
from tradeloom.nodes.references import leaves, required_inputs
from tradeloom.nodes.registry import node_types
from tradeloom.runtime.config import prepare
from tradeloom.runtime.envelope import NodeRecord, RunInfo, TaskInput
from tradeloom.runtime.names import names_of, sources_of
from tradeloom.workflow.document import Connection, Node, Workflow
from tradeloom.workflow.graph import ITEM_PORT
from tradeloom.workflow.problems import Problem, errors
from tradeloom.workflow.reading import read

MAX_SHOWN: Final = 20_000
"""Characters of a value's text; of a longer one the beginning is shown."""
SHORTENED: Final = 2_000
_ODD: Final = (ValueError, UnicodeError, RecursionError, OverflowError)


@dataclass(frozen=True)
class Seen:
    """What an execution recorded, as a node would see it."""

    execution: Execution | None = None
    as_of: datetime = field(default_factory=lambda: datetime.now(UTC))
    records: dict[str, NodeRecord] = field(default_factory=dict)
    item: Any = None
    index: int | None = None


class ExpressionPreviews:
    def __init__(
        self, *, journal: Journal, blobs: Blobs, pins: PinStore, clock_for_account: Callable[[str], Clock]
    ) -> None:
        self._journal = journal
        self._blobs = blobs
        self._pins = pins
        self._clock_for_account = clock_for_account

    async def preview(self, tenant: str, wanted: ExpressionPreviewRequest) -> ExpressionPreview:
        """Raises `NotFound` for a node or an execution that is not there."""
        reading = read(wanted.document)
        problems = list(reading.problems)
        drawn = reading.document.nodes if reading.document is not None else []
        node = next((each for each in drawn if each.id == wanted.node), None)
        if reading.document is None or node is None:
            mine = [problem for problem in problems if problem.node in (wanted.node, None)]
            if not mine:
                raise NotFound(f"The document has no node {wanted.node!r}.", field="node")
            return ExpressionPreview(as_of=datetime.now(UTC), problems=mine)
        problems += await asyncio.to_thread(document_problems, reading.document, frozenset(reading.broken_nodes))
        seen = await self._seen(tenant, wanted, reading.document, node)
        mine = [problem for problem in problems if problem.node == node.id]
        node_type = node_types().get(node.type)
        fields: list[FieldPreview] = []
        turn: list[FieldPreview] = []
        if node_type is not None:
            view = _View(reading.document, node, node_type, seen, self._blobs)
            fields = await asyncio.to_thread(lambda: list(view.fields()))
            if seen.index is not None:
                turn = await asyncio.to_thread(view.turn)
            if not errors(mine):
                mine += await asyncio.to_thread(view.broken_by_values)
        return ExpressionPreview(
            execution_id=seen.execution.id if seen.execution is not None else None,
            as_of=seen.as_of,
            seen=sorted(seen.records),
            fields=fields,
            turn=turn,
            problems=mine,
        )

    async def _seen(self, tenant: str, wanted: ExpressionPreviewRequest, document: Workflow, node: Node) -> Seen:
        row = await execution_named_or_last(self._journal, tenant, wanted.execution_id, wanted.workflow_id)
        seen = Seen(as_of=self._now(document.settings.broker_account))
        if row is not None:
            runs = await self._journal.node_runs(tenant, row.id)
            item, index = _item_of(runs, node, document)
            seen = Seen(row, row.as_of, dict(_records(runs)), item, index)
        records = dict(seen.records)
        if wanted.workflow_id is not None:
            for pin in await self._pins.pins(tenant, wanted.workflow_id):
                records[pin.node] = NodeRecord(state="succeeded", port=pin.port, output=pin.output)
        for other, output in wanted.outputs.items():
            port = records[other].port if other in records else None
            records[other] = NodeRecord(state="succeeded", port=port or "main", output=output)
        known = {each.id for each in document.nodes}
        return replace(seen, records={other: record for other, record in records.items() if other in known})

    def _now(self, account: str) -> datetime:
        try:
            return self._clock_for_account(account).now()
        except TradeloomError:
            return datetime.now(UTC)


class _View:
    """One node of a document, with what it would see."""

    def __init__(self, document: Workflow, node: Node, node_type: type[NodeType], seen: Seen, blobs: Blobs) -> None:
        self._node = node
        self._type = node_type
        self._now = seen.as_of
        task = TaskInput(
            run=_run(seen, document),
            node=node.id,
            inputs=seen.records,
            item=seen.item,
            index=seen.index,
        )
        services = blob_services(blobs)
        sources = sources_of(task, _known(document, node, seen), services)
        self._names = names_of(task, document, sources, services)

    def fields(self) -> Iterator[FieldPreview]:
        """Every field that holds an expression, and every one that takes its input, with what it gives."""
        for leaf in leaves(self._type, self._node.config):
            text = leaf.value
            if not isinstance(text, str) or leaf.static or leaf.own_names is not None:
                continue
            if is_expression(text):
                yield self._of(leaf.field, partial(self._evaluated, expression_source(text)))
            elif has_placeholders(text):
                yield self._of(leaf.field, partial(self._rendered, text))
        for name in required_inputs(self._type, self._node.config):
            yield self._of(f"config.{name}", partial(self._evaluated, f"input.{name}"))

    def turn(self) -> list[FieldPreview]:
        """What the loop around the node gave to its last turn."""
        return [self._of(name, partial(self._evaluated, name)) for name in ("item", "index")]

    def _evaluated(self, source: str) -> Any:
        return evaluate(parse(source), self._names, now=self._now)

    def _rendered(self, text: str) -> str:
        return render(parse_template(text), self._names, now=self._now)

    def broken_by_values(self) -> list[Problem]:
        """What the node itself would say once every expression has its value."""
        try:
            prepare(self._type, self._node.config).resolve(self._names, self._now)
        except NodeConfigError as error:
            return [
                Problem(
                    code="invalid_value",
                    node=self._node.id,
                    field=error.field,
                    message=f"With the values of the last run: {error.message}",
                    severity="warning",
                )
            ]
        except (TradeloomError, *_ODD):
            return []
        return []

    def _of(self, name: str, value: Callable[[], Any]) -> FieldPreview:
        try:
            return _shown(name, value())
        except TradeloomError as error:
            return FieldPreview(field=name, error=error.message, hint=error.hint)
        except _ODD as error:
            return FieldPreview(field=name, error=f"It cannot be worked out: {error}"[:500])


def _shown(name: str, value: Any) -> FieldPreview:
    text = json.dumps(value, ensure_ascii=False)
    if len(text) > MAX_SHOWN:
        return FieldPreview(field=name, value=text[:SHORTENED], shortened=True)
    return FieldPreview(field=name, value=value)


def _run(seen: Seen, document: Workflow) -> RunInfo:
    row = seen.execution
    run: Mapping[str, Any] = row.run if row is not None else {}
    return RunInfo(
        execution_id=row.id if row is not None else "preview",
        workflow_id=row.workflow_id if row is not None else "preview",
        version=row.version if row is not None else "preview",
        trigger=row.trigger if row is not None else next(iter(seen.records), ""),
        payload=dict(run.get("payload") or {}),
        as_of=seen.as_of,
        started_at=seen.as_of,
        account=document.settings.broker_account,
    )


def _known(document: Workflow, node: Node, seen: Seen) -> list[Connection]:
    """The connections into the node whose sources gave something; a loop's `item` gives what the last turn had."""
    return [
        each
        for each in document.connections
        if each.target == node.id and (seen.index is not None if _is_item(each, node) else each.source in seen.records)
    ]


def _is_item(connection: Connection, node: Node) -> bool:
    return connection.source == node.parent and connection.source_port == ITEM_PORT


def _records(runs: list[NodeRun]) -> Iterator[tuple[str, NodeRecord]]:
    """What each node gave last."""
    for run in runs:
        if run.status != "SUCCEEDED" or not isinstance(run.output, dict):
            continue
        if run.kind == "task" and "state" in run.output:
            yield run.node, NodeRecord.model_validate(run.output)
        elif run.kind == "wait":
            output = {"timestamp": run.output.get("due")}
            yield run.node, NodeRecord(state="succeeded", port="main", output=output)


def _item_of(runs: list[NodeRun], node: Node, document: Workflow) -> tuple[Any, int | None]:
    """The item of the loop around the node, as its body was given it last."""
    if node.parent is None:
        return None, None
    body = {each.id for each in document.nodes if each.parent == node.parent}
    for run in reversed(runs):
        if run.node in body and isinstance(run.input, dict) and run.input.get("index") is not None:
            return run.input.get("item"), run.input["index"]
    return None, None
