import json
import re
import textwrap
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from mt5_bridge.config import BridgeConfig, load_config
from tradeloom.errors import InvalidInput
from tradeloom.trading.risk_limits import RiskLimits, WorkflowLimits

LIMITS = RiskLimits.for_paper(["EURUSD"], max_lot=Decimal(1), max_price_age_s=60).model_dump(mode="json")
ACCOUNT = {
    "name": "demo",
    "terminal": "paper",
    "terminal_path": "terminal",
    "login": 1,
    "server_time_zone": "UTC",
    "limits": LIMITS,
}

DOCUMENTATION = Path(__file__).parents[3] / "docs" / "bridge.md"


def documented_toml() -> str:
    """The example in the documentation."""
    match = re.search(r"```toml\n(.*?)```", DOCUMENTATION.read_text(), re.DOTALL)
    assert match is not None
    return textwrap.dedent("   " + match[1])


def write(path: Path, **changes: Any) -> Path:
    file = path / "bridge.json"
    file.write_text(json.dumps({"data_dir": "data", "accounts": [ACCOUNT]} | changes))
    return file


def account(**changes: Any) -> dict[str, Any]:
    return {key: value for key, value in (ACCOUNT | changes).items() if value is not None}


def test_the_documented_example(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "bridge.toml"
    file.write_text(documented_toml())
    config = load_config(file, {})
    assert config.listen.port == 7443
    assert config.accounts[0].limits.symbols == ("EURUSD", "GBPUSD")
    assert config.accounts[0].terminal_path.name.endswith("terminal64.exe")
    assert not config.accounts[0].live_trading
    monkeypatch.setenv("MT5_PASSWORD", "secret")
    password = config.accounts[0].resolve_password()
    assert password is not None
    assert password.get_secret_value() == "secret"
    assert "secret" not in repr(password)


def test_paths_are_relative_to_the_file(tmp_path: Path) -> None:
    config = load_config(write(tmp_path), {})
    assert config.data_dir == tmp_path / "data"
    assert config.accounts[0].terminal_path == tmp_path / "terminal"
    assert config.certificate_dir == tmp_path / "data" / "certificates"
    assert config.state_file == tmp_path / "data" / "bridge.json"


def test_the_environment_overrides(tmp_path: Path) -> None:
    environment = {"TRADELOOM_BRIDGE_PORT": "9000", "TRADELOOM_BRIDGE_DATA_DIR": "/elsewhere"}
    config = load_config(write(tmp_path), environment)
    assert (config.listen.port, config.data_dir) == (9000, Path("/elsewhere"))
    with pytest.raises(InvalidInput, match=r"listen\.port"):
        load_config(write(tmp_path), {"TRADELOOM_BRIDGE_PORT": "many"})


@pytest.mark.parametrize(
    "limit", [*RiskLimits.model_fields, *(f"workflow.{name}" for name in WorkflowLimits.model_fields)]
)
def test_every_limit_must_be_set(tmp_path: Path, limit: str) -> None:
    if limit == "workflows":  # the limits of single workflows are the only ones nobody has to give
        return
    without = json.loads(json.dumps(LIMITS))
    section, _, name = limit.rpartition(".")
    del (without[section] if section else without)[name]
    with pytest.raises(InvalidInput) as caught:
        load_config(write(tmp_path, accounts=[account(limits=without)]), {})
    assert caught.value.field == f"accounts.0.limits.{limit}"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"accounts": []}, "accounts"),
        ({"accounts": [account(limits=LIMITS | {"max_lot": "0"})]}, "accounts.0.limits.max_lot"),
        ({"accounts": [account(limits=LIMITS | {"max_lot": "NaN"})]}, "accounts.0.limits.max_lot"),
        ({"accounts": [account(limits=LIMITS | {"symbols": []})]}, "accounts.0.limits.symbols"),
        ({"accounts": [account(limits=None)]}, "accounts.0.limits"),
        ({"accounts": [account(server_time_zone="Mars")]}, "accounts.0.server_time_zone"),
        ({"accounts": [account(server_time_zone=None)]}, "accounts.0.server_time_zone"),
        ({"accounts": [account(day_time_zone="Mars")]}, "accounts.0.day_time_zone"),
        (
            {"accounts": [account(limits=LIMITS | {"workflows": {"wf-1": {"max_lot": 1}}})]},
            "accounts.0.limits.workflows.wf-1.max_notional",
        ),
        ({"accounts": [account(name="../x")]}, "accounts.0.name"),
        ({"accounts": [account(password="hunter2")]}, "accounts.0.password"),
        ({"accounts": [account(terminal="os")]}, "accounts.0.terminal"),
        ({"accounts": [ACCOUNT, ACCOUNT]}, "configuration"),
        ({"listen": {"port": 70000}}, "listen.port"),
        ({"listen": {"prot": 1}}, "listen.prot"),
        ({"listen": 5}, "listen"),
        ({"data_dir": None}, "data_dir"),
    ],
)
def test_errors_name_the_field_and_never_the_value(tmp_path: Path, changes: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        load_config(write(tmp_path, **changes), {})
    assert caught.value.field == field
    assert "hunter2" not in caught.value.message


@pytest.mark.parametrize("content", [b"{", b"[]", b"\xff\xfe", b"5"])
def test_unreadable_files_are_named(tmp_path: Path, content: bytes) -> None:
    for file in (tmp_path / "bridge.json", tmp_path / "bridge.toml"):
        file.write_bytes(content)
        with pytest.raises(InvalidInput):
            load_config(file, {})
    with pytest.raises(InvalidInput, match="missing"):
        load_config(tmp_path / "missing.toml", {})


def test_a_password_that_is_not_there_is_named_by_its_place(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("secret\n")
    config = load_config(write(tmp_path, accounts=[account(password=f"file:{tmp_path / 'key'}")]), {})
    resolved = config.accounts[0].resolve_password()
    assert resolved is not None
    assert resolved.get_secret_value() == "secret"
    (tmp_path / "key").unlink()
    with pytest.raises(InvalidInput, match="key"):
        config.accounts[0].resolve_password()


def test_no_account_shares_a_terminal(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="terminal_path"):
        load_config(write(tmp_path, accounts=[ACCOUNT, account(name="other")]), {})


def test_the_settings_a_worker_gets_survive_the_way_as_json(tmp_path: Path) -> None:
    settings = load_config(write(tmp_path), {}).accounts[0]
    assert type(settings).model_validate_json(settings.model_dump_json()) == settings
    assert BridgeConfig.model_config["frozen"]
