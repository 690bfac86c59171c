"""A `Look` over a fake broker, as the watcher makes it over a real one."""

from datetime import datetime

from tests.support.fake_broker import FakeBroker
from tradeloom.engine.market_look import MarketLook


def look_at(broker: FakeBroker, now: datetime) -> MarketLook:
    """The broker's market at `now`; its history is cut there by itself, its quotes are the test's to set."""
    broker.now = now
    return MarketLook(broker)
