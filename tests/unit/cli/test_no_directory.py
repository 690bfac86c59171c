"""What only looks at a data directory says that there is none; it makes none, and touches no other directory."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tradeloom.cli.app import app

LOOKING = [
    ["executions"],
    ["trades"],
    ["logs"],
    ["logs", "--execution", "x"],
    ["retention"],
    ["retention", "--apply"],
    ["database", "history"],
    ["database", "downgrade", "--to", "1", "--discard"],
]


@pytest.mark.parametrize("words", LOOKING, ids=" ".join)
def test_no_directory_is_said_and_none_is_made(words: list[str], tmp_path: Path) -> None:
    for home in (tmp_path / "none", tmp_path):
        told = CliRunner().invoke(app, [*words, "--home", str(home), "--json"], env={"DATABASE_URL": ""})
        error = json.loads(told.stdout)["error"]
        assert (told.exit_code, error["name"], error["field"]) == (3, "NotFound", "--home")
        assert str(home) in error["message"]
    assert list(tmp_path.iterdir()) == []
