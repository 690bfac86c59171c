"""What every counter of starts must do."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from tests.contract.storage.conftest import opener_beside_journal, run
from tradeloom.accounts.quotas import TIERS, Allowance, QuotaGate, Quotas, Usage
from tradeloom.engine.journal import Execution, Journal
from tradeloom.errors import QuotaExceeded
from tradeloom.storage.memory.quotas import MemoryQuotas
from tradeloom.storage.postgres.quotas import PostgresQuotas

AT = datetime(2026, 1, 31, 23, 58, tzinfo=UTC)


@dataclass
class Counter:
    quotas: Quotas
    journal: Journal

    async def take(self, name: str, allowance: Allowance, at: datetime = AT, workflow: str = "w1") -> bool:
        return await self.quotas.take("local", workflow, name, at, allowance)

    async def ended(self, name: str, workflow: str = "w1") -> None:
        row = execution(name, workflow)
        assert await self.journal.create(row)
        row.status = "SUCCEEDED"
        self.journal.record(row)
        await self.journal.barrier(name)


Open = Callable[[], AbstractAsyncContextManager[Counter]]


@pytest.fixture(params=["memory", "postgres"])
def opened(request: pytest.FixtureRequest) -> Open:
    opened = opener_beside_journal(request, MemoryQuotas, PostgresQuotas)

    @asynccontextmanager
    async def opening() -> AsyncIterator[Counter]:
        async with opened() as (journal, quotas):
            yield Counter(quotas, journal)

    return opening


def execution(name: str, workflow: str = "w1") -> Execution:
    return Execution(
        id=name, tenant="local", workflow_id=workflow, version="v", definition="d", trigger="t", account="a", run={},
        input=None, as_of=AT, created_at=AT, start_by=AT + timedelta(seconds=90),
    )  # fmt: skip


async def refused(counter: Counter, name: str, allowance: Allowance, at: datetime = AT) -> QuotaExceeded:
    before = await counter.quotas.usage("local", "w1", at)
    with pytest.raises(QuotaExceeded) as caught:
        await counter.take(name, allowance, at)
    assert await counter.quotas.usage("local", "w1", at) == before
    return caught.value


@run
async def test_a_start_counts_once_however_often_it_comes(opened: Open) -> None:
    async with opened() as counter, opened() as other:
        allowance = Allowance(per_day=2)
        assert [await counter.take("e1", allowance), await other.take("e1", allowance)] == [True, False]
        assert await counter.take("e2", allowance)
        error = await refused(counter, "e3", allowance)
        assert (error.limit, error.until) == ("starts a day", datetime(2026, 2, 1, tzinfo=UTC))
        assert "2 starts a day" in error.message
        assert error.hint is not None
        assert not await counter.take("e1", allowance)  # an event that comes again is not refused
        assert await counter.quotas.take("other", "w1", "e1", AT, allowance)


@run
async def test_days_and_months_begin_anew(opened: Open) -> None:
    async with opened() as counter:
        allowance = Allowance(per_day=2, per_month=3)
        for name in ("e1", "e2"):
            await counter.take(name, allowance, AT - timedelta(days=1))
        assert await counter.take("e3", allowance)
        error = await refused(counter, "e4", allowance)
        assert (error.limit, error.until) == ("starts a month", datetime(2026, 2, 1, tzinfo=UTC))
        assert await counter.take("e4", allowance, AT + timedelta(minutes=2))
        used = await counter.quotas.usage("local", "w1", AT + timedelta(minutes=2))
        assert (used.day, used.month) == (1, 1)


@run
async def test_a_minute_is_the_last_sixty_seconds(opened: Open) -> None:
    async with opened() as counter:
        allowance = Allowance(per_minute=2)
        assert await counter.take("e1", allowance)
        assert await counter.take("e2", allowance, AT + timedelta(seconds=40))
        assert (await refused(counter, "e3", allowance, AT + timedelta(seconds=59))).limit == "starts a minute"
        assert await counter.take("e3", allowance, AT + timedelta(seconds=60))
        assert (await refused(counter, "e4", allowance, AT + timedelta(seconds=61))).until is not None


@run
async def test_what_did_not_start_is_given_back(opened: Open) -> None:
    async with opened() as counter:
        allowance = Allowance(per_day=1)
        await counter.take("e1", allowance)
        for _ in range(2):
            await counter.quotas.give_back("local", "e1")
        assert await counter.quotas.usage("local", "w1", AT) == Usage()
        assert await counter.take("e2", allowance)


@run
async def test_what_runs_counts_until_it_has_ended(opened: Open) -> None:
    async with opened() as counter:
        allowance = Allowance(at_once=3, at_once_of_workflow=2)
        await counter.take("e1", allowance)
        await counter.journal.create(execution("e1"))
        await counter.take("e2", allowance)  # accepted, and its row not there yet
        assert (await refused(counter, "e3", allowance)).limit == "executions of a workflow at once"
        await counter.take("f1", allowance, workflow="w2")
        assert (await refused(counter, "e3", allowance)).limit == "executions at once"
        await counter.ended("f1", "w2")
        await counter.ended("e2")
        assert await counter.take("e3", allowance)
        kept = await counter.journal.execution("local", "e1")
        assert kept is not None
        assert kept.start_by == AT + timedelta(seconds=90)


@run
async def test_of_starts_at_the_same_moment_no_more_pass_than_may(opened: Open) -> None:
    async with opened() as one, opened() as two:
        allowance = Allowance(per_day=5, at_once=7)
        wanted = [counter.take(f"e{number}", allowance) for number in range(10) for counter in (one, two)]
        answers = await asyncio.gather(*wanted, return_exceptions=True)
        assert sum(answer is True for answer in answers) == 5
        assert (await one.quotas.usage("local", "w1", AT)).day == 5


@run
async def test_old_starts_are_forgotten_and_their_counts_stay(opened: Open) -> None:
    async with opened() as counter:
        allowance = Allowance(per_month=100)
        await counter.take("e1", allowance, AT - timedelta(days=5))
        await counter.take("e2", allowance)
        assert (await counter.quotas.usage("local", "w1", AT)).month == 2
        assert await counter.take("e1", allowance)  # so old that no event comes again


@run
async def test_what_is_unlimited_is_not_counted(opened: Open) -> None:
    async with opened() as counter:
        gate = QuotaGate(counter.quotas, lambda tenant: TIERS["unlimited"])
        assert not await gate.take("local", "w1", "e1", AT)
        assert await counter.quotas.usage("local", "w1", AT) == Usage()
        limited = QuotaGate(counter.quotas, lambda tenant: TIERS["free"])
        assert await limited.take("local", "w1", "e1", AT)
