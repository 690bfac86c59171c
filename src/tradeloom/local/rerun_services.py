"""Retries, replays, pins and debugging of a machine, put together."""

from collections.abc import Callable

from tradeloom.engine.clock import Clock
from tradeloom.engine.dispatcher import Refuses
from tradeloom.engine.engine import Engine
from tradeloom.local.bridging import OnLoop
from tradeloom.local.debugging import LocalDebugging
from tradeloom.local.executions import LocalExecutions
from tradeloom.local.modes import Modes
from tradeloom.local.private_accounts import PrivateMarket
from tradeloom.local.reruns import LocalReruns
from tradeloom.local.retrying import Retries
from tradeloom.local.storage import Storage


def reruns_up(
    kept: Storage,
    on_loop: OnLoop,
    engine: Engine,
    executions: LocalExecutions,
    modes: Modes,
    private_market: PrivateMarket,
    clock_for_account: Callable[[str], Clock],
    refuses: Refuses,
) -> tuple[LocalReruns, LocalDebugging]:
    retries = Retries(
        engine=engine,
        journal=kept.journal,
        workflows=kept.stores,
        blobs=kept.blobs,
        orders=kept.orders,
        clock_for_account=clock_for_account,
        refuses=refuses,
    )
    reruns = LocalReruns(
        on_loop,
        journal=kept.journal,
        workflows=kept.stores,
        blobs=kept.blobs,
        pins=kept.pins,
        modes=modes,
        retries=retries,
        executions=executions,
        private_market=private_market,
        market_now=lambda account: clock_for_account(account).now(),
    )
    debugging = LocalDebugging(
        on_loop,
        engine=engine,
        journal=kept.journal,
        workflows=kept.stores,
        blobs=kept.blobs,
        modes=modes,
        executions=executions,
        private_market=private_market,
    )
    return reruns, debugging
