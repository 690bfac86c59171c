"""Two schedulers, killed and restarted at bad moments: every fire time of the table starts one execution."""

import pytest

from tests.support import loop
from tests.support.exam import record, sized
from tests.support.schedule_exam import BEGIN, Chaos
from tests.support.schedule_world import World
from tradeloom.storage.memory.journal import MemoryDatabase, MemoryJournal
from tradeloom.storage.memory.stores import MemoryStores

FIRES = sized(ci=500, full=10_000)


@pytest.mark.exam(suite="schedules through restarts")
@pytest.mark.timeout(1_800)
def test_none_doubled_none_missed() -> None:
    async def body() -> None:
        rows = MemoryDatabase()
        world = World(BEGIN, MemoryStores(), lambda: MemoryJournal(rows, linger_s=0))
        chaos = Chaos(world, seed=4)
        figures = await chaos.run(FIRES)
        figures.started.update(
            (row.workflow_id, row.run["payload"]["scheduled_at"]) for row in rows.executions.values()
        )
        assert figures.started == figures.expected
        assert figures.expected.total() >= FIRES
        assert set(figures.expected.values()) == {1}
        assert {row.status for row in rows.executions.values()} == {"SUCCEEDED"}
        assert world.aside == []
        assert figures.in_between >= FIRES // 200
        assert figures.kills > figures.in_between
        record(
            "schedules through restarts",
            fire_times=figures.expected.total(),
            kills=figures.kills,
            kills_between_start_and_note=figures.in_between,
            outages_of_both=figures.outages,
            missed=0,
            doubled=0,
        )

    loop.run(body())
