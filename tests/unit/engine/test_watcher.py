"""The watcher between a market and the dispatcher: each event starts once, whatever stops in between."""

import asyncio
import queue
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import wraps
from typing import Any

import pytest

from tests.support import loop
from tests.support.fake_broker import FakeBroker
from tests.support.node_context import AS_OF as MARKET_AS_OF
from tests.support.series import eurusd_h1
from tests.unit.engine.fakes import AS_OF
from tests.unit.engine.test_dispatcher import House, house
from tradeloom.engine.dispatcher import Dispatched, StartCommand
from tradeloom.engine.watcher import Watcher
from tradeloom.errors import BrokerUnavailable, InvalidInput, StorageUnavailable, TradeloomError
from tradeloom.local.triggers import market_triggers
from tradeloom.storage.memory.variables import MemoryVariables
from tradeloom.trading.broker import Tick
from tradeloom.trading.methods import MarketChange

HOUR = timedelta(hours=1)


def on_loop(story: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    @wraps(story)
    def told(*args: Any, **more: Any) -> None:
        loop.run(story(*args, **more))

    return told


def hours() -> dict[tuple[str, str], Any]:
    """Real hours, moved so that the engine's tests stand among them."""
    columns = eurusd_h1()
    return {("EURUSD", "H1"): {**columns, "time": columns["time"] + int((AS_OF - MARKET_AS_OF).total_seconds())}}


PATIENCE_S = 60.0


def trigger(kind: str, **config: Any) -> dict[str, Any]:
    return {"id": "event", "type": kind, "config": {"symbol": "EURUSD", **config}}


CANDLES = trigger("trigger.candle_close", timeframe="H1", overlap="allow")
PRICE = trigger("trigger.price", price=1.2, condition="crosses_above", overlap="allow")


class Market(FakeBroker):
    """`down` makes every question fail."""

    down = False

    def market_time(self) -> datetime:
        if self.down:
            raise BrokerUnavailable("The bridge does not answer.")
        return super().market_time()

    def tick(self, symbol: str) -> Tick:
        if self.down:
            raise BrokerUnavailable("The bridge does not answer.")
        return super().tick(symbol)


class Variables(MemoryVariables):
    """`full` makes every write fail."""

    full = False

    async def write(self, *args: Any, **more: Any) -> Any:
        if self.full:
            raise StorageUnavailable("The disk is full.")
        return await super().write(*args, **more)


@dataclass
class Scene:
    """`house`'s workflow `w1`, a market, and the watchers on it. `starts` are the payloads of what was started."""

    house: House
    market: Market
    variables: Variables = field(default_factory=Variables)
    watchers: list[Watcher] = field(default_factory=list)

    def watcher(self, dispatcher: Any = None, *, look_s: float = 0.01, **more: Any) -> Watcher:
        made = Watcher(
            workflows=self.house.stores,
            schedules=self.house.stores,
            variables=self.variables,
            blobs=self.house.made.blobs,
            dispatcher=dispatcher or self.house.dispatcher,
            triggers=market_triggers(),
            clock_for_account=lambda account: self.house.clock,
            market_for_account=lambda account: self.market,
            look_s=look_s,
            **more,
        )
        self.watchers.append(made)
        return made

    def at(self, moment: datetime, bid: float = 1.1) -> None:
        self.market.now = moment
        self.market.quote("EURUSD", bid, bid + 0.0002, at=moment)
        self.house.clock.set(moment)

    @property
    def starts(self) -> list[dict[str, Any]]:
        rows = self.house.made.rows.executions.values()
        return [row.run["payload"] for row in sorted(rows, key=lambda row: row.created_at)]

    async def settle(self, done: Callable[[], bool]) -> None:
        give_up = time.monotonic() + PATIENCE_S
        while not done():
            assert time.monotonic() < give_up, self.starts
            await asyncio.sleep(0.01)

    async def looks(self) -> None:
        """Long enough for several looks."""
        await asyncio.sleep(0.1)


@asynccontextmanager
async def scene(node: dict[str, Any], *, session: str = "") -> AsyncIterator[Scene]:
    market = Market("paper", now=AS_OF, history=hours())
    async with house(nodes=(node,), session=session) as made:
        staged = Scene(made, market)
        staged.at(AS_OF)
        try:
            yield staged
        finally:
            for watcher in staged.watchers:
                await watcher.close()


@on_loop
async def test_every_bar_starts_once_however_often_one_looks() -> None:
    async with scene(CANDLES) as staged:
        await staged.watcher().start()
        await staged.looks()
        for hour in range(1, 4):
            staged.at(AS_OF + hour * HOUR)
            await staged.settle(lambda expected=hour: len(staged.starts) == expected)  # type: ignore[misc]
            await staged.looks()
        assert len({each["time"] for each in staged.starts}) == len(staged.starts) == 3


@on_loop
async def test_a_restart_goes_on_where_the_last_one_stopped() -> None:
    async with scene(PRICE) as staged:
        first = staged.watcher()
        await first.start()
        await staged.looks()
        await first.close()
        staged.at(AS_OF + timedelta(seconds=30), bid=1.25)
        await staged.watcher().start()
        await staged.settle(lambda: len(staged.starts) == 1)
        assert (staged.starts[0]["previous"], staged.starts[0]["price"]) == (1.1, 1.25)
        await staged.watchers[-1].close()
        await staged.watcher().start()
        await staged.looks()
        assert len(staged.starts) == 1


class Dying:
    """A dispatcher whose process ends before, or after, it started anything."""

    def __init__(self, inner: Any, *, after: bool) -> None:
        self._inner, self._after = inner, after
        self.reached = asyncio.Event()

    async def dispatch(self, command: StartCommand) -> Dispatched:
        if self._after:
            await self._inner.dispatch(command)
        self.reached.set()
        await asyncio.Event().wait()
        raise AssertionError("nobody waits that long")


@pytest.mark.parametrize("after", [False, True])
def test_a_crash_around_a_start_neither_loses_nor_doubles_it(after: bool) -> None:
    async def story() -> None:
        async with scene(PRICE) as staged:
            dying = Dying(staged.house.dispatcher, after=after)
            first = staged.watcher(dying)
            await first.start()
            await staged.looks()
            staged.at(AS_OF + timedelta(seconds=5), bid=1.25)
            await dying.reached.wait()
            await first.close()
            staged.at(AS_OF + timedelta(seconds=20), bid=1.26)
            await staged.watcher().start()
            await staged.settle(lambda: len(staged.starts) == 1)
            await staged.looks()
            assert [each["price"] for each in staged.starts] == [1.25]

    loop.run(story())


@on_loop
async def test_what_could_not_be_kept_is_seen_again() -> None:
    async with scene(CANDLES) as staged:
        await staged.watcher().start()
        await staged.looks()
        staged.variables.full = True
        staged.at(AS_OF + HOUR)
        await staged.looks()
        assert staged.starts == []
        staged.variables.full = False
        await staged.settle(lambda: len(staged.starts) == 1)


@on_loop
async def test_two_watchers_on_one_database_start_one_each_time() -> None:
    async with scene(PRICE) as staged:
        for _ in range(2):
            await staged.watcher().start()
        await staged.looks()
        for step in range(1, 6):
            staged.at(AS_OF + timedelta(seconds=10 * step), bid=1.25 if step % 2 else 1.1)
            await staged.looks()
        assert [each["price"] for each in staged.starts] == [1.25] * 3


@pytest.mark.parametrize(("missed", "expected"), [("skip", 1), ("once", 2), ("all", 4)])
def test_what_came_while_the_bridge_was_away(missed: str, expected: int) -> None:
    async def story() -> None:
        async with scene(trigger("trigger.candle_close", timeframe="H1", overlap="allow", missed=missed)) as staged:
            await staged.watcher().start()
            await staged.looks()
            staged.market.down = True
            staged.at(AS_OF + 4 * HOUR)
            await staged.looks()
            assert staged.starts == []
            staged.market.down = False
            await staged.settle(lambda: len(staged.starts) == expected)
            await staged.looks()
            assert len(staged.starts) == expected

    loop.run(story())


@on_loop
async def test_nothing_from_before_an_activation_counts() -> None:
    async with scene(CANDLES) as staged:
        watcher = staged.watcher()
        await watcher.start()
        await staged.looks()
        await staged.house.stores.set_active("local", "w1", None)
        await watcher.refresh("local", "w1")
        assert watcher.watched == []
        staged.at(AS_OF + 3 * HOUR)
        await staged.looks()
        await staged.house.stores.set_active("local", "w1", "v2")
        await watcher.refresh("local", "w1")
        assert watcher.watched == [("w1", "event")]
        await staged.looks()
        assert staged.starts == []
        staged.at(AS_OF + 4 * HOUR)
        await staged.settle(lambda: len(staged.starts) == 1)


@on_loop
async def test_an_unknown_symbol_stops_nobody_else() -> None:
    wrong = {**trigger("trigger.candle_close", timeframe="H1"), "id": "wrong"}
    wrong["config"] = {**wrong["config"], "symbol": "NOSUCH"}
    async with house(nodes=(wrong, CANDLES)) as made:
        staged = Scene(made, Market("paper", now=AS_OF, history=hours()))
        staged.at(AS_OF)
        watcher = staged.watcher()
        await watcher.start()
        await staged.looks()
        staged.at(AS_OF + HOUR)
        await staged.settle(lambda: len(staged.starts) == 1)
        await watcher.close()


@on_loop
async def test_a_trigger_an_older_release_saved_keeps_nobody_from_starting() -> None:
    old = {**trigger("trigger.price", price=-1.0, gone=True), "id": "old"}
    async with house(nodes=(old, CANDLES)) as made:
        staged = Scene(made, Market("paper", now=AS_OF, history=hours()))
        staged.at(AS_OF)
        watcher = staged.watcher()
        await watcher.start()
        assert watcher.watched == [("w1", "event")]
        await watcher.close()


@on_loop
async def test_a_replays_times_are_its_own() -> None:
    async with scene(CANDLES, session="r1") as staged:
        await staged.watcher().start()
        await staged.looks()
        staged.at(AS_OF + HOUR)
        await staged.settle(lambda: len(staged.starts) == 1)
        row = next(iter(staged.house.made.rows.executions.values()))
        assert row.dedupe_key == f"w1:event:event:r1:{staged.starts[0]['time']}"


class Bridge:
    """News on demand: `tell` wakes whoever waits, once; `trouble` is raised instead."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, ...]] = []
        self.trouble: TradeloomError | None = None
        self._news: queue.Queue[MarketChange] = queue.Queue()

    def tell(self, *symbols: str, orders: bool = False) -> None:
        self._news.put(MarketChange(cursor="x:1", symbols=symbols, orders=orders))

    def wait(self, account: str, symbols: Sequence[str], after: str | None, timeout_s: float) -> MarketChange:
        self.calls.append(tuple(symbols))
        if self.trouble is not None:
            raise self.trouble
        if after is None:
            return MarketChange(cursor="x:0", unsure=True)
        try:
            return self._news.get(timeout=0.05)
        except queue.Empty:
            return MarketChange(cursor="x:1")


@on_loop
async def test_news_start_what_they_concern_without_waiting_for_the_next_look() -> None:
    async with scene(PRICE) as staged:
        bridge = Bridge()
        watcher = staged.watcher(wait_for_market=bridge.wait, look_s=3600.0)
        await watcher.start()
        await staged.settle(lambda: bool(bridge.calls) and not watcher.busy("paper"))
        staged.at(AS_OF + timedelta(seconds=5), bid=1.25)
        bridge.tell("GBPUSD")
        bridge.tell(orders=True)
        await staged.looks()
        assert staged.starts == []
        bridge.tell("EURUSD")
        await staged.settle(lambda: len(staged.starts) == 1)
        assert set(bridge.calls) == {("EURUSD",)}


@pytest.mark.parametrize("trouble", [BrokerUnavailable("it is busy"), InvalidInput("no such method", field="method")])
def test_without_news_the_market_is_looked_at_as_ever(trouble: TradeloomError) -> None:
    async def story() -> None:
        async with scene(PRICE) as staged:
            bridge = Bridge()
            bridge.trouble = trouble
            await staged.watcher(wait_for_market=bridge.wait).start()
            await staged.looks()
            staged.at(AS_OF + timedelta(seconds=5), bid=1.25)
            await staged.settle(lambda: len(staged.starts) == 1)

    loop.run(story())


@on_loop
async def test_a_market_that_is_held_is_not_looked_at() -> None:
    async with scene(PRICE) as staged:
        watcher = staged.watcher()
        await watcher.start()
        await staged.looks()
        watcher.hold("paper")
        await staged.looks()  # one that was under way ends
        staged.at(AS_OF + timedelta(seconds=5), bid=1.25)
        await staged.looks()
        assert staged.starts == []
        watcher.release("paper")
        await staged.settle(lambda: len(staged.starts) == 1)


@on_loop
async def test_news_that_concern_nobody_leave_a_replays_next_event_waited_for() -> None:
    async with scene(PRICE) as staged:
        bridge = Bridge()
        coming = AS_OF + timedelta(seconds=5)
        watcher = staged.watcher(wait_for_market=bridge.wait, next_event=lambda account: coming, look_s=3600.0)
        await watcher.start()
        await staged.settle(lambda: bool(bridge.calls) and not watcher.busy("paper"))
        bridge.tell(orders=True)
        await staged.looks()
        staged.at(coming, bid=1.25)
        await staged.settle(lambda: len(staged.starts) == 1)
