"""Workflows and their versions in PostgreSQL."""

# ruff: noqa: S608 (what is put into statements are our own column names)

from typing import Final

from tradeloom.engine.stores import VersionRecord, WorkflowRecord
from tradeloom.errors import Conflict, NotFound
from tradeloom.storage.postgres import rows
from tradeloom.storage.postgres.schedules import PostgresSchedules, begin_afresh

_WORKFLOW: Final = "tenant, id, name, description, version, active_version, created_at, updated_at, tags"
_VERSION: Final = "tenant, workflow_id, version, number, artefact, definition, account, metadata, created_at"


class PostgresStores(PostgresSchedules):
    async def save(
        self, version: VersionRecord, *, name: str, description: str, expected: str | None = None
    ) -> WorkflowRecord:
        key = [version.tenant, version.workflow_id]
        async with self._database.connection() as connection, connection.transaction():
            cursor = await connection.execute(
                "SELECT version FROM workflows WHERE tenant = %s AND id = %s FOR UPDATE", key
            )
            known = await cursor.fetchone()
            if expected is not None and (known is None or known["version"] != expected):
                raise Conflict("The workflow was saved by someone else meanwhile.", hint="Load it again.")
            cursor = await connection.execute(
                "INSERT INTO workflows (tenant, id, name, description, version, created_at, updated_at)"
                " VALUES (%s, %s, %s, %s, %s, clock_timestamp(), clock_timestamp())"
                " ON CONFLICT (tenant, id) DO UPDATE SET name = excluded.name, description = excluded.description,"
                f" version = excluded.version, updated_at = excluded.updated_at RETURNING {_WORKFLOW}",
                [*key, rows.text(name), rows.text(description), version.version],
            )
            saved = await cursor.fetchone()
            assert saved is not None
            await connection.execute(
                f"INSERT INTO workflow_versions ({_VERSION}) SELECT %s, %s, %s, coalesce(max(number), 0) + 1,"
                " %s, %s, %s, %s::json, %s FROM workflow_versions WHERE tenant = %s AND workflow_id = %s"
                " ON CONFLICT (tenant, workflow_id, version) DO NOTHING",
                [
                    *key,
                    version.version,
                    version.artefact,
                    version.definition,
                    rows.text(version.account),
                    rows.json(version.metadata),
                    version.created_at,
                    *key,
                ],
            )
            return rows.workflow(saved)

    async def workflow(self, tenant: str, workflow_id: str) -> WorkflowRecord:
        row = await self._database.one(
            f"SELECT {_WORKFLOW} FROM workflows WHERE tenant = %s AND id = %s", [tenant, rows.text(workflow_id)]
        )
        if row is None:
            raise NotFound(f"There is no workflow {workflow_id!r}.")
        return rows.workflow(row)

    async def workflows(
        self, tenant: str, *, active: bool | None = None, limit: int = 100, offset: int = 0
    ) -> tuple[list[WorkflowRecord], int]:
        matching = "tenant = %s AND (%s::boolean IS NULL OR (active_version IS NOT NULL) = %s)"
        values = [tenant, active, active]
        found = await self._database.all(
            f"SELECT {_WORKFLOW} FROM workflows WHERE {matching} ORDER BY updated_at DESC, id DESC LIMIT %s OFFSET %s",
            [*values, limit, offset],
        )
        total = await self._database.one(f"SELECT count(*) AS n FROM workflows WHERE {matching}", values)
        return [rows.workflow(row) for row in found], 0 if total is None else total["n"]

    async def version(self, tenant: str, workflow_id: str, version: str) -> VersionRecord:
        row = await self._database.one(
            f"SELECT {_VERSION} FROM workflow_versions WHERE tenant = %s AND workflow_id = %s AND version = %s",
            [tenant, rows.text(workflow_id), rows.text(version)],
        )
        if row is None:
            raise NotFound(f"The workflow {workflow_id!r} has no version {version!r}.")
        return rows.version(row)

    async def versions(self, tenant: str, workflow_id: str) -> list[VersionRecord]:
        found = await self._database.all(
            f"SELECT {_VERSION} FROM workflow_versions WHERE tenant = %s AND workflow_id = %s ORDER BY number DESC",
            [tenant, rows.text(workflow_id)],
        )
        return [rows.version(row) for row in found]

    async def set_active(self, tenant: str, workflow_id: str, version: str | None) -> WorkflowRecord:
        if version is not None:
            await self.version(tenant, workflow_id, version)
        async with self._database.connection() as connection, connection.transaction():
            cursor = await connection.execute(
                "UPDATE workflows SET active_version = %s, updated_at = clock_timestamp()"
                f" WHERE tenant = %s AND id = %s RETURNING {_WORKFLOW}",
                [version, tenant, rows.text(workflow_id)],
            )
            row = await cursor.fetchone()
            if row is None:
                raise NotFound(f"There is no workflow {workflow_id!r}.")
            await begin_afresh(connection, tenant, workflow_id)
        return rows.workflow(row)

    async def set_tags(self, tenant: str, workflow_id: str, tags: tuple[str, ...]) -> WorkflowRecord:
        row = await self._database.one(
            f"UPDATE workflows SET tags = %s WHERE tenant = %s AND id = %s RETURNING {_WORKFLOW}",
            [[rows.text(tag) for tag in tags], tenant, rows.text(workflow_id)],
        )
        if row is None:
            raise NotFound(f"There is no workflow {workflow_id!r}.")
        return rows.workflow(row)

    async def delete(self, tenant: str, workflow_id: str) -> None:
        key = [tenant, rows.text(workflow_id)]
        async with self._database.connection() as connection, connection.transaction():
            await begin_afresh(connection, tenant, workflow_id)
            cursor = await connection.execute("DELETE FROM workflows WHERE tenant = %s AND id = %s", key)
            if cursor.rowcount == 0:
                raise NotFound(f"There is no workflow {workflow_id!r}.")
