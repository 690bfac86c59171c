"""The vault: what it seals it opens, for its place only; nobody redirects a secret; keys rotate under use."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.support.credentials import CREDENTIALS
from tests.support.loop import run
from tradeloom.accounts.credentials.errors import CredentialUnreadable, InvalidCredential, KeyUnavailable
from tradeloom.accounts.credentials.key_file import KeyFile
from tradeloom.accounts.credentials.rotation import rotate_key
from tradeloom.accounts.credentials.store import CredentialRecord
from tradeloom.accounts.credentials.vault import MAX_CREDENTIALS, Vault
from tradeloom.errors import Conflict, InvalidInput, NotFound
from tradeloom.storage.memory.credentials import MemoryCredentials

MAIL = dict(CREDENTIALS["mail"].fields)
TOKEN = {"token": "a-token-of-some-length"}


class Clock:
    def __init__(self) -> None:
        self.time = datetime(2026, 11, 25, tzinfo=UTC)

    def __call__(self) -> datetime:
        self.time += timedelta(seconds=1)
        return self.time


class Machinery:
    def __init__(self, folder: Path) -> None:
        self.store = MemoryCredentials()
        self.file = KeyFile(folder / "key")
        self.clock = Clock()
        self.vault = Vault(self.store, self.file, now=self.clock)

    def add(self, name: str = "Bot", kind: str = "http_bearer", fields: Any = TOKEN, tenant: str = "acme") -> str:
        return run(self.vault.add(tenant, name, kind, fields)).id

    def change(self, credential_id: str, *, name: str | None = None, **fields: str | None) -> CredentialRecord:
        given = {field.rstrip("_"): value for field, value in fields.items()}
        return run(self.vault.change("acme", credential_id, name=name, fields=given))

    def open(self, credential_id: str, tenant: str = "acme") -> dict[str, str]:
        return dict(run(self.vault.open(tenant, credential_id)).fields)


@pytest.fixture
def made(tmp_path: Path) -> Machinery:
    return Machinery(tmp_path)


@pytest.mark.parametrize("name", CREDENTIALS)
def test_every_kind_is_opened_as_it_was_saved(made: Machinery, name: str) -> None:
    example = CREDENTIALS[name]
    credential_id = made.add(kind=example.kind, fields=example.fields)
    opened = run(made.vault.open("acme", credential_id))
    assert (opened.kind, dict(opened.fields)) == (example.kind, dict(example.fields))
    record = made.store.rows["acme", credential_id]
    for value in example.fields.values():
        assert value.encode() not in record.ciphertext + record.wrapped_key
        assert value not in repr(record)
        assert value not in repr(opened)
    assert record.fields == tuple(example.fields)


def test_ids_cannot_be_guessed(made: Machinery) -> None:
    ids = {made.add(str(number)) for number in range(50)}
    assert len(ids) == 50
    assert all(len(each.removeprefix("cred-")) == 16 for each in ids)


def test_any_changed_byte_is_refused(made: Machinery) -> None:
    credential_id = made.add()
    key = ("acme", credential_id)
    sound = made.store.rows[key]
    for part in ("ciphertext", "nonce", "wrapped_key"):
        content: bytes = getattr(sound, part)
        for at in range(len(content)):
            changed = content[:at] + bytes([content[at] ^ 0x80]) + content[at + 1 :]
            made.store.rows[key] = replace(sound, **{part: changed})  # type: ignore[arg-type]
            with pytest.raises(CredentialUnreadable):
                made.open(credential_id)
    made.store.rows[key] = sound
    assert made.open(credential_id) == TOKEN


@pytest.mark.parametrize("tenant", ["acme|cred-1", "a|b", "ü\ud800", ""])
def test_a_tenant_of_any_name_has_its_own(made: Machinery, tenant: str) -> None:
    credential_id = made.add(tenant=tenant)
    assert made.open(credential_id, tenant) == TOKEN
    with pytest.raises(NotFound):
        made.open(credential_id)


@pytest.mark.parametrize("wrong", ["", "x" * 65, "cred-\0", "../cred", "cred-1\n", "ü"])
def test_an_id_that_can_be_none_is_not_found(made: Machinery, wrong: str) -> None:
    with pytest.raises(NotFound):
        made.open(wrong)


@pytest.mark.parametrize("name", ["", "  ", "x" * 101, "line\nbreak", "nul\0", "\ud800", "\u202e"])
def test_a_name_is_printable(made: Machinery, name: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        made.add(name)
    assert caught.value.field == "name"


def test_names_are_unique_in_a_tenant(made: Machinery) -> None:
    first, second = made.add(), made.add("Other")
    made.add(tenant="other")
    with pytest.raises(Conflict):
        made.add(" Bot ")
    with pytest.raises(Conflict):
        made.change(second, name="Bot")
    assert made.change(first, name="Bot").name == "Bot"


def test_a_change_keeps_what_was_left_out(made: Machinery) -> None:
    credential_id = made.add(kind="smtp", fields=MAIL)
    changed = made.change(credential_id, password="another pass")
    assert changed.version == 2
    assert made.open(credential_id) == {**MAIL, "password": "another pass"}
    assert made.change(credential_id, name="Renamed").fields == tuple(MAIL)
    assert made.open(credential_id)["password"] == "another pass"


def test_an_old_sealing_does_not_open_as_the_new_version(made: Machinery) -> None:
    credential_id = made.add()
    old = made.store.rows["acme", credential_id]
    new = made.change(credential_id, token="the-new-token")
    made.store.rows["acme", credential_id] = replace(new, nonce=old.nonce, ciphertext=old.ciphertext)
    with pytest.raises(CredentialUnreadable):
        made.open(credential_id)


def test_nobody_points_a_secret_he_does_not_know_at_a_server_of_his_own(made: Machinery) -> None:
    credential_id = made.add(kind="smtp", fields=MAIL)
    for change in ({"host": "evil.example"}, {"port": "2525"}, {"security": "none"}, {"username": None}):
        with pytest.raises(InvalidCredential) as caught:
            made.change(credential_id, **change)
        assert caught.value.field == "fields.password"
    assert made.open(credential_id) == MAIL
    made.change(credential_id, host="smtp2.example.com", password="known to me")
    assert made.open(credential_id)["host"] == "smtp2.example.com"
    made.change(credential_id, host="smtp3.example.com", password=None)
    assert "password" not in made.open(credential_id)


def test_a_use_is_noted_once_a_minute(made: Machinery) -> None:
    credential_id = made.add()
    made.open(credential_id)
    first = made.store.rows["acme", credential_id].last_used_at
    made.open(credential_id)
    assert made.store.rows["acme", credential_id].last_used_at == first is not None
    made.clock.time += timedelta(minutes=2)
    made.open(credential_id)
    assert made.store.rows["acme", credential_id].last_used_at != first


def test_there_is_a_most(made: Machinery) -> None:
    credential_id = made.add()
    sample = made.store.rows["acme", credential_id]
    for number in range(MAX_CREDENTIALS - 1):
        made.store.rows["acme", f"c{number}"] = replace(sample, id=f"c{number}", name=str(number))
    with pytest.raises(Conflict, match="most"):
        made.add("one more")


def test_with_the_key_lost_nothing_new_is_kept_and_what_is_given_whole_again_is(made: Machinery) -> None:
    credential_id = made.add()
    made.file.path.unlink()
    with pytest.raises(KeyUnavailable, match="gone"):
        made.open(credential_id)
    with pytest.raises(KeyUnavailable):
        made.add("Another")
    with pytest.raises(KeyUnavailable):
        made.change(credential_id, name="Renamed")
    made.change(credential_id, token="given-once-more")
    assert made.open(credential_id) == {"token": "given-once-more"}
    made.add("Another")


def test_one_tenant_has_one_data_key_until_it_is_rotated(made: Machinery) -> None:
    ids = [made.add(str(number), fields={"token": f"token-{number}"}) for number in range(3)]
    theirs = made.add(tenant="other")
    assert len({row.wrapped_key for (tenant, _), row in made.store.rows.items() if tenant == "acme"}) == 1
    before = {key: (row.wrapped_key, row.ciphertext, row.version) for key, row in made.store.rows.items()}
    assert run(made.vault.rotate("acme")) == 3
    after = {key: (row.wrapped_key, row.ciphertext, row.version) for key, row in made.store.rows.items()}
    for number, credential_id in enumerate(ids):
        key = ("acme", credential_id)
        assert before[key][2] == after[key][2]
        assert before[key][0] != after[key][0]
        assert before[key][1] != after[key][1]
        assert made.open(credential_id) == {"token": f"token-{number}"}
    assert before["other", theirs] == after["other", theirs]


def test_the_key_rotates_while_credentials_change_and_are_used(made: Machinery) -> None:
    ids = [made.add(str(number)) for number in range(12)]
    theirs = made.add(tenant="other")
    before = made.file.path.read_text().split()

    async def within() -> None:
        await asyncio.gather(
            rotate_key(made.vault, made.file),
            *(made.vault.change("acme", each, name=None, fields={"token": f"new {each}"}) for each in ids[::2]),
            *(made.vault.open("acme", each) for each in ids),
            made.vault.delete("acme", ids[1]),
        )

    run(within())
    assert len({*before, *made.file.path.read_text().split()}) == 2
    run(rotate_key(made.vault, made.file))
    assert not {*before} & {*made.file.path.read_text().split()}
    assert made.open(theirs, "other") == TOKEN
    with pytest.raises(NotFound):
        made.open(ids[1])
    assert made.open(ids[0]) == {"token": f"new {ids[0]}"}
    assert made.open(ids[3]) == TOKEN
