"""Each rule at its limit, one step beyond it, and without what it needs."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradeloom.trading.exposure import Projected
from tradeloom.trading.risk import AccountState, Action
from tradeloom.trading.risk_limits import RiskLimits, WorkflowLimits
from tradeloom.trading.risk_rules import (
    Activity,
    Losses,
    OrderFacts,
    Projection,
    Refusal,
    activity_refusal,
    exposure_refusal,
    loss_refusal,
    lot_refusal,
    refusal,
)

NOW = datetime(2024, 1, 10, 12, tzinfo=UTC)
OWN = WorkflowLimits(
    max_lot=Decimal("0.3"), max_notional=40_000, max_exposure=50_000, max_orders_per_minute=3, max_daily_loss_pct=1
)
LIMITS = RiskLimits(
    max_lot=Decimal("0.5"),
    max_notional=60_000,
    max_symbol_exposure=100_000,
    max_exposure=150_000,
    min_margin_level_pct=200,
    max_price_distance_pct=2,
    max_price_age_s=10,
    max_orders_per_minute=5,
    max_repeats=4,
    repeat_window_s=30,
    max_daily_loss_pct=3,
    max_drawdown_pct=10,
    symbols=("EURUSD",),
    workflow=OWN,
    workflows={"big": OWN.model_copy(update={"max_lot": Decimal("0.5"), "max_notional": Decimal(60_000)})},
)
ORDER = OrderFacts(Action.OPEN, "EURUSD", Decimal("0.3"), 1.0, 1.001, NOW, NOW, NOW + timedelta(minutes=1))
ACTIVITY = Activity("w", orders=4, workflow_orders=2, repeats=3)
LOSSES = Losses("w", Decimal("2.99"), Decimal("9.99"), Decimal("0.99"))


def projection(**changes: object) -> Projection:
    values: dict[str, object] = {
        "workflow_id": "w", "symbol": "EURUSD", "volume": Decimal("0.3"), "notional": Decimal(40_000),
        "in_symbol": Projected(Decimal(0), Decimal(100_000)), "in_all": Projected(Decimal(0), Decimal(150_000)),
        "of_workflow": Projected(Decimal(0), Decimal(50_000)), "equity": Decimal(2_000), "margin": Decimal(1_000),
    }  # fmt: skip
    return Projection(**values | changes)  # type: ignore[arg-type]


def name(refused: Refusal | None) -> str | None:
    return refused.rule if refused else None


def test_what_is_at_every_limit_passes() -> None:
    assert refusal(LIMITS, AccountState.ACTIVE, ORDER) is None
    assert lot_refusal(LIMITS, "w", ORDER.volume) is None
    assert activity_refusal(LIMITS, ACTIVITY) is None
    assert loss_refusal(LIMITS, LOSSES) is None
    assert exposure_refusal(LIMITS, projection()) is None


class TestCollar:
    @pytest.mark.parametrize(
        ("changes", "broken"),
        [
            ({"prices": (1.02,)}, False),  # two percent above the ask is 1.02102
            ({"prices": (1.0211,)}, True),
            ({"prices": (0.98,)}, False),
            ({"prices": (0.9799,)}, True),
            ({"prices": (1.0, 0.5)}, True),  # a stop-limit's limit
            ({"prices": (1.0005,)}, False),  # inside the spread
            ({"prices": (float("nan"),)}, True),
            ({"prices": (float("inf"),)}, True),
            ({"prices": (0.0,)}, True),
            ({"prices": (-1.0,)}, True),
            ({"deviation": 0.02}, False),
            ({"deviation": 0.0201}, True),
            ({"deviation": float("nan")}, True),
            ({"deviation": float("inf")}, True),
        ],
    )
    def test_it_holds_prices_near_the_quote(self, changes: dict[str, object], broken: bool) -> None:
        for action in (Action.OPEN, Action.WIDEN):
            facts = replace(ORDER, action=action, **changes)  # type: ignore[arg-type]
            expected = "max_price_distance_pct" if broken else None
            assert name(refusal(LIMITS, AccountState.ACTIVE, facts)) == expected

    @pytest.mark.parametrize("action", [Action.CLOSE, Action.TIGHTEN, Action.CANCEL])
    def test_leaving_the_market_is_possible_at_any_price(self, action: Action) -> None:
        facts = replace(ORDER, action=action, prices=(9.0,), deviation=9.0)
        assert refusal(LIMITS, AccountState.HALTED, facts) is None


class TestSizes:
    def test_a_workflow_may_be_allowed_less_than_its_account(self) -> None:
        assert name(lot_refusal(LIMITS, "w", Decimal("0.31"))) == "workflow.max_lot"
        assert lot_refusal(LIMITS, "big", Decimal("0.5")) is None
        assert name(refusal(LIMITS, AccountState.ACTIVE, replace(ORDER, volume=Decimal("0.51")))) == "max_lot"

    @pytest.mark.parametrize(
        ("changes", "broken"),
        [
            ({"notional": Decimal("40000.01")}, "workflow.max_notional"),
            ({"notional": Decimal("60000.01")}, "max_notional"),
            ({"notional": Decimal(60_000), "workflow_id": "big"}, None),
            ({"in_symbol": Projected(Decimal(0), Decimal("100000.01"))}, "max_symbol_exposure"),
            ({"in_all": Projected(Decimal(0), Decimal("150000.01"))}, "max_exposure"),
            ({"of_workflow": Projected(Decimal(0), Decimal("50000.01"))}, "workflow.max_exposure"),
            # Too much already: what makes it less passes, what leaves it as it is passes.
            ({"in_all": Projected(Decimal(300_000), Decimal(299_999))}, None),
            ({"in_all": Projected(Decimal(300_000), Decimal(300_000))}, None),
            ({"in_all": Projected(Decimal(300_000), Decimal(300_001))}, "max_exposure"),
            ({"margin": Decimal("1000.01")}, "min_margin_level_pct"),
            ({"equity": Decimal(-1)}, "min_margin_level_pct"),
            ({"margin": Decimal(0)}, None),  # accounts without margin exist
        ],
    )
    def test_exposure_and_margin(self, changes: dict[str, object], broken: str | None) -> None:
        assert name(exposure_refusal(LIMITS, projection(**changes))) == broken


class TestActivity:
    @pytest.mark.parametrize(
        ("changes", "broken"),
        [
            ({"orders": 5}, "max_orders_per_minute"),
            ({"workflow_orders": 3}, "workflow.max_orders_per_minute"),
            ({"repeats": 4}, "max_repeats"),
            ({"throttled": "too often"}, "throttled"),
        ],
    )
    def test_one_too_many(self, changes: dict[str, object], broken: str) -> None:
        refused = activity_refusal(LIMITS, replace(ACTIVITY, **changes))  # type: ignore[arg-type]
        assert name(refused) == broken


class TestLosses:
    @pytest.mark.parametrize(
        ("changes", "broken"),
        [
            ({"day_pct": Decimal(3)}, "max_daily_loss_pct"),
            ({"drawdown_pct": Decimal(10)}, "max_drawdown_pct"),
            ({"workflow_day_pct": Decimal(1)}, "workflow.max_daily_loss_pct"),
        ],
    )
    def test_a_limit_that_is_reached_is_broken(self, changes: dict[str, object], broken: str) -> None:
        assert name(loss_refusal(LIMITS, replace(LOSSES, **changes))) == broken  # type: ignore[arg-type]


@given(
    st.sampled_from(list(Action)),
    st.sampled_from(list(AccountState)),
    *(st.floats(allow_nan=True, allow_infinity=True) for _ in range(4)),
)
def test_no_number_makes_a_rule_fail_or_lets_nonsense_pass(
    action: Action, state: AccountState, bid: float, ask: float, price: float, deviation: float
) -> None:
    facts = replace(ORDER, action=action, bid=bid, ask=ask, prices=(price,), deviation=deviation)
    if refusal(LIMITS, state, facts) is None and action is Action.OPEN:
        assert 0 < bid <= ask
        assert bid * 0.98 <= price * (1 + 1e-12)
        assert price <= ask * 1.02 * (1 + 1e-12)
        assert deviation <= bid * 0.02 * (1 + 1e-12)
        assert state is AccountState.ACTIVE
