"""The alarms of a paper terminal, kept in its store so that a restart passes over none."""

from collections.abc import Mapping
from decimal import Decimal

from pydantic import TypeAdapter

from mt5_bridge.alarms import Alarm, PointAlarm
from mt5_bridge.paper.market import Market
from mt5_bridge.paper.store import Store

_KEY = "alarms"
_Alarms = TypeAdapter(dict[str, Alarm])


class Bell:
    """Says when the market is to stop. `points` holds each symbol's point."""

    def __init__(self, store: Store, points: Mapping[str, Decimal]) -> None:
        self._store = store
        self._points = points
        self._alarms = _Alarms.validate_json(store.meta(_KEY) or "{}")
        self._in_points = self._convert()

    def set(self, alarms: Mapping[str, Alarm], market: Market) -> None:
        if alarms == self._alarms:
            return
        with self._store.transaction(durable=False):
            self._store.put_meta(_KEY, _Alarms.dump_json(dict(alarms)).decode())
            # A restart goes on from here: none of the new alarms may ring at what lies behind.
            self._store.put_meta("market_msc", str(market.now_msc))
        self._alarms = dict(alarms)
        self._in_points = self._convert()

    def rings(self, market: Market, changes: int) -> bool:
        """Whether an alarm rings at the standing prices, or the books have changed since there were `changes`."""
        if not self._in_points:
            return False
        if self._store.changes != changes:
            return True
        prices = ((alarm, market.price(name)) for name, alarm in self._in_points.items())
        return any(price is not None and alarm.rings(*price) for alarm, price in prices)

    def _convert(self) -> dict[str, PointAlarm]:
        known = ((name, alarm) for name, alarm in self._alarms.items() if name in self._points)
        return {name: alarm.in_points(self._points[name]) for name, alarm in known}
