"""Schedules' last fires and faults in PostgreSQL. One statement a write, so each is durable when it returns."""

# ruff: noqa: S608 (what is put into statements are our own column names)

from collections.abc import Mapping
from dataclasses import fields
from datetime import datetime
from typing import Any, Final

from psycopg import AsyncConnection

from tradeloom.engine.schedules import ScheduleFault
from tradeloom.engine.stores import VersionRecord, WorkflowRecord
from tradeloom.storage.postgres import rows
from tradeloom.storage.postgres.database import Database, columns

_NAMES: Final = [field.name for field in fields(ScheduleFault)]
_FAULT: Final = columns(_NAMES)
_KEEP: Final = (
    f"INSERT INTO schedule_faults ({_FAULT}) VALUES ({columns(['%s'] * len(_NAMES))})"
    " ON CONFLICT (tenant, workflow_id, node) DO UPDATE SET failures = excluded.failures, rounds = excluded.rounds,"
    " error = excluded.error, reason = excluded.reason, failed_at = excluded.failed_at, until = excluded.until"
)
_WORKFLOW: Final = [field.name for field in fields(WorkflowRecord)]
_VERSION: Final = [field.name for field in fields(VersionRecord)]
_ACTIVE: Final = (
    f"SELECT {columns([f'w.{name} AS w_{name}' for name in _WORKFLOW])},"
    f" {columns([f'v.{name} AS v_{name}' for name in _VERSION])}"
    " FROM workflows w JOIN workflow_versions v"
    " ON v.tenant = w.tenant AND v.workflow_id = w.id AND v.version = w.active_version"
    ' WHERE w.tenant = %s ORDER BY w.id COLLATE "C"'
)


class PostgresSchedules:
    """The part of the stores that is about schedules."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def active(self, tenant: str) -> list[tuple[WorkflowRecord, VersionRecord]]:
        found = await self._database.all(_ACTIVE, [tenant])
        return [
            (
                rows.workflow({name: row[f"w_{name}"] for name in _WORKFLOW}),
                rows.version({name: row[f"v_{name}"] for name in _VERSION}),
            )
            for row in found
        ]

    async def active_versions(self, tenant: str) -> dict[str, str]:
        found = await self._database.all(
            "SELECT id, active_version FROM workflows WHERE tenant = %s AND active_version IS NOT NULL", [tenant]
        )
        return {row["id"]: row["active_version"] for row in found}

    async def last_fire(self, tenant: str, workflow_id: str, node: str) -> datetime | None:
        row = await self._database.one(
            "SELECT last_fire FROM schedule_fires WHERE tenant = %s AND workflow_id = %s AND node = %s",
            [tenant, workflow_id, node],
        )
        return None if row is None else row["last_fire"]

    async def last_fires(self, tenant: str) -> Mapping[tuple[str, str], datetime]:
        found = await self._database.all(
            "SELECT workflow_id, node, last_fire FROM schedule_fires WHERE tenant = %s", [tenant]
        )
        return {(row["workflow_id"], row["node"]): row["last_fire"] for row in found}

    async def set_last_fire(self, tenant: str, workflow_id: str, node: str, at: datetime) -> None:
        await self._database.run(
            "INSERT INTO schedule_fires (tenant, workflow_id, node, last_fire) VALUES (%s, %s, %s, %s)"
            " ON CONFLICT (tenant, workflow_id, node)"
            " DO UPDATE SET last_fire = greatest(schedule_fires.last_fire, excluded.last_fire)",
            [tenant, workflow_id, node, at],
        )

    async def faults(self, tenant: str, workflow_id: str | None = None) -> list[ScheduleFault]:
        found = await self._database.all(
            f"SELECT {_FAULT} FROM schedule_faults WHERE tenant = %s AND (%s::text IS NULL OR workflow_id = %s)"
            ' ORDER BY workflow_id COLLATE "C", node COLLATE "C"',
            [tenant, rows.optional_text(workflow_id), rows.optional_text(workflow_id)],
        )
        return [ScheduleFault(**row) for row in found]

    async def keep_fault(self, fault: ScheduleFault) -> None:
        values = [getattr(fault, name) for name in _NAMES]
        await self._database.run(_KEEP, [rows.text(value) if isinstance(value, str) else value for value in values])

    async def drop_fault(self, tenant: str, workflow_id: str, node: str) -> None:
        await self._database.run(
            "DELETE FROM schedule_faults WHERE tenant = %s AND workflow_id = %s AND node = %s",
            [tenant, rows.text(workflow_id), node],
        )


async def begin_afresh(connection: AsyncConnection[Any], tenant: str, workflow_id: str) -> None:
    """Forget what was seen to and what failed: the workflow's schedules are other ones now."""
    key = [tenant, rows.text(workflow_id)]
    await connection.execute("DELETE FROM schedule_fires WHERE tenant = %s AND workflow_id = %s", key)
    await connection.execute("DELETE FROM schedule_faults WHERE tenant = %s AND workflow_id = %s", key)
