"""Pinned outputs in PostgreSQL."""

from psycopg.errors import ForeignKeyViolation

from tradeloom.engine.pins import PinRecord
from tradeloom.errors import NotFound
from tradeloom.storage.postgres import rows
from tradeloom.storage.postgres.database import Database


class PostgresPins:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def pin(self, record: PinRecord) -> None:
        try:
            await self._database.run(
                "INSERT INTO pins (tenant, workflow_id, node, port, output, pinned_by, pinned_at)"
                " VALUES (%s, %s, %s, %s, %s::json, %s, %s) ON CONFLICT (tenant, workflow_id, node) DO UPDATE SET"
                " port = excluded.port, output = excluded.output, pinned_by = excluded.pinned_by,"
                " pinned_at = excluded.pinned_at",
                [
                    record.tenant,
                    rows.text(record.workflow_id),
                    record.node,
                    rows.text(record.port),
                    rows.json(record.output),
                    rows.text(record.pinned_by),
                    record.pinned_at,
                ],
            )
        except ForeignKeyViolation as error:
            raise NotFound(f"There is no workflow {record.workflow_id!r}.") from error

    async def unpin(self, tenant: str, workflow_id: str, node: str) -> bool:
        gone = await self._database.one(
            "DELETE FROM pins WHERE tenant = %s AND workflow_id = %s AND node = %s RETURNING node",
            [tenant, rows.text(workflow_id), rows.text(node)],
        )
        return gone is not None

    async def pins(self, tenant: str, workflow_id: str) -> list[PinRecord]:
        found = await self._database.all(
            "SELECT tenant, workflow_id, node, port, output, pinned_by, pinned_at FROM pins"
            " WHERE tenant = %s AND workflow_id = %s ORDER BY node",
            [tenant, rows.text(workflow_id)],
        )
        return [PinRecord(**row) for row in found]
