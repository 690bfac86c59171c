"""One PostgreSQL database as the adapters share it: a pool for reading, and errors in our own words."""

import select
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final, LiteralString

import psycopg
from psycopg import AsyncConnection, AsyncCursor
from psycopg.rows import dict_row
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from tradeloom.errors import StorageUnavailable
from tradeloom.storage.postgres import rows

POOL_SIZE: Final = 4
CONNECT_TIMEOUT_S: Final = 5


class Database:
    """Open it once a process. Connections are autocommit and give rows as dicts."""

    def __init__(self, dsn: str, *, pool_size: int = POOL_SIZE) -> None:
        self.dsn = dsn
        self._pool: AsyncConnectionPool[AsyncConnection[dict[str, Any]]] = AsyncConnectionPool(
            dsn,
            connection_class=AsyncConnection[dict[str, Any]],
            min_size=1,
            max_size=pool_size,
            open=False,
            timeout=CONNECT_TIMEOUT_S,
            kwargs={"autocommit": True, "row_factory": dict_row, "connect_timeout": CONNECT_TIMEOUT_S},
            configure=_configure,
            check=_check,
        )

    async def open(self) -> None:
        """Raises `StorageUnavailable`."""
        with_wait = self._pool.open(wait=True, timeout=CONNECT_TIMEOUT_S)
        async with told():
            await with_wait

    async def close(self) -> None:
        await self._pool.close()

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[AsyncConnection[dict[str, Any]]]:
        async with told(), self._pool.connection() as connection:
            yield connection

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[AsyncConnection[dict[str, Any]]]:
        """A connection on which every statement reads the same moment."""
        async with self.connection() as connection, connection.transaction():
            await connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            yield connection

    async def all(self, query: LiteralString, values: Sequence[Any] = ()) -> list[dict[str, Any]]:
        """Every row. Raises `StorageUnavailable`."""
        async with self.connection() as connection:
            cursor: AsyncCursor[dict[str, Any]] = await connection.execute(query, values)
            return await cursor.fetchall()

    async def one(self, query: LiteralString, values: Sequence[Any] = ()) -> dict[str, Any] | None:
        async with self.connection() as connection:
            cursor: AsyncCursor[dict[str, Any]] = await connection.execute(query, values)
            return await cursor.fetchone()

    async def run(self, query: LiteralString, values: Sequence[Any] = ()) -> int:
        """How many rows it changed."""
        async with self.connection() as connection:
            return (await connection.execute(query, values)).rowcount


async def _check(connection: AsyncConnection[Any]) -> None:
    """Ask the server whether it is there only when it said something unasked, which is mostly its farewell: a round
    trip less for each use. A server that stopped, or was killed, has closed its end."""
    unread = select.poll()
    unread.register(connection.fileno(), select.POLLIN)
    if unread.poll(0):
        await AsyncConnectionPool.check_connection(connection)


async def _configure(connection: AsyncConnection[Any]) -> None:
    rows.use_canonical_json(connection)


@asynccontextmanager
async def told() -> AsyncIterator[None]:
    """PostgreSQL's troubles as `StorageUnavailable`; its complaints about data stay what they are."""
    try:
        yield
    except (psycopg.OperationalError, psycopg.InterfaceError, PoolTimeout) as error:
        raise unavailable(error) from error


def unavailable(error: Exception) -> StorageUnavailable:
    text = str(error).strip().splitlines()
    full = isinstance(error, psycopg.errors.DiskFull)
    return StorageUnavailable(
        f"The database is not available: {text[0] if text else type(error).__name__}",
        hint="Free some space on its disk." if full else "`tradeloom doctor` looks at the database.",
    )


def columns(names: Sequence[str]) -> LiteralString:
    """A select list of our own column names."""
    return ", ".join(names)
