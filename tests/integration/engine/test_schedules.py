"""Two schedulers on one PostgreSQL, killed and restarted at bad moments."""

import asyncio

import pytest

from tests.support.exam import record, sized
from tests.support.schedule_exam import BEGIN, Chaos
from tests.support.schedule_world import World
from tradeloom.engine.journal import ExecutionFilter
from tradeloom.storage.postgres.database import Database
from tradeloom.storage.postgres.journal import PostgresJournal
from tradeloom.storage.postgres.stores import PostgresStores

FIRES = sized(ci=100, full=3_000)


@pytest.mark.exam(suite="schedules through restarts, PostgreSQL")
@pytest.mark.timeout(1_800)
def test_none_doubled_none_missed(postgres_dsn: str) -> None:
    async def body() -> None:
        database = Database(postgres_dsn)
        await database.open()
        try:
            world = World(BEGIN, PostgresStores(database), lambda: PostgresJournal(database, linger_s=0))
            figures = await Chaos(world, seed=8).run(FIRES)
            rows, total = await PostgresJournal(database).executions(ExecutionFilter(limit=100_000))
        finally:
            await database.close()
        figures.started.update((row.workflow_id, row.run["payload"]["scheduled_at"]) for row in rows)
        assert figures.started == figures.expected
        assert total == figures.expected.total() >= FIRES
        assert {row.status for row in rows} == {"SUCCEEDED"}
        assert figures.in_between > 0
        record(
            "schedules through restarts, PostgreSQL",
            fire_times=total,
            kills=figures.kills,
            kills_between_start_and_note=figures.in_between,
        )

    asyncio.run(body())
