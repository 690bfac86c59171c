"""The account's day on a worker: when it begins, what it lost, and what neither restarts nor lagging history change."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from mt5_bridge.account_watch import day_start
from mt5_bridge.server_time import ServerZone
from tests.unit.mt5_bridge.fake_terminal import (
    LIMITS,
    LOGIN,
    NOW,
    RATES,
    Bench,
    close,
    make_deal,
    make_position,
    make_tick,
    market,
    modify,
)
from tradeloom.trading.intents import OrderOutcome, OutcomeStatus
from tradeloom.trading.risk import AccountState

type MakeBench = Callable[..., Bench]

TIGHT = LIMITS.model_copy(update={"max_daily_loss_pct": 3.0, "max_drawdown_pct": 10.0})
ZONES = (
    "UTC", "Europe/Athens", "America/New_York", "America/Havana", "America/Sao_Paulo", "Asia/Beirut", "Africa/Cairo",
    "Australia/Lord_Howe", "Asia/Kathmandu",
)  # fmt: skip
FROM, TO = int(datetime(2010, 1, 1, tzinfo=UTC).timestamp()), int(datetime(2030, 1, 1, tzinfo=UTC).timestamp())


@given(st.sampled_from(ZONES), st.integers(FROM, TO))
@example("America/Havana", int(datetime(2024, 3, 10, 6, tzinfo=UTC).timestamp()))  # there is no midnight
@example("America/Havana", int(datetime(2024, 11, 3, 5, 30, tzinfo=UTC).timestamp()))  # there are two
@example("America/Sao_Paulo", int(datetime(2018, 11, 4, 4, tzinfo=UTC).timestamp()))
@example("Europe/Athens", int(datetime(2024, 10, 27, 12, tzinfo=UTC).timestamp()))
def test_a_day_begins_with_its_date_and_not_before(name: str, utc: int) -> None:
    moment, zone = datetime.fromtimestamp(utc, tz=UTC), ZoneInfo(name)
    start = day_start(ServerZone(name), moment)
    date = moment.astimezone(zone).date()
    assert start <= moment
    assert moment - start < timedelta(hours=25, minutes=1)
    assert start.astimezone(zone).date() == date
    assert (start - timedelta(seconds=1)).astimezone(zone).date() < date


def test_most_brokers_days_begin_at_five_in_new_york() -> None:
    zone = ServerZone("America/New_York+7")
    for month in range(1, 13):
        start = day_start(zone, datetime(2024, month, 20, 12, tzinfo=UTC))
        assert start.astimezone(ZoneInfo("America/New_York")).strftime("%H:%M") == "17:00"


class Desk:
    """A bench whose account can be moved as a broker would: each booking is a deal."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.number = 0
        self.at(NOW)

    @property
    def account(self) -> Any:
        return self.bench.terminal.account

    def at(self, moment: datetime) -> None:
        self.bench.clock.time = moment
        self.bench.terminal.quote = make_tick(time=moment)

    def book(self, amount: float, kind: int = 0, *, told: bool = True, **changes: Any) -> Any:
        """A deal that moves the balance (`told`: the history has it already), and equity with it."""
        self.number += 1
        seconds = self.bench.clock.time.timestamp()
        request = {"magic": 0, "type": kind, "price": 1.1, "symbol": "EURUSD"}
        deal = make_deal(5_000 + self.number, request, 0.1, position=900_000 + self.number, entry=1)
        vars(deal).update({"profit": amount, "time": int(seconds), "time_msc": int(seconds * 1000)} | changes)
        if kind == 3:
            self.account.credit = round(self.account.credit + amount, 2)
        else:
            self.account.balance = round(self.account.balance + amount, 2)
        self.float(0)
        if told:
            self.bench.terminal.deals.append(deal)
        return deal

    def float(self, amount: float) -> None:
        """What open positions have won or lost."""
        self.account.equity = round(self.account.balance + self.account.credit + amount, 2)

    def next_midnight(self) -> None:
        """The day begins with what the account has, and an order passes."""
        self.at((self.bench.clock.time + timedelta(days=1)).replace(hour=0))
        assert self.rule() is None

    def try_to_open(self, node: str = "", **changes: Any) -> OrderOutcome:
        self.number += 1
        deadline = self.bench.clock.time + timedelta(minutes=1)
        outcome: OrderOutcome = self.bench.desk.send(market(node or f"n{self.number}", deadline=deadline, **changes))
        return outcome

    def rule(self, **changes: Any) -> str | None:
        outcome = self.try_to_open(**changes)
        assert outcome.status in (OutcomeStatus.DONE, OutcomeStatus.REJECTED)
        return outcome.rule


@pytest.fixture
def desk(make_bench: MakeBench) -> Desk:
    desk = Desk(make_bench(limits=TIGHT))
    assert desk.rule() is None
    return desk


class TestDailyLoss:
    def test_closed_and_floating_count_until_the_next_day(self, desk: Desk) -> None:
        desk.book(-200.0)
        assert desk.rule() is None
        desk.float(-99.99)
        assert desk.rule() is None
        desk.float(-100.0)
        assert desk.rule() == "max_daily_loss_pct"
        desk.float(500.0)  # a day that is over stays over
        assert desk.rule() == "max_daily_loss_pct"
        desk.bench.restart()
        assert desk.rule() == "max_daily_loss_pct"
        desk.float(0.0)
        desk.at(NOW + timedelta(hours=11, minutes=59))
        assert desk.rule() == "max_daily_loss_pct"
        desk.at(NOW + timedelta(hours=12))
        assert desk.rule() is None

    def test_commission_on_opening_counts(self, desk: Desk) -> None:
        desk.book(0.0, entry=0, commission=-300.0)
        desk.account.balance = 9_700.0
        desk.float(0.0)
        assert desk.rule() == "max_daily_loss_pct"

    def test_money_that_comes_or_goes_is_no_result(self, desk: Desk) -> None:
        desk.book(-5_000.0, kind=2)
        assert desk.rule() is None
        desk.book(-140.0)
        assert desk.rule() is None  # 2.8 % of the 5 000 that are left
        desk.book(20_000.0, kind=2)
        desk.book(100.0, kind=3)
        assert desk.rule() is None
        desk.book(-10.0)
        assert desk.rule() is None  # the deposit hides nothing: 150 of 25 100
        desk.book(-604.0)
        assert desk.rule() == "max_daily_loss_pct"

    def test_what_does_not_open_passes(self, desk: Desk) -> None:
        position = desk.bench.terminal.positions[0].ticket
        desk.float(-5_000.0)
        assert desk.rule() == "max_drawdown_pct"
        for intent in (modify(position, "t", stop_loss=Decimal("1.09")), close(position)):
            assert desk.bench.desk.send(intent).status is OutcomeStatus.DONE

    def test_widening_is_new_risk(self, desk: Desk) -> None:
        position = desk.bench.terminal.positions[0]
        position.sl = 1.09
        desk.float(-300.0)
        outcome = desk.bench.desk.send(modify(position.ticket, stop_loss=Decimal("1.08"), allow_widening=True))
        assert outcome.rule == "max_daily_loss_pct"

    def test_loosening_the_limit_lets_the_day_go_on(self, desk: Desk) -> None:
        desk.float(-300.0)
        assert desk.rule() == "max_daily_loss_pct"
        looser = TIGHT.model_copy(update={"max_daily_loss_pct": 4.0})
        desk.bench.journal.change_limits(looser, reason="looked at it", by="Ada", clear=True)
        assert desk.rule() is None

    def test_the_day_is_that_of_its_own_zone(self, make_bench: MakeBench) -> None:
        desk = Desk(make_bench(limits=TIGHT, day_time_zone="America/New_York+7"))
        desk.float(-300.0)
        assert desk.rule() == "max_daily_loss_pct"
        desk.at(NOW + timedelta(hours=9, minutes=59))
        assert desk.rule() == "max_daily_loss_pct"
        desk.at(NOW + timedelta(hours=10))  # 17:00 in New York
        assert desk.rule() is None


class TestHistoryThatLags:
    def test_a_balance_that_no_deal_explains_yet_is_not_judged(self, desk: Desk) -> None:
        deal = desk.book(-5_000.0, kind=2, told=False)
        assert desk.rule() == "max_daily_loss_pct"
        assert desk.bench.journal.status().state is AccountState.ACTIVE  # it may be a withdrawal, and it is
        desk.bench.terminal.deals.append(deal)
        assert desk.rule() is None

    def test_what_is_never_explained_counts_as_a_result(self, desk: Desk) -> None:
        desk.book(-100.0, told=False)
        assert desk.rule() == "max_daily_loss_pct"
        desk.at(NOW + timedelta(seconds=61))
        assert desk.rule() is None
        desk.float(-200.0)
        assert desk.rule() == "max_daily_loss_pct"


class TestDrawdown:
    def test_it_halts_the_account_until_a_person_clears_it(self, desk: Desk) -> None:
        desk.float(2_000.0)
        assert desk.rule() is None
        desk.next_midnight()
        desk.float(800.0)  # exactly ten percent below 12 000
        assert desk.rule() == "max_drawdown_pct"
        status = desk.bench.journal.status()
        assert (status.state, status.by) == (AccountState.HALTED, "risk gate")
        assert "12000.00" in status.reason
        desk.float(2_000.0)
        assert desk.bench.restart().journal.status().state is AccountState.HALTED
        assert desk.rule() == "account_state"

    def test_from_then_on_the_peak_is_counted_anew(self, desk: Desk) -> None:
        desk.float(2_000.0)
        assert desk.rule() is None
        desk.next_midnight()
        desk.float(0.0)
        assert desk.rule() == "max_drawdown_pct"
        desk.bench.journal.set_state(AccountState.ACTIVE, reason="seen", by="Ada", clear=True)
        desk.next_midnight()
        desk.float(-1_000.0)
        assert desk.rule() == "max_drawdown_pct"

    def test_a_halt_for_another_reason_forgives_no_drawdown(self, desk: Desk) -> None:
        desk.float(-900.0)
        desk.next_midnight()
        desk.bench.journal.set_state(AccountState.HALTED, reason="lunch", by="Ada", clear=False)
        desk.bench.journal.set_state(AccountState.ACTIVE, reason="back", by="Ada", clear=True)
        assert desk.rule() is None
        desk.float(-1_000.0)
        assert desk.rule() == "max_drawdown_pct"

    def test_a_withdrawal_is_none(self, desk: Desk) -> None:
        desk.book(-5_000.0, kind=2)
        assert desk.rule() is None
        desk.book(-100.0)
        assert desk.rule() is None
        assert desk.bench.journal.status().state is AccountState.ACTIVE


class TestWorkflows:
    def test_a_workflow_s_loss_is_its_own(self, make_bench: MakeBench) -> None:
        own = TIGHT.workflow.model_copy(update={"max_daily_loss_pct": 1.0})
        desk = Desk(make_bench(limits=TIGHT.model_copy(update={"workflow": own})))
        mine = desk.try_to_open("a")
        theirs = desk.try_to_open("b", workflow_id="v")
        positions = {each.ticket: each for each in desk.bench.terminal.positions}
        desk.book(-60.0, magic=4, position_id=mine.position)  # closed in part, by hand
        positions[mine.position].profit = -39.0
        desk.float(-39.0)
        assert desk.rule() is None
        positions[mine.position].profit = -40.0
        assert desk.rule() == "workflow.max_daily_loss_pct"
        positions[mine.position].profit = 500.0
        assert desk.rule() == "workflow.max_daily_loss_pct"
        positions[theirs.position].profit = -99.0
        assert desk.rule(workflow_id="v") is None
        desk.bench.restart()
        assert desk.rule() == "workflow.max_daily_loss_pct"
        desk.at(NOW + timedelta(hours=12))
        assert desk.rule() is None  # what was lost or won yesterday is not today's


class TestADayNobodySawBegin:
    def test_its_baseline_is_reckoned_from_deals_and_bars(self, make_bench: MakeBench) -> None:
        """A lot bought at 1.1000 stood at 1.0950 when the day began, and was closed since at 1.0900."""
        desk = Desk(make_bench(limits=TIGHT))
        yesterday, midnight = NOW - timedelta(days=1), NOW.replace(hour=0)
        request = {"magic": 5, "type": 0, "price": 1.1, "symbol": "EURUSD"}
        since: list[tuple[datetime, dict[str, Any]]] = [
            (yesterday, {"entry": 0}),
            (NOW - timedelta(hours=1), {"entry": 1, "type": 1, "price": 1.09, "profit": -1_000.0}),
        ]
        for number, (moment, changes) in enumerate(since):
            at = int(moment.timestamp())
            deal = make_deal(70 + number, request, 1.0, position=70, entry=0)
            vars(deal).update({"time": at, "time_msc": at * 1000} | changes)
            desk.bench.terminal.deals.append(deal)
        bars = np.zeros(1, RATES)
        bars["time"], bars["open"], bars["close"] = int(midnight.timestamp()), 1.095, 1.2
        desk.bench.terminal.rates = bars
        desk.account.balance = 9_000.0
        desk.float(0.0)
        assert desk.rule() == "max_daily_loss_pct"  # 500 of the 9 500 it began with
        day = desk.bench.journal.fact("risk/day")
        assert Decimal(day["baseline"]) == Decimal(9_500)

    def test_without_a_price_of_that_moment_nothing_is_opened(self, make_bench: MakeBench) -> None:
        desk = Desk(make_bench(limits=TIGHT))
        at = int((NOW - timedelta(days=1)).timestamp())
        deal = make_deal(70, {"magic": 5, "type": 0, "price": 1.1, "symbol": "EURUSD"}, 0.1, position=70, entry=0)
        vars(deal).update(time=at, time_msc=at * 1000)
        desk.bench.terminal.deals.append(deal)
        desk.bench.terminal.positions.append(make_position(70))
        assert desk.rule() == "max_daily_loss_pct"
        assert desk.bench.desk.send(close(70)).status is OutcomeStatus.DONE

    def test_an_empty_account_begins_no_day(self, make_bench: MakeBench) -> None:
        desk = Desk(make_bench(limits=TIGHT))
        desk.account.balance = desk.account.equity = 0.0
        assert desk.rule() == "max_daily_loss_pct"
        assert desk.bench.journal.fact("risk/day") is None
        desk.account.balance = desk.account.equity = 10_000.0
        assert desk.rule() is None
        assert Decimal(desk.bench.journal.fact("risk/day")["baseline"]) == 10_000

    def test_nothing_was_open(self, make_bench: MakeBench) -> None:
        desk = Desk(make_bench(limits=TIGHT))
        desk.book(-301.0)
        assert desk.rule() == "max_daily_loss_pct"


class TestAClockThatWasWrong:
    def test_a_step_back_keeps_the_day(self, desk: Desk) -> None:
        desk.float(-300.0)
        assert desk.rule() == "max_daily_loss_pct"
        desk.at(NOW - timedelta(days=1))
        desk.float(0.0)
        assert desk.rule() == "max_daily_loss_pct"

    def test_from_the_far_future_only_a_person_brings_it_back(self, desk: Desk) -> None:
        desk.at((NOW + timedelta(days=4_000)).replace(hour=0))
        assert desk.rule() is None
        desk.at(NOW + timedelta(minutes=2))
        desk.bench.terminal.positions.clear()
        refused = desk.try_to_open()
        assert (refused.rule, "clock" in refused.message) == ("max_daily_loss_pct", True)
        desk.bench.journal.set_state(AccountState.HALTED, reason="clock", by="Ada", clear=False)
        desk.bench.journal.set_state(AccountState.ACTIVE, reason="set right", by="Ada", clear=True)
        assert desk.rule() is None
        assert desk.bench.journal.fact("risk/day")["began"].startswith("2024-01-10")


class TestDuty:
    def test_a_drawdown_is_seen_when_nobody_trades(self, desk: Desk) -> None:
        desk.float(-1_000.0)
        desk.bench.worker.between_calls()
        assert desk.bench.journal.status().state is AccountState.HALTED

    def test_a_person_who_clears_the_halt_while_it_looks_is_heard(self, desk: Desk) -> None:
        desk.float(-1_000.0)
        desk.bench.worker.between_calls()
        desk.book(-1.0)
        history, journal = desk.bench.terminal.history_deals_get, desk.bench.journal

        def cleared(*dates: int, **filters: Any) -> Any:
            journal.set_state(AccountState.ACTIVE, reason="seen", by="Ada", clear=True)
            return history(*dates, **filters)

        desk.bench.terminal.history_deals_get = cleared  # type: ignore[method-assign]
        desk.float(-1_000.0)
        for _ in range(2):
            duty = desk.bench.worker._account_duty
            assert duty is not None
            duty._due = 0.0
            desk.bench.worker.between_calls()
            desk.bench.terminal.history_deals_get = history  # type: ignore[method-assign]
            assert journal.status().state is AccountState.ACTIVE
        assert Decimal(journal.fact("risk/day")["peak"]) == Decimal("8999.0")

    def test_an_account_that_cannot_be_read_stops_nothing(self, desk: Desk) -> None:
        desk.bench.terminal.account = None
        desk.bench.worker.between_calls()
        assert not desk.bench.worker.recycle

    def test_an_account_without_its_trade_server_is_not_judged(self, desk: Desk) -> None:
        """A terminal that has not reached its server yet may show an empty account."""
        day, terminal = desk.bench.journal.fact("risk/day"), desk.bench.terminal
        duty = desk.bench.worker._account_duty
        assert duty is not None
        terminal.state.connected = False
        desk.account.balance = desk.account.equity = 0.0
        for minutes in (0, 2):
            desk.at(NOW + timedelta(minutes=minutes))
            duty._due = 0.0
            desk.bench.worker.between_calls()
        assert desk.bench.journal.status().state is AccountState.ACTIVE
        assert desk.bench.journal.fact("risk/day") == day

    def test_another_accounts_money_is_not_taken_for_its_own(self, desk: Desk) -> None:
        """A crossed pipe: the worker is replaced, and nothing of what it saw is kept."""
        day = desk.bench.journal.fact("risk/day")
        desk.account.login, desk.account.equity = LOGIN + 1, 1e6
        desk.bench.worker.between_calls()
        assert desk.bench.worker.recycle
        assert desk.bench.journal.fact("risk/day") == day


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    steps=st.lists(
        st.tuples(
            st.integers(0, 30_000),
            st.sampled_from(["trade", "flow", "float"]),
            st.integers(-400, 400),
            st.booleans(),
        ),
        max_size=12,
    )
)
def test_a_restart_at_any_point_changes_no_verdict(
    make_bench: MakeBench, steps: list[tuple[int, str, int, bool]]
) -> None:
    """One worker goes on, the other is started anew before each of its orders."""
    desks = [Desk(make_bench(limits=TIGHT)) for _ in range(2)]
    moment = NOW
    for number, (seconds, what, amount, _) in enumerate(steps):
        moment += timedelta(seconds=seconds)
        verdicts = []
        for restarts, desk in enumerate(desks):
            desk.at(moment)
            if what == "float":
                desk.float(float(amount))
            else:
                desk.book(float(amount), kind=2 if what == "flow" else 0)
            if restarts:
                desk.bench.restart()
            verdicts.append(desk.rule(node=f"s{number}"))
            desk.bench.terminal.positions.clear()
        assert verdicts[0] == verdicts[1]
    days = [desk.bench.journal.fact("risk/day") for desk in desks]
    assert days[0] == days[1]
