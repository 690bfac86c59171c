"""What is said of a limit that cannot be: which, and what it may be."""

from decimal import Decimal
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from tradeloom.api.models.limits import LimitsChange
from tradeloom.errors import InvalidInput
from tradeloom.trading.limit_changes import allowed, changed, refusal
from tradeloom.trading.risk_limits import RiskLimits


@pytest.mark.parametrize(
    ("changes", "field", "message", "hint"),
    [
        ({"max_lot": "0"}, "max_lot", "cannot be '0'", "a number above 0 up to 1,000,000,000,000,000,000"),
        ({"max_lot": "much"}, "max_lot", "cannot be 'much'", "a number above 0"),
        ({"max_repeats": "1.5"}, "max_repeats", "cannot be '1.5'", "a whole number from 1 up to 1,000,000"),
        ({"max_daily_loss_pct": 101}, "max_daily_loss_pct", "cannot be 101", "up to 100"),
        ({"symbols": []}, "symbols", "cannot be []", "names of symbols"),
        ({"symbols": ["EURUSD", ""]}, "symbols.1", "cannot be ''", "names of symbols"),
        ({"workflow": {"max_lot": -1}}, "workflow.max_lot", "cannot be -1", "a number above 0"),
        ({"workflows": {"wf-1": {"max_lot": -1}}}, "workflows.wf-1.max_lot", "cannot be -1", "a number above 0"),
        ({"workflows": {"wf-1": 3}}, "workflows.wf-1", "cannot be 3", "limits of workflows (max_lot, "),
        ({"nonsense": 1}, "nonsense", "There is no limit", "min_margin_level_pct"),
        ({"workflow": {"symbols": ["EURUSD"]}}, "workflow.symbols", "There is no limit", "max_lot, max_notional"),
    ],
)
def test_it_is_named_with_what_it_may_be(changes: dict[str, Any], field: str, message: str, hint: str) -> None:
    with pytest.raises(ValidationError) as caught:
        TypeAdapter(LimitsChange).validate_python(changes)
    told = refusal(caught.value)
    assert told.field == f"limits.{field}"
    assert f"limits.{field}" in told.message
    assert message in told.message
    assert hint in (told.hint or "")
    assert "Input should" not in told.message


def test_a_long_value_is_cut() -> None:
    with pytest.raises(ValidationError) as caught:
        TypeAdapter(LimitsChange).validate_python({"max_lot": "9" * 5_000})
    assert len(refusal(caught.value).message) < 100


def test_every_limit_is_put_in_words() -> None:
    assert all(allowed(name) for name in RiskLimits.model_fields)


def test_a_change_that_cannot_be_is_refused_alike() -> None:
    limits = RiskLimits.for_paper(["EURUSD"], max_lot=Decimal(1), max_price_age_s=60)
    assert changed(limits, {"workflow": {"max_lot": "0.2"}}).workflow.max_lot == Decimal("0.2")
    with pytest.raises(InvalidInput) as caught:
        changed(limits, {"max_drawdown_pct": 0})
    assert (caught.value.field, caught.value.hint) == (
        "limits.max_drawdown_pct",
        "It is a number above 0 up to 100.",
    )
