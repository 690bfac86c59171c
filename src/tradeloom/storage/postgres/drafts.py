"""Drafts in PostgreSQL."""

from tradeloom.engine.drafts import DraftRecord
from tradeloom.errors import Conflict, NotFound
from tradeloom.storage.postgres import rows
from tradeloom.storage.postgres.database import Database


class PostgresDrafts:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def draft(self, tenant: str, workflow_id: str) -> DraftRecord | None:
        found = await self._database.one(
            "SELECT d.document, d.base_version, d.revision, d.saved_by, d.saved_at FROM workflows w"
            " LEFT JOIN workflow_drafts d ON d.tenant = w.tenant AND d.workflow_id = w.id"
            " WHERE w.tenant = %s AND w.id = %s",
            [tenant, rows.text(workflow_id)],
        )
        if found is None:
            raise NotFound(f"There is no workflow {workflow_id!r}.")
        if found["revision"] is None:
            return None
        return DraftRecord(tenant=tenant, workflow_id=workflow_id, **found)

    async def write(self, record: DraftRecord, *, over: str | None, whichever: bool = False) -> None:
        key = [record.tenant, rows.text(record.workflow_id)]
        async with self._database.connection() as connection, connection.transaction():
            cursor = await connection.execute("SELECT id FROM workflows WHERE tenant = %s AND id = %s FOR UPDATE", key)
            if await cursor.fetchone() is None:
                raise NotFound(f"There is no workflow {record.workflow_id!r}.")
            cursor = await connection.execute(
                "SELECT revision FROM workflow_drafts WHERE tenant = %s AND workflow_id = %s", key
            )
            known = await cursor.fetchone()
            if not whichever and over != (known["revision"] if known else None):
                raise Conflict(
                    "Another draft of the workflow was kept meanwhile.", hint="Read it, and choose which stays."
                )
            await connection.execute(
                "INSERT INTO workflow_drafts"
                " (tenant, workflow_id, document, base_version, revision, saved_by, saved_at)"
                " VALUES (%s, %s, %s::json, %s, %s, %s, %s) ON CONFLICT (tenant, workflow_id) DO UPDATE SET"
                " document = excluded.document, base_version = excluded.base_version, revision = excluded.revision,"
                " saved_by = excluded.saved_by, saved_at = excluded.saved_at",
                [
                    *key,
                    rows.json(record.document),
                    rows.text(record.base_version),
                    record.revision,
                    rows.text(record.saved_by),
                    record.saved_at,
                ],
            )

    async def discard(self, tenant: str, workflow_id: str) -> bool:
        key = [tenant, rows.text(workflow_id)]
        if await self._database.one("SELECT id FROM workflows WHERE tenant = %s AND id = %s", key) is None:
            raise NotFound(f"There is no workflow {workflow_id!r}.")
        gone = await self._database.one(
            "DELETE FROM workflow_drafts WHERE tenant = %s AND workflow_id = %s RETURNING revision", key
        )
        return gone is not None
