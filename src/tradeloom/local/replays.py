"""Replays of the whole system on a paper account: begun, watched, paused, ended; and what came of them."""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from tradeloom.api.models.market_replays import MarketReplay, MarketReplaySummary, StartMarketReplay
from tradeloom.engine.engine import Engine
from tradeloom.engine.events import Event
from tradeloom.errors import Conflict, InvalidInput, NotFound, TradeloomError
from tradeloom.local.bridging import OnLoop
from tradeloom.local.clocks import AccountClock
from tradeloom.local.conductor import Conductor, Surroundings
from tradeloom.local.replay_turns import Turns
from tradeloom.trading.mt5_broker import MT5Broker

FINISHED: Final = "execution.finished"
PAGE: Final = 500


@dataclass(eq=False)
class _Run:
    account: str
    conductor: Conductor
    began: datetime
    to: datetime
    speed_before: float
    equity_before: float
    ends: Counter[str] = field(default_factory=Counter)
    task: "asyncio.Task[None] | None" = None
    trouble: str | None = None
    summary: MarketReplaySummary | None = None
    reached: bool = False


class Replays:
    """One replay at a time for each account. Its methods are called on other threads than the loop's."""

    def __init__(
        self,
        on_loop: OnLoop,
        *,
        engine: Engine,
        turns: Turns,
        clocks: Mapping[str, AccountClock],
        market_of: Callable[[str], MT5Broker],
        around: Callable[[str], Surroundings],
    ) -> None:
        self._on_loop = on_loop
        self._engine = engine
        self._turns = turns
        self._clocks = clocks
        self._market_of = market_of
        self._around = around
        self._runs: dict[str, _Run] = {}

    def start(self, tenant: str, account: str, wanted: StartMarketReplay) -> MarketReplay:
        return self._on_loop(self.begin(account, wanted))

    def get(self, tenant: str, account: str) -> MarketReplay:
        return self._on_loop(self.read(account))

    def pause(self, tenant: str, account: str) -> MarketReplay:
        return self._on_loop(self._changed(account, lambda run: run.conductor.pause()))

    def resume(self, tenant: str, account: str, speed: float | None) -> MarketReplay:
        """Go on, at another speed where one is given: market seconds per second, 0 as fast as it goes."""

        def go_on(run: _Run) -> None:
            run.conductor.go_on(speed=run.conductor.speed if speed is None else speed or None)

        return self._on_loop(self._changed(account, go_on))

    def stop(self, tenant: str, account: str) -> MarketReplay:
        return self._on_loop(self._changed(account, lambda run: run.conductor.end()))

    # -- on the loop --------------------------------------------------------------------------------------------

    async def begin(self, account: str, wanted: StartMarketReplay) -> MarketReplay:
        """Raises `NotFound`, `InvalidInput` for a time that is past, and `Conflict` while one runs on any account: the
        order of starts is kept for all of them together."""
        clock = self._clock(account)
        if any(run.task is not None and not run.task.done() for run in self._runs.values()):
            raise Conflict("A replay is running already.", hint="Stop it, or wait for its end.")
        broker = self._market_of(account)
        told = await asyncio.to_thread(broker.market_clock)
        if not told.paper:
            raise Conflict("Only a paper account's market can be replayed.", field="account")
        if wanted.to <= told.time:
            raise InvalidInput(
                f"The market is at {told.time:%Y-%m-%d %H:%M} UTC already.", field="to", hint="It never goes back."
            )
        await asyncio.to_thread(broker.set_speed, 0.0)
        await clock.read()
        around = self._around(account)
        conductor = Conductor(account, clock, self._turns, around, to=wanted.to, speed=wanted.speed or None)
        equity = (await asyncio.to_thread(broker.account)).equity
        run = self._runs[account] = _Run(account, conductor, clock.now(), wanted.to, told.speed, equity)
        run.task = asyncio.ensure_future(self._follow(run))
        return await self.read(account)

    async def read(self, account: str) -> MarketReplay:
        """Raises `NotFound` when there was none since the start of the machine."""
        clock, run = self._clock(account), self._runs.get(account)
        if run is None:
            raise NotFound(f"No replay was started on {account}.")
        over = run.task is None or run.task.done()
        state = "running"
        if over:
            state = "failed" if run.trouble else "finished" if run.reached else "stopped"
        elif run.conductor.paused:
            state = "paused"
        now = clock.now() if run.summary is None else run.summary.until
        span = (run.to - run.began) / timedelta(seconds=1)
        return MarketReplay(
            account=account,
            state=state,
            began_at=run.began,
            to=run.to,
            now=now,
            speed=run.conductor.speed or 0.0,
            done=min(1.0, (now - run.began) / timedelta(seconds=1) / span),
            executions=run.ends.total(),
            trouble=run.trouble,
            summary=run.summary,
        )

    async def ended(self, account: str) -> MarketReplay:
        run = self._runs[account]
        if run.task is not None:
            await asyncio.wait([run.task])
        return await self.read(account)

    async def close(self) -> None:
        tasks = [run.task for run in self._runs.values() if run.task is not None and not run.task.done()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _clock(self, account: str) -> AccountClock:
        clock = self._clocks.get(account)
        if clock is None:
            raise NotFound(f"There is no account {account!r}.")
        return clock

    async def _changed(self, account: str, change: Callable[[_Run], None]) -> MarketReplay:
        run = self._runs.get(account)
        if run is None or run.task is None or run.task.done():
            self._clock(account)
            raise Conflict("No replay is running.", hint="Start one.")
        change(run)
        return await self.read(account)

    async def _follow(self, run: _Run) -> None:
        def hear(event: Event) -> None:
            if event.type == FINISHED:
                run.ends[str(event.data.get("status", "")).lower()] += 1
                run.conductor.stir()

        unsubscribe = self._engine.subscribe(hear)
        broker = self._market_of(run.account)
        try:
            run.reached = await run.conductor.run()
            run.summary = await asyncio.to_thread(self._summed_up, run, broker)
            await asyncio.to_thread(broker.set_speed, run.speed_before)
            await self._clock(run.account).read()
        except TradeloomError as error:
            run.trouble = error.message
        finally:
            unsubscribe()

    def _summed_up(self, run: _Run, broker: MT5Broker) -> MarketReplaySummary:
        account, until = broker.account(), broker.market_time()
        profits: list[float] = []
        since, after = run.began, 0
        while True:
            page = broker.trade_ledger(since, until, after_deal=after, limit=PAGE)
            profits += [float(trade.net) for trade in page]
            if len(page) < PAGE:
                break
            since, after = page[-1].closed_at, page[-1].deal
        return MarketReplaySummary(
            until=until,
            moments=run.conductor.moments,
            executions=dict(run.ends),
            trades=len(profits),
            won=sum(1 for profit in profits if profit > 0),
            net_profit=round(sum(profits), 2),
            open_positions=len(broker.positions()),
            equity_change=round(account.equity - run.equity_before, 2),
            currency=account.currency,
        )
