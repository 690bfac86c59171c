"""What every counter of past executions must tell."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import pytest

from tests.contract.storage.conftest import opener_beside_journal, run
from tradeloom.engine.journal import Execution, ExecutionStatus, Journal
from tradeloom.engine.usage import DayUsage, UsageReader
from tradeloom.storage.memory.usage import MemoryUsage
from tradeloom.storage.postgres.usage import PostgresUsage

AT = datetime(2026, 2, 1, 0, 0, 30, tzinfo=UTC)


@dataclass
class Kept:
    journal: Journal
    reader: UsageReader

    async def start(
        self, name: str, at: datetime, status: ExecutionStatus = "SUCCEEDED", tenant: str = "local"
    ) -> None:
        row = Execution(
            id=name, tenant=tenant, workflow_id="w1", version="v", definition="d", trigger="t", account="a", run={},
            input=None, as_of=at, created_at=at, start_by=at + timedelta(seconds=90),
        )  # fmt: skip
        assert await self.journal.create(row)
        if status != "PENDING":
            row.status = status
            self.journal.record(row)
            await self.journal.barrier(name)


Open = Callable[[], AbstractAsyncContextManager[Kept]]


@pytest.fixture(params=["memory", "postgres"])
def opened(request: pytest.FixtureRequest) -> Open:
    opened = opener_beside_journal(request, MemoryUsage, PostgresUsage)

    @asynccontextmanager
    async def opening() -> AsyncIterator[Kept]:
        async with opened() as (journal, reader):
            yield Kept(journal, reader)

    return opening


@run
async def test_minute_day_and_month_each_count_their_own(opened: Open) -> None:
    async with opened() as kept:
        await kept.start("now", AT, "PENDING")
        await kept.start("today", AT - timedelta(seconds=20))
        await kept.start("last month, this minute", AT - timedelta(seconds=40), "FAILED")
        await kept.start("long ago", AT - timedelta(days=40))
        await kept.start("another's", AT, tenant="other")
        await kept.start("later", AT + timedelta(seconds=1), "FAILED")
        used = await kept.reader.usage("local", AT, days=3)
        assert (used.minute, used.day, used.month, used.running) == (3, 2, 2, 1)
        assert used.days == (DayUsage(date(2026, 1, 31), 1, 1), DayUsage(date(2026, 2, 1), 2, 0))


@run
async def test_the_first_day_asked_for_is_whole(opened: Open) -> None:
    async with opened() as kept:
        midnight = datetime(2026, 1, 30, tzinfo=UTC)
        await kept.start("its first moment", midnight, "STOPPED")
        await kept.start("the moment before", midnight - timedelta(microseconds=1))
        used = await kept.reader.usage("local", AT, days=3)
        assert used.days == (DayUsage(date(2026, 1, 30), 1, 1),)


@run
async def test_who_ran_nothing_used_nothing(opened: Open) -> None:
    async with opened() as kept:
        used = await kept.reader.usage("nobody", AT, days=30)
        assert (used.minute, used.day, used.month, used.running, used.days) == (0, 0, 0, 0, ())
