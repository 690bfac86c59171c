"""What every store of sealed credentials must do, and what a vault on it refuses to open."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.contract.storage.conftest import opener, run
from tradeloom.accounts.credentials.errors import CredentialUnreadable
from tradeloom.accounts.credentials.key_file import KeyFile
from tradeloom.accounts.credentials.store import CredentialRecord, CredentialStore
from tradeloom.accounts.credentials.vault import Vault
from tradeloom.errors import Conflict, NotFound
from tradeloom.storage.memory.credentials import MemoryCredentials
from tradeloom.storage.postgres.credentials import PostgresCredentials

NOW = datetime(2026, 11, 25, 9, 30, 0, 123_000, tzinfo=UTC)
HEADER = {"header": "X-API-Key", "value": "correct horse battery"}

Open = Callable[[], AbstractAsyncContextManager[CredentialStore]]


def record(label: str = "mail", **changes: Any) -> CredentialRecord:
    made = CredentialRecord(
        tenant="acme",
        id=f"cred-{label}",
        name=label,
        kind="smtp",
        version=1,
        fields=("host", "password"),
        wrapped_key=b"\0wrapped\xff",
        nonce=b"n" * 12,
        ciphertext=bytes(range(256)),
        created_at=NOW,
        updated_at=NOW,
    )
    return replace(made, **changes)


@pytest.fixture(params=["memory", "postgres"])
def open_credentials(request: pytest.FixtureRequest) -> Open:
    return opener(request, MemoryCredentials, PostgresCredentials)


@run
async def test_a_row_reads_back_whole(open_credentials: Open) -> None:
    async with open_credentials() as store:
        await store.add(record())
        assert await store.credential("acme", "cred-mail") == record()
        await store.mark_used("acme", "cred-mail", NOW + timedelta(seconds=5))
        assert (await store.credential("acme", "cred-mail")).last_used_at == NOW + timedelta(seconds=5)


@run
async def test_another_tenant_finds_nothing_and_changes_nothing(open_credentials: Open) -> None:
    async with open_credentials() as store:
        await store.add(record())
        await store.add(record(tenant="other", name="mail", id="cred-mail"))
        await store.delete("other", "cred-mail")
        assert await store.credentials("other", limit=10, offset=0) == ([], 0)
        assert await store.newest("other") is None
        assert await store.known("other", frozenset({"cred-mail"})) == frozenset()
        for attempt in (
            store.credential("other", "cred-mail"),
            store.delete("other", "cred-mail"),
            store.replace(record(tenant="other", version=2), expected=1),
        ):
            with pytest.raises(NotFound):
                await attempt
        await store.mark_used("other", "cred-mail", NOW)
        assert not await store.reseal(record(tenant="other", ciphertext=b"x"), nonce=b"n" * 12)
        assert await store.credential("acme", "cred-mail") == record()
        assert await store.tenants() == ["acme"]


@run
async def test_names_and_ids_are_taken_once(open_credentials: Open) -> None:
    async with open_credentials() as store:
        tries = [store.add(record(id=f"cred-{n}")) for n in range(8)]
        answers = await asyncio.gather(*tries, return_exceptions=True)
        assert sum(answer is None for answer in answers) == 1
        assert all(answer is None or (isinstance(answer, Conflict) and answer.field == "name") for answer in answers)
        winner = await store.newest("acme")
        assert winner is not None
        with pytest.raises(Conflict):
            await store.add(record("other", id=winner.id))
        await store.add(record("other"))
        with pytest.raises(Conflict, match="name"):
            await store.replace(record("other", name="mail", version=2), expected=1)


@run
async def test_pages_go_by_name(open_credentials: Open) -> None:
    async with open_credentials() as store:
        for name in ("b", "Ä", "a", "C"):
            await store.add(record(name, id=f"cred-{ord(name)}"))
        listed, total = await store.credentials("acme", limit=3, offset=1)
        assert ([each.name for each in listed], total) == (["a", "b", "Ä"], 4)


@run
async def test_of_changes_at_the_same_moment_one_wins(open_credentials: Open) -> None:
    async with open_credentials() as store:
        await store.add(record(last_used_at=NOW))
        changes = [
            store.replace(record(version=2, name=f"n{n}", updated_at=NOW + timedelta(seconds=1)), expected=1)
            for n in range(6)
        ]
        answers = await asyncio.gather(*changes, return_exceptions=True)
        assert sum(isinstance(answer, Conflict) for answer in answers) == 5
        stored = await store.credential("acme", "cred-mail")
        assert (stored.version, stored.last_used_at) == (2, NOW)


@run
async def test_resealing_yields_to_a_change(open_credentials: Open) -> None:
    async with open_credentials() as store:
        await store.add(record())
        await store.replace(record(version=2, nonce=b"m" * 12), expected=1)
        assert not await store.reseal(record(ciphertext=b"old", nonce=b"o" * 12), nonce=b"n" * 12)
        assert await store.reseal(record(ciphertext=b"new", nonce=b"o" * 12), nonce=b"m" * 12)
        stored = await store.credential("acme", "cred-mail")
        assert (stored.version, stored.ciphertext) == (2, b"new")


@run
async def test_the_newest_is_the_one_changed_last(open_credentials: Open) -> None:
    async with open_credentials() as store:
        await store.add(record("a"))
        await store.add(record("b", updated_at=NOW + timedelta(seconds=1)))
        newest = await store.newest("acme")
        assert newest is not None
        assert newest.name == "b"
        assert await store.known("acme", frozenset({"cred-a", "cred-x", "\0"})) == frozenset({"cred-a"})


@run
async def test_a_vault_opens_what_it_saved_and_nothing_moved_or_changed(open_credentials: Open, tmp_path: Path) -> None:
    async with open_credentials() as store:
        vault = Vault(store, KeyFile(tmp_path / "key"))
        saved = await vault.add("acme", "API", "http_header", HEADER)
        assert dict((await vault.open("acme", saved.id)).fields) == HEADER
        other = await vault.add("acme", "Another", "http_header", {**HEADER, "value": "another one"})
        foreign = await vault.add("else", "Theirs", "http_header", HEADER)
        stored = await store.credential("acme", saved.id)
        moved = [
            replace(foreign, nonce=stored.nonce, ciphertext=stored.ciphertext, wrapped_key=stored.wrapped_key),
            replace(foreign, nonce=stored.nonce, ciphertext=stored.ciphertext),
            replace(other, nonce=stored.nonce, ciphertext=stored.ciphertext),
            replace(stored, version=2),
            replace(stored, kind="http_bearer"),
            replace(stored, fields=("header",)),
        ]
        for row in moved:
            await store.delete(row.tenant, row.id)
            await store.add(row)
            with pytest.raises(CredentialUnreadable):
                await vault.open(row.tenant, row.id)
