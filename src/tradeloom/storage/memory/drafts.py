"""Drafts in memory."""

from tradeloom.engine.drafts import DraftRecord
from tradeloom.engine.stores import WorkflowStore
from tradeloom.errors import Conflict, NotFound
from tradeloom.storage.memory.rows import kept_row


class MemoryDrafts:
    """`workflows` says which there are."""

    def __init__(self, workflows: WorkflowStore) -> None:
        self._workflows = workflows
        self._rows: dict[tuple[str, str], DraftRecord] = {}

    async def draft(self, tenant: str, workflow_id: str) -> DraftRecord | None:
        try:
            await self._workflows.workflow(tenant, workflow_id)
        except NotFound:  # it goes with its workflow
            self._rows.pop((tenant, workflow_id), None)
            raise
        row = self._rows.get((tenant, workflow_id))
        return None if row is None else kept_row(row)

    async def write(self, record: DraftRecord, *, over: str | None, whichever: bool = False) -> None:
        known = await self.draft(record.tenant, record.workflow_id)
        if not whichever and over != (known.revision if known else None):
            raise Conflict("Another draft of the workflow was kept meanwhile.", hint="Read it, and choose which stays.")
        self._rows[record.tenant, record.workflow_id] = kept_row(record)

    async def discard(self, tenant: str, workflow_id: str) -> bool:
        await self._workflows.workflow(tenant, workflow_id)
        return self._rows.pop((tenant, workflow_id), None) is not None
