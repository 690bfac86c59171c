"""The whole system on one machine, brought up in order and taken down in reverse."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractContextManager, AsyncExitStack, asynccontextmanager, nullcontext
from dataclasses import dataclass, field
from typing import Any, Final

from tradeloom.accounts.credentials.vault import Vault
from tradeloom.accounts.quotas import TIERS, QuotaGate
from tradeloom.api.ports import Ports
from tradeloom.engine.engine import Engine
from tradeloom.engine.orders import OrderAnswers
from tradeloom.engine.run_events import hub_of
from tradeloom.engine.scheduler import Scheduler
from tradeloom.engine.variables import VariableAnswers
from tradeloom.engine.watcher import Watcher
from tradeloom.engine.workers.pool import WorkerPool
from tradeloom.engine.workers.settings import WorkerSettings
from tradeloom.local.account_notices import AccountNotices
from tradeloom.local.account_services import accounts_up, orders_up, trades_up
from tradeloom.local.aftermath import aftermath_up, expectations_of
from tradeloom.local.bridging import OnLoop
from tradeloom.local.clocks import AccountClock
from tradeloom.local.credentials import LocalCredentials
from tradeloom.local.debugging import LocalDebugging
from tradeloom.local.drafts import LocalDrafts
from tradeloom.local.engine_services import engine_up, scheduler_of, sub_workflows_of, watcher_of, workflows_of
from tradeloom.local.executions import LocalExecutions, LocalNotifications
from tradeloom.local.expectations import Expectations, Skips
from tradeloom.local.halts import Halts
from tradeloom.local.health import LocalStatus
from tradeloom.local.home import Home
from tradeloom.local.keeping import Keeper
from tradeloom.local.logs import logging_to
from tradeloom.local.market import MarketData, PaperMarket
from tradeloom.local.market_clocks import MarketClocks
from tradeloom.local.metrics import Metrics
from tradeloom.local.modes import Modes
from tradeloom.local.node_inputs import RecordedInputs
from tradeloom.local.node_tests import LocalNodeTests
from tradeloom.local.observing import metrics_of
from tradeloom.local.places import examples_folder, functions_root
from tradeloom.local.previews import previews_up
from tradeloom.local.private_accounts import PrivateMarket
from tradeloom.local.replays import Replays
from tradeloom.local.replays_up import replays_up
from tradeloom.local.rerun_services import reruns_up
from tradeloom.local.retention import Policy, Retention
from tradeloom.local.schedules import LocalSchedules
from tradeloom.local.settings import Settings
from tradeloom.local.start_notices import StartNotices
from tradeloom.local.storage import TENANT, Storage, database_up, storage_up
from tradeloom.local.tasks import ended, together
from tradeloom.local.templates import TemplateFiles
from tradeloom.local.tenant_services import models_up, tables_up
from tradeloom.local.usage import LocalUsage
from tradeloom.local.wakefulness import processors_awake
from tradeloom.local.webhooks import Door
from tradeloom.local.workflow_versions import LocalVersions
from tradeloom.local.workflows import LocalWorkflows
from tradeloom.realtime.hub import RunEvents
from tradeloom.runtime.redaction import Redactor
from tradeloom.storage.postgres.journal import PostgresJournal
from tradeloom.storage.postgres.retention import PostgresRetention
from tradeloom.storage.postgres.server import PostgresServer
from tradeloom.storage.postgres.stores import PostgresStores
from tradeloom.storage.postgres.usage import PostgresUsage
from tradeloom.storage.tenants.provisioning import TenantAccess

log: Final = logging.getLogger(__name__)

Step = Callable[[str], AbstractContextManager[None]]
"""Told what is being done while it is done."""


def silently(what: str) -> AbstractContextManager[None]:
    return nullcontext()


@dataclass(kw_only=True)
class Machine:
    """What runs while a machine is up. Made by `machine_up`."""

    home: Home
    settings: Settings
    market: PaperMarket
    clocks: dict[str, AccountClock]
    engine: Engine
    journal: PostgresJournal
    stores: PostgresStores
    vault: Vault
    workflows: LocalWorkflows
    executions: LocalExecutions
    debugging: LocalDebugging
    scheduler: Scheduler
    watcher: Watcher
    expectations: Expectations
    door: Door
    run_events: RunEvents
    metrics: Metrics
    replays: Replays
    ports: Ports
    status: LocalStatus
    drain: Callable[[], Awaitable[None]]
    ping: Callable[[], Awaitable[Any]]
    resumed: list[str] = field(default_factory=list)


@asynccontextmanager
async def machine_up(
    settings: Settings,
    *,
    data: MarketData | None = None,
    fresh_market: bool = False,
    step: Step = silently,
    schedules: bool = True,
    opened: Callable[[], object] = lambda: None,
) -> AsyncIterator[Machine]:
    """Bring everything up, yield it, take everything down. Raises what keeps a part from starting.

    `data` is for a market that does not exist yet, `fresh_market` discards the one that does. Without `schedules`
    nothing starts by itself. `opened` is called once the data directory is this process's, before anything starts;
    what it raises ends it.
    """
    async with AsyncExitStack() as stack:
        home = Home(settings.home)
        home.open()
        stack.callback(home.close)
        opened()
        given = Redactor()
        stack.enter_context(logging_to(home.log, given, form=settings.log_form, kept_files=settings.log_files))
        stack.enter_context(processors_awake(settings.awake))
        market = PaperMarket(home, data, fresh=fresh_market)
        server = PostgresServer(home.postgres, url=settings.database_url or "")
        pool = WorkerPool(_worker_settings(home, market, settings))
        stack.push_async_callback(
            lambda: together(pool.close(), asyncio.to_thread(market.stop), asyncio.to_thread(server.stop))
        )
        with step("PostgreSQL, bridge and workers"):
            dsn, _, _ = await together(
                asyncio.to_thread(database_up, server), asyncio.to_thread(market.start), pool.start()
            )
        with step("engine"):
            machine = await _engine_up(stack, home, settings, market, pool, dsn, given)
        machine.status.resumed = True
        keeper = Keeper(market, server, machine.ping)
        stack.push_async_callback(ended, asyncio.ensure_future(keeper.keep()))
        if schedules:
            with step("schedules"):
                await machine.scheduler.start()
                await machine.watcher.start()
                stack.push_async_callback(ended, asyncio.ensure_future(machine.expectations.run()))
        yield machine
        log.info("shutting down")


async def _engine_up(
    stack: AsyncExitStack,
    home: Home,
    settings: Settings,
    market: PaperMarket,
    pool: WorkerPool,
    dsn: str,
    given: Redactor,
) -> Machine:
    kept = await storage_up(stack, home, settings, dsn)
    clocks = MarketClocks(market)
    await clocks.open(stack)
    on_loop = OnLoop(asyncio.get_running_loop())
    credentials = LocalCredentials(on_loop, kept.vault, kept.stores, kept.blobs, given)
    tenants = TenantAccess(kept.database, own_server=not settings.database_url)
    answers = {**VariableAnswers(kept.variables).answers(), **credentials.answers(), **tenants.answers()}
    answers |= OrderAnswers(kept.orders).answers()
    halts = Halts(kept.blobs)
    notices = AccountNotices(TENANT, kept.journal)
    starts = StartNotices(kept.journal)
    engine = engine_up(stack, kept, pool, clocks, answers, halts)
    run_events = hub_of(engine, kept.journal)
    stack.push_async_callback(run_events.close)
    private_market = PrivateMarket(clocks.of)
    modes = Modes(kept.blobs, kept.pins)
    executions = LocalExecutions(
        on_loop,
        engine=engine,
        journal=kept.journal,
        workflows=kept.stores,
        blobs=kept.blobs,
        clock_for_account=clocks.of,
        private_market=private_market,
        refuses=halts.refuses,
        on_skip=lambda version: notices.skipped(version, halts.standing(version.account)),
        quota=QuotaGate(kept.quotas, lambda tenant: TIERS[settings.tier], starts.refused),
        orders=kept.orders,
        trades=kept.trades,
        modes=modes,
    )
    answers |= sub_workflows_of(kept, engine, executions, pool, clocks).answers()
    skips = Skips(executions.dispatcher)
    scheduler = scheduler_of(kept, skips, clocks, starts)
    stack.push_async_callback(scheduler.close)
    watcher = watcher_of(kept, executions, clocks)
    clocks.watching = lambda account: watcher.busy(account) or scheduler.busy(account)
    stack.push_async_callback(watcher.close)
    expectations = expectations_of(kept, skips, clocks, halts)
    workflows = workflows_of(kept, on_loop, executions, clocks, scheduler, watcher, expectations)
    aftermath_up(stack, kept, engine, executions.dispatcher)
    accounts = await accounts_up(stack, kept, on_loop, market, engine, workflows, halts, notices)
    reruns, debugging = reruns_up(kept, on_loop, engine, executions, modes, private_market, clocks.of, halts.refuses)
    replays = replays_up(stack, on_loop, engine, executions.dispatcher, clocks, scheduler, watcher)
    status = _status(kept, on_loop, market, engine, pool)
    ports = Ports(
        workflows=workflows,
        versions=LocalVersions(on_loop, kept.stores, kept.blobs),
        drafts=LocalDrafts(on_loop, kept.drafts),
        templates=TemplateFiles(examples_folder()),
        reruns=reruns,
        debugging=debugging,
        schedules=LocalSchedules(
            on_loop,
            workflows=kept.stores,
            schedules=kept.stores,
            blobs=kept.blobs,
            clock_for_account=clocks.of,
        ),
        executions=executions,
        notifications=LocalNotifications(on_loop, kept.journal),
        node_tests=LocalNodeTests(
            on_loop,
            pool,
            kept.blobs,
            market=private_market.ready,
            answers=answers,
            recorded=RecordedInputs(kept.journal, kept.blobs),
        ),
        previews=previews_up(kept, on_loop, market, clocks.of),
        credentials=credentials,
        status=status,
        accounts=accounts,
        orders=orders_up(stack, kept, on_loop, market),
        trades=trades_up(stack, kept, on_loop, market, clocks),
        market_replays=replays,
        usage=LocalUsage(
            on_loop,
            reader=PostgresUsage(kept.database),
            workflows=kept.stores,
            allowance=lambda tenant: TIERS[settings.tier],
        ),
        tables=tables_up(stack, on_loop, tenants),
        models=models_up(stack, on_loop, kept, clocks),
    )
    retention = Retention(TENANT, Policy.of(settings), PostgresRetention(kept.database), kept.blobs)
    stack.push_async_callback(ended, asyncio.ensure_future(retention.keep()))
    return Machine(
        home=home,
        settings=settings,
        market=market,
        clocks=clocks.known,
        engine=engine,
        journal=kept.journal,
        stores=kept.stores,
        vault=kept.vault,
        workflows=workflows,
        executions=executions,
        debugging=debugging,
        scheduler=scheduler,
        watcher=watcher,
        expectations=expectations,
        door=Door(workflows=kept.stores, blobs=kept.blobs, vault=kept.vault, dispatcher=executions.dispatcher),
        run_events=run_events,
        metrics=metrics_of(
            kept,
            engine=engine,
            pool=pool,
            scheduler=scheduler,
            market=market,
            halts=halts,
            run_events=run_events,
        ),
        replays=replays,
        ports=ports,
        status=status,
        drain=pool.drain,
        ping=kept.ping,
        resumed=await engine.resume(),
    )


def _status(kept: Storage, on_loop: OnLoop, market: PaperMarket, engine: Engine, pool: WorkerPool) -> LocalStatus:
    assert market.client is not None
    return LocalStatus(
        on_loop,
        bridge=market.client,
        accounts=market.accounts,
        ping_database=kept.ping,
        running=lambda: len(engine.running),
        workers=lambda: len(pool.pids),
    )


def _worker_settings(home: Home, market: PaperMarket, settings: Settings) -> WorkerSettings:
    return WorkerSettings(
        paths=(functions_root(),),
        preload=("tradeloom.runtime.handler",),  # most of what the first task would wait for
        blob_directory=home.blobs,
        bridge_state=market.state_file,
        environment=settings.network,
        least=settings.workers,
        most=max(settings.workers, 8),
    )
