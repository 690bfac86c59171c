"""The API's debugging sessions: executions in test mode that pause for a person."""

import asyncio
from contextlib import suppress
from functools import partial
from typing import Any

from tradeloom.api.models.debugging import DebugCommand, DebugSession, PausedNode, StartDebugging
from tradeloom.compiler.compile import compile_workflow
from tradeloom.engine import codec
from tradeloom.engine.debugging import Debugger, Paused
from tradeloom.engine.dispatcher import StartCommand
from tradeloom.engine.engine import Engine
from tradeloom.engine.journal import ACTIVE, Execution, Journal
from tradeloom.engine.mode import Mode, Pausing
from tradeloom.engine.stores import Blobs, VersionRecord, WorkflowStore
from tradeloom.errors import Conflict, InvalidInput
from tradeloom.local.bridging import OnLoop
from tradeloom.local.carrying import made_record
from tradeloom.local.executions import LocalExecutions
from tradeloom.local.inspecting import Inspector, edits_of
from tradeloom.local.modes import Modes
from tradeloom.local.private_accounts import PrivateMarket, private_version
from tradeloom.local.triggers import started_by_hand
from tradeloom.local.versions import kept_version
from tradeloom.nodes.base import ERROR_PORT
from tradeloom.nodes.registry import node_types
from tradeloom.workflow.document import Workflow


class LocalDebugging:
    def __init__(
        self,
        on_loop: OnLoop,
        *,
        engine: Engine,
        journal: Journal,
        workflows: WorkflowStore,
        blobs: Blobs,
        modes: Modes,
        executions: LocalExecutions,
        private_market: PrivateMarket,
    ) -> None:
        self._on_loop = on_loop
        self._engine = engine
        self._journal = journal
        self._workflows = workflows
        self._blobs = blobs
        self._modes = modes
        self._executions = executions
        self._private_market = private_market

    def start(self, tenant: str, user: str, workflow_id: str, wanted: StartDebugging) -> DebugSession:
        return self._on_loop(self.begin(tenant, user, workflow_id, wanted))

    def session(self, tenant: str, execution_id: str) -> DebugSession:
        return self._on_loop(self.read(tenant, execution_id))

    def command(self, tenant: str, user: str, execution_id: str, wanted: DebugCommand) -> DebugSession:
        return self._on_loop(self.do(tenant, user, execution_id, wanted))

    # -- on the loop --------------------------------------------------------------------------------------------

    async def begin(self, tenant: str, user: str, workflow_id: str, wanted: StartDebugging) -> DebugSession:
        """Start a session, always in test mode, and wait until it is paused as long as is wanted."""
        version = await self._version(tenant, workflow_id, wanted)
        document = await self._executions.documents.of(version.version)
        _check_nodes(document, wanted.breakpoints, "breakpoints")
        _check_nodes(document, [wanted.run_to] if wanted.run_to else [], "run_to")
        trigger = started_by_hand(document, wanted.trigger)
        pausing = Pausing(
            stepping=wanted.step and wanted.run_to is None,
            breakpoints=frozenset(wanted.breakpoints),
            run_to=wanted.run_to,
        )
        mode = await self._modes.make(tenant, workflow_id, document, trigger, use_pins=wanted.use_pins, debug=pausing)
        await self._private_market.ready(version.account)
        command = StartCommand(
            tenant=tenant,
            user_id=user,
            workflow_id=workflow_id,
            trigger=trigger,
            payload=wanted.payload,
            version=version.version,
            manual=True,
            test_mode=True,
            mode=mode,
            unsaved=private_version(version),
        )
        started = await self._executions.dispatch(command, "The workflow was not started")
        await self._settle(tenant, started, wanted.wait_s)
        return await self.read(tenant, started)

    async def read(self, tenant: str, execution_id: str) -> DebugSession:
        row = await self._executions.row(tenant, execution_id)
        mode = Mode.model_validate(row.mode or {})
        if mode.debug is None:
            raise Conflict("This execution is not debugged.", hint="Start one with POST /workflows/{id}/debug.")
        debugger = self._engine.debugger(execution_id)
        pausing = mode.debug if debugger is None else debugger.pausing
        waiting = [] if debugger is None else [each for each in debugger.paused if not each.released.done()]
        artefact = await asyncio.to_thread(self._blobs.artefact, row.version) if waiting else {}
        paused = [await asyncio.to_thread(self._shown, artefact, each) for each in waiting]
        if waiting:
            await self._journal.barrier(execution_id)  # what pauses is to stand in the record that is read next
        return DebugSession(
            execution=await self._executions.read(tenant, execution_id),
            step=pausing.stepping,
            breakpoints=sorted(pausing.breakpoints),
            run_to=pausing.run_to,
            paused=paused,
        )

    async def do(self, tenant: str, user: str, execution_id: str, wanted: DebugCommand) -> DebugSession:
        """Carry out a command; durable when this returns."""
        row = await self._executions.row(tenant, execution_id)
        if wanted.action == "stop":
            await self._engine.stop(execution_id, f"stopped by {user}", tenant=tenant)
            await self._executions.wait(tenant, execution_id, wanted.wait_s)
        else:
            debugger = self._debugger(row)
            await self._act(row, debugger, wanted)
            await self._journal.barrier(execution_id)
            await self._settle(tenant, execution_id, wanted.wait_s)
        return await self.read(tenant, execution_id)

    async def _act(self, row: Execution, debugger: Debugger, wanted: DebugCommand) -> None:
        find = partial(debugger.find, wanted.node, _iteration(wanted))
        match wanted.action:
            case "step":
                paused = find()
                debugger.change(stepping=True, run_to=None)
                debugger.release(paused)
            case "continue":
                released = _meant(debugger, wanted)
                debugger.change(stepping=False, run_to=None)
                for paused in released:
                    debugger.release(paused)
            case "run_to":
                await self._run_to(row, debugger, wanted)
            case "skip":
                paused = find()
                record = await asyncio.to_thread(self._given, paused, row, wanted)
                debugger.release(paused, "skip", record)
            case "set" | "reset":
                paused = find()
                values = wanted.values if wanted.action == "set" else {}
                if wanted.action == "set" and not values:
                    raise InvalidInput("There is nothing to set.", field="values", hint="Such as nodes.rsi.value.")
                edits = await asyncio.to_thread(self._edits, paused, row, values)
                debugger.edit(paused, edits)
            case "breakpoints":
                document = await self._executions.documents.of(row.version)
                _check_nodes(document, wanted.breakpoints or [], "breakpoints")
                debugger.change(breakpoints=frozenset(wanted.breakpoints or []))
            case _:
                raise InvalidInput(f"There is no action {wanted.action!r}.", field="action")

    async def _run_to(self, row: Execution, debugger: Debugger, wanted: DebugCommand) -> None:
        if wanted.to is None:
            raise InvalidInput("Which node to run to is not said.", field="to")
        _check_nodes(await self._executions.documents.of(row.version), [wanted.to], "to")
        released = [paused for paused in _meant(debugger, wanted) if paused.run.node != wanted.to]
        if not released:
            raise InvalidInput(f"It is paused before {wanted.to!r} already.", field="to", hint="Step, to run it.")
        debugger.change(stepping=False, run_to=wanted.to)
        for paused in released:
            debugger.release(paused)

    def _given(self, paused: Paused, row: Execution, wanted: DebugCommand) -> dict[str, Any]:
        """The record that stands in for running the node. Raises `InvalidInput` for a port it has not."""
        document = Workflow.model_validate(self._blobs.artefact(row.version)["document"])
        node = document.node(paused.run.node)
        node_type = node_types()[node.type]
        ports = [port.name for port in node_type.ports if port.name != ERROR_PORT]
        if wanted.port not in ports:
            raise InvalidInput(
                f"{node.type} has no port {wanted.port!r}.", field="port", hint=f"There are: {', '.join(ports)}."
            )
        return made_record(self._blobs, wanted.output, wanted.port)

    def _edits(self, paused: Paused, row: Execution, values: dict[str, Any]) -> dict[str, Any]:
        if not values:
            return {}
        inspector = Inspector(self._blobs, self._blobs.artefact(row.version), paused.call.payload)
        return inspector.as_json(inspector.edited(edits_of(paused.edits), codec.canonical(values)))

    def _shown(self, artefact: dict[str, Any], paused: Paused) -> PausedNode:
        edits = paused.edits
        if edits.get("version"):
            artefact = self._blobs.artefact(edits["version"])
        payload = dict(paused.call.payload)
        payload["inputs"] = {**payload["inputs"], **edits.get("inputs", {})}
        payload["item"] = edits.get("item", payload.get("item"))
        inspector = Inspector(self._blobs, artefact, payload)
        assert paused.run.due is not None
        return PausedNode(
            node=inspector.node.id,
            name=inspector.node.label,
            type=inspector.node.type,
            iteration=list(paused.run.iteration),
            since=paused.run.started_at,
            expires_at=paused.run.due,
            inputs=inspector.inputs(),
            config=inspector.config(),
            item=payload["item"],
            index=payload.get("index"),
            edited=dict(edits.get("set", {})),
        )

    async def _settle(self, tenant: str, execution_id: str, wait_s: float) -> None:
        """Return once it is paused and nothing else of it moves, or it has ended; at most after the wait."""
        debugger = self._engine.debugger(execution_id)
        if debugger is None:
            return
        ended = asyncio.ensure_future(self._engine.result(execution_id, tenant=tenant))
        with suppress(TimeoutError):
            async with asyncio.timeout(wait_s):
                while not ended.done():
                    debugger.changed.clear()
                    waiting = [each for each in debugger.paused if not each.released.done()]
                    if waiting and len(waiting) == len(debugger.paused) and self._engine.rests(execution_id):
                        break
                    said = asyncio.ensure_future(debugger.changed.wait())
                    try:
                        await asyncio.wait({ended, said}, return_when=asyncio.FIRST_COMPLETED)
                    finally:
                        said.cancel()
        ended.cancel()

    # -- looking up ---------------------------------------------------------------------------------------------

    def _debugger(self, row: Execution) -> Debugger:
        if (row.mode or {}).get("debug") is None:
            raise Conflict("This execution is not debugged.", hint="Start one with POST /workflows/{id}/debug.")
        if row.status not in ACTIVE:
            raise Conflict("The session has ended.", hint="Start another.")
        debugger = self._engine.debugger(row.id)
        if debugger is None:
            raise Conflict("Another engine runs this session, or it has just ended.", hint="Look at it again.")
        return debugger

    async def _version(self, tenant: str, workflow_id: str, wanted: StartDebugging) -> VersionRecord:
        workflow = await self._workflows.workflow(tenant, workflow_id)
        if wanted.document is None:
            return await self._workflows.version(tenant, workflow_id, wanted.version or workflow.version)
        if wanted.version is not None:
            raise InvalidInput("Name a version or give a document, not both.", field="version")
        compiled = await asyncio.to_thread(compile_workflow, wanted.document)
        return await kept_version(self._blobs, tenant, workflow_id, compiled)


def _iteration(wanted: DebugCommand) -> tuple[int, ...] | None:
    return None if wanted.iteration is None else tuple(wanted.iteration)


def _meant(debugger: Debugger, wanted: DebugCommand) -> list[Paused]:
    """The one that is named, or all. Raises as `Debugger.find` does where there is none."""
    if wanted.node is not None or not debugger.paused:
        return [debugger.find(wanted.node, _iteration(wanted))]
    return list(debugger.paused)


def _check_nodes(document: Workflow, wanted: list[str], where: str) -> None:
    known = {node.id for node in document.nodes}
    unknown = [node for node in wanted if node not in known]
    if unknown:
        raise InvalidInput(
            f"The workflow has no node {unknown[0]!r}.", field=where, hint=f"There are: {', '.join(sorted(known))}."
        )
