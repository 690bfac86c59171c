"""Data keys wrapped by KMS, against moto's."""

from collections.abc import Iterator

import boto3
import pytest
from moto import mock_aws

from tests.support.credentials import CREDENTIALS
from tests.support.loop import run
from tradeloom.accounts.credentials.errors import CredentialUnreadable, KeyUnavailable
from tradeloom.accounts.credentials.vault import Vault
from tradeloom.storage.kms import KmsKeyWrapper
from tradeloom.storage.memory.credentials import MemoryCredentials

DATA_KEY = bytes(range(32))


@pytest.fixture
def kms(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[KmsKeyWrapper, str]]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with mock_aws():
        client = boto3.client("kms", region_name="us-east-1")
        key_id = client.create_key()["KeyMetadata"]["KeyId"]
        yield KmsKeyWrapper(client, key_id), key_id


def test_a_data_key_comes_back_for_its_tenant_only(kms: tuple[KmsKeyWrapper, str]) -> None:
    wrapper, _ = kms
    wrapped = wrapper.wrap("acme", DATA_KEY)
    assert DATA_KEY not in wrapped
    assert wrapper.unwrap("acme", wrapped) == DATA_KEY
    with pytest.raises(CredentialUnreadable):
        wrapper.unwrap("other", wrapped)


def test_what_was_changed_or_is_no_longer_there_is_told(kms: tuple[KmsKeyWrapper, str]) -> None:
    wrapper, _ = kms
    wrapped = wrapper.wrap("acme", DATA_KEY)
    with pytest.raises(CredentialUnreadable):
        wrapper.unwrap("acme", wrapped[:-1] + bytes([wrapped[-1] ^ 1]))
    with pytest.raises(KeyUnavailable, match="NotFound"):
        KmsKeyWrapper(wrapper._client, "0" * 8).wrap("acme", DATA_KEY)


def test_a_vault_works_on_it(kms: tuple[KmsKeyWrapper, str]) -> None:
    vault = Vault(MemoryCredentials(), kms[0])
    mail = CREDENTIALS["mail"]
    record = run(vault.add("acme", "Mail", mail.kind, mail.fields))
    assert dict(run(vault.open("acme", record.id)).fields) == dict(mail.fields)
    assert run(vault.rotate("acme")) == 1
    assert dict(run(vault.open("acme", record.id)).fields) == dict(mail.fields)
