"""The key file: made once, for its owner only, outside of what it protects; what is said when it is not as it was."""

import base64
import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tradeloom.accounts.credentials.errors import CredentialUnreadable, KeyUnavailable
from tradeloom.accounts.credentials.key_file import KeyFile

DATA_KEY = bytes(range(32))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "config" / "key"


def test_it_is_made_at_first_use_and_readable_to_its_owner_only(path: Path) -> None:
    file = KeyFile(path)
    assert not path.exists()
    wrapped = file.wrap("acme", DATA_KEY)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert DATA_KEY not in wrapped
    assert KeyFile(path).unwrap("acme", wrapped) == DATA_KEY
    assert os.listdir(path.parent) == ["key"], "no draft is left"


def test_processes_that_start_together_make_one_key(path: Path) -> None:
    with ThreadPoolExecutor(16) as threads:
        wrapped = list(threads.map(lambda _: KeyFile(path).wrap("acme", DATA_KEY), range(16)))
    assert {KeyFile(path).unwrap("acme", each) for each in wrapped} == {DATA_KEY}
    assert len(path.read_text().split()) == 1


def test_another_tenants_data_key_does_not_unwrap(path: Path) -> None:
    wrapped = KeyFile(path).wrap("acme", DATA_KEY)
    with pytest.raises(CredentialUnreadable):
        KeyFile(path).unwrap("other", wrapped)


def test_a_change_of_any_byte_is_refused(path: Path) -> None:
    file = KeyFile(path)
    wrapped = file.wrap("acme", DATA_KEY)
    for at in range(len(wrapped)):
        changed = wrapped[:at] + bytes([wrapped[at] ^ 1]) + wrapped[at + 1 :]
        with pytest.raises(CredentialUnreadable):
            file.unwrap("acme", changed)
    for length in range(len(wrapped)):
        with pytest.raises(CredentialUnreadable):
            file.unwrap("acme", wrapped[:length])


def test_a_lost_file_says_what_to_do_and_is_not_made_anew(path: Path) -> None:
    wrapped = KeyFile(path).wrap("acme", DATA_KEY)
    path.unlink()
    with pytest.raises(KeyUnavailable, match="is gone") as caught:
        KeyFile(path).unwrap("acme", wrapped)
    assert caught.value.hint
    assert not path.exists()


def test_another_file_in_its_place_is_told(path: Path) -> None:
    wrapped = KeyFile(path).wrap("acme", DATA_KEY)
    path.unlink()
    KeyFile(path).wrap("acme", DATA_KEY)
    with pytest.raises(KeyUnavailable, match="not the one"):
        KeyFile(path).unwrap("acme", wrapped)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660])
def test_a_file_others_can_read_is_not_used(path: Path, mode: int) -> None:
    wrapped = KeyFile(path).wrap("acme", DATA_KEY)
    path.chmod(mode)
    for attempt in (lambda: KeyFile(path).unwrap("acme", wrapped), lambda: KeyFile(path).wrap("acme", DATA_KEY)):
        with pytest.raises(KeyUnavailable, match="Others"):
            attempt()


@pytest.mark.parametrize(
    "content", [b"", b"\n", b"nonsense!\n", base64.b64encode(b"short") + b"\n", b"\xff\xfe", b"A" * 43 + b"\n"]
)
def test_a_damaged_file_is_told_and_left_alone(path: Path, content: bytes) -> None:
    path.parent.mkdir()
    path.write_bytes(content)
    path.chmod(0o600)
    with pytest.raises(KeyUnavailable, match="damaged"):
        KeyFile(path).wrap("acme", DATA_KEY)
    assert path.read_bytes() == content


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(KeyUnavailable) as caught:
        KeyFile(tmp_path / "file" / "key").wrap("acme", DATA_KEY)
    assert caught.value.field == "TRADELOOM_KEY_FILE"


def test_a_renewed_file_still_unwraps_with_the_key_before(path: Path) -> None:
    file, elsewhere = KeyFile(path), KeyFile(path)
    old = file.wrap("acme", DATA_KEY)
    assert elsewhere.unwrap("acme", old) == DATA_KEY
    file.renew()
    new = file.wrap("acme", DATA_KEY)
    assert (file.is_current(old), file.is_current(new)) == (False, True)
    assert file.unwrap("acme", old) == DATA_KEY
    assert elsewhere.unwrap("acme", new) == DATA_KEY, "another process reads the file again"
    file.renew()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with pytest.raises(KeyUnavailable):
        KeyFile(path).unwrap("acme", old)
    assert KeyFile(path).unwrap("acme", new) == DATA_KEY
