"""Quotas in memory, beside a journal's rows."""

from datetime import datetime

from tradeloom.accounts.quotas import LEDGER_KEPT, MINUTE, Allowance, Usage, check, day_of, month_of
from tradeloom.engine.journal import ACTIVE
from tradeloom.storage.memory.journal import MemoryDatabase


class MemoryQuotas:
    def __init__(self, database: MemoryDatabase) -> None:
        self._database = database
        self._starts: dict[tuple[str, str], tuple[str, datetime]] = {}
        self._periods: dict[tuple[str, str], int] = {}

    async def take(self, tenant: str, workflow_id: str, execution_id: str, at: datetime, allowance: Allowance) -> bool:
        if (tenant, execution_id) in self._starts:
            return False
        check(allowance, await self.usage(tenant, workflow_id, at), at)
        self._starts = {key: start for key, start in self._starts.items() if start[1] > at - LEDGER_KEPT}
        self._starts[tenant, execution_id] = (workflow_id, at)
        self._count(tenant, at, 1)
        return True

    async def give_back(self, tenant: str, execution_id: str) -> None:
        start = self._starts.pop((tenant, execution_id), None)
        if start is not None:
            self._count(tenant, start[1], -1)

    async def usage(self, tenant: str, workflow_id: str, at: datetime) -> Usage:
        recent = {
            execution_id: workflow
            for (owner, execution_id), (workflow, since) in self._starts.items()
            if owner == tenant and since > at - MINUTE
        }
        rows = self._database.executions
        running = [row.workflow_id for row in rows.values() if row.tenant == tenant and row.status in ACTIVE]
        running += [workflow for execution_id, workflow in recent.items() if execution_id not in rows]
        return Usage(
            minute=len(recent),
            day=self._periods.get((tenant, day_of(at)), 0),
            month=self._periods.get((tenant, month_of(at)), 0),
            running=len(running),
            running_of_workflow=running.count(workflow_id),
        )

    def _count(self, tenant: str, at: datetime, by: int) -> None:
        for period in (day_of(at), month_of(at)):
            self._periods[tenant, period] = self._periods.get((tenant, period), 0) + by
