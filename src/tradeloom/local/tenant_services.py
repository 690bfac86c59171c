"""What the API tells of a tenant's own tables and models, taken down with the machine."""

import asyncio
from contextlib import AsyncExitStack

from tradeloom.local.bridging import OnLoop
from tradeloom.local.market_clocks import MarketClocks
from tradeloom.local.models import BlobFiles
from tradeloom.local.storage import Storage
from tradeloom.local.tables import LocalTables
from tradeloom.local.trained_models import LocalModels
from tradeloom.storage.tenants.provisioning import TenantAccess


def tables_up(stack: AsyncExitStack, on_loop: OnLoop, access: TenantAccess) -> LocalTables:
    tables = LocalTables(on_loop, access)
    stack.push_async_callback(asyncio.to_thread, tables.close)
    return tables


def models_up(stack: AsyncExitStack, on_loop: OnLoop, kept: Storage, clocks: MarketClocks) -> LocalModels:
    models = LocalModels(
        on_loop,
        kept.variables,
        BlobFiles(kept.blobs),
        market_now=lambda account: clocks.of(account).now(),
        bars_of=lambda reference: clocks.market_of(reference.account).bars(reference),
    )
    stack.push_async_callback(asyncio.to_thread, models.close)
    return models
