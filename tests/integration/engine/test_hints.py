"""Engines that tell each other what they recorded, when the database cuts them off in between."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from tests.contract.storage.journal_rows import event, execution, line
from tests.support.postgres import postgres_database, postgres_dsn, postgres_server
from tradeloom.engine.events import Hint
from tradeloom.storage.postgres.database import Database
from tradeloom.storage.postgres.journal import PostgresJournal

__all__ = ["postgres_database", "postgres_dsn", "postgres_server"]

PATIENCE_S = 60
LISTENERS = "FROM pg_stat_activity WHERE datname = current_database() AND query LIKE '%%pg_notify%%'"


@asynccontextmanager
async def opened(database: Database) -> AsyncIterator[tuple[PostgresJournal, list[list[Hint]]]]:
    journal = PostgresJournal(database)
    heard: list[list[Hint]] = []

    def hear(hints: Sequence[Hint]) -> None:
        heard.append(list(hints))

    journal.on_hint = hear
    await journal.open()
    try:
        yield journal, heard
    finally:
        await journal.close()


async def until_heard(heard: list[list[Hint]], wanted: list[Hint]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while wanted not in heard:
            await asyncio.sleep(0.01)


def test_word_that_was_cut_off_is_asked_for_again(postgres_dsn: str) -> None:
    async def body() -> None:
        database = Database(postgres_dsn)
        await database.open()
        async with opened(database) as (first, _), opened(database) as (_, heard):
            await first.create(execution())
            first.record(line(1), event(1))
            await until_heard(heard, [Hint(tenant="local", execution_id="e1", seq=1)])
            cut = await database.all(f"SELECT pg_terminate_backend(pid) {LISTENERS} AND pid <> pg_backend_pid()")
            assert cut
            await until_heard(heard, [])  # look at everything: something may have been said meanwhile
            first.record(line(2), event(2))
            await until_heard(heard, [Hint(tenant="local", execution_id="e1", seq=2)])
        await database.close()

    asyncio.run(body())


def test_an_engine_that_is_alone_says_nothing(postgres_dsn: str) -> None:
    async def body() -> None:
        database = Database(postgres_dsn)
        await database.open()
        async with opened(database) as (first, _):
            assert first._hints.alone
            async with opened(database):
                async with asyncio.timeout(PATIENCE_S):
                    while first._hints.alone:  # it is greeted
                        await asyncio.sleep(0.01)
            await first.claim()
            assert first._hints.alone
        await database.close()

    asyncio.run(body())
