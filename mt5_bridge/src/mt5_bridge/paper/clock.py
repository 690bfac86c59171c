"""The market clock: it stands, or runs at so many market seconds a wall-clock second; it never goes back."""

import math
import time
from collections.abc import Callable

from tradeloom.errors import InvalidInput

MAX_SPEED = 1e6


class MarketClock:
    """Market time in milliseconds since the epoch (UTC). `wall` gives monotonic seconds; a seam for tests."""

    def __init__(self, position_msc: int, speed: float = 0.0, wall: Callable[[], float] = time.monotonic) -> None:
        self._wall = wall
        self._position = position_msc
        self._anchor = wall()
        self._speed = 0.0
        self._held = False
        self.set_speed(speed)

    @property
    def speed(self) -> float:
        return self._speed

    def now(self) -> int:
        if self._speed == 0.0 or self._held:
            return self._position
        elapsed_s = max(0.0, self._wall() - self._anchor)
        return self._position + int(elapsed_s * self._speed * 1_000)

    def advance(self, to_msc: int) -> None:
        """Moves to `to_msc`; a running clock runs on from there. Raises `InvalidInput` for an earlier time."""
        if to_msc < self.now():
            raise InvalidInput("the market clock cannot go back", field="to")
        self._position, self._anchor, self._held = to_msc, self._wall(), False

    def hold(self, at_msc: int) -> None:
        """Stands at `at_msc`, which the market has not passed, until released or advanced, whatever its speed."""
        self._position, self._held = at_msc, True

    @property
    def is_held(self) -> bool:
        return self._held

    def release(self) -> None:
        """A running clock runs on from where it was held."""
        if self._held:
            self._anchor, self._held = self._wall(), False

    def set_speed(self, speed: float) -> None:
        """0 makes it stand. Raises `InvalidInput` for anything but a number from 0 to `MAX_SPEED`."""
        if not (math.isfinite(speed) and 0 <= speed <= MAX_SPEED):
            raise InvalidInput(f"the clock's speed must be from 0 to {MAX_SPEED:.0f}", field="speed")
        self._position, self._anchor = self.now(), self._wall()
        self._speed = float(speed)
