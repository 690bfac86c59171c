"""When the worker looks at its guards: between calls, as often as the market asks for, and on a replay's way."""

import logging
import time
from collections.abc import Callable
from datetime import datetime

from mt5_bridge.clock import AccountClock
from mt5_bridge.terminal import PipeBroken
from mt5_bridge.trouble import unusable
from mt5_bridge.watcher import Watcher
from tradeloom.errors import StorageUnavailable, TradeloomError
from tradeloom.trading.guards import Guard, GuardReport
from tradeloom.trading.methods import MarketClock

ADVANCE_SLICE_S = 3.0
"""A long advance with many guards' steps on its way is answered in parts: no call may look like a hung terminal."""
_RUNNING_REPLAY_S = 0.02
_AFTER_TROUBLE_S = 1.0

_log = logging.getLogger(__name__)


class GuardDuty:
    """`watcher` is None when guards cannot be watched, `trouble` then says why; a market is never held for it.

    `interval_s` is how often a live market is looked at while there are guards.
    """

    def __init__(
        self,
        watcher: Watcher | None,
        trouble: StorageUnavailable | None,
        clock: AccountClock,
        *,
        interval_s: float,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._watcher = watcher
        self._trouble = trouble
        self._clock = clock
        self._interval_s = interval_s
        self._monotonic = monotonic
        self._due = monotonic()  # once at the start in any case: a replay may stand at an alarm
        self._told: str | None = None
        self.pipe_broken = False
        if watcher is None:
            self._let_go()

    def set(self, guard: Guard) -> GuardReport:
        return self._working().set(guard)

    def remove(self, guard_id: str) -> GuardReport:
        return self._working().remove(guard_id)

    def advance(self, to: datetime) -> MarketClock:
        """Moves a replay on, looking at every quote that matters to a guard. The time it gives may be earlier than
        `to` when the guards took long, or the worker is about to be replaced: to be called again."""
        give_up = self._monotonic() + ADVANCE_SLICE_S
        while self._monotonic() < give_up:
            if not self._is_looked_at():
                if self._watcher is not None and self._watcher.pipe_broken:
                    break
                continue
            reading = self._clock.advance(to)
            if not self._clock.is_held():
                return reading
        return self._clock.reading()

    def _is_looked_at(self) -> bool:
        """Looks at the market as it stands, unless that is done; False when it is not done yet."""
        watcher = self._watcher
        if watcher is None or (watcher.is_current and not self._clock.is_held()):
            return True
        return watcher.look()

    def patience_s(self) -> float | None:
        """How long the worker may wait for a call before `look_if_due`; None: until one comes."""
        wait = None if self._watcher is None else self._wait_s()
        return None if wait is None else max(self._due + wait - self._monotonic(), 0.0)

    def look_if_due(self, *, at_once: bool = False) -> None:
        """Never raises; `pipe_broken` says that the worker must be replaced. `at_once`: positions may have changed."""
        if self._watcher is None:
            return
        wait = self._wait_s()
        is_due = wait is not None and self._monotonic() >= self._due + wait
        if not is_due and not (at_once and self._watcher.is_watching):
            return
        try:
            self._watcher.look()
        except PipeBroken as error:
            self.pipe_broken = True
            self._say(error.message)
        except TradeloomError as error:
            self._say(error.message)
            self._due = self._monotonic() + _AFTER_TROUBLE_S
        except Exception:
            _log.exception("looking at the guards failed")
            self._due = self._monotonic() + _AFTER_TROUBLE_S
        else:
            self._told = None
            self._due = self._monotonic()

    def _wait_s(self) -> float | None:
        """Seconds from `_due` to the next look; None when nothing can change without a call."""
        try:
            return self._market_wait_s()
        except TradeloomError as error:  # a paper terminal whose disk is full, say: calls are told as ever
            self._say(error.message)
            return _AFTER_TROUBLE_S

    def _market_wait_s(self) -> float | None:
        if self._watcher is None:
            return None
        if not self._watcher.is_current or self._clock.is_held():
            return 0.0
        if not self._watcher.is_watching:
            return None
        clock = self._clock.reading()
        if not clock.paper:
            return self._interval_s
        return min(self._interval_s, _RUNNING_REPLAY_S) if clock.speed else None

    def _let_go(self) -> None:
        """A replay must not wait for a watcher that is not there."""
        try:
            self._clock.set_alarms({})
        except TradeloomError as error:
            self._say(error.message)

    def _working(self) -> Watcher:
        if self._watcher is None:
            raise unusable("the guards' file", self._trouble)
        return self._watcher

    def _say(self, message: str) -> None:
        if message != self._told:
            _log.error("the guards are not watched: %s", message)
        self._told = message
