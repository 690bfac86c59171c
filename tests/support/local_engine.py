"""A whole engine as it runs on one machine: PostgreSQL, blob files, worker processes."""

import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tradeloom.engine.clock import Clock
from tradeloom.engine.engine import Engine
from tradeloom.engine.events import Event
from tradeloom.engine.workers.pool import WorkerPool
from tradeloom.engine.workers.settings import WorkerSettings
from tradeloom.runtime.envelope import RunInfo
from tradeloom.storage.blobs import FileBlobs
from tradeloom.storage.postgres.database import Database
from tradeloom.storage.postgres.journal import PostgresJournal

SUPPORT = Path(__file__).parent
AS_OF = datetime(2026, 1, 5, 9, tzinfo=UTC)


def worker_settings(**more: Any) -> WorkerSettings:
    """Workers whose functions are `tests/support/handlers/<category>/<name>.py`."""
    measured = {name: value for name, value in os.environ.items() if name.startswith("COVERAGE_")}
    return WorkerSettings(**{"paths": (SUPPORT,), "handlers": "handlers", "environment": measured, **more})


def function(name: str) -> str:
    """The function of `handlers/probe/<name>.py`."""
    return f"arn:aws:lambda:us-east-1:000000000000:function:tradeloom-probe-{name}:live"


def run_info(name: str, **more: Any) -> RunInfo:
    known: dict[str, Any] = {
        "execution_id": name,
        "workflow_id": "w1",
        "version": "v1",
        "trigger": "start",
        "as_of": AS_OF,
        "started_at": AS_OF,
        "account": "paper",
    }
    return RunInfo.model_validate(known | more)


@dataclass
class Local:
    engine: Engine
    journal: PostgresJournal
    workers: WorkerPool
    blobs: FileBlobs
    events: list[Event]


@asynccontextmanager
async def local_engine(
    dsn: str,
    directory: Path,
    *,
    settings: WorkerSettings | None = None,
    clock_for: Callable[[RunInfo], Clock] | None = None,
    is_effect: Callable[[str], bool] = lambda function: "-act" in function or "-notify" in function,
    **more: Any,
) -> AsyncIterator[Local]:
    """An engine that has not resumed yet, and is shut down cleanly in the end."""
    database = Database(dsn)
    await database.open()
    journal = PostgresJournal(database)
    await journal.open()
    workers = WorkerPool(settings or worker_settings(blob_directory=directory))
    await workers.start()
    blobs, events = FileBlobs(directory), list[Event]()
    engine = Engine(
        journal=journal,
        workers=workers,
        blobs=blobs,
        is_effect=is_effect,
        clock_for=clock_for,
        on_event=events.append,
        **more,
    )
    try:
        yield Local(engine, journal, workers, blobs, events)
    finally:
        await engine.close()
        await workers.close()
        await journal.close()
        await database.close()
