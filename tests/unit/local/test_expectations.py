"""The dead-man alert: what should have run and did not is told, with why, once."""

from collections.abc import Callable, Coroutine
from dataclasses import replace
from datetime import timedelta
from functools import wraps
from typing import Any

import pytest

from tests.support import loop
from tests.support.documents import document, node
from tests.unit.engine.fakes import AS_OF
from tradeloom.engine.clock import ManualClock
from tradeloom.engine.dispatcher import Dispatched, StartCommand
from tradeloom.engine.journal import Execution
from tradeloom.engine.schedules import ScheduleFault
from tradeloom.engine.stores import VersionRecord
from tradeloom.engine.watched_schedule import start_key
from tradeloom.errors import AccountHalted, StorageUnavailable
from tradeloom.local.expectations import Expectations, Skips
from tradeloom.storage.memory.blobs import MemoryBlobs
from tradeloom.storage.memory.expectations import MemoryExpectations
from tradeloom.storage.memory.journal import MemoryDatabase, MemoryJournal
from tradeloom.storage.memory.stores import MemoryStores

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
EVERY_5 = node("clock", "trigger.schedule", config={"kind": "rate", "expression": "5 minutes"})


def run(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    @wraps(test)
    def ran(*args: Any, **kwargs: Any) -> None:
        loop.run(test(*args, **kwargs))

    return ran


class House:
    """One active workflow, its market's clock, and what outlives a process that dies."""

    def __init__(self, session: str = "") -> None:
        self.market = ManualClock(AS_OF, session=session)
        self.wall = AS_OF
        self.rows, self.stores, self.blobs = MemoryDatabase(), MemoryStores(), MemoryBlobs()
        self.kept = MemoryExpectations()
        self.halted: AccountHalted | None = None
        self.verdict = Dispatched("started", "e1")
        self.journal: MemoryJournal
        self.expectations: Expectations
        self.skips: Skips

    async def up(self, *nodes: dict[str, Any], **settings: Any) -> None:
        """A process begins; with nodes, the workflow is saved and activated first."""
        if nodes:
            await self.activate(*nodes, **settings)
        self.journal = MemoryJournal(self.rows)
        await self.journal.open()
        self.skips = Skips(self)
        self.expectations = Expectations(
            tenant="local", store=self.kept, schedules=self.stores, journal=self.journal, blobs=self.blobs,
            skips=self.skips, clock_for_account=lambda account: self.market, refuses=self.refuses,
            now=lambda: self.wall,
        )  # fmt: skip
        await self.expectations.look()

    async def activate(self, *nodes: dict[str, Any], **settings: Any) -> None:
        drawn = document(list(nodes), settings=settings)
        artefact = self.blobs.put_artefact("v1", {"document": drawn})
        version = VersionRecord(
            tenant="local", workflow_id="w1", version="v1", artefact=artefact, definition="d", account="paper",
            created_at=AS_OF,
        )  # fmt: skip
        await self.stores.save(version, name="Dip buyer", description="")
        await self.stores.set_active("local", "w1", "v1")

    async def refuses(self, version: VersionRecord) -> AccountHalted | None:
        return self.halted

    async def dispatch(self, command: StartCommand) -> Dispatched:
        return self.verdict

    async def skips_at(self, minutes: int, reason: str) -> None:
        self.verdict = Dispatched("skipped", reason=reason)
        key = start_key("clock", self.market, AS_OF + minutes * MINUTE)
        await self.skips.dispatch(StartCommand(workflow_id="w1", trigger="clock", dedupe_key=key))

    async def ran_at(self, minutes: int, **changes: Any) -> None:
        due = AS_OF + minutes * MINUTE
        row = Execution(
            id=f"e{minutes}", tenant="local", workflow_id="w1", version="v1", definition="d", trigger="clock",
            account="paper", run={}, input=None, as_of=due, created_at=self.wall, started_at=self.wall,
            dedupe_key=f"w1:{start_key('clock', self.market, due)}", status="SUCCEEDED",
        )  # fmt: skip
        assert await self.journal.create(replace(row, **changes))

    async def passes(self, minutes: float) -> None:
        self.market.advance(timedelta(minutes=minutes))
        self.wall += timedelta(minutes=minutes)

    async def told(self) -> list[tuple[str, str, str]]:
        found = [each.notification for each in await self.journal.notifications("local")]
        return [(str(each.level), each.title, each.message) for each in found][::-1]


@run
async def test_runs_that_happen_are_not_told() -> None:
    house = House()
    await house.up(EVERY_5)
    for minutes in (5, 10, 15):
        await house.ran_at(minutes)
    await house.passes(18)
    await house.expectations.look()
    assert await house.told() == []


@run
async def test_what_came_due_while_nothing_ran_is_told_after_the_start_once() -> None:
    house = House()
    await house.up(EVERY_5)
    await house.ran_at(5)
    await house.passes(7)
    await house.expectations.look()
    await house.passes(53)
    await house.up()  # the process before was killed, and this one finds what was missed
    ((level, title, message),) = await house.told()
    assert (level, title) == ("error", "Dip buyer did not run 10 times")
    assert "10 times from 2026-01-05 09:10 UTC to 2026-01-05 09:55 UTC market time" in message
    assert "Tradeloom was not running" in message
    await house.expectations.look()
    await house.up()
    assert len(await house.told()) == 1


@run
async def test_each_missed_time_is_told_once_however_often_is_looked() -> None:
    house = House()
    await house.up(EVERY_5)
    told = []
    for _ in range(60):
        await house.passes(0.5)
        await house.expectations.look()
    told = [title for _, title, _ in await house.told()]
    assert told == ["Dip buyer did not run"] * 5, "9:30 may still be started"


@run
async def test_a_crash_between_the_telling_and_the_note_of_it_tells_it_once() -> None:
    house = House()
    await house.up(EVERY_5)
    await house.passes(12)
    keep, calls = house.kept.keep, 0

    async def dies_after_telling(row: Any) -> None:
        nonlocal calls
        calls += 1
        if calls == 2:
            raise StorageUnavailable("killed")
        await keep(row)

    house.kept.keep = dies_after_telling  # type: ignore[assignment, method-assign]
    with pytest.raises(StorageUnavailable):
        await house.expectations.look()
    house.kept.keep = keep  # type: ignore[method-assign]
    await house.passes(5)
    await house.up()
    assert [title for _, title, _ in await house.told()] == ["Dip buyer did not run 2 times"]
    await house.expectations.look()
    assert [title for _, title, _ in await house.told()] == ["Dip buyer did not run 2 times", "Dip buyer did not run"]


@pytest.mark.parametrize(
    ("reason", "level"),
    [("an execution of the workflow is still running", "warning"), ("QuotaExceeded: 60 starts a minute", "error")],
)
@run
async def test_a_skipped_start_is_told_with_the_dispatchers_reason(reason: str, level: str) -> None:
    house = House()
    await house.up(EVERY_5)
    await house.skips_at(5, reason)
    await house.passes(8)
    await house.expectations.look()
    ((said, _, message),) = await house.told()
    assert said == level
    assert reason in message


@run
async def test_a_quarantined_schedule_and_a_halted_account_are_reasons() -> None:
    house = House()
    await house.up(EVERY_5)
    fault = ScheduleFault(
        tenant="local", workflow_id="w1", node="clock", failures=3, rounds=1, error="NotFound",
        reason="The artefact is gone.", failed_at=AS_OF, until=AS_OF + HOUR,
    )  # fmt: skip
    await house.stores.keep_fault(fault)
    await house.passes(8)
    await house.expectations.look()
    assert "set aside: The artefact is gone" in (await house.told())[0][2]
    await house.stores.drop_fault("local", "w1", "clock")
    house.halted = AccountHalted("The account paper was halted by ann")
    await house.passes(5)
    await house.expectations.look()
    assert "halted by ann" in (await house.told())[1][2]


@run
async def test_a_queued_start_whose_turn_never_came_is_told() -> None:
    house = House()
    await house.up(EVERY_5)
    await house.ran_at(5, status="STOPPED", started_at=None, stop_reason="its turn came too late")
    await house.passes(8)
    await house.expectations.look()
    assert "its turn came too late" in (await house.told())[0][2]


@run
async def test_nothing_from_before_an_activation_or_of_an_inactive_workflow_counts() -> None:
    house = House()
    await house.up(EVERY_5)
    await house.stores.set_active("local", "w1", None)
    await house.passes(60)
    await house.expectations.look()
    assert await house.kept.all("local") == []
    await house.stores.set_active("local", "w1", "v1")
    await house.expectations.look()
    await house.passes(4)
    await house.expectations.look()
    assert await house.told() == []


@run
async def test_another_replay_begins_anew() -> None:
    house = House(session="one")
    await house.up(EVERY_5)
    house.market = ManualClock(AS_OF - HOUR, session="two")
    await house.up()
    await house.passes(8)
    await house.expectations.look()
    ((level, _, message),) = await house.told()
    assert level == "warning", "whoever moves a replay knows"
    assert "2026-01-05 08:05 UTC" in message


@run
async def test_silence_is_told_once_and_again_after_the_next_run() -> None:
    house = House()
    await house.up(node("start", "trigger.price", config={}), expect_run_every_s=600)
    await house.passes(9)
    await house.expectations.look()
    assert await house.told() == []
    for _ in range(3):
        await house.passes(5)
        await house.expectations.look()
    ((level, title, message),) = await house.told()
    assert (level, title) == ("error", "Dip buyer is silent")
    assert "was activated at 2026-01-05 09:00 UTC" in message
    await house.ran_at(25)
    await house.ran_at(26, test_mode=True, as_of=AS_OF + 9 * HOUR)
    await house.passes(12)
    await house.expectations.look()
    assert len(await house.told()) == 2
    assert "last ran at 2026-01-05 09:25 UTC" in (await house.told())[1][2]


@run
async def test_a_market_clock_that_stands_is_told() -> None:
    house = House(session="replay")
    await house.up(node("start", "trigger.price", config={}), expect_run_every_s=600)
    house.wall += 11 * MINUTE
    await house.expectations.look()
    await house.expectations.look()
    ((level, title, message),) = await house.told()
    assert (level, title) == ("warning", "Dip buyer waits for its market")
    assert "stands at 2026-01-05 09:00 UTC" in message


@run
async def test_an_execution_that_takes_too_long_is_told_once() -> None:
    house = House()
    await house.up(node("start"), expect_end_within_s=60)
    await house.ran_at(0, id="slow", status="RUNNING")
    await house.ran_at(1, id="done")
    await house.passes(0.9)
    await house.expectations.look()
    assert await house.told() == []
    await house.passes(0.2)
    await house.expectations.look()
    await house.expectations.look()
    (told,) = await house.journal.notifications("local")
    assert (told.notification.title, told.notification.execution_id) == ("An execution takes too long", "slow")
    assert "within 60 s" in told.notification.message


@run
async def test_while_the_scheduler_makes_up_for_what_was_missed_nothing_is_told() -> None:
    house = House()
    await house.up(EVERY_5)
    await house.passes(12)
    await house.expectations.look(tell=False)
    assert await house.told() == []
    await house.expectations.look()
    assert len(await house.told()) == 1


@run
async def test_what_a_policy_may_yet_make_up_for_is_told_a_look_later() -> None:
    """A machine that slept: the scheduler and this wake up together."""
    house = House()
    every = node("clock", "trigger.schedule", config={"kind": "rate", "expression": "5 minutes", "misfire": "once"})
    await house.up(every)
    await house.passes(12)
    await house.expectations.look()
    assert await house.told() == []
    await house.ran_at(10)
    await house.expectations.look()
    assert [title for _, title, _ in await house.told()] == ["Dip buyer did not run"]
