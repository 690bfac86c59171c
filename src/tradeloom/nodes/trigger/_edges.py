"""When a value that comes again and again reaches a level: a state machine that fires on the edge and re-arms.

Pure: a memory and a value give the next memory and what happened. The memory is JSON, so that a restart goes on where
the last process stopped.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, Self

Condition = Literal["above", "below", "touches", "crosses_above", "crosses_below", "crosses"]
Direction = Literal["up", "down"]

_UP = frozenset({"above", "crosses_above", "crosses"})
_DOWN = frozenset({"below", "crosses_below", "crosses"})


@dataclass(frozen=True, slots=True)
class Memory:
    """What an edge knows of the values before: the last one and its time (seconds since the epoch), which directions
    are armed, and when it last fired."""

    at: float | None = None
    value: float | None = None
    up: bool = False
    down: bool = False
    fired_at: float | None = None

    def as_json(self) -> dict[str, Any]:
        return {"at": self.at, "value": self.value, "up": self.up, "down": self.down, "fired_at": self.fired_at}

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> Self:
        return cls(**{name: stored.get(name, default) for name, default in cls().as_json().items()})


@dataclass(frozen=True, slots=True)
class Edge:
    """A level and how it is to be reached.

    `crosses_above` fires at a value above the level once one at or below `level - hysteresis` was seen, and not again
    before the next such one; `crosses_below` is its mirror, `crosses` is both. `above` and `below` are the same, but
    begin armed: they fire at the first value when it is beyond the level already. `touches` fires when the level lies
    between two values or on one, and again only once a value was further than `hysteresis` from the level. A leap over
    the level counts in all of them. For `cooldown_s` after a fire nothing fires: what happens then is left out, not put
    off.
    """

    condition: Condition
    level: float
    hysteresis: float = 0.0
    cooldown_s: float = 0.0

    def step(self, memory: Memory, at: float, value: float) -> tuple[Memory, Direction | None]:
        """The next memory, and which way the level was reached. A value older than the last one, or no number, is
        left out."""
        if not math.isfinite(value) or (memory.at is not None and at < memory.at):
            return memory, None
        first = memory.value is None
        if first:
            memory = replace(memory, up=self.condition == "above", down=self.condition == "below")
        armed, direction = self._touched(memory, value) if self.condition == "touches" else self._passed(memory, value)
        now = replace(armed, at=at, value=value)
        if direction is None:
            return now, None
        if memory.fired_at is not None and at < memory.fired_at + self.cooldown_s:
            return now, None
        return replace(now, fired_at=at), direction

    def _passed(self, memory: Memory, value: float) -> tuple[Memory, Direction | None]:
        up, down = memory.up, memory.down
        direction: Direction | None = None
        if up and value > self.level:
            direction, up = "up", False
        elif down and value < self.level:
            direction, down = "down", False
        if self.condition in _UP and value <= self.level - self.hysteresis:
            up = True
        if self.condition in _DOWN and value >= self.level + self.hysteresis:
            down = True
        return replace(memory, up=up, down=down), direction

    def _touched(self, memory: Memory, value: float) -> tuple[Memory, Direction | None]:
        """`up` stands for armed in both directions: a touch has none."""
        before = memory.value
        armed = memory.up or before is None
        reached = value == self.level or (before is not None and min(before, value) <= self.level <= max(before, value))
        direction: Direction | None = None
        if armed and reached:
            direction = "down" if before is not None and before > value else "up"
            armed = False
        if not armed and abs(value - self.level) > self.hysteresis:
            armed = True
        return replace(memory, up=armed), direction
