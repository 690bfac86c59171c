from decimal import Decimal
from typing import Any

import pytest
from pydantic import ValidationError

from tests.support.broker_facts import make_position
from tests.unit.nodes.order.guard_cases import guards, make_context, run
from tradeloom.nodes.order.break_even import BreakEven, BreakEvenConfig
from tradeloom.trading.guards import BreakEven as Rule
from tradeloom.trading.intents import Side


def test_waits_for_the_profit() -> None:
    context = make_context(make_position(7))
    output = run(BreakEven, context, trigger=20, offset=1)
    assert (output.status, output.stop_loss) == ("active", None)
    assert guards(context)[0].rule == Rule(trigger=Decimal("0.002"), offset=Decimal("0.0001"))


def test_is_done_at_once_where_the_profit_is_there() -> None:
    context = make_context(make_position(7, price_open=1.095), make_position(8, price_open=1.105, side=Side.SELL))
    output = run(BreakEven, context, trigger=20, offset=1)
    assert (output.status, output.count) == ("done", 0)
    assert [each.stop_loss for each in output.guards] == [1.0951, 1.1049]
    assert output.guards[0].message == "the stop loss secures the entry"


def test_leaves_a_better_stop_alone() -> None:
    context = make_context(make_position(7, price_open=1.095, stop_loss=1.097))
    output = run(BreakEven, context, trigger=20)
    assert (output.status, output.stop_loss) == ("done", 1.097)


def test_goes_together_with_a_trailing_stop() -> None:
    context = make_context(make_position(7))
    run(BreakEven, context, trigger=20)
    context.node_id = "another"
    run(BreakEven, context, trigger=30)
    assert [report.guard.node_id for report in context.broker().guards()] == ["another"]


@pytest.mark.parametrize(
    "config",
    [
        {}, {"trigger": 0}, {"trigger": float("nan")}, {"trigger": 10, "offset": 10}, {"trigger": 10, "offset": -1},
        {"trigger": 10, "offset": float("inf")}, {"trigger": "20"  "x"}, {"trigger": 1e7}, {"trigger": None},
    ],
)  # fmt: skip
def test_bad_configurations(config: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        BreakEvenConfig.model_validate({"symbol": "EURUSD"} | config)
