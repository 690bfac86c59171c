"""`tradeloom backup` of a machine that runs, `tradeloom restore` into another directory, and what goes on there."""

import json
import os
import shutil
import sqlite3
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.integration.workflows.drawing import chain
from tests.support.machine import Up, fills
from tradeloom.local.backup.archive import reading, writing

BUY = {"id": "buy", "type": "order.market", "config": {"symbol": "EURUSD", "side": "buy", "volume": 0.1}}
SELL = {"id": "sell", "type": "order.market", "config": {"symbol": "EURUSD", "side": "sell", "volume": 0.2}}
PAUSE = {"id": "pause", "type": "utility.delay", "config": {"seconds": 30}}
ROW = {"id": "row", "type": "database.save", "config": {"table": "signals", "object": {"rsi": 28}}}
READ = {"id": "read", "type": "database.query", "config": {"table": "signals", "columns": ["rsi"]}}
pytestmark = pytest.mark.timeout(600)  # whole machines, and processes of the command line

SECRET = "cnryBackup-51f0"


@dataclass
class Backed:
    """A machine that was backed up while it ran, and then went on and was stopped."""

    home: Path
    file: Path
    told: dict[str, Any]
    executions: dict[str, str] = field(default_factory=dict)
    workflows: dict[str, str] = field(default_factory=dict)


def tradeloom(*words: str, home: Path) -> tuple[int, Any]:
    kept = {name: value for name, value in os.environ.items() if name not in {"DATABASE_URL", "TRADELOOM_KEY_FILE"}}
    command = [str(Path(sys.executable).with_name("tradeloom")), *words, "--home", str(home), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, env=kept, check=False, timeout=120)
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)


def waiting(machine: Up, execution: str) -> bool:
    return any(run["state"] == "waiting" for run in machine.call("GET", f"/executions/{execution}")["node_runs"])


@pytest.fixture(scope="module")
def backed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Backed]:
    folder = tmp_path_factory.mktemp("backup")
    machine = Up(folder / "home")
    try:
        machine.start("--speed", "0.01", timeout_s=240)
        made = backed_up(machine, folder / "all.zip")
    finally:
        machine.stop()
    yield made
    shutil.rmtree(folder, ignore_errors=True)


def backed_up(machine: Up, file: Path) -> Backed:
    documents = {
        "done": chain(BUY, ROW, name="done"),
        "trades": chain(PAUSE, SELL, name="trades", timeout_s=7200),
        "harmless": chain(PAUSE, READ, name="harmless", timeout_s=7200),
    }
    workflows, executions = {}, {}
    for name, document in documents.items():
        workflows[name] = machine.call("POST", "/workflows", document)["id"]
        executions[name] = machine.call("POST", f"/workflows/{workflows[name]}/execute")["id"]
    assert machine.wait(executions["done"])["status"] == "succeeded"
    secret = {"name": "desk", "kind": "http_bearer", "fields": {"token": SECRET}}
    machine.call("POST", "/credentials", secret)
    give_up = time.monotonic() + 60
    while not all(waiting(machine, executions[name]) for name in ("trades", "harmless")):
        assert time.monotonic() < give_up
        time.sleep(0.1)
    code, told = tradeloom("backup", str(file), home=machine.home)
    assert code == 0, told
    after = machine.call("POST", f"/workflows/{workflows['done']}/execute")
    assert machine.wait(after["id"])["status"] == "succeeded"
    return Backed(machine.home, file, told, executions, workflows)


def test_it_says_what_is_missing_and_is_for_its_owner(backed: Backed) -> None:
    assert backed.file.stat().st_mode & 0o777 == 0o600
    assert backed.told["accounts"] == ["paper", "paper-test"]
    assert any("--with-keys" in each for each in backed.told["without"])
    with reading(backed.file) as backup:
        assert not backup.names("keys/")
        assert backup.manifest.rows["public.executions"] == 3
    assert SECRET.encode() not in backed.file.read_bytes()


def test_a_restored_machine_has_everything_and_trades_nothing_until_a_person_says_so(
    backed: Backed, tmp_path: Path
) -> None:
    code, told = tradeloom("restore", str(backed.file), home=tmp_path / "home")
    assert code == 0, told
    assert told["halted"] == ["paper", "paper-test"]
    assert any("cannot be read without their key" in note for note in told["notes"])
    before = sum(fills(tmp_path / "home").values())
    assert before == 1
    machine = Up(tmp_path / "home")
    machine.start("--speed", "10", timeout_s=240)
    try:
        assert machine.call("GET", f"/executions/{backed.executions['done']}")["status"] == "succeeded"
        stopped = machine.wait(backed.executions["trades"])
        assert stopped["status"] == "stopped"
        assert "restored from a backup" in json.dumps(stopped)
        harmless = machine.wait(backed.executions["harmless"])
        assert harmless["status"] == "succeeded"
        assert '"rsi": 28' in json.dumps(harmless)
        refused = machine.call("GET", "/accounts")["items"]
        assert {each["name"]: (each["state"], each["state_by"]) for each in refused} == {
            "paper": ("halted", "restore"),
            "paper-test": ("halted", "restore"),
        }
        assert [each["name"] for each in machine.call("GET", "/credentials")["items"]] == ["desk"]
        code, told = tradeloom("resume", "paper", "--reason", "compared", home=machine.home)
        assert code == 0, told
        again = machine.call("POST", f"/workflows/{backed.workflows['done']}/execute")
        assert machine.wait(again["id"])["status"] == "succeeded"
    finally:
        machine.stop()
    assert sum(fills(machine.home).values()) == before + 1


def test_what_is_there_is_kept_aside_and_with_the_keys_credentials_open(backed: Backed, tmp_path: Path) -> None:
    file = tmp_path / "keys.zip"
    code, told = tradeloom("backup", str(file), "--with-keys", home=backed.home)
    assert (code, told["without"]) == (0, []), told
    target = tmp_path / "target"
    target.mkdir()
    (target / "mine").write_text("kept")
    code, told = tradeloom("restore", str(file), home=target)
    assert (code, told["error"]["name"], told["error"]["field"]) == (4, "Conflict", "--home")
    code, told = tradeloom("restore", str(file), "--replace", home=target)
    assert code == 0, told
    assert (Path(told["aside"]) / "mine").read_text() == "kept"
    assert target.with_name("target.key").read_bytes() == backed.home.with_name("home.key").read_bytes()
    assert (target / "token").read_text() == (backed.home / "token").read_text()
    assert not any("key" in note for note in told["notes"])


def part_changed(file: Path, target: Path, name: str) -> None:
    """A copy in which one byte of a part is another, as a bad disk leaves it."""
    with zipfile.ZipFile(file) as archive:
        start = archive.getinfo(name).header_offset + 30 + len(name) + 40
    content = bytearray(file.read_bytes())
    content[start] ^= 0xFF
    target.write_bytes(content)


@pytest.mark.parametrize("name", ["database.dump", "bridge/accounts/paper/journal.sqlite3", "terminals/paper/paper.db"])
def test_a_damaged_part_is_named_and_nothing_is_touched(backed: Backed, tmp_path: Path, name: str) -> None:
    part_changed(backed.file, tmp_path / "bad.zip", name)
    code, told = tradeloom("restore", str(tmp_path / "bad.zip"), home=tmp_path / "home")
    assert (code, told["error"]["name"], told["error"]["field"]) == (3, "BackupDamaged", name)
    assert not (tmp_path / "home").exists()


def test_what_is_cut_off_added_to_or_newer_is_refused(backed: Backed, tmp_path: Path) -> None:
    cut = tmp_path / "cut.zip"
    cut.write_bytes(backed.file.read_bytes()[:-1000])
    added = tmp_path / "added.zip"
    shutil.copy(backed.file, added)
    with zipfile.ZipFile(added, "a") as archive:
        archive.writestr("blobs/../../evil", "x")
    for file, where in ((cut, "FILE"), (added, "blobs/../../evil"), (tmp_path / "none.zip", "FILE")):
        code, told = tradeloom("restore", str(file), home=tmp_path / "home")
        assert (code, told["error"]["field"]) == (3, where)
    newer = tmp_path / "newer.zip"
    made_by_a_newer_release(backed.file, newer)
    code, told = tradeloom("restore", str(newer), home=tmp_path / "home")
    assert (code, told["error"]["name"]) == (4, "StorageUnavailable")
    assert "newer release" in told["error"]["message"]
    assert not (tmp_path / "home").exists()


def made_by_a_newer_release(file: Path, target: Path) -> None:
    with reading(file) as backup, writing(target) as archive:
        for name in backup.manifest.parts:
            archive.add_bytes(name, backup.read(name))
        checksums = {**backup.manifest.schema_checksums, 9999: "0" * 64}
        archive.finish(backup.manifest.model_copy(update={"schema_checksums": checksums, "parts": archive.parts}))


def test_a_restore_that_fails_gives_back_what_was_there(backed: Backed, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.zip"
    with reading(backed.file) as backup, writing(wrong) as archive:
        for name in backup.manifest.parts:
            archive.add_bytes(name, backup.read(name))
        rows = {**backup.manifest.rows, "public.executions": 4}
        archive.finish(backup.manifest.model_copy(update={"rows": rows, "parts": archive.parts}))
    home = tmp_path / "home"
    home.mkdir()
    (home / "mine").write_text("kept")
    code, told = tradeloom("restore", str(wrong), "--replace", home=home)
    assert (code, told["error"]["field"]) == (4, "database.dump")
    assert "public.executions has 3 rows after restoring, 4 when backed up" in told["error"]["message"]
    assert {path.name for path in home.iterdir()} == {"lock", "logs", "mine"}


def test_journals_in_the_backup_are_whole(backed: Backed, tmp_path: Path) -> None:
    with reading(backed.file) as backup:
        for account in ("paper", "paper-test"):
            for part in (f"bridge/accounts/{account}/journal.sqlite3", f"terminals/{account}/paper.db"):
                copy = tmp_path / part.replace("/", "_")
                backup.unpack(part, copy)
                with closing(sqlite3.connect(copy)) as database:
                    assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
