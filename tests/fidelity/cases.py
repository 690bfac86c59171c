"""Each node type's example as a workflow of its own, and the payload its compiled machine gives the function."""

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from tests.fidelity.market import WORKFLOW_ID
from tests.support.documents import node as drawn
from tests.support.node_context import AS_OF
from tradeloom.compiler.compile import Compiled, compile_workflow
from tradeloom.engine.interpreter.failures import StatesError
from tradeloom.engine.interpreter.machine import Interpreter, Outcome, TaskCall, WaitCall
from tradeloom.engine.interpreter.reading import read
from tradeloom.engine.interpreter.strands import Strands
from tradeloom.expressions import KEYWORDS
from tradeloom.nodes.base import Kind, Node
from tradeloom.nodes.registry import node_types

START = "start"
CONFIGS: Mapping[str, Mapping[str, Any]] = {"utility.delay": {"mode": "seconds", "seconds": "= 10 * 3"}}
"""Instead of the example's where that is a state of the machine and no task: a delay of plain seconds is a Wait."""


@dataclass(frozen=True)
class Case:
    """`event` is what the function of `node_type` is invoked with."""

    node_type: str
    compiled: Compiled
    event: dict[str, Any]


@dataclass
class Drawing:
    """A workflow that grows node by node; `outputs` are the examples' of the sources that stand in it, by id."""

    nodes: dict[str, dict[str, Any]] = field(default_factory=dict)
    ways: list[dict[str, str]] = field(default_factory=list)
    outputs: dict[str, Any] = field(default_factory=dict)

    def add(self, node: type[Node], config: Mapping[str, Any], *, after: str = START) -> str:
        """Draw a node behind its example's sources, which stand behind theirs, down to `after`: a manual trigger."""
        node_id = node_id_of(node)
        self.nodes[node_id] = drawn(node_id, node.type, config=dict(config))
        for source_type, output in node.example.inputs.items():
            source = node_types()[source_type]
            source_id = node_id_of(source)
            self.outputs[source_id] = output
            self._connect(source_id, node_id)
            if source_id not in self.nodes:
                self.add(source, source.example.config, after=after)
        if not node.example.inputs and node.kind is not Kind.TRIGGER:
            if after == START:
                self.nodes.setdefault(START, drawn(START))
            self._connect(after, node_id)
        if node.kind is Kind.LOOP:
            body = f"{node_id}_body"
            self.nodes[body] = drawn(body, "utility.merge", parent=node_id)
        return node_id

    def document(self, name: str) -> dict[str, Any]:
        return {"name": name, "nodes": list(self.nodes.values()), "connections": self.ways}

    def _connect(self, source: str, target: str) -> None:
        self.ways.append({"source": source, "target": target})


def node_id_of(node: type[Node]) -> str:
    """`indicator.rsi` is `nodes.rsi` in examples."""
    name = node.type.rpartition(".")[2]
    return f"{name}_" if name in KEYWORDS else name


def case_of(
    node_type: str,
    *,
    config: Mapping[str, Any] | None = None,
    outputs: Mapping[str, Any] | None = None,
    account: str = "paper",
) -> Case:
    """The example of a node type; `config` and the sources' `outputs` (by id) may be others than the example's."""
    node = node_types()[node_type]
    drawing = Drawing()
    node_id = drawing.add(node, config or CONFIGS.get(node_type, node.example.config))
    compiled = compile_workflow(drawing.document(node.title))
    trigger = node_id if node.kind is Kind.TRIGGER else START
    event = _payload(compiled, node_id, drawing.outputs | dict(outputs or {}), trigger, account)
    return Case(node_type, compiled, event)


class _Captured(StatesError):
    """Ends the machine once the payload is known."""


class _Until:
    """Lets nodes succeed with given outputs until the one whose payload is wanted."""

    def __init__(self, node_id: str, outputs: Mapping[str, Any]) -> None:
        self._node_id = node_id
        self._outputs = outputs
        self.payload: dict[str, Any] | None = None
        self.strands = Strands()
        self.started_at = AS_OF
        self.context: Mapping[str, Any] = {"Execution": {"Id": "fidelity", "StartTime": AS_OF.isoformat()}}

    async def invoke(self, call: TaskCall) -> Outcome:
        if call.payload["node"] == self._node_id:
            self.payload = call.payload
            raise _Captured("Captured", "")
        output = self._outputs.get(call.payload["node"], {})
        return Outcome({"state": "succeeded", "port": "main", "output": output}, AS_OF)

    async def wait(self, call: WaitCall, due: Callable[[datetime], datetime]) -> Outcome:
        raise AssertionError("no example waits before the node it shows")

    async def back_off(self, path: str, attempt: int, delay_s: float, *, jitter: bool) -> None:
        raise AssertionError("nothing here is tried again")


def _payload(
    compiled: Compiled, node_id: str, outputs: Mapping[str, Any], trigger: str, account: str
) -> dict[str, Any]:
    start = {
        "execution_id": "fidelity",
        "workflow_id": WORKFLOW_ID,
        "version": compiled.version,
        "trigger": trigger,
        "payload": {},
        "as_of": AS_OF.isoformat(),
        "started_at": AS_OF.isoformat(),
        "account": account,
    }
    until = _Until(node_id, outputs)
    try:
        asyncio.run(Interpreter(read(json.loads(json.dumps(compiled.definition))), until).run(start))
    except StatesError:
        assert until.payload is not None
    payload = until.payload
    assert payload is not None
    return json.loads(json.dumps(payload))  # type: ignore[no-any-return]
