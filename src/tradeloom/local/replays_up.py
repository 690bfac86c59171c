"""Wires replays into a machine: what is still at work at a moment of an account's market."""

from contextlib import AsyncExitStack

from tradeloom.engine.dispatcher import Dispatcher
from tradeloom.engine.engine import Engine
from tradeloom.engine.scheduler import Scheduler
from tradeloom.engine.watcher import Watcher
from tradeloom.local.bridging import OnLoop
from tradeloom.local.conductor import Surroundings
from tradeloom.local.market_clocks import MarketClocks
from tradeloom.local.replay_turns import Turns
from tradeloom.local.replays import Replays


def replays_up(
    stack: AsyncExitStack,
    on_loop: OnLoop,
    engine: Engine,
    dispatcher: Dispatcher,
    clocks: MarketClocks,
    scheduler: Scheduler,
    watcher: Watcher,
) -> Replays:
    turns = Turns()
    dispatcher.gate = turns.gate

    def around(account: str) -> Surroundings:
        return Surroundings(
            awake=lambda: clocks.awake(account),
            scheduled=lambda: scheduler.undecided(account),
            watching=lambda: watcher.busy(account),
            hold=lambda: watcher.hold(account),
            release=lambda: watcher.release(account),
            next_event=lambda: clocks.next_event(account),
        )

    replays = Replays(
        on_loop, engine=engine, turns=turns, clocks=clocks.known, market_of=clocks.market_of, around=around
    )
    stack.push_async_callback(replays.close)
    return replays
