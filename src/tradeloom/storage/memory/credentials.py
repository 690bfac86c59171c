"""Credentials in memory: for unit tests and for runs that need not survive."""

from dataclasses import replace
from datetime import datetime

from tradeloom.accounts.credentials.store import CredentialRecord
from tradeloom.errors import Conflict, NotFound


class MemoryCredentials:
    def __init__(self) -> None:
        self.rows: dict[tuple[str, str], CredentialRecord] = {}

    async def add(self, record: CredentialRecord) -> None:
        if (record.tenant, record.id) in self.rows:
            raise Conflict("This credential is already there.", field="id")
        self._refuse_taken(record)
        self.rows[record.tenant, record.id] = record

    async def credential(self, tenant: str, credential_id: str) -> CredentialRecord:
        known = self.rows.get((tenant, credential_id))
        if known is None:
            raise NotFound("There is no such credential.")
        return known

    async def credentials(self, tenant: str, *, limit: int, offset: int) -> tuple[list[CredentialRecord], int]:
        mine = sorted(self._of(tenant), key=lambda record: record.name)
        return mine[offset : offset + limit], len(mine)

    async def newest(self, tenant: str) -> CredentialRecord | None:
        return max(self._of(tenant), key=lambda record: (record.updated_at, record.id), default=None)

    async def replace(self, record: CredentialRecord, *, expected: int) -> None:
        known = await self.credential(record.tenant, record.id)
        if known.version != expected:
            raise Conflict("The credential was changed by someone else meanwhile.", hint="Try it again.")
        self._refuse_taken(record)
        self.rows[record.tenant, record.id] = replace(record, last_used_at=known.last_used_at)

    async def reseal(self, record: CredentialRecord, *, nonce: bytes) -> bool:
        known = self.rows.get((record.tenant, record.id))
        if known is None or known.nonce != nonce:
            return False
        self.rows[record.tenant, record.id] = replace(
            known, wrapped_key=record.wrapped_key, nonce=record.nonce, ciphertext=record.ciphertext
        )
        return True

    async def delete(self, tenant: str, credential_id: str) -> None:
        await self.credential(tenant, credential_id)
        del self.rows[tenant, credential_id]

    async def mark_used(self, tenant: str, credential_id: str, at: datetime) -> None:
        known = self.rows.get((tenant, credential_id))
        if known is not None:
            self.rows[tenant, credential_id] = replace(known, last_used_at=at)

    async def known(self, tenant: str, credential_ids: frozenset[str]) -> frozenset[str]:
        return frozenset(each for each in credential_ids if (tenant, each) in self.rows)

    async def tenants(self) -> list[str]:
        return sorted({tenant for tenant, _ in self.rows})

    def _of(self, tenant: str) -> list[CredentialRecord]:
        return [record for (owner, _), record in self.rows.items() if owner == tenant]

    def _refuse_taken(self, record: CredentialRecord) -> None:
        if any(other.name == record.name and other.id != record.id for other in self._of(record.tenant)):
            raise Conflict("Another credential has this name.", field="name", hint="Choose another name.")
