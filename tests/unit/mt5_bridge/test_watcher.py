"""The watcher on a scripted terminal: what it does when the broker refuses, forgets, is silent or is not there."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from mt5_bridge import watcher as watching
from mt5_bridge.journal import OrderState
from mt5_bridge.watcher import Watcher
from tests.unit.mt5_bridge.fake_terminal import (
    NOW,
    Bench,
    answer,
    close,
    guard,
    make_deal,
    make_position,
    make_tick,
    nothing,
    trailing,
)
from tradeloom.errors import StorageUnavailable
from tradeloom.trading.guard_rules import decide
from tradeloom.trading.guards import BreakEven, Guard, GuardReport, GuardStatus, PartialClose, step_order_id

MakeBench = Callable[..., Bench]
PART = PartialClose(trigger=Decimal("0.002"), fraction=Decimal("0.5"))


def watcher(bench: Bench) -> Watcher:
    found = bench.worker.duty._watcher
    assert found is not None
    return found


def quote(bench: Bench, bid: float, after_s: float = 1.0) -> None:
    """A new quote, so much later, and a look at it."""
    bench.clock.time += timedelta(seconds=after_s)
    bench.terminal.quote = make_tick(bid, bid + 0.0001, bench.clock.time)
    assert watcher(bench).look()


def hold(bench: Bench, ticket: int = 7, volume: float = 0.1, **changes: Any) -> Any:
    bench.terminal.positions.append(make_position(ticket, volume=volume, **changes))
    return bench.terminal.positions[-1]


def set_guard(bench: Bench, wanted: Guard) -> GuardReport:
    return watcher(bench).set(wanted)


def told(bench: Bench, wanted: Guard) -> GuardReport:
    record = bench.guards.find(wanted.guard_id)
    assert record is not None
    return record.report


def crash(*_: Any) -> None:
    raise SystemExit


def test_follows_and_never_loosens(bench: Bench) -> None:
    held, wanted = hold(bench), trailing(7)
    assert set_guard(bench, wanted).stop_loss == 1.098
    seen = []
    for bid in (1.101, 1.09, 1.1015, 1.1014, 1.102):
        quote(bench, bid)
        seen.append(held.sl)
    assert seen == [1.099, 1.099, 1.0995, 1.0995, 1.1]
    assert (told(bench, wanted).moves, len(bench.terminal.sent)) == (4, 4)
    assert [request["position"] for request in bench.terminal.sent] == [7] * 4


def test_a_step_says_which_guard_of_which_version_it_is_of(bench: Bench) -> None:
    hold(bench)
    wanted = trailing(7).model_copy(update={"workflow_version": "v3"})
    set_guard(bench, wanted)
    entry = bench.journal.entry(step_order_id(wanted.guard_id, 0))
    assert entry is not None
    assert (entry.intent.cause, entry.intent.workflow_id, entry.intent.workflow_version) == ("trailing", "w", "v3")


def test_leaves_the_take_profit_alone(bench: Bench) -> None:
    held = hold(bench, tp=1.2)
    set_guard(bench, trailing(7))
    assert (held.sl, held.tp) == (1.098, 1.2)


type Deal = tuple[int, int, float, int]
"""Order, side (0 buy, 1 sell), lots, entry (0 in, 1 out, 2 in/out, 3 out by)."""


def deals(bench: Bench, *done: Deal) -> None:
    for order, side, volume, entry in done:
        request = {"magic": 1, "type": side, "price": 1.1, "symbol": "EURUSD"}
        bench.terminal.deals.append(make_deal(order, request, volume, position=5, entry=entry))


CLOSED: list[list[Deal]] = [
    [(7, 0, 0.1, 0), (8, 1, 0.1, 1)],
    [(7, 0, 0.06, 0), (7, 0, 0.04, 0), (8, 1, 0.04, 1), (9, 1, 0.06, 3)],
    [(7, 0, 0.1, 0), (8, 1, 0.3, 2)],
    [(5, 1, 0.1, 0), (7, 0, 0.2, 2), (8, 1, 0.1, 1)],
]
OPEN: list[list[Deal]] = [
    [],
    [(7, 0, 0.1, 0)],
    [(7, 0, 0.1, 0), (8, 1, 0.04, 1)],
    [(5, 1, 0.1, 0), (7, 0, 0.2, 2)],
    [(5, 0, 0.1, 0), (6, 1, 0.1, 1)],
]


@pytest.mark.parametrize("done", CLOSED)
def test_ends_with_its_position(bench: Bench, done: list[Deal]) -> None:
    hold(bench)
    set_guard(bench, trailing(7))
    bench.terminal.positions.clear()
    deals(bench, *done)
    quote(bench, 1.2)
    report = told(bench, trailing(7))
    assert (report.status, report.reason) == (GuardStatus.DONE, "the position is closed")
    assert not watcher(bench).is_watching


@pytest.mark.parametrize("done", OPEN)
def test_does_not_end_because_a_terminal_does_not_list_its_position(bench: Bench, done: list[Deal]) -> None:
    """As one that has just been started, and has not heard from the server yet."""
    held = hold(bench)
    set_guard(bench, trailing(7))
    bench.terminal.positions.clear()
    deals(bench, *done)
    quote(bench, 1.2)
    report = told(bench, trailing(7))
    assert (report.status, report.trouble) == (
        GuardStatus.ACTIVE,
        "position 7 is not listed, but no deal is known that closed it",
    )
    bench.terminal.positions.append(held)
    quote(bench, 1.21)
    assert (held.sl, told(bench, trailing(7)).trouble) == (1.208, None)


def test_an_unknown_step_does_not_end_the_guard_of_a_position_that_is_only_not_listed(make_bench: MakeBench) -> None:
    """A worker that was killed in the middle of a step starts on a terminal that has not heard from the server yet."""
    bench = make_bench(history_horizon_s=3_600.0)
    held, wanted = hold(bench), trailing(7)
    deals(bench, (7, 0, 0.1, 0))
    for deal in bench.terminal.deals:
        deal.position_id = 7
    bench.terminal.script = [answer(10012, "Request timeout")]
    set_guard(bench, wanted)
    bench.terminal.positions.clear()
    bench.restart()
    quote(bench, 1.11)
    assert told(bench, wanted).status is GuardStatus.ACTIVE
    held.sl = 1.098  # it had arrived
    bench.terminal.positions.append(held)
    quote(bench, 1.12, after_s=2)
    assert (held.sl, told(bench, wanted).moves) == (1.118, 2)


def test_a_refusal_is_shown_and_tried_again_at_another_quote_ever_less_often(bench: Bench) -> None:
    held, wanted = hold(bench), trailing(7)
    bench.terminal.script = [answer(10016, "Invalid stops")] * 3
    report = set_guard(bench, wanted)
    assert (report.trouble, report.refusals, held.sl) == ("Invalid stops (10016)", 1, 0.0)
    bench.clock.time += timedelta(seconds=100)
    watcher(bench).look()  # the same quote
    assert len(bench.terminal.sent) == 1
    quote(bench, 1.1001, after_s=0.1)
    assert len(bench.terminal.sent) == 2
    quote(bench, 1.1002, after_s=0.9)  # too soon: the second rest is a second
    assert len(bench.terminal.sent) == 2
    quote(bench, 1.1003, after_s=0.2)
    quote(bench, 1.1004, after_s=1.9)
    assert len(bench.terminal.sent) == 3
    quote(bench, 1.1005, after_s=0.2)
    report = told(bench, wanted)
    assert (held.sl, report.trouble, report.refusals, report.moves) == (1.0985, None, 0, 1)
    ids = {request["comment"] for request in bench.terminal.sent}
    assert len(ids) == 4  # a refused step's id is used up


def test_a_closed_market_is_left_alone_until_it_quotes_again(bench: Bench) -> None:
    held = hold(bench)
    bench.terminal.script = [answer(10018, "Market closed")]
    set_guard(bench, trailing(7))
    for _ in range(50):
        bench.clock.time += timedelta(hours=1)
        watcher(bench).look()
    assert len(bench.terminal.sent) == 1
    quote(bench, 1.15)
    assert held.sl == 1.148


def test_what_is_unknown_is_settled_before_the_next_step(make_bench: MakeBench) -> None:
    bench = make_bench(history_horizon_s=3_600.0)
    held, wanted = hold(bench), trailing(7)
    bench.terminal.script = [answer(10012, "Request timeout")]
    assert set_guard(bench, wanted).trouble is not None
    for bid in (1.11, 1.12):
        quote(bench, bid)
    assert len(bench.terminal.sent) == 1  # nobody knows, so nothing more is sent
    held.sl = 1.098  # it arrived late
    quote(bench, 1.13)
    assert [request["sl"] for request in bench.terminal.sent] == [1.098, 1.128]
    assert (told(bench, wanted).moves, told(bench, wanted).trouble) == (2, None)


def test_a_stop_that_never_arrived_is_set_at_once(bench: Bench) -> None:
    held = hold(bench)
    bench.terminal.script = [answer(10012, "Request timeout")]
    set_guard(bench, trailing(7))
    watcher(bench).look()  # the horizon is zero here: not found means not sent
    assert held.sl == 1.098


def test_a_crash_before_the_guards_file_learns_of_a_step_repeats_nothing(bench: Bench) -> None:
    held, wanted = hold(bench), trailing(7)
    bench.worker.duty._watcher._record = crash  # type: ignore[method-assign, union-attr]
    with pytest.raises(SystemExit):
        set_guard(bench, wanted)
    assert held.sl == 1.098
    assert told(bench, wanted).moves == 0
    bench.restart()
    watcher(bench).look()
    assert len(bench.terminal.sent) == 1
    assert (told(bench, wanted).moves, bench.guards.active()[0].step) == (1, 1)


class TestPart:
    def test_is_closed_once_also_across_a_crash(self, bench: Bench) -> None:
        hold(bench, volume=0.1)
        set_guard(bench, guard(7, PART))
        assert bench.terminal.sent == []
        bench.worker.duty._watcher._record = crash  # type: ignore[method-assign, union-attr]
        bench.clock.time += timedelta(seconds=1)
        bench.terminal.quote = make_tick(1.1021, 1.1022, bench.clock.time)
        with pytest.raises(SystemExit):
            watcher(bench).look()
        hold(bench, volume=0.05)
        bench.restart()
        quote(bench, 1.2)
        assert [request["volume"] for request in bench.terminal.sent] == [0.05]
        report = told(bench, guard(7, PART))
        assert (report.status, report.moves, report.memory.closed) == (GuardStatus.DONE, 1, True)

    def test_then_secures_the_entry_at_the_same_quote(self, bench: Bench) -> None:
        rule = PART.model_copy(update={"break_even_offset": Decimal("0.0001")})

        def fill(terminal: Any, request: dict[str, Any]) -> Any:
            result = terminal.execute(request)
            terminal.positions.append(make_position(7, volume=0.05))
            return result

        hold(bench, volume=0.1)
        set_guard(bench, guard(7, rule))
        bench.terminal.script = [fill]
        quote(bench, 1.1021)
        assert bench.terminal.positions[0].sl == 1.1001
        assert told(bench, guard(7, rule)).status is GuardStatus.DONE

    def test_whose_closing_nobody_can_tell_is_not_closed_again_with_real_money(self, make_bench: MakeBench) -> None:
        bench = make_bench(live_trading=True)
        bench.terminal.account.trade_mode = 2
        hold(bench)
        set_guard(bench, guard(7, PART))
        bench.terminal.script = [answer(10012, "Request timeout")]
        quote(bench, 1.1021)
        quote(bench, 1.1022)
        quote(bench, 1.1023)
        assert len(bench.terminal.sent) == 1
        entry = bench.journal.entry(step_order_id(guard(7, PART).guard_id, 0))
        assert entry is not None
        assert entry.state is OrderState.MANUAL
        report = told(bench, guard(7, PART))
        assert report.status is GuardStatus.FAILED
        assert "a person must look" in (report.reason or "")
        # The workflow runs again an hour later, and its node asks for the part once more.
        again = set_guard(bench, guard(7, PART, execution="e2"))
        assert (again.status, len(bench.terminal.sent)) == (GuardStatus.FAILED, 1)

    def test_a_stop_of_which_nobody_can_tell_is_set_anew_with_real_money(self, make_bench: MakeBench) -> None:
        """The position itself shows that the stop is not there."""
        bench = make_bench(live_trading=True)
        bench.terminal.account.trade_mode = 2
        held = hold(bench)
        bench.terminal.script = [answer(10012, "Request timeout")]
        set_guard(bench, trailing(7))
        quote(bench, 1.11)
        assert held.sl == 1.108


def test_a_terminal_without_connection_is_trouble_that_passes(bench: Bench) -> None:
    held, wanted = hold(bench), trailing(7)
    bench.terminal.state.connected = False
    report = set_guard(bench, wanted)
    assert "no connection" in (report.trouble or "")
    bench.terminal.state.connected = True
    quote(bench, 1.1)
    assert held.sl == 1.098
    assert told(bench, wanted).trouble is None
    entry = bench.journal.entry(step_order_id(wanted.guard_id, 0))
    assert entry is not None
    assert entry.state is OrderState.DONE  # one step, under the id that had not been used up


def test_a_symbol_that_cannot_be_read_does_not_write_at_every_look(bench: Bench) -> None:
    hold(bench)
    set_guard(bench, trailing(7))
    bench.terminal.quote = None
    bench.terminal.error = (-1, "failed")
    for _ in range(20):
        bench.clock.time += timedelta(milliseconds=10)
        watcher(bench).look()
    assert bench.guards.history(trailing(7).guard_id).count("unable") == 1
    assert told(bench, trailing(7)).trouble is not None
    quote(bench, 1.1)
    assert told(bench, trailing(7)).trouble is None


def test_a_stop_tightened_by_hand_is_respected(bench: Bench) -> None:
    held = hold(bench)
    set_guard(bench, trailing(7))
    held.sl = 1.0999
    quote(bench, 1.1015)
    assert held.sl == 1.0999
    quote(bench, 1.1025)
    assert held.sl == 1.1005


def test_guards_of_one_position_see_what_the_other_did(bench: Bench) -> None:
    held = hold(bench)
    set_guard(bench, trailing(7))
    set_guard(bench, guard(7, BreakEven(trigger=Decimal("0.003"), offset=Decimal("0.002"))))
    quote(bench, 1.1035)
    assert held.sl == 1.102  # the tighter of 1.1015 and 1.1020
    quote(bench, 1.106)
    assert held.sl == 1.104


def test_a_long_look_is_taken_in_slices_and_leaves_nobody_out(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "LOOK_BUDGET_S", -1.0)
    held = [hold(bench, ticket) for ticket in (7, 8, 9)]
    for ticket in (7, 8, 9):
        set_guard(bench, trailing(ticket))
    while not watcher(bench).look():
        pass
    bench.clock.time += timedelta(seconds=1)
    bench.terminal.quote = make_tick(1.105, 1.1051, bench.clock.time)
    assert [watcher(bench).look() for _ in range(3)] == [False, False, True]
    assert [each.sl for each in held] == [1.103] * 3


def test_a_broken_pipe_ends_the_look(bench: Bench) -> None:
    held = [hold(bench, ticket) for ticket in (7, 8)]
    for ticket in (7, 8):
        set_guard(bench, trailing(ticket))
    bench.terminal.script = [nothing(-10001, "IPC send failed")]
    bench.terminal.quote = make_tick(1.11, 1.1101, NOW + timedelta(seconds=1))
    bench.worker.look_after_guards(at_once=True)
    assert bench.worker.recycle
    assert [each.sl for each in held] == [1.098, 1.098]
    bench.restart()
    quote(bench, 1.11)
    assert [each.sl for each in held] == [1.108, 1.108]


def test_a_damaged_guards_file_stops_guarding_and_not_trading(make_bench: MakeBench) -> None:
    bench = make_bench()
    held = hold(bench)
    bench.close()
    (bench.path / "guards.sqlite3").write_bytes(b"damaged" * 500)
    bench.restart()
    with pytest.raises(StorageUnavailable, match="guards' file"):
        bench.worker.duty.set(trailing(7))
    assert bench.worker.duty.patience_s() is None
    bench.worker.look_after_guards(at_once=True)
    assert bench.desk.send(close(held.ticket)).status == "done"


def test_a_step_the_guards_file_could_not_take_is_asked_of_the_journal(bench: Bench) -> None:
    held, wanted = hold(bench), trailing(7)
    put, full = bench.guards.put, StorageUnavailable("the disk is full")

    def refuse(*_: Any) -> Any:
        raise full

    bench.guards.put = refuse  # type: ignore[method-assign, assignment]
    with pytest.raises(StorageUnavailable):
        set_guard(bench, wanted)
    assert not watcher(bench).is_current
    bench.guards.put = put  # type: ignore[method-assign]
    quote(bench, 1.11)
    assert (held.sl, told(bench, wanted).moves, len(bench.terminal.sent)) == (1.108, 2, 2)


def test_the_worker_looks_as_often_as_it_was_told(make_bench: MakeBench) -> None:
    bench = make_bench(guard_interval_s=0.5)
    assert bench.worker.duty.patience_s() == 0  # once when it starts
    bench.worker.look_after_guards()
    assert bench.worker.duty.patience_s() is None
    hold(bench)
    set_guard(bench, trailing(7))
    patience = bench.worker.duty.patience_s()
    assert patience is not None
    assert 0 <= patience <= 0.5
    bench.worker.look_after_guards(at_once=True)
    assert 0.3 < (bench.worker.duty.patience_s() or 0) <= 0.5


def test_a_bug_at_one_guard_is_its_trouble_and_no_others(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    held = [hold(bench, ticket) for ticket in (7, 8)]
    for ticket in (7, 8):
        set_guard(bench, trailing(ticket))

    def fails_at_seven(guard: Guard, *rest: Any) -> Any:
        return 1 / 0 if guard.position == 7 else decide(guard, *rest)

    monkeypatch.setattr(watching, "decide", fails_at_seven)
    bench.terminal.quote = make_tick(1.11, 1.1101, NOW + timedelta(seconds=1))
    bench.worker.look_after_guards(at_once=True)
    assert not bench.worker.recycle
    assert [each.sl for each in held] == [1.098, 1.108]
    assert "its log says more" in (told(bench, trailing(7)).trouble or "")
    monkeypatch.undo()
    quote(bench, 1.11, after_s=2)
    assert [each.sl for each in held] == [1.108, 1.108]
