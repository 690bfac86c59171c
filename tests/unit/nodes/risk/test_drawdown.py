import math
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.broker_facts import NOW, make_account
from tests.support.fake_broker import FakeBroker
from tests.support.fake_variables import FakeVariables
from tests.support.node_context import FakeContext
from tradeloom.errors import NotANumber
from tradeloom.nodes.risk.drawdown import Drawdown, DrawdownConfig, DrawdownOutput
from tradeloom.trading.broker import CashFlow


class Account:
    """An account looked at now and then."""

    def __init__(self) -> None:
        self.variables = FakeVariables()
        self.flows: list[CashFlow] = []
        self.now: datetime = NOW

    def pay(self, amount: float, kind: str = "balance") -> None:
        self.flows.append(CashFlow(deal=len(self.flows) + 1, time=self.now, kind=kind, amount=amount, comment=""))

    def look(self, equity: float, balance: float | None = None, **config: Any) -> DrawdownOutput:
        facts = make_account(equity=equity, balance=equity if balance is None else balance)
        broker = FakeBroker(facts=facts, now=self.now, flows=self.flows)
        context = FakeContext(brokers={"paper": broker}, variables=self.variables)
        emitted = Drawdown().run(DrawdownConfig.model_validate(config), context)
        assert isinstance(emitted.output, DrawdownOutput)
        assert (emitted.port == "exceeded") is emitted.output.alert
        return emitted.output


def test_hand_computed() -> None:
    account = Account()
    assert account.look(10_000).drawdown_pct == 0
    assert account.look(12_000).peak == 12_000
    made = account.look(10_500, threshold_pct=12.5)
    assert (made.drawdown, made.drawdown_pct, made.peak, made.alert) == (1_500, 12.5, 12_000, True)
    assert not account.look(10_501, threshold_pct=12.5).alert


def test_the_first_look_starts_from_the_larger_of_balance_and_equity() -> None:
    assert Account().look(9_000, balance=10_000).drawdown_pct == 10


def test_the_peak_keeps_its_time() -> None:
    account = Account()
    account.look(10_000)
    account.now += timedelta(hours=1)
    assert account.look(9_000).peak_at == NOW


def test_a_deposit_does_not_hide_a_loss() -> None:
    account = Account()
    account.look(10_000)
    account.now += timedelta(hours=1)
    account.pay(5_000)
    made = account.look(14_000)
    assert (made.peak, made.drawdown, made.paid_in) == (15_000, 1_000, 5_000)
    assert account.look(14_000).paid_in == 0, "it is counted once, even at the same moment"


def test_a_withdrawal_is_no_loss_and_a_charge_is_one() -> None:
    account = Account()
    account.look(10_000)
    account.pay(-4_000)
    assert account.look(6_000).drawdown == 0
    account.pay(-100, "charge")
    assert account.look(5_900).drawdown == 100


def test_a_deposit_before_the_first_look_is_history() -> None:
    account = Account()
    account.pay(10_000)
    account.look(10_000)
    assert account.look(10_000).peak == 10_000


def test_a_new_day_starts_afresh() -> None:
    account = Account()
    account.look(10_000, period="day")
    assert account.look(9_000, period="day").drawdown_pct == 10
    account.now += timedelta(days=1)
    assert account.look(9_000, period="day").drawdown_pct == 0


def test_start_over() -> None:
    account = Account()
    account.look(10_000)
    assert account.look(9_000, reset=True).drawdown_pct == 0
    assert account.look(8_100).drawdown_pct == 10


@pytest.mark.parametrize("equity", [0.0, -500.0])
def test_an_account_that_is_gone(equity: float) -> None:
    account = Account()
    account.look(10_000)
    assert account.look(equity).drawdown_pct == 100


@pytest.mark.parametrize("equity", [math.nan, math.inf])
def test_no_number(equity: float) -> None:
    with pytest.raises(NotANumber):
        Account().look(equity)


@pytest.mark.parametrize("kept", [None, 5, {}, {"equity": "x"}, {"equity": 1, "at": "never", "seen": 3, "flow": []}])
def test_what_was_kept_and_cannot_be_read_is_forgotten(kept: Any) -> None:
    account = Account()
    account.variables.write("account/paper", "drawdown/wf-1/node", kept)
    assert account.look(10_000).peak == 10_000


amounts = st.integers(1_000, 100_000)


@given(
    looks=st.lists(st.tuples(amounts, st.none() | st.integers(-900, 5_000)), min_size=1, max_size=15),
)
def test_what_is_lost_is_the_same_however_much_is_paid_in(looks: list[tuple[int, int | None]]) -> None:
    with_flows, without = Account(), Account()
    paid = 0
    for trading, flow in looks:
        for account in (with_flows, without):
            account.now += timedelta(minutes=5)
        if flow is not None:
            with_flows.pay(float(flow))
            paid += flow
        one, other = with_flows.look(float(trading + paid)), without.look(float(trading))
        assert one.drawdown == pytest.approx(other.drawdown)


@given(equities=st.lists(amounts, min_size=1, max_size=30))
def test_it_is_the_textbooks_drawdown(equities: list[int]) -> None:
    account = Account()
    for position, equity in enumerate(equities):
        peak = max(equities[: position + 1])
        assert account.look(float(equity)).drawdown_pct == pytest.approx(100 * (peak - equity) / peak)
