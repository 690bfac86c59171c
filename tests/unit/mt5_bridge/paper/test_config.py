import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from mt5_bridge.paper.config import load_config, parse_config
from mt5_bridge.paper.errors import TerminalConfigError


def document(**changes: Any) -> dict[str, Any]:
    symbol = {
        "name": "EURUSD",
        "digits": 5,
        "currency_base": "EUR",
        "currency_profit": "USD",
        "currency_margin": "EUR",
        "spread_points": 10,
        "commission_per_lot": 3.1,
        "data": {"path": "bars.csv", "timeframe": "H1", "price": "bid"},
    }
    return {
        "accounts": [{"login": 1, "balance": 10000.10}],
        "symbols": [symbol],
        "clock": {"start": "2024-01-08T00:00:00Z"},
    } | changes


def test_numbers_are_read_as_decimals_exactly() -> None:
    config = parse_config(json.dumps(document()))
    assert config.symbols[0].commission_per_lot == Decimal("3.1")
    assert config.accounts[0].balance == Decimal("10000.1")
    assert config.symbols[0].point == Decimal("0.00001")


def set_at(path: str, value: object) -> dict[str, Any]:
    target: Any = (changed := document())
    *parents, last = path.split(".")
    for part in parents:
        target = target[int(part)] if part.isdigit() else target[part]
    target[last] = value
    return changed


@pytest.mark.parametrize(
    ("path", "value", "field"),
    [
        ("symbols.0.digits", 9, "symbols.0.digits"),
        ("symbols.0.spread_points", -1, "symbols.0.spread_points"),
        ("symbols.0.contract_size", 0, "symbols.0.contract_size"),
        ("symbols.0.currency_base", "euro", "symbols.0.currency_base"),
        ("symbols.0.volume_min", 500, "symbols.0"),
        ("symbols.0.volume_min", 0.015, "symbols.0"),
        ("symbols.0.tick_size", 0.000015, "symbols.0"),
        ("symbols.0.filling_modes", ["return"], "symbols.0.filling_modes.0"),
        ("symbols.0.data.timeframe", "H5", "symbols.0.data.timeframe"),
        ("symbols.0.data.price", "mid", "symbols.0.data.price"),
        ("symbols.0.swaplong", 1, "symbols.0.swaplong"),
        ("accounts.0.login", 0, "accounts.0.login"),
        ("accounts.0.leverage", 0, "accounts.0.leverage"),
        ("accounts.0.margin_mode", "exchange", "accounts.0.margin_mode"),
        ("accounts.0.stop_out_level", 200, "accounts.0"),
        ("accounts.0.balance", 1.001, "accounts.0"),
        ("accounts", [], "accounts"),
        ("accounts", [{"login": 1}, {"login": 1}], "paper.json"),
        ("clock.start", "2024-01-08T00:00:00", "clock.start"),
        ("clock.speed", -1, "clock.speed"),
        ("server_time_zone", "Mars/Olympus", "server_time_zone"),
        ("server_time_zone", "../../etc/passwd", "server_time_zone"),
        ("faults", [{"kind": "earthquake"}], "faults.0.kind"),
        ("faults", [{"kind": "requote", "executed": True}], "faults.0"),
    ],
)
def test_errors_name_the_field(path: str, value: object, field: str) -> None:
    with pytest.raises(TerminalConfigError) as caught:
        parse_config(json.dumps(set_at(path, value)))
    assert caught.value.field == field


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "[" * 100_000])
def test_what_is_no_configuration_is_a_typed_error(text: str) -> None:
    with pytest.raises(TerminalConfigError) as caught:
        parse_config(text)
    assert caught.value.field == "paper.json"


def test_data_paths_start_at_the_terminals_directory(tmp_path: Path) -> None:
    (tmp_path / "paper.json").write_text(json.dumps(document()))
    assert load_config(tmp_path).symbols[0].data.path == tmp_path / "bars.csv"
    with pytest.raises(TerminalConfigError, match="cannot read"):
        load_config(tmp_path / "nowhere")
