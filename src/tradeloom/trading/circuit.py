"""A circuit breaker: after too many calls to a bridge that cannot be reached, nobody waits for it for a while.

CLOSED lets every call through. `failures` failed calls within `window_s` open it: calls then fail at once. After
`cool_down_s` one call is let through to probe (HALF_OPEN); its success closes the circuit, its failure opens it again.
Only failures of the transport count. What the bridge or the broker refuses was answered, so the line is sound.
"""

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from tradeloom.errors import BrokerUnavailable

FAILURES: Final = 5
WINDOW_S: Final = 10.0
COOL_DOWN_S: Final = 0.5
"""Short: a node tries again within a second or two, and a bridge that is back by then must not be missed."""


class CircuitStatus(StrEnum):
    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


@dataclass(frozen=True, slots=True)
class CircuitState:
    """How a circuit stands. `failures` within the window; `retry_in_s` until a call is let through again; `opened` and
    `refused` count, since the process began, how often it opened and how many calls it refused."""

    status: CircuitStatus
    failures: int
    retry_in_s: float
    opened: int
    refused: int


class CircuitBreaker:
    """Thread-safe. Each call that `admit` lets through ends in exactly one of `succeeded` and `failed`, with the
    admission it was given."""

    def __init__(
        self,
        *,
        failures: int = FAILURES,
        window_s: float = WINDOW_S,
        cool_down_s: float = COOL_DOWN_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._most = failures
        self._window_s = window_s
        self._cool_down_s = cool_down_s
        self._clock = clock
        self._lock = threading.Lock()
        self._failed_at: deque[float] = deque(maxlen=failures)
        self._open_until: float | None = None
        self._probing = False
        self._generation = 0
        self._opened = 0
        self._refused = 0

    def admit(self) -> int:
        """An admission for one call. Raises `BrokerUnavailable` while the circuit is open: nothing was sent."""
        with self._lock:
            if self._open_until is None:
                return self._generation
            left = self._open_until - self._clock()
            if left <= 0 and not self._probing:
                self._probing = True
                self._generation += 1
                return self._generation
            self._refused += 1
        when = f"it is tried again in {left:.1f} s" if left > 0 else "it is being tried at this moment"
        raise BrokerUnavailable(f"the bridge could not be reached lately; {when}; nothing was sent")

    def succeeded(self, admission: int) -> None:
        with self._lock:
            # A call from before the circuit opened says nothing about the line as it is now.
            if admission == self._generation:
                self._open_until, self._probing = None, False
                self._failed_at.clear()

    def failed(self, admission: int) -> None:
        with self._lock:
            if admission != self._generation:
                return
            now = self._clock()
            self._failed_at.append(now)
            if self._probing or (len(self._failed_at) == self._most and now - self._failed_at[0] <= self._window_s):
                self._open_until, self._probing = now + self._cool_down_s, False
                self._generation += 1
                self._opened += 1

    @property
    def state(self) -> CircuitState:
        with self._lock:
            now = self._clock()
            left = 0.0 if self._open_until is None else max(self._open_until - now, 0.0)
            if self._open_until is None:
                status = CircuitStatus.CLOSED
            else:
                status = CircuitStatus.OPEN if left > 0 and not self._probing else CircuitStatus.HALF_OPEN
            recent = sum(1 for at in self._failed_at if now - at <= self._window_s)
            return CircuitState(status, recent, left, self._opened, self._refused)


_shared: dict[str, CircuitBreaker] = {}
_shared_lock = threading.Lock()


def shared_breaker(endpoint: str) -> CircuitBreaker:
    """The process's one breaker for an endpoint, whoever talks to it."""
    with _shared_lock:
        return _shared.setdefault(endpoint, CircuitBreaker())
