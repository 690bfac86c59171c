"""What a person types after `tradeloom limits set ACCOUNT`."""

from typing import Any

import pytest

from tradeloom.cli.limits import _ABOUT, _changes, _said
from tradeloom.errors import InvalidInput
from tradeloom.trading.risk_limits import RiskLimits


@pytest.mark.parametrize(
    ("words", "changes"),
    [
        (["max_lot=0.5"], {"max_lot": "0.5"}),
        (["symbols=EURUSD, GBPUSD,"], {"symbols": ["EURUSD", "GBPUSD"]}),
        (
            ["workflow.max_lot=0.2", "workflow.max_notional=7"],
            {"workflow": {"max_lot": "0.2", "max_notional": "7"}},
        ),
        (
            ["workflows.wf-1.max_lot=1", "workflows.a.b.max_lot=2", "workflows.wf-2=None"],
            {"workflows": {"wf-1": {"max_lot": "1"}, "a.b": {"max_lot": "2"}, "wf-2": None}},
        ),
        (["nonsense=1"], {"nonsense": "1"}),  # which limits there are is judged next
    ],
)
def test_it_becomes_what_the_api_wants(words: list[str], changes: dict[str, Any]) -> None:
    assert _changes(words) == changes


@pytest.mark.parametrize(
    ("words", "field"),
    [
        (["max_lot"], "max_lot"),
        (["max_lot="], "max_lot"),
        (["=1"], "LIMIT=VALUE"),
        (["max_lot=1", "max_lot=2"], "max_lot"),
        (["workflow=1"], "workflow"),
        (["workflows=none"], "workflows"),
        (["workflows.wf-1=1"], "workflows.wf-1"),
        (["workflows.wf-1.max_lot=none"], "workflows.wf-1.max_lot"),
        (["workflow.max_lot=none"], "workflow.max_lot"),
        (["workflows.w=none", "workflows.w.max_lot=1"], "workflows.w.max_lot"),
        (["workflows.w.max_lot=1", "workflows.w=none"], "workflows.w"),
    ],
)
def test_what_says_nothing_is_named(words: list[str], field: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        _changes(words)
    assert caught.value.field == field


def test_every_number_among_the_limits_is_explained() -> None:
    assert set(_ABOUT) == set(RiskLimits.model_fields) - {"symbols", "workflow", "workflows"}


@pytest.mark.parametrize(
    ("value", "unit", "said"),
    [
        ("0.50", "lots", "0.5 lots"),
        ("1E+13", "USD", "10,000,000,000,000 USD"),
        (60.0, "s", "60 s"),
        (0.1, "%", "0.1 %"),
        (20, "", "20"),
        (["EURUSD", "GBPUSD"], "", "EURUSD, GBPUSD"),
        (None, "%", ""),
    ],
)
def test_a_limit_is_said_as_a_person_reads_it(value: Any, unit: str, said: str) -> None:
    assert _said(value, unit) == said
