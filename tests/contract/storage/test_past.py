"""What a journal tells of the past, and what journals on the same rows tell each other."""

import asyncio
from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tests.contract.storage.conftest import OpenJournal, run
from tests.contract.storage.journal_rows import NOW, ODD, event, execution, line, node_run
from tradeloom.engine.events import Event, Hint, Past
from tradeloom.engine.journal import ACTIVE, Journal, NodeRun
from tradeloom.engine.run_events import message_of
from tradeloom.realtime.messages import NodeFinished, NodeLog
from tradeloom.storage.postgres.hints import MOST_BYTES, _payloads

PATIENCE_S = 60


def kinds(past: Past | None) -> list[tuple[str, int]]:
    assert past is not None
    return [(each.type, each.seq) for each in past.events]


async def recorded(journal: Journal) -> None:
    """An execution that began, ran a node that logged, and ended: events 1 to 5."""
    await journal.create(execution())
    row = execution(status="RUNNING", started_at=NOW, last_seq=1)
    journal.record(row)
    begun = node_run()
    journal.record(begun)
    journal.record(line(3))
    record = {"output": ODD, "state": "succeeded", "port": "main"}
    journal.record(replace(begun, status="SUCCEEDED", finished_at=NOW, finished_seq=4, duration_ms=1.5, output=record))
    journal.record(replace(row, status="SUCCEEDED", finished_at=NOW, last_seq=5))
    await journal.barrier("e1")


@run
async def test_events_are_read_back_after_a_number(open_journal: OpenJournal) -> None:
    async with open_journal() as journal:
        await recorded(journal)
        past = await journal.past("local", "e1")
        assert kinds(past) == [
            ("node.started", 2),
            ("node.log", 3),
            ("node.finished", 4),
            ("execution.finished", 5),
        ]
        assert past is not None
        assert past.last_seq == 5
        messages = [message_of(each) for each in past.events]
        assert isinstance(messages[1], NodeLog)
        assert (messages[1].message, messages[1].fields) == ("hello", ODD)
        assert isinstance(messages[2], NodeFinished)
        assert (messages[2].status, messages[2].port, messages[2].iteration) == ("succeeded", "main", [3, 1])
        assert kinds(await journal.past("local", "e1", after=3)) == [("node.finished", 4), ("execution.finished", 5)]
        assert await journal.past("local", "e1", after=2**62) == Past([], 5)


@run
async def test_an_ended_execution_is_told_with_all_its_runs(open_journal: OpenJournal) -> None:
    """Whoever reads while it ends sees it before the end or after it, never the end without what the nodes gave."""
    async with open_journal() as writer, open_journal() as reader:
        for number in range(100):
            name = f"e{number}"
            await writer.create(execution(name))
            begun = node_run(execution_id=name)
            writer.record(execution(name, status="RUNNING", started_at=NOW, last_seq=1))
            writer.record(begun)
            await writer.barrier(name)
            reading = asyncio.create_task(until_ended(reader, name))
            await asyncio.sleep(0.001 * (number % 5))
            output = {"output": 1, "state": "succeeded", "port": "main"}
            writer.record(
                replace(begun, status="SUCCEEDED", finished_at=NOW, finished_seq=4, duration_ms=1.5, output=output)
            )
            writer.record(execution(name, status="SUCCEEDED", started_at=NOW, finished_at=NOW, last_seq=5))
            assert [each.output for each in await reading] == [output]


@run
async def test_a_stranger_reads_no_execution_with_its_runs(open_journal: OpenJournal) -> None:
    async with open_journal() as journal:
        await recorded(journal)
        assert await journal.with_runs("local", "e1") is not None
        assert await journal.with_runs("other", "e1") is None
        assert await journal.with_runs("local", "e\0\ud800") is None


async def until_ended(journal: Journal, name: str) -> list[NodeRun]:
    async with asyncio.timeout(PATIENCE_S):
        while True:
            read = await journal.with_runs("local", name)
            assert read is not None
            if read[0].status not in ACTIVE:
                return read[1]
            await asyncio.sleep(0)


@run
async def test_more_than_asked_for_is_not_read(open_journal: OpenJournal) -> None:
    async with open_journal() as journal:
        await recorded(journal)
        assert await journal.past("local", "e1", limit=3) == Past([], 5, complete=False)
        assert len(kinds(await journal.past("local", "e1", limit=4))) == 4


@run
async def test_another_tenant_has_no_past_here(open_journal: OpenJournal) -> None:
    async with open_journal() as journal:
        await recorded(journal)
        assert await journal.past("other", "e1") is None
        assert await journal.past("local", "e\0\ud800") is None


@run
async def test_a_running_execution_tells_that_it_began(open_journal: OpenJournal) -> None:
    async with open_journal() as journal:
        await journal.create(execution())
        assert await journal.past("local", "e1") == Past([], 0)
        journal.record(execution(status="RUNNING", started_at=NOW, last_seq=1))
        await journal.barrier("e1")
        assert kinds(await journal.past("local", "e1")) == [("execution.started", 1)]


@run
async def test_an_event_that_is_not_kept_is_told_in_its_order(open_journal: OpenJournal) -> None:
    async with open_journal() as journal:
        told: list[Event] = []
        journal.on_durable = told.extend
        await journal.create(execution())
        journal.record(line(1), event(1))
        passing = replace(event(1), type="node.progress")
        journal.tell(passing)
        journal.record(line(2), event(2))
        journal.tell(passing)
        async with asyncio.timeout(PATIENCE_S):
            while len(told) < 4:
                await asyncio.sleep(0.001)
        assert told == [event(1), passing, event(2), passing]
        assert len(await journal.logs("local", "e1")) == 2


async def heard(hints: list[Hint], count: int) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while len(hints) < count:
            await asyncio.sleep(0.001)


@run
async def test_engines_tell_each_other_what_they_recorded(open_journal: OpenJournal) -> None:
    async with open_journal() as first:
        own: list[Hint] = []
        first.on_hint = own.extend
        await first.create(execution())
        await first.create(execution("e0"))
        async with open_journal() as second:
            hints: list[Hint] = []
            second.on_hint = hints.extend
            # Who is alone tells nobody: the first has heard of the second once it hears this of it.
            await second.request_stop("local", "e0", "enough")
            await heard(own, 1)
            assert own == [Hint(tenant="local", execution_id="e0", stop=True)]
            own.clear()
            first.record(line(1), event(1))
            first.record(line(2), event(2))
            await first.barrier("e1")
            await heard(hints, 1)
            assert hints == [Hint(tenant="local", execution_id="e1", seq=2)]
            ended = replace(event(3), type="execution.finished")
            first.record(execution(status="SUCCEEDED", finished_at=NOW, last_seq=3), ended)
            await first.barrier("e1")
            await heard(hints, 2)
            assert hints[1] == Hint(tenant="local", execution_id="e1", seq=3, status=True)
            assert own == []
            await second.request_stop("local", "e1", "enough")
            await heard(own, 1)
            assert own == [Hint(tenant="local", execution_id="e1", stop=True)]


texts: Any = st.text(st.characters(codec="ascii"), min_size=1, max_size=60)


@given(st.lists(st.builds(Hint, tenant=texts, execution_id=texts, seq=st.integers(0, 2**40)), max_size=200))
def test_hints_fit_into_notifications(hints: list[Hint]) -> None:
    payloads = list(_payloads(7, hints))
    assert all(len(payload.encode()) < MOST_BYTES for payload in payloads)
    assert bool(payloads) == bool(hints)
