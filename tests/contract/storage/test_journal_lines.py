"""What every journal tells of executions: events, log lines and notifications."""

import asyncio

from tests.contract.storage.conftest import OpenJournal
from tests.contract.storage.journal_rows import event, execution, line, run, said
from tradeloom.engine.journal import Journal


def test_events_are_told_in_order_once_durable(open_journal: OpenJournal) -> None:
    async def body(journal: Journal) -> None:
        told: list[int] = []
        journal.on_durable = lambda events: told.extend(event.seq for event in events)
        await journal.create(execution())
        for seq in range(1, 40):
            journal.record(line(seq), event(seq))
            if seq % 7 == 0:
                await journal.barrier("e1")
                assert told == list(range(1, seq + 1))
        await journal.barrier("e1")
        assert told == list(range(1, 40))
        assert [stored.seq for stored in await journal.logs("local", "e1")] == told

    run(open_journal, body)


def test_records_are_written_without_anyone_waiting(open_journal: OpenJournal) -> None:
    async def body(journal: Journal) -> None:
        told = asyncio.Event()
        journal.on_durable = lambda events: told.set()
        await journal.create(execution())
        journal.record(line(1), event(1))
        async with asyncio.timeout(60):
            await told.wait()
        assert len(await journal.logs("local", "e1")) == 1

    run(open_journal, body)


def test_log_lines_come_in_pages(open_journal: OpenJournal) -> None:
    async def body(journal: Journal) -> None:
        await journal.create(execution())
        lines = [line(seq, f"line {seq}") for seq in (5, 1, 9, 3)]
        for made in lines:
            journal.record(made)
        await journal.barrier("e1")
        assert await journal.logs("local", "e1") == sorted(lines, key=lambda made: made.seq)
        assert [made.seq for made in await journal.logs("local", "e1", after=1, limit=2)] == [3, 5]

    run(open_journal, body)


def test_a_line_of_text_no_database_takes_is_kept_readable(open_journal: OpenJournal) -> None:
    async def body(journal: Journal) -> None:
        await journal.create(execution())
        journal.record(line(1, "a\0b\ud800c"))
        await journal.barrier("e1")
        (stored,) = await journal.logs("local", "e1")
        assert stored.message.startswith("a")
        assert stored.message.endswith("c")

    run(open_journal, body)


def test_a_notification_is_kept_once(open_journal: OpenJournal) -> None:
    async def body(journal: Journal) -> None:
        await journal.create(execution())
        for message in ("first", "second"):
            journal.record(said("n1", message))
            await journal.barrier("e1")
        journal.record(said("n1", "third"))
        journal.record(said("n2"))
        await journal.barrier("e1")
        stored = {entry.notification.id: entry.notification.message for entry in await journal.notifications("local")}
        assert stored == {"n1": "first", "n2": "Filled"}

    run(open_journal, body)
