"""Market triggers of a workflow that is changed, activated and switched off, here or by another engine."""

import asyncio
from typing import Any

import pytest

from tests.support import loop
from tests.unit.engine.fakes import AS_OF
from tests.unit.engine.test_dispatcher import house
from tests.unit.engine.test_watcher import CANDLES, HOUR, PATIENCE_S, PRICE, Dying, Scene, on_loop, scene, trigger
from tradeloom.engine.dispatcher import StartCommand
from tradeloom.engine.scheduler import Scheduler
from tradeloom.engine.stores import VersionRecord
from tradeloom.errors import StorageUnavailable
from tradeloom.storage.memory.stores import MemoryStores

HIGHER = trigger("trigger.price", price=1.3, condition="crosses_above", overlap="allow")


async def replaced(staged: Scene, node: dict[str, Any], version: str = "v3") -> None:
    """Another version is saved and active; no watcher was told."""
    stores = staged.house.stores
    old = await stores.version("local", "w1", "v1")
    artefact = staged.house.made.blobs.put_artefact(version, {"document": {"nodes": [node]}})
    await stores.save(
        VersionRecord(
            tenant="local",
            workflow_id="w1",
            version=version,
            artefact=artefact,
            definition=old.definition,
            account="paper",
            created_at=AS_OF,
        ),
        name="n",
        description="",
    )
    await stores.set_active("local", "w1", version)


def versions(staged: Scene) -> list[str]:
    return [row.version for row in staged.house.made.rows.executions.values()]


@on_loop
async def test_what_a_replaced_trigger_sees_starts_nothing_and_its_successor_is_watched() -> None:
    async with scene(PRICE) as staged:
        await staged.watcher().start()
        await staged.looks()
        await replaced(staged, HIGHER)
        staged.at(AS_OF + HOUR / 60, bid=1.25)
        await staged.looks()
        assert versions(staged) == []
        staged.at(AS_OF + HOUR / 30, bid=1.35)
        await staged.settle(lambda: len(staged.starts) == 1)
        assert versions(staged) == ["v3"]


@on_loop
async def test_a_workflow_switched_off_elsewhere_is_let_go_of_when_it_would_start() -> None:
    async with scene(PRICE) as staged:
        watcher = staged.watcher()
        await watcher.start()
        await staged.looks()
        await staged.house.stores.set_active("local", "w1", None)
        staged.at(AS_OF + HOUR / 60, bid=1.25)
        await staged.settle(lambda: watcher.watched == [])
        assert staged.starts == []


@on_loop
async def test_two_watchers_of_which_one_hears_of_a_change_neither_miss_nor_mistake_an_event() -> None:
    async with scene(PRICE) as staged:
        told, untold = staged.watcher(), staged.watcher()
        for watcher in (told, untold):
            await watcher.start()
        await staged.looks()
        await replaced(staged, HIGHER)
        await told.refresh("local", "w1")
        await staged.looks()
        staged.at(AS_OF + HOUR / 60, bid=1.25)
        await staged.looks()
        assert versions(staged) == []
        staged.at(AS_OF + HOUR / 30, bid=1.35)
        await staged.settle(lambda: len(staged.starts) == 1)
        await staged.looks()
        assert versions(staged) == ["v3"]


@on_loop
async def test_what_another_engine_changes_is_found() -> None:
    async with scene(CANDLES) as staged:
        await staged.house.stores.set_active("local", "w1", None)
        watcher = staged.watcher(reread_s=0.01)
        await watcher.start()
        assert watcher.watched == []
        await staged.house.stores.set_active("local", "w1", "v1")
        await staged.settle(lambda: watcher.watched == [("w1", "event")])
        await staged.looks()
        staged.at(AS_OF + HOUR)
        await staged.settle(lambda: len(staged.starts) == 1)
        await staged.house.stores.set_active("local", "w1", None)
        await staged.settle(lambda: watcher.watched == [])


@on_loop
async def test_what_a_version_has_seen_counts_for_no_other() -> None:
    async with scene(CANDLES) as staged:
        first = staged.watcher()
        await first.start()
        await staged.looks()
        await first.close()
        await replaced(staged, CANDLES)
        staged.at(AS_OF + 3 * HOUR)
        await staged.watcher().start()
        await staged.looks()
        assert staged.starts == []
        staged.at(AS_OF + 4 * HOUR)
        await staged.settle(lambda: len(staged.starts) == 1)


class Away(MemoryStores):
    """Stores whose database can be away."""

    away = False

    async def version(self, *args: Any) -> VersionRecord:
        if self.away:
            raise StorageUnavailable("The database is away.")
        return await super().version(*args)


@on_loop
async def test_a_workflow_activated_as_the_database_went_away_is_watched_from_then_on() -> None:
    async with scene(CANDLES) as staged:
        stores = staged.house.stores
        stores.__class__ = Away
        assert isinstance(stores, Away)
        watcher = staged.watcher(reread_s=0.01)
        await watcher.start()
        await staged.looks()
        await stores.set_active("local", "w1", None)
        await stores.set_active("local", "w1", "v1")
        stores.away = True
        await watcher.refresh("local", "w1")
        await staged.looks()
        assert watcher.watched == []
        stores.away = False
        staged.at(AS_OF + 3 * HOUR)
        await staged.settle(lambda: watcher.watched == [("w1", "event")])
        await staged.looks()
        assert staged.starts == []
        staged.at(AS_OF + 4 * HOUR)
        await staged.settle(lambda: len(staged.starts) == 1)


class Noting:
    """A dispatcher that cannot reach the database at first, and notes what it is asked."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner
        self.asked: list[StartCommand] = []
        self.away = asyncio.Event()

    async def dispatch(self, command: StartCommand) -> Any:
        self.asked.append(command)
        if not self.away.is_set():
            raise StorageUnavailable("The database is away.")
        return await self._inner.dispatch(command)


@pytest.mark.parametrize(("missed", "session", "expected"), [("skip", "", 0), ("once", "", 1), ("skip", "r1", 1)])
def test_an_event_kept_before_a_crash_starts_hours_later_only_if_it_may(
    missed: str, session: str, expected: int
) -> None:
    async def story() -> None:
        node = trigger("trigger.price", price=1.2, condition="crosses_above", overlap="allow", missed=missed)
        async with scene(node, session=session) as staged:
            dying = Dying(staged.house.dispatcher, after=False)
            first = staged.watcher(dying)
            await first.start()
            await staged.looks()
            staged.at(AS_OF + HOUR / 60, bid=1.25)
            await dying.reached.wait()
            await first.close()
            staged.at(AS_OF + 5 * HOUR)
            await staged.watcher().start()
            await staged.looks()
            assert len(staged.starts) == expected

    loop.run(story())


@on_loop
async def test_an_event_that_waited_for_storage_past_its_time_starts_nothing() -> None:
    node = trigger("trigger.price", price=1.2, condition="crosses_above", overlap="allow", missed="skip")
    async with scene(node) as staged:
        noting = Noting(staged.house.dispatcher)
        await staged.watcher(noting).start()
        await staged.looks()
        seen = AS_OF + HOUR / 60
        staged.at(seen, bid=1.25)
        await staged.settle(lambda: bool(noting.asked))
        staged.at(AS_OF + 5 * HOUR)
        before = len(noting.asked)
        noting.away.set()
        await staged.settle(lambda: len(noting.asked) > before)
        await staged.looks()
        assert staged.starts == []
        assert {each.version for each in noting.asked} == {"v1"}
        assert {each.account for each in noting.asked} == {"paper"}


@on_loop
async def test_what_a_schedule_starts_names_the_account_by_whose_clock_it_fires() -> None:
    async with house() as home:
        noting = Noting(home.dispatcher)
        noting.away.set()
        scheduler = Scheduler(
            workflows=home.stores,
            schedules=home.stores,
            blobs=home.made.blobs,
            dispatcher=noting,
            clock_for_account=lambda account: home.clock,
        )
        await scheduler.start()
        home.clock.set(AS_OF + HOUR / 30)
        async with asyncio.timeout(PATIENCE_S):
            while not noting.asked:
                await asyncio.sleep(0.01)
        await scheduler.close()
        assert {each.account for each in noting.asked} == {"paper"}
