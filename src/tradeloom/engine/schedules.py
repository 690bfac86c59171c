"""Port for what the scheduler keeps: which fire each schedule saw to last, and schedules that fail."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from tradeloom.engine.stores import VersionRecord, WorkflowRecord

WHOLE_WORKFLOW = ""
"""The node of a fault that concerns no single schedule: a version that cannot be read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleFault:
    """A schedule that failed `failures` times in a row, last with `error` (a name) and `reason`. `until` is when it is
    tried again, None while it is not set aside; `rounds` counts how often in a row it was. All times are the wall's."""

    tenant: str
    workflow_id: str
    node: str
    failures: int
    rounds: int
    error: str
    reason: str
    failed_at: datetime
    until: datetime | None = None


class ScheduleStore(Protocol):
    """Activating or deactivating a workflow (`WorkflowStore.set_active`) forgets its last fires and faults with it."""

    async def active(self, tenant: str) -> list[tuple[WorkflowRecord, VersionRecord]]:
        """Every active workflow with its active version, by id."""
        ...

    async def active_versions(self, tenant: str) -> dict[str, str]:
        """Of every active workflow's id, the active version."""
        ...

    async def last_fire(self, tenant: str, workflow_id: str, node: str) -> datetime | None: ...

    async def last_fires(self, tenant: str) -> Mapping[tuple[str, str], datetime]:
        """All of them, by workflow and node."""
        ...

    async def set_last_fire(self, tenant: str, workflow_id: str, node: str, at: datetime) -> None:
        """Keep the latest of `at` and what is stored."""
        ...

    async def faults(self, tenant: str, workflow_id: str | None = None) -> list[ScheduleFault]:
        """Of one workflow or of all, by workflow and node."""
        ...

    async def keep_fault(self, fault: ScheduleFault) -> None:
        """In place of the one that is kept."""
        ...

    async def drop_fault(self, tenant: str, workflow_id: str, node: str) -> None: ...
