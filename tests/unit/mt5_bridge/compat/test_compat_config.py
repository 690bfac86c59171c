"""The scripts' door opens only where, and for whom, somebody says so."""

import json
from pathlib import Path
from typing import Any

import pytest

from mt5_bridge.config import BridgeConfig, load_config
from tests.unit.mt5_bridge.fake_terminal import LIMITS
from tradeloom.errors import InvalidInput

ACCOUNT = {
    "name": "demo",
    "terminal": "paper",
    "terminal_path": "terminal",
    "login": 1,
    "server_time_zone": "UTC",
    "limits": LIMITS.model_dump(mode="json"),
}


def load(path: Path, changes: dict[str, Any] | None = None, /, **compat: Any) -> BridgeConfig:
    file = path / "bridge.json"
    file.write_text(json.dumps({"data_dir": "data", "accounts": [ACCOUNT | (changes or {})], "compat": compat}))
    return load_config(file, {})


def test_it_is_shut_unless_enabled(tmp_path: Path) -> None:
    assert not load(tmp_path).compat.enabled
    opened = load(tmp_path, enabled=True, account="demo").compat
    assert (opened.host, opened.port, opened.max_connections) == ("127.0.0.1", 18_812, 8)


@pytest.mark.parametrize(
    "host", ["0.0.0.0", "::", "192.168.1.5", "example.com", "localhost", "", "127.0.0.1:1", "::ffff:1.2.3.4"]
)
def test_it_is_on_this_machine_only(tmp_path: Path, host: str) -> None:
    with pytest.raises(InvalidInput, match=r"127\.0\.0\.1 or ::1") as refused:
        load(tmp_path, enabled=True, account="demo", host=host)
    assert refused.value.field == "compat.host"


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2", "::1"])
def test_any_address_of_the_machine_itself_will_do(tmp_path: Path, host: str) -> None:
    assert load(tmp_path, enabled=True, account="demo", host=host).compat.host == host


def test_it_names_an_account(tmp_path: Path) -> None:
    for name in ("", "other"):
        with pytest.raises(InvalidInput, match="names the account"):
            load(tmp_path, enabled=True, account=name)


def test_real_money_is_armed_twice(tmp_path: Path) -> None:
    armed = {"live_trading": True}
    with pytest.raises(InvalidInput, match="armed for real money"):
        load(tmp_path, armed, enabled=True, account="demo")
    assert load(tmp_path, armed, enabled=True, account="demo", live_trading=True).compat.live_trading
    assert not load(tmp_path, armed, enabled=False, account="demo").compat.enabled


@pytest.mark.parametrize(
    "wrong", [{"port": 70_000}, {"max_connections": 0}, {"idle_timeout_s": 0}, {"enabled": "maybe"}, {"token": "x"}]
)
def test_wrong_settings_are_named(tmp_path: Path, wrong: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput) as refused:
        load(tmp_path, account="demo", **wrong)
    assert refused.value.field == f"compat.{next(iter(wrong))}"
