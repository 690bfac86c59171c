"""Workflows and their versions in memory."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

from tradeloom.engine.stores import VersionRecord, WorkflowRecord
from tradeloom.errors import Conflict, NotFound
from tradeloom.storage.memory.schedules import MemorySchedules


class MemoryStores(MemorySchedules):
    """Workflows, versions and what is kept of their schedules."""

    def __init__(self, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        super().__init__()
        self._now = now
        self._workflows: dict[tuple[str, str], WorkflowRecord] = {}
        self._versions: dict[tuple[str, str], dict[str, VersionRecord]] = {}

    async def save(
        self, version: VersionRecord, *, name: str, description: str, expected: str | None = None
    ) -> WorkflowRecord:
        key = (version.tenant, version.workflow_id)
        known = self._workflows.get(key)
        if expected is not None and (known is None or known.version != expected):
            raise Conflict("The workflow was saved by someone else meanwhile.", hint="Load it again.")
        versions = self._versions.setdefault(key, {})
        versions.setdefault(version.version, replace(version, number=len(versions) + 1))
        now = self._now()
        self._workflows[key] = WorkflowRecord(
            tenant=version.tenant,
            id=version.workflow_id,
            name=name,
            description=description,
            version=version.version,
            active_version=None if known is None else known.active_version,
            created_at=now if known is None else known.created_at,
            updated_at=now,
            tags=() if known is None else known.tags,
        )
        return self._workflows[key]

    async def workflow(self, tenant: str, workflow_id: str) -> WorkflowRecord:
        known = self._workflows.get((tenant, workflow_id))
        if known is None:
            raise NotFound(f"There is no workflow {workflow_id!r}.")
        return known

    async def workflows(
        self, tenant: str, *, active: bool | None = None, limit: int = 100, offset: int = 0
    ) -> tuple[list[WorkflowRecord], int]:
        found = [row for row in self._workflows.values() if row.tenant == tenant and active in (None, row.active)]
        found.sort(key=lambda row: (row.updated_at, row.id), reverse=True)
        return found[offset : offset + limit], len(found)

    async def version(self, tenant: str, workflow_id: str, version: str) -> VersionRecord:
        known = self._versions.get((tenant, workflow_id), {}).get(version)
        if known is None:
            raise NotFound(f"The workflow {workflow_id!r} has no version {version!r}.")
        return known

    async def versions(self, tenant: str, workflow_id: str) -> list[VersionRecord]:
        known = self._versions.get((tenant, workflow_id), {})
        return sorted(known.values(), key=lambda row: row.number, reverse=True)

    async def set_active(self, tenant: str, workflow_id: str, version: str | None) -> WorkflowRecord:
        known = await self.workflow(tenant, workflow_id)
        if version is not None:
            await self.version(tenant, workflow_id, version)
        changed = replace(known, active_version=version, updated_at=self._now())
        self._workflows[tenant, workflow_id] = changed
        self._begin_afresh(tenant, workflow_id)
        return changed

    async def set_tags(self, tenant: str, workflow_id: str, tags: tuple[str, ...]) -> WorkflowRecord:
        changed = replace(await self.workflow(tenant, workflow_id), tags=tags)
        self._workflows[tenant, workflow_id] = changed
        return changed

    async def delete(self, tenant: str, workflow_id: str) -> None:
        await self.workflow(tenant, workflow_id)
        del self._workflows[tenant, workflow_id]
        self._versions.pop((tenant, workflow_id), None)
        self._begin_afresh(tenant, workflow_id)

    async def active(self, tenant: str) -> list[tuple[WorkflowRecord, VersionRecord]]:
        active = [row for row in self._workflows.values() if row.tenant == tenant and row.active_version is not None]
        active.sort(key=lambda row: row.id)
        return [(row, self._versions[tenant, row.id][row.active_version or ""]) for row in active]

    async def active_versions(self, tenant: str) -> dict[str, str]:
        return {row.id: version.version for row, version in await self.active(tenant)}
