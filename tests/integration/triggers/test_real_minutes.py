"""Real minutes of bids and asks through the paper terminal, the bridge's worker and the watcher: every crossing starts
once, as a scan of the two files says, whatever leaps the market takes and however often the watcher is restarted."""

import asyncio
import csv
import gzip
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import cache
from itertools import islice
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest

from mt5_bridge.account_worker import AccountWorker
from mt5_bridge.clock import ReplayClock
from mt5_bridge.config import AccountConfig
from mt5_bridge.guard_store import GuardStore
from mt5_bridge.journal import Journal
from mt5_bridge.terminal import load_terminal
from tests.support.documents import document, node
from tests.support.exam import record, sized
from tests.support.market_data import SHARED
from tradeloom.engine.clock import ManualClock
from tradeloom.engine.dispatcher import Dispatched, StartCommand
from tradeloom.engine.market_news import News
from tradeloom.engine.stores import VersionRecord, WorkflowRecord
from tradeloom.engine.watcher import Watcher
from tradeloom.local.triggers import market_triggers
from tradeloom.storage.memory.variables import MemoryVariables
from tradeloom.trading.mt5_broker import MT5Broker
from tradeloom.trading.mt5_client import BridgeClient
from tradeloom.trading.risk_limits import RiskLimits

BID, ASK = SHARED / "GBPUSD_M1_bid.csv.gz", SHARED / "GBPUSD_M1_ask.csv.gz"
SUITE = "price triggers on real minutes"
LOGIN = 1001
PATIENCE_S = 60.0

pytestmark = [
    pytest.mark.timeout(600),
    pytest.mark.skipif(not BID.exists(), reason="the shared market data is not here"),
]

Series = tuple[np.ndarray, np.ndarray, np.ndarray]
"""Milliseconds, bids and asks of each quote: a bar's open, and its close at its last millisecond."""


@cache
def quotes() -> Series:
    """Read from the files by nothing of ours. Where the feed is crossed, the terminal takes the spread for nil."""
    columns = []
    for path in (BID, ASK):
        with gzip.open(path, "rt") as file:
            rows = list(islice(csv.DictReader(file), sized(2_000, 100_000)))
        opened = np.array([datetime.fromisoformat(row["time"]).replace(tzinfo=UTC).timestamp() for row in rows])
        prices = np.array([[float(row["open"]), float(row["close"])] for row in rows]).ravel()
        columns.append((np.column_stack((opened * 1_000, opened * 1_000 + 59_999)).ravel().astype(np.int64), prices))
    (time, bid), (_, ask) = columns
    return time, bid, np.maximum(bid, ask)


def crossings(prices: np.ndarray, level: float, hysteresis: float) -> np.ndarray:
    """Where prices come above the level, having been at or below level - hysteresis since the last time: of what either
    arms or fires, each that fires behind one that arms."""
    marks = np.where(prices > level, 1, np.where(prices <= level - hysteresis, -1, 0))
    places = np.flatnonzero(marks)
    fires = (marks[places][1:] == 1) & (marks[places][:-1] == -1)
    return np.asarray(places[1:][fires])


def expected(series: Series, wanted: dict[str, Any]) -> list[tuple[int, float]]:
    time, prices = series[0], series[1] if wanted["side"] == "bid" else series[2]
    level, hysteresis = wanted["price"], wanted["hysteresis"]
    up = crossings(prices, level, hysteresis)
    down = crossings(-prices, -level, hysteresis)
    found = {"crosses_above": up, "crosses_below": down, "crosses": np.sort(np.concatenate((up, down)))}
    return [(int(time[at]), float(prices[at])) for at in found[wanted["condition"]]]


class Direct:
    """The bridge's worker, without a network between. A call under way is one at a time, as over its pipe."""

    def __init__(self, worker: AccountWorker) -> None:
        self._worker = worker

    def call(self, method: str, payload: bytes, *, timeout_s: float) -> bytes:
        answer = self._worker.handle(method, payload)
        self._worker.between_calls()
        return answer

    def close(self) -> None:
        pass


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[MT5Broker]:
    (tmp_path / "paper.json").write_text(
        json.dumps({
            "accounts": [{"login": LOGIN}],
            "symbols": [{
                "name": "GBPUSD", "digits": 5, "contract_size": 100_000, "spread_points": 2,
                "currency_base": "GBP", "currency_profit": "USD", "currency_margin": "GBP",
                "data": {"path": str(BID), "timeframe": "M1", "price": "bid", "counter_path": str(ASK)},
            }],
            "clock": {"start": datetime.fromtimestamp(int(quotes()[0][0]) / 1_000, UTC).isoformat(), "speed": 0},
        })
    )  # fmt: skip
    terminal, control = load_terminal("paper")
    assert control is not None
    assert terminal.initialize(str(tmp_path), login=LOGIN), terminal.last_error()
    settings = AccountConfig(
        name="paper",
        terminal="paper",
        terminal_path=tmp_path,
        login=LOGIN,
        server_time_zone="UTC",
        limits=RiskLimits.for_paper(("GBPUSD",), max_lot=1, max_price_age_s=60),  # type: ignore[arg-type]
    )
    worker = AccountWorker(
        settings,
        terminal,
        ReplayClock(control),
        lambda: Journal(tmp_path / "journal.sqlite3"),
        lambda: GuardStore(tmp_path / "guards.sqlite3"),
    )
    yield BridgeClient(transport=Direct(worker)).account("paper")
    worker.close()


class Workflows:
    """One active workflow for each trigger."""

    def __init__(self, wanted: list[dict[str, Any]]) -> None:
        self.configs = {f"wf-{number}": config for number, config in enumerate(wanted)}

    async def active(self, tenant: str) -> list[tuple[WorkflowRecord, VersionRecord]]:
        return [(await self.workflow(tenant, each), await self.version(tenant, each, each)) for each in self.configs]

    async def active_versions(self, tenant: str) -> dict[str, str]:
        return {name: name for name in self.configs}

    async def workflow(self, tenant: str, workflow_id: str) -> WorkflowRecord:
        now = datetime.now(UTC)
        return WorkflowRecord(
            tenant=tenant,
            id=workflow_id,
            name=workflow_id,
            description="",
            version=workflow_id,
            active_version=workflow_id,
            created_at=now,
            updated_at=now,
        )

    async def version(self, tenant: str, workflow_id: str, version: str) -> VersionRecord:
        return VersionRecord(
            tenant=tenant,
            workflow_id=workflow_id,
            version=version,
            artefact="",
            definition="",
            account="paper",
            created_at=datetime.now(UTC),
        )

    def artefact(self, version: str) -> dict[str, Any]:
        config = {"symbol": "GBPUSD", "overlap": "allow", "missed": "all", **self.configs[version]}
        return {"document": document([node("event", "trigger.price", config=config)])}


class Starts:
    """What the dispatcher would start; a key it has seen is a duplicate."""

    def __init__(self) -> None:
        self.keys: set[tuple[str, str]] = set()
        self.started: dict[str, list[dict[str, Any]]] = {}
        self.duplicates = 0

    async def dispatch(self, command: StartCommand) -> Dispatched:
        key = command.workflow_id, str(command.dedupe_key)
        if key in self.keys:
            self.duplicates += 1
            return Dispatched("duplicate", "x")
        self.keys.add(key)
        self.started.setdefault(command.workflow_id, []).append(command.payload)
        return Dispatched("started", "x")


def variants(series: Series) -> list[dict[str, Any]]:
    return [
        {"side": side, "condition": condition, "price": round(float(np.median(prices)), 5), "hysteresis": hysteresis}
        for side, prices in (("bid", series[1]), ("ask", series[2]))
        for condition in ("crosses_above", "crosses_below", "crosses")
        for hysteresis in (0.0, 0.0003, 0.0015)
    ]


@pytest.mark.exam(suite=SUITE)
def test_every_crossing_starts_once(broker: MT5Broker) -> None:
    series, random = quotes(), Random(7)
    wanted = variants(series)
    starts, restarts = asyncio.run(watched(broker, series, wanted, random))
    total = 0
    for number, config in enumerate(wanted):
        scanned = expected(series, config)
        total += len(scanned)
        given = [
            (round(datetime.fromisoformat(each["timestamp"]).timestamp() * 1_000), each["price"])
            for each in starts.started.get(f"wf-{number}", [])
        ]
        assert given == scanned, config
    assert total > 200
    record(SUITE, quotes=len(series[0]), triggers=len(wanted), crossings=total, missed=0, doubled=0, restarts=restarts)


async def watched(
    broker: MT5Broker, series: Series, wanted: list[dict[str, Any]], random: Random
) -> tuple[Starts, int]:
    """The market goes to its end in leaps of a quote or many; now and then the watcher is another one."""
    workflows, variables, starts = Workflows(wanted), MemoryVariables(), Starts()
    clock = ManualClock(broker.market_time())
    at, last, restarts = 0, len(series[0]) - 1, 0

    def make() -> Watcher:
        made: Any = Watcher
        watcher: Watcher = made(
            workflows=workflows,
            schedules=workflows,
            variables=variables,
            blobs=workflows,
            dispatcher=starts,
            triggers=market_triggers(),
            clock_for_account=lambda account: clock,
            market_for_account=lambda account: broker,
            look_s=PATIENCE_S,
        )
        return watcher

    watcher = make()
    await watcher.start()
    await looked(watcher, lambda: None)
    while at < last:
        if random.random() < 0.02:
            await watcher.close()
            at = leap(broker, series, at, random.choice((0, 1, 10, 300)))  # while nobody watches
            watcher, restarts = make(), restarts + 1
            await watcher.start()
            await looked(watcher, lambda: None)
        at = leap(broker, series, at, random.choice((1, 1, 2, 5, 40)))
        clock.set(broker.market_time())
        await looked(watcher, lambda w=watcher: w._bells["paper"].ring(News(symbols=frozenset({"GBPUSD"}))))  # type: ignore[misc]
    await watcher.close()
    return starts, restarts


def leap(broker: MT5Broker, series: Series, at: int, by: int) -> int:
    to = min(at + by, len(series[0]) - 1)
    moment = datetime.fromtimestamp(int(series[0][to]) / 1_000, UTC)
    if moment > broker.market_time():
        broker.advance(moment)
    return to


async def looked(watcher: Watcher, stir: Callable[[], None]) -> None:
    """Until a look that began after `stir` is over."""
    async with asyncio.timeout(PATIENCE_S):
        while watcher.busy("paper"):
            await asyncio.sleep(0.0005)
        stir()
        await asyncio.sleep(0.0005)
        while watcher._bells["paper"].rung.is_set() or watcher.busy("paper"):
            await asyncio.sleep(0.0005)
