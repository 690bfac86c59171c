"""Scripts written for mt5linux 1.0.11: the package as published, through the bridge, on a paper terminal."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mt5_bridge.paper import constants
from tests.integration.bridge.rig import LOGIN, MONDAY, Rig, eventually
from tests.integration.bridge.scripts import COMPAT, changed_files, run_script, start_script
from tradeloom.trading.intents import magic_number
from tradeloom.trading.risk import AccountState

HOURS = 5_200
START = MONDAY + timedelta(hours=5_100)


def write_long_history(path: Path) -> Path:
    """Hourly bids that climb and fall by pips, enough for 5,000 bars before the start."""
    rows = ["time,open,high,low,close,volume"]
    for number in range(HOURS):
        price = 1.1 + (number % 100) * 0.0001
        prices = f"{price:.5f},{price + 0.0002:.5f},{price - 0.0001:.5f},{price + 0.0001:.5f}"
        rows.append(f"{(MONDAY + timedelta(hours=number)).isoformat()},{prices},{100 + number}")
    path.write_text("\n".join(rows) + "\n")
    return path


@pytest.fixture(scope="module")
def long_rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    directory = tmp_path_factory.mktemp("scripts")
    csv = write_long_history(directory / "long.csv")
    with Rig(directory, compat=COMPAT, csv=csv, start=START) as rig:
        yield rig


def journalled(rig: Rig) -> dict[int, str]:
    """State of each order of a script in the account's journal, by the magic number the broker knows it under."""
    path = rig.directory / "data" / "accounts" / "paper" / "journal.sqlite3"
    query = "SELECT client_order_id, state FROM orders WHERE json_extract(intent, '$.workflow_id') = 'mt5linux'"
    with closing(sqlite3.connect(path)) as journal:
        return {magic_number(order_id): state for order_id, state in journal.execute(query)}


def test_the_package_is_as_it_was_published() -> None:
    assert changed_files() == []


def test_a_script_does_all_its_work_through_the_bridge(long_rig: Rig) -> None:
    shown = run_script(
        long_rig,
        """
show(before=[mt5.account_info(), mt5.last_error()])
show(initialized=mt5.initialize(login=5001001, password="secret", server="any"))
account, terminal, symbol = mt5.account_info(), mt5.terminal_info(), mt5.symbol_info("EURUSD")
show(account=[account.login, account.balance, account.currency], terminal=[terminal.connected, terminal.name])
show(symbol=[symbol.point, symbol.volume_min, symbol.volume_step, mt5.symbol_select("EURUSD", True)])
show(version=mt5.version(), missing=[mt5.symbol_info("XAUUSD"), mt5.last_error()])

bars = mt5.copy_rates_from_pos("EURUSD", mt5.TIMEFRAME_H1, 1, 5000)
show(bars=[len(bars), bars.dtype.descr, bars["time"].tolist(), bars["close"].tolist(), bars["tick_volume"].tolist()])
bars["close"] += 1  # it is the script's own array
day = datetime(2024, 1, 9, tzinfo=timezone(timedelta(hours=2)))
show(day=mt5.copy_rates_range("EURUSD", mt5.TIMEFRAME_H1, day, day + timedelta(hours=23))["time"].tolist())
show(from_=mt5.copy_rates_from("EURUSD", mt5.TIMEFRAME_H1, day, 3)["time"].tolist())
show(ticks=len(mt5.copy_ticks_from("EURUSD", day, 10, mt5.COPY_TICKS_ALL)))
show(no_bars=[mt5.copy_rates_from_pos("XAUUSD", mt5.TIMEFRAME_H1, 0, 10), mt5.last_error()[0]])

ask = mt5.symbol_info_tick("EURUSD").ask
show(margin=mt5.order_calc_margin(mt5.ORDER_TYPE_BUY, "EURUSD", 0.1, ask))
show(profit=mt5.order_calc_profit(mt5.ORDER_TYPE_BUY, "EURUSD", 0.1, 1.1, 1.2))
check = mt5.order_check({"action": 1, "symbol": "EURUSD", "volume": 0.1, "type": 0, "price": ask})
show(check=[check.retcode, check.request.symbol])

sent = buy(sl=ask - 0.02, tp=ask + 0.05)
show(sent=[sent.retcode, sent.volume, sent.price, ask, sent.comment, sent.request.magic], error=mt5.last_error())
(position,) = mt5.positions_get(symbol="EURUSD")
show(position=[position.ticket, position.magic, position.comment, position.volume], order=sent.order)
mine = [p.ticket for p in mt5.positions_get() if p.magic == 234000]
placed = mt5.order_send({"action": mt5.TRADE_ACTION_PENDING, "symbol": "EURUSD", "volume": 0.2, "price": 1.05,
                         "type": mt5.ORDER_TYPE_BUY_LIMIT, "magic": 99, "comment": "rests"})
(order,) = mt5.orders_get()
show(mine=mine, pending=[placed.retcode, order.ticket == placed.order, order.magic, order.comment, mt5.orders_total()])
removed = mt5.order_send({"action": mt5.TRADE_ACTION_REMOVE, "order": placed.order})
moved = mt5.order_send({"action": mt5.TRADE_ACTION_SLTP, "position": position.ticket, "sl": ask - 0.01})
closed = buy(type=mt5.ORDER_TYPE_SELL, position=position.ticket)
show(after=[removed.retcode, moved.retcode, closed.retcode, mt5.positions_total(), mt5.orders_total()])
year = datetime(2024, 1, 1), datetime(2025, 1, 1)
deals = [d for d in mt5.history_deals_get(*year) if d.position_id == position.ticket]
show(deals=[[d.magic, d.comment, d.entry, d.volume] for d in deals])
show(known=len(mt5.history_deals_get(position=sent.order)))
show(totals=[mt5.history_deals_total(*year), mt5.history_orders_total(*year), len(mt5.history_orders_get(*year))])
show(end=[mt5.shutdown(), mt5.positions_get(), mt5.last_error()])
""",
    )
    assert (shown["before"], shown["initialized"]) == ([None, [-10004, "No IPC connection"]], True)
    assert (shown["account"], shown["terminal"]) == ([LOGIN, 10_000.0, "USD"], [True, "Tradeloom Paper Terminal"])
    assert (shown["symbol"], shown["version"][0]) == ([1e-05, 0.01, 0.01, True], 500)
    assert shown["missing"] == [None, [-4, "Terminal: Not found"]]
    check_bars(long_rig, *shown["bars"])
    day = int(datetime(2024, 1, 8, 22, tzinfo=MONDAY.tzinfo).timestamp())
    assert shown["day"] == [day + 3600 * hour for hour in range(24)]
    assert shown["from_"] == [day - 7200, day - 3600, day]
    assert (shown["ticks"], shown["no_bars"]) == (10, [None, -1])
    assert (shown["margin"], shown["profit"]) == (pytest.approx(110, rel=0.02), pytest.approx(1000))
    assert shown["check"] == [0, "EURUSD"]
    retcode, volume, price, ask, comment, magic = shown["sent"]
    assert (retcode, volume, price, comment, magic) == (10009, 0.1, ask, "Request executed", 234000)
    assert shown["error"] == [1, "Success"]
    assert shown["position"] == [shown["order"], 234000, "python script", 0.1]
    assert (shown["mine"], shown["pending"]) == ([shown["order"]], [10009, True, 99, "rests", 1])
    assert shown["after"] == [10009, 10009, 10009, 0, 0]
    assert shown["deals"] == [[234000, "python script", 0, 0.1], [234000, "python script", 1, 0.1]]
    assert (shown["known"], shown["totals"]) == (2, [3, 3, 3])
    assert shown["end"] == [None, None, [-10004, "No IPC connection"]]
    states = journalled(long_rig)
    assert [states[magic] for magic in long_rig.deals()] == ["done", "done"]
    assert (len(states), set(states.values()) - {"placed"}) == (5, {"done"})


def check_bars(rig: Rig, count: int, dtype: Any, times: list[int], closes: list[float], volumes: list[int]) -> None:
    """As the paper history has them: whole hours up to the one before the start."""
    assert (count, [name for name, _ in dtype]) == (
        5_000,
        ["time", "open", "high", "low", "close", "tick_volume", "spread", "real_volume"],
    )
    numbers = np.arange(100, 5_100)
    assert times == [int(MONDAY.timestamp()) + 3600 * int(number) for number in numbers]
    assert closes == pytest.approx((1.1 + (numbers % 100) * 0.0001 + 0.0001).tolist())
    assert volumes == (100 + numbers).tolist()
    assert rig.broker.market_time() >= START


def test_the_usual_ways_with_results_work(long_rig: Rig) -> None:
    """As MetaQuotes' own examples treat them."""
    shown = run_script(
        long_rig,
        """
import pandas as pd
mt5.initialize()
ticket = buy(magic=5).order
positions = mt5.positions_get(symbol="EURUSD")
frame = pd.DataFrame(list(positions), columns=positions[0]._asdict().keys())
show(frame=[len(frame), frame.loc[0, "magic"].item(), frame.loc[0, "symbol"]])
rates = pd.DataFrame(mt5.copy_rates_from_pos("EURUSD", mt5.TIMEFRAME_H1, 0, 10))
show(rates=[len(rates), list(rates.columns)[:2]])
account = pd.DataFrame(list(mt5.account_info()._asdict().items()), columns=["property", "value"])
show(account=dict(zip(account["property"], account["value"]))["login"])
closed = buy(type=mt5.ORDER_TYPE_SELL, position=ticket, magic=5)
told = {}
for field in closed._asdict().keys():
    told[field] = closed._asdict()[field]
    if field == "request":
        told |= {f"request {name}": value for name, value in told.pop("request")._asdict().items()}
show(told=told)
position = positions[0]
show(tuple_=[position[0] == ticket, len(position), tuple(position)[-2], position == position, hasattr(position, "x")])
show(text=str(position)[:24], flag=bool(mt5.positions_get(ticket=1)), kind=type(position).__name__)
""",
    )
    assert shown["frame"] == [1, 5, "EURUSD"]
    assert shown["rates"] == [10, ["time", "open"]]
    assert shown["account"] == LOGIN
    assert (shown["told"]["retcode"], shown["told"]["request magic"], len(shown["told"])) == (10009, 5, 27)
    assert shown["tuple_"] == [True, 19, "python script", True, False]
    assert (shown["text"][:21], shown["flag"], shown["kind"]) == (
        "TradePosition(ticket=",
        False,
        "builtins.TradePosition",
    )


def test_the_clients_constants_mean_here_what_they_mean_there(long_rig: Rig) -> None:
    shown = run_script(long_rig, "show(**{name: getattr(mt5, name) for name in dir(mt5) if name.isupper()})")
    ours = {name: value for name, value in vars(constants).items() if name.isupper()}
    assert len(shown) == 223
    assert {name: value for name, value in shown.items() if ours.get(name, value) != value} == {}
    assert shown.keys() ^ ours.keys() == {"TRADE_RETCODE_HEDGE_PROHIBITED", "ORDER_FILLING_BOC"}


def test_the_gate_judges_scripts_as_everybody(long_rig: Rig) -> None:
    before = len(long_rig.deals())
    attempt = """
mt5.initialize()
sent = buy(volume={volume})
show(retcode=sent.retcode, comment=sent.comment, order=sent.order)
"""
    large = run_script(long_rig, attempt.format(volume=2.0))
    assert (large["retcode"], large["order"], len(long_rig.deals())) == (10006, 0, before)
    assert large["comment"].startswith("2")
    opened = run_script(long_rig, attempt.format(volume=0.3))
    long_rig.broker.set_state(AccountState.HALTED, reason="enough", by="Ada")
    try:
        halted = run_script(long_rig, attempt.format(volume=0.1))
        assert (halted["retcode"], halted["comment"][:21]) == (10006, "the account is halted")
        assert len(long_rig.deals()) == before + 1
        leaving = "mt5.initialize()\nshow(out=buy(type=1, volume=0.3, position={order}).retcode)".format(**opened)
        assert run_script(long_rig, leaving) == {"out": 10009}
    finally:
        long_rig.broker.set_state(AccountState.ACTIVE, reason="looked at it", by="Ada", clear=True)


ONE_ORDER = "mt5.initialize()\nsent = buy()\nshow(retcode=sent.retcode, order=sent.order)"


class TestExactlyOnce:
    def test_when_the_worker_dies_between_execution_and_record(self, tmp_path: Path) -> None:
        with Rig(tmp_path, compat=COMPAT, points={"worker.executed": "kill"}) as rig:
            told = run_script(rig, ONE_ORDER)
            (position,) = rig.broker.positions()
            assert told == {"retcode": 10009, "order": position.ticket}
            assert [journalled(rig)[magic] for magic in rig.deals()] == ["done"]

    def test_when_the_order_never_reached_the_broker(self, tmp_path: Path) -> None:
        with Rig(tmp_path, compat=COMPAT, points={"worker.sent": "kill"}, account={"history_horizon_s": 1.0}) as rig:
            told = run_script(rig, ONE_ORDER)
            assert (told["retcode"], rig.deals()) == (10006, [])
            assert set(journalled(rig).values()) == {"not_sent"}
            assert run_script(rig, ONE_ORDER)["retcode"] == 10009  # it was told so: this is another wish
            assert len(rig.deals()) == 1

    def test_when_the_bridge_dies_before_its_answer(self, tmp_path: Path) -> None:
        with Rig(tmp_path, compat=COMPAT, points={"front.answered": "kill"}) as rig:
            script = start_script(rig, ONE_ORDER)
            _, errors = script.communicate(timeout=110)
            assert "EOFError" in errors
            rig.restart()
            told = run_script(rig, ONE_ORDER)
            (position,) = rig.broker.positions()
            assert told == {"retcode": 10009, "order": position.ticket}
            assert len(rig.deals()) == 1
            assert run_script(rig, ONE_ORDER)["order"] != told["order"]
            assert len(rig.deals()) == 2

    @pytest.mark.parametrize("executed", [True, False])
    def test_when_the_script_dies_while_it_waits(self, tmp_path: Path, executed: bool) -> None:
        """kill -9 of the script in the middle of an order that takes its time; then the script is started again."""
        faults = [{"kind": "hang", "seconds": 2, "executed": executed}]
        with Rig(tmp_path, compat=COMPAT, faults=faults, account={"history_horizon_s": 1.0}) as rig:
            script = start_script(rig, ONE_ORDER)
            eventually(lambda: "sent" in journalled(rig).values(), "the order is on its way")
            script.kill()
            script.communicate()
            told = run_script(rig, ONE_ORDER)
            positions = rig.broker.positions()
            assert [position.ticket for position in positions] == ([told["order"]] if executed else [])
            assert told["retcode"] == (10009 if executed else 10006)
            assert len(journalled(rig)) == 1
            assert len(rig.deals()) == len(positions)

    def test_when_the_terminals_answer_is_lost(self, tmp_path: Path) -> None:
        with Rig(
            tmp_path, compat=COMPAT, faults=[{"kind": "reply_lost"}, {"kind": "timeout", "executed": True}]
        ) as rig:
            assert [run_script(rig, ONE_ORDER)["retcode"] for _ in range(2)] == [10009, 10009]
            assert len(rig.deals()) == len(set(rig.deals())) == 2
