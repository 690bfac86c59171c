"""Copying the trade ledger: everything once, whatever was missed, and no harm done by an account that is away."""

import asyncio
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest

from tests.support.loop import run
from tests.support.trade_records import CLOSED, make_record
from tradeloom.engine.stores import VersionRecord
from tradeloom.engine.trades import TradeFilter
from tradeloom.errors import BrokerUnavailable, StorageUnavailable
from tradeloom.local.trade_keeping import FURTHEST, PAGE, TradeKeeper
from tradeloom.storage.memory.stores import MemoryStores
from tradeloom.storage.memory.trades import MemoryTrades
from tradeloom.trading.trade_ledger import TradeRecord

ALL = TradeFilter(tenant="local")
MINUTE = timedelta(minutes=1)


@dataclass
class Broker:
    """An account's history as a broker gives it; `away` is what asking raises."""

    now: datetime = CLOSED + timedelta(days=1)
    history: list[TradeRecord] = field(default_factory=list)
    asked: list[tuple[datetime, datetime]] = field(default_factory=list)
    away: Exception | None = None

    def market_time(self) -> datetime:
        if self.away is not None:
            raise self.away
        return self.now

    def trade_ledger(
        self, since: datetime, until: datetime, *, after_deal: int = 0, limit: int = 200
    ) -> list[TradeRecord]:
        self.asked.append((since, until))
        found = [
            record
            for record in sorted(self.history, key=lambda record: (record.closed_at, record.deal))
            if since <= record.closed_at <= until and (record.closed_at > since or record.deal > after_deal)
        ]
        return found[:limit]


@dataclass
class Desk:
    """A keeper on one account, and what it keeps; `again` is the next process on the same database."""

    broker: Broker = field(default_factory=Broker)
    trades: MemoryTrades = field(default_factory=MemoryTrades)
    workflows: MemoryStores = field(default_factory=MemoryStores)
    session: str = ""

    def __post_init__(self) -> None:
        self.again()

    def again(self) -> None:
        self.keeper = TradeKeeper(
            tenant="local",
            accounts=("paper",),
            broker_of=lambda _: self.broker,
            session_of=lambda _: self.session,
            trades=self.trades,
            workflows=self.workflows,
            look_s=0.001,
        )

    def look(self) -> bool:
        return run(self.keeper.look())

    @property
    def deals(self) -> list[int]:
        found, _ = run(self.trades.page(ALL, limit=10_000, offset=0))
        return [kept.record.deal for kept in found][::-1]


def test_everything_is_kept_once() -> None:
    desk = Desk(Broker(history=[make_record(deal) for deal in (1, 2, 3)]))
    assert desk.look()
    assert desk.look()
    desk.broker.history.append(make_record(4, closed_at=desk.broker.now + MINUTE))
    desk.broker.now += 2 * MINUTE
    assert desk.look()
    assert desk.deals == [1, 2, 3, 4]


def test_more_than_a_page_at_the_same_moment() -> None:
    history = [make_record(deal, closed_at=CLOSED) for deal in range(1, 2 * PAGE + 2)]
    desk = Desk(Broker(history=history))
    assert desk.look()
    assert desk.deals == list(range(1, 2 * PAGE + 2))


def test_what_happened_while_nobody_looked_is_caught_up_with() -> None:
    desk = Desk(Broker(history=[make_record(1)]))
    desk.look()
    desk.broker.history += [make_record(2, closed_at=CLOSED + timedelta(days=n)) for n in (200,)]
    desk.broker.now = CLOSED + timedelta(days=400)
    desk.again()
    desk.broker.asked.clear()
    assert desk.look()
    assert desk.deals == [1, 2]
    first, *_ = desk.broker.asked
    assert first[0] <= make_record(1).closed_at
    assert all(before[1] == after[0] for before, after in zip(desk.broker.asked, desk.broker.asked[1:], strict=False))


def test_an_account_nothing_is_kept_of_is_searched_from_far_back() -> None:
    long_ago = CLOSED - FURTHEST + timedelta(days=30)
    desk = Desk(Broker(history=[make_record(1, closed_at=long_ago)]))
    assert desk.look()
    assert desk.deals == [1]


def test_a_deal_that_shows_late_is_found() -> None:
    desk = Desk()
    desk.look()
    desk.broker.history.append(make_record(1, closed_at=desk.broker.now - MINUTE))
    desk.broker.now += MINUTE
    desk.look()
    assert desk.deals == [1]


def test_a_broker_that_forgets_takes_nothing_away() -> None:
    desk = Desk(Broker(history=[make_record(1), make_record(2)]))
    desk.look()
    desk.broker.history.clear()
    desk.again()
    desk.look()
    assert desk.deals == [1, 2]


def test_another_replay_has_tickets_of_its_own() -> None:
    desk = Desk(Broker(history=[make_record(1)]), session="a")
    desk.look()
    desk.session = "b"
    desk.again()
    desk.look()
    assert desk.deals == [1, 1]


@pytest.mark.parametrize("trouble", [BrokerUnavailable("the bridge is away"), StorageUnavailable("damaged")])
def test_an_account_that_is_away_is_tried_again(trouble: Exception, caplog: pytest.LogCaptureFixture) -> None:
    desk = Desk(Broker(history=[make_record(1)], away=trouble))
    assert not desk.look()
    assert not desk.look()
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    desk.broker.away = None
    assert desk.look()
    assert desk.deals == [1]


def test_workflows_are_named_as_long_as_they_exist() -> None:
    desk = Desk(Broker(history=[make_record(1), make_record(2, workflow_id="gone"), make_record(3, workflow_id=None)]))
    version = VersionRecord(
        tenant="local", workflow_id="wf-1", version="v1", artefact="a", definition="d", account="paper",
        created_at=CLOSED,
    )  # fmt: skip
    run(desk.workflows.save(version, name="Breakout", description=""))
    desk.look()
    found, _ = run(desk.trades.page(ALL, limit=10, offset=0))
    assert [kept.workflow_name for kept in found] == [None, None, "Breakout"]


def test_it_goes_on_by_itself_and_looks_once_more_at_the_end() -> None:
    desk = Desk(Broker(history=[make_record(1)]))

    async def work() -> None:
        task = asyncio.ensure_future(desk.keeper.keep())
        while not desk.broker.asked:
            await asyncio.sleep(0.001)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        desk.broker.history.append(make_record(2, closed_at=desk.broker.now))
        await desk.keeper.close()

    run(work())
    assert desk.deals == [1, 2]
