"""Usage counted from executions in memory."""

from collections import Counter
from datetime import UTC, datetime, timedelta

from tradeloom.accounts.quotas import MINUTE, day_of, month_of
from tradeloom.engine.journal import ACTIVE, BAD_ENDS
from tradeloom.engine.usage import DayUsage, ExecutionUsage
from tradeloom.storage.memory.journal import MemoryDatabase


class MemoryUsage:
    def __init__(self, database: MemoryDatabase) -> None:
        self._database = database

    async def usage(self, tenant: str, at: datetime, *, days: int) -> ExecutionUsage:
        rows = [row for row in self._database.executions.values() if row.tenant == tenant]
        starts = [row for row in rows if row.created_at <= at]
        first = at.astimezone(UTC).date() - timedelta(days=days - 1)
        started = Counter(row.created_at.astimezone(UTC).date() for row in starts)
        failed = Counter(row.created_at.astimezone(UTC).date() for row in starts if row.status in BAD_ENDS)
        return ExecutionUsage(
            minute=sum(row.created_at > at - MINUTE for row in starts),
            day=sum(day_of(row.created_at) == day_of(at) for row in starts),
            month=sum(month_of(row.created_at) == month_of(at) for row in starts),
            running=sum(row.status in ACTIVE for row in rows),
            days=tuple(DayUsage(day, started[day], failed[day]) for day in sorted(started) if day >= first),
        )
