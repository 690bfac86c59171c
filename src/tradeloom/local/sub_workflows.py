"""Workflows called from nodes: the engine's answers to `utility.sub_workflow`."""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Any, Final

from tradeloom.engine import codec
from tradeloom.engine.dispatcher import Dispatcher, StartCommand
from tradeloom.engine.engine import Engine
from tradeloom.engine.journal import ACTIVE, Execution, Journal, NodeRun
from tradeloom.engine.questions import Answer, Asker
from tradeloom.engine.stores import Blobs, WorkflowStore
from tradeloom.errors import Conflict, InvalidInput, NotFound
from tradeloom.local.named_workflows import workflow_named
from tradeloom.local.triggers import started_by_hand
from tradeloom.nodes.sub_workflows import MAX_DEPTH
from tradeloom.runtime.claims import CLAIM
from tradeloom.workflow.document import Workflow

MAX_OUTPUT_BYTES: Final = 512 * 1024


class SubWorkflowAnswers:
    """`dispatcher_for` gives the dispatcher of test mode or the real one. `resting` is entered while an execution only
    waits for another: its worker does not count against the pool then, and the market may move, so that those who wait
    never keep those they wait for from going on."""

    def __init__(
        self,
        *,
        engine: Engine,
        journal: Journal,
        workflows: WorkflowStore,
        blobs: Blobs,
        dispatcher_for: Callable[[bool], Dispatcher],
        resting: Callable[[str], AbstractContextManager[None]],
    ) -> None:
        self._engine = engine
        self._journal = journal
        self._workflows = workflows
        self._blobs = blobs
        self._dispatcher_for = dispatcher_for
        self._resting = resting

    def answers(self) -> Mapping[str, Answer]:
        return {"sub_workflow.start": self._start, "sub_workflow.result": self._result}

    async def _start(self, asker: Asker, body: dict[str, Any]) -> Any:
        workflow = await workflow_named(self._workflows, asker.tenant, str(body["workflow"]))
        chain = (*asker.called_by, asker.workflow_id)
        if workflow.id in chain:
            raise InvalidInput(f"{workflow.name} would call itself.", hint="Use a loop instead.")
        if len(chain) > MAX_DEPTH:
            raise InvalidInput(f"Workflows may call each other {MAX_DEPTH} deep; {workflow.name} would be one deeper.")
        newest = asker.test_mode or await self._began_by_hand(asker)
        version = workflow.version if newest else workflow.active_version or workflow.version
        stored = await self._workflows.version(asker.tenant, workflow.id, version)
        artefact = await asyncio.to_thread(self._blobs.artefact, version)
        command = StartCommand(
            tenant=asker.tenant,
            workflow_id=workflow.id,
            trigger=started_by_hand(Workflow.model_validate(artefact["document"])),
            payload=dict(body["payload"]),
            version=stored.version,
            manual=True,
            test_mode=asker.test_mode,
            dedupe_key=f"called:{body['effect']}",
            called_by=chain,
            parent=asker.execution_id,
        )
        dispatched = await self._dispatcher_for(asker.test_mode).dispatch(command)
        if dispatched.execution_id is None:
            raise Conflict(f"{workflow.name} was not started: {dispatched.reason}.")
        return dispatched.execution_id

    async def _began_by_hand(self, asker: Asker) -> bool:
        """Whether a person started the outermost of the workflows that call each other. What is called counts as
        started by hand itself, which must not lead those it calls to what nobody has activated."""
        manual, parent = asker.manual, asker.execution_id if asker.called_by else None
        while parent is not None:
            row = await self._journal.execution(asker.tenant, parent)
            if row is None:
                return False
            manual, parent = row.manual, row.run.get("parent")
        return manual

    async def _result(self, asker: Asker, body: dict[str, Any]) -> Any:
        execution_id = str(body["execution_id"])
        row = await self._journal.execution(asker.tenant, execution_id)
        if row is None or row.run.get("parent") != asker.execution_id:
            raise NotFound(f"This node started no execution {execution_id!r}.")
        if row.status in ACTIVE:
            with self._resting(asker.execution_id):
                try:
                    async with asyncio.timeout(float(body["wait_s"])):
                        row = await self._engine.result(execution_id, tenant=asker.tenant)
                except TimeoutError:
                    return {"execution_id": execution_id, "status": "running"}
        return await self._told(row, list(body["outputs"]))

    async def _told(self, row: Execution, wanted: list[str]) -> dict[str, Any]:
        runs = [run for run in await self._journal.node_runs(row.tenant, row.id) if run.status == "SUCCEEDED"]
        runs.sort(key=lambda run: run.finished_seq or 0)
        latest = {run.node: run for run in runs if not run.iteration}
        last = next(reversed(latest.values()), None)
        return {
            "execution_id": row.id,
            "status": row.status.lower(),
            "has_errors": row.has_errors,
            "output": await self._output(last),
            "outputs": {node: await self._output(latest.get(node)) for node in wanted},
            "error": row.error and {key: row.error.get(key) for key in ("name", "message", "node")},
        }

    async def _output(self, run: NodeRun | None) -> Any:
        record = run.output if run is not None else None
        output = record.get("output") if isinstance(record, dict) else None
        if isinstance(output, dict) and output.keys() == {CLAIM}:
            if output[CLAIM]["bytes"] > MAX_OUTPUT_BYTES:
                raise InvalidInput(
                    f"The output of {run.node if run else ''!r} has {output[CLAIM]['bytes']:,} bytes; "
                    f"{MAX_OUTPUT_BYTES:,} is the most that is handed over.",
                    hint="Let the other workflow end with a smaller output.",
                )
            return codec.loads(await asyncio.to_thread(self._blobs.get, output[CLAIM]["sha256"]))
        return output
