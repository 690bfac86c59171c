"""Flattening: what is on the account goes, once, whatever the broker says on the way; and what is left is told."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from mt5_bridge import constants as mt5
from mt5_bridge.flatten_duty import FlattenDuty
from mt5_bridge.flatten_store import FlattenStore
from mt5_bridge.records import BrokerRecords
from mt5_bridge.server_time import ServerZone
from mt5_bridge.terminal import connected_account
from tests.unit.mt5_bridge.fake_terminal import (
    LOGIN,
    Bench,
    FakeTerminal,
    answer,
    make_order,
    make_position,
    make_result,
    market,
    nothing,
)
from tradeloom.errors import StorageUnavailable
from tradeloom.trading.flattening import FlattenReport, FlattenStatus, flatten_order_id
from tradeloom.trading.intents import OrderIntent, OutcomeStatus
from tradeloom.trading.methods import MarketClock
from tradeloom.trading.risk import AccountState

ID = "f" * 32
OTHER = "e" * 32


class Flattening:
    """A duty on a fake terminal, at a time of our own. `live` distrusts the terminal's lists, as on a real one."""

    def __init__(self, bench: Bench, path: Path, *, live: bool = False) -> None:
        self.bench, self.live, self.time = bench, live, 100.0
        self.front = FlattenStore(path / "flattens.sqlite3")
        self.store = FlattenStore(path / "flattens.sqlite3")
        self.duty = self._made()

    def restart(self) -> None:
        """A new worker after a crash: only the files are left."""
        self.bench.restart()
        self.duty = self._made()

    def begin(self, flatten_id: str = ID) -> None:
        self.bench.journal.set_state(AccountState.HALTED, reason="enough", by="me", clear=False)
        self.front.request(flatten_id, reason="enough", by="me")

    def work(self, seconds: float = 0.0) -> FlattenReport:
        """Goes on for a time, a slice whenever one is due."""
        until = self.time + seconds
        while True:
            self.duty.work_if_due()
            wait = self.duty.patience_s()
            if wait is None or self.time + wait > until:
                break
            self.time += max(wait, 0.001)
        self.time = max(self.time, until)
        found = self.front.latest()
        assert found is not None
        return found

    def _made(self) -> FlattenDuty:
        bench = self.bench
        records = BrokerRecords(bench.terminal, ServerZone("UTC"), bench.pauses.append) if self.live else None
        return FlattenDuty(
            self.store, bench.journal, bench.desk, bench.worker._reader, bench.clock, records,
            account="acc", assert_connected=lambda: connected_account(bench.terminal, LOGIN),
            monotonic=lambda: self.time,
        )  # fmt: skip

    def close(self) -> None:
        self.store.close()
        self.front.close()


@pytest.fixture
def flattening(bench: Bench, tmp_path: Path) -> Any:
    made = Flattening(bench, tmp_path)
    yield made
    made.close()


@pytest.fixture
def on_live(bench: Bench, tmp_path: Path) -> Any:
    made = Flattening(bench, tmp_path, live=True)
    yield made
    made.close()


def hold(bench: Bench, *tickets: int, lots: float = 0.1) -> None:
    """Open positions, with the deals that opened them."""
    for ticket in tickets:
        bench.terminal.ticket = ticket - 1
        bench.terminal.execute({"symbol": "EURUSD", "type": 0, "volume": lots, "price": 1.1, "magic": 0})
    bench.terminal.ticket = 900


def rest(bench: Bench, ticket: int) -> None:
    request = {"magic": 0, "symbol": "EURUSD", "type": mt5.ORDER_TYPE_BUY_LIMIT, "price": 1.05, "volume": 0.1}
    bench.terminal.orders.append(make_order(ticket, request, mt5.ORDER_STATE_PLACED))


def closes(bench: Bench, ticket: int) -> list[dict[str, Any]]:
    return [request for request in bench.terminal.sent if request.get("position") == ticket]


def test_everything_goes_orders_first(bench: Bench, flattening: Flattening) -> None:
    hold(bench, 11, 12)
    rest(bench, 21)
    flattening.begin()
    told = flattening.work(1)
    assert (told.status, told.closed, told.cancelled, told.left, told.remaining) == (FlattenStatus.FLAT, 2, 1, 0, ())
    assert (bench.terminal.positions, bench.terminal.orders) == ([], [])
    assert [request["action"] for request in bench.terminal.sent] == [
        mt5.TRADE_ACTION_REMOVE, mt5.TRADE_ACTION_DEAL, mt5.TRADE_ACTION_DEAL,
    ]  # fmt: skip
    assert [request["position"] for request in bench.terminal.sent[1:]] == [11, 12]
    assert flattening.duty.patience_s() is None


def test_each_try_is_an_intent_in_the_journal(bench: Bench, flattening: Flattening) -> None:
    hold(bench, 11)
    flattening.begin()
    flattening.work(1)
    entry = bench.journal.entry(flatten_order_id(ID, "position", 11, 0))
    assert entry is not None
    assert entry.result is not None
    assert entry.result.status is OutcomeStatus.DONE
    assert (entry.intent.workflow_id, entry.intent.cause) == ("kill-switch", "flatten")
    assert bench.terminal.sent[0]["magic"] == entry.intent.magic


def test_an_empty_account_is_flat_at_once(flattening: Flattening) -> None:
    flattening.begin()
    assert flattening.work().status is FlattenStatus.FLAT


def test_nothing_is_touched_while_the_account_is_not_halted(bench: Bench, flattening: Flattening) -> None:
    hold(bench, 11)
    flattening.front.request(ID, reason="enough", by="me")
    assert flattening.work(1).status is FlattenStatus.ABANDONED
    assert bench.terminal.sent == []


def test_a_person_who_clears_the_account_ends_it(bench: Bench, flattening: Flattening) -> None:
    hold(bench, 11)
    bench.terminal.script = [answer(10018, "Market closed")]
    flattening.begin()
    flattening.work()
    bench.journal.set_state(AccountState.ACTIVE, reason="fine again", by="me", clear=True)
    assert flattening.work(120).status is FlattenStatus.ABANDONED
    assert len(closes(bench, 11)) == 1


@pytest.mark.parametrize(
    "script",
    [answer(10018, "Market closed"), answer(10006, "Rejected"), answer(10031, "No connection")],
    ids=["market closed", "rejected", "no connection"],
)
def test_what_is_refused_is_told_and_tried_again(
    bench: Bench, flattening: Flattening, script: Callable[..., Any]
) -> None:
    hold(bench, 11, 12)
    bench.terminal.script = [script]
    flattening.begin()
    told = flattening.work()
    assert (told.status, told.left, told.closed) == (FlattenStatus.RUNNING, 1, 1)
    assert told.remaining[0].ticket == 11
    assert told.remaining[0].trouble
    told = flattening.work(120)
    assert (told.status, told.closed, bench.terminal.positions) == (FlattenStatus.FLAT, 2, [])


def test_refusals_are_spaced_out(bench: Bench, flattening: Flattening) -> None:
    hold(bench, 11)
    bench.terminal.script = [answer(10018, "Market closed")] * 200
    flattening.begin()
    told = flattening.work(3600)
    assert 60 <= len(closes(bench, 11)) <= 80
    assert told.status is FlattenStatus.RUNNING
    assert "Market closed" in (told.remaining[0].trouble or "")


def test_a_partial_fill_goes_on_with_the_rest(bench: Bench, flattening: Flattening) -> None:
    hold(bench, 11, lots=0.3)

    def half(terminal: FakeTerminal, request: dict[str, Any]) -> Any:
        (held,) = terminal.positions
        result = terminal.execute(request, 0.1)
        terminal.positions = [make_position(11, held.type, 0.2, magic=0)]
        return result

    bench.terminal.script = [half]
    flattening.begin()
    told = flattening.work(10)
    assert (told.status, told.closed) == (FlattenStatus.FLAT, 1)
    assert [request["volume"] for request in closes(bench, 11)] == [0.3, 0.2]


def test_what_is_larger_than_an_order_may_be_takes_several(bench: Bench, flattening: Flattening) -> None:
    hold(bench, 11, lots=250.0)

    def part(terminal: FakeTerminal, request: dict[str, Any]) -> Any:
        (held,) = terminal.positions
        left = held.volume - request["volume"]
        result = terminal.execute(request)
        terminal.positions = [make_position(11, held.type, left, magic=0)] if left else []
        return result

    bench.terminal.script = [part] * 3
    flattening.begin()
    assert flattening.work(10).status is FlattenStatus.FLAT
    assert [request["volume"] for request in closes(bench, 11)] == [100.0, 100.0, 50.0]


@pytest.mark.parametrize("executed", [True, False])
def test_a_lost_answer_is_asked_for_and_never_sent_twice_blindly(
    bench: Bench, flattening: Flattening, executed: bool
) -> None:
    hold(bench, 11)
    bench.terminal.script = [nothing(-10005, "IPC timeout", executed=executed)]
    flattening.begin()
    flattening.work()
    bench.desk.pipe_broken = False
    flattening.restart()
    told = flattening.work(120)
    assert (told.status, told.closed, bench.terminal.positions) == (FlattenStatus.FLAT, 1, [])
    assert len(closes(bench, 11)) == (1 if executed else 2)
    assert len({request["magic"] for request in closes(bench, 11)}) == len(closes(bench, 11))


def test_with_real_money_an_exit_nobody_can_account_for_is_tried_again(
    make_bench: Callable[..., Bench], tmp_path: Path
) -> None:
    bench = make_bench(live_trading=True)
    bench.terminal.account.trade_mode = mt5.ACCOUNT_TRADE_MODE_REAL
    flattening = Flattening(bench, tmp_path)
    hold(bench, 11)
    bench.terminal.script = [nothing(-10005, "IPC timeout")]
    flattening.begin()
    flattening.work()
    bench.desk.pipe_broken = False
    flattening.restart()
    told = flattening.work(120)
    flattening.close()
    assert (told.status, bench.terminal.positions) == (FlattenStatus.FLAT, [])
    assert all(request["position"] == 11 for request in closes(bench, 11))


def test_an_order_filled_before_it_could_be_cancelled_is_closed_as_a_position(
    bench: Bench, flattening: Flattening
) -> None:
    rest(bench, 21)

    def filled(terminal: FakeTerminal, request: dict[str, Any]) -> Any:
        terminal.leave(21, mt5.ORDER_STATE_FILLED)
        return make_result(10013, comment="Invalid request")

    bench.terminal.script = [filled]
    flattening.begin()
    told = flattening.work(10)
    assert (told.status, told.closed, told.cancelled) == (FlattenStatus.FLAT, 1, 0)
    assert (bench.terminal.positions, bench.terminal.orders) == ([], [])


def test_an_order_that_may_still_be_filled_is_waited_for(bench: Bench, flattening: Flattening) -> None:
    """Sent before the halt, its answer lost: it turns up after the first look, and goes too."""
    bench.terminal.script = [nothing(-10005, "IPC timeout")]
    bench.desk.send(market())
    bench.desk.pipe_broken = False
    bench.worker._desk._reconciler._horizon_s = 60.0  # type: ignore[union-attr]
    flattening.begin()
    told = flattening.work()
    assert (told.status, told.left) == (FlattenStatus.RUNNING, 0)
    assert "1 orders were sent" in (told.trouble or "")
    bench.terminal.execute(bench.terminal.sent[0])
    told = flattening.work(10)
    assert (told.status, told.closed, bench.terminal.positions) == (FlattenStatus.FLAT, 1, [])


def test_what_closed_by_itself_is_not_counted_as_ours(bench: Bench, flattening: Flattening) -> None:
    hold(bench, 11)
    bench.terminal.script = [answer(10006, "Rejected")]
    flattening.begin()
    flattening.work()
    bench.terminal.positions = []
    told = flattening.work(10)
    assert (told.status, told.closed, told.left) == (FlattenStatus.FLAT, 0, 0)


class TestALiveTerminal:
    def test_empty_must_be_seen_twice(self, on_live: Flattening) -> None:
        on_live.begin()
        assert on_live.work(1).status is FlattenStatus.RUNNING
        assert on_live.work(2).status is FlattenStatus.FLAT

    def test_positions_that_turn_up_late_are_closed(self, bench: Bench, on_live: Flattening) -> None:
        on_live.begin()
        on_live.work(1)
        hold(bench, 11)
        told = on_live.work(10)
        assert (told.status, told.closed) == (FlattenStatus.FLAT, 1)

    def test_a_position_that_is_only_not_listed_is_not_taken_for_closed(
        self, bench: Bench, on_live: Flattening
    ) -> None:
        hold(bench, 11)
        bench.terminal.script = [answer(10006, "Rejected")]
        on_live.begin()
        on_live.work()
        held, bench.terminal.positions = bench.terminal.positions, []
        told = on_live.work(30)
        assert (told.status, told.left) == (FlattenStatus.RUNNING, 1)
        assert "does not list it" in (told.remaining[0].trouble or "")
        bench.terminal.positions = held
        told = on_live.work(60)
        assert (told.status, told.closed) == (FlattenStatus.FLAT, 1)

    def test_a_terminal_without_connection_is_told_and_waited_for(self, bench: Bench, on_live: Flattening) -> None:
        hold(bench, 11)
        bench.terminal.state.connected = False
        on_live.begin()
        told = on_live.work(5)
        assert (told.status, bench.terminal.sent) == (FlattenStatus.RUNNING, [])
        assert "no connection" in (told.remaining[0].trouble or "")
        bench.terminal.state.connected = True
        assert on_live.work(120).status is FlattenStatus.FLAT


class _Busy:
    """A store that cannot be read once."""

    def __init__(self, store: FlattenStore) -> None:
        self._store = store
        self._failures = 1

    def running(self) -> FlattenReport | None:
        if self._failures:
            self._failures -= 1
            raise StorageUnavailable("the file is busy")
        return self._store.running()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)


class TestTheStore:
    def test_the_same_id_is_the_same_flatten(self, flattening: Flattening) -> None:
        flattening.begin()
        flattening.work()
        again = flattening.front.request(ID, reason="another", by="you")
        assert (again.status, again.reason, again.by) == (FlattenStatus.FLAT, "enough", "me")

    def test_another_id_takes_over(self, bench: Bench, flattening: Flattening) -> None:
        hold(bench, 11)
        bench.terminal.script = [answer(10018, "Market closed")]
        flattening.begin()
        flattening.work()
        flattening.begin(OTHER)
        told = flattening.work(10)
        first = flattening.front.find(ID)
        assert first is not None
        assert (first.status, told.flatten_id, told.status) == (FlattenStatus.REPLACED, OTHER, FlattenStatus.FLAT)

    def test_only_the_one_meant_is_ended(self, flattening: Flattening) -> None:
        flattening.begin()
        flattening.begin(OTHER)
        flattening.store.end(FlattenStatus.FLAT, flatten_id=ID)
        running = flattening.front.running()
        assert running is not None
        assert running.flatten_id == OTHER
        flattening.front.end(FlattenStatus.ABANDONED)
        assert flattening.front.running() is None

    def test_a_wish_that_could_not_be_read_is_read_again(self, bench: Bench, flattening: Flattening) -> None:
        hold(bench, 11)
        flattening.begin()
        flattening.duty._store = _Busy(flattening.store)  # type: ignore[assignment]
        flattening.duty.work_if_due()
        assert bench.terminal.sent == []
        assert flattening.work(5).status is FlattenStatus.FLAT

    def test_many_are_counted_and_not_all_listed(self, bench: Bench, flattening: Flattening) -> None:
        hold(bench, *range(1000, 1300))
        bench.terminal.script = [answer(10018, "Market closed")] * 300
        flattening.begin()
        told = flattening.work(0.4)
        assert told.left == 300
        assert len(told.remaining) == 200
        assert told.remaining[0].volume == Decimal("0.1")


def test_an_account_is_not_flat_because_its_terminal_is_offline(bench: Bench, on_live: Flattening) -> None:
    """A terminal that was started while its trade server is away lists nothing for as long as that lasts."""
    bench.terminal.state.connected = False
    on_live.begin()
    told = on_live.work(seconds=30)
    assert (told.status, told.left) == (FlattenStatus.RUNNING, None)
    assert "no connection" in (told.trouble or "")
    bench.terminal.state.connected = True
    hold(bench, 11)
    told = on_live.work(seconds=30)
    assert (told.status, told.closed) == (FlattenStatus.FLAT, 1)


def test_an_account_is_not_flat_because_another_one_is(bench: Bench, on_live: Flattening) -> None:
    """A crossed pipe: the worker is replaced."""
    bench.terminal.account.login = LOGIN + 1
    on_live.begin()
    told = on_live.work(seconds=5)
    assert (told.status, on_live.duty.pipe_broken) == (FlattenStatus.RUNNING, True)


def test_a_fast_replay_does_not_make_every_close_late(bench: Bench, flattening: Flattening) -> None:
    """Market time goes on while an order is written down: seconds at this speed."""
    hold(bench, 11)
    bench.clock.reading = lambda: MarketClock(time=bench.clock.time, speed=5_000.0, paper=True)  # type: ignore[method-assign]
    claim = bench.journal.claim

    def slow(intent: OrderIntent) -> Any:
        bench.clock.time += timedelta(minutes=2)
        return claim(intent)

    bench.journal.claim = slow  # type: ignore[method-assign]
    flattening.begin()
    assert flattening.work(seconds=10).status is FlattenStatus.FLAT
    assert len(closes(bench, 11)) == 1
