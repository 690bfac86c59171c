"""An account's market clock: the wall clock live, the replay's clock on paper. One seam for both."""

import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Protocol

from mt5_bridge.alarms import Alarm
from mt5_bridge.terminal import PaperControl
from tradeloom.errors import Conflict
from tradeloom.trading.methods import MarketClock


class AccountClock(Protocol):
    """`advance`, `set_speed` and `next_event_time` raise `Conflict` where time is not ours to move.

    A replay stands from `hold`, or from an alarm it came to, until `set_alarms`; real time cannot, and knows no alarms.
    """

    def now(self) -> datetime: ...
    def reading(self) -> MarketClock: ...
    def advance(self, to: datetime) -> MarketClock: ...
    def set_speed(self, speed: float) -> MarketClock: ...
    def next_event_time(self) -> datetime | None: ...
    def hold(self) -> None: ...
    def is_held(self) -> bool: ...
    def set_alarms(self, alarms: Mapping[str, Alarm]) -> None: ...


class WallClock:
    """Market time on a real terminal."""

    def now(self) -> datetime:
        return datetime.fromtimestamp(time.time(), tz=UTC)

    def reading(self) -> MarketClock:
        return MarketClock(time=self.now(), speed=1.0, paper=False)

    def advance(self, to: datetime) -> MarketClock:
        raise _not_ours()

    def set_speed(self, speed: float) -> MarketClock:
        raise _not_ours()

    def next_event_time(self) -> datetime | None:
        raise _not_ours()

    def hold(self) -> None:
        pass

    def is_held(self) -> bool:
        return False

    def set_alarms(self, alarms: Mapping[str, Alarm]) -> None:
        pass


class ReplayClock:
    """Market time on the paper terminal."""

    def __init__(self, control: PaperControl) -> None:
        self._control = control

    def now(self) -> datetime:
        return self._control.market_time()

    def reading(self) -> MarketClock:
        return MarketClock(time=self._control.market_time(), speed=self._control.speed(), paper=True)

    def advance(self, to: datetime) -> MarketClock:
        self._control.advance(to)
        return self.reading()

    def set_speed(self, speed: float) -> MarketClock:
        self._control.set_speed(speed)
        return self.reading()

    def next_event_time(self) -> datetime | None:
        return self._control.next_event_time()

    def hold(self) -> None:
        self._control.hold()

    def is_held(self) -> bool:
        return self._control.is_held()

    def set_alarms(self, alarms: Mapping[str, Alarm]) -> None:
        self._control.set_alarms(alarms)


def _not_ours() -> Conflict:
    return Conflict("only a paper account's clock can be read ahead or moved", field="account")
