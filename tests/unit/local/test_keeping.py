"""Dead servers are started again, with growing pauses while that fails."""

import asyncio
from collections.abc import Callable

import pytest

from tradeloom.errors import BrokerUnavailable, StorageUnavailable
from tradeloom.local.keeping import Keeper

pytestmark = pytest.mark.enable_socket  # an event loop has a pair of its own


class FakeBridge:
    def __init__(self) -> None:
        self.up = True
        self.failures = 0
        self.revived = 0

    def alive(self) -> bool:
        return self.up

    def revive(self) -> None:
        if self.failures:
            self.failures -= 1
            raise BrokerUnavailable("no reason given")
        self.revived += 1
        self.up = True


class FakeDatabase:
    def __init__(self) -> None:
        self.silent = 0
        self.calls: list[str] = []

    async def ping(self) -> None:
        if self.silent:
            self.silent -= 1
            raise StorageUnavailable("nobody answers")

    def stop(self) -> None:
        self.calls.append("stop")
        raise RuntimeError("pg_ctl: no server running")

    def start(self) -> str:
        self.calls.append("start")
        return ""


def _kept(bridge: FakeBridge, database: FakeDatabase, until: Callable[[], bool] = lambda: True) -> None:
    """Looks at them until it has become so, and a while longer."""

    async def work() -> None:
        keeping = asyncio.ensure_future(Keeper(bridge, database, database.ping, look_s=0.01).keep())
        async with asyncio.timeout(60):
            while not until():
                await asyncio.sleep(0.01)
        await asyncio.sleep(0.1)
        assert not keeping.done()
        keeping.cancel()

    asyncio.run(work())


def test_what_lives_is_left_alone() -> None:
    bridge, database = FakeBridge(), FakeDatabase()
    _kept(bridge, database)
    assert (bridge.revived, database.calls) == (0, [])


def test_a_dead_bridge_is_started_until_it_stays() -> None:
    bridge, database = FakeBridge(), FakeDatabase()
    bridge.up, bridge.failures = False, 2
    _kept(bridge, database, lambda: bridge.up)
    assert (bridge.revived, bridge.failures) == (1, 0)


def test_one_silent_ping_is_a_hiccup_two_are_a_death() -> None:
    bridge, database = FakeBridge(), FakeDatabase()
    database.silent = 1
    _kept(bridge, database, lambda: not database.silent)
    assert database.calls == []
    database.silent = 2
    _kept(bridge, database, lambda: "start" in database.calls)
    assert database.calls == ["stop", "start"]
