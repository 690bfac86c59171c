"""Whose an execution is: every journal keeps a stop, and gives each execution to one engine."""

import asyncio
from datetime import timedelta

from tests.contract.storage.conftest import OpenJournal
from tests.contract.storage.journal_rows import NOW, execution, run
from tradeloom.engine.journal import Journal


def test_a_stop_is_a_durable_flag(open_journal: OpenJournal) -> None:
    async def body(journal: Journal) -> None:
        made = execution()
        await journal.create(made)
        stopped = await journal.request_stop("local", "e1", "enough")
        assert stopped is not None
        assert (stopped.stop_reason, stopped.status) == ("enough", "PENDING")
        again = await journal.request_stop("local", "e1", "another reason")
        assert again is not None
        assert again.stop_reason == "enough"
        made.status = "RUNNING"
        journal.record(made)
        await journal.barrier("e1")
        stored = await journal.execution("local", "e1")
        assert stored is not None
        assert (stored.status, stored.stop_reason) == ("RUNNING", "enough")
        assert await journal.request_stop("local", "nobody", "x") is None

    run(open_journal, body)


def test_an_ended_execution_is_not_stopped(open_journal: OpenJournal) -> None:
    async def body(journal: Journal) -> None:
        made = execution(status="SUCCEEDED", finished_at=NOW)
        await journal.create(made)
        assert await journal.request_stop("local", "e1", "late") == made

    run(open_journal, body)


def test_executions_of_a_living_engine_are_left_to_it(open_journal: OpenJournal) -> None:
    async def within() -> None:
        async with open_journal() as first:
            await first.create(execution("e1"))
            await first.create(execution("e2", created_at=NOW - timedelta(seconds=1)))
            await first.create(execution("e3", status="SUCCEEDED"))
            async with open_journal() as second:
                assert await second.claim() == []
                assert await first.claim() == []
        async with open_journal() as third:
            assert [claimed.id for claimed in await third.claim()] == ["e2", "e1"]
            async with open_journal() as fourth:
                assert await fourth.claim() == []

    asyncio.run(within())


def test_two_engines_never_claim_the_same_execution(open_journal: OpenJournal) -> None:
    async def within() -> None:
        async with open_journal() as gone:
            for number in range(30):
                await gone.create(execution(f"e{number}"))
        async with open_journal() as one, open_journal() as two:
            claims = await asyncio.gather(one.claim(), two.claim())
            names = [claimed.id for claim in claims for claimed in claim]
            assert len(names) == 30
            assert len(set(names)) == 30

    asyncio.run(within())
