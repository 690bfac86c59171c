"""Credentials as the rest of the system deals with them: saved sealed, listed without values, opened for one node."""

import asyncio
import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Final

from tradeloom.accounts.credentials import kinds, sealing
from tradeloom.accounts.credentials.errors import CredentialUnreadable, InvalidCredential
from tradeloom.accounts.credentials.sealing import KeyWrapper
from tradeloom.accounts.credentials.store import CredentialRecord, CredentialStore
from tradeloom.errors import Conflict, InvalidInput, NotFound

MAX_CREDENTIALS: Final = 500
"""Most a tenant keeps at once."""
MAX_NAME: Final = 100
USE_IS_NOTED_EVERY: Final = timedelta(minutes=1)

_ID: Final = re.compile(r"[A-Za-z0-9-]{1,64}")


@dataclass(frozen=True, slots=True)
class Opened:
    """A credential with its values, for whoever may have them. `secrets` are all texts that must not show."""

    id: str
    kind: str
    fields: Mapping[str, str] = field(repr=False)
    secrets: tuple[str, ...] = field(repr=False)


class Vault:
    """One installation's credentials. Raises typed errors none of which holds a value."""

    def __init__(
        self, store: CredentialStore, wrapper: KeyWrapper, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._store = store
        self._wrapper = wrapper
        self._now = now

    async def add(
        self, tenant: str, name: str, kind: str, fields: Mapping[str, str], *, credential_id: str | None = None
    ) -> CredentialRecord:
        """Raises `InvalidInput` and `InvalidCredential` for what was given, `Conflict` for a name that is taken,
        `KeyUnavailable` where the key that others were saved with is lost."""
        made = kinds.check(kind, fields)
        checked = _name(name)
        _, total = await self._store.credentials(tenant, limit=1, offset=0)
        if total >= MAX_CREDENTIALS:
            raise Conflict(f"There are {MAX_CREDENTIALS} credentials, which is the most.", hint="Delete unused ones.")
        wrapped, key = await self._data_key(tenant)
        now = self._now()
        record = CredentialRecord(
            tenant=tenant,
            id=credential_id or f"cred-{secrets.token_hex(8)}",
            name=checked,
            kind=kind,
            version=1,
            fields=tuple(made),
            wrapped_key=wrapped,
            nonce=b"",
            ciphertext=b"",
            created_at=now,
            updated_at=now,
        )
        sealed = _sealed(record, key, made)
        await self._store.add(sealed)
        return sealed

    async def change(
        self, tenant: str, credential_id: str, *, name: str | None, fields: Mapping[str, str | None]
    ) -> CredentialRecord:
        """Set the fields given; None takes one away, what is left out stays.

        Who changes a field that is not secret (where a password is sent, say) gives all secret ones again: nobody can
        point a secret he does not know at a server of his own. With every field given, also what cannot be opened any
        more is replaced.
        """
        before = await self.record(tenant, credential_id)
        checked = before.name if name is None else _name(name)
        secret = kinds.secret_names(before.kind)
        kept, key = await self._kept(before, fields)
        merged = {field: value for field, value in {**kept, **fields}.items() if value is not None}
        made = kinds.check(before.kind, merged)
        _refuse_redirection(kept, made, fields, secret)
        wrapped, key = (before.wrapped_key, key) if key is not None else await self._data_key(tenant, fresh=True)
        changed = replace(
            before,
            name=checked,
            version=before.version + 1,
            fields=tuple(made),
            wrapped_key=wrapped,
            updated_at=self._now(),
        )
        sealed = _sealed(changed, key, made)
        await self._store.replace(sealed, expected=before.version)
        return sealed

    async def record(self, tenant: str, credential_id: str) -> CredentialRecord:
        """Raises `NotFound`."""
        if _ID.fullmatch(credential_id) is None:
            raise NotFound("There is no such credential.")
        return await self._store.credential(tenant, credential_id)

    async def page(self, tenant: str, *, limit: int, offset: int) -> tuple[list[CredentialRecord], int]:
        return await self._store.credentials(tenant, limit=limit, offset=offset)

    async def known(self, tenant: str, credential_ids: frozenset[str]) -> frozenset[str]:
        """Which of the ids are this tenant's credentials."""
        return await self._store.known(tenant, credential_ids)

    async def delete(self, tenant: str, credential_id: str) -> None:
        await self.record(tenant, credential_id)
        await self._store.delete(tenant, credential_id)

    async def open(self, tenant: str, credential_id: str) -> Opened:
        """Raises `NotFound`, `CredentialUnreadable`, `KeyUnavailable`."""
        record = await self.record(tenant, credential_id)
        fields = _unsealed(record, await asyncio.to_thread(self._wrapper.unwrap, tenant, record.wrapped_key))
        now = self._now()
        if record.last_used_at is None or now - record.last_used_at >= USE_IS_NOTED_EVERY:
            await self._store.mark_used(tenant, credential_id, now)
        return Opened(record.id, record.kind, fields, tuple(kinds.secrets_of(record.kind, fields)))

    async def rotate(self, tenant: str) -> int:
        """Seal all of a tenant's credentials anew, under a new data key; how many. Their versions stay."""
        wrapped, key = await self._data_key(tenant, fresh=True)
        done = 0
        records, _ = await self._store.credentials(tenant, limit=MAX_CREDENTIALS, offset=0)
        for listed in records:
            record = listed
            while record.wrapped_key != wrapped:
                before = await asyncio.to_thread(self._wrapper.unwrap, tenant, record.wrapped_key)
                sealed = _sealed(replace(record, wrapped_key=wrapped), key, _unsealed(record, before))
                if await self._store.reseal(sealed, nonce=record.nonce):
                    done += 1
                    break
                try:  # it was changed or deleted meanwhile
                    record = await self._store.credential(tenant, record.id)
                except NotFound:
                    break
        return done

    async def is_current(self, tenant: str) -> bool:
        """Whether all of a tenant's data keys are wrapped with the key that is used now."""
        records, _ = await self._store.credentials(tenant, limit=MAX_CREDENTIALS, offset=0)
        return all(self._wrapper.is_current(record.wrapped_key) for record in records)

    async def tenants(self) -> list[str]:
        return await self._store.tenants()

    # -- inside -------------------------------------------------------------------------------------------------

    async def _data_key(self, tenant: str, *, fresh: bool = False) -> tuple[bytes, bytes]:
        """`(wrapped, key)`: the tenant's own, made when there is none. Of two made at once each serves its rows."""
        newest = None if fresh else await self._store.newest(tenant)
        if newest is not None:
            key = await asyncio.to_thread(self._wrapper.unwrap, tenant, newest.wrapped_key)
            return newest.wrapped_key, key
        key = sealing.new_key()
        return await asyncio.to_thread(self._wrapper.wrap, tenant, key), key

    async def _kept(
        self, record: CredentialRecord, given: Mapping[str, str | None]
    ) -> tuple[dict[str, str], bytes | None]:
        """What is stored, and its key; nothing where it cannot be opened and need not be, since all is given."""
        try:
            key = await asyncio.to_thread(self._wrapper.unwrap, record.tenant, record.wrapped_key)
            return _unsealed(record, key), key
        except CredentialUnreadable:
            if not set(record.fields) <= given.keys():
                raise
            return {}, None


def _sealed(record: CredentialRecord, key: bytes, fields: Mapping[str, str]) -> CredentialRecord:
    nonce, ciphertext = sealing.seal(
        key,
        tenant=record.tenant,
        credential=record.id,
        version=record.version,
        kind=record.kind,
        fields=fields,
    )
    return replace(record, nonce=nonce, ciphertext=ciphertext)


def _unsealed(record: CredentialRecord, key: bytes) -> dict[str, str]:
    kind, fields = sealing.unseal(
        key, record.nonce, record.ciphertext, tenant=record.tenant, credential=record.id, version=record.version
    )
    if kind != record.kind or tuple(fields) != tuple(record.fields):
        raise CredentialUnreadable(
            "The stored kind or field names of this credential are not those it was saved with.",
            hint="Save the credential again with all its fields, or restore the database.",
        )
    return fields


def _refuse_redirection(
    before: Mapping[str, str], after: Mapping[str, str], given: Mapping[str, str | None], secret: frozenset[str]
) -> None:
    moved = [name for name in {**before, **after} if name not in secret and before.get(name) != after.get(name)]
    untold = [name for name in before if name in secret and name not in given]
    if moved and untold:
        told = f"It changes together with {moved[0]}: give it again."
        raise InvalidCredential(
            [
                {"code": "secret_needed", "field": f"fields.{name}", "message": told, "severity": "error"}
                for name in untold
            ]
        )


def _name(name: str) -> str:
    """Raises `InvalidInput`."""
    stripped = name.strip()
    if not stripped or len(stripped) > MAX_NAME or not stripped.isprintable():
        raise InvalidInput(f"A name has 1 to {MAX_NAME} printable characters.", field="name")
    return stripped
