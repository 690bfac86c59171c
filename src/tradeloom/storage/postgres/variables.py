"""What nodes remember between runs, in PostgreSQL."""

from datetime import UTC, datetime, timedelta
from typing import Any, Final

from psycopg import AsyncConnection

from tradeloom.errors import Conflict, InvalidInput
from tradeloom.nodes.variables import MAX_VARIABLES, Variable
from tradeloom.storage.postgres import rows
from tradeloom.storage.postgres.database import Database

KEPT_EFFECTS: Final = timedelta(days=90)
"""How long a write is remembered by its effect: longer than an execution may be retried."""


class PostgresVariables:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def read(self, tenant: str, scope: str, key: str) -> Variable:
        row = await self._database.one(
            "SELECT value, revision FROM variables WHERE tenant = %s AND scope = %s AND key = %s",
            [tenant, rows.text(scope), rows.text(key)],
        )
        return Variable(None, 0) if row is None else Variable(row["value"], row["revision"])

    async def write(
        self,
        tenant: str,
        scope: str,
        key: str,
        value: Any,
        *,
        expected: int | None = None,
        effect: str | None = None,
        expires_at: datetime | None = None,
    ) -> Variable:
        async with self._database.connection() as connection, connection.transaction():
            if effect is not None:
                done = await _begin_effect(connection, tenant, effect)
                if done is not None:
                    return done
            written = await _put(connection, (tenant, rows.text(scope), rows.text(key)), value, expected, expires_at)
            if effect is not None:
                await connection.execute(
                    "UPDATE variable_writes SET value = %s::json, previous = %s::json, revision = %s"
                    " WHERE tenant = %s AND effect = %s",
                    [rows.json(value), rows.json(written.previous), written.revision, tenant, effect],
                )
            return written

    async def keys(self, tenant: str, scope: str, prefix: str = "") -> list[str]:
        found = await self._database.all(
            "SELECT key FROM variables WHERE tenant = %s AND scope = %s AND starts_with(key, %s)"
            ' AND value IS NOT NULL ORDER BY key COLLATE "C"',
            [tenant, rows.text(scope), rows.text(prefix)],
        )
        return [row["key"] for row in found]

    async def purge(self) -> None:
        """Forget what has expired, and effects too old to come again."""
        now = datetime.now(UTC)
        await self._database.run("DELETE FROM variables WHERE expires_at < %s", [now])
        await self._database.run("DELETE FROM variable_writes WHERE written_at < %s", [now - KEPT_EFFECTS])


async def _begin_effect(connection: AsyncConnection[dict[str, Any]], tenant: str, effect: str) -> Variable | None:
    """Claim the effect for this transaction, or give what it left. A rival that claims it now is waited for."""
    cursor = await connection.execute(
        "INSERT INTO variable_writes (tenant, effect, value, revision, written_at)"
        " VALUES (%s, %s, NULL, 0, clock_timestamp()) ON CONFLICT DO NOTHING",
        [tenant, effect],
    )
    if cursor.rowcount:
        return None
    cursor = await connection.execute(
        "SELECT value, previous, revision FROM variable_writes WHERE tenant = %s AND effect = %s", [tenant, effect]
    )
    row = await cursor.fetchone()
    assert row is not None
    return Variable(row["value"], row["revision"], row["previous"], repeated=True)


async def _put(
    connection: AsyncConnection[dict[str, Any]],
    where: tuple[str, str, str],
    value: Any,
    expected: int | None,
    expires_at: datetime | None,
) -> Variable:
    """Raises `Conflict` when the revision is not the expected one, `InvalidInput` when there is no room."""
    cursor = await connection.execute(
        "SELECT revision, value FROM variables WHERE tenant = %s AND scope = %s AND key = %s FOR UPDATE", where
    )
    row = await cursor.fetchone()
    if expected is not None and expected != (row["revision"] if row else 0):
        raise Conflict(f"The variable {where[2]!r} was changed meanwhile.", hint="Read it again.")
    if value is not None and (row is None or row["value"] is None):
        await _make_room(connection, where[0])
    cursor = await connection.execute(
        "INSERT INTO variables (tenant, scope, key, value, revision, updated_at, expires_at)"
        " VALUES (%s, %s, %s, %s::json, 1, clock_timestamp(), %s)"
        " ON CONFLICT (tenant, scope, key) DO UPDATE SET value = excluded.value,"
        " revision = variables.revision + 1, updated_at = excluded.updated_at, expires_at = excluded.expires_at"
        " WHERE %s::bigint IS NULL OR variables.revision = %s RETURNING revision",
        [*where, rows.json(value), expires_at, expected, expected],
    )
    written = await cursor.fetchone()
    if written is None:
        raise Conflict(f"The variable {where[2]!r} was changed meanwhile.", hint="Read it again.")
    return Variable(value, written["revision"], None if row is None else row["value"])


async def _make_room(connection: AsyncConnection[dict[str, Any]], tenant: str) -> None:
    cursor = await connection.execute(
        "SELECT count(*) AS n FROM variables WHERE tenant = %s AND value IS NOT NULL", [tenant]
    )
    row = await cursor.fetchone()
    if row is not None and row["n"] >= MAX_VARIABLES:
        raise InvalidInput(
            f"{MAX_VARIABLES:,} variables are kept already, which is the most.", hint="Take away what is not needed."
        )
