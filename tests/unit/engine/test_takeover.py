"""Several engines on one database: stops that go past the one that runs, and executions that cannot go on."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from tests.support import loop
from tests.support.loop import until
from tests.unit.engine.fakes import AS_OF, Machinery, run_info
from tests.unit.engine.machines import Raised, machine, task
from tests.unit.engine.test_retry import record as retry_of
from tradeloom.engine.clock import Clock, ManualClock
from tradeloom.engine.engine import Engine, StartRequest
from tradeloom.engine.errors import AlreadyStarted, JournalRefused
from tradeloom.engine.journal import Execution, History, RetryRecord
from tradeloom.errors import InvalidInput, StorageUnavailable
from tradeloom.runtime.envelope import RunInfo
from tradeloom.storage.batch import Batch
from tradeloom.storage.memory.journal import MemoryDatabase, MemoryJournal

END = {"Type": "Succeed"}
WAITS = machine({"W": {"Type": "Wait", "Seconds": 60, "Next": "E"}, "E": END})


def start(name: str, definition: Any = WAITS, **more: Any) -> StartRequest:
    return StartRequest(run=run_info(name, **more), definition=definition)


class BrieflyAway(MemoryJournal):
    """Claims, and is away when it is asked for the first history."""

    away = True

    async def history(self, execution_id: str) -> History:
        if self.away:
            self.away = False
            raise StorageUnavailable("the database was started again")
        return await super().history(execution_id)


def test_what_was_claimed_as_the_database_went_away_is_resumed_when_it_is_back() -> None:
    async def body() -> None:
        clock = ManualClock(AS_OF)
        made = Machinery(clock)
        async with made.engine() as engine:
            for name in ("e1", "e2"):
                await engine.start(start(name))
            await until(lambda: len(made.heard("execution.started")) == 2)
        async with made.engine(BrieflyAway(made.rows)) as engine:
            with pytest.raises(StorageUnavailable):
                await engine.resume()
            await engine.stop("e2", "enough")  # nobody runs it yet
            assert await engine.resume() == ["e1", "e2"]
            assert (await engine.result("e2")).status == "STOPPED"
            clock.advance(timedelta(seconds=60))
            assert (await engine.result("e1")).status == "SUCCEEDED"

    loop.run(body())


class SlowToAnswer(MemoryJournal):
    """Its first transaction takes longer than anybody waits."""

    def __init__(self, rows: MemoryDatabase) -> None:
        super().__init__(rows, patience_s=0.05)
        self.answers = asyncio.Event()

    async def _commit(self, batch: Batch) -> set[str]:
        await self.answers.wait()
        return await super()._commit(batch)


def test_a_start_that_was_refused_and_made_all_the_same_runs_once() -> None:
    """The schedule that fired it tries again, and is told that it was started before."""

    async def body() -> None:
        made = Machinery(ManualClock(AS_OF))
        journal = SlowToAnswer(made.rows)
        async with made.engine(journal) as engine:
            await engine.resume()
            asked = StartRequest(run=run_info("e1"), definition=machine({"E": END}), dedupe_key="fire")
            with pytest.raises(JournalRefused):
                await engine.start(asked)
            journal.answers.set()
            await until(lambda: "e1" in made.rows.executions)
            with pytest.raises(AlreadyStarted):
                await engine.start(asked)
            await until(lambda: made.heard("execution.finished"))
            assert made.heard("execution.finished") == [("execution.finished", "SUCCEEDED")]

    loop.run(body())


class AnswerLost(MemoryJournal):
    """Reopens, and never says so."""

    async def reopen(self, tenant: str, retry: RetryRecord) -> Execution | None:
        await super().reopen(tenant, retry)
        raise StorageUnavailable("the answer was lost")


def test_what_was_reopened_without_word_of_it_goes_on_with_the_next_look(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tradeloom.engine.engine.REOPEN_AGAIN_S", ())

    async def body() -> None:
        broken = [True]

        def flaky(payload: Any, invocation: Any) -> str:
            if broken:
                raise Raised("Flaky")
            return "good"

        made = Machinery(ManualClock(AS_OF), flaky=flaky)
        async with made.engine(AnswerLost(made.rows)) as engine:
            await engine.start(start("e1", machine({"F-f": task("flaky", {"node": "f"})})))
            row = await engine.result("e1")
            assert row.status == "FAILED"
            broken.clear()
            with pytest.raises(StorageUnavailable):
                await engine.retry(row, retry_of(row, made))
            assert await engine.resume() == ["e1"]
            assert (await engine.result("e1")).status == "SUCCEEDED"

    loop.run(body())


def test_an_execution_that_cannot_go_on_holds_up_no_other() -> None:
    async def body() -> None:
        clock = ManualClock(AS_OF)
        made = Machinery(clock)

        def clock_of(run: RunInfo) -> Clock:
            if run.account == "gone":
                raise InvalidInput("There is no account 'gone' on this machine.")
            return clock

        async with made.engine() as engine:
            await engine.start(start("e1", account="gone"))
            await engine.start(start("e2"))
            await until(lambda: len(made.heard("execution.started")) == 2)
        journal = MemoryJournal(made.rows)
        await journal.open()
        engine = Engine(
            journal=journal,
            workers=made.workers,
            blobs=made.blobs,
            is_effect=lambda function: False,
            clock_for=clock_of,
        )
        assert await engine.resume() == ["e2"]
        clock.advance(timedelta(seconds=60))
        assert (await engine.result("e2")).status == "SUCCEEDED"
        await engine.close()
        await journal.close()

    loop.run(body())


def test_nothing_acts_after_a_stop_nobody_was_told_of() -> None:
    """Another engine took the stop, and its word was lost: before it acts, an execution looks itself."""

    async def body() -> None:
        asked = asyncio.Event()
        go = asyncio.Event()
        acted = []

        async def act(payload: Any, invocation: Any) -> None:
            asked.set()
            await go.wait()
            await invocation.on_ask("may_act", {"execution_id": "e1", "node": "act"})
            acted.append(1)

        made = Machinery(ManualClock(AS_OF), act=act)
        other = MemoryJournal(made.rows)
        async with made.engine() as engine:
            await engine.start(start("e1", machine({"Act-act": task("act", {"node": "act"})})))
            await asked.wait()
            await other.request_stop("local", "e1", "enough")
            go.set()
            row = await engine.result("e1")
            assert not acted
            assert row.error is not None
            assert row.error["name"] == "ExecutionStopped"

    loop.run(body())


def test_where_word_of_others_was_lost_every_execution_is_looked_at() -> None:
    async def body() -> None:
        made = Machinery(ManualClock(AS_OF))
        journal, other = MemoryJournal(made.rows), MemoryJournal(made.rows)
        async with made.engine(journal) as engine:
            await engine.start(start("e1"))
            await until(lambda: made.heard("execution.started"))
            await other.request_stop("local", "e1", "enough")
            journal.on_hint([])
            row = await engine.result("e1")
            assert (row.status, row.stop_reason) == ("STOPPED", "enough")

    loop.run(body())
