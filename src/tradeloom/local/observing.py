"""Connects the machine's parts to its metrics."""

from collections.abc import Mapping

from tradeloom.engine.engine import Engine
from tradeloom.engine.scheduler import Scheduler
from tradeloom.engine.workers.pool import WorkerPool
from tradeloom.local.halts import Halts
from tradeloom.local.market import PaperMarket
from tradeloom.local.metrics import Metrics, Readings
from tradeloom.local.storage import Storage
from tradeloom.realtime.hub import Hub
from tradeloom.storage.postgres.database import Database
from tradeloom.version import package_version


def metrics_of(
    kept: Storage,
    *,
    engine: Engine,
    pool: WorkerPool,
    scheduler: Scheduler,
    market: PaperMarket,
    halts: Halts,
    run_events: Hub,
) -> Metrics:
    def accounts() -> Mapping[str, str]:
        standings = {name: halts.standing(name) for name in market.accounts}
        return {name: standing.state.value for name, standing in standings.items() if standing is not None}

    metrics = Metrics(
        Readings(
            version=package_version(),
            running=lambda: len(engine.running),
            workers=lambda: pool.pids,
            tasks_waiting=lambda: pool.waiting,
            journal_waiting=lambda: kept.journal.waiting,
            circuit=lambda: market.client.circuit.status.value if market.client is not None else "open",
            accounts=accounts,
            schedules=lambda: len(scheduler.watched),
            subscribers=lambda: run_events.subscriptions,
            stored=lambda: _stored(kept.database),
        )
    )
    engine.subscribe(metrics.hear)
    kept.journal.on_commit = metrics.committed
    scheduler.on_fire = metrics.fired
    return metrics


async def _stored(database: Database) -> Mapping[str, Mapping[str, int]]:
    rows = await database.all(
        "SELECT 'orders' AS what, state AS label, count(*) AS n FROM orders GROUP BY state"
        " UNION ALL SELECT 'executions_open', lower(status), count(*) FROM executions"
        " WHERE status IN ('PENDING', 'RUNNING') GROUP BY status"
        " UNION ALL SELECT 'notifications', level, count(*) FROM notifications GROUP BY level"
    )
    found: dict[str, dict[str, int]] = {}
    for row in rows:
        found.setdefault(row["what"], {})[row["label"]] = row["n"]
    return found
