"""What the database lets go of when it is old: in small transactions that wait for nobody, and hold nobody up.

Orders, trades, accounts' stops and credentials are never among it, nor what runs, waits for its error workflow, or has
an order nobody knows the fate of.
"""

# ruff: noqa: S608 (what is put into statements are our own texts)

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any, Final, Literal, LiteralString

from psycopg import AsyncConnection, sql

from tradeloom.storage.postgres.database import Database
from tradeloom.storage.postgres.dump import SWEEPING

Kind = Literal["executions", "logs", "notifications", "versions"]
BATCH: Final = 200

_SHA256: Final = re.compile(r"[0-9a-f]{64}")

_OLD: Final[dict[Kind, LiteralString]] = {
    # Old by when it was made, which the index knows, and by when it ended.
    "executions": (
        "SELECT e.id FROM executions e WHERE e.tenant = %(tenant)s AND e.created_at < %(before)s"
        " AND e.finished_at < %(before)s AND e.status NOT IN ('PENDING', 'RUNNING')"
        " AND (e.attended OR e.status = 'SUCCEEDED')"
        " AND NOT EXISTS (SELECT FROM orders o WHERE o.tenant = e.tenant AND o.execution_id = e.id"
        " AND o.state IN ('intended', 'unknown', 'manual'))"
    ),
    "logs": (
        "SELECT e.id FROM executions e WHERE e.tenant = %(tenant)s AND e.created_at < %(before)s"
        " AND e.finished_at < %(before)s AND e.status NOT IN ('PENDING', 'RUNNING')"
        " AND EXISTS (SELECT FROM logs l WHERE l.execution_id = e.id)"
    ),
    "notifications": "SELECT n.id FROM notifications n WHERE n.tenant = %(tenant)s AND n.created_at < %(before)s",
    # Never the newest or the active one, nor one that executions, orders or trades name.
    "versions": (
        "SELECT v.workflow_id, v.version FROM workflow_versions v"
        " JOIN workflows w ON w.tenant = v.tenant AND w.id = v.workflow_id"
        " WHERE v.tenant = %(tenant)s AND v.created_at < %(before)s AND v.version <> w.version"
        " AND v.version IS DISTINCT FROM w.active_version"
        " AND NOT EXISTS (SELECT FROM executions e WHERE e.tenant = v.tenant AND e.workflow_id = v.workflow_id"
        " AND e.version = v.version)"
        " AND NOT EXISTS (SELECT FROM orders o WHERE o.tenant = v.tenant AND o.workflow_id = v.workflow_id"
        " AND o.version = v.version)"
        " AND NOT EXISTS (SELECT FROM trades t WHERE t.tenant = v.tenant AND t.workflow_id = v.workflow_id"
        " AND t.workflow_version = v.version)"
    ),
}


_TABLE: Final[dict[Kind, LiteralString]] = {"executions": "e", "logs": "e", "notifications": "n", "versions": "v"}


class PostgresRetention:
    """Every method raises `StorageUnavailable`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def old(self, kind: Kind, tenant: str, before: datetime) -> int:
        """How many there are to delete. Of logs it counts executions whose logs are old."""
        row = await self._database.one(f"SELECT count(*) AS n FROM ({_OLD[kind]}) AS old", _given(tenant, before))
        return int(row["n"]) if row else 0

    async def delete(self, kind: Kind, tenant: str, before: datetime, limit: int = BATCH) -> int:
        """Delete some, the oldest first; how many. 0: there are no more, or others hold them."""
        async with self._database.connection() as connection, connection.transaction():
            # Rows are held while they go; one that somebody holds, for a retry, is left.
            table = _TABLE[kind]
            some: LiteralString = f"ORDER BY {table}.created_at LIMIT %(limit)s FOR UPDATE OF {table} SKIP LOCKED"
            given = {**_given(tenant, before), "limit": limit}
            cursor = await connection.execute(f"{_OLD[kind]} {some}", given)
            found = await cursor.fetchall()
            if found:
                await _DELETE[kind](connection, tenant, found)
            return len(found)

    @asynccontextmanager
    async def sweeping(self) -> AsyncIterator[bool]:
        """False while a backup copies blobs, or another engine cleans up: then nothing may be deleted."""
        async with self._database.connection() as connection:
            cursor = await connection.execute("SELECT pg_try_advisory_lock(%s) AS mine", [SWEEPING])
            row = await cursor.fetchone()
            mine = bool(row and row["mine"])
            try:
                yield mine
            finally:
                if mine:
                    await connection.execute("SELECT pg_advisory_unlock(%s)", [SWEEPING])

    async def named_blobs(self) -> set[str]:
        """Whatever in any row, the tenants' own tables included, looks like a blob's name."""
        found: set[str] = set()
        tables = await self._database.all(
            "SELECT schemaname AS schema, tablename AS name FROM pg_tables"
            " WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
        )
        async with self._database.connection() as connection:
            for table in tables:
                # One after another by a cursor: a table is larger than memory, and its writers do not notice.
                async with connection.transaction(), connection.cursor(name="names") as rows:
                    rows.itersize = 500
                    every = sql.SQL("SELECT t::text AS row FROM {} t WHERE t::text ~ '[0-9a-f]{{64}}'")
                    await rows.execute(every.format(sql.Identifier(table["schema"], table["name"])))
                    async for row in rows:
                        found.update(_SHA256.findall(row["row"]))
        return found

    async def named_versions(self) -> set[str]:
        """Of workflows and executions, of all tenants."""
        rows = await self._database.all("SELECT version FROM workflow_versions UNION SELECT version FROM executions")
        return {row["version"] for row in rows}


def _given(tenant: str, before: datetime) -> Any:
    return {"tenant": tenant, "before": before}


async def _delete_executions(connection: AsyncConnection[Any], tenant: str, rows: list[dict[str, Any]]) -> None:
    ids = [row["id"] for row in rows]
    await connection.execute("DELETE FROM logs WHERE execution_id = ANY(%s)", [ids])
    await connection.execute("DELETE FROM node_runs WHERE execution_id = ANY(%s)", [ids])
    await connection.execute("DELETE FROM executions WHERE tenant = %s AND id = ANY(%s)", [tenant, ids])


async def _delete_logs(connection: AsyncConnection[Any], tenant: str, rows: list[dict[str, Any]]) -> None:
    await connection.execute("DELETE FROM logs WHERE execution_id = ANY(%s)", [[row["id"] for row in rows]])


async def _delete_notifications(connection: AsyncConnection[Any], tenant: str, rows: list[dict[str, Any]]) -> None:
    await connection.execute(
        "DELETE FROM notifications WHERE tenant = %s AND id = ANY(%s)", [tenant, [row["id"] for row in rows]]
    )


async def _delete_versions(connection: AsyncConnection[Any], tenant: str, rows: list[dict[str, Any]]) -> None:
    for row in rows:
        await connection.execute(
            "DELETE FROM workflow_versions v USING workflows w WHERE v.tenant = %s AND v.workflow_id = %s"
            " AND v.version = %s AND w.tenant = v.tenant AND w.id = v.workflow_id AND v.version <> w.version"
            " AND v.version IS DISTINCT FROM w.active_version",
            [tenant, row["workflow_id"], row["version"]],
        )


_DELETE: Final = {
    "executions": _delete_executions,
    "logs": _delete_logs,
    "notifications": _delete_notifications,
    "versions": _delete_versions,
}
