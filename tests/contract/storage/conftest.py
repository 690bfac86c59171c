"""Every adapter of the storage ports, for one suite to run on all of them."""

import asyncio
import functools
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.support.postgres import postgres_database, postgres_dsn, postgres_server
from tradeloom.engine.journal import Journal
from tradeloom.engine.stores import Blobs, VersionRecord
from tradeloom.storage.blobs import FileBlobs
from tradeloom.storage.memory.blobs import MemoryBlobs
from tradeloom.storage.memory.journal import MemoryDatabase, MemoryJournal
from tradeloom.storage.memory.kill_wishes import MemoryKillWishes
from tradeloom.storage.memory.orders import MemoryOrders
from tradeloom.storage.memory.stores import MemoryStores
from tradeloom.storage.memory.trades import MemoryTrades
from tradeloom.storage.memory.variables import MemoryVariables
from tradeloom.storage.postgres.database import Database
from tradeloom.storage.postgres.journal import PostgresJournal
from tradeloom.storage.postgres.kill_wishes import PostgresKillWishes
from tradeloom.storage.postgres.orders import PostgresOrders
from tradeloom.storage.postgres.stores import PostgresStores
from tradeloom.storage.postgres.trades import PostgresTrades
from tradeloom.storage.postgres.variables import PostgresVariables

__all__ = ["postgres_database", "postgres_dsn", "postgres_server"]

OpenJournal = Callable[[], AbstractAsyncContextManager[Journal]]
OpenStores = Callable[[], AbstractAsyncContextManager[Any]]
VERSION = VersionRecord(
    tenant="local", workflow_id="w1", version="v1", artefact="a", definition="d", account="paper",
    created_at=datetime(2026, 11, 26, 1, tzinfo=UTC),
)  # fmt: skip


def run[**P](test: Callable[P, Coroutine[Any, Any, None]]) -> Callable[P, None]:
    """The test, on a loop of its own."""

    @functools.wraps(test)
    def ran(*args: P.args, **kwargs: P.kwargs) -> None:
        asyncio.run(test(*args, **kwargs))

    return ran


def opener(
    request: pytest.FixtureRequest, in_memory: Callable[[], Any], on_postgres: Callable[[Database], Any]
) -> OpenStores:
    """Opens the same rows each time it is called, as another engine would."""
    if request.param == "memory":
        kept = in_memory()

        @asynccontextmanager
        async def memory() -> AsyncIterator[Any]:
            yield kept

        return memory
    dsn: str = request.getfixturevalue("postgres_dsn")

    @asynccontextmanager
    async def postgres() -> AsyncIterator[Any]:
        database = Database(dsn)
        await database.open()
        try:
            yield on_postgres(database)
        finally:
            await database.close()

    return postgres


def opener_beside_journal(
    request: pytest.FixtureRequest, in_memory: Callable[[MemoryDatabase], Any], on_postgres: Callable[[Database], Any]
) -> Callable[[], AbstractAsyncContextManager[tuple[Journal, Any]]]:
    """Opens another engine's journal, and what is beside it on the same rows, each time it is called."""

    def both_in_memory() -> tuple[Any, Any]:
        rows = MemoryDatabase()
        return rows, in_memory(rows)

    opened = opener(request, both_in_memory, lambda database: (database, on_postgres(database)))

    @asynccontextmanager
    async def opening() -> AsyncIterator[tuple[Journal, Any]]:
        async with opened() as (rows, beside):
            journal = MemoryJournal(rows) if isinstance(rows, MemoryDatabase) else PostgresJournal(rows)
            await journal.open()
            try:
                yield journal, beside
            finally:
                await journal.close()

    return opening


def opener_of_workflow(
    request: pytest.FixtureRequest, in_memory: Callable[[MemoryStores], Any], on_postgres: Callable[[Database], Any]
) -> OpenStores:
    """Opens (workflows, what is kept of them) where the workflow w1 is."""

    def both_in_memory() -> tuple[Any, Any]:
        workflows = MemoryStores()
        return workflows, in_memory(workflows)

    opened = opener(request, both_in_memory, lambda database: (PostgresStores(database), on_postgres(database)))

    @asynccontextmanager
    async def opening() -> AsyncIterator[tuple[Any, Any]]:
        async with opened() as (workflows, kept):
            await workflows.save(VERSION, name="One", description="")
            yield workflows, kept

    return opening


@pytest.fixture(params=["memory", "postgres"])
def open_journal(request: pytest.FixtureRequest) -> OpenJournal:
    """Opens another engine's journal on the same rows each time it is called."""
    opened = opener_beside_journal(request, lambda rows: None, lambda database: None)

    @asynccontextmanager
    async def opening() -> AsyncIterator[Journal]:
        async with opened() as (journal, _):
            yield journal

    return opening


@pytest.fixture(params=["memory", "postgres"])
def open_stores(request: pytest.FixtureRequest) -> OpenStores:
    return opener(request, MemoryStores, PostgresStores)


@pytest.fixture(params=["memory", "postgres"])
def open_variables(request: pytest.FixtureRequest) -> OpenStores:
    return opener(request, MemoryVariables, PostgresVariables)


@pytest.fixture(params=["memory", "postgres"])
def open_orders(request: pytest.FixtureRequest) -> OpenStores:
    return opener(request, MemoryOrders, PostgresOrders)


@pytest.fixture(params=["memory", "postgres"])
def open_trades(request: pytest.FixtureRequest) -> OpenStores:
    return opener(request, MemoryTrades, PostgresTrades)


@pytest.fixture(params=["memory", "postgres"])
def open_kill_wishes(request: pytest.FixtureRequest) -> OpenStores:
    return opener(request, MemoryKillWishes, PostgresKillWishes)


@pytest.fixture(params=["memory", "files"])
def blobs(request: pytest.FixtureRequest, tmp_path: Path) -> Blobs:
    return MemoryBlobs() if request.param == "memory" else FileBlobs(tmp_path)
