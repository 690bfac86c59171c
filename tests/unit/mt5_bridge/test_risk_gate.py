"""The gate on a worker: what it gathers, what it refuses without, and what survives a restart."""

import math
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mt5_bridge import constants as mt5
from tests.unit.mt5_bridge.fake_terminal import (
    NOW,
    Bench,
    FakeTerminal,
    answer,
    cancel,
    close,
    make_order,
    make_position,
    make_result,
    make_symbol_info,
    make_tick,
    market,
    modify,
    nothing,
    pending,
)
from tradeloom.errors import BrokerError, Conflict, NotFound, StorageUnavailable
from tradeloom.trading.intents import OrderIntent, OrderOutcome, OutcomeStatus, PendingType, Side
from tradeloom.trading.risk import AccountState
from tradeloom.trading.risk_limits import RiskLimits, WorkflowLimits

type MakeBench = Callable[..., Bench]

OWN = WorkflowLimits(
    max_lot=1, max_notional=10**9, max_exposure=10**9, max_orders_per_minute=1_000, max_daily_loss_pct=50
)


def limits(*symbols: str, own: dict[str, Any] | None = None, **changes: Any) -> RiskLimits:
    values: dict[str, Any] = {"max_lot": Decimal(1), "max_price_age_s": 30} | changes
    if own:
        values["workflow"] = OWN.model_copy(update=own)
    return RiskLimits.for_paper(symbols or ("EURUSD",), **values)


def rule(outcome: OrderOutcome) -> str | None:
    """The rule that refused it; None for one that was sent."""
    if outcome.status is OutcomeStatus.REJECTED:
        assert (outcome.reason, bool(outcome.message)) == ("risk", True)
        assert outcome.rule is not None
    return outcome.rule


class TestSizes:
    """One lot of EURUSD is worth 110 010 at the ask, and takes 1 100.1 of margin."""

    def test_notional(self, make_bench: MakeBench) -> None:
        bench = make_bench(limits=limits(max_notional=11_001))
        assert rule(bench.desk.send(market("a"))) is None
        assert rule(bench.desk.send(market("b", volume=Decimal("0.11")))) == "max_notional"
        # A stop waits above the market: it is worth more there.
        assert rule(bench.desk.send(pending("c", type=PendingType.STOP, price=Decimal("1.11")))) == "max_notional"
        assert rule(bench.desk.send(pending("d"))) is None

    def test_a_workflow_s_own(self, make_bench: MakeBench) -> None:
        few = OWN.model_copy(update={"max_lot": Decimal("0.05"), "max_exposure": Decimal(6_000)})
        bench = make_bench(limits=limits(workflows={"small": few}))
        assert rule(bench.desk.send(market("a", workflow_id="small"))) == "workflow.max_lot"
        assert rule(bench.desk.send(market("b"))) is None
        assert rule(bench.desk.send(market("c", workflow_id="small", volume=Decimal("0.05")))) is None
        assert (
            rule(bench.desk.send(market("d", workflow_id="small", volume=Decimal("0.01")))) == "workflow.max_exposure"
        )

    @pytest.mark.parametrize("limit", ["max_symbol_exposure", "max_exposure"])
    def test_working_orders_count_with_positions(self, make_bench: MakeBench, limit: str) -> None:
        changes: dict[str, Any] = {limit: 34_000}
        bench = make_bench(limits=limits(**changes))
        for intent in (market("a"), pending("b"), market("c")):
            assert rule(bench.desk.send(intent)) is None
        assert rule(bench.desk.send(market("d"))) == limit
        assert rule(bench.desk.send(pending("e"))) == limit
        opposite = bench.desk.send(market("f", side=Side.SELL))
        assert rule(opposite) == (limit if limit == "max_exposure" else None)  # on a hedging account it is held besides
        bench.desk.send(cancel(bench.terminal.orders[0].ticket))
        bench.desk.send(close(bench.terminal.positions[0].ticket))
        assert rule(bench.desk.send(market("g"))) is None

    def test_netting_positions_net(self, make_bench: MakeBench) -> None:
        bench = make_bench(limits=limits(max_exposure=23_000))
        bench.terminal.account.margin_mode = 0
        bench.terminal.positions.append(make_position(9, volume=0.2))
        assert rule(bench.desk.send(market("a"))) == "max_exposure"
        assert rule(bench.desk.send(market("b", side=Side.SELL, volume=Decimal("0.4")))) is None  # turns it round

    def test_an_order_nobody_knows_the_fate_of_counts(self, make_bench: MakeBench) -> None:
        bench = make_bench(limits=limits(max_exposure=12_000))
        bench.terminal.script = [nothing(-10005, "IPC timeout")]
        assert bench.desk.send(market("a")).status is OutcomeStatus.UNKNOWN
        assert rule(bench.desk.send(market("b"))) == "max_exposure"
        assert rule(bench.restart().desk.send(market("c"))) is None  # found nowhere after its horizon: it was not sent

    @pytest.mark.parametrize("intent", [market("a"), pending("a")], ids=["position", "order"])
    def test_what_the_terminal_does_not_list_yet_counts(self, make_bench: MakeBench, intent: OrderIntent) -> None:
        """A live terminal's lists lag behind the answer to an order."""
        bench = make_bench(limits=limits(max_exposure=12_000))
        late: list[dict[str, Any]] = []

        def lagging(_terminal: FakeTerminal, request: dict[str, Any]) -> Any:
            late.append(request)
            return make_result(10009, order=bench.terminal.ticket + 1, volume=request["volume"], price=request["price"])

        bench.terminal.script = [lagging]
        assert rule(bench.desk.send(intent)) is None
        assert rule(bench.desk.send(market("b"))) == "max_exposure"
        bench.terminal.execute(late[0])
        assert rule(bench.desk.send(market("c"))) == "max_exposure"
        bench.terminal.positions.clear()
        bench.terminal.orders.clear()
        assert rule(bench.desk.send(market("d"))) is None

    def test_margin(self, make_bench: MakeBench) -> None:
        bench = make_bench(limits=limits(min_margin_level_pct=500))
        bench.terminal.account.equity = 600.0
        bench.terminal.account.balance = 600.0
        assert rule(bench.desk.send(pending("a"))) is None  # 109.91 of 600
        assert rule(bench.desk.send(market("b"))) == "min_margin_level_pct"  # 219.92 with the order that waits
        bench.terminal.account.margin = 0.5
        assert rule(bench.desk.send(market("c", volume=Decimal("0.01")))) == "min_margin_level_pct"
        assert rule(bench.desk.send(cancel(bench.terminal.orders[0].ticket))) is None
        bench.terminal.positions.append(make_position(9))
        assert rule(bench.desk.send(market("d", volume=Decimal("0.01")))) is None

    def test_the_collar(self, make_bench: MakeBench) -> None:
        bench = make_bench(limits=limits(max_price_distance_pct=1))
        assert rule(bench.desk.send(market("a", deviation=1_101))) == "max_price_distance_pct"
        assert rule(bench.desk.send(pending("b", price=Decimal("1.0889")))) == "max_price_distance_pct"
        placed = bench.desk.send(pending("c", price=Decimal("1.0891")))
        assert rule(placed) is None
        moved = modify(placed.order or 0, "d", target="order", price=Decimal("1.0889"))
        assert rule(bench.desk.send(moved)) == "max_price_distance_pct"
        stop = pending("e", type=PendingType.STOP_LIMIT, price=Decimal("1.105"), limit_price=Decimal("1.0888"))
        assert rule(bench.desk.send(stop)) == "max_price_distance_pct"


def _account(**changes: Any) -> Callable[[FakeTerminal], None]:
    return lambda terminal: vars(terminal.account).update(changes)


def _no_profit(value: Any) -> Callable[[FakeTerminal], None]:
    return lambda terminal: vars(terminal).update(order_calc_profit=lambda *_: value)


def _no_margin(value: Any) -> Callable[[FakeTerminal], None]:
    return lambda terminal: vars(terminal).update(order_calc_margin=lambda *_: value)


def _position(**changes: Any) -> Callable[[FakeTerminal], None]:
    return lambda terminal: terminal.positions.append(make_position(9, **changes))


def _order(**changes: Any) -> Callable[[FakeTerminal], None]:
    request = {"magic": 7, "symbol": "EURUSD", "type": 2, "price": 1.09}
    return lambda terminal: terminal.orders.append(make_order(8, request, mt5.ORDER_STATE_PLACED, **changes))


class TestMissing:
    @pytest.mark.parametrize(
        ("spoil", "broken"),
        [
            (_account(equity=math.nan), "max_daily_loss_pct"),
            (_account(equity=None), "max_daily_loss_pct"),
            (_account(balance=math.inf), "max_daily_loss_pct"),
            (_account(credit=math.nan), "max_daily_loss_pct"),
            (_account(margin=math.nan), "min_margin_level_pct"),
            (_account(margin=-1.0), "min_margin_level_pct"),
            (_account(margin=5.0), "max_exposure"),  # in use, and nothing listed that uses it
            (_no_profit(None), "max_notional"),
            (_no_profit(math.nan), "max_notional"),
            (_no_profit(0.0), "max_notional"),  # a contract size of nothing
            (_no_profit(-5.0), "max_notional"),
            (_no_margin(None), "min_margin_level_pct"),
            (_no_margin(math.inf), "min_margin_level_pct"),
            (_no_margin(-1.0), "min_margin_level_pct"),
            (_position(volume=math.nan), "max_exposure"),
            (_position(price_current=math.nan), "max_exposure"),
            (_order(volume_current=math.inf), "max_exposure"),
            (_order(price_open=math.nan), "max_exposure"),
            (_order(type=77), "max_exposure"),
        ],
    )
    def test_what_is_no_number_refuses(self, bench: Bench, spoil: Callable[[FakeTerminal], None], broken: str) -> None:
        spoil(bench.terminal)
        refused = bench.desk.send(market())
        assert refused.status is OutcomeStatus.REJECTED
        assert rule(refused) == broken
        assert bench.terminal.sent == []

    @pytest.mark.parametrize("what", ["profit", "swap"])
    def test_nor_does_a_workflow_s_own_result(self, bench: Bench, what: str) -> None:
        bench.desk.send(market("a"))
        setattr(bench.terminal.positions[0], what, math.nan)
        assert rule(bench.desk.send(market("b"))) == "max_daily_loss_pct"
        assert rule(bench.desk.send(market("c", workflow_id="v"))) is None  # equity itself is sound

    def test_a_symbol_that_cannot_be_valued_refuses_others_too(self, bench: Bench) -> None:
        bench.terminal.positions.append(make_position(9, symbol="XAUUSD", price_current=0.0))
        bench.terminal.quote = None
        assert rule(bench.desk.send(market())) == "sound_numbers"
        bench.terminal.quote = make_tick()
        bench.terminal.order_calc_profit = lambda *a: None if a[1] == "XAUUSD" else 110_000.0  # type: ignore[method-assign]
        assert rule(bench.desk.send(market("b"))) == "max_notional"

    def test_lists_that_cannot_be_read_send_nothing_and_may_be_tried_again(self, bench: Bench) -> None:
        bench.terminal.orders = None  # type: ignore[assignment]
        bench.terminal.error = (-1, "failed")
        with pytest.raises(BrokerError):
            bench.desk.send(market())
        bench.terminal.orders = []
        assert bench.desk.send(market()).status is OutcomeStatus.DONE

    @pytest.mark.parametrize("spoil", [_account(equity=math.nan, balance=None, margin=math.inf), _no_profit(None)])
    def test_leaving_the_market_needs_none_of_it(self, bench: Bench, spoil: Callable[[FakeTerminal], None]) -> None:
        opened, placed = bench.desk.send(market()), bench.desk.send(pending())
        spoil(bench.terminal)
        for state in (AccountState.REDUCING, AccountState.HALTED):
            bench.journal.set_state(state, reason="stop", by="Ada", clear=False)
        tighter = modify(opened.position, "t", stop_loss=Decimal("1.09"))
        for intent in (tighter, cancel(placed.order), close(opened.position)):
            assert bench.desk.send(intent).status is OutcomeStatus.DONE


class CountingTerminal(FakeTerminal):
    def __init__(self) -> None:
        super().__init__()
        self.calls: Counter[str] = Counter()

    def __getattribute__(self, name: str) -> Any:
        if name.startswith(("order_calc", "positions_", "orders_", "history_", "account_", "symbol_", "copy_")):
            object.__getattribute__(self, "calls")[name] += 1
        return object.__getattribute__(self, name)


def test_the_gate_reads_nothing_more_for_what_reduces_risk(make_bench: MakeBench) -> None:
    bench = make_bench()
    bench.terminal = terminal = CountingTerminal()
    bench.restart()
    opened = bench.desk.send(market())
    terminal.calls.clear()
    bench.desk.send(close(opened.position))
    assert (
        terminal.calls["order_calc_profit"] == terminal.calls["order_calc_margin"] == terminal.calls["orders_get"] == 0
    )
    assert terminal.calls["account_info"] == 1


class TestRates:
    def test_the_account_s_rate_counts_what_was_sent_and_survives_a_restart(self, make_bench: MakeBench) -> None:
        bench = make_bench(limits=limits(max_orders_per_minute=3))
        for number, intent in enumerate((market("a"), pending("b", workflow_id="v"), market("c"))):
            bench.clock.time = NOW + timedelta(seconds=number)
            bench.terminal.quote = make_tick(time=bench.clock.time)
            assert rule(bench.desk.send(intent)) is None
        bench.restart()
        assert rule(bench.desk.send(market("d"))) == "max_orders_per_minute"
        assert rule(bench.desk.send(close(bench.terminal.positions[0].ticket))) is None
        bench.clock.time = NOW + timedelta(seconds=60)
        bench.terminal.quote = make_tick(time=bench.clock.time)
        late = {"deadline": NOW + timedelta(minutes=9)}
        assert rule(bench.desk.send(market("e", **late))) is None  # the first is a minute old
        assert rule(bench.desk.send(market("f", **late))) == "max_orders_per_minute"

    def test_a_workflow_s_rate_is_its_own(self, make_bench: MakeBench) -> None:
        bench = make_bench(limits=limits(own={"max_orders_per_minute": 1}))
        assert rule(bench.desk.send(market("a"))) is None
        assert rule(bench.desk.send(market("b"))) == "workflow.max_orders_per_minute"
        assert rule(bench.desk.send(market("c", workflow_id="v"))) is None

    def test_an_order_that_is_tried_again_does_not_count_against_itself(self, make_bench: MakeBench) -> None:
        bench = make_bench(limits=limits(max_orders_per_minute=1, max_repeats=1))
        bench.terminal.script = [answer(10004), answer(10004)]
        assert bench.desk.send(market("a")).status is OutcomeStatus.DONE

    def test_what_was_refused_does_not_count(self, make_bench: MakeBench) -> None:
        bench = make_bench(limits=limits(max_orders_per_minute=1))
        assert rule(bench.desk.send(market("a", volume=Decimal(2)))) == "max_lot"
        assert rule(bench.desk.send(market("b"))) is None

    @settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(
        gaps=st.lists(st.integers(0, 40), min_size=1, max_size=10),
        most=st.integers(1, 4),
        restarts=st.sets(st.integers(0, 10)),
    )
    def test_no_minute_holds_more_than_the_limit(
        self, make_bench: MakeBench, gaps: list[int], most: int, restarts: set[int]
    ) -> None:
        bench = make_bench(limits=limits(max_orders_per_minute=most))
        moment, sent = NOW, list[datetime]()
        for number, gap in enumerate(gaps):
            moment += timedelta(seconds=gap)
            bench.clock.time, bench.terminal.quote = moment, make_tick(time=moment)
            if number in restarts:
                bench.restart()
            outcome = bench.desk.send(market(str(number), deadline=moment + timedelta(seconds=9)))
            lately = sum(moment - each < timedelta(seconds=60) for each in sent)
            assert rule(outcome) == (None if lately < most else "max_orders_per_minute")
            sent += [moment] if outcome.status is OutcomeStatus.DONE else []


class TestThrottle:
    def test_a_workflow_that_repeats_itself_waits_for_a_person(self, make_bench: MakeBench) -> None:
        bench = make_bench(limits=limits("EURUSD", max_repeats=2, repeat_window_s=30))
        late: dict[str, Any] = {"deadline": NOW + timedelta(days=1)}
        sent = [bench.desk.send(market(name, **late)) for name in "ab"]
        assert rule(bench.desk.send(market("c", side=Side.SELL))) is None  # another direction
        assert rule(bench.desk.send(market("d", workflow_id="v"))) is None  # another workflow
        assert rule(bench.desk.send(market("e"))) == "max_repeats"
        assert rule(bench.desk.send(pending("f", side=Side.SELL, price=Decimal("1.11")))) == "throttled"
        bench.clock.time = NOW + timedelta(hours=1)  # waiting does not clear it
        bench.terminal.quote = make_tick(time=bench.clock.time)
        assert rule(bench.restart().desk.send(market("g", **late))) == "throttled"
        assert rule(bench.desk.send(close(sent[0].position or 0, **late))) is None
        (throttle,) = bench.journal.status().throttled
        assert (throttle.workflow_id, throttle.symbol, throttle.side, throttle.at) == ("w", "EURUSD", Side.BUY, NOW)

    def test_clearing_it_begins_the_count_anew(self, make_bench: MakeBench) -> None:
        bench = make_bench(limits=limits(max_repeats=1))
        assert rule(bench.desk.send(market("a"))) is None
        assert rule(bench.desk.send(market("b"))) == "max_repeats"
        bench.journal.unthrottle("w", reason="looked at it", by="Ada")
        assert bench.journal.status().throttled == ()
        bench.clock.time = NOW + timedelta(seconds=1)
        assert rule(bench.desk.send(market("c"))) is None
        assert rule(bench.desk.send(market("d"))) == "max_repeats"
        with pytest.raises(NotFound):
            bench.journal.unthrottle("v", reason="why", by="Ada")


class TestLimitsAtRunTime:
    def test_tightening_holds_at_once_and_across_restarts_loosening_needs_a_person(self, make_bench: MakeBench) -> None:
        bench = make_bench(limits=limits())
        less = limits(max_lot=Decimal("0.05"))
        bench.journal.change_limits(less, reason="careful", by="watcher", clear=False)
        assert rule(bench.desk.send(market("a"))) == "max_lot"
        assert rule(bench.restart().desk.send(market("b"))) == "max_lot"
        with pytest.raises(Conflict) as caught:
            bench.journal.change_limits(limits(), reason="more", by="watcher", clear=False)
        assert caught.value.field == "limits.max_lot"
        assert bench.journal.status().limits == less
        bench.journal.change_limits(limits(), reason="looked at it", by="Ada", clear=True)
        assert rule(bench.desk.send(market("c"))) is None

    def test_a_changed_configuration_takes_their_place(self, make_bench: MakeBench) -> None:
        bench = make_bench(limits=limits())
        bench.journal.change_limits(limits(max_lot=Decimal("0.05")), reason="careful", by="Ada", clear=False)
        bench.settings = bench.settings.model_copy(update={"limits": limits(max_repeats=7)})
        assert rule(bench.restart().desk.send(market("a"))) is None
        assert bench.journal.status().limits.max_repeats == 7


def test_a_day_that_cannot_be_read_stops_what_adds_risk_only(bench: Bench) -> None:
    opened = bench.desk.send(market())
    bench.journal.keep({"risk/day": {"began": "yesterday"}})
    with pytest.raises(StorageUnavailable, match="day"):
        bench.desk.send(market("b"))
    assert bench.desk.send(close(opened.position)).status is OutcomeStatus.DONE


def test_other_symbols_are_valued_at_their_own_prices(make_bench: MakeBench) -> None:
    bench = make_bench(limits=limits(max_exposure=300_000))
    bench.terminal.symbols["XAUUSD"] = make_symbol_info(name="XAUUSD")
    bench.terminal.positions.append(SimpleNamespace(**vars(make_position(9, volume=0.1)) | {
        "symbol": "XAUUSD", "price_current": 28.0}))  # fmt: skip
    assert rule(bench.desk.send(market("a"))) is None  # 280 000 and 11 001
    assert rule(bench.desk.send(market("b"))) == "max_exposure"


_STEPS = st.tuples(
    st.sampled_from(["market", "pending", "close", "cancel", "fills", "lost", "restart"]),
    st.sampled_from(list(Side)),
    st.integers(1, 40).map(lambda n: Decimal(n) / 100),
)


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(_STEPS, max_size=14), most=st.integers(3, 12).map(lambda n: n * 10_000))
def test_no_sequence_of_orders_comes_to_hold_more_than_the_limit(
    make_bench: MakeBench, steps: list[tuple[str, Side, Decimal]], most: int
) -> None:
    """Orders, fills, answers that are lost though the broker executed: counted by hand on the broker's own side."""
    bench = make_bench(limits=limits(max_exposure=most, max_symbol_exposure=most))
    terminal = bench.terminal
    for number, (what, side, volume) in enumerate(steps):
        node = str(number)
        if what in ("market", "lost"):
            if what == "lost":
                terminal.script = [nothing(-10005, "IPC timeout", executed=True)]
            bench.desk.send(market(node, side=side, volume=volume))
            terminal.script = []
        elif what == "pending":
            price = Decimal("1.0991") if side is Side.BUY else Decimal("1.1009")
            bench.desk.send(pending(node, side=side, volume=volume, price=price))
        elif what == "close" and terminal.positions:
            bench.desk.send(close(terminal.positions[0].ticket, node))
        elif what == "cancel" and terminal.orders:
            bench.desk.send(cancel(terminal.orders[0].ticket, node))
        elif what == "fills" and terminal.orders:
            terminal.leave(terminal.orders[0].ticket, mt5.ORDER_STATE_FILLED)
        elif what == "restart":
            bench.restart()
        held = sum(Decimal(str(each.volume)) for each in terminal.positions)
        waiting = sum(Decimal(str(each.volume_current)) for each in terminal.orders)
        assert (held + waiting) * Decimal("110010") <= most
