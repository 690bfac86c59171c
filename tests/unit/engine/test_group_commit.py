"""The one writer: batches, barriers, and a storage that fails."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.support import loop
from tradeloom.engine.errors import JournalRefused, RecordRefused
from tradeloom.engine.events import Event
from tradeloom.engine.journal import Execution, LogLine
from tradeloom.errors import StorageUnavailable
from tradeloom.storage.batch import Batch
from tradeloom.storage.group_commit import GroupCommit

NOW = datetime(2026, 11, 22, tzinfo=UTC)


def line(seq: int, execution: str = "e") -> LogLine:
    return LogLine(
        execution_id=execution, seq=seq, time=NOW, level="info", message="", node=None, iteration=[], fields={}
    )


def event(seq: int) -> Event:
    return Event(type="node.log", tenant="t", execution_id="e", workflow_id="w", seq=seq, time=NOW)


def execution(name: str = "e", dedupe_key: str | None = None) -> Execution:
    return Execution(
        id=name,
        tenant="t",
        workflow_id="w",
        version="v",
        definition="d",
        trigger="s",
        account="a",
        run={},
        input=None,
        as_of=NOW,
        created_at=NOW,
        dedupe_key=dedupe_key,
    )


class Disk:
    """Takes batches; `fail` is asked first and may raise."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.fail: Callable[[Batch], None] = lambda batch: None
        self.writing = asyncio.Semaphore(1)
        self.statuses: list[str] = []

    async def __call__(self, batch: Batch) -> set[str]:
        async with self.writing:
            self.fail(batch)
            self.batches.append([line.seq for line in batch.logs])
            self.statuses += [row.status for row in batch.executions.values()]
            return set(batch.creations)


def commits(disk: Disk, **more: Any) -> GroupCommit:
    made = GroupCommit(disk, linger_s=0.005, **more)
    made.start()
    return made


def test_what_came_while_a_transaction_ran_goes_into_the_next() -> None:
    async def body() -> None:
        disk = Disk()
        writer = commits(disk)
        await disk.writing.acquire()
        writer.record(line(1))
        barriers = [asyncio.ensure_future(writer.barrier("e"))]
        await asyncio.sleep(0.01)
        for seq in range(2, 30):
            writer.record(line(seq))
            barriers.append(asyncio.ensure_future(writer.barrier("e")))
        await asyncio.sleep(0.01)
        assert not any(barrier.done() for barrier in barriers)
        disk.writing.release()
        await asyncio.gather(*barriers)
        assert disk.batches == [[1], list(range(2, 30))]
        await writer.close()

    loop.run(body())


def test_a_barrier_does_not_linger() -> None:
    async def body() -> None:
        writer = GroupCommit(Disk(), linger_s=60)
        writer.start()
        writer.record(line(1))
        async with asyncio.timeout(30):
            await writer.barrier("e")
            assert await writer.create(execution())
        await writer.close()

    loop.run(body())


def test_events_follow_their_records() -> None:
    async def body() -> None:
        disk = Disk()
        told: list[tuple[int, int]] = []
        writer = commits(disk)
        writer.on_durable = lambda events: told.extend((event.seq, len(disk.batches)) for event in events)
        writer.record(line(1), event(1))
        writer.record(line(2), event(2))
        assert told == []
        await writer.barrier("e")
        assert told == [(1, 1), (2, 1)]
        await writer.close()

    loop.run(body())


def test_a_storage_that_comes_back_gets_everything_in_order() -> None:
    async def body() -> None:
        disk, left = Disk(), 3

        def fail(batch: Batch) -> None:
            nonlocal left
            left -= 1
            if left >= 0:
                raise StorageUnavailable("not now")

        disk.fail = fail
        writer = commits(disk)
        for seq in range(5):
            writer.record(line(seq))
        await writer.barrier("e")
        writer.record(line(5))
        await writer.barrier("e")
        assert disk.batches == [[0, 1, 2, 3, 4], [5]]
        await writer.close()

    loop.run(body())


def test_a_storage_that_stays_away_refuses_barriers_and_keeps_records() -> None:
    async def body() -> None:
        disk = Disk()

        def away(batch: Batch) -> None:
            raise StorageUnavailable("disk full")

        disk.fail = away
        writer = commits(disk, patience_s=0.4)
        writer.record(line(1))
        with pytest.raises(JournalRefused):
            await writer.barrier("e")
        with pytest.raises(JournalRefused):
            await writer.create(execution())
        disk.fail = lambda batch: None
        await writer.barrier("e")
        assert [seq for batch in disk.batches for seq in batch] == [1]
        await writer.close()

    loop.run(body())


def test_an_execution_nobody_waits_for_any_more_is_not_made() -> None:
    async def body() -> None:
        disk = Disk()
        created: list[str] = []

        def away(batch: Batch) -> None:
            raise StorageUnavailable("disk full")

        disk.fail = away
        writer = commits(disk, patience_s=0.1)
        with pytest.raises(JournalRefused):
            await writer.create(execution("late"))
        disk.fail = lambda batch: created.extend(batch.creations)
        await writer.barrier("e")
        assert created == []
        await writer.close()

    loop.run(body())


def test_an_execution_made_too_late_is_stopped() -> None:
    async def body() -> None:
        disk = Disk()
        writer = commits(disk, patience_s=0.1)
        await disk.writing.acquire()  # the transaction is under way and its answer does not come
        with pytest.raises(JournalRefused):
            await writer.create(execution("late"))
        disk.writing.release()
        await asyncio.sleep(0.02)
        await writer.barrier("e")
        assert disk.statuses == ["STOPPED"]
        await writer.close()

    loop.run(body())


def test_an_execution_with_a_key_made_too_late_is_handed_over_to_run() -> None:
    """Its event asks again and is told that it was started before."""

    async def body() -> None:
        disk = Disk()
        writer = commits(disk, patience_s=0.1)
        late: list[str] = []
        writer.on_late = lambda execution: late.append(execution.id)
        await disk.writing.acquire()
        with pytest.raises(JournalRefused):
            await writer.create(execution("late", "k"))
        disk.writing.release()
        await loop.until(lambda: late)
        await writer.barrier("e")
        assert (late, disk.statuses) == (["late"], [])
        await writer.close()

    loop.run(body())


def test_an_execution_given_up_before_it_was_written_may_be_made_again() -> None:
    async def body() -> None:
        disk = Disk()
        writer = commits(disk, patience_s=0.1)
        await disk.writing.acquire()
        writer.record(line(1))
        await asyncio.sleep(0.01)  # a transaction is under way, and what follows waits for the next
        with pytest.raises(JournalRefused):
            await writer.create(execution("late", "k"))
        again = asyncio.ensure_future(writer.create(execution("late", "k")))
        await asyncio.sleep(0)
        disk.writing.release()
        assert await again
        await writer.close()

    loop.run(body())


def test_an_execution_whose_starter_is_gone_as_it_is_made_is_stopped() -> None:
    async def body() -> None:
        disk = Disk()
        writer = GroupCommit(disk, linger_s=0)
        writer.start()
        await disk.writing.acquire()
        starting = asyncio.ensure_future(writer.create(execution()))
        await asyncio.sleep(0.01)
        starting.cancel()
        await asyncio.wait([starting])
        disk.writing.release()
        await writer.close()
        assert disk.statuses == ["STOPPED"]

    loop.run(body())


def test_one_bad_record_harms_its_own_execution_only() -> None:
    async def body() -> None:
        disk = Disk()

        def refuse(batch: Batch) -> None:
            if any(line.execution_id == "bad" for line in batch.logs):
                raise ValueError("the database does not take this")

        disk.fail = refuse
        writer = commits(disk)
        writer.record(line(1, "good"))
        writer.record(line(2, "bad"))
        writer.record(line(3, "fine"))
        answers = await asyncio.gather(
            *[writer.barrier(name) for name in ("good", "bad", "fine")], return_exceptions=True
        )
        assert [type(answer) for answer in answers] == [type(None), RecordRefused, type(None)]
        assert sorted(seq for batch in disk.batches for seq in batch) == [1, 3]
        with pytest.raises(RecordRefused):
            await writer.barrier("bad")
        writer.forget("bad")
        await writer.barrier("bad")
        await writer.close()

    loop.run(body())


def test_storage_that_goes_away_while_records_are_sorted_out_refuses_nobody_else() -> None:
    async def body() -> None:
        disk, away = Disk(), 3

        def refuse(batch: Batch) -> None:
            nonlocal away
            names = {line.execution_id for line in batch.logs}
            if len(names) > 1 or names == {"bad"}:
                raise ValueError("the database does not take this")
            away -= 1
            if away >= 0:
                raise StorageUnavailable("not now")

        disk.fail = refuse
        writer = commits(disk)
        writer.record(line(1, "bad"))
        writer.record(line(2, "good"))
        answers = await asyncio.gather(*[writer.barrier(name) for name in ("good", "bad")], return_exceptions=True)
        assert [type(answer) for answer in answers] == [type(None), RecordRefused]
        assert disk.batches == [[2]]
        await writer.close()

    loop.run(body())


def test_a_deaf_listener_does_not_stop_the_writer() -> None:
    async def body() -> None:
        disk = Disk()
        writer = commits(disk)

        def deaf(events: Sequence[Event]) -> None:
            raise ZeroDivisionError

        writer.on_durable = deaf
        for seq in (1, 2):
            writer.record(line(seq), event(seq))
            await writer.barrier("e")
        assert disk.batches == [[1], [2]]
        await writer.close()

    loop.run(body())


def test_closing_while_storage_is_away_ends_and_says_so() -> None:
    async def body() -> None:
        disk = Disk()

        def away(batch: Batch) -> None:
            raise StorageUnavailable("gone")

        disk.fail = away
        writer = commits(disk)
        writer.record(line(1))
        waiting = asyncio.ensure_future(writer.barrier("e"))
        await asyncio.sleep(0.01)
        await writer.close()
        with pytest.raises(JournalRefused):
            await waiting

    loop.run(body())


def test_closing_writes_what_is_queued() -> None:
    async def body() -> None:
        disk = Disk()
        writer = GroupCommit(disk, linger_s=60)
        writer.start()
        writer.record(line(1))
        await writer.close()
        assert disk.batches == [[1]]

    loop.run(body())


@pytest.mark.parametrize(("ended", "crowd"), [(("a",), set()), (("a", "b"), {"a", "b"}), ((), {"a"})])
def test_an_execution_that_ends_alone_keeps_the_next_from_nothing(ended: tuple[str, ...], crowd: set[str]) -> None:
    batch = Batch()
    for name in ended or ("a",):
        row = execution(name)
        row.status = "SUCCEEDED" if ended else "RUNNING"
        batch.add(row)
        batch.barriers.append((name, loop.run(future())))
    assert batch.crowd() == crowd


async def future() -> asyncio.Future[None]:
    return asyncio.get_running_loop().create_future()
