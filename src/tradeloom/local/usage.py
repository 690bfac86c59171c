"""Usage of one machine. What runs here costs nothing but the machine."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final

from tradeloom.accounts.quotas import MINUTE, Allowance
from tradeloom.api.models.usage import Meter, Usage, UsageDay
from tradeloom.engine.stores import WorkflowStore
from tradeloom.engine.usage import UsageReader
from tradeloom.local.bridging import OnLoop

DAYS: Final = 30


def _now() -> datetime:
    return datetime.now(UTC)


class LocalUsage:
    def __init__(
        self,
        on_loop: OnLoop,
        *,
        reader: UsageReader,
        workflows: WorkflowStore,
        allowance: Callable[[str], Allowance],
        now: Callable[[], datetime] = _now,
    ) -> None:
        self._on_loop = on_loop
        self._reader = reader
        self._workflows = workflows
        self._allowance = allowance
        self._now = now

    def usage(self, tenant: str) -> Usage:
        return self._on_loop(self._usage(tenant))

    async def _usage(self, tenant: str) -> Usage:
        at, allowance = self._now(), self._allowance(tenant)
        used = await self._reader.usage(tenant, at, days=DAYS)
        _, workflows = await self._workflows.workflows(tenant, limit=1)
        _, active = await self._workflows.workflows(tenant, active=True, limit=1)
        midnight = at.replace(hour=0, minute=0, second=0, microsecond=0)
        next_month = (midnight.replace(day=1) + timedelta(days=32)).replace(day=1)
        known = {each.day: each for each in used.days}
        days = [midnight.date() - timedelta(days=back) for back in reversed(range(DAYS))]
        return Usage(
            tier=allowance.tier,
            at=at,
            minute=Meter(used=used.minute, limit=allowance.per_minute, renews_at=at + MINUTE),
            day=Meter(used=used.day, limit=allowance.per_day, renews_at=midnight + timedelta(days=1)),
            month=Meter(used=used.month, limit=allowance.per_month, renews_at=next_month),
            at_once=Meter(used=used.running, limit=allowance.at_once),
            at_once_of_workflow=allowance.at_once_of_workflow,
            workflows=workflows,
            active_workflows=active,
            days=[
                UsageDay(day=day, started=known[day].started, failed=known[day].failed)
                if day in known
                else UsageDay(day=day, started=0, failed=0)
                for day in days
            ],
            billed=False,
        )
