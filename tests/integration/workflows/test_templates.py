"""Every template is run through the local engine on the bundled prices: where it trades, an order goes out. Those that
are examples are run so by tests/integration/cli/test_run.py."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from tests.support.local_machine import RunningMachine
from tests.support.postgres import new_database, postgres_server
from tests.support.template_signals import LEARN, OPEN_NOTHING, SIGNALS, START
from tradeloom.local.market import ACCOUNT, bundled_data

__all__ = ["postgres_server"]


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory, postgres_server: str) -> Iterator[RunningMachine]:
    data = replace(bundled_data(), start=START)
    with RunningMachine(tmp_path_factory.mktemp("market"), new_database(postgres_server), data) as running:
        yield running


def _run(market: RunningMachine, template: str, moment: datetime) -> Any:
    client = market.machine.market.client
    assert client is not None
    broker = client.account(ACCOUNT)
    if broker.market_time() < moment:
        broker.advance(moment)
        market.on_loop(market.machine.clocks[ACCOUNT].read())
    made = market.post("/workflows", market.get(f"/templates/{template}")["document"])
    done = market.execute(made["id"])
    assert done["status"] == "succeeded", done["error"]
    return done


@pytest.mark.parametrize("template", SIGNALS)
def test_it_trades_where_it_would(market: RunningMachine, template: str) -> None:
    orders = _run(market, template, SIGNALS[template])["orders"]
    assert orders
    assert {order["state"] for order in orders} <= {"done", "placed"}, orders


@pytest.mark.parametrize("template", sorted(OPEN_NOTHING | LEARN))
def test_it_runs_beside_them(market: RunningMachine, template: str) -> None:
    done = _run(market, template, max(SIGNALS.values()))
    if template in OPEN_NOTHING:
        assert done["orders"] == []
