"""The resolver: it asks until it knows, forgets nothing over a restart, and tells people once."""

import functools
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.contract.storage.test_orders import record
from tests.support import loop
from tradeloom.engine.order_resolver import NEVER_ARRIVED_AFTER, OrderResolver
from tradeloom.engine.orders import LONGEST_LOOK_S, OrderRecord
from tradeloom.errors import BrokerUnavailable, NotFound, StorageUnavailable
from tradeloom.storage.memory.journal import MemoryJournal
from tradeloom.storage.memory.orders import MemoryOrders
from tradeloom.trading.intents import OrderOutcome, OutcomeStatus


def run[**P](test: Callable[P, Coroutine[Any, Any, None]]) -> Callable[P, None]:
    @functools.wraps(test)
    def ran(*args: P.args, **kwargs: P.kwargs) -> None:
        loop.run(test(*args, **kwargs))

    return ran


START = datetime(2026, 1, 5, 9, tzinfo=UTC)
ID = "a" * 32
INTENT = {"kind": "market", "side": "buy", "volume": "0.10", "symbol": "EURUSD"}


class Bench:
    """A resolver on stores in memory, a clock that stands, and a bridge that answers from a list (the last repeats)."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.asked: list[float] = []
        self.now = START
        self.orders = MemoryOrders()
        self.journal = MemoryJournal(linger_s=0)
        self.resolver = self.another()

    def another(self) -> OrderResolver:
        return OrderResolver(self.orders, self.journal, self.ask, lambda: self.now)

    async def ask(self, account: str, order_id: str) -> OrderOutcome | None:
        assert (account, order_id) == ("paper", ID)
        self.asked.append((self.now - START).total_seconds())
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return None if answer is None else OrderOutcome(**{"client_order_id": ID, **answer})

    async def begin(self, **changes: Any) -> None:
        await self.journal.open()
        await self.orders.intend(record(ID, **{"intent": INTENT, "check_at": START, "created_at": START, **changes}))

    async def pass_time(self, seconds: int) -> None:
        for _ in range(seconds):
            await self.resolver.look()
            self.now += timedelta(seconds=1)

    async def row(self) -> OrderRecord:
        found = await self.orders.order("acme", ID)
        assert found is not None
        return found

    async def told(self) -> list[tuple[str, str]]:
        stored = await self.journal.notifications("acme")
        return [(each.notification.level, each.notification.title) for each in stored]


UNKNOWN = {"status": OutcomeStatus.UNKNOWN}
DONE = {"status": OutcomeStatus.DONE, "order": 7, "message": "filled"}
MANUAL = {"status": OutcomeStatus.UNKNOWN, "reason": "manual", "message": "not found"}


@run
async def test_it_asks_ever_more_rarely_until_it_knows() -> None:
    bench = Bench(UNKNOWN, UNKNOWN, BrokerUnavailable("down"), UNKNOWN, DONE)
    await bench.begin(state="unknown")
    await bench.pass_time(200)
    pauses = [late - early for early, late in zip(bench.asked, bench.asked[1:], strict=False)]
    assert len(bench.asked) == 5
    assert pauses == sorted(pauses)
    row = await bench.row()
    assert (row.state, row.message, row.check_at) == ("done", "filled", None)
    assert row.outcome is not None
    assert row.outcome["order"] == 7
    assert await bench.told() == [("success", "Order settled: done")]


@run
async def test_it_never_stops_asking_while_nobody_knows() -> None:
    bench = Bench(UNKNOWN)
    await bench.begin(state="unknown")
    for _ in range(40):
        await bench.resolver.look()
        bench.now += timedelta(seconds=LONGEST_LOOK_S)
    assert len(bench.asked) == 40
    assert (await bench.row()).checks == 40


@run
async def test_another_resolver_goes_on_where_one_stopped() -> None:
    bench = Bench(UNKNOWN, UNKNOWN, UNKNOWN, DONE)
    await bench.begin(state="unknown")
    for _ in range(60):
        bench.resolver = bench.another()
        await bench.pass_time(1)
    assert len(bench.asked) == 4
    assert (await bench.row()).state == "done"


@run
async def test_an_order_that_needs_a_person_is_told_once_whoever_found_out() -> None:
    bench = Bench(MANUAL)
    await bench.begin(state="manual")
    await bench.pass_time(300)
    assert await bench.told() == [("error", "An order needs you")]
    (stored,) = await bench.journal.notifications("acme")
    assert "buy 0.10 EURUSD on paper" in stored.notification.message
    assert f"tradeloom orders settle {ID}" in stored.notification.message
    bench.answers = [{"status": OutcomeStatus.NOT_SENT}]
    bench.now += timedelta(seconds=LONGEST_LOOK_S)
    await bench.resolver.look()
    assert ("warning", "Order settled: not sent") in await bench.told()


@run
async def test_an_order_the_worker_never_handed_in_is_withdrawn() -> None:
    bench = Bench(None)
    await bench.begin()
    await bench.pass_time(5)
    row = await bench.row()
    assert (row.state, row.check_at) == ("withdrawn", None)
    assert await bench.told() == []


@run
async def test_one_that_was_said_to_be_unknown_and_never_arrived_was_not_sent() -> None:
    bench = Bench(None)
    await bench.begin(state="unknown")
    await bench.pass_time(60)
    assert (await bench.row()).state == "unknown"
    bench.now = START + NEVER_ARRIVED_AFTER
    await bench.resolver.look()
    assert (await bench.row()).state == "not_sent"
    assert await bench.told() == [("warning", "Order settled: not sent")]


@run
async def test_an_order_whose_worker_died_is_found() -> None:
    bench = Bench({"status": OutcomeStatus.PARTIAL, "message": "filled 0.04 of 0.1 lots"})
    await bench.begin()
    await bench.resolver.look()
    assert (await bench.row()).state == "partial"
    assert await bench.told() == [("warning", "Order settled: partial")]


@pytest.mark.parametrize("trouble", [BrokerUnavailable("down"), NotFound("no account"), StorageUnavailable("journal")])
@run
async def test_a_bridge_in_trouble_changes_nothing(trouble: Exception) -> None:
    bench = Bench(trouble)
    await bench.begin(state="unknown", message="lost")
    await bench.pass_time(10)
    row = await bench.row()
    assert (row.state, row.message, row.outcome) == ("unknown", "lost", None)
    assert row.check_at is not None


@run
async def test_what_is_not_due_is_left_alone() -> None:
    bench = Bench(DONE)
    await bench.begin(check_at=START + timedelta(seconds=60))
    await bench.pass_time(30)
    assert bench.asked == []
