"""The API's workflows on the local stores."""

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any

from tradeloom.accounts.credentials.vault import Vault
from tradeloom.api.models.workflows import WorkflowDetail, WorkflowPage, WorkflowSummary
from tradeloom.compiler.compile import Compiled
from tradeloom.engine.journal import Execution
from tradeloom.engine.schedules import ScheduleStore
from tradeloom.engine.stores import Blobs, VersionRecord, WorkflowRecord, WorkflowStore
from tradeloom.errors import InvalidInput, NotFound
from tradeloom.local.activation import called_workflows, check_limits, may_trade
from tradeloom.local.bridging import OnLoop
from tradeloom.local.credentials import METADATA, unknown_credentials, uses_of
from tradeloom.local.error_workflow_check import METADATA as ERROR_WORKFLOW
from tradeloom.local.error_workflow_check import check_error_workflow
from tradeloom.local.schedules import failure_of
from tradeloom.local.versions import kept_version
from tradeloom.local.views import last_run_of
from tradeloom.nodes.trigger.schedule import ScheduleTrigger
from tradeloom.trading.methods import AccountStatus
from tradeloom.workflow.schedules import next_fires

Changed = Callable[[str, str], Awaitable[None]]
"""Told the tenant and id of a workflow whose running version changed."""
LastRuns = Callable[[str, Sequence[str]], Awaitable[Mapping[str, Execution]]]
"""Asked with the tenant and ids of workflows."""


class LocalWorkflows:
    """`market_now` gives an account's market time, `account_status` its bridge's answer, which may block; `stop_all`
    stops what still runs of a workflow, `last_runs` gives the newest execution of each that has one."""

    def __init__(
        self,
        on_loop: OnLoop,
        store: WorkflowStore,
        schedules: ScheduleStore,
        blobs: Blobs,
        vault: Vault,
        *,
        market_now: Callable[[str], datetime],
        account_status: Callable[[str], AccountStatus],
        changed: Changed,
        stop_all: Callable[[str, str, str], Awaitable[int]],
        last_runs: LastRuns,
    ) -> None:
        self._on_loop = on_loop
        self._store = store
        self._schedules = schedules
        self._blobs = blobs
        self._vault = vault
        self._market_now = market_now
        self._account_status = account_status
        self._changed = changed
        self._stop_all = stop_all
        self._last_runs = last_runs

    def create(self, tenant: str, compiled: Compiled) -> WorkflowDetail:
        return self._on_loop(self._create(tenant, f"wf-{secrets.token_hex(6)}", compiled))

    def replace(self, tenant: str, workflow_id: str, compiled: Compiled, expected: str | None) -> WorkflowDetail:
        return self._on_loop(self._replace(tenant, workflow_id, compiled, expected))

    def page(self, tenant: str, *, limit: int, offset: int) -> WorkflowPage:
        return self._on_loop(self._page(tenant, limit, offset))

    def get(self, tenant: str, workflow_id: str) -> WorkflowDetail:
        return self._on_loop(self._get(tenant, workflow_id))

    def delete(self, tenant: str, workflow_id: str) -> None:
        self._on_loop(self._delete(tenant, workflow_id))

    def toggle(self, tenant: str, workflow_id: str, active: bool | None) -> WorkflowDetail:
        return self._on_loop(self._toggle(tenant, workflow_id, active))

    def set_tags(self, tenant: str, workflow_id: str, tags: Sequence[str]) -> WorkflowDetail:
        return self._on_loop(self._set_tags(tenant, workflow_id, tuple(tags)))

    # -- on the loop --------------------------------------------------------------------------------------------

    async def save(self, tenant: str, workflow_id: str, compiled: Compiled, expected: str | None) -> WorkflowDetail:
        """Keep a version and make it its workflow's newest; the workflow is made when there is none. Whether its error
        workflow is there is not asked: what is run from a file may stand alone."""
        document = compiled.plan.graph.document
        version = await kept_version(self._blobs, tenant, workflow_id, compiled, _metadata(compiled))
        record = await self._store.save(
            version, name=document.name, description=document.description, expected=expected
        )
        return await self._detail(record)

    async def _create(self, tenant: str, workflow_id: str, compiled: Compiled) -> WorkflowDetail:
        await check_error_workflow(self._store, self._blobs, tenant, workflow_id, compiled.plan.graph.document)
        return await self.save(tenant, workflow_id, compiled, None)

    async def _replace(self, tenant: str, workflow_id: str, compiled: Compiled, expected: str | None) -> WorkflowDetail:
        before = await self._store.workflow(tenant, workflow_id)
        await check_error_workflow(self._store, self._blobs, tenant, workflow_id, compiled.plan.graph.document)
        if before.active:
            nodes = compiled.artefact["document"]["nodes"]
            account = compiled.plan.graph.document.settings.broker_account
            await self._check_accounts(tenant, workflow_id, account, nodes)
        made = await self.save(tenant, workflow_id, compiled, expected)
        if not before.active or (before.active_version == compiled.version and not made.schedule_failures):
            return made
        record = await self._store.set_active(tenant, workflow_id, compiled.version)
        await self._changed(tenant, workflow_id)
        return await self._detail(record)

    async def _page(self, tenant: str, limit: int, offset: int) -> WorkflowPage:
        records, total = await self._store.workflows(tenant, limit=limit, offset=offset)
        last_runs = await self._last_runs(tenant, [record.id for record in records])
        items = []
        for record in records:
            with suppress(NotFound):  # deleted since it was listed
                version = await self._store.version(tenant, record.id, record.version)
                items.append(WorkflowSummary(**self._summary(record, version, last_runs)))
        return WorkflowPage(items=items, total=total)

    async def _get(self, tenant: str, workflow_id: str) -> WorkflowDetail:
        return await self._detail(await self._store.workflow(tenant, workflow_id))

    async def _delete(self, tenant: str, workflow_id: str) -> None:
        await self._store.workflow(tenant, workflow_id)
        await self._store.delete(tenant, workflow_id)
        await self._changed(tenant, workflow_id)
        await self._stop_all(tenant, workflow_id, "the workflow was deleted")

    async def kill(self, tenant: str, workflow_id: str, reason: str) -> int:
        """Deactivate it and stop its executions; how many. Raises `NotFound`."""
        record = await self._store.workflow(tenant, workflow_id)
        if record.active:
            await self._store.set_active(tenant, workflow_id, None)
            await self._changed(tenant, workflow_id)
        return await self._stop_all(tenant, workflow_id, reason)

    async def _toggle(self, tenant: str, workflow_id: str, active: bool | None) -> WorkflowDetail:
        record = await self._store.workflow(tenant, workflow_id)
        wanted = not record.active if active is None else active
        if wanted != record.active:
            if wanted:
                version = await self._store.version(tenant, workflow_id, record.version)
                artefact = await asyncio.to_thread(self._blobs.artefact, version.version)
                await self._check_accounts(tenant, workflow_id, version.account, artefact["document"]["nodes"])
            record = await self._store.set_active(tenant, workflow_id, record.version if wanted else None)
            await self._changed(tenant, workflow_id)
        return await self._detail(record)

    async def _set_tags(self, tenant: str, workflow_id: str, tags: tuple[str, ...]) -> WorkflowDetail:
        return await self._detail(await self._store.set_tags(tenant, workflow_id, tags))

    async def _check_accounts(self, tenant: str, workflow_id: str, account: str, nodes: list[dict[str, Any]]) -> None:
        """An active workflow needs a market to live in, and limits to trade under, and so do those it runs. Raises
        `InvalidInput` for an account this machine has not; for its limits see `check_limits`."""
        self._market_now(account)
        if may_trade(nodes):
            await asyncio.to_thread(check_limits, account, self._account_status)
        for called in await called_workflows(self._store, self._blobs, tenant, workflow_id, nodes):
            if may_trade(called.nodes):
                self._market_now(called.account)
                await asyncio.to_thread(check_limits, called.account, self._account_status, called)

    async def _detail(self, record: WorkflowRecord) -> WorkflowDetail:
        version = await self._store.version(record.tenant, record.id, record.version)
        artefact = await asyncio.to_thread(self._blobs.artefact, record.version)
        unknown = await unknown_credentials(self._vault, record.tenant, artefact["document"]["nodes"])
        faults = await self._schedules.faults(record.tenant, record.id)
        last_runs = await self._last_runs(record.tenant, [record.id])
        return WorkflowDetail(
            **self._summary(record, version, last_runs),
            schedule_failures=[shown for fault in faults if (shown := failure_of(fault)) is not None],
            document=artefact["document"],
            execution_type=version.metadata.get("execution_type", "standard"),
            warnings=[*version.metadata.get("warnings", []), *unknown],
        )

    def _summary(
        self, record: WorkflowRecord, version: VersionRecord, last_runs: Mapping[str, Execution]
    ) -> dict[str, Any]:
        return {
            "id": record.id,
            "name": record.name,
            "description": record.description,
            "active": record.active,
            "version": record.version,
            "nodes": version.metadata.get("nodes", 0),
            "account": version.account,
            "tags": list(record.tags),
            "created_at": record.created_at,
            "updated_at": record.updated_at,
            "next_fire": self._next_fire(version) if record.active else None,
            "last_run": last_run_of(last_runs.get(record.id)),
        }

    def _next_fire(self, version: VersionRecord) -> datetime | None:
        fires = []
        for config in version.metadata.get("schedules", ()):
            try:
                fires += next_fires(ScheduleTrigger.schedule(config), self._market_now(version.account), 1)
            except InvalidInput:  # saved by a release that understood more, or for an account that was removed
                continue
        return min(fires, default=None)


def _metadata(compiled: Compiled) -> dict[str, Any]:
    """What lists show of a version, so that they need not read its document."""
    nodes = compiled.plan.graph.document.nodes
    return {
        "nodes": len(nodes),
        "execution_type": compiled.execution_type,
        ERROR_WORKFLOW: compiled.plan.graph.document.settings.error_workflow,
        METADATA: uses_of(compiled.artefact["document"]["nodes"]),
        "warnings": [problem.as_dict() for problem in compiled.warnings],
        "schedules": [node.config for node in nodes if node.type == ScheduleTrigger.type and not node.disabled],
    }
