"""An order that is certainly not sent, and the one that takes its place: the node on real processes."""

import time
from pathlib import Path
from typing import Any

import pytest

from tests.integration.bridge.rig import MONDAY, Rig
from tests.support.node_context import FakeContext
from tradeloom.errors import Conflict, OrderUnknown
from tradeloom.nodes.order.market import MarketOrder, MarketOrderConfig, MarketOrderOutput
from tradeloom.trading.intents import OutcomeStatus, client_order_id, resend_id

BUY = MarketOrderConfig(symbol="EURUSD", side="buy", volume=0.1, ttl_s=3_600)
SILENCE = {"kind": "timeout", "executed": False}
HORIZON_S = 1.5
PATIENCE_S = 90.0


def run_again_and_again(rig: Rig) -> MarketOrderOutput:
    """As the state machine does: the node runs, and runs again while its order is unknown."""
    brokers: Any = {"paper": rig.broker}
    context = FakeContext(brokers=brokers, as_of=MONDAY)
    give_up = time.monotonic() + PATIENCE_S
    while True:
        try:
            return MarketOrder().run(BUY, context)
        except OrderUnknown:
            assert time.monotonic() < give_up
            time.sleep(0.2)


def test_a_stand_in_is_sent_and_fills_once(tmp_path: Path) -> None:
    with Rig(tmp_path, faults=[SILENCE], account={"history_horizon_s": HORIZON_S}) as rig:
        rig.client._settle_s = 0.3
        output = run_again_and_again(rig)
        first = client_order_id("exec-1", "node")
        entry, stand_in = rig.journal(first), rig.journal(resend_id(first))
        assert entry is not None
        assert stand_in is not None
        assert (entry.state, stand_in.state) == ("not_sent", "done")
        assert rig.deals() == [stand_in.intent.magic]
        assert stand_in.intent.deadline <= entry.intent.deadline
        assert (output.order, output.status) == (stand_in.result and stand_in.result.order, "done")
        assert run_again_and_again(rig) == output  # a run that comes back finds it
        with pytest.raises(Conflict):  # and nobody else may take the same place
            rig.broker.send(stand_in.intent.model_copy(update={"node_id": "other"}))


def test_an_order_that_was_executed_after_all_has_no_stand_in(tmp_path: Path) -> None:
    late = {"kind": "timeout", "executed": True, "history_lag_s": 1}
    with Rig(tmp_path, faults=[late], account={"history_horizon_s": 4.0}) as rig:
        rig.client._settle_s = 0.3
        run_again_and_again(rig)
        order_id = client_order_id("exec-1", "node")
        outcome = rig.broker.outcome(order_id)
        assert outcome is not None
        assert outcome.status is OutcomeStatus.DONE
        assert rig.journal(resend_id(order_id)) is None
        assert len(rig.deals()) == 1
