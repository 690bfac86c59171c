"""What becomes of orders nobody knows the fate of, above all after a crash."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from decimal import Decimal

import pytest

from mt5_bridge.account_worker import AccountWorker
from mt5_bridge.journal import OrderState
from mt5_bridge.preparation import Leg, Quote, SymbolRules, build_request
from tests.unit.mt5_bridge.fake_terminal import (
    LOGIN,
    NOW,
    Bench,
    answer,
    make_deal,
    make_order,
    make_result,
    market,
    nothing,
    pending,
)
from tradeloom.errors import StorageUnavailable
from tradeloom.trading.intents import OutcomeStatus

MakeBench = Callable[..., Bench]


def crash_after_sent(bench: Bench, *, executed: bool) -> str:
    """The state a worker leaves that dies between the transmission and its record. Returns the order's id."""
    intent = market()
    rules = SymbolRules.of(bench.terminal.symbols["EURUSD"])
    quote = Quote(rules.point * 110_000, rules.point * 110_010)
    request = build_request(intent, Leg(intent.side, intent.volume, 0), rules, quote, 0)
    bench.journal.claim(intent)
    bench.journal.sending(intent.client_order_id, request, NOW)
    if executed:
        bench.terminal.execute(request)
    return intent.client_order_id


def state(bench: Bench, order_id: str) -> OrderState:
    entry = bench.journal.entry(order_id)
    assert entry is not None
    return entry.state


def test_an_order_that_executed_before_the_crash_is_found_at_start(bench: Bench) -> None:
    order_id = crash_after_sent(bench, executed=True)
    bench.restart()
    assert state(bench, order_id) is OrderState.DONE
    outcome = bench.desk.send(market())
    assert (outcome.status, outcome.position) == (OutcomeStatus.DONE, 501)
    assert bench.terminal.sent == []


def test_an_order_that_is_not_found_stays_unknown_until_the_horizon(make_bench: MakeBench) -> None:
    bench = make_bench(history_horizon_s=3600.0)
    order_id = crash_after_sent(bench, executed=False)
    bench.restart()
    assert state(bench, order_id) is OrderState.UNKNOWN
    assert bench.desk.send(market()).status is OutcomeStatus.UNKNOWN
    assert bench.terminal.sent == []


def test_past_the_horizon_its_id_is_fenced_and_it_counts_as_not_sent(bench: Bench) -> None:
    order_id = crash_after_sent(bench, executed=False)
    bench.restart()
    assert state(bench, order_id) is OrderState.NOT_SENT
    assert [what for what, _ in bench.journal.history(order_id)][-3:] == ["unknown", "fenced", "not_sent"]
    assert bench.desk.send(market()).status is OutcomeStatus.NOT_SENT
    assert bench.terminal.sent == []


def test_with_real_money_only_a_person_gives_an_order_up(make_bench: MakeBench) -> None:
    bench = make_bench(live_trading=True)
    bench.terminal.account.trade_mode = 2
    order_id = crash_after_sent(bench, executed=False)
    bench.restart()
    assert state(bench, order_id) is OrderState.MANUAL
    outcome = bench.desk.send(market())
    assert outcome.status is OutcomeStatus.UNKNOWN
    assert "a person" in outcome.message
    assert bench.terminal.sent == []


def test_a_parked_order_that_turns_up_after_all_is_settled(make_bench: MakeBench) -> None:
    bench = make_bench(live_trading=True)
    bench.terminal.account.trade_mode = 2
    order_id = crash_after_sent(bench, executed=False)
    bench.restart()
    entry = bench.journal.entry(order_id)
    assert entry is not None
    assert entry.request is not None
    bench.terminal.execute(entry.request)
    assert bench.desk.outcome(order_id).status is OutcomeStatus.DONE


@pytest.mark.parametrize("reason", [0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
def test_what_closed_the_position_since_is_no_fill_of_the_order_that_opened_it(bench: Bench, reason: int) -> None:
    """Whoever it was, and although brokers give such a deal the magic number of the position."""
    order_id = crash_after_sent(bench, executed=True)
    (opened,) = bench.terminal.deals
    request = {"magic": opened.magic, "type": 1, "price": 1.2, "symbol": "EURUSD"}
    later = opened.time_msc + 60_000
    bench.terminal.deals.append(
        make_deal(900, request, 0.1, position=opened.position_id, entry=1, reason=reason, time_msc=later)
    )
    bench.terminal.positions.clear()
    bench.restart()
    outcome = bench.desk.outcome(order_id)
    assert (outcome.status, outcome.volume, outcome.price) == (OutcomeStatus.DONE, Decimal("0.1"), opened.price)
    assert (outcome.order, outcome.deal) == (opened.order, opened.ticket)


def test_nothing_is_given_up_without_a_connection(bench: Bench) -> None:
    order_id = crash_after_sent(bench, executed=False)
    bench.terminal.state.connected = False
    bench.restart()
    assert state(bench, order_id) is OrderState.UNKNOWN


def test_records_that_cannot_be_read_change_nothing(bench: Bench) -> None:
    order_id = crash_after_sent(bench, executed=True)
    bench.terminal.orders, bench.terminal.error = None, (-1, "failed")  # type: ignore[assignment]
    bench.restart()
    assert state(bench, order_id) is OrderState.UNKNOWN
    bench.terminal.orders = []
    assert bench.desk.outcome(order_id).status is OutcomeStatus.DONE


def test_none_with_success_means_there_is_nothing(bench: Bench) -> None:
    order_id = crash_after_sent(bench, executed=True)
    bench.terminal.orders = None  # type: ignore[assignment]
    bench.restart()
    assert state(bench, order_id) is OrderState.DONE


def test_the_stop_that_closed_our_position_is_not_our_order(bench: Bench) -> None:
    """Deals made by a stop loss carry the magic of the order that opened the position."""
    order_id = crash_after_sent(bench, executed=False)
    request = {"magic": market().magic, "symbol": "EURUSD", "type": 1, "price": 1.05}
    bench.terminal.deals = [make_deal(9, request, 0.1, position=8, entry=1, reason=4)]
    bench.terminal.history_orders = [make_order(9, request, 4, reason=4)]
    bench.restart()
    assert state(bench, order_id) is OrderState.NOT_SENT


def test_other_peoples_orders_are_not_ours(bench: Bench) -> None:
    order_id = crash_after_sent(bench, executed=False)
    bench.terminal.execute({"magic": 1, "symbol": "EURUSD", "type": 0, "price": 1.1, "volume": 0.1})
    bench.restart()
    assert state(bench, order_id) is OrderState.NOT_SENT


def test_history_is_asked_for_with_a_day_of_slack_on_both_sides(make_bench: MakeBench) -> None:
    bench = make_bench(server_time_zone="America/New_York+7")
    order_id = crash_after_sent(bench, executed=False)
    entry = bench.journal.entry(order_id)
    assert entry is not None
    assert entry.request is not None
    bench.terminal.execute(entry.request)
    bench.terminal.deals[0].time += 20 * 3600
    bench.restart()
    assert state(bench, order_id) is OrderState.DONE


def test_a_dead_order_decides_only_when_every_transmission_left_one(make_bench: MakeBench) -> None:
    """A requote may leave a rejected order; the second transmission, whose reply is lost, may still execute."""
    bench = make_bench(history_horizon_s=3600.0)

    def requote(terminal: object, request: dict[str, object]) -> object:
        bench.terminal.history_orders.append(make_order(70, request, 5))
        return answer(10004)(bench.terminal, request)

    bench.terminal.script = [requote, nothing(-10005)]
    assert bench.desk.send(market()).status is OutcomeStatus.UNKNOWN
    bench.terminal.history_orders.append(make_order(71, bench.terminal.sent[1], 5))
    outcome = bench.desk.outcome(market().client_order_id)
    assert (outcome.status, outcome.order) == (OutcomeStatus.REJECTED, 71)


@pytest.mark.parametrize("hours", [1, 60])
def test_a_late_fill_is_found_whenever_it_comes(make_bench: MakeBench, hours: int) -> None:
    bench = make_bench(history_horizon_s=86_400.0)
    bench.terminal.script = [nothing(-10005)]
    assert bench.desk.send(market()).status is OutcomeStatus.UNKNOWN
    bench.terminal.execute(bench.terminal.sent[0])
    bench.terminal.deals[0].time += hours * 3600
    bench.clock.time += timedelta(hours=hours)
    assert bench.desk.outcome(market().client_order_id).status is OutcomeStatus.DONE


def test_an_accepted_order_that_dies_is_rejected_whatever_was_refused_before_it(bench: Bench) -> None:
    """The first transmission was refused without leaving an order, the second accepted, and rejected later."""

    def accepted(terminal: object, request: dict[str, object]) -> object:
        bench.terminal.orders.append(make_order(71, request, 1))
        return make_result(10008, order=71)

    bench.terminal.script = [answer(10004), accepted]
    assert bench.desk.send(market()).status is OutcomeStatus.PLACED
    bench.terminal.orders.clear()
    bench.terminal.history_orders.append(make_order(71, bench.terminal.sent[1], 5))
    outcome = bench.desk.outcome(market().client_order_id)
    assert outcome is not None
    assert (outcome.status, outcome.order) == (OutcomeStatus.REJECTED, 71)


def test_an_account_that_cannot_be_read_gives_no_order_up(make_bench: MakeBench) -> None:
    bench = make_bench(history_horizon_s=0.0)
    order_id = crash_after_sent(bench, executed=False)
    account, bench.terminal.account = bench.terminal.account, None
    bench.restart()
    assert state(bench, order_id) in (OrderState.UNKNOWN, OrderState.FENCED)
    bench.terminal.account = account
    bench.desk.outcome(order_id)
    assert state(bench, order_id) is OrderState.NOT_SENT


def test_another_accounts_word_gives_no_order_up(make_bench: MakeBench) -> None:
    """A crossed pipe shows a demo account without our order: nothing about an order sent with real money."""
    bench = make_bench(live_trading=True)
    bench.terminal.account.trade_mode = 2
    order_id = crash_after_sent(bench, executed=False)
    bench.terminal.account.trade_mode, bench.terminal.account.login = 0, LOGIN + 1
    bench.restart()
    assert state(bench, order_id) not in (OrderState.NOT_SENT, OrderState.MANUAL)
    assert bench.worker.recycle
    bench.terminal.account.trade_mode, bench.terminal.account.login = 2, LOGIN
    bench.restart()
    assert state(bench, order_id) is OrderState.MANUAL


def test_a_disk_that_was_full_at_the_start_stops_trading_no_longer_than_it_is_full(make_bench: MakeBench) -> None:
    bench = make_bench(history_horizon_s=3600.0)
    order_id = crash_after_sent(bench, executed=True)
    with closing(sqlite3.connect(bench.path / "journal.sqlite3")) as db:
        db.execute("CREATE TRIGGER full BEFORE UPDATE ON orders BEGIN SELECT RAISE(ABORT, 'the disk is full'); END")
        bench.restart()
        assert state(bench, order_id) is OrderState.SENT
        db.execute("DROP TRIGGER full")
    assert bench.desk.send(market()).status is OutcomeStatus.DONE
    assert bench.desk.send(market("another")).status is OutcomeStatus.DONE


def test_what_a_full_disk_left_open_at_the_start_is_settled_though_nobody_asks(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mt5_bridge.reconciliation._LOOK_AGAIN_S", 0.0)
    order_id = crash_after_sent(bench, executed=True)
    with closing(sqlite3.connect(bench.path / "journal.sqlite3")) as db:
        db.execute("CREATE TRIGGER full BEFORE UPDATE ON orders BEGIN SELECT RAISE(ABORT, 'the disk is full'); END")
        bench.restart()
        bench.worker.between_calls()
        assert state(bench, order_id) is OrderState.SENT
        wait = bench.worker.patience_s()
        assert wait is not None
        assert wait <= 1.0
        db.execute("DROP TRIGGER full")
    bench.worker.between_calls()
    assert state(bench, order_id) is OrderState.DONE


def test_what_the_disk_could_not_take_is_written_once_it_can(bench: Bench) -> None:
    order_id = market().client_order_id
    with closing(sqlite3.connect(bench.path / "journal.sqlite3")) as db:

        def fill_as_the_disk_gets_full(terminal: object, request: dict[str, object]) -> object:
            db.execute("CREATE TRIGGER full BEFORE UPDATE ON orders BEGIN SELECT RAISE(ABORT, 'the disk is full'); END")
            return bench.terminal.execute(request)

        bench.terminal.script = [fill_as_the_disk_gets_full]
        assert bench.desk.send(market()).status is OutcomeStatus.DONE
        assert state(bench, order_id) is OrderState.SENT
        db.execute("DROP TRIGGER full")
    assert bench.desk.send(market("another")).status is OutcomeStatus.DONE
    assert state(bench, order_id) is OrderState.DONE


def test_a_refusal_that_cannot_be_kept_is_no_answer(bench: Bench) -> None:
    too_much = market(volume=Decimal(50))
    bench.journal.claim(too_much)
    with closing(sqlite3.connect(bench.path / "journal.sqlite3")) as db:
        db.execute("CREATE TRIGGER full BEFORE UPDATE ON orders BEGIN SELECT RAISE(ABORT, 'the disk is full'); END")
        with pytest.raises(StorageUnavailable):
            bench.desk.send(too_much)
        db.execute("DROP TRIGGER full")
    assert bench.desk.send(too_much).status is OutcomeStatus.REJECTED


def test_an_order_that_executed_more_than_its_deals_show_yet_is_not_over(make_bench: MakeBench) -> None:
    """Its last deal is still on its way to the terminal."""
    bench = make_bench(history_horizon_s=0.0)
    bench.terminal.script = [nothing(-10005)]
    bench.desk.send(market())
    request = bench.terminal.sent[0]
    bench.terminal.history_orders = [make_order(71, request, 4, volume_current=0.0)]
    bench.terminal.deals = [make_deal(71, request, 0.06, position=71, entry=0)]
    outcome = bench.desk.outcome(market().client_order_id)
    assert outcome is not None
    assert (outcome.status, outcome.volume) == (OutcomeStatus.PLACED, Decimal("0.06"))
    bench.terminal.deals.append(make_deal(71, request, 0.04, position=71, entry=0))
    outcome = bench.desk.outcome(market().client_order_id)
    assert outcome is not None
    assert (outcome.status, outcome.volume) == (OutcomeStatus.DONE, Decimal("0.1"))


def test_a_pending_order_that_was_cancelled_had_been_placed_whatever_was_refused_before_it(bench: Bench) -> None:
    bench.terminal.script = [answer(10024), nothing(-10005)]
    bench.desk.send(pending())
    cancelled = make_order(71, bench.terminal.sent[1], 2)
    bench.terminal.history_orders = [cancelled]
    outcome = bench.desk.outcome(pending().client_order_id)
    assert outcome is not None
    assert (outcome.status, outcome.order) == (OutcomeStatus.CANCELLED, 71)


def test_a_first_deal_whose_order_is_not_shown_yet_is_not_all(make_bench: MakeBench) -> None:
    """So a terminal that has just started shows it; however late, the deal is never forgotten."""
    bench = make_bench(history_horizon_s=0.0)
    bench.terminal.script = [nothing(-10005)]
    bench.desk.send(market())
    request = bench.terminal.sent[0]
    bench.terminal.deals = [make_deal(71, request, 0.06, position=71, entry=0)]
    for _ in range(3):
        outcome = bench.desk.outcome(market().client_order_id)
        assert outcome is not None
        assert (outcome.status, outcome.volume) == (OutcomeStatus.PLACED, Decimal("0.06"))
    bench.terminal.history_orders = [make_order(71, request, 3, volume_current=0.04)]
    outcome = bench.desk.outcome(market().client_order_id)
    assert outcome is not None
    assert (outcome.status, outcome.volume) == (OutcomeStatus.PARTIAL, Decimal("0.06"))


def test_history_may_lag_behind_a_new_connection_as_behind_an_order(make_bench: MakeBench) -> None:
    """The horizon is over when the terminal comes back, and what was done meanwhile arrives a little later still."""
    bench = make_bench(history_horizon_s=60.0)
    wall = NOW
    bench.close()
    bench.worker = AccountWorker(
        bench.settings,
        bench.terminal,
        bench.clock,
        bench.open_journal,
        bench.open_guards,
        bench.pauses.append,
        wall=lambda: wall,
    )
    bench.journal._now = lambda: wall
    order_id = market().client_order_id
    bench.terminal.script = [nothing(-10005)]
    bench.desk.send(market())
    bench.terminal.state.connected = False
    wall += timedelta(seconds=100)
    bench.worker.note_connection()
    bench.terminal.state.connected = True
    for _ in range(2):
        bench.desk.outcome(order_id)
        assert state(bench, order_id) is OrderState.UNKNOWN
        wall += timedelta(seconds=59)
    wall += timedelta(seconds=2)
    bench.desk.outcome(order_id)
    assert state(bench, order_id) is OrderState.NOT_SENT
