"""Executions that are never side by side: the journal lets one begin, whichever engine asks first."""

import asyncio
from datetime import timedelta
from typing import Any

from tests.contract.storage.conftest import OpenJournal
from tests.contract.storage.journal_rows import NOW, execution
from tradeloom.engine.journal import Execution, Journal

LATER = NOW + timedelta(seconds=5)


def queued(name: str, created_s: float = 0, **more: Any) -> Execution:
    return execution(name, exclusive=True, created_at=NOW + timedelta(seconds=created_s), **more)


async def end(journal: Journal, row: Execution) -> None:
    row.status, row.finished_at = "SUCCEEDED", LATER
    journal.record(row)
    await journal.barrier(row.id)


def test_the_oldest_begins_and_the_next_when_it_has_ended(open_journal: OpenJournal) -> None:
    async def within() -> None:
        async with open_journal() as journal:
            first, second = queued("e1"), queued("e2", 1)
            for row in (second, first):
                await journal.create(row)
            assert not await journal.take_turn(second, LATER)
            assert await journal.take_turn(first, LATER)
            assert await journal.take_turn(first, LATER + timedelta(seconds=1)), "an answer may have been lost"
            begun = await journal.execution("local", "e1")
            assert begun is not None
            assert (begun.status, begun.started_at) == ("RUNNING", LATER)
            assert not await journal.take_turn(second, LATER)
            await end(journal, first)
            assert await journal.take_turn(second, LATER)

    asyncio.run(within())


def test_one_made_later_with_an_earlier_time_waits_for_what_has_begun(open_journal: OpenJournal) -> None:
    """Another engine took its time between the look at the clock and the journal's word."""

    async def within() -> None:
        async with open_journal() as here, open_journal() as there:
            quick, slow = queued("e2", 1), queued("e1")
            await here.create(quick)
            assert await here.take_turn(quick, LATER)
            await there.create(slow)
            assert not await there.take_turn(slow, LATER)
            await end(here, quick)
            assert await there.take_turn(slow, LATER)

    asyncio.run(within())


def test_of_two_engines_that_ask_at_once_one_begins(open_journal: OpenJournal) -> None:
    async def within() -> None:
        async with open_journal() as here, open_journal() as there:
            for number in range(10):
                pair = [queued(f"{number}-{side}", workflow_id=f"w{number}") for side in "ab"]
                await asyncio.gather(here.create(pair[0]), there.create(pair[1]))
                answers = await asyncio.gather(here.take_turn(pair[0], LATER), there.take_turn(pair[1], LATER))
                assert list(answers) == [True, False]

    asyncio.run(within())


def test_only_its_own_kind_is_in_its_way_and_only_its_engine_lets_it_begin(open_journal: OpenJournal) -> None:
    async def within() -> None:
        async with open_journal() as here, open_journal() as there:
            others = [
                execution("by hand", status="RUNNING", created_at=LATER),
                queued("a test", -1, test_mode=True),
                queued("another workflow", -1, workflow_id="w9"),
                queued("another tenant", -1, tenant="acme"),
            ]
            for other in others:
                await here.create(other)
            row = queued("e1")
            await here.create(row)
            assert not await there.take_turn(row, LATER)
            assert await here.take_turn(row, LATER)
            await end(here, row)
            assert not await here.take_turn(row, LATER)

    asyncio.run(within())
