"""Pinned outputs in memory."""

from tradeloom.engine.pins import PinRecord
from tradeloom.engine.stores import WorkflowStore
from tradeloom.errors import NotFound
from tradeloom.storage.memory.rows import kept_row


class MemoryPins:
    """`workflows` says which there are."""

    def __init__(self, workflows: WorkflowStore) -> None:
        self._workflows = workflows
        self._rows: dict[tuple[str, str, str], PinRecord] = {}

    async def pin(self, record: PinRecord) -> None:
        await self._workflows.workflow(record.tenant, record.workflow_id)
        self._rows[record.tenant, record.workflow_id, record.node] = kept_row(record)

    async def unpin(self, tenant: str, workflow_id: str, node: str) -> bool:
        return self._rows.pop((tenant, workflow_id, node), None) is not None

    async def pins(self, tenant: str, workflow_id: str) -> list[PinRecord]:
        try:
            await self._workflows.workflow(tenant, workflow_id)
        except NotFound:  # they go with it
            return []
        found = [row for key, row in self._rows.items() if key[:2] == (tenant, workflow_id)]
        return [kept_row(row) for row in sorted(found, key=lambda row: row.node)]
