"""What a worker counts between two answers: sendings, outcomes, the gate's refusals. It travels with the next answer.

Increments, not totals: the front adds them up, so a worker that is replaced takes nothing back. What a killed worker
had not handed over is missing; these are figures for watching the bridge, and no book.
"""

import json
import math
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

_KEPT = 500
"""More timings than this between two answers are counted and not timed one by one."""


@dataclass
class Tally:
    """`connected` is whether the terminal has its trade server, None while nobody looked. Not thread-safe: one worker
    has one thread."""

    sent_s: list[float] = field(default_factory=list)
    outcomes: Counter[tuple[str, str]] = field(default_factory=Counter)
    refusals: Counter[str] = field(default_factory=Counter)
    connected: bool | None = None

    @contextmanager
    def sending(self) -> Iterator[None]:
        """Times one `order_send`, however it ends."""
        began = time.perf_counter()
        try:
            yield
        finally:
            if len(self.sent_s) < _KEPT:
                self.sent_s.append(time.perf_counter() - began)

    def decided(self, status: str, reason: str | None) -> None:
        """An order got its outcome; a repeated id, answered from the journal, is not counted again."""
        self.outcomes[status, reason or ""] += 1

    def refused(self, rule: str) -> None:
        self.refusals[rule] += 1

    def take(self) -> bytes:
        """Everything since the last time, as JSON; empty when there is nothing to tell."""
        told: dict[str, Any] = {}
        if self.sent_s:
            told["sent_s"] = [round(seconds, 7) for seconds in self.sent_s]
        if self.outcomes:
            told["outcomes"] = [[*key, count] for key, count in self.outcomes.items()]
        if self.refusals:
            told["refusals"] = dict(self.refusals)
        if self.connected is not None:
            told["connected"] = self.connected
        self.sent_s, self.outcomes, self.refusals, self.connected = [], Counter(), Counter(), None
        return json.dumps(told, separators=(",", ":")).encode() if told else b""


def read(told: bytes) -> Tally:
    """What `take` wrote. Raises `ValueError` for anything else."""
    parts = json.loads(told) if told else {}
    try:
        tally = Tally(
            sent_s=[float(seconds) for seconds in parts.get("sent_s", ())],
            outcomes=Counter({(str(status), str(why)): int(count) for status, why, count in parts.get("outcomes", ())}),
            refusals=Counter({str(rule): int(count) for rule, count in parts.get("refusals", {}).items()}),
            connected=parts.get("connected"),
        )
    except (AttributeError, TypeError, OverflowError) as error:
        raise ValueError("not a tally") from error
    sound = all(math.isfinite(seconds) and seconds >= 0 for seconds in tally.sent_s)
    if not sound or not isinstance(tally.connected, bool | None):
        raise ValueError("not a tally")
    return tally
