from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradeloom.errors import Conflict
from tradeloom.trading.risk import AccountState, Action, next_state
from tradeloom.trading.risk_limits import RiskLimits
from tradeloom.trading.risk_rules import OrderFacts, refusal

NOW = datetime(2024, 1, 10, 12, tzinfo=UTC)
LIMITS = RiskLimits.for_paper(("EURUSD", "GBPUSD"), max_lot=Decimal("0.5"), max_price_age_s=10)
FACTS = OrderFacts(
    action=Action.OPEN,
    symbol="EURUSD",
    volume=Decimal("0.5"),
    bid=1.1,
    ask=1.1001,
    price_time=NOW - timedelta(seconds=10),
    now=NOW,
    deadline=NOW,
)
ACTIVE, REDUCING, HALTED = AccountState
STATES = st.sampled_from(list(AccountState))


def rule(state: AccountState = ACTIVE, **changes: object) -> str | None:
    refused = refusal(LIMITS, state, replace(FACTS, **changes))  # type: ignore[arg-type]
    return refused.rule if refused else None


def test_an_order_at_every_limit_passes() -> None:
    assert rule() is None


@pytest.mark.parametrize(
    ("changes", "broken"),
    [
        ({"now": NOW + timedelta(milliseconds=1)}, "deadline"),
        ({"volume": Decimal(0)}, "sound_numbers"),
        ({"volume": Decimal("NaN")}, "sound_numbers"),
        ({"volume": Decimal("Infinity")}, "sound_numbers"),
        ({"price_time": None}, "sound_numbers"),
        ({"bid": float("nan")}, "sound_numbers"),
        ({"ask": float("inf")}, "sound_numbers"),
        ({"bid": 0.0}, "sound_numbers"),
        ({"bid": -1.0}, "sound_numbers"),
        ({"bid": 1.2}, "sound_numbers"),
        ({"state": REDUCING}, "account_state"),
        ({"state": HALTED}, "account_state"),
        ({"symbol": "USDJPY"}, "symbols"),
        ({"symbol": "eurusd"}, "symbols"),
        ({"volume": Decimal("0.51")}, "max_lot"),
        ({"price_time": NOW - timedelta(seconds=11)}, "max_price_age_s"),
        ({"price_time": NOW + timedelta(seconds=11)}, "max_price_age_s"),
    ],
)
def test_each_rule_refuses_what_it_is_for(changes: dict[str, object], broken: str) -> None:
    assert rule(**changes) == broken  # type: ignore[arg-type]


@given(
    action=st.sampled_from([Action.CLOSE, Action.TIGHTEN, Action.CANCEL]),
    state=STATES,
    volume=st.decimals(min_value="0.01", max_value="1000", places=2),
    age=st.integers(-10_000, 10_000_000),
    symbol=st.sampled_from(["EURUSD", "USDJPY"]),
)
def test_reducing_risk_stays_possible(
    action: Action, state: AccountState, volume: Decimal, age: int, symbol: str
) -> None:
    price_time = NOW - timedelta(seconds=age)
    assert rule(state, action=action, volume=volume, price_time=price_time, symbol=symbol) is None


@pytest.mark.parametrize("action", [Action.CLOSE, Action.TIGHTEN])
@pytest.mark.parametrize("changes", [{"deadline": NOW - timedelta(seconds=1)}, {"price_time": None}, {"bid": 0.0}])
def test_but_not_too_late_and_not_without_a_price(action: Action, changes: dict[str, object]) -> None:
    broken = rule(action=action, **changes)  # type: ignore[arg-type]
    assert broken == ("deadline" if "deadline" in changes else "sound_numbers")


def test_a_cancel_needs_no_price_but_is_not_sent_too_late() -> None:
    assert rule(HALTED, action=Action.CANCEL, price_time=None, bid=0.0, ask=0.0) is None
    assert rule(action=Action.CANCEL, deadline=NOW - timedelta(seconds=1)) == "deadline"


@pytest.mark.parametrize(
    ("changes", "broken"),
    [
        ({"state": REDUCING}, "account_state"),
        ({"symbol": "USDJPY"}, "symbols"),
        ({"price_time": NOW - timedelta(seconds=11)}, "max_price_age_s"),
        ({"volume": Decimal(7)}, None),
    ],
)
def test_widening_is_new_risk_but_no_new_volume(changes: dict[str, object], broken: str | None) -> None:
    assert rule(action=Action.WIDEN, **changes) == broken  # type: ignore[arg-type]


def test_the_reason_of_a_late_order_is_its_deadline() -> None:
    refused = refusal(LIMITS, ACTIVE, replace(FACTS, now=NOW + timedelta(seconds=90)))
    assert refused is not None
    assert (refused.reason, "90.0 s ago" in refused.message) == ("deadline", True)


@given(STATES, STATES, st.booleans())
def test_only_a_person_loosens(current: AccountState, wanted: AccountState, clear: bool) -> None:
    order = [ACTIVE, REDUCING, HALTED]
    loosens = order.index(wanted) < order.index(current)
    if loosens and not clear:
        with pytest.raises(Conflict):
            next_state(current, wanted, clear=clear)
    else:
        assert next_state(current, wanted, clear=clear) is wanted
