"""When a run's events were said, sent, received and shown: joined to one line an event, and what that comes to."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import quantiles
from typing import Any, Final

from tradeloom.engine.events import Event

WAYS: Final = {
    "journal": ("said", "durable"),
    "server": ("durable", "sent"),
    "socket": ("sent", "received"),
    "page": ("received", "painted"),
}
"""The parts of the way: from, to."""
NEVER: Final = float("inf")


@dataclass(frozen=True, slots=True, kw_only=True)
class Times:
    """One event's moments, in milliseconds of the wall clock; `NEVER` for what did not happen."""

    said: float
    durable: float
    sent: float
    received: float
    painted: float


class Seen:
    """What the page noted: see `painted.js`. A change counts as shown when the frame that holds it, or a later one, was
    presented."""

    def __init__(self, noted: Mapping[str, Any]) -> None:
        presented = sorted(noted["presented"])
        self._lines: list[tuple[int, float]] = []
        self._nodes: dict[str, list[tuple[str, float]]] = {}
        for change in noted["changes"]:
            at = next((at for probe, at in presented if probe >= change["probe"]), NEVER)
            if "line" in change:
                self._lines.append((change["line"], at))
            for node, status in change.get("nodes", ()):
                self._nodes.setdefault(node, []).append((status, at))
        self.received = dict(_received(noted["received"]))

    def painted(self, event: Event) -> float:
        """Of a log line: when it or a later one stood in the log. Of a node's start or end: when the node looked so or
        as it came to look later."""
        if event.type == "node.log":
            return next((at for line, at in self._lines if line >= event.seq), NEVER)
        ends = {"succeeded"} if event.type == "node.finished" else {"running", "succeeded"}
        return next((at for status, at in self._nodes.get(event.data["node"], ()) if status in ends), NEVER)


def _received(frames: Iterable[tuple[float, str]]) -> Iterable[tuple[int, float]]:
    for at, text in frames:
        for event in json.loads(text).get("event", ()):
            message = json.loads(event)
            if "seq" in message:
                yield message["seq"], at


def joined(told: Sequence[Event], durable: Mapping[int, float], sent: Mapping[int, float], seen: Seen) -> list[Times]:
    return [
        Times(
            said=event.time.timestamp() * 1000,
            durable=durable.get(event.seq, NEVER),
            sent=sent.get(event.seq, NEVER),
            received=seen.received.get(event.seq, NEVER),
            painted=seen.painted(event),
        )
        for event in told
    ]


def figures(times: Sequence[Times]) -> dict[str, float]:
    """Of the whole way its spread, of each part the middle and the 95th percentile; milliseconds. Those that were
    never shown are counted apart; whoever asks has failed when there are any."""
    shown = [each for each in times if each.painted != NEVER]
    whole = [each.painted - each.said for each in shown]
    cuts = quantiles(whole, n=100)
    told: dict[str, float] = {
        "events": len(times),
        "never_shown": len(times) - len(shown),
        "p50_ms": cuts[49],
        "p95_ms": cuts[94],
        "p99_ms": cuts[98],
        "worst_ms": max(whole),
    }
    for name, (begin, end) in WAYS.items():
        part = quantiles((getattr(each, end) - getattr(each, begin) for each in shown), n=20)
        told |= {f"{name}_p50_ms": part[9], f"{name}_p95_ms": part[18]}
    return told
