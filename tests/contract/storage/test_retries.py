"""What every journal must do with the retries of executions."""

from dataclasses import replace

import pytest

from tests.contract.storage.conftest import OpenJournal, run
from tests.contract.storage.journal_rows import NOW, ODD, execution, node_run
from tradeloom.engine.journal import Execution, Journal, RetryRecord

MODE = {"given": None, "left_out": ["a"], "odd": ODD}


def retry(number: int = 1, by: str = "ann") -> RetryRecord:
    return RetryRecord(execution_id="e1", number=number, at=NOW, by=by, anew={"RSI-rsi": 2}, error={"name": "X", **ODD})


async def failed(journal: Journal) -> Execution:
    row = execution(mode=MODE, dedupe_key="k1")
    assert await journal.create(row)
    row = replace(
        row, status="FAILED", started_at=NOW, finished_at=NOW, error={"name": "X"}, has_errors=True, last_seq=7
    )
    journal.record(row)
    journal.record(node_run(status="FAILED", finished_at=NOW, finished_seq=6))
    await journal.barrier("e1")
    return row


@run
async def test_it_is_pending_again_with_the_retry_in_its_record(open_journal: OpenJournal) -> None:
    async with open_journal() as journal:
        row = await failed(journal)
        reopened = await journal.reopen("local", retry())
        assert reopened == replace(row, status="PENDING", finished_at=None, error=None, has_errors=False)
        assert reopened is not None
        assert reopened.mode == MODE
        assert await journal.execution("local", "e1") == reopened
        assert await journal.retries("local", "e1") == [retry()]
        history = await journal.history("e1")
        assert (list(history.retries), history.last_seq) == ([retry()], 7)
        assert [one.id for one in await journal.active("local", "w1")] == ["e1"]
        journal.record(replace(reopened, status="SUCCEEDED", finished_at=NOW))
        await journal.barrier("e1")
        ended = await journal.execution("local", "e1")
        assert ended is not None
        assert ended.status == "SUCCEEDED"


@run
async def test_the_same_retry_again_finds_what_the_first_made(open_journal: OpenJournal) -> None:
    async with open_journal() as journal:
        await failed(journal)
        first = await journal.reopen("local", retry())
        assert await journal.reopen("local", retry()) == first
        assert await journal.reopen("local", retry(by="bob")) is None, "somebody else was first"
        assert await journal.reopen("local", retry(2)) is None, "it is not failed any more"


@pytest.mark.parametrize("status", ["PENDING", "RUNNING", "SUCCEEDED", "STOPPED"])
@run
async def test_what_did_not_fail_stays_as_it_is(open_journal: OpenJournal, status: str) -> None:
    async with open_journal() as journal:
        assert await journal.create(execution())
        row = replace(execution(), status=status)  # type: ignore[arg-type]
        journal.record(row)
        await journal.barrier("e1")
        assert await journal.reopen("local", retry()) is None
        assert await journal.execution("local", "e1") == row
        assert await journal.retries("local", "e1") == []


@run
async def test_another_tenant_reopens_nothing_and_sees_nothing(open_journal: OpenJournal) -> None:
    async with open_journal() as journal:
        await failed(journal)
        assert await journal.reopen("other", retry()) is None
        assert await journal.reopen("local", replace(retry(), execution_id="nothing")) is None
        assert await journal.reopen("local", retry()) is not None
        assert await journal.retries("other", "e1") == []


@run
async def test_whoever_dies_after_it_is_inherited_from(open_journal: OpenJournal) -> None:
    async with open_journal() as first:
        await failed(first)
    async with open_journal() as dying:
        assert await dying.reopen("local", retry()) is not None
    async with open_journal() as heir:
        assert [row.id for row in await heir.claim()] == ["e1"]


@run
async def test_a_pause_before_a_node_is_kept(open_journal: OpenJournal) -> None:
    async with open_journal() as journal:
        await failed(journal)
        pause = node_run("RSI-rsi?", kind="pause", due=NOW, function=None, input=ODD, output={"set": ODD})
        journal.record(pause)
        await journal.barrier("e1")
        assert pause in (await journal.history("e1")).runs
