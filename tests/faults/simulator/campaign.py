"""Many schedules: over all processors, counted, the failures kept."""

import gc
import logging
import os
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing import get_context

from tests.faults.simulator.invariants import broken
from tests.faults.simulator.world import World, run, simulated

_BATCH = 100
_START = "fork" if sys.platform == "linux" else "spawn"
"""A process that is forked need not import everything anew."""
_COLLECT_EVERY = 100
"""Worlds that have ended leave few cycles behind: errors that were kept hold the frames they came through."""


@dataclass(slots=True)
class Findings:
    """What a run of schedules showed. `failures` are (seed, what does not hold); `states` how intents ended."""

    schedules: int = 0
    intents: int = 0
    orders_sent: int = 0
    killed: int = 0
    states: Counter[str] = field(default_factory=Counter)
    failures: list[tuple[int, list[str]]] = field(default_factory=list)

    def add(self, other: "Findings") -> None:
        self.schedules += other.schedules
        self.intents += other.intents
        self.orders_sent += other.orders_sent
        self.killed += other.killed
        self.states += other.states
        self.failures += other.failures

    def count(self, kind: str) -> int:
        """Schedules in which an invariant of this kind (`duplicate`, `unrecorded`, `stuck`…) did not hold."""
        return sum(1 for _, wrong in self.failures if any(text.startswith(kind) for text in wrong))


@contextmanager
def quiet() -> Iterator[None]:
    """The bridge's log and the collector's pauses have no part in a simulation, and nor have the objects that are there
    already in a collection."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    gc.disable()
    gc.freeze()
    try:
        with simulated():
            yield
    finally:
        gc.unfreeze()
        gc.enable()
        logging.disable(before)


def examine(seeds: range) -> Findings:
    """Runs each seed's schedule in this process."""
    findings = Findings()
    with quiet():
        for number, seed in enumerate(seeds, start=1):
            world = run(seed)
            _note(findings, world, broken(world))
            if number % _COLLECT_EVERY == 0:
                gc.collect()
    return findings


def campaign(seeds: range, *, processes: int | None = None) -> Iterator[Findings]:
    """The findings so far, batch after batch."""
    findings = Findings()
    batches = [seeds[start : start + _BATCH] for start in range(0, len(seeds), _BATCH)]
    with get_context(_START).Pool(processes or os.cpu_count() or 1) as pool:
        for found in pool.imap_unordered(examine, batches):
            findings.add(found)
            yield findings


def traced(seed: int) -> tuple[list[str], list[str]]:
    """The seed's steps with their virtual time, and what does not hold."""
    with quiet():
        world = run(seed, tracing=True)
        return world.kernel.trace or [], broken(world)


def _note(findings: Findings, world: World, wrong: list[str]) -> None:
    findings.schedules += 1
    findings.intents += len(world.told)
    findings.orders_sent += len(world.terminal.observed.requests)
    findings.killed += len(world.schedule.strikes)
    for entry in world.disk.orders.values():
        findings.states[str(entry.state)] += 1
    if wrong:
        findings.failures.append((world.schedule.seed, wrong))


class Stopwatch:
    """Schedules a second, for the progress line."""

    def __init__(self) -> None:
        self._began = time.perf_counter()

    @property
    def seconds(self) -> float:
        return time.perf_counter() - self._began

    def rate(self, schedules: int) -> float:
        return schedules / max(self.seconds, 1e-9)
