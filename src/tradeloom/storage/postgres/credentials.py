"""Credentials in PostgreSQL. What is written here is sealed already."""

# ruff: noqa: S608 (what is put into statements are our own column names)

from datetime import datetime
from typing import Final

import psycopg

from tradeloom.accounts.credentials.store import CredentialRecord
from tradeloom.errors import Conflict, NotFound
from tradeloom.storage.postgres import rows
from tradeloom.storage.postgres.database import Database

_COLUMNS: Final = (
    "tenant, id, name, kind, version, fields, wrapped_key, nonce, ciphertext, created_at, updated_at, last_used_at"
)


class PostgresCredentials:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, record: CredentialRecord) -> None:
        try:
            await self._database.run(
                f"INSERT INTO credentials ({_COLUMNS}) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
                [
                    rows.text(record.tenant),
                    record.id,
                    rows.text(record.name),
                    record.kind,
                    record.version,
                    list(record.fields),
                    record.wrapped_key,
                    record.nonce,
                    record.ciphertext,
                    record.created_at,
                    record.updated_at,
                    record.last_used_at,
                ],
            )
        except psycopg.errors.UniqueViolation as error:
            raise _taken(error) from None

    async def credential(self, tenant: str, credential_id: str) -> CredentialRecord:
        row = await self._database.one(
            f"SELECT {_COLUMNS} FROM credentials WHERE tenant = %s AND id = %s",
            [rows.text(tenant), rows.text(credential_id)],
        )
        if row is None:
            raise NotFound("There is no such credential.")
        return _record(row)

    async def credentials(self, tenant: str, *, limit: int, offset: int) -> tuple[list[CredentialRecord], int]:
        found = await self._database.all(
            f'SELECT {_COLUMNS} FROM credentials WHERE tenant = %s ORDER BY name COLLATE "C" LIMIT %s OFFSET %s',
            [rows.text(tenant), limit, offset],
        )
        total = await self._database.one("SELECT count(*) AS n FROM credentials WHERE tenant = %s", [rows.text(tenant)])
        return [_record(row) for row in found], 0 if total is None else total["n"]

    async def newest(self, tenant: str) -> CredentialRecord | None:
        row = await self._database.one(
            f"SELECT {_COLUMNS} FROM credentials WHERE tenant = %s ORDER BY updated_at DESC, id DESC LIMIT 1",
            [rows.text(tenant)],
        )
        return None if row is None else _record(row)

    async def replace(self, record: CredentialRecord, *, expected: int) -> None:
        try:
            changed = await self._database.run(
                "UPDATE credentials SET name = %s, kind = %s, version = %s, fields = %s, wrapped_key = %s, nonce = %s,"
                " ciphertext = %s, updated_at = %s WHERE tenant = %s AND id = %s AND version = %s",
                [
                    rows.text(record.name),
                    record.kind,
                    record.version,
                    list(record.fields),
                    record.wrapped_key,
                    record.nonce,
                    record.ciphertext,
                    record.updated_at,
                    rows.text(record.tenant),
                    record.id,
                    expected,
                ],
            )
        except psycopg.errors.UniqueViolation as error:
            raise _taken(error) from None
        if changed == 0:
            await self.credential(record.tenant, record.id)
            raise Conflict("The credential was changed by someone else meanwhile.", hint="Try it again.")

    async def reseal(self, record: CredentialRecord, *, nonce: bytes) -> bool:
        changed = await self._database.run(
            "UPDATE credentials SET wrapped_key = %s, nonce = %s, ciphertext = %s"
            " WHERE tenant = %s AND id = %s AND nonce = %s",
            [record.wrapped_key, record.nonce, record.ciphertext, rows.text(record.tenant), record.id, nonce],
        )
        return changed == 1

    async def delete(self, tenant: str, credential_id: str) -> None:
        deleted = await self._database.run(
            "DELETE FROM credentials WHERE tenant = %s AND id = %s", [rows.text(tenant), rows.text(credential_id)]
        )
        if deleted == 0:
            raise NotFound("There is no such credential.")

    async def mark_used(self, tenant: str, credential_id: str, at: datetime) -> None:
        await self._database.run(
            "UPDATE credentials SET last_used_at = %s WHERE tenant = %s AND id = %s",
            [at, rows.text(tenant), rows.text(credential_id)],
        )

    async def known(self, tenant: str, credential_ids: frozenset[str]) -> frozenset[str]:
        found = await self._database.all(
            "SELECT id FROM credentials WHERE tenant = %s AND id = ANY(%s)",
            [rows.text(tenant), [rows.text(each) for each in sorted(credential_ids)]],
        )
        return frozenset(row["id"] for row in found) & credential_ids

    async def tenants(self) -> list[str]:
        found = await self._database.all('SELECT DISTINCT tenant COLLATE "C" AS tenant FROM credentials ORDER BY 1')
        return [row["tenant"] for row in found]


def _record(row: rows.Row) -> CredentialRecord:
    return CredentialRecord(**{**row, "fields": tuple(row["fields"])})


def _taken(error: psycopg.errors.UniqueViolation) -> Conflict:
    if "tenant_name" in (error.diag.constraint_name or ""):
        return Conflict("Another credential has this name.", field="name", hint="Choose another name.")
    return Conflict("This credential is already there.", field="id")
