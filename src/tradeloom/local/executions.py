"""The API's executions on the local engine, and its notifications."""

import asyncio
from collections.abc import Callable
from contextlib import suppress

from tradeloom.accounts.quotas import QuotaGate
from tradeloom.api.addresses import MAX_ITEMS
from tradeloom.api.models.decisions import Decisions
from tradeloom.api.models.executions import (
    Execute,
    Execution,
    ExecutionDocument,
    ExecutionPage,
    ExecutionQuery,
    LogPage,
)
from tradeloom.api.models.notifications import NotificationPage
from tradeloom.compiler.compile import compile_workflow
from tradeloom.engine.clock import Clock
from tradeloom.engine.dispatcher import Dispatcher, OnSkip, Refuses, StartCommand
from tradeloom.engine.engine import Engine
from tradeloom.engine.execution_trades import LedgerTotals
from tradeloom.engine.journal import Execution as Row
from tradeloom.engine.journal import Journal, NodeRun
from tradeloom.engine.mode import Mode
from tradeloom.engine.orders import OrderFilter, OrderRecord, OrderStore
from tradeloom.engine.stores import Blobs, VersionRecord, WorkflowStore
from tradeloom.errors import Conflict, NotFound, TradeloomError
from tradeloom.local.bridging import OnLoop
from tradeloom.local.documents import Documents
from tradeloom.local.execution_pages import ExecutionPages
from tradeloom.local.modes import Modes
from tradeloom.local.private_accounts import PrivateMarket, PrivateVersions, private_account, private_version
from tradeloom.local.triggers import started_by_hand
from tradeloom.local.versions import kept_version
from tradeloom.local.views import execution_of, log_page, notification_of
from tradeloom.local.why_no_trade import decisions_of
from tradeloom.workflow.document import Workflow


def _found[T](row: T | None) -> T:
    if row is None:
        raise NotFound("There is no such execution.", hint="`tradeloom executions` lists them.")
    return row


class LocalExecutions:
    """Starts go through the dispatcher; those in test mode through one that only knows private accounts."""

    def __init__(
        self,
        on_loop: OnLoop,
        *,
        engine: Engine,
        journal: Journal,
        workflows: WorkflowStore,
        blobs: Blobs,
        clock_for_account: Callable[[str], Clock],
        private_market: PrivateMarket,
        refuses: Refuses | None = None,
        on_skip: OnSkip | None = None,
        quota: QuotaGate | None = None,
        orders: OrderStore | None = None,
        trades: LedgerTotals | None = None,
        modes: Modes | None = None,
    ) -> None:
        self._on_loop = on_loop
        self._engine = engine
        self._journal = journal
        self._workflows = workflows
        self._private_market = private_market
        self._orders = orders
        self._pages = ExecutionPages(journal, workflows, orders, trades)
        self._modes = modes
        self.dispatcher = Dispatcher(
            engine=engine,
            journal=journal,
            workflows=workflows,
            clock_for_account=clock_for_account,
            refuses=refuses,
            on_skip=on_skip,
            quota=quota,
        )
        self.test_dispatcher = Dispatcher(
            engine=engine,
            journal=journal,
            workflows=PrivateVersions(workflows),
            clock_for_account=clock_for_account,
            refuses=refuses,
            quota=quota,
        )
        self._blobs = blobs
        self.documents = Documents(blobs)

    def start(self, tenant: str, user: str, workflow_id: str, wanted: Execute) -> Execution:
        return self._on_loop(self.begin(tenant, user, workflow_id, wanted))

    def page(self, tenant: str, wanted: ExecutionQuery, *, limit: int, offset: int) -> ExecutionPage:
        return self._on_loop(self._pages.page(tenant, wanted, limit=limit, offset=offset))

    def get(self, tenant: str, execution_id: str) -> Execution:
        return self._on_loop(self.read(tenant, execution_id))

    def document(self, tenant: str, execution_id: str) -> ExecutionDocument:
        return self._on_loop(self._document(tenant, execution_id))

    def decisions(self, tenant: str, execution_id: str) -> Decisions:
        return self._on_loop(self._decisions(tenant, execution_id))

    def logs(self, tenant: str, execution_id: str, *, after: int, limit: int) -> LogPage:
        return self._on_loop(self._logs(tenant, execution_id, after, limit))

    def stop(self, tenant: str, user: str, execution_id: str) -> Execution:
        return self._on_loop(self._stop(tenant, user, execution_id))

    # -- on the loop --------------------------------------------------------------------------------------------

    async def begin(self, tenant: str, user: str, workflow_id: str, wanted: Execute) -> Execution:
        """Start a workflow's newest version, or the document that is given, and wait as long as is wanted."""
        workflow = await self._workflows.workflow(tenant, workflow_id)
        if wanted.document is None:
            version = await self._workflows.version(tenant, workflow_id, workflow.version)
        else:
            compiled = await asyncio.to_thread(compile_workflow, wanted.document)
            version = await kept_version(self._blobs, tenant, workflow_id, compiled)
        document = await self.documents.of(version.version)
        private_account(version.account)  # an account this machine has not, is told before anything starts
        if wanted.test_mode:
            await self._private_market.ready(version.account)
        trigger = started_by_hand(document, wanted.trigger)
        command = StartCommand(
            tenant=tenant,
            user_id=user,
            workflow_id=workflow_id,
            trigger=trigger,
            payload=wanted.payload,
            mode=await self._mode(tenant, workflow_id, document, trigger, wanted),
            version=version.version,
            manual=True,
            test_mode=wanted.test_mode,
            unsaved=None if wanted.document is None else self._as_run(version, wanted.test_mode),
        )
        started = await self.dispatch(command, "The workflow was not started")
        return await self.after(tenant, started, wanted.wait_s)

    def dispatcher_for(self, test_mode: bool) -> Dispatcher:
        return self.test_dispatcher if test_mode else self.dispatcher

    @staticmethod
    def _as_run(version: VersionRecord, test_mode: bool) -> VersionRecord:
        return private_version(version) if test_mode else version

    async def dispatch(self, command: StartCommand, if_not: str) -> str:
        """The id of what was started; `Conflict`, which begins with `if_not`, where nothing was."""
        dispatched = await self.dispatcher_for(command.test_mode).dispatch(command)
        if dispatched.execution_id is None:
            raise Conflict(f"{if_not}: {dispatched.reason}.")
        return dispatched.execution_id

    async def after(self, tenant: str, execution_id: str, wait_s: float) -> Execution:
        """The execution once it has ended, or as it stands after the wait."""
        await self.wait(tenant, execution_id, wait_s)
        return await self.read(tenant, execution_id)

    async def wait(self, tenant: str, execution_id: str, wait_s: float) -> None:
        """Until it has ended, at most for the wait."""
        if wait_s:
            with suppress(TimeoutError):
                async with asyncio.timeout(wait_s):
                    await self._engine.result(execution_id, tenant=tenant)

    async def row(self, tenant: str, execution_id: str) -> Row:
        """Raises `NotFound`."""
        return _found(await self._journal.execution(tenant, execution_id))

    async def _with_runs(self, tenant: str, execution_id: str) -> tuple[Row, list[NodeRun]]:
        """Raises `NotFound`."""
        return _found(await self._journal.with_runs(tenant, execution_id))

    async def _mode(self, tenant: str, workflow_id: str, document: Workflow, trigger: str, wanted: Execute) -> Mode:
        """Pins count in test mode only."""
        if self._modes is None:
            return Mode()
        use_pins = wanted.test_mode and wanted.use_pins
        return await self._modes.make(tenant, workflow_id, document, trigger, use_pins=use_pins, until=wanted.until)

    async def read(self, tenant: str, execution_id: str) -> Execution:
        row, runs = await self._with_runs(tenant, execution_id)
        document = await self._known_document(row.version)
        orders: list[OrderRecord] = []
        if self._orders is not None:
            which = OrderFilter(tenant=tenant, execution_id=execution_id, limit=MAX_ITEMS)
            orders = (await self._orders.orders(which))[0][::-1]
        traded = await self._pages.traded(tenant, [execution_id])
        name = document.name if document else ""
        retries = await self._journal.retries(tenant, execution_id)
        return execution_of(row, runs, name, document, orders, traded.get(execution_id), retries)

    async def stop_all(self, tenant: str, workflow_id: str, reason: str) -> int:
        """Stop every execution of a workflow that has not ended; how many."""
        active = await self._journal.active(tenant, workflow_id)
        for row in active:
            with suppress(NotFound):
                await self._engine.stop(row.id, reason, tenant=tenant)
        return len(active)

    async def _document(self, tenant: str, execution_id: str) -> ExecutionDocument:
        row = await self.row(tenant, execution_id)
        document = await self.documents.of(row.version)
        return ExecutionDocument(version=row.version, document=document.model_dump(mode="json"))

    async def _decisions(self, tenant: str, execution_id: str) -> Decisions:
        row, runs = await self._with_runs(tenant, execution_id)
        document = await self.documents.of(row.version)
        return await asyncio.to_thread(decisions_of, row, runs, document, self._blobs)

    async def _logs(self, tenant: str, execution_id: str, after: int, limit: int) -> LogPage:
        await self.row(tenant, execution_id)
        return log_page(await self._journal.logs(tenant, execution_id, after=after, limit=limit), after)

    async def _stop(self, tenant: str, user: str, execution_id: str) -> Execution:
        await self._engine.stop(execution_id, f"stopped by {user}", tenant=tenant)
        return await self.read(tenant, execution_id)

    async def _known_document(self, version: str) -> Workflow | None:
        """None where the artefact is gone: what ran can still be told, without names."""
        try:
            return await self.documents.of(version)
        except TradeloomError:
            return None


class LocalNotifications:
    def __init__(self, on_loop: OnLoop, journal: Journal) -> None:
        self._on_loop = on_loop
        self._journal = journal

    def page(self, tenant: str, *, limit: int) -> NotificationPage:
        stored = self._on_loop(self._journal.notifications(tenant, limit=limit))
        return NotificationPage(items=[notification_of(each) for each in stored])
