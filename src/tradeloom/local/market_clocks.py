"""The market clocks of a machine's accounts, and what may move a replay's."""

import asyncio
import contextlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import AsyncExitStack
from datetime import datetime
from weakref import WeakValueDictionary

from tradeloom.engine.engine import Engine
from tradeloom.errors import Conflict
from tradeloom.local.clocks import AccountClock, RunClock
from tradeloom.local.market import PaperMarket
from tradeloom.local.private_accounts import private_account
from tradeloom.local.tasks import ended
from tradeloom.runtime.envelope import RunInfo
from tradeloom.trading.methods import MarketChange
from tradeloom.trading.mt5_broker import MT5Broker
from tradeloom.trading.mt5_client import BridgeClient


class MarketClocks:
    """Each account's market clock, and each execution's view of it."""

    def __init__(self, market: PaperMarket) -> None:
        assert market.client is not None
        self.known = {name: self._made(market, market.client, name) for name in market.accounts}
        self._runs: WeakValueDictionary[str, RunClock] = WeakValueDictionary()
        self._resting: set[str] = set()
        self.engine: Engine | None = None
        self.watching: Callable[[str], bool] = lambda account: False
        self._market = market

    def market_of(self, account: str) -> MT5Broker:
        assert self._market.client is not None
        return self._market.client.account(account)

    def wait(self, account: str, symbols: Sequence[str], after: str | None, timeout_s: float) -> MarketChange:
        return self.market_of(account).wait(symbols, after, timeout_s)

    def heard(self, account: str, time: datetime) -> None:
        self.of(account).heard(time)

    def next_event(self, account: str) -> datetime | None:
        """When a replay next shows something. None for a terminal whose time is not ours, and at the end."""
        try:
            return self.market_of(account).next_event_time()
        except Conflict:
            return None

    def _made(self, market: PaperMarket, client: BridgeClient, name: str) -> AccountClock:
        return AccountClock(client.account(name), lambda: self._idle(name), session=market.session(name))

    async def open(self, stack: AsyncExitStack) -> None:
        for clock in self.known.values():
            await clock.read()
            task = asyncio.ensure_future(clock.follow())
            stack.push_async_callback(ended, task)

    def of(self, account: str) -> AccountClock:
        """Raises `InvalidInput` for an account this machine has not."""
        private_account(account)
        return self.known[account]

    def for_run(self, run: RunInfo) -> RunClock:
        clock = RunClock(self.of(run.account), f"{run.workflow_id}/{run.trigger}/{run.as_of.isoformat()}")
        self._runs[run.execution_id] = clock
        return clock

    def _idle(self, account: str) -> bool:
        """Whether every execution on the account sleeps: then waiting may move its market."""
        return not self.watching(account) and not self.awake(account)

    def awake(self, account: str) -> bool:
        """Whether an execution on the account does something but wait for the market's time, or for another one."""
        running = self.engine.running if self.engine is not None else []
        clocks = ((run, self._runs.get(run)) for run in running)
        mine = self.known.get(account)
        return not all(self._sleeps(run, clock) for run, clock in clocks if clock is not None and clock.account is mine)

    def _sleeps(self, run: str, clock: RunClock) -> bool:
        """All its strands wait; a debugged one that is paused keeps nobody's delay from ending either."""
        rests = clock.sleeps if self.engine is None else self.engine.rests(run)
        return rests or run in self._resting

    @contextlib.contextmanager
    def resting(self, execution_id: str) -> Iterator[None]:
        """While an execution waits for another one it called, it counts as asleep."""
        self._resting.add(execution_id)
        try:
            yield
        finally:
            self._resting.discard(execution_id)
