"""kill -9 of the whole machine between a person's kill and its bridge: the account is stopped all the same."""

import json
import os
import signal
import time
import urllib.error
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.support.documents import document, node
from tests.support.machine import Up

REASON = "get me out"
BUY = {"symbol": "EURUSD", "side": "buy", "volume": 0.01, "deviation": 50}


@pytest.fixture
def system(tmp_path: Path) -> Iterator[Up]:
    made = Up(tmp_path / "home")
    made.start()
    yield made
    made.stop()


def refusal(system: Up, path: str, body: Any) -> dict[str, Any]:
    with pytest.raises(urllib.error.HTTPError) as caught:
        system.call("POST", path, body)
    with caught.value as answer:
        told: dict[str, Any] = json.loads(answer.read())["error"]
    return told


def test_a_kill_the_bridge_never_heard_of_is_delivered_after_the_restart(system: Up) -> None:
    trades = document([node("start"), node("buy", "order.market", config=BUY)], "start > buy")
    buys = system.call("POST", "/workflows", trades)["id"]
    first = system.call("POST", f"/workflows/{buys}/execute", {})["id"]
    assert system.wait(first)["status"] == "succeeded"
    assert system.call("GET", "/accounts/paper")["positions"] == 1
    (front,) = system.victims()["front"]
    os.kill(front, signal.SIGSTOP)
    told = refusal(system, "/accounts/paper/kill", {"mode": "flatten", "reason": REASON})
    assert told["name"] in ("BrokerTimeout", "BrokerUnavailable")
    system.kill()
    psutil.Process(front).kill()  # it never read what it was sent
    system.start()
    assert refusal(system, f"/workflows/{buys}/execute", {})["name"] == "AccountHalted"
    give_up = time.monotonic() + 60
    account = system.call("GET", "/accounts/paper")
    while (account["flatten"] or {}).get("status") != "flat" or account["undelivered"]:
        assert time.monotonic() < give_up, account
        time.sleep(0.1)
        account = system.call("GET", "/accounts/paper")
    assert (account["state"], account["state_reason"], account["positions"]) == ("halted", REASON, 0)
    titles = [each["title"] for each in system.call("GET", "/notifications")["items"]]
    assert titles.count("paper could not be stopped at its bridge yet") == 1
    assert titles.count("paper is halted") == 1
    assert system.call("POST", "/accounts/paper/resume", {"reason": "looked at it"})["state"] == "active"
    again = system.call("POST", f"/workflows/{buys}/execute", {})["id"]
    assert system.wait(again)["status"] == "succeeded"
