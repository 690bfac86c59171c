"""A terminal that is nowhere on a disk, for simulations: the same in everything else."""

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mt5_bridge.paper import constants as mt5
from mt5_bridge.paper.arguments import trade_request
from mt5_bridge.paper.bars import BarSeries
from mt5_bridge.paper.config import TerminalConfig, parse_config
from mt5_bridge.paper.errors import TerminalStateError
from mt5_bridge.paper.faults import Fault
from mt5_bridge.paper.terminal import PaperTerminal
from mt5_bridge.paper.timeframes import bar_end
from tests.unit.mt5_bridge.paper.conftest import MONDAY, symbol_config
from tradeloom.errors import DataFileError
from tradeloom.trading.timeframes import Timeframe

BUY = {"action": mt5.TRADE_ACTION_DEAL, "symbol": "EURUSD", "volume": 0.1, "type": 0, "price": 1.1001, "sl": 1.05}


def config_of(tmp_path: Path) -> TerminalConfig:
    return parse_config(
        json.dumps(
            {
                "accounts": [{"login": 1, "balance": "10000"}],
                "symbols": [symbol_config(tmp_path / "nowhere.csv")],
                "clock": {"start": MONDAY.isoformat()},
            }
        )
    )


def falling(count: int) -> BarSeries:
    times = int(MONDAY.timestamp()) + 3_600 * np.arange(count)
    prices = 1.1 - 0.01 * np.arange(count).clip(0, 20)
    ended = bar_end(times, Timeframe.H1)
    return BarSeries(Path("made"), Timeframe.H1, times, ended, prices, prices, prices, prices, np.ones(count))


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[PaperTerminal]:
    made = PaperTerminal(tmp_path, config=config_of(tmp_path), bars={"EURUSD": falling(48)})
    yield made
    made.close()
    assert list(tmp_path.iterdir()) == []


def send(terminal: PaperTerminal, **changes: Any) -> int:
    return terminal.send(trade_request((BUY | changes,), {})).retcode


def test_it_trades_and_keeps_books_without_a_file(terminal: PaperTerminal) -> None:
    assert send(terminal) == mt5.TRADE_RETCODE_DONE
    terminal.arm_fault(Fault(kind="reject"))
    assert send(terminal) == mt5.TRADE_RETCODE_REJECT
    terminal.advance(MONDAY + timedelta(hours=10))
    assert terminal.account.positions == {}
    assert terminal.account.balance < 10_000


def test_what_fails_is_undone_there_too(terminal: PaperTerminal, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise TerminalStateError("no room")

    with monkeypatch.context() as patch:
        patch.setattr(terminal.store, "put_balance", full)
        with pytest.raises(TerminalStateError):
            send(terminal)
    assert terminal.account.positions == {}
    assert send(terminal) == mt5.TRADE_RETCODE_DONE


def test_two_of_them_know_nothing_of_each_other(tmp_path: Path, terminal: PaperTerminal) -> None:
    other = PaperTerminal(tmp_path, config=config_of(tmp_path), bars={"EURUSD": falling(48)})
    send(terminal)
    assert other.account.positions == {}
    other.close()


def test_bars_that_are_not_given_are_read(tmp_path: Path) -> None:
    with pytest.raises(DataFileError, match=r"nowhere\.csv"):
        PaperTerminal(tmp_path, config=config_of(tmp_path))
