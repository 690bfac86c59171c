from decimal import Decimal
from typing import Any

import pytest
from pydantic import ValidationError

from tests.support.broker_facts import make_position
from tests.unit.nodes.order.guard_cases import guards, make_context, run
from tradeloom.errors import NodeConfigError
from tradeloom.nodes.order.partial_close import PartialClose, PartialCloseConfig
from tradeloom.trading.guards import PartialClose as Rule


def volumes(context: Any) -> list[Decimal]:
    return [position.volume for position in context.broker().open_positions]


def test_waits_for_the_profit() -> None:
    context = make_context(make_position(7))
    output = run(PartialClose, context, trigger=25, percent=37.5, deviation=7)
    assert (output.status, volumes(context)) == ("active", [Decimal("0.10")])
    assert guards(context)[0].rule == Rule(trigger=Decimal("0.0025"), fraction=Decimal("0.375"), deviation=7)


def test_closes_once_whatever_runs_again() -> None:
    context = make_context(make_position(7, price_open=1.09))
    for execution in ("exec-1", "exec-1", "exec-2", "exec-3"):
        context.execution_id = execution
        assert run(PartialClose, context, trigger=25).status == "done"
    assert volumes(context) == [Decimal("0.05")]


def test_several_nodes_close_several_parts() -> None:
    context = make_context(make_position(7, price_open=1.09))
    for node in ("first", "second"):
        context.node_id = node
        run(PartialClose, context, trigger=25, part="lots", lots=0.03)
    assert volumes(context) == [Decimal("0.04")]


def test_then_secures_the_entry() -> None:
    context = make_context(make_position(7, price_open=1.09))
    run(PartialClose, context, trigger=25, then_break_even=True, offset=2)
    report = context.broker().watched.look(context.broker(), guards(context)[0].guard_id)
    assert (report.moves, report.stop_loss) == (2, 1.0902)


@pytest.mark.parametrize(
    ("config", "field"),
    [({"percent": 5}, "config.percent"), ({"part": "lots", "lots": 0.009}, "config.lots")],
)
def test_a_part_that_is_no_order_is_refused_before_the_profit_comes(config: dict[str, Any], field: str) -> None:
    context = make_context(make_position(7))
    with pytest.raises(NodeConfigError, match="smallest order") as caught:
        run(PartialClose, context, trigger=25, **config)
    assert caught.value.field == field
    assert guards(context) == []


def test_more_lots_than_there_are_means_what_there_is() -> None:
    context = make_context(make_position(7))
    assert run(PartialClose, context, trigger=25, part="lots", lots=3).status == "active"


@pytest.mark.parametrize(
    "config",
    [
        {}, {"trigger": 0}, {"trigger": 10, "percent": 100}, {"trigger": 10, "percent": 0},
        {"trigger": 10, "percent": None}, {"trigger": 10, "percent": float("nan")}, {"trigger": 10, "part": "lots"},
        {"trigger": 10, "part": "lots", "lots": -1}, {"trigger": 10, "part": "lots", "lots": float("inf")},
        {"trigger": 10, "then_break_even": True, "offset": 10}, {"trigger": 10, "deviation": 1.5},
        {"trigger": 10, "part": "half"},
    ],
)  # fmt: skip
def test_bad_configurations(config: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        PartialCloseConfig.model_validate({"symbol": "EURUSD"} | config)
