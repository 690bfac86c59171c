"""When a node that acts was first tried: recorded with each attempt, the same after a crash, new for a retry."""

import asyncio
import copy
from datetime import timedelta
from typing import Any

from tests.support import loop
from tests.unit.engine.fakes import AS_OF, Machinery, run_info
from tests.unit.engine.machines import Raised, machine, task
from tests.unit.engine.test_resume import CopyingJournal, FastClock
from tradeloom.engine.clock import ManualClock
from tradeloom.engine.engine import StartRequest
from tradeloom.engine.interpreter.times import timestamp
from tradeloom.engine.journal import RetryRecord
from tradeloom.engine.workers.invocation import Invocation
from tradeloom.storage.memory.journal import MemoryDatabase

TWICE = [{"ErrorEquals": ["Away"], "BackoffRate": 1, "MaxAttempts": 2}]
BUYS = machine(
    {
        "Read-r1": task("read", {"node": "r1"}, Next="Buy-b1"),
        "Buy-b1": task("buy", {"node": "b1"}, Retry=TWICE, Next="E"),
        "E": {"Type": "Succeed"},
    }
)
EACH = machine(
    {
        "M": {
            "Type": "Map",
            "Items": "{% [1, 2] %}",
            "MaxConcurrency": 1,
            "ItemProcessor": {"StartAt": "Buy-b1", "States": {"Buy-b1": task("buy", {"node": "b1"}, Retry=TWICE)}},
            "Next": "E",
        },
        "E": {"Type": "Succeed"},
    }
)
MINUTE = timedelta(minutes=1)


class Market:
    """Every attempt to buy takes a minute; the first `away` of them find nobody there."""

    def __init__(self, clock: ManualClock, away: int) -> None:
        self.clock, self.away = clock, away
        self.told: list[Any] = []
        self.made = Machinery(clock, buy=self.buy, read=lambda payload, invocation: payload)
        self.made.effects = {"buy"}

    def buy(self, payload: Any, invocation: Invocation) -> Any:
        self.told.append(payload.get("first_at"))
        self.clock.advance(MINUTE)
        if len(self.told) <= self.away:
            raise Raised("Away")
        return "bought"

    def recorded(self) -> list[Any]:
        runs = sorted(self.made.rows.runs.values(), key=lambda run: run.started_seq)
        return [run.input.get("first_at") for run in runs if run.node == "b1"]


async def ran(market: Market, definition: dict[str, Any] = BUYS) -> str:
    async with market.made.engine(clock=FastClock()) as engine:
        await engine.start(StartRequest(run=run_info(), definition=definition))
        return (await engine.result("e1")).status


def test_every_attempt_is_told_when_the_first_one_began() -> None:
    async def body() -> None:
        market = Market(ManualClock(AS_OF), away=2)
        assert await ran(market) == "SUCCEEDED"
        assert market.told == market.recorded() == [timestamp(AS_OF)] * 3
        (read,) = [run for run in market.made.rows.runs.values() if run.node == "r1"]
        assert "first_at" not in read.input, "what only reads need not know"

    loop.run(body())


def test_each_turn_of_a_loop_begins_for_itself() -> None:
    async def body() -> None:
        market = Market(ManualClock(AS_OF), away=1)
        assert await ran(market, EACH) == "SUCCEEDED"
        second = AS_OF + 2 * MINUTE
        assert market.told == [timestamp(AS_OF), timestamp(AS_OF), timestamp(second)]

    loop.run(body())


def test_a_persons_retry_counts_anew() -> None:
    async def body() -> None:
        market = Market(ManualClock(AS_OF), away=4)
        assert await ran(market) == "FAILED"
        later = AS_OF + timedelta(hours=10)
        market.clock.set(later)
        async with market.made.engine(clock=FastClock()) as engine:
            row = copy.copy(market.made.rows.executions["e1"])
            again = RetryRecord(execution_id="e1", number=1, at=AS_OF, by="ann", anew={"Buy-b1": 3})
            assert await engine.retry(row, again)
            assert (await engine.result("e1")).status == "SUCCEEDED"
        assert market.told == market.recorded() == [timestamp(AS_OF)] * 3 + [timestamp(later)] * 2

    loop.run(body())


def test_after_a_crash_at_any_commit_it_is_still_when_it_was_first_tried() -> None:
    async def body() -> None:
        market = Market(ManualClock(AS_OF), away=2)
        crashes: list[MemoryDatabase] = []

        def copy_all() -> None:
            rows = MemoryDatabase()
            for each in ("executions", "keys", "runs", "logs", "notifications", "retries"):
                setattr(rows, each, copy.deepcopy(getattr(market.made.rows, each)))
            rows.owners = dict.fromkeys(rows.executions, object())
            crashes.append(rows)

        async with market.made.engine(CopyingJournal(market.made.rows, copy_all), clock=FastClock()) as engine:
            await engine.start(StartRequest(run=run_info(), definition=BUYS))
            await engine.result("e1")
        tried = 0
        for rows in crashes:
            if rows.executions["e1"].status == "SUCCEEDED":
                continue
            begun = any(run.node == "b1" for run in rows.runs.values())
            tried += begun
            morning = AS_OF + timedelta(hours=10)
            later = Market(ManualClock(morning), away=0)
            later.made.rows, later.made.blobs = rows, market.made.blobs
            async with later.made.engine(clock=FastClock()) as engine:
                assert await engine.resume() == ["e1"]
                async with asyncio.timeout(60):
                    assert (await engine.result("e1")).status == "SUCCEEDED"
            assert set(later.told) <= {timestamp(AS_OF if begun else morning)}
        assert tried > 2

    loop.run(body())
