"""Drafts: what somebody draws and has not saved. They may be wrong in every way; nothing runs of them by itself."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftRecord:
    """`base_version` is the saved version it changes; `revision` names this very draft, and is new with each write."""

    tenant: str
    workflow_id: str
    document: dict[str, Any]
    base_version: str
    revision: str
    saved_by: str
    saved_at: datetime


class DraftStore(Protocol):
    """At most one draft a workflow. Every method raises `StorageUnavailable`."""

    async def draft(self, tenant: str, workflow_id: str) -> DraftRecord | None:
        """Raises `NotFound` where there is no such workflow."""
        ...

    async def write(self, record: DraftRecord, *, over: str | None, whichever: bool = False) -> None:
        """Keep a draft in place of the one with revision `over`, None being no draft. Raises `Conflict` where another
        stands unless `whichever` may, and `NotFound` where there is no such workflow."""
        ...

    async def discard(self, tenant: str, workflow_id: str) -> bool:
        """Whether there was one."""
        ...
