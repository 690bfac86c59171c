"""Pinned outputs: what a node gives in test mode in place of running. They are no part of a version, so no version that
triggers start can rest on one."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class PinRecord:
    tenant: str
    workflow_id: str
    node: str
    port: str
    output: Any
    pinned_by: str
    pinned_at: datetime


class PinStore(Protocol):
    """One pin a node. Every method raises `StorageUnavailable`."""

    async def pin(self, record: PinRecord) -> None:
        """Set a pin, in place of the one before. Raises `NotFound` where there is no such workflow."""
        ...

    async def unpin(self, tenant: str, workflow_id: str, node: str) -> bool:
        """Whether there was one."""
        ...

    async def pins(self, tenant: str, workflow_id: str) -> list[PinRecord]:
        """By node."""
        ...
