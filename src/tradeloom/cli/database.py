"""The data directory's database, for a command that reads or writes it by itself."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from tradeloom.local.home import Home
from tradeloom.local.settings import Settings, load_settings
from tradeloom.storage.postgres.database import Database
from tradeloom.storage.postgres.migrations import migrate
from tradeloom.storage.postgres.server import PostgresServer


@dataclass(frozen=True)
class Place:
    """Where a command works: the directory, its settings, its open database."""

    home: Home
    settings: Settings
    database: Database


def on_database[T](home: Path | None, work: Callable[[Place], Awaitable[T]], *, make: bool = False) -> T:
    """What `work` gives at the data directory, whether or not Tradeloom is running on it. `make` is for what may come
    before the first start. Raises `NotFound` where there is no data directory."""
    settings = load_settings(home=home)
    place = Home(settings.home)
    if make:
        settings.home.mkdir(parents=True, exist_ok=True, mode=0o700)
    else:
        place.must_exist()

    async def within() -> T:
        server = PostgresServer(place.postgres, url=settings.database_url or "")
        dsn = await asyncio.to_thread(server.start)
        try:
            await asyncio.to_thread(migrate, dsn)
            async with _open(dsn) as database:
                return await work(Place(place, settings, database))
        finally:
            await asyncio.to_thread(server.stop)

    return asyncio.run(within())


@asynccontextmanager
async def _open(dsn: str) -> AsyncIterator[Database]:
    database = Database(dsn)
    await database.open()
    try:
        yield database
    finally:
        await database.close()
