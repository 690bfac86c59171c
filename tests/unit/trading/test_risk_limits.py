from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from tests.unit.trading.test_risk_rules import LIMITS, OWN
from tradeloom.errors import InvalidInput
from tradeloom.trading.limit_changes import changed
from tradeloom.trading.risk_limits import RiskLimits, WorkflowLimits, loosened

AMOUNTS = ("max_lot", "max_notional", "max_symbol_exposure", "max_exposure")
COUNTS = ("max_orders_per_minute", "max_repeats")
PERCENT = ("max_price_distance_pct", "max_daily_loss_pct", "max_drawdown_pct")
LOOSER_WHEN_LESS = ("min_margin_level_pct", "repeat_window_s")


@pytest.mark.parametrize("field", [name for name in RiskLimits.model_fields if name != "workflows"])
def test_no_limit_has_a_default(field: str) -> None:
    values = {key: value for key, value in LIMITS.model_dump().items() if key != field}
    with pytest.raises(ValidationError, match=field):
        RiskLimits(**values)


@pytest.mark.parametrize("field", WorkflowLimits.model_fields)
def test_nor_has_a_workflow_s(field: str) -> None:
    own = {key: value for key, value in OWN.model_dump().items() if key != field}
    for changes in ({"workflow": own}, {"workflows": {"w": own}}):
        with pytest.raises(ValidationError, match=field):
            RiskLimits(**LIMITS.model_dump() | changes)


@pytest.mark.parametrize("value", [0, -1, "NaN", "Infinity", None, "much", [], 1e30])
@pytest.mark.parametrize("field", [*AMOUNTS, *COUNTS, *PERCENT, *LOOSER_WHEN_LESS, "max_price_age_s"])
def test_a_limit_is_a_positive_number(field: str, value: Any) -> None:
    with pytest.raises(ValidationError, match=field):
        RiskLimits(**LIMITS.model_dump() | {field: value})


def test_limits_survive_json() -> None:
    assert RiskLimits.model_validate_json(LIMITS.model_dump_json()) == LIMITS


def test_a_workflow_without_limits_of_its_own_has_those_of_all() -> None:
    assert LIMITS.of_workflow("w") is LIMITS.workflow
    assert LIMITS.of_workflow("big") is LIMITS.workflows["big"]


class TestChanged:
    def test_what_is_not_named_stays(self) -> None:
        assert changed(LIMITS, {}) == LIMITS
        assert changed(LIMITS, {"workflow": {}, "workflows": {}}) == LIMITS
        less = changed(LIMITS, {"max_lot": Decimal("0.1"), "workflow": {"max_notional": Decimal(7)}})
        every = LIMITS.workflow.model_copy(update={"max_notional": Decimal(7)})
        assert less == LIMITS.model_copy(update={"max_lot": Decimal("0.1"), "workflow": every})

    def test_a_workflow_s_own_begin_with_those_of_all_and_can_be_taken_away(self) -> None:
        both = {"workflow": {"max_lot": Decimal(3)}, "workflows": {"new": {"max_orders_per_minute": 2}}}
        own = changed(LIMITS, both).workflows
        assert own["new"] == LIMITS.workflow.model_copy(update={"max_lot": Decimal(3), "max_orders_per_minute": 2})
        assert own["big"] == LIMITS.workflows["big"]
        assert set(changed(LIMITS, {"workflows": {"big": None, "nobody": None}}).workflows) == set(LIMITS.workflows) - {
            "big"
        }

    @pytest.mark.parametrize(
        ("changes", "field"),
        [
            ({"max_lot": Decimal(0)}, "limits.max_lot"),
            ({"what": 1}, "limits.what"),
            ({"workflow": {"max_lot": "NaN"}}, "limits.workflow.max_lot"),
            ({"workflows": {"w": {"symbols": ()}}}, "limits.workflows.w.symbols"),
            ({"workflows": {str(n): {} for n in range(1_001)}}, "limits.workflows"),
        ],
    )
    def test_what_is_no_limit_is_named(self, changes: Any, field: str) -> None:
        with pytest.raises(InvalidInput) as caught:
            changed(LIMITS, changes)
        assert caught.value.field == field


class TestLoosened:
    @pytest.mark.parametrize("field", [*AMOUNTS, *COUNTS, *PERCENT, *LOOSER_WHEN_LESS, "max_price_age_s"])
    def test_more_is_looser_but_for_what_is_a_floor(self, field: str) -> None:
        now = getattr(LIMITS, field)
        for factor, more in ((Decimal(2), True), (Decimal("0.5"), False)):
            then = LIMITS.model_copy(update={field: type(now)(Decimal(str(now)) * factor)})
            assert loosened(LIMITS, then) == ([field] if more != (field in LOOSER_WHEN_LESS) else [])

    def test_another_symbol_is_looser_one_less_is_not(self) -> None:
        more = LIMITS.model_copy(update={"symbols": ("EURUSD", "GBPUSD")})
        assert loosened(LIMITS, more) == ["symbols"]
        assert loosened(more, LIMITS) == []

    def test_a_workflow_s_own_limits_are_held_against_those_it_had(self) -> None:
        less = LIMITS.model_copy(update={"workflows": {}})
        assert loosened(LIMITS, less) == []
        assert loosened(less, LIMITS) == ["workflows.big.max_lot", "workflows.big.max_notional"]

    @given(st.data())
    def test_what_is_not_called_looser_allows_nothing_new(self, data: st.DataObject) -> None:
        changes = {
            field: data.draw(st.sampled_from([Decimal("0.1"), Decimal(10), Decimal(100_000)])) for field in AMOUNTS
        }
        then = LIMITS.model_copy(update=changes)
        looser = loosened(LIMITS, then)
        assert set(looser) == {field for field in AMOUNTS if changes[field] > getattr(LIMITS, field)}


def test_limits_for_paper_are_complete_and_can_be_changed() -> None:
    limits = RiskLimits.for_paper(["EURUSD"], max_lot=Decimal(2), max_price_age_s=60, max_repeats=7)
    assert (limits.max_lot, limits.workflow.max_lot, limits.max_repeats) == (Decimal(2), Decimal(2), 7)
