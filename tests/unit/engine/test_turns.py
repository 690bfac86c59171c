"""Starts that wait for their turn: what was deactivated, replaced or is long past meanwhile does not run."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from tests.support import loop
from tests.support.loop import until
from tests.support.schedule_world import Process
from tests.unit.engine.fakes import FunctionWorkers
from tests.unit.engine.test_scheduler import MINUTELY, House, house
from tradeloom.accounts.quotas import Allowance, QuotaGate
from tradeloom.engine.dispatcher import Dispatched, StartCommand
from tradeloom.engine.journal import Execution
from tradeloom.errors import QuotaExceeded
from tradeloom.storage.memory.quotas import MemoryQuotas


class Gate:
    """Handlers that wait until they are let go."""

    def __init__(self) -> None:
        self.open = asyncio.Event()
        self.workers = FunctionWorkers({"f": lambda payload, invocation: self.open.wait()})


def command(workflow: str = "w", **more: Any) -> StartCommand:
    return StartCommand(workflow_id=workflow, trigger="s0", **{"overlap": "queue", **more})


async def blocked(home: House, gate: Gate) -> Process:
    """A process in which the first execution of `w` runs until the gate opens."""
    await home.activate("w", MINUTELY)
    process = await home.up(workers=gate.workers)
    await process.dispatcher.dispatch(command())
    await until(lambda: len(gate.workers.calls) == 1)
    return process


async def ended(process: Process, dispatched: Dispatched) -> Execution:
    return await process.engine.result(dispatched.execution_id or "")


def test_a_queued_start_of_a_deactivated_workflow_does_not_run() -> None:
    async def body() -> None:
        async with house() as home:
            gate = Gate()
            process = await blocked(home, gate)
            queued = await process.dispatcher.dispatch(command())
            await home.stores.set_active("local", "w", None)
            gate.open.set()
            row = await ended(process, queued)
            assert (row.status, row.started_at) == ("STOPPED", None)
            assert row.error is not None
            assert "deactivated" in row.error["message"]
            assert len(gate.workers.calls) == 1

    loop.run(body())


def test_a_queued_start_of_a_replaced_version_does_not_run() -> None:
    async def body() -> None:
        async with house() as home:
            gate = Gate()
            process = await blocked(home, gate)
            queued = await process.dispatcher.dispatch(command())
            await home.activate("w", MINUTELY, version="w-v2")
            fresh = await process.dispatcher.dispatch(command(overlap="allow"))
            gate.open.set()
            row = await ended(process, queued)
            assert (row.status, row.version) == ("STOPPED", "w-v1")
            assert row.error is not None
            assert "Another version" in row.error["message"]
            assert (await ended(process, fresh)).status == "SUCCEEDED"

    loop.run(body())


def test_what_a_person_started_runs_when_its_turn_comes() -> None:
    async def body() -> None:
        async with house() as home:
            gate = Gate()
            process = await blocked(home, gate)
            queued = await process.dispatcher.dispatch(command(manual=True))
            await home.stores.set_active("local", "w", None)
            home.move(timedelta(days=2))
            gate.open.set()
            assert (await ended(process, queued)).status == "SUCCEEDED"

    loop.run(body())


def test_a_start_whose_turn_comes_too_late_does_not_run() -> None:
    async def body() -> None:
        async with house() as home:
            gate = Gate()
            process = await blocked(home, gate)
            start_by = home.clock.now() + timedelta(hours=1)
            queued = await process.dispatcher.dispatch(command(start_by=start_by))
            home.move(timedelta(hours=1, seconds=1))
            gate.open.set()
            row = await ended(process, queued)
            assert row.status == "STOPPED"
            assert row.error is not None
            assert "too late" in row.error["message"]

    loop.run(body())


def test_a_start_that_was_pending_when_the_machine_went_down_is_not_made_hours_later() -> None:
    async def body() -> None:
        async with house() as home:
            gate = Gate()
            process = await blocked(home, gate)
            expires = home.clock.now() + timedelta(seconds=90)
            await home.activate("other", MINUTELY)
            process.engine._admission._free = 0  # the machine is full
            late = await process.dispatcher.dispatch(command("other", overlap="allow", expires=expires))
            by_hand = await process.dispatcher.dispatch(command("other", overlap="allow", manual=True))
            await process.kill()
            home.move(timedelta(hours=5))
            again = await home.up()
            assert (await ended(again, late)).status == "STOPPED"
            assert (await ended(again, by_hand)).status == "SUCCEEDED"

    loop.run(body())


def test_a_pending_start_is_made_again_under_its_id() -> None:
    async def body() -> None:
        async with house() as home:
            gate = Gate()
            process = await blocked(home, gate)
            process.engine._admission._free = 0
            pending = await process.dispatcher.dispatch(command(overlap="allow", dedupe_key="k"))
            await process.kill()
            again = await home.up()
            row = await ended(again, pending)
            assert row.status == "SUCCEEDED"
            told = await again.dispatcher.dispatch(command(overlap="allow", dedupe_key="k"))
            assert (told.verdict, told.execution_id) == ("duplicate", row.id)

    loop.run(body())


def test_two_engines_run_queued_starts_of_a_workflow_one_after_another() -> None:
    async def body() -> None:
        async with house() as home:
            gate = Gate()
            first = await blocked(home, gate)
            second = await home.up(workers=gate.workers)
            home.move(timedelta(seconds=1))
            queued = await second.dispatcher.dispatch(command())
            await asyncio.sleep(0.05)
            assert len(gate.workers.calls) == 1
            assert (await second.dispatcher.dispatch(command())).verdict == "skipped"
            gate.open.set()
            assert (await ended(second, queued)).status == "SUCCEEDED"
            assert not first.engine.running

    loop.run(body())


def test_what_waits_for_another_engine_lets_it_be_taken_over() -> None:
    async def body() -> None:
        async with house() as home:
            gate = Gate()
            first = await blocked(home, gate)
            second = await home.up(workers=gate.workers)
            home.move(timedelta(seconds=1))
            queued = await second.dispatcher.dispatch(command())
            await asyncio.sleep(0.05)  # it has its place by now, and waits for the other engine's
            await first.kill()
            (older,) = await second.engine.resume()
            gate.open.set()
            assert (await second.engine.result(older)).status == "SUCCEEDED"
            assert (await ended(second, queued)).status == "SUCCEEDED"

    loop.run(body())


def test_two_engines_never_run_side_by_side_what_skips() -> None:
    """Both look at the same moment, and neither sees the other's start."""

    async def body() -> None:
        async with house() as home:
            gate = Gate()
            await home.activate("w", MINUTELY)
            both = [await home.up(workers=gate.workers) for _ in range(2)]
            told = await asyncio.gather(*[each.dispatcher.dispatch(command(overlap="skip")) for each in both])
            started = [(each, answer) for each, answer in zip(both, told, strict=True) if answer.verdict == "started"]
            assert len(started) == 2, "or else this shows nothing"
            await until(lambda: gate.workers.calls)
            await asyncio.sleep(0.05)  # the other one's chance
            assert len(gate.workers.calls) == 1
            gate.open.set()
            for each, answer in started:
                assert (await ended(each, answer)).status == "SUCCEEDED"

    loop.run(body())


# -- quotas -------------------------------------------------------------------------------------------------------


def test_a_person_is_told_of_a_quota_and_a_trigger_is_skipped() -> None:
    async def body() -> None:
        async with house() as home:
            told: list[tuple[str, str, str]] = []
            gate = QuotaGate(
                MemoryQuotas(home.rows),
                lambda tenant: Allowance(tier="free", per_day=2),
                lambda tenant, workflow, error: told.append((tenant, workflow, error.limit)),
            )
            await home.activate("w", MINUTELY)
            process = await home.up(quota=gate)
            await home.pass_time(2)
            assert home.fired() == ["09:01", "09:02"]
            again = await process.dispatcher.dispatch(
                command(overlap="allow", dedupe_key="schedule:s0:2026-01-05T09:02:00.000Z")
            )
            assert again.verdict == "duplicate"
            await home.pass_time(1)
            assert len(home.rows.executions) == 2
            assert told == [("local", "w", "starts a day")]
            assert await home.stores.faults("local") == []
            with pytest.raises(QuotaExceeded, match="The free tier allows 2 starts a day"):
                await process.dispatcher.dispatch(command(manual=True))
            assert len(told) == 1
            home.move(timedelta(hours=15))
            await home.pass_time(1)
            assert home.fired()[-1] > "00:00"
            assert len(home.rows.executions) > 2

    loop.run(body())


def test_a_start_that_fails_counts_nothing() -> None:
    async def body() -> None:
        async with house() as home:
            quotas = MemoryQuotas(home.rows)
            gate = QuotaGate(quotas, lambda tenant: Allowance(tier="free", per_day=5))
            await home.activate("w", MINUTELY)
            process = await home.up(quota=gate)
            await process.dispatcher.dispatch(command(overlap="allow", dedupe_key="k"))
            await home.settle()
            del quotas._starts["local", next(iter(home.rows.executions))]  # so old that it is forgotten
            await process.dispatcher.dispatch(command(overlap="allow", dedupe_key="k"))
            assert (await quotas.usage("local", "w", home.wall.now())).day == 1

    loop.run(body())
