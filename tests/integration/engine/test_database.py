"""Pooled connections that the server closed between two uses."""

import asyncio

import psycopg

from tests.support.postgres import postgres_database, postgres_dsn, postgres_server
from tradeloom.storage.postgres.database import POOL_SIZE, Database

__all__ = ["postgres_database", "postgres_dsn", "postgres_server"]

OTHERS = "FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"


def test_a_connection_that_was_cut_off_is_not_used_again(postgres_dsn: str) -> None:
    async def body() -> None:
        database = Database(postgres_dsn)
        await database.open()
        try:
            await asyncio.gather(*[database.one("SELECT pg_sleep(0.05)") for _ in range(POOL_SIZE)])
            for _ in range(3):
                assert cut_off(postgres_dsn)
                told = await asyncio.gather(*[database.one("SELECT 1 AS one") for _ in range(POOL_SIZE)])
                assert told == [{"one": 1}] * POOL_SIZE
                assert await database.run("SELECT 1") == 1
        finally:
            await database.close()

    asyncio.run(body())


def cut_off(dsn: str) -> int:
    """Ends every other session of the database; how many. Returns once they are gone."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        return len(connection.execute(f"SELECT pg_terminate_backend(pid, 30000) {OTHERS}").fetchall())
