"""Initialising, logging in, and describing the terminal."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mt5_bridge.paper import constants as mt5
from mt5_bridge.paper.connection import ConnectionCalls
from mt5_bridge.paper.session import Session

MakePaper = Callable[..., Any]
FLAT = [(1.1, 1.1, 1.1, 1.1)] * 30


def two_accounts(make_paper: MakePaper) -> Any:
    paper = make_paper(FLAT)
    paper.close()
    file: Path = paper.directory / "paper.json"
    config = json.loads(file.read_text())
    second = {"login": 2, "balance": "500", "server": "Other", "password": "secret", "margin_mode": "netting"}
    file.write_text(json.dumps(config | {"accounts": [*config["accounts"], second]}))
    return paper


def test_initialize_logs_in_and_shutdown_lets_go(make_paper: MakePaper) -> None:
    paper = two_accounts(make_paper)
    calls = ConnectionCalls(Session())
    directory = str(paper.directory)
    assert calls.initialize(directory, login=2, password="secret", server="Other", timeout=1_000, portable=True)
    assert calls.account_info().login == 2  # type: ignore[union-attr]
    assert calls.initialize(path=directory) is True
    assert calls.account_info().login == 2  # type: ignore[union-attr]
    info = calls.terminal_info()
    assert info is not None
    assert (info.path, info.connected, info.maxbars) == (directory, True, 100_000)
    assert calls.version() == (500, info.build, "1 Nov 2026")
    calls.shutdown()
    assert calls.account_info() is None
    assert calls.last_error() == (-10004, "No IPC connection")
    assert calls.initialize(str(paper.directory / "terminal64.exe")) is True
    calls.shutdown()


def test_wrong_credentials_are_refused(make_paper: MakePaper) -> None:
    paper = two_accounts(make_paper)
    calls = ConnectionCalls(Session())
    for wrong in (
        {"login": 3},
        {"login": 2},
        {"login": 2, "password": "wrong"},
        {"login": 2, "password": "secret", "server": "Elsewhere"},
    ):
        assert calls.initialize(str(paper.directory), **wrong) is False
        assert calls.last_error() == (-6, "Terminal: Authorization failed")
        assert calls.account_info() is None
    assert calls.initialize(str(paper.directory)) is True
    assert calls.login("2", password="secret") is False
    assert calls.last_error() == (-2, 'Invalid "login" argument')
    assert calls.login(2, password="secret") is True
    calls.shutdown()


def test_accounts_keep_their_own_books_and_live_on_while_the_other_trades(make_paper: MakePaper) -> None:
    paper = two_accounts(make_paper).open()
    paper.deal(mt5.ORDER_TYPE_BUY, sl=1.09)
    assert paper.connection.login(2, password="secret")
    assert paper.positions == ()
    assert paper.account.balance == 500
    assert paper.deal(mt5.ORDER_TYPE_SELL, 0.2).retcode == mt5.TRADE_RETCODE_DONE
    assert len(paper.deals) == 1
    paper.crash()
    paper.open()
    assert [position.type for position in paper.positions] == [mt5.POSITION_TYPE_BUY]
    assert paper.connection.login(2, password="secret")
    assert [position.type for position in paper.positions] == [mt5.POSITION_TYPE_SELL]


def test_the_account_is_described(make_paper: MakePaper) -> None:
    paper = make_paper(FLAT)
    paper.deal(mt5.ORDER_TYPE_BUY, 0.5)
    account = paper.account
    assert (account.balance, account.profit, account.equity) == (10_000, -5.0, 9_995.0)
    assert (account.margin, account.margin_free) == (550.05, 9_444.95)
    assert round(account.margin_level, 2) == 1_817.11
    assert (account.trade_mode, account.margin_so_call, account.margin_so_so) == (0, 100.0, 50.0)
