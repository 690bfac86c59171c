"""Draining, backpressure, the watchdog and the logs, with real processes."""

import json
import os
import re
import signal
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.integration.bridge.rig import Rig, eventually
from tradeloom.errors import BrokerUnavailable
from tradeloom.trading.intents import OutcomeStatus
from tradeloom.trading.mt5_client import BridgeClient

SLOW = {"kind": "hang", "seconds": 4, "executed": True}


def busy(rig: Rig) -> Any:
    return rig.client.health()["accounts"]["paper"]["busy_s"]


def test_an_order_under_way_is_finished_and_told_before_it_stops(tmp_path: Path) -> None:
    with Rig(tmp_path, faults=[SLOW]) as rig, ThreadPoolExecutor(1) as pool:
        other = BridgeClient(rig.bridge.state_file)
        other.account("paper").market_clock()  # connected before the door closes
        url = json.loads(rig.bridge.state_file.read_text())["status"]
        intent = rig.buy()
        told = pool.submit(rig.broker.send, intent)
        eventually(lambda: busy(rig) is not None, "the order is under way")
        assert rig.bridge.pid is not None
        os.kill(rig.bridge.pid, signal.SIGTERM)
        eventually(lambda: other.health()["status"] == "draining", "the bridge drains")
        with pytest.raises(urllib.error.HTTPError, match="503"):
            urllib.request.urlopen(url + "health", timeout=60)
        other._send_timeout_s = 0.5
        with pytest.raises(BrokerUnavailable, match="stopping"):
            other.account("paper").send(rig.buy("too late"))
        outcome = told.result()
        assert outcome.status is OutcomeStatus.DONE
        eventually(lambda: not rig.bridge.alive(), "it has stopped")
        assert rig.deals() == [intent.magic]
        entry = rig.journal(intent.client_order_id)
        assert entry is not None
        assert entry.outcome() == outcome
        other.close()


def test_what_waits_is_bounded_and_the_rest_is_told_at_once(tmp_path: Path) -> None:
    with Rig(tmp_path, faults=[SLOW], account={"max_waiting": 3}) as rig, ThreadPoolExecutor(12) as pool:
        clients = [BridgeClient(rig.bridge.state_file) for _ in range(10)]
        for client in clients:
            client.account("paper").market_clock()
        slow = pool.submit(rig.broker.send, rig.buy())
        eventually(lambda: busy(rig) is not None, "the terminal is busy")

        def ask(client: BridgeClient) -> tuple[float, str]:
            started = time.monotonic()
            try:
                client.account("paper").tick("EURUSD")
            except BrokerUnavailable as error:
                return time.monotonic() - started, error.message
            return time.monotonic() - started, "ok"

        answers = list(pool.map(ask, clients))
        told = [words for _, words in answers]
        assert sum("busy" in words for words in told) >= 7
        assert told.count("ok") <= 2  # with the order itself, three
        assert rig.client.health()["accounts"]["paper"]["turned_away"] >= 7
        assert slow.result().status is OutcomeStatus.DONE
        assert rig.client.health()["accounts"]["paper"]["waiting"] == 0
        assert rig.broker.tick("EURUSD").bid > 0
        for client in clients:
            client.close()


def test_the_watchdog_shows_what_it_did(tmp_path: Path) -> None:
    hang = {"kind": "hang", "seconds": 60, "executed": True}
    with Rig(tmp_path, faults=[hang], account={"hang_timeout_s": 2.0}) as rig:
        first = rig.worker_pid()
        rig.client._settle_s = 60
        assert rig.broker.send(rig.buy()).status is OutcomeStatus.DONE
        account = rig.client.health()["accounts"]["paper"]
        assert (account["restarts"], account["unsettled"]) == (1, 0)
        assert rig.worker_pid() != first
        assert "did not answer for 2 s" in (tmp_path / "data" / "logs" / "bridge.log").read_text()


def test_one_request_can_be_followed_through_both_logs(tmp_path: Path) -> None:
    with Rig(tmp_path) as rig:
        intent = rig.buy()
        rig.broker.send(intent)
        front = (tmp_path / "data" / "logs" / "bridge.log").read_text()
        worker = (tmp_path / "data" / "accounts" / "paper" / "worker.log").read_text()
    (line,) = [line for line in front.splitlines() if "call 'send'" in line]
    about = dict(re.findall(r"(\w+)=(\S+)", line))
    assert about == {"request": about["request"], "account": "paper", "order": intent.client_order_id}
    assert f"request={about['request']} order={intent.client_order_id}" in worker
    assert "0.1" not in line  # no payload
