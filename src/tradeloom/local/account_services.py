"""What the API tells of accounts, orders and trades, each with the task that keeps it true while the machine is up."""

import asyncio
from contextlib import AsyncExitStack

from tradeloom.engine.engine import Engine
from tradeloom.engine.order_resolver import OrderResolver
from tradeloom.local.account_notices import AccountNotices
from tradeloom.local.accounts import LocalAccounts
from tradeloom.local.bridging import OnLoop
from tradeloom.local.halts import Halts
from tradeloom.local.market import PaperMarket
from tradeloom.local.market_clocks import MarketClocks
from tradeloom.local.orders import LocalOrders
from tradeloom.local.storage import TENANT, Storage
from tradeloom.local.tasks import ended
from tradeloom.local.trade_keeping import TradeKeeper
from tradeloom.local.trades import LocalTrades
from tradeloom.local.undelivered import Undelivered
from tradeloom.local.workflows import LocalWorkflows


async def accounts_up(
    stack: AsyncExitStack,
    kept: Storage,
    on_loop: OnLoop,
    market: PaperMarket,
    engine: Engine,
    workflows: LocalWorkflows,
    halts: Halts,
    notices: AccountNotices,
) -> LocalAccounts:
    assert market.client is not None
    accounts = LocalAccounts(
        on_loop,
        bridge=market.client,
        accounts=market.accounts,
        halts=halts,
        sweep=engine.stop_halted,
        kill_workflow=workflows.kill,
        undelivered=Undelivered(TENANT, kept.kill_wishes),
        notices=notices,
    )
    await accounts.open()
    stack.push_async_callback(ended, asyncio.ensure_future(accounts.follow()))
    return accounts


def orders_up(stack: AsyncExitStack, kept: Storage, on_loop: OnLoop, market: PaperMarket) -> LocalOrders:
    """The orders, and beside them the task that settles those nobody knows the fate of."""
    orders = LocalOrders(on_loop, kept.orders, lambda: market.client)
    resolver = OrderResolver(kept.orders, kept.journal, orders.outcome)
    stack.push_async_callback(ended, asyncio.ensure_future(resolver.run()))
    return orders


def trades_up(
    stack: AsyncExitStack, kept: Storage, on_loop: OnLoop, market: PaperMarket, clocks: MarketClocks
) -> LocalTrades:
    keeper = TradeKeeper(
        tenant=TENANT,
        accounts=market.accounts,
        broker_of=clocks.market_of,
        session_of=market.session,
        trades=kept.trades,
        workflows=kept.stores,
    )
    stack.push_async_callback(keeper.close)
    stack.push_async_callback(ended, asyncio.ensure_future(keeper.keep()))
    return LocalTrades(on_loop, kept.trades)
