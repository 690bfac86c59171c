"""Executions as lists show them, with what each traded: read from the stores alone, whether or not an engine runs."""

from collections.abc import Mapping, Sequence
from typing import Final

from tradeloom.api.models.executions import ExecutionPage, ExecutionQuery
from tradeloom.engine.execution_trades import ExecutedOrders, ExecutionTrades, LedgerTotals, trades_of
from tradeloom.engine.journal import ExecutionFilter, Journal
from tradeloom.engine.stores import WorkflowStore
from tradeloom.local.execution_trades import results_of
from tradeloom.local.views import stored_status, summary_of

MOST_NAMES: Final = 1_000
"""Of so many workflows a list of all executions tells the names, the last changed first."""


class ExecutionPages:
    def __init__(
        self,
        journal: Journal,
        workflows: WorkflowStore,
        orders: ExecutedOrders | None,
        trades: LedgerTotals | None,
    ) -> None:
        self._journal = journal
        self._workflows = workflows
        self._orders = orders
        self._trades = trades

    async def page(self, tenant: str, wanted: ExecutionQuery, *, limit: int, offset: int) -> ExecutionPage:
        """Newest first. Raises `NotFound` for a workflow that is not there."""
        workflow_id = wanted.workflow_id
        if workflow_id is not None:
            names = {workflow_id: (await self._workflows.workflow(tenant, workflow_id)).name}
        else:
            known, _ = await self._workflows.workflows(tenant, limit=MOST_NAMES)
            names = {workflow.id: workflow.name for workflow in known}
        which = ExecutionFilter(
            tenant=tenant,
            workflow_id=workflow_id,
            status=stored_status(wanted.status),
            since=wanted.since,
            before=wanted.before,
            limit=limit,
            offset=offset,
        )
        rows, total = await self._journal.executions(which)
        traded = await self.traded(tenant, [row.id for row in rows])
        made = [] if self._trades is None or workflow_id is None else await self._trades.results(tenant, workflow_id)
        return ExecutionPage(
            items=[summary_of(row, names.get(row.workflow_id, ""), traded.get(row.id)) for row in rows],
            total=total,
            results=results_of(made),
        )

    async def traded(self, tenant: str, execution_ids: Sequence[str]) -> Mapping[str, ExecutionTrades]:
        if self._orders is None or self._trades is None:
            return {}
        return await trades_of(tenant, execution_ids, self._orders, self._trades)
