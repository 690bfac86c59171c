"""Changing what exists: stops, terms, cancels; what tightens, what widens, and what a lost answer leaves behind."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mt5_bridge import constants as mt5
from mt5_bridge.changes import Change, Target
from mt5_bridge.journal import OrderState
from mt5_bridge.preparation import SymbolRules
from mt5_bridge.server_time import ServerZone
from tests.unit.mt5_bridge.fake_terminal import (
    NOW,
    Bench,
    FakeTerminal,
    answer,
    cancel,
    make_order,
    make_position,
    make_symbol_info,
    make_tick,
    modify,
    nothing,
)
from tradeloom.trading.intents import Expiry, OrderOutcome, OutcomeStatus
from tradeloom.trading.risk import AccountState, Action

MakeBench = Callable[..., Bench]
DONE, REJECTED, UNKNOWN, NOT_SENT = (
    OutcomeStatus.DONE,
    OutcomeStatus.REJECTED,
    OutcomeStatus.UNKNOWN,
    OutcomeStatus.NOT_SENT,
)
STOPPED = pytest.mark.parametrize("state", [AccountState.REDUCING, AccountState.HALTED])
ORDER = {"magic": 5, "symbol": "EURUSD", "type": 2, "price": 1.09, "sl": 1.08, "tp": 1.11}
"""A buy limit with its stop a hundred pips away."""


@pytest.fixture
def held(bench: Bench) -> Any:
    """A bought position with stop loss and take profit."""
    bench.terminal.positions.append(make_position(9, sl=1.09, tp=1.12))
    return bench.terminal.positions[0]


@pytest.fixture
def resting(bench: Bench) -> Any:
    bench.terminal.orders.append(make_order(8, ORDER, mt5.ORDER_STATE_PLACED))
    return bench.terminal.orders[0]


def of_order(ticket: int = 8, **changes: Any) -> Any:
    return modify(ticket, target="order", **changes)


class TestPosition:
    def test_its_stop_comes_nearer_and_its_target_stays(self, bench: Bench, held: Any) -> None:
        outcome = bench.desk.send(modify(9, stop_loss=Decimal("1.095")))
        assert (outcome.status, outcome.position, outcome.reason) == (DONE, 9, None)
        assert (outcome.stop_loss, outcome.take_profit) == (1.095, 1.12)
        assert (held.sl, held.tp) == (1.095, 1.12)
        (sent,) = bench.terminal.sent
        assert (sent["action"], sent["position"], sent["symbol"]) == (mt5.TRADE_ACTION_SLTP, 9, "EURUSD")
        assert (type(sent["sl"]), type(sent["tp"])) == (float, float)
        assert bench.desk.send(modify(9, stop_loss=Decimal("1.095"))) == outcome
        assert len(bench.terminal.sent) == 1

    @pytest.mark.parametrize("changes", [{"stop_loss": Decimal("1.0899")}, {"remove_stop_loss": True}])
    def test_its_stop_goes_no_further_unless_that_is_allowed(
        self, bench: Bench, held: Any, changes: dict[str, Any]
    ) -> None:
        outcome = bench.desk.send(modify(9, **changes))
        assert (outcome.status, outcome.reason, bench.terminal.sent) == (REJECTED, "widens", [])
        allowed = bench.desk.send(modify(9, "again", allow_widening=True, **changes))
        assert allowed.status is DONE
        assert held.sl == (0.0 if "remove_stop_loss" in changes else 1.0899)

    def test_a_sold_ones_stop_tightens_downwards(self, bench: Bench) -> None:
        bench.terminal.positions.append(make_position(9, side=1, sl=1.12))
        assert bench.desk.send(modify(9, "up", stop_loss=Decimal("1.121"))).reason == "widens"
        assert bench.desk.send(modify(9, "down", stop_loss=Decimal("1.119"))).status is DONE

    def test_a_target_may_be_set_moved_and_removed(self, bench: Bench, held: Any) -> None:
        assert bench.desk.send(modify(9, "a", take_profit=Decimal("1.15"))).take_profit == 1.15
        assert bench.desk.send(modify(9, "b", remove_take_profit=True)).take_profit is None
        assert held.tp == 0.0

    def test_what_is_so_already_is_done_without_a_word_to_the_broker(self, bench: Bench, held: Any) -> None:
        outcome = bench.desk.send(modify(9, stop_loss=Decimal("1.090001"), take_profit=Decimal("1.12")))
        assert (outcome.status, outcome.reason, outcome.stop_loss) == (DONE, "no_change", 1.09)
        assert bench.terminal.sent == []

    def test_no_changes_from_the_broker_is_success(self, bench: Bench, held: Any) -> None:
        def changed_meanwhile(terminal: FakeTerminal, request: dict[str, Any]) -> Any:
            held.sl = request["sl"]
            return answer(10025, "No changes")(terminal, request)

        bench.terminal.script = [changed_meanwhile]
        outcome = bench.desk.send(modify(9, stop_loss=Decimal("1.095")))
        assert (outcome.status, outcome.reason) == (DONE, "no_change")

    @pytest.mark.parametrize(
        ("changes", "told"),
        [
            ({"stop_loss": Decimal("1.1")}, "must be below"),
            ({"take_profit": Decimal("1.1")}, "must be above"),
            ({"stop_loss": Decimal("1.09995")}, "nearer"),
            ({"stop_loss": Decimal("1.095"), "symbol": "GBPUSD"}, "is in EURUSD"),
        ],
    )
    def test_stops_the_market_or_the_broker_rules_out(
        self, bench: Bench, held: Any, changes: dict[str, Any], told: str
    ) -> None:
        bench.terminal.symbols["EURUSD"].trade_stops_level = 10
        bench.terminal.symbols["GBPUSD"] = make_symbol_info(name="GBPUSD")
        outcome = bench.desk.send(modify(9, **changes))
        assert (outcome.reason, bench.terminal.sent) == ("invalid", [])
        assert told in outcome.message

    def test_a_stop_left_alone_is_not_judged_again(self, bench: Bench, held: Any) -> None:
        """The market came near to the target: the broker froze it perhaps, but that is not ours to say."""
        bench.terminal.symbols["EURUSD"].trade_stops_level = 10
        bench.terminal.quote = make_tick(1.11995, 1.12005)
        assert bench.desk.send(modify(9, stop_loss=Decimal("1.1"))).status is DONE

    def test_that_is_closed_or_never_was(self, bench: Bench, held: Any) -> None:
        request = {"magic": 0, "symbol": "EURUSD", "type": 1, "volume": 0.1, "price": 1.1, "position": 9}
        bench.terminal.execute(request)
        gone = bench.desk.send(modify(9, stop_loss=Decimal("1.095")))
        assert (gone.status, gone.reason) == (REJECTED, "gone")
        never = bench.desk.send(modify(77, "never", stop_loss=Decimal("1.095")))
        assert (never.status, never.reason) == (REJECTED, "invalid")

    @pytest.mark.parametrize("code", [10036, 10013])
    def test_that_closes_on_the_way_is_gone_and_other_words_are_the_brokers(
        self, bench: Bench, held: Any, code: int
    ) -> None:
        def closes(terminal: FakeTerminal, request: dict[str, Any]) -> Any:
            close = {"magic": 0, "symbol": "EURUSD", "type": 1, "volume": 0.1, "price": 1.1, "position": 9}
            terminal.execute(close)
            return answer(code, "no")(terminal, request)

        bench.terminal.script = [closes]
        outcome = bench.desk.send(modify(9, stop_loss=Decimal("1.095")))
        assert (outcome.status, outcome.reason) == (REJECTED, "gone" if code == 10036 else "broker")


class TestOrder:
    def test_its_price_and_stops_move_together(self, bench: Bench, resting: Any) -> None:
        outcome = bench.desk.send(of_order(price=Decimal("1.095"), stop_loss=Decimal("1.085")))
        assert (outcome.status, outcome.order, outcome.order_price) == (DONE, 8, 1.095)
        assert (outcome.stop_loss, outcome.take_profit, outcome.position) == (1.085, 1.11, None)
        assert (resting.price_open, resting.sl, resting.tp) == (1.095, 1.085, 1.11)
        assert bench.terminal.sent[0]["action"] == mt5.TRADE_ACTION_MODIFY

    def test_a_price_that_leaves_its_stop_behind_widens(self, bench: Bench, resting: Any) -> None:
        outcome = bench.desk.send(of_order(price=Decimal("1.095")))
        assert (outcome.reason, bench.terminal.sent) == ("widens", [])
        assert bench.desk.send(of_order(node="b", price=Decimal("1.095"), allow_widening=True)).status is DONE

    def test_gets_an_expiry_by_the_servers_clock(self, make_bench: MakeBench) -> None:
        bench = make_bench(server_time_zone="Europe/Athens")
        bench.terminal.orders.append(make_order(8, ORDER, mt5.ORDER_STATE_PLACED))
        bench.terminal.quote = make_tick(time=NOW + timedelta(hours=2))
        until = NOW + timedelta(days=1)
        outcome = bench.desk.send(of_order(expiry=Expiry.SPECIFIED, expires_at=until))
        assert (outcome.status, outcome.expires_at) == (DONE, until)
        order = bench.terminal.orders[0]
        assert (order.type_time, order.time_expiration) == (2, int((until + timedelta(hours=2)).timestamp()))
        again = bench.desk.send(of_order(node="b", expiry=Expiry.SPECIFIED, expires_at=until))
        assert again.reason == "no_change"

    @pytest.mark.parametrize(
        ("price", "told"), [("1.1001", "below the market"), ("1.0795", "stop loss 1.08"), ("1.12", "below the market")]
    )
    def test_a_price_on_the_wrong_side_is_refused(self, bench: Bench, resting: Any, price: str, told: str) -> None:
        outcome = bench.desk.send(of_order(price=Decimal(price), allow_widening=True))
        assert (outcome.reason, bench.terminal.sent) == ("invalid", [])
        assert told in outcome.message

    def test_only_a_stop_limit_has_a_limit_to_change(self, bench: Bench, resting: Any) -> None:
        assert "no stop-limit" in bench.desk.send(of_order(limit_price=Decimal("1.08"))).message
        stop_limit = ORDER | {"type": 6, "price": 1.12, "stoplimit": 1.115, "sl": 1.1, "tp": 0.0}
        bench.terminal.orders.append(make_order(7, stop_limit, mt5.ORDER_STATE_PLACED))
        outcome = bench.desk.send(of_order(7, node="b", limit_price=Decimal("1.11")))
        assert (outcome.status, outcome.limit_price) == (DONE, 1.11)

    @pytest.mark.parametrize(("state", "reason"), [(4, "filled"), (2, "gone"), (6, "gone")])
    def test_that_has_left_cannot_be_changed(self, bench: Bench, resting: Any, state: int, reason: str) -> None:
        bench.terminal.leave(8, state)
        outcome = bench.desk.send(of_order(price=Decimal("1.085")))
        assert (outcome.status, outcome.reason, outcome.position) == (REJECTED, reason, 8 if state == 4 else None)


class TestCancel:
    def test_takes_the_order_away(self, bench: Bench, resting: Any) -> None:
        outcome = bench.desk.send(cancel(8))
        assert (outcome.status, outcome.order, outcome.reason) == (DONE, 8, None)
        assert (bench.terminal.orders, bench.terminal.sent[0]["order"]) == ([], 8)
        assert bench.desk.send(cancel(8)) == outcome
        assert len(bench.terminal.sent) == 1

    @pytest.mark.parametrize("state", [mt5.ORDER_STATE_CANCELED, mt5.ORDER_STATE_EXPIRED])
    def test_of_one_that_has_gone_is_success(self, bench: Bench, resting: Any, state: int) -> None:
        bench.terminal.leave(8, state)
        outcome = bench.desk.send(cancel(8))
        assert (outcome.status, outcome.reason, bench.terminal.sent) == (DONE, "already_cancelled", [])

    def test_of_one_that_was_filled_says_which_position_it_is(self, bench: Bench, resting: Any) -> None:
        bench.terminal.leave(8, mt5.ORDER_STATE_FILLED)
        outcome = bench.desk.send(cancel(8))
        assert (outcome.status, outcome.reason, outcome.position) == (REJECTED, "filled", 8)

    def test_of_one_that_turned_a_position_round_says_the_ticket_it_bears_now(self, bench: Bench, resting: Any) -> None:
        """Netting: the order's position goes by its first identifier, and is closed by the ticket of the reversal."""
        bench.terminal.leave(8, mt5.ORDER_STATE_FILLED)
        bench.terminal.history_orders[-1].position_id = 5
        bench.terminal.positions[-1].identifier = 5
        outcome = bench.desk.send(cancel(8))
        assert (outcome.reason, outcome.position) == ("filled", 8)
        assert outcome.message == "order 8 was filled: it is position 8 now"

    def test_of_one_that_fills_on_the_way_reads_again(self, bench: Bench, resting: Any) -> None:
        def fills(terminal: FakeTerminal, request: dict[str, Any]) -> Any:
            terminal.leave(8, mt5.ORDER_STATE_FILLED)
            return answer(10023, "Order changed")(terminal, request)

        bench.terminal.script = [fills]
        assert bench.desk.send(cancel(8)).reason == "filled"
        assert len(bench.terminal.sent) == 1

    def test_of_one_that_never_was(self, bench: Bench) -> None:
        outcome = bench.desk.send(cancel(77))
        assert (outcome.status, outcome.reason) == (REJECTED, "invalid")

    def test_needs_no_quote(self, bench: Bench, resting: Any) -> None:
        bench.terminal.quote = None
        assert bench.desk.send(cancel(8)).status is DONE


class TestStoppedAccount:
    @pytest.fixture(autouse=True)
    def _stopped(self, bench: Bench, state: AccountState, held: Any, resting: Any) -> None:
        bench.journal.set_state(state, reason="stop", by="Ada", clear=False)

    @STOPPED
    @pytest.mark.parametrize(
        "intent",
        [
            cancel(8),
            modify(9, stop_loss=Decimal("1.095")),
            modify(9, take_profit=Decimal("1.15")),
            of_order(stop_loss=Decimal("1.085")),
            of_order(expiry=Expiry.DAY),
        ],
        ids=["cancel", "nearer stop", "target", "order's nearer stop", "order's earlier end"],
    )
    def test_lets_what_reduces_risk_through(self, bench: Bench, intent: Any) -> None:
        bench.terminal.quote = make_tick(time=NOW - timedelta(days=3))
        assert bench.desk.send(intent).status is DONE

    @STOPPED
    @pytest.mark.parametrize(
        "intent",
        [
            modify(9, stop_loss=Decimal("1.08"), allow_widening=True),
            modify(9, remove_stop_loss=True, allow_widening=True),
            of_order(stop_loss=Decimal("1.07"), allow_widening=True),
            of_order(price=Decimal("1.085")),
        ],
        ids=["further stop", "no stop", "order's further stop", "order's price"],
    )
    def test_lets_nothing_through_that_adds_to_it(self, bench: Bench, intent: Any) -> None:
        outcome = bench.desk.send(intent)
        assert (outcome.status, outcome.reason, bench.terminal.sent) == (REJECTED, "risk", [])


def test_a_later_end_of_an_order_is_new_risk(bench: Bench) -> None:
    day = ORDER | {"type_time": mt5.ORDER_TIME_DAY}
    bench.terminal.orders.append(make_order(8, day, mt5.ORDER_STATE_PLACED))
    bench.journal.set_state(AccountState.REDUCING, reason="stop", by="Ada", clear=False)
    assert bench.desk.send(of_order(expiry=Expiry.GTC)).reason == "risk"
    soon: dict[str, Any] = {"expiry": Expiry.SPECIFIED, "expires_at": NOW + timedelta(hours=1)}
    assert bench.desk.send(of_order(node="b", **soon)).status is DONE
    late: dict[str, Any] = {"expiry": Expiry.SPECIFIED, "expires_at": NOW + timedelta(hours=2)}
    assert bench.desk.send(of_order(node="c", **late)).reason == "risk"


class TestLostReply:
    @pytest.fixture
    def bench(self, make_bench: MakeBench) -> Bench:
        return make_bench(history_horizon_s=3600.0)

    def give_up(self, bench: Bench) -> None:
        bench.settings = bench.settings.model_copy(update={"history_horizon_s": 0.0})
        bench.restart()

    def test_of_a_modify_that_was_carried_out(self, bench: Bench, held: Any) -> None:
        bench.terminal.script = [nothing(-10005, executed=True)]
        outcome = bench.desk.send(modify(9, stop_loss=Decimal("1.095")))
        assert (outcome.status, outcome.stop_loss) == (DONE, 1.095)
        assert bench.desk.send(modify(9, stop_loss=Decimal("1.095"))) == outcome
        assert len(bench.terminal.sent) == 1

    def test_of_a_modify_that_was_not(self, bench: Bench, held: Any) -> None:
        bench.terminal.script = [nothing(-10005)]
        intent = modify(9, stop_loss=Decimal("1.095"))
        assert bench.desk.send(intent).status is UNKNOWN
        assert bench.desk.send(intent).status is UNKNOWN
        self.give_up(bench)
        assert bench.desk.send(intent).status is NOT_SENT
        assert len(bench.terminal.sent) == 1

    def test_of_a_modify_is_judged_by_what_it_sets_alone(self, bench: Bench, held: Any) -> None:
        """Somebody moved the target meanwhile; the stop is where it was wanted."""
        bench.terminal.script = [nothing(-10005)]
        intent = modify(9, stop_loss=Decimal("1.095"))
        assert bench.desk.send(intent).status is UNKNOWN
        held.sl, held.tp = 1.095, 1.15
        outcome = bench.desk.outcome(intent.client_order_id)
        assert (outcome.status, outcome.take_profit) == (DONE, 1.15)

    def test_of_a_modify_whose_position_closed_since(self, bench: Bench, held: Any) -> None:
        bench.terminal.script = [nothing(-10005)]
        intent = modify(9, stop_loss=Decimal("1.095"))
        assert bench.desk.send(intent).status is UNKNOWN
        bench.terminal.execute({"magic": 0, "symbol": "EURUSD", "type": 1, "volume": 0.1, "price": 1.1, "position": 9})
        outcome = bench.desk.outcome(intent.client_order_id)
        assert (outcome.status, outcome.reason) == (REJECTED, "gone")

    def test_of_an_orders_modify(self, bench: Bench, resting: Any) -> None:
        bench.terminal.script = [nothing(-10005, executed=True), nothing(-10005)]
        assert bench.desk.send(of_order(price=Decimal("1.085"))).status is DONE
        intent = of_order(node="b", price=Decimal("1.084"))
        assert bench.desk.send(intent).status is UNKNOWN
        bench.terminal.leave(8, mt5.ORDER_STATE_FILLED)
        assert bench.desk.outcome(intent.client_order_id).reason == "filled"

    @pytest.mark.parametrize("executed", [True, False])
    def test_of_a_cancel(self, bench: Bench, resting: Any, executed: bool) -> None:
        bench.terminal.script = [nothing(-10005, executed=executed)]
        outcome = bench.desk.send(cancel(8))
        assert (outcome.status, outcome.reason) == (DONE if executed else UNKNOWN, None)
        self.give_up(bench)
        assert bench.desk.send(cancel(8)).status is (DONE if executed else NOT_SENT)
        assert len(bench.terminal.sent) == 1

    def test_of_a_cancel_that_came_too_late(self, bench: Bench, resting: Any) -> None:
        bench.terminal.script = [nothing(-10005)]
        assert bench.desk.send(cancel(8)).status is UNKNOWN
        bench.terminal.leave(8, mt5.ORDER_STATE_FILLED)
        outcome = bench.desk.outcome(cancel(8).client_order_id)
        assert (outcome.status, outcome.reason, outcome.position) == (REJECTED, "filled", 8)

    def test_with_real_money_only_a_person_gives_a_change_up(self, make_bench: MakeBench) -> None:
        bench = make_bench(live_trading=True)
        bench.terminal.account.trade_mode = 2
        bench.terminal.positions.append(make_position(9, sl=1.09))
        bench.terminal.script = [nothing(-10005)]
        intent = modify(9, stop_loss=Decimal("1.095"))
        bench.desk.send(intent)
        bench.restart()
        entry = bench.journal.entry(intent.client_order_id)
        assert entry is not None
        assert entry.state is OrderState.MANUAL


PRICES = st.decimals("1.00", "1.09", places=4)


@given(side=st.sampled_from([0, 1]), before=PRICES, after=PRICES, entry=PRICES, pending=st.booleans())
def test_nothing_that_can_lose_more_counts_as_tightening(
    side: int, before: Decimal, after: Decimal, entry: Decimal, pending: bool
) -> None:
    """The law of the stop: the loss per lot at the stop, from a fixed entry, grows exactly when the change widens."""
    if pending:
        request = {"magic": 1, "symbol": "EURUSD", "type": 2 + side, "price": float(entry), "sl": float(before)}
        target = Target.of_order(make_order(8, request, 1))
        intent = of_order(stop_loss=after, allow_widening=True)
    else:
        target = Target.of_position(make_position(9, side, sl=float(before)))
        intent = modify(9, stop_loss=after, allow_widening=True)
    rules = SymbolRules.of(make_symbol_info())
    change = Change.of(intent, target, rules, ServerZone("UTC"), NOW)
    if isinstance(change, OrderOutcome):
        assert (change.reason, before) == ("no_change", after)
        return
    sign = 1 if side == 0 else -1
    loses_more = (entry - after) * sign > (entry - before) * sign
    assert change.action is (Action.WIDEN if loses_more else Action.TIGHTEN)
    refused = Change.of(intent.model_copy(update={"allow_widening": False}), target, rules, ServerZone("UTC"), NOW)
    assert isinstance(refused, OrderOutcome) == loses_more
