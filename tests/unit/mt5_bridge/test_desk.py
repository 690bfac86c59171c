"""One intent, one effect: the desk on a scripted terminal."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest

from mt5_bridge.journal import OrderState
from tests.unit.mt5_bridge.fake_terminal import (
    LIMITS,
    NOW,
    Bench,
    FakeTerminal,
    answer,
    close,
    fill,
    make_order,
    make_position,
    make_symbol_info,
    make_tick,
    market,
    nothing,
)
from tradeloom.errors import BrokerUnavailable, Conflict, NotFound
from tradeloom.trading.intents import MarketOrderIntent, OutcomeStatus, Side
from tradeloom.trading.risk import AccountState

DONE, PARTIAL, REJECTED = OutcomeStatus.DONE, OutcomeStatus.PARTIAL, OutcomeStatus.REJECTED


def test_a_market_order_fills_with_its_stops_and_names_its_tickets(bench: Bench) -> None:
    intent = market(stop_loss=Decimal("1.09"), take_profit=Decimal("1.12"))
    outcome = bench.desk.send(intent)
    assert outcome.status is DONE
    assert (outcome.volume, outcome.remainder, outcome.price) == (Decimal("0.1"), 0, 1.1001)
    assert (outcome.order, outcome.deal, outcome.position) == (501, 1501, 501)
    assert (outcome.stop_loss, outcome.take_profit, outcome.retcode) == (1.09, 1.12, 10009)
    (request,) = bench.terminal.sent
    assert request["magic"] == intent.magic
    assert request["comment"] == intent.comment
    entry = bench.journal.entry(intent.client_order_id)
    assert entry is not None
    assert entry.state is OrderState.DONE


def test_the_same_id_again_returns_the_recorded_outcome_and_sends_nothing(bench: Bench) -> None:
    first = bench.desk.send(market())
    later = market(created_at=NOW + timedelta(hours=1), deadline=NOW + timedelta(hours=2))
    assert [bench.desk.send(later) for _ in range(3)] == [first] * 3
    assert bench.desk.outcome(first.client_order_id) == first
    assert len(bench.terminal.sent) == 1


def test_the_same_id_from_another_node_is_refused(bench: Bench) -> None:
    bench.desk.send(market())
    with pytest.raises(Conflict):
        bench.desk.send(market(node_id="other"))
    assert len(bench.terminal.sent) == 1


def test_a_node_that_decides_again_after_its_order_was_sent_gets_the_first_outcome(bench: Bench) -> None:
    first = bench.desk.send(market())
    assert bench.desk.send(market(volume=Decimal("0.2"))) == first
    assert len(bench.terminal.sent) == 1


def test_a_node_that_decides_again_before_anything_was_sent_sends_its_newer_decision(bench: Bench) -> None:
    bench.journal.claim(market())
    outcome = bench.desk.send(market(volume=Decimal("0.2")))
    assert outcome.volume == Decimal("0.2")
    entry = bench.journal.entry(outcome.client_order_id)
    assert entry is not None
    assert isinstance(entry.intent, MarketOrderIntent)
    assert entry.intent.volume == Decimal("0.2")


def test_sent_is_on_the_disk_before_the_broker_hears_of_it(bench: Bench) -> None:
    seen: list[OrderState] = []

    def look(terminal: FakeTerminal, request: dict[str, object]) -> object:
        entry = bench.journal.entry(market().client_order_id)
        assert entry is not None
        assert entry.request == request
        seen.append(entry.state)
        return fill()(terminal, request)

    bench.terminal.script = [look]
    bench.desk.send(market())
    assert seen == [OrderState.SENT]


def test_a_partial_fill_names_the_remainder_and_is_never_topped_up(bench: Bench) -> None:
    bench.terminal.script = [fill(0.04)]
    outcome = bench.desk.send(market())
    assert (outcome.status, outcome.volume, outcome.remainder) == (PARTIAL, Decimal("0.04"), Decimal("0.06"))
    assert bench.desk.send(market()) == outcome
    assert len(bench.terminal.sent) == 1


@pytest.mark.parametrize("retcode", [10004, 10020, 10021])
def test_requotes_are_retried_with_a_fresh_price(bench: Bench, retcode: int) -> None:
    def requote(terminal: FakeTerminal, request: dict[str, object]) -> object:
        terminal.quote = make_tick(1.10005, 1.10015)
        return answer(retcode)(terminal, request)

    bench.terminal.script = [requote]
    assert bench.desk.send(market()).price == 1.10015
    assert [request["price"] for request in bench.terminal.sent] == [1.1001, 1.10015]


def test_three_requotes_are_enough(bench: Bench) -> None:
    bench.terminal.script = [answer(10004, "Requote")] * 5
    outcome = bench.desk.send(market())
    assert (outcome.status, outcome.retcode, outcome.reason) == (REJECTED, 10004, "broker")
    assert len(bench.terminal.sent) == 3


def test_a_requote_beyond_the_deviation_is_not_followed(bench: Bench) -> None:
    def run_away(terminal: FakeTerminal, request: dict[str, object]) -> object:
        terminal.quote = make_tick(1.1003, 1.1004)
        return answer(10004)(terminal, request)

    bench.terminal.script = [run_away]
    outcome = bench.desk.send(market(deviation=20))
    assert (outcome.status, outcome.reason) == (REJECTED, "broker")
    assert "30 points" in outcome.message
    assert len(bench.terminal.sent) == 1


def test_the_deviation_is_measured_from_the_first_quote_however_slowly_the_price_creeps(bench: Bench) -> None:
    def creep(terminal: FakeTerminal, request: dict[str, Any]) -> object:
        ask = request["price"] + 0.00015
        terminal.quote = make_tick(ask - 0.0001, ask)
        return answer(10004)(terminal, request)

    bench.terminal.script = [creep, creep]
    assert bench.desk.send(market(deviation=20)).status is REJECTED
    assert [request["price"] for request in bench.terminal.sent] == [1.1001, 1.10025]


@pytest.mark.parametrize("what", ["deadline", "halt"])
def test_a_retry_passes_the_gate_again(bench: Bench, what: str) -> None:
    def meanwhile(terminal: FakeTerminal, request: dict[str, object]) -> object:
        if what == "deadline":
            bench.clock.time = NOW + timedelta(minutes=2)
        else:
            bench.journal.set_state(AccountState.HALTED, reason="stop", by="me", clear=False)
        return answer(10004)(terminal, request)

    bench.terminal.script = [meanwhile]
    outcome = bench.desk.send(market())
    assert (outcome.status, outcome.reason) == (REJECTED, "deadline" if what == "deadline" else "risk")
    assert len(bench.terminal.sent) == 1


def test_too_many_requests_back_off(bench: Bench) -> None:
    bench.terminal.script = [answer(10024)] * 2
    assert bench.desk.send(market()).status is DONE
    waits = [pause for pause in bench.pauses if pause]
    assert len(waits) == 2
    assert 0.2 <= waits[0] <= 0.8 < 2 * waits[1] <= 3.2


def test_a_wrong_filling_mode_is_fixed_once(bench: Bench) -> None:
    bench.terminal.script = [answer(10030)]
    assert bench.desk.send(market()).status is DONE
    assert [request["type_filling"] for request in bench.terminal.sent] == [0, 1]
    bench.terminal.script = [answer(10030)] * 3
    outcome = bench.desk.send(market("other"))
    assert (outcome.status, outcome.retcode) == (REJECTED, 10030)
    assert len(bench.terminal.sent) == 4


@pytest.mark.parametrize(
    ("retcode", "reason"), [(10006, "broker"), (10014, "broker"), (10018, "market_closed"), (10019, "broker")]
)
def test_final_refusals_keep_the_brokers_words(bench: Bench, retcode: int, reason: str) -> None:
    bench.terminal.script = [answer(retcode, "no, thank you")]
    outcome = bench.desk.send(market())
    assert (outcome.status, outcome.reason, outcome.retcode) == (REJECTED, reason, retcode)
    assert "no, thank you" in outcome.message
    assert bench.desk.send(market()) == outcome
    assert len(bench.terminal.sent) == 1


def test_the_terminals_own_check_refuses_before_sending(bench: Bench) -> None:
    bench.terminal.check = SimpleNamespace(retcode=10019, comment="No money")
    outcome = bench.desk.send(market())
    assert (outcome.status, outcome.retcode) == (REJECTED, 10019)
    assert bench.terminal.sent == []


@pytest.mark.parametrize(
    "script", [answer(10012), answer(10031), answer(10011), answer(10999), nothing(-10005), nothing(-1)]
)
def test_what_is_not_known_is_unknown_and_never_sent_again(bench: Bench, script: object) -> None:
    bench.terminal.script = [script]  # type: ignore[list-item]
    bench.terminal.state.connected = True
    first = bench.desk.send(market())
    assert first.status is OutcomeStatus.UNKNOWN
    bench.terminal.state.connected = False  # so that it cannot be given up
    assert bench.desk.send(market()).status is OutcomeStatus.UNKNOWN
    assert len(bench.terminal.sent) == 1


@pytest.mark.parametrize("script", [nothing(-10005, executed=True), nothing(-10002, executed=True)])
def test_a_lost_reply_is_found_in_the_brokers_records(bench: Bench, script: object) -> None:
    bench.terminal.script = [script]  # type: ignore[list-item]
    outcome = bench.desk.send(market(stop_loss=Decimal("1.09")))
    assert (outcome.status, outcome.volume, outcome.position, outcome.stop_loss) == (DONE, Decimal("0.1"), 501, 1.09)
    assert bench.desk.pipe_broken
    assert len(bench.terminal.sent) == 1


def test_an_exception_from_the_package_counts_as_unknown(bench: Bench) -> None:
    def explode(terminal: FakeTerminal, request: dict[str, object]) -> object:
        terminal.execute(request)
        raise OSError("pipe")

    bench.terminal.script = [explode]
    assert bench.desk.send(market()).status is DONE


@pytest.mark.parametrize("code", [-2, -8])
def test_what_the_terminal_did_not_send_is_refused(bench: Bench, code: int) -> None:
    bench.terminal.script = [nothing(code, "autotrading is off")]
    outcome = bench.desk.send(market())
    assert (outcome.status, outcome.reason) == (REJECTED, "broker")
    assert "autotrading is off" in outcome.message


def test_without_a_connection_to_the_terminal_the_same_id_may_be_sent_again(bench: Bench) -> None:
    bench.terminal.script = [nothing(-10004)]
    with pytest.raises(BrokerUnavailable):
        bench.desk.send(market())
    assert bench.desk.outcome(market().client_order_id) is None
    assert bench.desk.send(market()).status is DONE


def test_accepted_is_watched_until_it_fills(bench: Bench) -> None:
    def accept(terminal: FakeTerminal, request: dict[str, object]) -> object:
        filled = terminal.execute(request)
        filled.retcode = 10008
        return filled

    bench.terminal.script = [accept]
    assert bench.desk.send(market()).status is DONE


def test_accepted_and_still_working_is_placed_and_settles_later(bench: Bench) -> None:
    pending: list[dict[str, object]] = []

    def accept(terminal: FakeTerminal, request: dict[str, object]) -> object:
        pending.append(request)
        terminal.orders = [make_order(700, request, 1)]
        return answer(10008)(terminal, request)

    bench.terminal.script = [accept]
    outcome = bench.desk.send(market())
    assert (outcome.status, outcome.order, outcome.remainder) == (OutcomeStatus.PLACED, 700, Decimal("0.1"))
    bench.terminal.orders = []
    bench.terminal.execute(pending[0])
    assert bench.desk.outcome(market().client_order_id).status is DONE
    assert len(bench.terminal.sent) == 1


def test_accepted_then_dropped_is_rejected(bench: Bench) -> None:
    def drop(terminal: FakeTerminal, request: dict[str, object]) -> object:
        terminal.history_orders.append(make_order(700, request, 2))
        return answer(10008)(terminal, request)

    bench.terminal.script = [drop]
    outcome = bench.desk.send(market())
    assert (outcome.status, outcome.order) == (REJECTED, 700)


def test_an_order_refused_in_an_earlier_try_does_not_settle_the_one_that_is_on_its_way(bench: Bench) -> None:
    """The first try was requoted, which left a dead order, and lost its connection; the second may yet be filled."""

    def requoted(terminal: FakeTerminal, request: dict[str, object]) -> object:
        terminal.history_orders.append(make_order(700, request, 5))
        terminal.state.connected = False
        return answer(10004)(terminal, request)

    bench.terminal.script = [requoted, answer(10012, "timeout")]
    with pytest.raises(BrokerUnavailable):
        bench.desk.send(market())
    bench.terminal.state.connected = True
    assert bench.desk.send(market()).status is OutcomeStatus.UNKNOWN
    bench.terminal.execute(bench.terminal.sent[-1])  # it arrives late
    assert bench.desk.outcome(market().client_order_id).status is DONE


class TestCloses:
    @pytest.fixture
    def bench(self, bench: Bench) -> Bench:
        bench.desk.send(market())
        bench.terminal.sent.clear()
        return bench

    def test_always_name_their_position(self, bench: Bench) -> None:
        outcome = bench.desk.send(close(501))
        assert (outcome.status, outcome.position, outcome.profit) == (DONE, 501, 12.5)
        (request,) = bench.terminal.sent
        assert (request["position"], request["type"], request["price"]) == (501, 1, 1.1)

    def test_of_a_part_leave_the_rest(self, bench: Bench) -> None:
        assert bench.desk.send(close(501, volume=Decimal("0.045"))).volume == Decimal("0.04")

    def test_of_more_than_is_open_say_how_much_there_was(self, bench: Bench) -> None:
        outcome = bench.desk.send(close(501, volume=Decimal(3)))
        assert (outcome.status, outcome.volume, outcome.remainder) == (DONE, Decimal("0.1"), 0)
        assert outcome.message == "filled: 0.1 lots were open of the 3 to close"

    @pytest.mark.parametrize("state", AccountState)
    def test_pass_in_every_state_with_any_quote(self, bench: Bench, state: AccountState) -> None:
        bench.journal.set_state(state, reason="test", by="me", clear=False)
        bench.clock.time = NOW + timedelta(hours=1)
        assert bench.desk.send(close(501, deadline=NOW + timedelta(hours=2))).status is DONE

    def test_do_not_pass_their_deadline(self, bench: Bench) -> None:
        bench.clock.time = NOW + timedelta(hours=1)
        assert bench.desk.send(close(501)).reason == "deadline"

    def test_of_a_closed_position_are_done_already(self, bench: Bench) -> None:
        bench.desk.send(close(501))
        outcome = bench.desk.send(close(501, "again"))
        assert (outcome.status, outcome.reason, outcome.volume) == (DONE, "already_closed", 0)
        assert (outcome.price, outcome.profit) == (1.1, 12.5)
        assert len(bench.terminal.sent) == 1

    def test_of_a_position_the_terminal_only_does_not_list_are_not_done(self, bench: Bench) -> None:
        """As one that has just connected: told "already closed", nobody would ever close it."""
        held, bench.terminal.positions = bench.terminal.positions, []
        with pytest.raises(BrokerUnavailable, match="not listed"):
            bench.desk.send(close(501))
        bench.terminal.positions = held
        outcome = bench.desk.send(close(501))
        assert (outcome.status, outcome.reason, len(bench.terminal.sent)) == (DONE, None, 1)

    @pytest.mark.parametrize("retcode", [10036, 10039, 10025])
    def test_that_come_too_late_are_done_already(self, bench: Bench, retcode: int) -> None:
        def closed_by_stop(terminal: FakeTerminal, request: dict[str, object]) -> object:
            terminal.execute(request | {"magic": 0})
            return answer(retcode)(terminal, request)

        bench.terminal.script = [closed_by_stop]
        assert bench.desk.send(close(501)).reason == "already_closed"

    def test_beside_another_close_order_are_refused(self, bench: Bench) -> None:
        bench.terminal.script = [answer(10039, "close order exists")]
        assert bench.desk.send(close(501)).status is REJECTED

    @pytest.mark.parametrize(
        ("changes", "words"),
        [
            ({"volume": Decimal("0.001")}, "smallest"),
            ({"symbol": "GBPUSD"}, "is in"),
        ],
    )
    def test_that_cannot_be_made_are_refused(self, bench: Bench, changes: dict[str, Any], words: str) -> None:
        bench.terminal.symbols["GBPUSD"] = make_symbol_info(name="GBPUSD")
        outcome = bench.desk.send(close(501, **changes))
        assert (outcome.status, outcome.reason) == (REJECTED, "invalid")
        assert words in outcome.message

    def test_of_a_position_that_never_was_are_refused(self, bench: Bench) -> None:
        assert bench.desk.send(close(999)).reason == "invalid"


class TestGate:
    def refused(self, bench: Bench, **changes: Any) -> str:
        outcome = bench.desk.send(market(**changes))
        assert outcome.status is REJECTED
        assert outcome.reason == "risk"
        assert bench.terminal.sent == []
        return str(outcome.message)

    @pytest.mark.parametrize("state", [AccountState.REDUCING, AccountState.HALTED])
    def test_stops_new_orders_unless_active(self, bench: Bench, state: AccountState) -> None:
        bench.journal.set_state(state, reason="test", by="me", clear=False)
        assert state in self.refused(bench)

    def test_stops_what_is_too_large(self, bench: Bench) -> None:
        assert "limit of 1" in self.refused(bench, volume=Decimal("1.01"))

    def test_judges_the_volume_as_it_would_be_sent(self, bench: Bench) -> None:
        assert bench.desk.send(market(volume=Decimal("1.009"))).volume == 1

    def test_stops_symbols_that_are_not_listed(self, bench: Bench) -> None:
        bench.terminal.symbols["GBPUSD"] = make_symbol_info(name="GBPUSD")
        assert "GBPUSD" in self.refused(bench, symbol="GBPUSD")

    @pytest.mark.parametrize("quote", [make_tick(float("nan")), make_tick(0.0), None, make_tick(1.2, 1.1)])
    def test_stops_unsound_quotes(self, bench: Bench, quote: object) -> None:
        bench.terminal.quote = quote
        self.refused(bench)

    @pytest.mark.parametrize("age", [31, -31])
    def test_stops_quotes_from_another_time(self, bench: Bench, age: int) -> None:
        bench.terminal.quote = make_tick(time=NOW - timedelta(seconds=age))
        self.refused(bench)

    def test_stops_real_money_unless_it_is_armed(self, make_bench: Callable[..., Bench]) -> None:
        safe, armed = make_bench(), make_bench(live_trading=True)
        safe.terminal.account.trade_mode = armed.terminal.account.trade_mode = 2
        assert "not armed" in self.refused(safe)
        assert armed.desk.send(market()).status is DONE


class TestNothingSent:
    """Errors raised instead of outcomes: the same id may come again."""

    def test_with_another_account_logged_in(self, bench: Bench) -> None:
        bench.terminal.account.login = 7
        with pytest.raises(BrokerUnavailable, match="logged in to account 7"):
            bench.desk.send(market())
        bench.terminal.account.login = bench.settings.login
        assert bench.desk.send(market()).status is DONE

    def test_without_a_trade_server(self, bench: Bench) -> None:
        bench.terminal.state.connected = False
        with pytest.raises(BrokerUnavailable):
            bench.desk.send(market())
        assert bench.terminal.sent == []

    def test_for_an_unknown_symbol(self, bench: Bench) -> None:
        with pytest.raises(NotFound):
            bench.desk.send(market(symbol="NOPE"))


def test_volumes_are_floored_and_never_rounded_up(bench: Bench) -> None:
    assert bench.desk.send(market(volume=Decimal("0.119"))).volume == Decimal("0.11")
    outcome = bench.desk.send(market("small", volume=Decimal("0.009")))
    assert (outcome.status, outcome.reason) == (REJECTED, "invalid")
    assert len(bench.terminal.sent) == 1


def test_sells_sell_at_the_bid(bench: Bench) -> None:
    assert bench.desk.send(market(side=Side.SELL)).price == 1.1
    assert bench.terminal.sent[0]["type"] == 1


def test_deals_that_lag_behind_the_answer_do_not_hide_the_fill(bench: Bench) -> None:
    def lagging(terminal: FakeTerminal, request: dict[str, object]) -> object:
        result = terminal.execute(request)
        terminal.deals.clear()
        return result

    bench.terminal.script = [lagging]
    outcome = bench.desk.send(market())
    assert (outcome.status, outcome.volume, outcome.position, outcome.deal) == (DONE, Decimal("0.1"), 501, 1501)
    assert sum(bench.pauses) < 0.5


def test_the_lot_limit_binds_openings_and_not_closes(make_bench: Callable[..., Bench]) -> None:
    bench = make_bench(limits=LIMITS.model_copy(update={"max_lot": Decimal("0.05")}))
    assert bench.desk.send(market()).reason == "risk"
    bench.terminal.positions.append(make_position(77, volume=0.5))
    bench.terminal.deals.append(SimpleNamespace(position_id=77, type=0, entry=0, order=77))
    assert bench.desk.send(close(77)).status is DONE


def while_checking(bench: Bench, what: Callable[[], Any]) -> None:
    """Something that happens while the terminal takes its time to check an order."""
    check = bench.terminal.order_check

    def slow(request: dict[str, Any]) -> Any:
        what()
        return check(request)

    bench.terminal.order_check = slow  # type: ignore[method-assign]


@pytest.mark.parametrize("state", [AccountState.HALTED, AccountState.REDUCING])
def test_nothing_is_opened_once_a_person_was_told_that_the_account_is_stopped(
    bench: Bench, state: AccountState
) -> None:
    """The front answers a halt while the worker waits for a terminal that hangs."""
    while_checking(bench, lambda: bench.journal.set_state(state, reason="enough", by="me", clear=False))
    outcome = bench.desk.send(market())
    assert (outcome.status, outcome.reason, outcome.rule) == (REJECTED, "risk", "account_state")
    assert bench.terminal.sent == []
    assert bench.desk.send(market()) == outcome
    bench.terminal.positions.append(make_position(7))
    assert bench.desk.send(close(7)).status is DONE


def test_an_order_that_became_late_while_it_was_checked_is_not_sent(bench: Bench) -> None:
    def wait() -> None:
        bench.clock.time = NOW + timedelta(minutes=2)

    while_checking(bench, wait)
    outcome = bench.desk.send(market())
    assert (outcome.status, outcome.reason) == (REJECTED, "deadline")
    assert bench.terminal.sent == []


@pytest.mark.parametrize("retcode", [10036, 10039])
def test_a_close_the_broker_has_decided_is_settled_though_its_records_cannot_be_read(
    bench: Bench, retcode: int
) -> None:
    """The broker has said that nothing was done: that is known, whatever else is not."""
    bench.terminal.positions.append(make_position(7))

    def decided(terminal: FakeTerminal, request: dict[str, Any]) -> Any:
        unreadable: Any = lambda *_dates, **_filters: None  # noqa: E731
        vars(terminal).update(positions_get=unreadable, history_deals_get=unreadable)
        terminal.error = (-1, "Terminal: Call failed")
        return answer(retcode)(terminal, request)

    bench.terminal.script = [decided]
    outcome = bench.desk.send(close(7))
    assert outcome.status is (DONE if retcode == 10036 else REJECTED)
    entry = bench.journal.entry(outcome.client_order_id)
    assert entry is not None
    assert entry.result == outcome
