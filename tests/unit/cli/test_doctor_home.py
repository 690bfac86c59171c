"""What the doctor finds in a data directory that is not as it should be. Needs no server."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tradeloom.cli.doctor_home import HomeChecks, time_zones
from tradeloom.cli.findings import CheckFailed, Finding
from tradeloom.local.settings import Settings


@pytest.fixture
def home(tmp_path: Path) -> Path:
    made = tmp_path / "home"
    made.mkdir()
    return made


def look(home: Path, name: str) -> str | Finding:
    return HomeChecks(Settings(home=home)).checks()[name]()


def with_database(home: Path) -> None:
    """As far as these checks look."""
    data = home / "postgres" / "data"
    data.mkdir(parents=True)
    (data / "PG_VERSION").write_text("18")


def backed_up(home: Path, days_ago: float) -> None:
    (home.parent / "all.zip").touch()
    made_at = datetime.now(UTC) - timedelta(days=days_ago)
    told = {"made_at": made_at.isoformat(), "file": str(home.parent / "all.zip")}
    (home / "last-backup.json").write_text(json.dumps(told))


@pytest.mark.parametrize("name", ["home.key", "home/token"])
def test_a_key_that_others_can_read_fails(home: Path, name: str) -> None:
    file = home.parent / name
    file.write_text("secret")
    file.chmod(0o644)
    with pytest.raises(CheckFailed, match="others can read") as caught:
        look(home, "keys")
    assert caught.value.hint == f"chmod 600 {file}"
    file.chmod(0o600)
    assert isinstance(look(home, "keys"), str)


def test_a_backup_that_was_never_made_or_is_old_is_told(home: Path) -> None:
    assert look(home, "backup") == "nothing to back up yet"
    with_database(home)
    for days_ago, status in ((None, "warning"), (30, "warning"), (1, "ok")):
        if days_ago is not None:
            backed_up(home, days_ago)
        found = look(home, "backup")
        assert ("ok" if isinstance(found, str) else found.status) == status
    (home / "last-backup.json").write_text("{")
    found = look(home, "backup")
    assert isinstance(found, Finding)
    assert found.detail == "never"


def test_what_was_broken_off_is_told(home: Path) -> None:
    assert look(home, "locks") == "none left behind"
    left = home.with_name("home-backups") / ".one.zip.partial-1"
    left.parent.mkdir()
    left.touch()
    found = look(home, "locks")
    assert isinstance(found, Finding)
    assert (found.status, str(left) in found.hint) == ("warning", True)
    (home / "restoring").touch()
    with pytest.raises(CheckFailed, match="was broken off"):
        look(home, "locks")


def test_a_damaged_certificate_is_told(home: Path) -> None:
    assert "none yet" in str(look(home, "certificates"))
    folder = home / "bridge" / "certificates"
    folder.mkdir(parents=True)
    (folder / "ca.pem").write_text("nonsense")
    with pytest.raises(CheckFailed, match="cannot be read"):
        look(home, "certificates")


def test_time_zones_are_there() -> None:
    assert time_zones().startswith("tzdata ")
