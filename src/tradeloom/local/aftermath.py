"""What follows executions, or their absence: error workflows, and word of runs that were expected."""

import asyncio
from contextlib import AsyncExitStack

from tradeloom.engine.dispatcher import Dispatcher
from tradeloom.engine.engine import Engine
from tradeloom.local.error_workflows import ErrorWorkflows
from tradeloom.local.expectations import Expectations, Skips
from tradeloom.local.halts import Halts
from tradeloom.local.market_clocks import MarketClocks
from tradeloom.local.storage import TENANT, Storage
from tradeloom.local.tasks import ended


def aftermath_up(stack: AsyncExitStack, kept: Storage, engine: Engine, dispatcher: Dispatcher) -> None:
    errors = ErrorWorkflows(
        tenant=TENANT, journal=kept.journal, workflows=kept.stores, blobs=kept.blobs, dispatcher=dispatcher
    )
    stack.callback(engine.subscribe(errors.hear))
    stack.push_async_callback(ended, asyncio.ensure_future(errors.run()))


def expectations_of(kept: Storage, skips: Skips, clocks: MarketClocks, halts: Halts) -> Expectations:
    return Expectations(
        tenant=TENANT,
        store=kept.expectations,
        schedules=kept.stores,
        journal=kept.journal,
        blobs=kept.blobs,
        skips=skips,
        clock_for_account=clocks.of,
        refuses=halts.refuses,
    )
