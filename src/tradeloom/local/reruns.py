"""The API's retries, replays and pins on the local engine."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime

from tradeloom.api.models.executions import Execution
from tradeloom.api.models.reruns import Pin, PinList, Replay, Retry, SetPin
from tradeloom.compiler.compile import plan_of
from tradeloom.engine import journal
from tradeloom.engine.dispatcher import StartCommand
from tradeloom.engine.journal import ACTIVE, Journal
from tradeloom.engine.mode import Mode
from tradeloom.engine.pins import PinRecord, PinStore
from tradeloom.engine.stores import Blobs, VersionRecord, WorkflowStore
from tradeloom.errors import InvalidInput, NotFound, RetryRefused
from tradeloom.local.activation import may_trade
from tradeloom.local.bridging import OnLoop
from tradeloom.local.carrying import made_record
from tradeloom.local.executions import LocalExecutions
from tradeloom.local.modes import Modes, check_pin
from tradeloom.local.private_accounts import PrivateMarket
from tradeloom.local.recorded import recorded_for
from tradeloom.local.retrying import Retries, check_age
from tradeloom.local.triggers import started_by_hand
from tradeloom.workflow.document import Workflow


class LocalReruns:
    def __init__(
        self,
        on_loop: OnLoop,
        *,
        journal: Journal,
        workflows: WorkflowStore,
        blobs: Blobs,
        pins: PinStore,
        modes: Modes,
        retries: Retries,
        executions: LocalExecutions,
        private_market: PrivateMarket,
        market_now: Callable[[str], datetime],
    ) -> None:
        self._on_loop = on_loop
        self._journal = journal
        self._workflows = workflows
        self._blobs = blobs
        self._pins = pins
        self._modes = modes
        self._retries = retries
        self._executions = executions
        self._private_market = private_market
        self._market_now = market_now

    def retry(self, tenant: str, user: str, execution_id: str, wanted: Retry) -> Execution:
        return self._on_loop(self._retry(tenant, user, execution_id, wanted))

    def replay(self, tenant: str, user: str, execution_id: str, wanted: Replay) -> Execution:
        return self._on_loop(self._replay(tenant, user, execution_id, wanted))

    def pins(self, tenant: str, workflow_id: str) -> PinList:
        return self._on_loop(self._page(tenant, workflow_id))

    def pin(self, tenant: str, user: str, workflow_id: str, node: str, wanted: SetPin) -> Pin:
        return self._on_loop(self._pin(tenant, user, workflow_id, node, wanted))

    def unpin(self, tenant: str, workflow_id: str, node: str) -> None:
        self._on_loop(self._unpin(tenant, workflow_id, node))

    # -- on the loop --------------------------------------------------------------------------------------------

    async def _retry(self, tenant: str, user: str, execution_id: str, wanted: Retry) -> Execution:
        row = await self._executions.row(tenant, execution_id)
        if row.test_mode:
            await self._private_market.ready(row.account)
        await self._retries.retry(row, user, even_if_old=wanted.even_if_old)
        return await self._executions.after(tenant, execution_id, wanted.wait_s)

    async def _replay(self, tenant: str, user: str, execution_id: str, wanted: Replay) -> Execution:
        row = await self._executions.row(tenant, execution_id)
        _check_arming(wanted)
        if row.test_mode and not wanted.test_mode and wanted.from_node is not None:
            raise _not_for_real("What a test run recorded may be pinned, made by hand, or of a paper account")
        if row.status in ACTIVE:
            raise RetryRefused("The execution still runs.", hint="Wait until it has ended, or stop it.")
        version = await self._version(row, wanted)
        document = await self._document(version.version)
        try:
            trigger = started_by_hand(document, row.trigger)
        except InvalidInput as error:
            raise RetryRefused(
                f"This version has no trigger {row.trigger!r}.", field="version", hint="Run the old version again."
            ) from error
        if not wanted.test_mode and may_trade([node.model_dump() for node in document.nodes]):
            check_age(row, self._market_now(version.account), even_if_old=wanted.even_if_old)
        mode = await self._mode(row, document, trigger, wanted)
        if wanted.test_mode:
            await self._private_market.ready(version.account)
        command = StartCommand(
            tenant=tenant,
            user_id=user,
            workflow_id=row.workflow_id,
            trigger=trigger,
            payload=dict(row.run.get("payload") or {}),
            version=version.version,
            manual=True,
            test_mode=wanted.test_mode,
            mode=mode,
            as_of=row.as_of,
        )
        started = await self._executions.dispatch(command, "The execution was not replayed")
        return await self._executions.after(tenant, started, wanted.wait_s)

    async def _mode(self, row: journal.Execution, document: Workflow, trigger: str, wanted: Replay) -> Mode:
        from_node = wanted.from_node
        if from_node is None:
            return Mode(replay_of=row.id)
        runs = await self._journal.node_runs(row.tenant, row.id)
        old = await self._document(row.version)
        plan = await asyncio.to_thread(plan_of, document)
        recorded = recorded_for(plan, old, runs, trigger, from_node)
        if recorded.made_up and not wanted.test_mode:
            raise _not_for_real(f"What {recorded.made_up[0]!r} gave was pinned or made by hand")
        return Mode(
            given=await self._modes.keep(recorded.given),
            left_out=recorded.left_out,
            replay_of=row.id,
            from_node=from_node,
        )

    async def _version(self, row: journal.Execution, wanted: Replay) -> VersionRecord:
        try:
            workflow = await self._workflows.workflow(row.tenant, row.workflow_id)
            version = row.version if wanted.version == "old" else workflow.version
            return await self._workflows.version(row.tenant, row.workflow_id, version)
        except NotFound as error:
            raise RetryRefused(
                "The workflow, or the version it ran, is not there any more.",
                field="version",
                hint="Run it again with the current version.",
            ) from error

    async def _document(self, version: str) -> Workflow:
        try:
            return await self._executions.documents.of(version)
        except NotFound as error:
            raise RetryRefused("The version it ran is not there any more.", field="version") from error

    # -- pins ---------------------------------------------------------------------------------------------------

    async def _page(self, tenant: str, workflow_id: str) -> PinList:
        await self._workflows.workflow(tenant, workflow_id)
        return PinList(items=[_pin_of(each) for each in await self._pins.pins(tenant, workflow_id)])

    async def _pin(self, tenant: str, user: str, workflow_id: str, node: str, wanted: SetPin) -> Pin:
        workflow = await self._workflows.workflow(tenant, workflow_id)
        document = await self._document(workflow.version)
        try:
            drawn = document.node(node)
        except KeyError:
            raise NotFound(f"The workflow has no node {node!r}.") from None
        check_pin(drawn, wanted.port)
        await asyncio.to_thread(made_record, self._blobs, wanted.output, wanted.port)  # what no record can carry
        record = PinRecord(
            tenant=tenant,
            workflow_id=workflow_id,
            node=node,
            port=wanted.port,
            output=wanted.output,
            pinned_by=user,
            pinned_at=datetime.now(UTC),
        )
        await self._pins.pin(record)
        return _pin_of(record)

    async def _unpin(self, tenant: str, workflow_id: str, node: str) -> None:
        await self._workflows.workflow(tenant, workflow_id)
        if not await self._pins.unpin(tenant, workflow_id, node):
            raise NotFound(f"Nothing is pinned on {node!r}.")


def _check_arming(wanted: Replay) -> None:
    if wanted.test_mode and wanted.arm:
        raise InvalidInput("A replay in test mode is not armed.", field="arm", hint="Say test_mode: false as well.")
    if not wanted.test_mode and not wanted.arm:
        raise InvalidInput(
            "Outside test mode a replay trades for real, again.", field="arm", hint="Say arm: true if that is wanted."
        )


def _not_for_real(what: str) -> RetryRefused:
    return RetryRefused(
        f"{what}: no real order rests on it.", field="from_node", hint="Run all of it again, or in test mode."
    )


def _pin_of(record: PinRecord) -> Pin:
    return Pin(
        node=record.node,
        port=record.port,
        output=record.output,
        pinned_by=record.pinned_by,
        pinned_at=record.pinned_at,
    )
