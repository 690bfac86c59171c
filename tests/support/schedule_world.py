"""Schedulers on one database, under a clock the test moves: processes come up, are killed, and come up again."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from tests.unit.engine.fakes import FunctionWorkers
from tests.unit.engine.machines import machine, task
from tradeloom.accounts.quotas import QuotaGate
from tradeloom.engine import codec
from tradeloom.engine.clock import ManualClock
from tradeloom.engine.dispatcher import Dispatcher
from tradeloom.engine.engine import Engine
from tradeloom.engine.journal import Execution, Journal
from tradeloom.engine.permission import ActiveVersions
from tradeloom.engine.scheduler import Scheduler
from tradeloom.engine.schedules import ScheduleFault
from tradeloom.engine.stores import VersionRecord
from tradeloom.errors import StorageUnavailable
from tradeloom.storage.memory.blobs import MemoryBlobs

PATIENCE_S = 60.0


class Lines:
    """A process's way to the stores. Cut, nothing gets through any more. `cut_at` names calls that cut it: the process
    dies at that moment, after `spare` of them."""

    def __init__(self, stores: Any) -> None:
        self._stores = stores
        self.cut = False
        self.cut_at: dict[str, int] = {}
        self.asked: dict[str, int] = {}

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._stores, name)

        async def through(*args: Any, **kwargs: Any) -> Any:
            self.asked[name] = self.asked.get(name, 0) + 1
            if name in self.cut_at:
                self.cut_at[name] -= 1
                self.cut |= self.cut_at[name] < 0
            if self.cut:
                raise StorageUnavailable("This process is dead.")
            return await method(*args, **kwargs)

        return through


class World:
    """What outlives processes. `open_journal` gives another engine's journal on the same rows."""

    def __init__(self, start: datetime, stores: Any, open_journal: Callable[[], Journal]) -> None:
        self.clock = ManualClock(start)
        self.wall = ManualClock(start)
        self.stores = stores
        self.open_journal = open_journal
        self.blobs = MemoryBlobs()
        self.workers = FunctionWorkers({"f": lambda payload, invocation: asyncio.sleep(0)})
        self.aside: list[ScheduleFault] = []
        self._definition = self.blobs.put(codec.dumps(machine({"A": task("f")})).encode())

    async def save(self, workflow: str, version: str, *schedules: dict[str, Any], account: str = "paper") -> None:
        """A version with one schedule node for each config: `s0`, `s1` …"""
        nodes = [
            {"id": f"s{number}", "type": "trigger.schedule", "config": config}
            for number, config in enumerate(schedules)
        ]
        artefact = self.blobs.put_artefact(version, {"document": {"nodes": nodes}})
        record = VersionRecord(
            tenant="local",
            workflow_id=workflow,
            version=version,
            artefact=artefact,
            definition=self._definition,
            account=account,
            created_at=self.clock.now(),
        )
        await self.stores.save(record, name=workflow, description="")

    async def activate(self, workflow: str, *schedules: dict[str, Any], version: str = "") -> None:
        version = version or f"{workflow}-v1"
        await self.save(workflow, version, *schedules)
        await self.stores.set_active("local", workflow, version)

    def move(self, by: timedelta) -> None:
        self.wall.advance(by)
        self.clock.advance(by)


class Process:
    """One engine with its dispatcher and scheduler."""

    def __init__(self, world: World, *, quota: QuotaGate | None = None, workers: Any = None) -> None:
        self.lines = Lines(world.stores)
        self.world = world
        self.journal = world.open_journal()
        self.engine = Engine(
            journal=self.journal,
            workers=workers or world.workers,
            blobs=world.blobs,
            is_effect=lambda function: False,
            clock=world.wall,
            clock_for=lambda run: world.clock,
            permit=ActiveVersions(self.lines, self.journal),
            grace_s=0,
        )
        self.dispatcher = Dispatcher(
            engine=self.engine,
            journal=self.journal,
            workflows=self.lines,
            clock_for_account=self.clock_of,
            clock=world.wall,
            quota=quota,
        )
        self.scheduler = Scheduler(
            workflows=self.lines,
            schedules=self.lines,
            blobs=world.blobs,
            dispatcher=self.dispatcher,
            clock_for_account=self.clock_of,
            wall=world.wall,
            on_quarantine=world.aside.append,
        )

    def clock_of(self, account: str) -> ManualClock:
        if account != "paper":
            raise LookupError(f"no account {account}")
        return self.world.clock

    async def up(self) -> "Process":
        await self.journal.open()
        await self.engine.resume()
        await self.scheduler.start()
        return self

    async def kill(self) -> None:
        """No last word reaches the stores."""
        self.lines.cut = True
        await self.scheduler.close()
        await self.engine.close()
        await self.journal.close()

    @property
    def dead(self) -> bool:
        return self.lines.cut

    @property
    def quiet(self) -> bool:
        """Nothing is due, being decided or running."""
        return self.dead or not (self.scheduler.busy("paper") or self.engine.running)


async def settled(*processes: Process) -> None:
    """Return once there is nothing left to do before the clock moves."""
    async with asyncio.timeout(PATIENCE_S):
        still = turns = 0
        while still < 3:
            turns += 1
            await asyncio.sleep(0 if turns < 100 else 0.001)
            still = still + 1 if all(process.quiet for process in processes) else 0


def starts(rows: list[Execution]) -> list[tuple[str, str, str]]:
    """(workflow, node, fire time) of executions, sorted."""
    return sorted((row.workflow_id, row.trigger, row.run["payload"]["scheduled_at"]) for row in rows)
