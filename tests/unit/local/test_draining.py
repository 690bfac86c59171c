"""How a machine is brought to a stop: nothing new, what was begun within a bound, a second signal at once."""

import asyncio
from dataclasses import dataclass, field

from tests.support.loop import run
from tradeloom.local.draining import drained


@dataclass
class Part:
    closed: bool = False

    async def close(self) -> None:
        self.closed = True


@dataclass
class Standing:
    stopping: bool = False


@dataclass
class Stopping:
    """A machine whose tasks end when they are told to."""

    status: Standing = field(default_factory=Standing)
    scheduler: Part = field(default_factory=Part)
    watcher: Part = field(default_factory=Part)
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    async def drain(self) -> None:
        assert self.status.stopping
        assert self.scheduler.closed
        assert self.watcher.closed
        await self.ended.wait()


def stop(machine: Stopping, within_s: float, *, hurry: bool = False) -> bool:
    async def body() -> bool:
        hurried = asyncio.Event()
        stopping = asyncio.ensure_future(drained(machine, within_s=within_s, hurry=hurried))
        if hurry:
            await asyncio.sleep(0)
            hurried.set()
        return await asyncio.wait_for(stopping, 60)

    return run(body())


def test_tasks_that_end_are_waited_for() -> None:
    machine = Stopping()
    machine.ended.set()
    assert stop(machine, 600)


def test_the_wait_has_a_bound() -> None:
    assert not stop(Stopping(), 0.01)


def test_a_second_signal_waits_for_nothing() -> None:
    assert not stop(Stopping(), 600, hurry=True)
