"""Starts a workflow's error workflow when one of its executions comes to a bad end.

What is due is read from the executions' own rows, which say whether it has been seen to: nothing is kept in memory
that a crash could lose. A start is named after the execution that failed, so that it is made once however often it is
tried. What an error workflow started, or anything called from it, starts none itself: failures never chase each other.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from tradeloom.engine.dispatcher import Dispatcher, StartCommand
from tradeloom.engine.errors import EngineClosed
from tradeloom.engine.events import Event
from tradeloom.engine.interpreter.times import timestamp
from tradeloom.engine.journal import BAD_ENDS, Execution, Journal
from tradeloom.engine.notices import notice
from tradeloom.engine.stores import Blobs, WorkflowStore
from tradeloom.errors import AccountHalted, Conflict, NotFound, QuotaExceeded, StorageUnavailable, TradeloomError
from tradeloom.local.documents import Documents
from tradeloom.local.error_workflow_check import error_trigger
from tradeloom.local.failure_hints import hint_for
from tradeloom.local.named_workflows import workflow_named
from tradeloom.workflow.document import Workflow

log: Final = logging.getLogger(__name__)

LOOK_S: Final = 15.0
"""How often is looked without word of an end: another engine's may have been lost with it."""
AGAIN_S: Final = 1.0
GIVE_UP: Final = timedelta(minutes=15)
"""How long a start that a quota refuses is tried again."""
LONGEST_MESSAGE: Final = 4_000
AT_ONCE: Final = 100
_KEY: Final = "error:"
_ANCESTORS: Final = 32


class ErrorWorkflows:
    """`hear` is told of the engine's events; `run` works until it is cancelled."""

    def __init__(
        self,
        *,
        tenant: str,
        journal: Journal,
        workflows: WorkflowStore,
        blobs: Blobs,
        dispatcher: Dispatcher,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._tenant = tenant
        self._journal = journal
        self._workflows = workflows
        self._dispatcher = dispatcher
        self._now = now
        self._heard = asyncio.Event()
        self._documents = Documents(blobs)

    def hear(self, event: Event) -> None:
        if event.type == "execution.finished" and event.data["status"] in BAD_ENDS:
            self._heard.set()

    async def run(self) -> None:
        while True:
            self._heard.clear()
            fine = await self._looked()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LOOK_S if fine else AGAIN_S):
                    await self._heard.wait()

    async def _looked(self) -> bool:
        try:
            await self.look()
        except StorageUnavailable as error:
            log.warning("error workflows wait for storage: %s", error.message)
            return False
        except EngineClosed:
            return True
        except Exception:
            log.exception("error workflows could not be seen to")
        return True

    async def look(self) -> int:
        """See to every bad end that is due; how many error workflows were started. Raises `StorageUnavailable`."""
        started = 0
        while True:
            rows = await self._journal.unattended(self._tenant, limit=AT_ONCE)
            waiting, more = await self._see_to_all(rows)
            started += more
            if len(rows) < AT_ONCE or waiting:
                return started

    async def _see_to_all(self, rows: list[Execution]) -> tuple[int, int]:
        """How many of them wait for a quota, and how many error workflows were started."""
        waiting = started = 0
        for row in rows:
            try:
                started += await self._see_to(row)
            except QuotaExceeded as error:
                if row.finished_at is not None and self._now() - row.finished_at < GIVE_UP:
                    waiting += 1
                    continue
                await self._tell(row, "was not started", error.message)
            except (StorageUnavailable, EngineClosed):
                raise
            except Exception:  # one that cannot be read keeps no other from starting
                log.exception("what follows execution %s could not be seen to", row.id)
                await self._tell(row, "was not started", "Something about it cannot be read; the log says what.")
            await self._journal.attend(self._tenant, row.id)
        return waiting, started

    async def _see_to(self, row: Execution) -> bool:
        """Whether an error workflow was started. Raises `QuotaExceeded`, `StorageUnavailable`, `EngineClosed`."""
        if row.test_mode or (row.mode or {}).get("debug") is not None:
            return False  # a person is watching
        if await self._descends_from_error(row):
            error = row.error or {}
            if row.status != "STOPPED":
                await self._tell(row, "failed itself", f"{error.get('name')}: {error.get('message')}")
            return False
        document = await self._document(row.version)
        if document is None or not _is_wanted(row, document):
            return False
        try:
            return await self._start(row, document)
        except (StorageUnavailable, EngineClosed, QuotaExceeded):
            raise
        except TradeloomError as error:
            await self._tell(row, "was not started", error.message)
            return False

    async def _start(self, row: Execution, document: Workflow) -> bool:
        assert document.settings.error_workflow is not None
        workflow = await workflow_named(self._workflows, self._tenant, document.settings.error_workflow)
        version = workflow.active_version or workflow.version
        drawn = await self._document(version)
        trigger = None if drawn is None else error_trigger(drawn)
        if trigger is None:
            raise NotFound(f"{workflow.name} has neither an error trigger nor a manual one.")
        command = StartCommand(
            tenant=self._tenant,
            workflow_id=workflow.id,
            trigger=trigger,
            payload=await self._payload(row, document),
            version=version,
            manual=True,
            dedupe_key=f"{_KEY}{row.id}",
        )
        try:
            dispatched = await self._dispatcher.dispatch(command)
        except AccountHalted as error:
            raise Conflict(f"{workflow.name} trades, and its account is stopped: {error.message}") from error
        if dispatched.execution_id is None:
            raise Conflict(f"{workflow.name}: {dispatched.reason}.")
        log.info("%s of %s started %s as %s", row.status, row.id, workflow.name, dispatched.execution_id)
        return dispatched.verdict == "started"

    async def _payload(self, row: Execution, document: Workflow) -> dict[str, Any]:
        error = row.error or {}
        name = str(error.get("name", ""))
        failed = await self._failed_node(row)
        drawn = next((node for node in document.nodes if node.id == failed), None)
        return {
            "execution_id": row.id,
            "workflow_id": row.workflow_id,
            "workflow_name": await self._name(row, document),
            "version": row.version,
            "status": row.status.lower(),
            "error": name,
            "message": str(error.get("message", ""))[:LONGEST_MESSAGE],
            "hint": hint_for(name),
            "node_id": failed,
            "node_name": drawn.label if drawn else failed,
            "node_type": drawn.type if drawn else "",
            "trigger": row.trigger,
            "account": row.account,
            "as_of": timestamp(row.as_of),
            "failed_at": timestamp(row.finished_at or self._now()),
        }

    async def _failed_node(self, row: Execution) -> str:
        """The node the error names; of an execution whose time was up or that was stopped, the one cut off last."""
        named = (row.error or {}).get("node")
        if named is not None or row.status == "FAILED":
            return str(named or "")
        runs = await self._journal.node_runs(row.tenant, row.id)
        return next((run.node for run in reversed(runs) if run.status == "ABORTED"), "")

    async def _name(self, row: Execution, document: Workflow) -> str:
        try:
            return (await self._workflows.workflow(self._tenant, row.workflow_id)).name
        except NotFound:  # deleted meanwhile
            return document.name

    async def _descends_from_error(self, row: Execution) -> bool:
        """Whether an error workflow's start led to it, directly or through workflows that call each other."""
        known: Execution | None = row
        for _ in range(_ANCESTORS):
            if known is None:
                return False
            if (known.dedupe_key or "").startswith(f"{known.workflow_id}:{_KEY}"):
                return True
            parent = known.run.get("parent")
            known = None if parent is None else await self._journal.execution(self._tenant, parent)
        return True

    async def _document(self, version: str) -> Workflow | None:
        try:
            return await self._documents.of(version)
        except NotFound:
            return None

    async def _tell(self, row: Execution, what: str, why: str) -> None:
        """On the dashboard, once; returns when it is durable."""
        try:
            name = (await self._workflows.workflow(self._tenant, row.workflow_id)).name
        except NotFound:
            name = row.workflow_id
        whose = f"The error workflow {name}" if what == "failed itself" else f"The error workflow of {name}"
        log.error("%s %s: %s", whose, what, why)
        self._journal.record(
            notice(
                "error-workflow",
                row.id,
                what,
                tenant=self._tenant,
                at=self._now(),
                level="error",
                title=f"{whose} {what}",
                message=why[:LONGEST_MESSAGE],
                workflow_id=row.workflow_id,
                execution_id=row.id,
            )
        )
        await self._journal.barrier(row.id)


def _is_wanted(row: Execution, document: Workflow) -> bool:
    if document.settings.error_workflow is None:
        return False
    if row.status != "STOPPED":
        return True
    halted = (row.error or {}).get("name") == AccountHalted.__name__
    return halted and document.settings.error_workflow_on_halt
