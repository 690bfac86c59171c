"""Thousands of fire times with two schedulers that are killed at every bad moment, against the table."""

import random
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from tests.support.fire_table import SCHEDULES, ZONES, table
from tests.support.schedule_world import Process, World, settled
from tradeloom.engine.interpreter.times import timestamp

BEGIN = datetime(2026, 3, 27, 12, tzinfo=UTC)
"""Two days before Europe changes its clocks, and nine before Australia does."""
KILLS = ("set_last_fire", "workflow", "last_fires", "drop_fault")
"""Calls in the midst of which a process dies: after a start and before its last fire is kept; before a start."""


@dataclass
class Figures:
    expected: Counter[tuple[str, str]] = field(default_factory=Counter)
    started: Counter[tuple[str, str]] = field(default_factory=Counter)
    kills: int = 0
    in_between: int = 0
    outages: int = 0


def plan(fires: int) -> tuple[dict[str, tuple[str, str]], datetime]:
    """Workflows with their schedule and zone, and a moment by which about so many fire times have passed."""
    known = {f"often{number}": (SCHEDULES[0], zone) for number, zone in enumerate(ZONES)}
    known |= {f"daily{number}": (text, ZONES[number]) for number, text in enumerate(SCHEDULES[1:])}
    return known, BEGIN + timedelta(minutes=10) * (fires / len(ZONES) + 2)


class Chaos:
    def __init__(self, world: World, seed: int) -> None:
        self.world = world
        self.random = random.Random(seed)
        self.processes: list[Process | None] = [None, None]
        self.figures = Figures()

    async def run(self, fires: int) -> Figures:
        known, end = plan(fires)
        for workflow, (text, zone) in known.items():
            config = {"expression": text, "time_zone": zone, "misfire": "all", "misfire_max": 100, "overlap": "allow"}
            await self.world.activate(workflow, config)
        await self._up()
        while self.world.clock.now() < end:
            self._aim()
            minutes = self.random.choice((1, 3, 5, 5, 10, 10, 20))
            if self.random.random() < 0.02:
                self.figures.outages += 1
                await self._down(0, 1)
                minutes = self.random.randint(30, 400)
            self.world.move(timedelta(minutes=minutes, seconds=self.random.randint(0, 59)))
            await self._settle()
            await self._up(chance=0.6)
        await self._up()
        await self._settle()
        await self._up()
        await self._settle()
        until = self.world.clock.now()
        for workflow, (text, zone) in known.items():
            self.figures.expected.update((workflow, timestamp(due)) for due in table(text, zone, BEGIN, until))
        await self._down(0, 1)
        return self.figures

    def _aim(self) -> None:
        """Perhaps one of them is to die in the coming moment."""
        process = self.random.choice(self.processes)
        if process is not None and self.random.random() < 0.3:
            process.lines.cut_at = {self.random.choice(KILLS): self.random.randint(0, 12)}

    async def _settle(self) -> None:
        await settled(*[process for process in self.processes if process is not None])
        for number, process in enumerate(self.processes):
            if process is not None and process.dead:
                self.figures.in_between += 1
                await self._down(number)
            elif process is not None and self.random.random() < 0.05:
                await self._down(number)

    async def _down(self, *numbers: int) -> None:
        for number in numbers:
            process = self.processes[number]
            if process is not None:
                self.figures.kills += 1
                await process.kill()
                self.processes[number] = None

    async def _up(self, *, chance: float = 1.0) -> None:
        for number, process in enumerate(self.processes):
            if process is None and self.random.random() < chance:
                self.processes[number] = await Process(self.world).up()
