"""The port to where sealed credentials are kept."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class CredentialRecord:
    """A row. `fields` are the names of the fields that are set; their values are in `ciphertext` and nowhere else.

    `wrapped_key` is the tenant's data key it is sealed under; `version` counts its changes from 1.
    """

    tenant: str
    id: str
    name: str
    kind: str
    version: int
    fields: tuple[str, ...]
    wrapped_key: bytes = field(repr=False)
    nonce: bytes = field(repr=False)
    ciphertext: bytes = field(repr=False)
    created_at: datetime
    updated_at: datetime
    last_used_at: datetime | None = None


class CredentialStore(Protocol):
    """Every key is led by the tenant; what is another tenant's is `NotFound`. A tenant's names are unique."""

    async def add(self, record: CredentialRecord) -> None:
        """Raises `Conflict` where id or name is taken."""
        ...

    async def credential(self, tenant: str, credential_id: str) -> CredentialRecord: ...

    async def credentials(self, tenant: str, *, limit: int, offset: int) -> tuple[list[CredentialRecord], int]:
        """A page by name, and how many there are in all."""
        ...

    async def newest(self, tenant: str) -> CredentialRecord | None:
        """The one changed last: its data key is the tenant's."""
        ...

    async def replace(self, record: CredentialRecord, *, expected: int) -> None:
        """Raises `Conflict` unless `expected` is the stored version, or where the name is another one's."""
        ...

    async def reseal(self, record: CredentialRecord, *, nonce: bytes) -> bool:
        """Exchange what a row is sealed with, unless it changed since its nonce was `nonce`: False then."""
        ...

    async def delete(self, tenant: str, credential_id: str) -> None: ...

    async def mark_used(self, tenant: str, credential_id: str, at: datetime) -> None: ...

    async def known(self, tenant: str, credential_ids: frozenset[str]) -> frozenset[str]:
        """Which of the ids are this tenant's credentials."""
        ...

    async def tenants(self) -> list[str]:
        """Who has credentials, sorted."""
        ...
