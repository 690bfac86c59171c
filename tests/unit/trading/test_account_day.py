"""An account's day against sums kept by hand."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradeloom.trading.account_day import AccountDay

BEGAN = datetime(2024, 1, 10, tzinfo=UTC)
DAY = AccountDay(
    began=BEGAN, baseline=Decimal(10_000), peak=Decimal(12_000), money=Decimal(10_000), last_deal=5, seen=BEGAN
)
MONEY = st.integers(-50_000, 50_000).map(lambda cents: Decimal(cents) / 10)


def test_loss_and_drawdown() -> None:
    assert DAY.loss_pct(Decimal(9_700)) == 3
    assert DAY.loss_pct(Decimal(10_500)) == 0
    assert DAY.drawdown_pct(Decimal(9_000)) == 25
    assert DAY.drawdown_pct(Decimal(13_000)) == 0


@given(st.lists(st.tuples(st.booleans(), MONEY), max_size=20), MONEY)
def test_paying_in_and_out_is_neither_gain_nor_loss(events: list[tuple[bool, Decimal]], floating: Decimal) -> None:
    """Deposits, withdrawals and trades in any order: what is lost is what trades lost."""
    day, traded, balance, peak = DAY, Decimal(0), DAY.baseline, DAY.peak - DAY.baseline
    for number, (is_flow, amount) in enumerate(events):
        balance += amount
        traded += Decimal(0) if is_flow else amount
        peak = max(peak, traded)
        booked = {} if is_flow else {"w": amount}
        paid_in = amount if is_flow else Decimal(0)
        day = day.moved(balance, balance, BEGAN + timedelta(seconds=number), 6 + number, paid_in, booked)
    equity = balance + floating
    assert day.loss(equity) == max(-(traded + floating), Decimal(0))
    assert day.peak - equity == peak - traded - floating
    assert day.workflow_loss("w", floating) == max(-(traded + floating), Decimal(0))
    assert day.workflow_loss("other", Decimal(0)) == 0
    assert day.last_deal == (5 + len(events) if events else 5)


def test_a_day_that_is_over_stays_over() -> None:
    day = DAY.kept(Decimal(9_699), limit_pct=3)
    assert day.loss(Decimal(10_400)) == 301
    assert DAY.kept(Decimal(9_701), limit_pct=3) is DAY
    assert DAY.kept(Decimal(12_500), limit_pct=3).peak == 12_500
    worse = day.kept(Decimal(9_000), limit_pct=3)
    assert worse.loss(Decimal(10_400)) == 1_000
    assert worse.kept(Decimal(9_500), limit_pct=3) is worse


def test_and_a_workflow_s_too() -> None:
    day = DAY.workflow_kept("w", Decimal(-101), limit_pct=1)
    assert day.workflow_loss_pct("w", Decimal(50)) == Decimal("1.01")
    assert day.workflow_loss("other", Decimal(-5)) == 5
    assert DAY.workflow_kept("w", Decimal(-99), limit_pct=1) is DAY
    assert day.workflow_kept("w", Decimal(-100), limit_pct=1) is day


@pytest.mark.parametrize("baseline", [Decimal(0), Decimal(-5)])
def test_of_nothing_any_loss_is_everything(baseline: Decimal) -> None:
    empty = DAY.model_copy(update={"baseline": baseline, "peak": Decimal(0)})
    assert empty.loss_pct(baseline) == 0
    assert empty.loss_pct(baseline - 1) == 100
    assert empty.drawdown_pct(Decimal(-1)) == 100


def test_it_survives_json() -> None:
    day = DAY.moved(Decimal("9.5"), Decimal("9.5"), BEGAN, 9, Decimal("0.1"), {"w": Decimal("-0.30")})
    assert AccountDay.model_validate(day.model_dump(mode="json")) == day
