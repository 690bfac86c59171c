"""Starting, stopping, restarting: what survives, and who outlives whom."""

import json
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from mt5_bridge.launcher import BridgeProcess, write_paper_config
from tests.integration.bridge.rig import LIMITS, Rig, alive, eventually
from tradeloom.errors import BrokerUnavailable, InvalidInput
from tradeloom.trading.intents import OutcomeStatus
from tradeloom.trading.mt5_client import BridgeClient
from tradeloom.trading.risk import AccountState
from tradeloom.trading.risk_limits import RiskLimits


def test_a_restart_keeps_orders_state_and_client(tmp_path: Path) -> None:
    with Rig(tmp_path) as rig:
        opened = rig.broker.send(rig.buy())
        rig.broker.set_state(AccountState.REDUCING, reason="weekend", by="Ada")
        port = json.loads(rig.bridge.state_file.read_text())["port"]
        worker = rig.worker_pid()
        assert rig.bridge.stop() == 0
        assert not rig.bridge.state_file.exists()
        assert not alive(worker)
        with pytest.raises(BrokerUnavailable, match="no bridge is running"):
            rig.broker.account()
        rig.restart()
        assert json.loads(rig.bridge.state_file.read_text())["port"] != port
        assert rig.broker.outcome(opened.client_order_id) == opened  # the same client, over a new connection
        assert rig.broker.send(rig.buy()) == opened
        assert rig.broker.state().state is AccountState.REDUCING
        assert len(rig.deals()) == 1


def test_a_request_to_stop_ends_it_cleanly(tmp_path: Path) -> None:
    with Rig(tmp_path) as rig:
        pid, worker = rig.bridge.pid, rig.worker_pid()
        assert pid is not None
        os.kill(pid, signal.SIGTERM)
        eventually(lambda: not rig.bridge.alive(), "the bridge has stopped")
        assert rig.bridge.stop() == 0
        assert not alive(worker)


def test_it_does_not_outlive_who_started_it(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    script = f"""
        from pathlib import Path
        from mt5_bridge.launcher import BridgeProcess
        bridge = BridgeProcess(Path({str(rig.config)!r}))
        bridge.start()
        print(bridge.pid, flush=True)
        input()
    """
    starter = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(script)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert starter.stdout is not None
    assert starter.stdin is not None
    pid = int(starter.stdout.readline())
    worker = rig.worker_pid()
    starter.kill()
    starter.wait()
    starter.stdout.close()
    starter.stdin.close()
    eventually(lambda: not alive(pid) and not alive(worker), "bridge and worker are gone")
    assert not rig.bridge.state_file.exists()
    rig.client.close()


def test_two_bridges_never_share_a_data_directory(tmp_path: Path) -> None:
    with Rig(tmp_path) as rig:
        with pytest.raises(BrokerUnavailable, match=f"held by process {rig.bridge.pid}"):
            BridgeProcess(rig.config).start()
        assert rig.client.health()["status"] == "ok"


def test_an_account_whose_terminal_fails_does_not_stop_the_others(tmp_path: Path) -> None:
    rig = Rig(tmp_path, modes={"paper": "hedging", "broken": "hedging"})
    books = rig.directory / "broken" / "paper.json"
    good = books.read_text()
    books.write_text("{")
    with rig:
        health = rig.client.health()
        assert health["status"] == "degraded"
        assert "paper.json" in health["accounts"]["broken"]["trouble"]
        assert rig.broker.tick("EURUSD").bid > 0
        books.write_text(good)
        eventually(lambda: rig.client.health()["status"] == "ok", "the repaired terminal has been started")
        assert rig.client.account("broken").tick("EURUSD").bid > 0


def test_another_login_than_configured_is_never_traded_on(tmp_path: Path) -> None:
    with Rig(tmp_path, account={"login": 99}) as rig:
        assert "Authorization failed" in rig.client.health()["accounts"]["paper"]["trouble"]
        broker = rig.client.account("paper")
        rig.client._send_timeout_s = 1
        with pytest.raises(BrokerUnavailable):
            broker.send(rig.buy())


@pytest.mark.parametrize("broken", ['{"data_dir": "d"}', "{", '{"data_dir": "d", "accounts": [{}]}'])
def test_a_wrong_configuration_is_told_with_its_exit_code(tmp_path: Path, broken: str) -> None:
    config = tmp_path / "bridge.json"
    config.write_text(broken)
    with pytest.raises(InvalidInput):
        BridgeProcess(config)
    ended = subprocess.run(
        [sys.executable, "-m", "mt5_bridge", "--config", str(config)], capture_output=True, text=True, check=False
    )
    assert ended.returncode == 2
    assert str(config) in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_paper_configuration_is_written_for_callers(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    config = write_paper_config(
        tmp_path / "own" / "bridge.json",
        data_dir=tmp_path / "own" / "data",
        terminal_path=tmp_path / "paper",
        login=5_001_001,
        limits=RiskLimits.model_validate(LIMITS),
    )
    with BridgeProcess(config) as bridge:
        client = BridgeClient(bridge.state_file)
        assert client.account("paper").send(rig.buy()).status is OutcomeStatus.DONE
        client.close()
