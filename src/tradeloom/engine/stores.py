"""Ports for what the dispatcher and scheduler look up: workflows and versions, variables, blobs."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from tradeloom.nodes.variables import Variable


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkflowRecord:
    """A workflow. `version` is the last saved; `active_version` the one that triggers start, None while inactive.
    `tags` are words to find it by."""

    tenant: str
    id: str
    name: str
    description: str
    version: str
    active_version: str | None
    created_at: datetime
    updated_at: datetime
    tags: tuple[str, ...] = ()

    @property
    def active(self) -> bool:
        return self.active_version is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionRecord:
    """One immutable version. `version` is the document's content hash, `artefact` and `definition` are blobs' sha256.

    `number` counts a workflow's versions from 1; the store sets it. `account` is the broker account it trades.
    """

    tenant: str
    workflow_id: str
    version: str
    artefact: str
    definition: str
    account: str
    created_at: datetime
    number: int = 0
    metadata: dict[str, Any] = field(default_factory=dict)


class WorkflowStore(Protocol):
    """Every key is led by the tenant. Missing things raise `NotFound`, lost races `Conflict`."""

    async def save(
        self,
        version: VersionRecord,
        *,
        name: str,
        description: str,
        expected: str | None = None,
    ) -> WorkflowRecord:
        """Store a version (once per hash) and make it its workflow's newest, creating the workflow when new.

        With `expected`, raises `Conflict` unless that is the newest version now. An active workflow stays on the
        version it was activated with.
        """
        ...

    async def workflow(self, tenant: str, workflow_id: str) -> WorkflowRecord: ...

    async def workflows(
        self, tenant: str, *, active: bool | None = None, limit: int = 100, offset: int = 0
    ) -> tuple[list[WorkflowRecord], int]:
        """A page, last changed first, and how many match in all."""
        ...

    async def version(self, tenant: str, workflow_id: str, version: str) -> VersionRecord: ...

    async def versions(self, tenant: str, workflow_id: str) -> list[VersionRecord]:
        """Newest first."""
        ...

    async def set_active(self, tenant: str, workflow_id: str, version: str | None) -> WorkflowRecord:
        """Activate a version, or with None deactivate. Its schedules begin afresh: what they saw to is forgotten."""
        ...

    async def set_tags(self, tenant: str, workflow_id: str, tags: tuple[str, ...]) -> WorkflowRecord:
        """Replace its tags. It counts as no change of the workflow."""
        ...

    async def delete(self, tenant: str, workflow_id: str) -> None:
        """Delete the workflow and its versions; executions stay."""
        ...


class VariableStore(Protocol):
    """What nodes remember between runs; `nodes/variables.py` says what a write under an effect is."""

    async def read(self, tenant: str, scope: str, key: str) -> Variable: ...

    async def write(
        self,
        tenant: str,
        scope: str,
        key: str,
        value: Any,
        *,
        expected: int | None = None,
        effect: str | None = None,
        expires_at: datetime | None = None,
    ) -> Variable:
        """Raises `Conflict` for another revision, `InvalidInput` when the tenant has no room for one more."""
        ...

    async def keys(self, tenant: str, scope: str, prefix: str = "") -> list[str]:
        """Keys that have a value, sorted."""
        ...


class Blobs(Protocol):
    """Content-addressed bytes, and the artefacts of versions by the version's name. Safe to call from any process."""

    def put(self, content: bytes) -> str:
        """Keep the bytes; their sha256 in hex. Returns once they are durable."""
        ...

    def get(self, sha256: str) -> bytes:
        """Raises `NotFound`; `StorageUnavailable` when what is stored is not what was put."""
        ...

    def put_artefact(self, version: str, artefact: dict[str, Any]) -> str:
        """Keep a version's artefact; its sha256. The first one kept for a version stays."""
        ...

    def artefact(self, version: str) -> dict[str, Any]:
        """Raises `NotFound`."""
        ...
