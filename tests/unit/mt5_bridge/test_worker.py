"""What the worker answers: every method, and an error for whatever else comes."""

import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mt5_bridge import worker
from mt5_bridge.config import AccountConfig
from tests.unit.mt5_bridge.fake_terminal import (
    LIMITS,
    LOGIN,
    Bench,
    FakeTerminal,
    make_order,
    make_position,
    market,
    nothing,
    trailing,
)
from tradeloom.errors import (
    BrokerError,
    BrokerUnavailable,
    Conflict,
    InvalidInput,
    NotFound,
    StorageUnavailable,
    TradeloomError,
)
from tradeloom.trading import protocol
from tradeloom.trading.methods import METHODS

MakeBench = Callable[..., Bench]


def ask(bench: Bench, method: str, **params: Any) -> Any:
    payload = json.dumps({"account": "acc", "params": params}).encode()
    return protocol.decode_answer(bench.worker.handle(method, payload)).result


def send(bench: Bench, **changes: Any) -> Any:
    return ask(bench, "send", intent=market(**changes).model_dump(mode="json"))


def test_every_method_of_the_whitelist_is_answered(bench: Bench) -> None:
    bench.terminal.positions.append(make_position(9))
    size = {"symbol": "EURUSD", "side": "buy", "volume": "0.1"}
    bench.terminal.orders.append(make_order(8, {"magic": 0, "symbol": "EURUSD", "type": 2, "price": 1.09}, 1))
    bench.terminal.execute({"magic": 3, "symbol": "EURUSD", "type": 1, "volume": 0.1, "price": 1.1, "position": 7})
    period = {"since": "2024-01-01T00:00:00Z", "until": "2024-02-01T00:00:00Z"}
    answers = {
        "market_clock": ask(bench, "market_clock"),
        "account": ask(bench, "account"),
        "symbol": ask(bench, "symbol", symbol="EURUSD"),
        "tick": ask(bench, "tick", symbol="EURUSD"),
        "positions": ask(bench, "positions"),
        "orders": ask(bench, "orders"),
        "trades": ask(bench, "trades", **period),
        "ended_orders": ask(bench, "ended_orders", **period),
        "trade_ledger": ask(bench, "trade_ledger", **period),
        "cash_flows": ask(bench, "cash_flows", **period),
        "booked": ask(bench, "booked", **period),
        "profit": ask(bench, "profit", **size, price_open=1.1, price_close=1.2),
        "margin": ask(bench, "margin", **size, price=1.1),
        "send": send(bench),
        "outcome": ask(bench, "outcome", client_order_id=market().client_order_id),
        "guard": ask(bench, "guard", guard=trailing(9).model_dump(mode="json")),
        "unguard": ask(bench, "unguard", guard_id=trailing(9).guard_id),
    }
    assert (answers["guard"]["status"], answers["guard"]["stop_loss"]) == ("active", 1.098)
    assert answers["unguard"]["status"] == "removed"
    assert answers["positions"][0]["ticket"] == 9
    assert answers["orders"][0]["ticket"] == 8
    assert (answers["trades"][0]["position"], answers["cash_flows"]) == (7, [])
    assert (answers["trade_ledger"][0]["net"], answers["booked"]["traded"]) == ("12.5", "12.5")
    assert answers["profit"] == pytest.approx(1000)
    assert answers["send"] == answers["outcome"]
    for method, params in (
        ("advance", {"to": "2024-01-01T00:00:00Z"}),
        ("set_speed", {"speed": 1}),
        ("next_event_time", {}),
    ):
        with pytest.raises(Conflict):
            ask(bench, method, **params)
    with pytest.raises(Conflict):
        ask(
            bench,
            "settle_manual",
            client_order_id=market().client_order_id,
            decision="not_sent",
            by="Ann",
            reason="looked",
        )
    tested = {*answers, "advance", "set_speed", "next_event_time", "bars", "ticks", "settle_manual"}
    assert tested == {name for name, method in METHODS.items() if not method.front}


@given(
    method=st.sampled_from(sorted(name for name in METHODS if not METHODS[name].front)), payload=st.binary(max_size=200)
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_garbage_is_answered_with_a_typed_error(bench: Bench, method: str, payload: bytes) -> None:
    with pytest.raises(InvalidInput):
        protocol.decode_answer(bench.worker.handle(method, payload))


_json = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given(method=st.sampled_from(["symbol", "tick", "bars", "positions", "profit", "send", "outcome"]), params=_json)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_wrong_parameters_are_answered_with_a_typed_error(bench: Bench, method: str, params: object) -> None:
    payload = json.dumps({"account": "acc", "params": params}).encode()
    try:
        protocol.decode_answer(bench.worker.handle(method, payload))
    except TradeloomError as error:
        assert "failed at" not in error.message  # noqa: PT017  not an internal failure
    else:
        assert (method, params) == ("positions", {}) or params == {"symbol": None}


@given(
    st.dictionaries(st.sampled_from(["volume", "stop_loss", "symbol", "deviation", "client_order_id", "kind"]), _json)
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_disfigured_intents_send_nothing(bench: Bench, changes: dict[str, Any]) -> None:
    intent = market("fuzz").model_dump(mode="json") | changes
    bench.terminal.check = None  # an intent that is still whole stops here
    bench.terminal.error = (-2, "stopped")
    try:
        ask(bench, "send", intent=intent)
    except TradeloomError as error:
        assert "failed at" not in error.message  # noqa: PT017
    assert bench.terminal.sent == []


def test_a_broken_pipe_asks_for_another_worker(bench: Bench) -> None:
    bench.terminal.account, bench.terminal.error = None, (-10001, "IPC send failed")
    with pytest.raises(BrokerUnavailable):
        ask(bench, "account")
    assert bench.worker.recycle


def test_so_does_a_lost_order(bench: Bench) -> None:
    bench.terminal.script = [nothing(-10002, executed=True)]
    assert send(bench)["status"] == "done"
    assert bench.worker.recycle


def test_an_ordinary_failure_does_not(bench: Bench) -> None:
    bench.terminal.account, bench.terminal.error = None, (-1, "failed")
    with pytest.raises(BrokerError):
        ask(bench, "account")
    with pytest.raises(NotFound):
        ask(bench, "tick", symbol="NOPE")
    assert not bench.worker.recycle


def test_bugs_are_answered_without_their_details(bench: Bench) -> None:
    bench.terminal.account_info = lambda: 1 / 0  # type: ignore[method-assign]
    with pytest.raises(BrokerError, match="failed at account") as caught:
        ask(bench, "account")
    assert "division" not in caught.value.message


def test_a_bug_after_sending_is_no_reason_to_say_nothing_was_sent(bench: Bench) -> None:
    bench.desk._records.fills_of = lambda *_: 1 / 0
    assert send(bench)["status"] == "unknown"
    assert len(bench.terminal.sent) == 1
    del bench.desk._records.fills_of
    assert send(bench)["status"] == "done"
    assert len(bench.terminal.sent) == 1


def test_a_bug_before_sending_says_that_nothing_was_sent(bench: Bench) -> None:
    bench.terminal.symbol_info = lambda symbol, /: 1 / 0  # type: ignore[method-assign]
    with pytest.raises(BrokerError, match="nothing was sent"):
        send(bench)
    assert bench.terminal.sent == []


def test_a_damaged_journal_stops_trading_and_not_reading(make_bench: MakeBench) -> None:
    bench = make_bench()
    bench.close()
    (bench.path / "journal.sqlite3").write_bytes(b"\xff" * 8192)
    bench.restart()
    with pytest.raises(StorageUnavailable, match="damaged"):
        send(bench)
    with pytest.raises(StorageUnavailable):
        ask(bench, "outcome", client_order_id=market().client_order_id)
    assert bench.terminal.sent == []
    assert ask(bench, "tick", symbol="EURUSD")["bid"] == 1.1
    assert ask(bench, "positions") == []


class TestConnecting:
    def settings(self, **changes: Any) -> AccountConfig:
        values = {"name": "acc", "terminal": "metatrader5", "terminal_path": Path("t"), "login": LOGIN}
        return AccountConfig(**values | {"server_time_zone": "UTC", "limits": LIMITS} | changes)

    @pytest.fixture
    def terminal(self, monkeypatch: pytest.MonkeyPatch) -> FakeTerminal:
        terminal = FakeTerminal()
        monkeypatch.setattr(worker, "load_terminal", lambda kind: (terminal, None))
        return terminal

    def test_hands_over_what_the_terminal_needs(self, terminal: FakeTerminal, monkeypatch: pytest.MonkeyPatch) -> None:
        seen: dict[str, Any] = {}
        monkeypatch.setenv("SECRET", "hunter2")
        terminal.initialize = lambda path, /, **options: bool(seen.update(options, path=path)) or True  # type: ignore
        worker.connect_terminal(self.settings(password="env:SECRET", server="Broker-Demo"))
        assert seen == {
            "path": "t", "portable": True, "login": LOGIN, "timeout": 90_000, "password": "hunter2",
            "server": "Broker-Demo",
        }  # fmt: skip

    def test_refuses_another_account(self, terminal: FakeTerminal) -> None:
        terminal.account.login = 7
        with pytest.raises(BrokerUnavailable, match="account 7"):
            worker.connect_terminal(self.settings())
        terminal.account = None
        with pytest.raises(BrokerUnavailable, match="no account"):
            worker.connect_terminal(self.settings())

    def test_says_why_the_terminal_did_not_start(self, terminal: FakeTerminal) -> None:
        terminal.initialize = lambda path, /, **options: False  # type: ignore[method-assign]
        terminal.error = (-6, "Authorization failed")
        with pytest.raises(BrokerUnavailable, match="Authorization failed"):
            worker.connect_terminal(self.settings())

    def test_without_the_package_says_where_it_exists(self) -> None:
        with pytest.raises(BrokerUnavailable, match="MetaTrader5") as caught:
            worker.connect_terminal(self.settings())
        assert "Windows" in str(caught.value.hint)


def test_limits_are_decimal_all_the_way(bench: Bench) -> None:
    assert send(bench, volume=Decimal("0.30000000000000004"))["volume"] == "0.3"
