"""The door for starts, and the permit."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest

from tests.support import loop
from tests.support.loop import until
from tests.unit.engine.fakes import AS_OF, Machinery
from tests.unit.engine.machines import machine, task
from tradeloom.engine import codec
from tradeloom.engine.clock import ManualClock
from tradeloom.engine.dispatcher import Dispatcher, StartCommand
from tradeloom.engine.engine import Engine
from tradeloom.engine.journal import Execution
from tradeloom.engine.permission import ActiveVersions
from tradeloom.engine.scheduler import Scheduler
from tradeloom.engine.stores import VersionRecord
from tradeloom.errors import AccountHalted, ExecutionStopped, NotFound
from tradeloom.storage.memory.journal import MemoryJournal
from tradeloom.storage.memory.stores import MemoryStores

SCHEDULED = {"id": "sched", "type": "trigger.schedule", "config": {"expression": "rate(1 minute)", "overlap": "allow"}}


@dataclass
class House:
    """An engine with its dispatcher, its stores, and one workflow `w1` of two versions."""

    made: Machinery
    clock: ManualClock
    stores: MemoryStores
    engine: Engine
    dispatcher: Dispatcher
    journal: MemoryJournal

    def scheduler(self) -> Scheduler:
        return Scheduler(
            workflows=self.stores,
            schedules=self.stores,
            blobs=self.made.blobs,
            dispatcher=self.dispatcher,
            clock_for_account=lambda account: self.clock,
        )

    async def executions(self) -> list[Execution]:
        rows = list(self.made.rows.executions.values())
        return sorted(rows, key=lambda row: row.run["payload"].get("scheduled_at", ""))


@asynccontextmanager
async def house(*, slow: bool = False, nodes: Any = (SCHEDULED,), session: str = "") -> AsyncIterator[House]:
    clock = ManualClock(AS_OF, session=session)
    made = Machinery(clock, f=lambda payload, invocation: asyncio.sleep(30 if slow else 0))
    stores = MemoryStores()
    definition = made.blobs.put(codec.dumps(machine({"A": task("f")})).encode())
    for version in ("v1", "v2"):
        artefact = made.blobs.put_artefact(version, {"document": {"nodes": list(nodes)}})
        record = VersionRecord(
            tenant="local",
            workflow_id="w1",
            version=version,
            artefact=artefact,
            definition=definition,
            account="paper",
            created_at=AS_OF,
        )
        await stores.save(record, name="n", description="")
    await stores.set_active("local", "w1", "v1")
    journal = MemoryJournal(made.rows)
    async with made.engine(journal, grace_s=0) as engine:
        dispatcher = Dispatcher(
            engine=engine, journal=journal, workflows=stores, clock_for_account=lambda account: clock
        )
        yield House(made, clock, stores, engine, dispatcher, journal)


def command(**more: Any) -> StartCommand:
    return StartCommand(workflow_id="w1", trigger="sched", **more)


def test_a_trigger_starts_the_active_version() -> None:
    async def body() -> None:
        async with house() as home:
            started = await home.dispatcher.dispatch(command(payload={"price": 1.1}))
            assert started.verdict == "started"
            assert started.execution_id
            row = await home.engine.result(started.execution_id)
            assert (row.version, row.as_of, row.account, row.trigger) == ("v1", AS_OF, "paper", "sched")
            assert row.run["payload"] == {"price": 1.1}
            assert not row.manual

    loop.run(body())


def test_a_person_starts_the_newest_or_a_given_version() -> None:
    async def body() -> None:
        async with house() as home:
            await home.stores.set_active("local", "w1", None)
            versions = []
            for version in (None, "v1"):
                started = await home.dispatcher.dispatch(command(manual=True, version=version, test_mode=True))
                row = await home.engine.result(started.execution_id or "")
                versions.append((row.version, row.manual, row.test_mode))
            assert versions == [("v2", True, True), ("v1", True, True)]
            with pytest.raises(NotFound):
                await home.dispatcher.dispatch(command(manual=True, version="v9"))

    loop.run(body())


def test_an_inactive_workflow_is_not_triggered() -> None:
    async def body() -> None:
        async with house() as home:
            await home.stores.set_active("local", "w1", None)
            assert (await home.dispatcher.dispatch(command())).verdict == "skipped"
            assert not home.made.rows.executions
            with pytest.raises(NotFound):
                await home.dispatcher.dispatch(replace(command(), workflow_id="w9"))
            with pytest.raises(NotFound):
                await home.dispatcher.dispatch(command(tenant="other"))

    loop.run(body())


def test_what_a_trigger_would_start_on_a_halted_account_is_told_as_skipped() -> None:
    async def body() -> None:
        async with house() as home:
            skipped: list[str] = []
            refusal = AccountHalted("enough")

            async def refuses(version: VersionRecord) -> AccountHalted:
                return refusal

            halted = Dispatcher(
                engine=home.engine, journal=home.journal, workflows=home.stores, refuses=refuses,
                clock_for_account=lambda account: home.clock, on_skip=lambda version: skipped.append(version.account),
            )  # fmt: skip
            told = await halted.dispatch(command())
            assert (told.verdict, told.reason, skipped) == ("skipped", "AccountHalted: enough", ["paper"])
            with pytest.raises(AccountHalted):
                await halted.dispatch(command(manual=True))
            assert skipped == ["paper"]  # a person is told by the refusal
            assert not home.made.rows.executions

    loop.run(body())


def test_one_event_starts_one_execution() -> None:
    async def body() -> None:
        async with house() as home:
            answers = await asyncio.gather(*[home.dispatcher.dispatch(command(dedupe_key="k")) for _ in range(20)])
            assert sorted(answer.verdict for answer in answers) == ["duplicate"] * 19 + ["started"]
            assert len({answer.execution_id for answer in answers}) == 1
            other = await home.dispatcher.dispatch(command(dedupe_key="other"))
            assert other.verdict == "started"
            assert all(len(name) <= 50 and name.isalnum() for name in home.made.rows.executions)

    loop.run(body())


def test_an_event_that_comes_too_late_starts_nothing() -> None:
    async def body() -> None:
        async with house() as home:
            late = command(expires=AS_OF - timedelta(seconds=1))
            assert (await home.dispatcher.dispatch(late)).verdict == "skipped"
            assert (await home.dispatcher.dispatch(replace(late, expires=AS_OF))).verdict == "started"

    loop.run(body())


def test_skip_starts_nothing_beside_a_running_execution() -> None:
    async def body() -> None:
        async with house(slow=True) as home:
            answers = await asyncio.gather(*[home.dispatcher.dispatch(command(overlap="skip")) for _ in range(5)])
            assert sorted(answer.verdict for answer in answers) == ["skipped"] * 4 + ["started"]

    loop.run(body())


def test_a_test_is_in_no_real_executions_way() -> None:
    """Somebody may debug an active workflow, and go to lunch while it is paused."""

    async def body() -> None:
        async with house(slow=True) as home:
            await home.dispatcher.dispatch(command(manual=True, test_mode=True, overlap="queue"))
            for overlap in ("skip", "queue"):
                real = await home.dispatcher.dispatch(command(overlap=overlap))
                assert real.verdict == "started"
            rows = home.made.rows.executions
            await until(lambda: [row.status for row in rows.values()] == ["RUNNING", "RUNNING", "PENDING"])

    loop.run(body())


def test_queue_lets_one_wait() -> None:
    async def body() -> None:
        async with house(slow=True) as home:
            answers = [await home.dispatcher.dispatch(command(overlap="queue")) for _ in range(4)]
            assert [answer.verdict for answer in answers] == ["started", "started", "skipped", "skipped"]
            rows = home.made.rows.executions
            await until(lambda: [row.status for row in rows.values()] == ["RUNNING", "PENDING"])
            assert len(home.made.workers.calls) <= 1
            await home.engine.stop(answers[0].execution_id or "", "make room")
            await until(lambda: len(home.made.workers.calls) == 2)

    loop.run(body())


def test_only_the_active_version_may_act() -> None:
    row = Execution(
        id="e",
        tenant="local",
        workflow_id="w1",
        version="v1",
        definition="d",
        trigger="s",
        account="a",
        run={},
        input=None,
        as_of=AS_OF,
        created_at=AS_OF,
    )

    async def body() -> None:
        async with house() as home:
            permit = ActiveVersions(home.stores, home.journal)
            await permit(row, "order")
            await home.stores.set_active("local", "w1", "v2")
            with pytest.raises(ExecutionStopped, match="Another version"):
                await permit(row, "order")
            await home.stores.set_active("local", "w1", None)
            with pytest.raises(ExecutionStopped, match="deactivated"):
                await permit(row, "order")
            await permit(replace(row, manual=True), "order")
            await home.stores.delete("local", "w1")
            with pytest.raises(ExecutionStopped, match="deleted"):
                await permit(row, "order")

    loop.run(body())
