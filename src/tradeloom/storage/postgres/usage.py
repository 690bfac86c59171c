"""Usage counted from the executions in PostgreSQL."""

from datetime import UTC, datetime, timedelta
from typing import Final

from tradeloom.accounts.quotas import MINUTE
from tradeloom.engine.usage import DayUsage, ExecutionUsage
from tradeloom.storage.postgres.database import Database

_COUNTS: Final = (
    "SELECT count(*) FILTER (WHERE created_at > %s) AS minute, count(*) FILTER (WHERE created_at >= %s) AS day,"
    " count(*) FILTER (WHERE created_at >= %s) AS month,"
    " (SELECT count(*) FROM executions WHERE tenant = %s AND status IN ('PENDING', 'RUNNING')) AS running"
    " FROM executions WHERE tenant = %s AND created_at >= %s AND created_at <= %s"
)
_DAYS: Final = (
    "SELECT (created_at AT TIME ZONE 'UTC')::date AS day, count(*) AS started,"
    " count(*) FILTER (WHERE status IN ('FAILED', 'STOPPED', 'TIMED_OUT')) AS failed"
    " FROM executions WHERE tenant = %s AND created_at >= %s AND created_at <= %s GROUP BY 1 ORDER BY 1"
)


class PostgresUsage:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def usage(self, tenant: str, at: datetime, *, days: int) -> ExecutionUsage:
        midnight = at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        month = midnight.replace(day=1)
        since = min(month, at - MINUTE)  # a minute may reach back into the month before
        counts = await self._database.one(_COUNTS, [at - MINUTE, midnight, month, tenant, tenant, since, at])
        assert counts is not None
        found = await self._database.all(_DAYS, [tenant, midnight - timedelta(days=days - 1), at])
        return ExecutionUsage(**counts, days=tuple(DayUsage(**row) for row in found))
