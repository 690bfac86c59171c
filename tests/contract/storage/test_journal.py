"""What every journal must do with executions and their nodes, whatever stores it."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from tests.contract.storage.conftest import OpenJournal
from tests.contract.storage.journal_rows import NOW, ODD, execution, line, node_run, run, said
from tradeloom.engine.journal import Execution, ExecutionFilter, Journal


def test_a_created_execution_reads_back_whole(open_journal: OpenJournal) -> None:
    made = execution(dedupe_key="k1", test_mode=True, manual=True, exclusive=True)

    async def body(journal: Journal) -> None:
        assert await journal.create(made)
        assert await journal.execution("local", "e1") == made
        assert await journal.execution_by_key("local", "k1") == made

    run(open_journal, body)


def test_an_id_and_a_dedupe_key_are_created_once(open_journal: OpenJournal) -> None:
    async def body(journal: Journal) -> None:
        tries = [journal.create(execution(f"e{n}", dedupe_key="same")) for n in range(20)]
        assert sum(await asyncio.gather(*tries)) == 1
        winner = await journal.execution_by_key("local", "same")
        assert winner is not None
        assert not await journal.create(execution(winner.id))
        assert await journal.create(execution("other", tenant="t2", dedupe_key="same"))
        assert await journal.create(execution("no-key"))
        assert await journal.create(execution("no-key-either"))

    run(open_journal, body)


def test_the_same_id_at_the_same_moment_is_created_once(open_journal: OpenJournal) -> None:
    async def body(journal: Journal) -> None:
        assert sum(await asyncio.gather(*[journal.create(execution()) for _ in range(10)])) == 1

    run(open_journal, body)


def test_another_tenant_sees_nothing(open_journal: OpenJournal) -> None:
    async def body(journal: Journal) -> None:
        await journal.create(execution(dedupe_key="k"))
        journal.record(node_run())
        journal.record(line(3))
        journal.record(said("n1"))
        await journal.barrier("e1")
        assert await journal.execution("other", "e1") is None
        assert await journal.execution_by_key("other", "k") is None
        assert await journal.executions(ExecutionFilter(tenant="other")) == ([], 0)
        assert await journal.node_runs("other", "e1") == []
        assert await journal.logs("other", "e1") == []
        assert await journal.notifications("other") == []
        assert await journal.active("other", "w1") == []
        assert await journal.request_stop("other", "e1", "mine") is None

    run(open_journal, body)


def test_a_run_is_kept_as_it_started_and_as_it_ended(open_journal: OpenJournal) -> None:
    async def body(journal: Journal) -> None:
        await journal.create(execution())
        started = node_run()
        journal.record(started)
        await journal.barrier("e1")
        assert await journal.node_runs("local", "e1") == [started]
        later = NOW + timedelta(seconds=1)
        started.status, started.finished_at, started.duration_ms, started.finished_seq = "FAILED", later, 1000.5, 5
        started.output, started.error = ODD, {"name": "NotANumber", "message": "a\0b", "cause": "{}"}
        journal.record(started)
        await journal.barrier("e1")
        assert await journal.node_runs("local", "e1") == [started]
        assert (await journal.history("e1")).runs == [started]

    run(open_journal, body)


def test_a_run_that_ends_before_it_is_written_is_whole(open_journal: OpenJournal) -> None:
    async def body(journal: Journal) -> None:
        await journal.create(execution())
        quick = node_run()
        journal.record(quick)
        quick.status, quick.finished_seq, quick.output = "SUCCEEDED", 3, {"state": "succeeded"}
        journal.record(quick)
        await journal.barrier("e1")
        assert await journal.node_runs("local", "e1") == [quick]

    run(open_journal, body)


def test_attempts_and_iterations_are_rows_of_their_own(open_journal: OpenJournal) -> None:
    async def body(journal: Journal) -> None:
        await journal.create(execution())
        runs = [node_run("a", 0, started_seq=1), node_run("a", 1, started_seq=4), node_run("L[0]/a", 0, started_seq=6)]
        for made in reversed(runs):
            journal.record(made)
        await journal.barrier("e1")
        assert await journal.node_runs("local", "e1") == runs

    run(open_journal, body)


def test_a_wait_keeps_its_due_time(open_journal: OpenJournal) -> None:
    due = NOW + timedelta(days=3, microseconds=-1)

    async def body(journal: Journal) -> None:
        await journal.create(execution())
        waiting = node_run("D-delay", kind="wait", function=None, due=due, input={"entered": "2026-11-22T09:30:00Z"})
        journal.record(waiting)
        await journal.barrier("e1")
        assert (await journal.history("e1")).runs == [waiting]

    run(open_journal, body)


def test_an_execution_runs_and_ends_once(open_journal: OpenJournal) -> None:
    async def body(journal: Journal) -> None:
        made = execution()
        await journal.create(made)
        made.status, made.started_at = "RUNNING", NOW
        journal.record(made)
        await journal.barrier("e1")
        assert await journal.active("local", "w1") == [made]
        made.status, made.finished_at, made.output, made.last_seq = "SUCCEEDED", NOW + timedelta(seconds=2), ODD, 9
        made.has_errors, made.error = True, {"name": "X", "message": "y", "node": None}
        journal.record(made)
        await journal.barrier("e1")
        stored = await journal.execution("local", "e1")
        assert stored == made
        assert stored is not None
        assert stored.duration_ms == 2000
        assert await journal.active("local", "w1") == []
        journal.record(replace(made, status="FAILED"))
        await journal.barrier("e1")
        assert (await journal.execution("local", "e1")) == made

    run(open_journal, body)


def test_history_knows_the_last_number_given_out(open_journal: OpenJournal) -> None:
    async def body(journal: Journal) -> None:
        await journal.create(execution())
        assert (await journal.history("e1")).last_seq == 0
        journal.record(node_run(started_seq=4))
        await journal.barrier("e1")
        assert (await journal.history("e1")).last_seq == 4
        journal.record(line(11))
        journal.record(node_run("b", started_seq=5, finished_seq=8))
        await journal.barrier("e1")
        assert (await journal.history("e1")).last_seq == 11
        journal.record(execution(status="SUCCEEDED", last_seq=12))
        await journal.barrier("e1")
        assert (await journal.history("e1")).last_seq == 12
        assert (await journal.history("nobody")).last_seq == 0

    run(open_journal, body)


def test_executions_are_listed_in_pages_newest_first(open_journal: OpenJournal) -> None:
    async def body(journal: Journal) -> None:
        for number in range(7):
            status: Any = "SUCCEEDED" if number % 2 else "FAILED"
            made = execution(f"e{number}", created_at=NOW + timedelta(seconds=number), status=status)
            await journal.create(replace(made, workflow_id="w2") if number == 6 else made)
        page, total = await journal.executions(ExecutionFilter(workflow_id="w1", limit=2, offset=1))
        assert ([row.id for row in page], total) == (["e4", "e3"], 6)
        page, total = await journal.executions(ExecutionFilter(status="FAILED"))
        assert ([row.id for row in page], total) == (["e6", "e4", "e2", "e0"], 4)
        period = ExecutionFilter(since=NOW + timedelta(seconds=2), before=NOW + timedelta(seconds=4))
        page, total = await journal.executions(period)
        assert ([row.id for row in page], total) == (["e3", "e2"], 2)

    run(open_journal, body)


def test_each_workflow_has_a_last_run_however_many_others_ran_since(open_journal: OpenJournal) -> None:
    def made(name: str, second: int, workflow: str, **changes: Any) -> Execution:
        return execution(name, workflow_id=workflow, created_at=NOW + timedelta(seconds=second), **changes)

    async def body(journal: Journal) -> None:
        failed = made("a-last", 2, "a", status="FAILED", error={"name": "X", "message": "y", "node": None})
        same_moment = [made("b1", 1, "b"), made("b2", 1, "b")]
        rows = [
            made("a-first", 1, "a"),
            failed,
            made("a-test", 3, "a", test_mode=True),
            *same_moment,
            made("only-test", 1, "tested", test_mode=True),
            made("theirs", 9, "a", tenant="t2"),
            *[made(f"busy{number}", 10 + number, "busy") for number in range(250)],
        ]
        assert all(await asyncio.gather(*[journal.create(row) for row in rows]))
        wanted = ["a", "b", "tested", "unheard of", "bad\0name", "a"]
        assert await journal.last_runs("local", wanted) == {"a": failed, "b": same_moment[1]}
        assert (await journal.last_runs("local", ["busy"]))["busy"].id == "busy249"
        assert (await journal.last_runs("t2", ["a"]))["a"].id == "theirs"
        assert await journal.last_runs("local", []) == {}

    run(open_journal, body)


@pytest.mark.parametrize("count", [1, 500])
def test_many_records_share_transactions(open_journal: OpenJournal, count: int) -> None:
    async def body(journal: Journal) -> None:
        await asyncio.gather(*[journal.create(execution(f"e{number}")) for number in range(count)])
        for number in range(count):
            journal.record(replace(node_run(), execution_id=f"e{number}"))
        await journal.barrier("e0")
        _, total = await journal.executions(ExecutionFilter())
        assert total == count
        assert len(await journal.node_runs("local", f"e{count - 1}")) == 1

    run(open_journal, body)


def test_bad_ends_are_unattended_until_they_are_attended(open_journal: OpenJournal) -> None:
    async def ends(journal: Journal) -> None:
        for name, status in (("e1", "FAILED"), ("e2", "SUCCEEDED"), ("e3", "TIMED_OUT"), ("e4", "STOPPED")):
            row = execution(name)
            assert await journal.create(row)
            row.status, row.finished_at = status, NOW + timedelta(seconds=5 - int(name[1]))  # type: ignore[assignment]
            journal.record(row)
        assert await journal.create(execution("e5"))
        await journal.barrier("e4")

    async def attended(journal: Journal) -> None:
        assert [row.id for row in await journal.unattended("local")] == ["e4", "e3", "e1"]
        assert [row.id for row in await journal.unattended("local", limit=1)] == ["e4"]
        assert await journal.unattended("t2") == []
        await journal.attend("t2", "e4")
        await journal.attend("local", "e3")
        await journal.attend("local", "e3")
        await journal.attend("local", "unheard of")
        assert [row.id for row in await journal.unattended("local")] == ["e4", "e1"]

    run(open_journal, ends)
    run(open_journal, attended)
