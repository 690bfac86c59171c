"""The engine of a machine, and what starts executions on it."""

import contextlib
from collections.abc import Iterator
from contextlib import AsyncExitStack

from tradeloom.compiler.compile import local_arn
from tradeloom.engine.engine import Engine
from tradeloom.engine.permission import ActiveVersions
from tradeloom.engine.questions import Answers
from tradeloom.engine.scheduler import Scheduler
from tradeloom.engine.watcher import Watcher
from tradeloom.engine.workers.pool import WorkerPool
from tradeloom.local.bridging import OnLoop
from tradeloom.local.executions import LocalExecutions
from tradeloom.local.expectations import Expectations, Skips
from tradeloom.local.halts import Halts
from tradeloom.local.market_clocks import MarketClocks
from tradeloom.local.start_notices import StartNotices
from tradeloom.local.storage import TENANT, Storage
from tradeloom.local.sub_workflows import SubWorkflowAnswers
from tradeloom.local.triggers import market_triggers, telling
from tradeloom.local.workflows import LocalWorkflows
from tradeloom.nodes.registry import node_types


def engine_up(
    stack: AsyncExitStack, kept: Storage, pool: WorkerPool, clocks: MarketClocks, answers: Answers, halts: Halts
) -> Engine:
    engine = Engine(
        journal=kept.journal,
        workers=pool,
        blobs=kept.blobs,
        is_effect=_acting_functions().__contains__,
        clock_for=clocks.for_run,
        permit=ActiveVersions(kept.stores, kept.journal),
        answers=answers,
        halt=halts.reaches,
    )
    clocks.engine = engine
    stack.push_async_callback(engine.close)
    return engine


def sub_workflows_of(
    kept: Storage, engine: Engine, executions: LocalExecutions, pool: WorkerPool, clocks: MarketClocks
) -> SubWorkflowAnswers:
    @contextlib.contextmanager
    def resting(execution_id: str) -> Iterator[None]:
        with pool.lending(), clocks.resting(execution_id):
            yield

    return SubWorkflowAnswers(
        engine=engine,
        journal=kept.journal,
        workflows=kept.stores,
        blobs=kept.blobs,
        dispatcher_for=executions.dispatcher_for,
        resting=resting,
    )


def scheduler_of(kept: Storage, skips: Skips, clocks: MarketClocks, starts: StartNotices) -> Scheduler:
    return Scheduler(
        workflows=kept.stores,
        schedules=kept.stores,
        blobs=kept.blobs,
        dispatcher=skips,
        clock_for_account=clocks.of,
        on_quarantine=starts.set_aside,
        tenant=TENANT,
    )


def watcher_of(kept: Storage, executions: LocalExecutions, clocks: MarketClocks) -> Watcher:
    return Watcher(
        workflows=kept.stores,
        schedules=kept.stores,
        variables=kept.variables,
        blobs=kept.blobs,
        dispatcher=executions.dispatcher,
        triggers=market_triggers(),
        clock_for_account=clocks.of,
        market_for_account=clocks.market_of,
        next_event=clocks.next_event,
        wait_for_market=clocks.wait,
        heard=clocks.heard,
    )


def workflows_of(
    kept: Storage,
    on_loop: OnLoop,
    executions: LocalExecutions,
    clocks: MarketClocks,
    scheduler: Scheduler,
    watcher: Watcher,
    expectations: Expectations,
) -> LocalWorkflows:
    return LocalWorkflows(
        on_loop,
        kept.stores,
        kept.stores,
        kept.blobs,
        kept.vault,
        market_now=lambda account: clocks.of(account).now(),
        account_status=lambda account: clocks.market_of(account).state(),
        changed=telling(scheduler, watcher, expectations.look_soon),
        stop_all=executions.stop_all,
        last_runs=kept.journal.last_runs,
    )


def _acting_functions() -> frozenset[str]:
    return frozenset(local_arn(name) for name, node in node_types().items() if node.acts())
