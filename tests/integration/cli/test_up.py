"""`tradeloom up` as a process of its own: it serves, ends cleanly, is alone, and survives being killed."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from tradeloom.local.market import ACCOUNT
from tradeloom.trading.mt5_client import BridgeClient

Start = Callable[..., "Up"]


class Up:
    """One `tradeloom up --json`, and HTTP to it."""

    def __init__(self, home: Path, *options: str) -> None:
        command = [str(Path(sys.executable).with_name("tradeloom")), "up", "--json", "--port", "0", "--home", str(home)]
        environment = {key: value for key, value in os.environ.items() if key != "DATABASE_URL"}
        self.home = home
        self.process = subprocess.Popen(
            [*command, *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
        )
        self.told: dict[str, Any] = {}

    def ready(self) -> "Up":
        assert self.process.stdout is not None
        text = ""
        for line in self.process.stdout:
            text += line
            if line.startswith("}"):
                break
        assert text, self.process.stderr.read() if self.process.stderr else ""
        self.told = json.loads(text)
        assert "api" in self.told, text
        return self

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        token = (self.home / "token").read_text()
        answer = requests.request(
            method, self.told["api"] + path, json=body, headers={"Authorization": f"Bearer {token}"}, timeout=40
        )
        assert answer.ok, answer.text
        return answer.json()

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        if self.process.poll() is None:
            self.process.send_signal(number)
        try:
            self.process.communicate(timeout=90)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.communicate()
        return self.process.returncode


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    begun: list[Up] = []

    def begin(*options: str, wait: bool = True) -> Up:
        up = Up(tmp_path / "home", *options)
        begun.append(up)
        return up.ready() if wait else up

    yield begin
    for up in begun:
        up.end()


def test_it_serves_the_page_and_the_api_is_alone_and_ends_cleanly(start: Start) -> None:
    up = start()
    assert requests.get(up.told["address"], timeout=90).status_code == 200
    assert f"#token={(up.home / 'token').read_text()}" in up.told["page"]
    assert requests.get(f"{up.told['api']}/workflows", timeout=90).status_code == 401
    assert up.ask("GET", "/health")["status"] == "ok"
    second = start("--port", str(urlsplit(up.told["address"]).port), wait=False)
    stdout, _ = second.process.communicate(timeout=90)
    assert second.process.returncode == 4
    error = json.loads(stdout)["error"]
    assert error["name"] == "AlreadyRunning"
    assert up.told["address"] in error["message"]
    assert up.end(signal.SIGINT) == 0
    assert not (up.home / "postgres" / "data" / "postmaster.pid").exists()


def test_killed_in_the_middle_it_goes_on_with_one_order(start: Start) -> None:
    up = start("--speed", "1")
    document = {
        "name": "Buy in a while",
        "nodes": [
            {"id": "start", "type": "trigger.manual"},
            {"id": "first", "type": "order.market", "config": {"symbol": "EURUSD", "side": "buy", "volume": 0.1}},
            {"id": "pause", "type": "utility.delay", "config": {"seconds": 4}},
            {"id": "second", "type": "order.market", "config": {"symbol": "EURUSD", "side": "sell", "volume": 0.2}},
        ],
        "connections": [
            {"source": "start", "target": "first"},
            {"source": "first", "target": "pause"},
            {"source": "pause", "target": "second"},
        ],
        "settings": {"timeout_s": 600},
    }
    workflow = up.ask("POST", "/workflows", document)
    begun = up.ask("POST", f"/workflows/{workflow['id']}/execute")
    path = f"/executions/{begun['id']}"
    _until(lambda: up.ask("GET", path), lambda found: any(run["state"] == "waiting" for run in found["node_runs"]))
    up.process.kill()
    up.process.communicate()
    again = start("--speed", "1")
    done = _until(lambda: again.ask("GET", path), lambda found: found["status"] not in {"running", "pending"})
    assert (done["status"], done["error"]) == ("succeeded", None)
    client = BridgeClient(again.home / "bridge" / "bridge.json")
    positions = client.account(ACCOUNT).positions()
    client.close()
    assert sorted((position.side.value, str(position.volume)) for position in positions) == [
        ("buy", "0.1"),
        ("sell", "0.2"),
    ]


def test_a_killed_database_comes_back(start: Start) -> None:
    up = start()
    document = {
        "name": "Price",
        "nodes": [
            {"id": "start", "type": "trigger.manual"},
            {"id": "price", "type": "market.live_price", "config": {"symbol": "EURUSD"}},
        ],
        "connections": [{"source": "start", "target": "price"}],
    }
    workflow = up.ask("POST", "/workflows", document)
    postmaster = int((up.home / "postgres" / "data" / "postmaster.pid").read_text().splitlines()[0])
    os.kill(postmaster, signal.SIGKILL)
    token = (up.home / "token").read_text()
    url = f"{up.told['api']}/workflows/{workflow['id']}/execute"
    headers = {"Authorization": f"Bearer {token}"}

    def execute() -> requests.Response:
        return requests.post(url, json={"wait_s": 20}, headers=headers, timeout=90)

    down = execute()
    assert down.status_code in {200, 503}, down.text
    done = _until(execute, lambda answer: answer.status_code == 200)
    assert done.json()["status"] == "succeeded"
    assert up.end() == 0


def test_a_port_that_is_taken_is_told(start: Start, tmp_path: Path) -> None:
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        up = start("--port", str(taken.getsockname()[1]), wait=False)
        stdout, _ = up.process.communicate(timeout=90)
    assert up.process.returncode == 4
    assert json.loads(stdout)["error"]["name"] == "PortTaken"
    assert not (up.home / "postgres").exists(), "it was known before anything was started"


def _until(read: Callable[[], Any], wanted: Callable[[Any], bool], seconds: float = 90) -> Any:
    give_up = time.monotonic() + seconds
    while True:
        found = read()
        if wanted(found):
            return found
        assert time.monotonic() < give_up, found
        time.sleep(0.1)
