"""What survives what: restarts, kill -9, a full disk, faults; and that a replay is the same each time."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import textwrap
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from mt5_bridge.paper import constants as mt5
from mt5_bridge.paper.arguments import trade_request
from mt5_bridge.paper.errors import TerminalConfigError, TerminalStateError
from mt5_bridge.paper.faults import Fault
from mt5_bridge.paper.sample import write_sample_terminal
from mt5_bridge.paper.terminal import PaperTerminal
from tradeloom.errors import DataFileError, InvalidInput

MakePaper = Callable[..., Any]
BUY, SELL = mt5.ORDER_TYPE_BUY, mt5.ORDER_TYPE_SELL
MONDAY = datetime(2024, 1, 8, tzinfo=UTC)
FLAT = (1.1, 1.1, 1.1, 1.1)
WAVES = [
    (1.1 + n % 7 * 0.001, 1.109 + n % 7 * 0.001, 1.093 + n % 5 * 0.001, 1.1 + n % 7 * 0.001) for n in range(24 * 10)
]
SAMPLE = Path(__file__).parents[4] / "src" / "tradeloom" / "data" / "EURUSD_H1_ask.csv"


# Restarts


def test_a_restart_finds_everything_again(make_paper: MakePaper) -> None:
    paper = make_paper(WAVES, symbol={"swap_long": -2})
    paper.deal(BUY, 0.3, sl=1.05, magic=2**64 - 1, comment="kept")
    paper.pending(mt5.ORDER_TYPE_SELL_STOP, 1.06, type_time=mt5.ORDER_TIME_DAY)
    paper.to(30)
    before = (paper.positions, paper.orders, paper.deals, paper.account, paper.terminal.market_time())
    paper.crash()
    paper.open()
    assert (paper.positions, paper.orders, paper.deals, paper.account, paper.terminal.market_time()) == before
    ticket = paper.deal(BUY).order
    assert ticket > before[0][0].ticket


def test_two_terminals_cannot_have_one_directory(make_paper: MakePaper) -> None:
    paper = make_paper([FLAT])
    with pytest.raises(TerminalStateError, match="locked"):
        PaperTerminal(paper.directory)


def test_books_that_the_configuration_no_longer_fits_are_refused(make_paper: MakePaper) -> None:
    paper = make_paper([FLAT])
    paper.deal(BUY)
    paper.close()
    file = paper.directory / "paper.json"
    config = json.loads(file.read_text())
    changes: list[tuple[str, dict[str, Any]]] = [
        ("accounts", {"margin_mode": "netting"}),
        ("accounts", {"currency": "EUR"}),
        ("symbols", {"name": "EURCHF"}),
        ("symbols", {"digits": 6}),
    ]
    for section, change in changes:
        file.write_text(json.dumps(config | {section: [config[section][0] | change]}))
        with pytest.raises(TerminalConfigError) as caught:
            PaperTerminal(paper.directory)
        assert caught.value.field == section
    file.write_text(json.dumps(config))
    assert len(paper.open().positions) == 1


def test_a_damaged_state_is_detected(make_paper: MakePaper) -> None:
    paper = make_paper([FLAT])
    paper.close()
    state = paper.directory / "paper.db"
    state.write_bytes(b"SQLite format 3\0" + os.urandom(4_000))
    with pytest.raises(TerminalStateError) as caught:
        PaperTerminal(paper.directory)
    assert caught.value.hint is not None


def test_missing_data_is_a_typed_error(make_paper: MakePaper) -> None:
    paper = make_paper([FLAT])
    paper.close()
    (paper.directory / "EURUSD.csv").unlink()
    with pytest.raises(DataFileError, match="does not exist"):
        PaperTerminal(paper.directory)


CRASHING = """
import os, signal, sys
import mt5_bridge.paper.metatrader5 as mt5
from mt5_bridge.paper import control
assert mt5.initialize(sys.argv[1]), mt5.last_error()
if sys.argv[2] != "answered":
    control.arm_fault({"kind": "hang", "seconds": 600, "executed": sys.argv[2] == "executed"})
    print("sending", flush=True)
price = mt5.symbol_info_tick("EURUSD").ask
request = dict(action=mt5.TRADE_ACTION_DEAL, symbol="EURUSD", volume=0.1, type=mt5.ORDER_TYPE_BUY, price=price,
               deviation=20, magic=99)
result = mt5.order_send(request)
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize(("moment", "deals"), [("answered", 1), ("executed", 1), ("lost", 0)])
def test_kill_9_around_an_order_loses_and_doubles_nothing(make_paper: MakePaper, moment: str, deals: int) -> None:
    """Killed right after the answer, while hanging with the order executed, and while hanging without."""
    paper = make_paper([FLAT])
    paper.close()
    command = [sys.executable, "-c", textwrap.dedent(CRASHING), str(paper.directory), moment]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        if moment != "answered":
            assert process.stdout is not None
            assert process.stdout.readline() == "sending\n"
            with pytest.raises(subprocess.TimeoutExpired):
                process.wait(0.3)  # the process is frozen, its order on the disk or not
            process.send_signal(signal.SIGKILL)
        assert process.wait(30) == -signal.SIGKILL
    paper.open()
    assert [deal.magic for deal in paper.deals] == [99] * deals
    assert len(paper.positions) == deals
    assert paper.terminal.faults == []


# A disk that refuses


def test_what_the_disk_refuses_has_not_happened(make_paper: MakePaper, monkeypatch: pytest.MonkeyPatch) -> None:
    paper = make_paper([FLAT, (1.1, 1.1, 1.09, 1.1), FLAT])
    paper.deal(BUY, 0.1, sl=1.095)
    before = paper.positions, paper.account

    def full(*_: object) -> None:
        raise TerminalStateError("paper.db: database or disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(paper.terminal.store, "put_balance", full)
        assert (
            paper.trade.order_send(
                {"action": mt5.TRADE_ACTION_DEAL, "symbol": "EURUSD", "volume": 0.1, "type": BUY, "price": 1.1001}
            )
            is None
        )
        assert paper.session.error == (mt5.RES_E_INTERNAL_FAIL, "paper.db: database or disk is full")
        with pytest.raises(TerminalStateError):
            paper.to(2)  # the stop loss cannot be booked
    paper.terminal.clock.advance(int((MONDAY + timedelta(hours=2)).timestamp() * 1_000))
    assert before[0][0].ticket not in {position.ticket for position in paper.positions}
    assert [deal.reason for deal in paper.deals] == [mt5.DEAL_REASON_EXPERT, mt5.DEAL_REASON_SL]


def test_a_transaction_leaves_no_trace_when_it_fails(make_paper: MakePaper) -> None:
    paper = make_paper([FLAT])
    store = paper.terminal.store

    def change_and_fail() -> None:
        with store.transaction():
            store.put_meta("faults", "broken")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        change_and_fail()
    assert store.meta("faults") == "[]"


def test_trades_wait_for_the_disk_and_the_clock_does_not(make_paper: MakePaper) -> None:
    paper = make_paper([FLAT])
    statements: list[str] = []
    database: sqlite3.Connection = paper.terminal.store._db
    database.set_trace_callback(statements.append)
    paper.to(0.5)
    clock_only = list(statements)
    paper.deal(BUY)
    database.set_trace_callback(None)

    def mode_at(statement: str) -> str:
        place = next(n for n, text in enumerate(statements) if text.startswith(statement))
        return next(text for text in reversed(statements[:place]) if text.startswith("PRAGMA synchronous"))

    assert clock_only[0] == "PRAGMA synchronous=NORMAL"
    assert mode_at("INSERT OR REPLACE INTO deals") == "PRAGMA synchronous=FULL"


# Faults


def faulty(paper: Any, **fault: Any) -> Any:
    paper.terminal.arm_fault(Fault(**fault))
    request = {"action": mt5.TRADE_ACTION_DEAL, "symbol": "EURUSD", "volume": 0.1, "type": BUY, "price": 1.1001}
    return paper.trade.order_send(request)


@pytest.mark.parametrize(
    ("fault", "retcode", "deals"),
    [
        ({"kind": "requote"}, mt5.TRADE_RETCODE_REQUOTE, 0),
        ({"kind": "reject"}, mt5.TRADE_RETCODE_REJECT, 0),
        ({"kind": "timeout"}, mt5.TRADE_RETCODE_TIMEOUT, 0),
        ({"kind": "timeout", "executed": True}, mt5.TRADE_RETCODE_TIMEOUT, 1),
        ({"kind": "hang", "seconds": 0.01}, mt5.TRADE_RETCODE_DONE, 1),
        ({"kind": "reply_lost"}, None, 1),
        ({"kind": "reply_lost", "executed": False}, None, 0),
        ({"kind": "hang", "seconds": 0.01, "executed": False}, None, 0),
    ],
)
def test_scripted_faults(make_paper: MakePaper, fault: dict[str, Any], retcode: int | None, deals: int) -> None:
    paper = make_paper([FLAT])
    result = faulty(paper, **fault)
    if retcode is None:
        assert result is None
        assert paper.session.error == (-10005, "IPC timeout")
    else:
        assert result.retcode == retcode
        assert (result.deal > 0) == (retcode == mt5.TRADE_RETCODE_DONE)
    assert len(paper.deals) == deals
    assert paper.deal(BUY).retcode == mt5.TRADE_RETCODE_DONE


def test_a_disconnected_terminal_says_so_until_it_reconnects(make_paper: MakePaper) -> None:
    paper = make_paper([FLAT])
    assert faulty(paper, kind="disconnected").retcode == mt5.TRADE_RETCODE_CONNECTION
    assert paper.connection.terminal_info().connected is False
    assert paper.deal(BUY).retcode == mt5.TRADE_RETCODE_CONNECTION
    paper.terminal.connected = True
    assert paper.deal(BUY).retcode == mt5.TRADE_RETCODE_DONE


def test_the_script_of_the_configuration_is_played_once(make_paper: MakePaper) -> None:
    paper = make_paper([FLAT], faults=[{"kind": "reject"}, {"kind": "requote"}])
    assert paper.deal(BUY).retcode == mt5.TRADE_RETCODE_REJECT
    paper.crash()
    paper.open()
    assert [fault.kind for fault in paper.terminal.faults] == ["requote"]
    assert paper.deal(BUY).retcode == mt5.TRADE_RETCODE_REQUOTE
    assert paper.deal(BUY).retcode == mt5.TRADE_RETCODE_DONE


def test_ill_formed_requests_use_up_no_fault(make_paper: MakePaper) -> None:
    paper = make_paper([FLAT], faults=[{"kind": "reject"}])
    assert paper.trade.order_send({"action": mt5.TRADE_ACTION_DEAL, "volume": 1}) is None
    assert len(paper.terminal.faults) == 1


# Time


class Wall:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_running_market_fills_stops_at_their_own_time(make_paper: MakePaper) -> None:
    paper = make_paper([FLAT, (1.1, 1.1, 1.09, 1.1), FLAT])
    paper.close()
    wall = Wall()
    paper.open(wall=wall)
    paper.terminal.set_speed(3_600)  # an hour a second
    paper.deal(BUY, sl=1.095)
    wall.now += 2.5
    assert paper.positions == ()
    assert paper.deals[-1].time == 1_704_672_000 + 2 * 3_600 - 1
    assert paper.terminal.market_time() == MONDAY + timedelta(hours=2.5)


def test_a_killed_running_market_never_goes_back_and_stands_while_away(make_paper: MakePaper) -> None:
    paper = make_paper(WAVES)
    paper.close()
    wall = Wall()
    paper.open(wall=wall)
    paper.terminal.set_speed(60)
    changes = paper.terminal.store.changes
    for _ in range(17):
        wall.now += 0.3125
        paper.terminal.sync()
    assert paper.terminal.store.changes - changes <= 6  # it is written once a second, not once a look
    wall.now += 0.05
    seen = paper.terminal.market_time()
    paper.crash()
    wall.now += 1_000
    paper.open(wall=wall)
    assert seen == MONDAY + timedelta(seconds=60 * 17 * 0.3125)
    assert seen <= paper.terminal.market_time() <= seen + timedelta(seconds=60)
    assert paper.terminal.clock.speed == 60


def test_the_clock_never_goes_back(make_paper: MakePaper) -> None:
    paper = make_paper(WAVES)
    paper.to(5)
    with pytest.raises(InvalidInput):
        paper.to(4)
    with pytest.raises(InvalidInput):
        paper.terminal.advance(datetime(2024, 1, 9))  # noqa: DTZ001


def test_the_next_event_is_a_quote_a_close_an_expiry_or_a_night(make_paper: MakePaper) -> None:
    paper = make_paper([FLAT] * 3, symbol={"swap_long": -1})
    upcoming = paper.terminal.next_event_time
    completes = timedelta(hours=1) - timedelta(milliseconds=1)
    assert upcoming() == MONDAY + completes
    expiration = 1_704_672_000 + 600
    paper.pending(mt5.ORDER_TYPE_BUY_LIMIT, 1.0, type_time=mt5.ORDER_TIME_SPECIFIED, expiration=expiration)
    assert upcoming() == MONDAY + timedelta(minutes=10)
    paper.to(2.9999999)
    assert upcoming() == MONDAY + timedelta(hours=3)
    assert paper.terminal.market.is_open("EURUSD")
    paper.deal(BUY)
    paper.to(3)
    assert not paper.terminal.market.is_open("EURUSD")
    assert upcoming() == MONDAY + timedelta(days=1)
    paper.to(10_000)
    assert upcoming() is not None  # a position pays every night
    quiet = make_paper([FLAT])
    quiet.to(1)
    assert quiet.terminal.next_event_time() is None


def test_servers_keep_their_own_time(make_paper: MakePaper) -> None:
    """Data with offsets is shown in the server's zone; the clock speaks UTC."""
    paper = make_paper([FLAT] * 30, server_time_zone="Europe/Athens")
    assert paper.terminal.market_time() == MONDAY
    assert paper.market.symbol_info_tick("EURUSD").time == 1_704_672_000 + 7_200
    assert paper.terminal.next_event_time() == MONDAY + timedelta(hours=1) - timedelta(milliseconds=1)
    paper.pending(mt5.ORDER_TYPE_BUY_LIMIT, 1.0, type_time=mt5.ORDER_TIME_DAY)
    paper.to(22)
    assert paper.orders == ()


# Determinism and speed


def script(paper: Any, hours: list[float]) -> Any:
    paper.deal(BUY, 0.3, sl=1.08, tp=1.12)
    paper.pending(mt5.ORDER_TYPE_BUY_LIMIT, 1.095, sl=1.09, tp=1.105)
    paper.pending(mt5.ORDER_TYPE_SELL_STOP, 1.094, sl=1.1, tp=1.08)
    for hour in hours:
        paper.to(hour)
        paper.deal(SELL, 0.1, sl=1.12)
    paper.to(200)
    return paper.deals, paper.positions, paper.account


def test_the_same_calls_at_the_same_times_give_the_same_books(make_paper: MakePaper) -> None:
    config: dict[str, Any] = {"slippage_points": 7, "seed": 11, "symbol": {"swap_long": -3, "commission_per_lot": 2}}
    first, second = (script(make_paper(WAVES, **config), [20, 50.5, 90]) for _ in range(2))
    assert first == second
    other = script(make_paper(WAVES, **config | {"seed": 12}), [20, 50.5, 90])
    assert other[0] != first[0]


def test_how_often_anybody_looks_changes_nothing(make_paper: MakePaper) -> None:
    once = script(make_paper(WAVES, slippage_points=7), [])
    stepped = make_paper(WAVES, slippage_points=7)
    stepped.deal(BUY, 0.3, sl=1.08, tp=1.12)
    stepped.pending(mt5.ORDER_TYPE_BUY_LIMIT, 1.095, sl=1.09, tp=1.105)
    stepped.pending(mt5.ORDER_TYPE_SELL_STOP, 1.094, sl=1.1, tp=1.08)
    for quarter in range(1, 801):
        stepped.to(quarter / 4)
    assert (stepped.deals, stepped.positions, stepped.account) == once


def test_a_position_is_held_through_a_year_of_hours(tmp_path: Path) -> None:
    write_sample_terminal(tmp_path, start=datetime(2017, 1, 3, 10, tzinfo=UTC), csv=SAMPLE)
    terminal = PaperTerminal(tmp_path)
    try:
        request = {"action": mt5.TRADE_ACTION_DEAL, "symbol": "EURUSD", "volume": 0.1, "type": BUY, "price": 1.04016}
        assert terminal.send(trade_request((request | {"sl": 0.5, "deviation": 50},), {})).retcode == 10009
        terminal.advance(datetime(2017, 12, 29, 21, tzinfo=UTC))
        assert len(terminal.account.positions) == 1
    finally:
        terminal.close()
