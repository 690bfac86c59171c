"""A broker in memory with real bars, one open position, and a record of every order sent."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from tests.support.fake_broker import FakeBroker, make_position
from tests.support.node_context import AS_OF
from tests.support.series import aggregated, eurusd_h1
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


def open_market(account: str, on_send: Callable[[dict[str, Any]], None], now: datetime = AS_OF) -> RecordedBroker:
    broker = RecordedBroker(
        account,
        now=now,
        history={("EURUSD", frame.value): aggregated(eurusd_h1(), frame) for frame in TIMEFRAMES},
        open_positions=[make_position(7, workflow_id=WORKFLOW_ID)],
    )
    broker.on_send = on_send
    return broker
