import math
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from tests.support.broker_facts import NOW, make_account, make_trade
from tests.support.fake_broker import FakeBroker
from tests.support.fake_variables import FakeVariables
from tests.support.node_context import FakeContext
from tradeloom.errors import BrokerUnavailable, ExecutionStopped, NotANumber
from tradeloom.nodes.risk.daily_loss import DailyLoss, DailyLossConfig, DailyLossOutput
from tradeloom.trading.broker import CashFlow, ClosedTrade

YESTERDAY = NOW - timedelta(days=1)


def closed(*profits: float, at: Any = NOW) -> list[ClosedTrade]:
    return [make_trade(number, profit=profit, closed_at=at) for number, profit in enumerate(profits, start=10)]


def paid(deal: int, amount: float, kind: str = "balance") -> CashFlow:
    return CashFlow(deal=deal, time=NOW, kind=kind, amount=amount, comment="")


def broker(balance: float = 10_000, floating: float = 0, **parts: Any) -> FakeBroker:
    return FakeBroker(facts=make_account(balance=balance, equity=balance + floating), now=NOW, **parts)


def judge(where: FakeBroker, variables: FakeVariables | None = None, **config: Any) -> tuple[str, DailyLossOutput]:
    context = FakeContext(brokers={"paper": where}, variables=variables or FakeVariables())
    emitted = DailyLoss().run(DailyLossConfig.model_validate({"limit": 3, **config}), context)
    assert isinstance(emitted.output, DailyLossOutput)
    assert (emitted.port == "yes") is emitted.output.can_trade
    return emitted.port, emitted.output


def test_hand_computed() -> None:
    # The day began with 10,000: 9,900 now, 100 lost in closed trades. 3 % are 300; 150 float, so 50 are left.
    where = broker(9_900, floating=-150, closed_trades=closed(-120, 20))
    port, made = judge(where)
    assert port == "yes"
    assert made.model_dump(exclude={"resets_at"}) == {
        "can_trade": True,
        "loss_today": 250.0,
        "result_today": -250.0,
        "closed_today": -100.0,
        "floating": -150.0,
        "limit_amount": 300.0,
        "remaining": 50.0,
        "latched": False,
        "currency": "USD",
    }


def test_swap_and_commission_are_part_of_the_loss() -> None:
    trade = make_trade(10, profit=-100.0, swap=-2.0, commission=-7.0)
    assert judge(broker(9_891, closed_trades=[trade]))[1].closed_today == -109.0


def test_opening_what_is_still_open_has_cost_already() -> None:
    """Equity and balance are down by the commission from the first moment, and so is the day."""
    where = broker(balance=9_650, opening_costs=[(NOW, Decimal(-350))])
    port, output = judge(where, limit=3.5)
    assert (port, output.loss_today, output.closed_today, output.limit_amount) == ("no", 350, -350, 350)
    yesterday = broker(balance=9_650, opening_costs=[(NOW - timedelta(days=1), Decimal(-350))])
    assert judge(yesterday, limit=3.5)[1].loss_today == 0


def test_what_was_closed_yesterday_does_not_count() -> None:
    assert judge(broker(closed_trades=closed(-5_000, at=YESTERDAY)))[0] == "yes"


def test_the_limit_itself_is_reached() -> None:
    assert judge(broker(9_700, closed_trades=closed(-300)))[0] == "no"
    assert judge(broker(9_700.01, closed_trades=closed(-299.99)))[0] == "yes"


@pytest.mark.parametrize("amount", [5_000.0, -5_000.0])
def test_deposits_are_no_gain_and_withdrawals_no_loss(amount: float) -> None:
    _, made = judge(broker(9_900 + amount, closed_trades=closed(-100), flows=[paid(1, amount)]))
    assert (made.loss_today, made.limit_amount) == (100.0, 300.0)


def test_credit_hides_no_loss() -> None:
    """A broker's credit is part of equity and of no profit: 300 are lost, whatever was lent."""
    facts = make_account(balance=10_000.0, equity=10_700.0, credit=1_000.0)
    port, made = judge(FakeBroker(facts=facts, now=NOW))
    assert (port, made.floating, made.limit_amount) == ("no", -300.0, 300.0)


def test_credit_given_today_moves_no_balance() -> None:
    facts = make_account(balance=10_000.0, equity=11_000.0, credit=1_000.0)
    assert judge(FakeBroker(facts=facts, now=NOW, flows=[paid(5, 1_000, "credit")]))[1].limit_amount == 300.0


def test_charges_are_losses() -> None:
    assert judge(broker(9_950, flows=[paid(1, -50.0, "charge")]))[1].closed_today == -50.0


def test_it_stays_shut_until_the_next_day() -> None:
    variables = FakeVariables()
    assert judge(broker(floating=-400), variables)[0] == "no"
    port, made = judge(broker(floating=500), variables)
    assert (port, made.latched, made.remaining, made.loss_today) == ("no", True, 0.0, 0.0)
    tomorrow = broker(floating=500)
    tomorrow.now = NOW + timedelta(days=1)
    assert judge(tomorrow, variables)[0] == "yes"


def test_a_run_that_began_yesterday_does_not_open_today() -> None:
    """Two runs around midnight: the older one is slow, and writes last."""
    variables = FakeVariables()
    midnight = NOW.replace(hour=0, minute=0, second=0, microsecond=0)
    for moment in (midnight, midnight - timedelta(seconds=1)):
        where = broker(floating=-400)
        where.now = moment
        assert judge(where, variables)[0] == "no"
    assert judge(broker(floating=0), variables)[0] == "no"


def test_a_market_clock_that_was_set_back_begins_anew() -> None:
    """A paper account that was started afresh."""
    variables = FakeVariables()
    for days, floating, port in ((30, -400, "no"), (0, -400, "no"), (0, 0, "no")):
        where = broker(floating=floating)
        where.now = NOW + timedelta(days=days)
        assert judge(where, variables)[0] == port


@given(floats=st.lists(st.floats(-1_000, 1_000), min_size=1, max_size=20))
def test_never_open_again_the_same_day(floats: list[float]) -> None:
    variables, shut = FakeVariables(), False
    for floating in floats:
        port, _ = judge(broker(floating=floating), variables)
        shut = shut or round(-floating, 10) >= 300
        assert port == ("no" if shut else "yes")


def test_each_node_has_its_own_latch() -> None:
    variables = FakeVariables()
    context = FakeContext(node_id="other", brokers={"paper": broker(floating=-400)}, variables=variables)
    DailyLoss().run(DailyLossConfig(limit=3), context)
    assert judge(broker(), variables)[0] == "yes"


def test_an_amount_of_money() -> None:
    assert judge(broker(floating=-50), limit_type="money", limit=50)[0] == "no"


@pytest.mark.parametrize("amount", [math.nan, math.inf, -math.inf])
def test_an_account_without_numbers_is_no_yes(amount: float) -> None:
    where = broker()
    where.facts = where.facts.model_copy(update={"equity": amount})
    with pytest.raises(NotANumber):
        judge(where)


def test_a_share_of_nothing_is_no_limit() -> None:
    with pytest.raises(NotANumber, match="no limit"):
        judge(broker(0))
    with pytest.raises(NotANumber, match="no limit"):
        judge(broker(0, flows=[paid(1, 5_000.0), paid(2, -5_000.0)]))


def test_an_account_opened_today_is_judged_by_what_funded_it() -> None:
    flows = [paid(1, 10_000.0), paid(2, -2_000.0)]
    assert judge(broker(7_900, closed_trades=closed(-100), flows=flows))[1].limit_amount == 240.0
    assert judge(broker(7_760, closed_trades=closed(-240), flows=flows))[0] == "no"


def test_a_bridge_that_is_away_is_no_yes() -> None:
    class Away(FakeBroker):
        def trades(self, *_: Any, **__: Any) -> list[ClosedTrade]:
            raise BrokerUnavailable("the bridge does not answer")

    with pytest.raises(BrokerUnavailable):
        judge(Away(now=NOW))


def test_a_stopped_execution_remembers_nothing() -> None:
    context = FakeContext(brokers={"paper": broker()}, stopped=True)
    with pytest.raises(ExecutionStopped):
        DailyLoss().run(DailyLossConfig(limit=3), context)


@pytest.mark.parametrize(
    "config", [{"limit": 0}, {"limit": 101}, {"limit": math.nan}, {"time_zone": "Nowhere"}, {"day_start": "24:00"}]
)
def test_bad_configurations(config: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        judge(broker(), **config)
