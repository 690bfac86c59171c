import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from mt5_bridge.paper.config import load_config
from mt5_bridge.paper.sample import write_sample_terminal
from mt5_bridge.paper.terminal import PaperTerminal
from tradeloom.errors import Conflict, DataFileError, InvalidInput

REPOSITORY = Path(__file__).parents[4]
SAMPLE = REPOSITORY / "src" / "tradeloom" / "data" / "EURUSD_H1_ask.csv"
NOON = datetime(2024, 1, 8, 12, tzinfo=UTC)


def bars(tmp_path: Path, price: str, name: str = "bars.csv") -> Path:
    rows = [f"2024-01-08T{hour:02}:00:00Z,{price},{price},{price},{price},5" for hour in range(24)]
    path = tmp_path / name
    path.write_text("time,open,high,low,close,volume\n" + "\n".join(rows) + "\n")
    return path


def test_the_bundled_sample_needs_nothing_but_a_start(tmp_path: Path) -> None:
    start = datetime(2017, 6, 1, 10, tzinfo=UTC)
    written = write_sample_terminal(tmp_path / "new" / "terminal", start=start, csv=SAMPLE, speed=60.0)
    config = load_config(written.parent)
    symbol, account = config.symbols[0], config.accounts[0]
    assert (symbol.name, symbol.digits, symbol.data.price, symbol.spread_points) == ("EURUSD", 5, "ask", 10)
    assert (account.currency, account.balance, account.margin_mode) == ("USD", Decimal(10_000), "hedging")
    assert (config.clock.start, config.clock.speed) == (start, 60.0)


@pytest.mark.parametrize(
    ("symbol", "price", "expected"),
    [
        ("EURUSD", "1.10000", ("EUR", "USD", 5, 100_000, 10, "forex", "USD")),
        ("EURUSD", "1.1000", ("EUR", "USD", 4, 100_000, 1, "forex", "USD")),
        ("USDJPY", "150.000", ("USD", "JPY", 3, 100_000, 10, "forex", "USD")),
        ("GBPJPY.pro", "190.000", ("GBP", "JPY", 3, 100_000, 10, "forex", "JPY")),
        ("XAUUSD", "2000.00", ("XAU", "USD", 2, 100, 30, "forex", "USD")),
        ("BTCUSD", "40000.0", ("BTC", "USD", 1, 1, 60, "forex", "USD")),
        ("US500", "4000.0", ("USD", "USD", 1, 1, 6, "cfd_leverage", "USD")),
        ("EURXXX", "4000.0", ("USD", "USD", 1, 1, 6, "cfd_leverage", "USD")),
    ],
)
def test_terms_come_from_the_symbol_and_its_data(
    tmp_path: Path, symbol: str, price: str, expected: tuple[Any, ...]
) -> None:
    write_sample_terminal(tmp_path, start=NOON, csv=bars(tmp_path, price), symbol=symbol)
    config = load_config(tmp_path)
    terms = config.symbols[0]
    assert (
        terms.currency_base,
        terms.currency_profit,
        terms.digits,
        terms.contract_size,
        terms.spread_points,
        terms.calc_mode,
        config.accounts[0].currency,
    ) == expected
    assert config.accounts[0].balance == (1_000_000 if expected[-1] == "JPY" else 10_000)
    terminal = PaperTerminal(tmp_path)
    terminal.account.valuation.tick_value(terms, 1)  # convertible without another symbol
    terminal.close()


def test_what_is_given_goes_before_what_is_derived(tmp_path: Path) -> None:
    path = bars(tmp_path, "1.10000", "EURUSD_ask.csv")
    write_sample_terminal(
        tmp_path,
        start=NOON,
        csv=path,
        price="bid",
        spread_points=3,
        currency="EUR",
        balance=Decimal("250.50"),
        leverage=30,
        margin_mode="netting",
        login=9,
    )
    config = load_config(tmp_path)
    account = config.accounts[0]
    assert (account.currency, account.balance, account.leverage) == ("EUR", Decimal("250.50"), 30)
    assert (account.margin_mode, account.login) == ("netting", 9)
    assert (config.symbols[0].spread_points, config.symbols[0].data.price) == (3, "bid")


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"timeframe": "H7"}, "timeframe"),
        ({"start": datetime(2024, 1, 7, 23, 59, tzinfo=UTC)}, "start"),
        ({"start": datetime(2024, 1, 9, tzinfo=UTC)}, "start"),
        ({"start": datetime(2024, 1, 8, 12)}, "start"),  # noqa: DTZ001
        ({"symbol": ""}, "symbols.0.name"),
        ({"symbol": "X" * 30}, "symbols.0.name"),
        ({"speed": -1.0}, "clock.speed"),
        ({"leverage": 0}, "accounts.0.leverage"),
        ({"currency": "dollars"}, "accounts.0.currency"),
    ],
)
def test_wrong_input_names_its_field(tmp_path: Path, changes: dict[str, Any], field: str) -> None:
    arguments: dict[str, Any] = {"start": NOON, "csv": bars(tmp_path, "1.10000")}
    with pytest.raises(InvalidInput) as caught:
        write_sample_terminal(tmp_path / "t", **arguments | changes)
    assert caught.value.field == field
    assert not (tmp_path / "t").exists()


def test_missing_data_is_a_data_file_error(tmp_path: Path) -> None:
    with pytest.raises(DataFileError):
        write_sample_terminal(tmp_path, start=NOON, csv=tmp_path / "none.csv")


def test_a_terminal_is_not_overwritten_unless_discarded(tmp_path: Path) -> None:
    path = bars(tmp_path, "1.10000")
    write_sample_terminal(tmp_path, start=NOON, csv=path)
    PaperTerminal(tmp_path).close()
    with pytest.raises(Conflict):
        write_sample_terminal(tmp_path, start=NOON, csv=path)
    assert (tmp_path / "paper.db").exists()
    file = write_sample_terminal(tmp_path, start=NOON, csv=path, balance=Decimal(5), fresh=True)
    assert not (tmp_path / "paper.db").exists()
    assert json.loads(file.read_text())["accounts"][0]["balance"] == "5"
