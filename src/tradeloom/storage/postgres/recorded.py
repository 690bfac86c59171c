"""What the journal in PostgreSQL holds, read. What each method promises stands in `tradeloom.engine.journal`."""

# ruff: noqa: S608 (what is put into statements are our own column names)

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from tradeloom.engine.events import Past
from tradeloom.engine.journal import (
    Execution,
    ExecutionFilter,
    History,
    KeyedStart,
    LogLine,
    NodeRun,
    RetryRecord,
    StoredNotification,
)
from tradeloom.storage.postgres import rows
from tradeloom.storage.postgres.database import Database, columns
from tradeloom.storage.postgres.past import LAST_SEQ, read_past

EXECUTION: Final = columns(list(rows.EXECUTION))
RETRY: Final = columns([f"r.{name}" for name in rows.RETRY])
BY_ID: Final = f"SELECT {EXECUTION} FROM executions WHERE tenant = %s AND id = %s"
_RUN: Final = columns([f"n.{name}" for name in rows.NODE_RUN])
_LOG: Final = columns([f"l.{name}" for name in rows.LOG])
_RUNS_OF: Final = f"SELECT {_RUN} FROM node_runs n WHERE execution_id = %s ORDER BY started_seq"


class RecordedExecutions:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def history(self, execution_id: str) -> History:
        found = await self._database.all(_RUNS_OF, [execution_id])
        last = await self._database.one(LAST_SEQ, [execution_id] * 3)
        assert last is not None
        retried = await self._database.all(
            f"SELECT {RETRY} FROM execution_retries r WHERE execution_id = %s ORDER BY number", [execution_id]
        )
        return History([rows.node_run(row) for row in found], last["seq"], [rows.retry(row) for row in retried])

    async def retries(self, tenant: str, execution_id: str) -> list[RetryRecord]:
        found = await self._database.all(
            f"SELECT {RETRY} FROM execution_retries r JOIN executions e ON e.id = r.execution_id"
            " WHERE e.tenant = %s AND r.execution_id = %s ORDER BY number",
            [tenant, rows.text(execution_id)],
        )
        return [rows.retry(row) for row in found]

    async def execution(self, tenant: str, execution_id: str) -> Execution | None:
        row = await self._database.one(BY_ID, [tenant, rows.text(execution_id)])
        return None if row is None else rows.execution(row)

    async def execution_by_key(self, tenant: str, dedupe_key: str) -> Execution | None:
        row = await self._database.one(
            f"SELECT {EXECUTION} FROM executions WHERE tenant = %s AND dedupe_key = %s",
            [tenant, rows.text(dedupe_key)],
        )
        return None if row is None else rows.execution(row)

    async def executions(self, which: ExecutionFilter) -> tuple[list[Execution], int]:
        matching = (
            "tenant = %s AND (%s::text IS NULL OR workflow_id = %s) AND (%s::text IS NULL OR status = %s)"
            " AND (%s::timestamptz IS NULL OR created_at >= %s) AND (%s::timestamptz IS NULL OR created_at < %s)"
        )
        values: list[str | datetime | None] = [which.tenant]
        for value in (which.workflow_id, which.status, which.since, which.before):
            values += [value, value]
        found = await self._database.all(
            f"SELECT {EXECUTION} FROM executions WHERE {matching} ORDER BY created_at DESC, id DESC LIMIT %s OFFSET %s",
            [*values, which.limit, which.offset],
        )
        total = await self._database.one(f"SELECT count(*) AS n FROM executions WHERE {matching}", values)
        return [rows.execution(row) for row in found], 0 if total is None else total["n"]

    async def active(self, tenant: str, workflow_id: str) -> list[Execution]:
        found = await self._database.all(
            f"SELECT {EXECUTION} FROM executions WHERE tenant = %s AND workflow_id = %s"
            " AND status IN ('PENDING', 'RUNNING') ORDER BY created_at, id",
            [tenant, workflow_id],
        )
        return [rows.execution(row) for row in found]

    async def starts(self, tenant: str, dedupe_keys: Sequence[str]) -> dict[str, KeyedStart]:
        found = await self._database.all(
            "SELECT dedupe_key, id, status, started_at IS NOT NULL AS began, stop_reason FROM executions"
            " WHERE tenant = %s AND dedupe_key = ANY(%s)",
            [tenant, [rows.text(key) for key in dedupe_keys]],
        )
        return {
            row["dedupe_key"]: KeyedStart(row["id"], row["status"], row["began"], row["stop_reason"]) for row in found
        }

    async def last_as_of(self, tenant: str, workflow_id: str, until: datetime) -> datetime | None:
        row = await self._database.one(
            "SELECT as_of FROM executions WHERE tenant = %s AND workflow_id = %s AND NOT test_mode"
            " AND started_at IS NOT NULL AND as_of <= %s ORDER BY created_at DESC, id DESC LIMIT 1",
            [tenant, rows.text(workflow_id), until],
        )
        return None if row is None else row["as_of"]

    async def last_runs(self, tenant: str, workflow_ids: Sequence[str]) -> dict[str, Execution]:
        # For each workflow the first row of its index, however many it has.
        found = await self._database.all(
            f"SELECT last.* FROM unnest(%s::text[]) AS wanted (workflow) CROSS JOIN LATERAL (SELECT {EXECUTION}"
            " FROM executions WHERE tenant = %s AND workflow_id = wanted.workflow AND NOT test_mode"
            " ORDER BY created_at DESC, id DESC LIMIT 1) AS last",
            [[rows.text(workflow_id) for workflow_id in workflow_ids], tenant],
        )
        return {row["workflow_id"]: rows.execution(row) for row in found}

    async def unattended(self, tenant: str, *, limit: int = 100) -> list[Execution]:
        found = await self._database.all(
            f"SELECT {EXECUTION} FROM executions WHERE tenant = %s AND NOT attended"
            " AND status IN ('FAILED', 'STOPPED', 'TIMED_OUT') ORDER BY finished_at, id LIMIT %s",
            [tenant, limit],
        )
        return [rows.execution(row) for row in found]

    async def node_runs(self, tenant: str, execution_id: str) -> list[NodeRun]:
        found = await self._database.all(
            f"SELECT {_RUN} FROM node_runs n JOIN executions e ON e.id = n.execution_id"
            " WHERE e.tenant = %s AND n.execution_id = %s ORDER BY n.started_seq",
            [tenant, rows.text(execution_id)],
        )
        return [rows.node_run(row) for row in found]

    async def with_runs(self, tenant: str, execution_id: str) -> tuple[Execution, list[NodeRun]] | None:
        name = rows.text(execution_id)
        async with self._database.snapshot() as connection:
            row = await (await connection.execute(BY_ID, [tenant, name])).fetchone()
            if row is None:
                return None
            runs = await connection.execute(_RUNS_OF, [name])
            return rows.execution(row), [rows.node_run(run) for run in await runs.fetchall()]

    async def logs(self, tenant: str, execution_id: str, *, after: int = 0, limit: int = 1000) -> list[LogLine]:
        found = await self._database.all(
            f"SELECT {_LOG} FROM logs l JOIN executions e ON e.id = l.execution_id"
            " WHERE e.tenant = %s AND l.execution_id = %s AND l.seq > %s ORDER BY l.seq LIMIT %s",
            [tenant, rows.text(execution_id), after, limit],
        )
        return [rows.log_line(row) for row in found]

    async def past(self, tenant: str, execution_id: str, *, after: int = 0, limit: int = 1000) -> Past | None:
        return await read_past(self._database, tenant, execution_id, after, limit)

    async def notifications(self, tenant: str, *, limit: int = 50) -> list[StoredNotification]:
        found = await self._database.all(
            "SELECT * FROM notifications WHERE tenant = %s ORDER BY created_at DESC, id LIMIT %s", [tenant, limit]
        )
        return [rows.notification(row) for row in found]
