"""The clocks a machine gives its executions: known while they run, and no longer."""

import gc
from types import SimpleNamespace
from typing import Any

from tests.unit.engine.fakes import run_info
from tests.unit.local.test_clocks import FakeTerminal
from tradeloom.local.market_clocks import MarketClocks


def clocks() -> MarketClocks:
    client = SimpleNamespace(account=lambda name: FakeTerminal())
    market: Any = SimpleNamespace(client=client, accounts=("paper", "other"), session=lambda name: None)
    return MarketClocks(market)


def test_an_execution_is_awake_until_all_of_it_sleeps() -> None:
    made = clocks()
    rests = {"e1": False}
    made.engine = SimpleNamespace(running=["e1"], rests=lambda run: rests[run])  # type: ignore[assignment]
    clock = made.for_run(run_info("e1"))
    assert made.awake("paper")
    assert not made.awake("other")
    rests["e1"] = True
    assert not made.awake("paper")
    del clock


def test_what_has_ended_is_forgotten() -> None:
    made = clocks()
    held = made.for_run(run_info("e0"))
    for number in range(1, 100):
        made.for_run(run_info(f"e{number}"))
    gc.collect()
    assert dict(made._runs) == {"e0": held}
