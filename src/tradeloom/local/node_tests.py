"""Runs one node's real handler in a worker, in test mode, on inputs that were given by hand."""

import asyncio
import hashlib
import json
import secrets
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

from tradeloom.api.models.executions import Failure, LogLevel, LogLine
from tradeloom.api.models.nodes import NodeTest, NodeTestResult
from tradeloom.compiler.compile import invalid, local_arn
from tradeloom.compiler.config_check import config_problems
from tradeloom.compiler.secret_check import secret_problems
from tradeloom.engine.failure import message_of
from tradeloom.engine.interpreter.failures import StatesError
from tradeloom.engine.questions import CREDENTIAL, Answers, Asker
from tradeloom.engine.stores import Blobs
from tradeloom.engine.workers.invocation import Call, Workers
from tradeloom.errors import InvalidInput, NotFound
from tradeloom.local.bridging import OnLoop
from tradeloom.local.node_inputs import RecordedInputs
from tradeloom.nodes.base import Kind
from tradeloom.nodes.base import Node as NodeType
from tradeloom.nodes.references import expressions_in
from tradeloom.nodes.registry import node_types
from tradeloom.runtime.claims import CLAIM
from tradeloom.runtime.envelope import NodeRecord, RunInfo, TaskInput
from tradeloom.runtime.redaction import LOG_WORDS, Redactor
from tradeloom.workflow.document import Connection, Node, Settings, Workflow
from tradeloom.workflow.problems import Problem, errors
from tradeloom.workflow.reading import read

TESTED = "tested_node"
"""Id of the node under test; a source may be called anything else."""
MAX_OUTPUT_BYTES = 512 * 1024
_SOURCE_TYPE = "trigger.manual"


class LocalNodeTests:
    """`market` answers `(account, as_of)` of a test on an account: the test account, brought to the market's time."""

    def __init__(
        self,
        on_loop: OnLoop,
        workers: Workers,
        blobs: Blobs,
        *,
        market: Callable[[str], Awaitable[tuple[str, datetime]]],
        answers: Answers,
        recorded: RecordedInputs | None = None,
    ) -> None:
        self._recorded = recorded
        self._on_loop = on_loop
        self._workers = workers
        self._blobs = blobs
        self._market = market
        self._answers = answers

    def run(self, tenant: str, user: str, test: NodeTest) -> NodeTestResult:
        """Raises `NotFound` for an unknown type, `InvalidDocument` with every problem of the configuration."""
        node_type = node_types().get(test.type)
        if node_type is None:
            raise NotFound(f"There is no node type {test.type!r}.", field="type")
        if self._recorded is not None:
            test = self._on_loop(self._recorded.fill(tenant, test, node_type))
        document = _document(test, node_type)
        return self._on_loop(self._run(tenant, user, test, node_type, document))

    async def _run(
        self, tenant: str, user: str, test: NodeTest, node_type: type[NodeType], document: Workflow
    ) -> NodeTestResult:
        account, as_of = await self._market(test.account)
        version = "test-" + hashlib.sha256(document.canonical_json().encode("utf-8", "surrogatepass")).hexdigest()
        artefact = {"document": document.model_dump(mode="json"), "warmup": {TESTED: 0}}
        await asyncio.to_thread(self._blobs.put_artefact, version, artefact)
        run = RunInfo(
            execution_id=f"test-{secrets.token_hex(12)}",
            tenant=tenant,
            workflow_id="node-test",
            version=version,
            trigger=TESTED if node_type.kind is Kind.TRIGGER else next(iter(test.inputs), TESTED),
            payload=test.payload,
            as_of=as_of,
            started_at=datetime.now(UTC),
            account=account,
            test_mode=True,
            user_id=user,
        )
        inputs = {
            source: NodeRecord(state="succeeded", port="main", output=output) for source, output in test.inputs.items()
        }
        payload = TaskInput(run=run, node=TESTED, inputs=inputs).model_dump(mode="json")
        return await self._invoke(test.type, node_type.timeout_s, payload, run)

    async def _invoke(self, node_type: str, timeout_s: int, payload: dict[str, Any], run: RunInfo) -> NodeTestResult:
        lines: list[LogLine] = []
        redactor = Redactor()
        call = Call(
            function=local_arn(node_type),
            payload=payload,
            timeout_s=timeout_s,
            on_log=lambda record: lines.append(_line(len(lines) + 1, redactor.record(record, LOG_WORDS))),
            on_ask=lambda what, body: self._answer(run, what, body, redactor),
        )
        begun = time.monotonic()
        try:
            record = await self._workers.invoke(call)
        except StatesError as error:
            failure = Failure(name=error.error, message=redactor.text(message_of(error.cause)), node=TESTED)
            return NodeTestResult(state="failed", error=failure, duration_ms=_since(begun), logs=lines)
        took = _since(begun)
        output = redactor.value(await asyncio.to_thread(self._shown, record.get("output")))
        return NodeTestResult(state="succeeded", port=record.get("port"), output=output, duration_ms=took, logs=lines)

    async def _answer(self, run: RunInfo, what: str, body: dict[str, Any], redactor: Redactor) -> Any:
        """A test may act on the test account, and its notifications are shown as its output, not kept."""
        if what not in self._answers:
            return None
        asker = Asker(
            tenant=run.tenant,
            workflow_id=run.workflow_id,
            execution_id=run.execution_id,
            version=run.version,
            node=TESTED,
            account=run.account,
            test_mode=True,
            manual=True,
        )
        answer = await self._answers[what](asker, body)
        if what == CREDENTIAL:
            redactor.remember(answer["secrets"])
        return answer

    def _shown(self, output: Any) -> Any:
        """A large output is fetched where it was put, unless it is too large to show."""
        if isinstance(output, dict) and output.keys() == {CLAIM} and output[CLAIM]["bytes"] <= MAX_OUTPUT_BYTES:
            return json.loads(self._blobs.get(output[CLAIM]["sha256"]))
        return output


def _document(test: NodeTest, node_type: type[NodeType]) -> Workflow:
    """The smallest document in which the node stands behind its sources."""
    if TESTED in test.inputs:
        raise InvalidInput(f"A source cannot be called {TESTED!r}.", field="inputs")
    nodes: list[dict[str, Any]] = [{"id": source, "type": _SOURCE_TYPE} for source in test.inputs]
    nodes.append({"id": TESTED, "type": test.type, "config": test.config})
    reading = read({"name": "Node test", "nodes": nodes})
    problems = [*reading.problems]
    node = next((each for each in reading.document.nodes if each.id == TESTED), None) if reading.document else None
    if node is not None:
        problems += config_problems(node, node_type) + _expression_problems(node, node_type) + secret_problems(node)
    if errors(problems) or node is None or reading.document is None:
        raise invalid(problems)
    connections = (
        [] if node_type.kind is Kind.TRIGGER else [Connection(source=source, target=TESTED) for source in test.inputs]
    )
    return reading.document.model_copy(
        update={"connections": connections, "settings": Settings(broker_account=test.account)}
    )


def _expression_problems(node: Node, node_type: type[NodeType]) -> list[Problem]:
    return [
        Problem(
            code="invalid_expression",
            node=node.id,
            field=broken.leaf.field,
            message=broken.error.message,
            hint=broken.error.hint,
        )
        for broken in expressions_in(node_type, node.config)[1]
    ]


def _line(seq: int, record: dict[str, Any]) -> LogLine:
    known = {"level", "message", "execution_id", "node", "iteration"}
    levels: dict[str, LogLevel] = {"debug": "debug", "warning": "warning", "error": "error"}
    return LogLine(
        seq=seq,
        time=datetime.now(UTC),
        level=levels.get(str(record.get("level")), "info"),
        message=str(record.get("message", "")),
        node=TESTED,
        fields={key: value for key, value in record.items() if key not in known},
    )


def _since(begun: float) -> float:
    return round((time.monotonic() - begun) * 1000, 3)
