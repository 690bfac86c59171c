"""`tradeloom credentials` as a person and as a program use it. Nothing it prints holds a value."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.canaries import files, sightings
from tradeloom.storage.postgres.server import PostgresServer

TOKEN = "cnryCli-7d0e/55+a1"


class Shell:
    def __init__(self, folder: Path) -> None:
        self.home = folder / "home"
        self.said: list[tuple[str, bytes]] = []

    def __call__(self, *words: str, stdin: str = "", **environment: str) -> tuple[int, str]:
        command = [str(Path(sys.executable).with_name("tradeloom")), "credentials", *words]
        kept = {name: value for name, value in os.environ.items() if name not in {"DATABASE_URL", "TRADELOOM_KEY_FILE"}}
        done = subprocess.run(
            command,
            input=stdin,
            capture_output=True,
            text=True,
            env=kept | {"TRADELOOM_HOME": str(self.home)} | environment,
            check=False,
        )
        self.said.append((" ".join(words), (done.stdout + done.stderr).encode()))
        return done.returncode, done.stdout + done.stderr

    def json(self, *words: str, **more: Any) -> Any:
        code, text = self(*words, "--json", **more)
        assert code == 0, text
        return json.loads(text)


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
    folder = tmp_path_factory.mktemp("cli")
    made = Shell(folder)
    server = PostgresServer(made.home / "postgres", url="")
    server.start()  # once: each command would start it and stop it again
    yield made
    server.stop()
    kept = (each for each in files(made.home) if "/pg_wal/" not in each[0])
    assert sightings(iter([*made.said, *kept]), {"token": TOKEN}) == []


def test_the_ways_to_give_a_secret(shell: Shell, tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text(f"{TOKEN}\n")
    ways: dict[str, dict[str, Any]] = {
        "env": {"words": ["--set", "token=env:TOKEN"], "TOKEN": TOKEN},
        "file": {"words": ["--set", f"token=file:{file}"]},
        "stdin": {"words": ["--stdin"], "stdin": json.dumps({"token": TOKEN})},
    }
    for name, way in ways.items():
        made = shell.json("add", name, "--kind", "http_bearer", *way.pop("words"), **way)
        assert (made["name"], made["kind"], made["fields"]) == (name, "http_bearer", ["token"])
    assert [each["name"] for each in shell.json("list")] == sorted(ways)
    assert (shell.home.with_name("home.key").stat().st_mode & 0o777) == 0o600


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("add", "x", "--kind", "http_bearer", "--set", f"token={TOKEN}"), "command line is not"),
        (("add", "x", "--kind", "http_bearer"), "token"),
        (("add", "x", "--kind", "telegraph"), "no such kind"),
        (("add", "x", "--kind", "smtp", "--set", "hots=a"), "fields are host"),
        (("add", "x", "--kind", "http_bearer", "--set", "token=env:NO_SUCH_VARIABLE"), "NO_SUCH_VARIABLE"),
        (("add", "x", "--kind", "http_bearer", "--set", "token=file:/no/such/file"), "cannot be read"),
        (("add", "x", "--kind", "http_bearer", "--stdin"), "no JSON object"),
        (("remove", "nobody"), "no credential"),
    ],
)
def test_what_is_wrong_is_told(shell: Shell, words: tuple[str, ...], told: str) -> None:
    code, text = shell(*words)
    assert code == 3, text
    assert told in text


def test_change_rotate_and_remove(shell: Shell) -> None:
    fields = {"host": "smtp.example.com", "from": "bot@example.com", "password": TOKEN}
    made = shell.json("add", "Mail", "--kind", "smtp", "--stdin", stdin=json.dumps(fields))
    code, text = shell("change", "Mail", "--set", "host=evil.example")
    assert code == 3
    assert "password" in text
    changed = shell.json("change", made["id"], "--name", "Post", "--set", "password=env:P", P="another-pass")
    assert changed["name"] == "Post"
    key = shell.home.with_name("home.key").read_text()
    assert shell.json("rotate")["sealed_anew"] >= 1
    assert shell.home.with_name("home.key").read_text() != key
    shell.json("change", "Post", "--name", "Mail", "--set", "port=2525", "--set", "password=env:P", P="and-another")
    shell.json("remove", "Mail")
    assert "Mail" not in [each["name"] for each in shell.json("list")]


def test_a_key_file_inside_the_data_directory_is_refused(shell: Shell) -> None:
    code, text = shell("list", TRADELOOM_KEY_FILE=str(shell.home / "key"))
    assert code == 3
    assert "TRADELOOM_KEY_FILE" in text


def test_the_kinds_are_listed(shell: Shell) -> None:
    assert {each["kind"] for each in shell.json("kinds")} >= {"smtp", "telegram", "hmac"}
    code, text = shell("kinds")
    assert code == 0
    assert "webhook_url" in text
