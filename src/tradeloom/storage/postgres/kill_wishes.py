"""Undelivered kills in PostgreSQL. One statement a write, so each is durable when it returns."""

from typing import Final

from tradeloom.engine.kill_wishes import STRICTNESS, KillWish
from tradeloom.storage.postgres import rows
from tradeloom.storage.postgres.database import Database

_KEEP: Final = (
    "INSERT INTO kill_wishes (tenant, account, id, mode, reason, by_whom, wished_at)"
    " VALUES (%s, %s, %s, %s, %s, %s, %s)"
    " ON CONFLICT (tenant, account) DO UPDATE SET id = excluded.id, mode = excluded.mode, reason = excluded.reason,"
    " by_whom = excluded.by_whom, wished_at = excluded.wished_at"
    " WHERE array_position(%s::text[], excluded.mode) > array_position(%s::text[], kill_wishes.mode)"
)


class PostgresKillWishes:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def keep(self, wish: KillWish) -> None:
        strictness = list(STRICTNESS)
        values = [wish.tenant, rows.text(wish.account), wish.id, wish.mode, rows.text(wish.reason), rows.text(wish.by)]
        await self._database.run(_KEEP, [*values, wish.wished_at, strictness, strictness])

    async def drop(self, wish: KillWish) -> None:
        await self._database.run(
            "DELETE FROM kill_wishes WHERE tenant = %s AND account = %s AND id = %s",
            [wish.tenant, rows.text(wish.account), wish.id],
        )

    async def withdraw(self, tenant: str, account: str) -> None:
        await self._database.run(
            "DELETE FROM kill_wishes WHERE tenant = %s AND account = %s", [tenant, rows.text(account)]
        )

    async def all(self, tenant: str) -> list[KillWish]:
        found = await self._database.all(
            "SELECT tenant, account, id, mode, reason, by_whom AS by, wished_at FROM kill_wishes WHERE tenant = %s"
            ' ORDER BY account COLLATE "C"',
            [tenant],
        )
        return [KillWish(**row) for row in found]
