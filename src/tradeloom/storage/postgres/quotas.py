"""Quotas in PostgreSQL. A lock for each tenant lets processes decide one after another."""

from datetime import datetime
from typing import Any, Final

from psycopg import AsyncConnection

from tradeloom.accounts.quotas import LEDGER_KEPT, MINUTE, Allowance, Usage, check, day_of, month_of
from tradeloom.storage.postgres import rows
from tradeloom.storage.postgres.database import Database

_LOCK: Final = 7_233_408
_USAGE: Final = """
WITH running AS (
    SELECT workflow_id FROM executions WHERE tenant = %(tenant)s AND status IN ('PENDING', 'RUNNING')
    UNION ALL
    SELECT workflow_id FROM quota_starts s WHERE tenant = %(tenant)s AND at > %(minute)s
        AND NOT EXISTS (SELECT FROM executions e WHERE e.id = s.execution_id)
)
SELECT (SELECT count(*) FROM quota_starts WHERE tenant = %(tenant)s AND at > %(minute)s) AS minute,
    coalesce((SELECT starts FROM quota_usage WHERE tenant = %(tenant)s AND period = %(day)s), 0) AS day,
    coalesce((SELECT starts FROM quota_usage WHERE tenant = %(tenant)s AND period = %(month)s), 0) AS month,
    (SELECT count(*) FROM running) AS running,
    (SELECT count(*) FROM running WHERE workflow_id = %(workflow)s) AS running_of_workflow
"""
_COUNT: Final = (
    "INSERT INTO quota_usage (tenant, period, starts) SELECT %s, unnest(%s::text[]), %s"
    " ON CONFLICT (tenant, period) DO UPDATE SET starts = quota_usage.starts + excluded.starts"
)


class PostgresQuotas:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def take(self, tenant: str, workflow_id: str, execution_id: str, at: datetime, allowance: Allowance) -> bool:
        async with self._database.connection() as connection, connection.transaction():
            await connection.execute("SELECT pg_advisory_xact_lock(%s::integer, hashtext(%s))", [_LOCK, tenant])
            cursor = await connection.execute(
                "SELECT FROM quota_starts WHERE tenant = %s AND execution_id = %s", [tenant, execution_id]
            )
            if await cursor.fetchone() is not None:
                return False
            used = await _usage(connection, tenant, workflow_id, at)
            check(allowance, used, at)
            await connection.execute(
                "INSERT INTO quota_starts (tenant, execution_id, workflow_id, at) VALUES (%s, %s, %s, %s)",
                [tenant, execution_id, rows.text(workflow_id), at],
            )
            await connection.execute(_COUNT, [tenant, [day_of(at), month_of(at)], 1])
            if used.day == 0:
                await connection.execute(
                    "DELETE FROM quota_starts WHERE tenant = %s AND at <= %s", [tenant, at - LEDGER_KEPT]
                )
        return True

    async def give_back(self, tenant: str, execution_id: str) -> None:
        async with self._database.connection() as connection, connection.transaction():
            cursor = await connection.execute(
                "DELETE FROM quota_starts WHERE tenant = %s AND execution_id = %s RETURNING at", [tenant, execution_id]
            )
            found = await cursor.fetchone()
            if found is not None:
                await connection.execute(_COUNT, [tenant, [day_of(found["at"]), month_of(found["at"])], -1])

    async def usage(self, tenant: str, workflow_id: str, at: datetime) -> Usage:
        async with self._database.connection() as connection:
            return await _usage(connection, tenant, workflow_id, at)


async def _usage(connection: AsyncConnection[dict[str, Any]], tenant: str, workflow_id: str, at: datetime) -> Usage:
    values = {
        "tenant": tenant,
        "workflow": rows.text(workflow_id),
        "minute": at - MINUTE,
        "day": day_of(at),
        "month": month_of(at),
    }
    found = await (await connection.execute(_USAGE, values)).fetchone()
    assert found is not None
    return Usage(**found)
