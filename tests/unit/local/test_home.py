"""The data directory: its lock, its token, and who may look."""

import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from tradeloom.errors import StorageUnavailable
from tradeloom.local.home import AlreadyRunning, Home


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    made = Home(tmp_path / "home")
    made.open()
    yield made
    made.close()


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_only_its_owner_may_look_into_it(home: Home) -> None:
    home.token()
    assert _mode(home.root) == 0o700
    assert _mode(home.root / "token") == 0o600


def test_a_second_instance_is_told_where_the_first_one_is(home: Home) -> None:
    home.tell("process 12 at http://127.0.0.1:8420/")
    with pytest.raises(AlreadyRunning, match=r"process 12 at http://127\.0\.0\.1:8420/") as caught:
        Home(home.root).open()
    assert "TRADELOOM_HOME" in str(caught.value.hint)


def test_a_closed_home_can_be_opened_again(home: Home) -> None:
    home.close()
    again = Home(home.root)
    again.open()
    again.close()


def test_a_token_is_made_once_and_is_hard_to_guess(home: Home) -> None:
    token, made = home.token()
    assert made
    assert len(token) >= 43
    assert home.token() == (token, False)
    assert Home(home.root).token() == (token, False)


def test_a_token_others_can_read_is_refused(home: Home) -> None:
    home.token()
    (home.root / "token").chmod(0o644)
    with pytest.raises(StorageUnavailable, match="Others on this machine"):
        home.token()


def test_an_empty_token_file_is_refused(home: Home) -> None:
    home.token()
    (home.root / "token").write_text("")
    with pytest.raises(StorageUnavailable, match="holds no token"):
        home.token()


def test_a_directory_that_cannot_be_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageUnavailable) as caught:
        Home(tmp_path / "file" / "home").open()
    assert caught.value.field == "TRADELOOM_HOME"


def test_the_address_is_that_of_whoever_runs_now(tmp_path: Path) -> None:
    home, looked = Home(tmp_path / "home"), Home(tmp_path / "home")
    assert looked.address() is None
    home.open()
    assert looked.address() is None  # it is still starting
    home.tell_address("http://127.0.0.1:8420/")
    assert looked.address() == "http://127.0.0.1:8420/"
    home.close()
    assert looked.address() is None


def test_the_address_of_one_that_was_killed_is_not_believed(tmp_path: Path) -> None:
    (tmp_path / "lock").write_text("at http://127.0.0.1:8420/")
    assert Home(tmp_path).address() is None
