"""A broker in memory with real bars, one open position, one order waiting, and a record of every order sent."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from tests.support.broker_facts import make_pending, make_position, make_trade
from tests.support.fake_broker import FakeBroker
from tests.support.node_context import AS_OF
from tests.support.series import aggregated, eurusd_h1
from tradeloom.trading.guards import Guard, GuardReport
from tradeloom.trading.intents import OrderIntent, OrderOutcome
from tradeloom.trading.timeframes import Timeframe

WORKFLOW_ID = "wf-1"
TIMEFRAMES = (Timeframe.H1, Timeframe.H4, Timeframe.D1)


class RecordedBroker(FakeBroker):
    on_send: Callable[[dict[str, Any]], None]

    def send(self, intent: OrderIntent) -> OrderOutcome:
        if intent.client_order_id not in self.outcomes:
            self.on_send(intent.model_dump(mode="json"))
        return super().send(intent)

    def guard(self, guard: Guard) -> GuardReport:
        if guard.guard_id not in self.watched.reports:
            self.on_send(guard.model_dump(mode="json"))
        return super().guard(guard)


def open_market(account: str, on_send: Callable[[dict[str, Any]], None], now: datetime = AS_OF) -> RecordedBroker:
    broker = RecordedBroker(
        account,
        now=now,
        history={("EURUSD", frame.value): aggregated(eurusd_h1(), frame) for frame in TIMEFRAMES},
        open_positions=[make_position(7, workflow_id=WORKFLOW_ID)],
        pending=[make_pending(8, workflow_id=WORKFLOW_ID)],
        closed_trades=[
            make_trade(21, closed_at=now - timedelta(days=2), profit=12.5, commission=-0.7, workflow_id=WORKFLOW_ID),
            make_trade(22, closed_at=now - timedelta(days=1), profit=-4.0, reason="stop_loss", workflow_id=WORKFLOW_ID),
            make_trade(23, closed_at=now - timedelta(hours=1), profit=3.0, swap=-0.1, workflow_id=WORKFLOW_ID),
        ],
    )
    broker.on_send = on_send
    return broker
