"""`tradeloom database`: the schema forward, back with one's word, and never beside a machine that runs."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from tradeloom.cli.app import app
from tradeloom.local.home import Home
from tradeloom.storage.postgres.migrations import migrations

runner = CliRunner()
NUMBERS = [migration.number for migration in migrations()]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("schema") / "home"


def database(home: Path, *arguments: str) -> Result:
    return runner.invoke(app, ["database", *arguments, "--home", str(home), "--json"], env={"DATABASE_URL": ""})


def test_forward_and_back(home: Path) -> None:
    assert json.loads(database(home, "upgrade").stdout) == {"applied": NUMBERS}
    assert json.loads(database(home, "downgrade", "--to", "0", "--discard").stdout) == {"undone": NUMBERS[::-1]}
    told = database(home, "history")
    assert [each["applied_at"] for each in json.loads(told.stdout)["items"]] == [None] * len(NUMBERS)
    assert json.loads(database(home, "upgrade").stdout) == {"applied": NUMBERS}
    assert json.loads(database(home, "upgrade").stdout) == {"applied": []}
    assert json.loads(database(home, "downgrade", "--to", "7", "--discard").stdout) == {
        "undone": [number for number in reversed(NUMBERS) if number > 7]
    }
    listed = json.loads(database(home, "history").stdout)["items"]
    assert [each["number"] for each in listed if each["applied_at"]] == [1, 2, 3, 4, 5, 6, 7]


def test_what_it_refuses(home: Path) -> None:
    word = database(home, "downgrade", "--to", "0")
    assert (word.exit_code, json.loads(word.stdout)["error"]["field"]) == (3, "--discard")
    forward = database(home, "downgrade", "--to", "4711", "--discard")
    assert (forward.exit_code, json.loads(forward.stdout)["error"]["field"]) == (3, "--to")
    running = Home(home)
    running.open()
    try:
        for command in (["upgrade"], ["downgrade", "--to", "0", "--discard"]):
            told = database(home, *command)
            assert (told.exit_code, json.loads(told.stdout)["error"]["name"]) == (4, "AlreadyRunning")
    finally:
        running.close()
