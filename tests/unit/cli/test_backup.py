"""`tradeloom backup` where there is nothing to back up."""

from pathlib import Path

from typer.testing import CliRunner

from tradeloom.cli.app import app


def test_a_data_directory_that_is_not_there_is_told_and_not_made(tmp_path: Path) -> None:
    home = tmp_path / "mistyped"
    told = CliRunner().invoke(app, ["backup", "--home", str(home)])
    assert told.exit_code == 3
    assert "no data directory" in told.stderr
    assert list(tmp_path.iterdir()) == []
