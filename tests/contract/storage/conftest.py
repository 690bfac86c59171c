"""Every adapter of the storage ports, for one suite to run on all of them."""

import asyncio
import functools
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.support.postgres import postgres_database, postgres_dsn, postgres_server
from tradeloom.engine.journal import Journal
from tradeloom.engine.stores import Blobs
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


@pytest.fixture(params=["memory", "postgres"])
def open_journal(request: pytest.FixtureRequest) -> OpenJournal:
    """Opens another engine's journal on the same rows each time it is called."""
    if request.param == "memory":
        rows = MemoryDatabase()

        @asynccontextmanager
        async def memory() -> AsyncIterator[Journal]:
            journal = MemoryJournal(rows)
            await journal.open()
            try:
                yield journal
            finally:
                await journal.close()

        return memory
    dsn: str = request.getfixturevalue("postgres_dsn")

    @asynccontextmanager
    async def postgres() -> AsyncIterator[Journal]:
        database = Database(dsn)
        await database.open()
        journal = PostgresJournal(database)
        await journal.open()
        try:
            yield journal
        finally:
            await journal.close()
            await database.close()

    return postgres


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
