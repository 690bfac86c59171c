"""Expected runs in PostgreSQL."""

from dataclasses import fields
from typing import Final

from tradeloom.engine.expectations import Expectation
from tradeloom.storage.postgres import rows
from tradeloom.storage.postgres.database import Database

_NAMES: Final = tuple(each.name for each in fields(Expectation))


class PostgresExpectations:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def all(self, tenant: str) -> list[Expectation]:
        found = await self._database.all(
            "SELECT tenant, workflow_id, name, activated_at, checked_until, telling_until FROM expectations"
            " WHERE tenant = %s ORDER BY workflow_id, name",
            [tenant],
        )
        return [Expectation(**{name: row[name] for name in _NAMES}) for row in found]

    async def keep(self, expectation: Expectation) -> None:
        await self._database.run(
            "INSERT INTO expectations (tenant, workflow_id, name, activated_at, checked_until, telling_until)"
            " VALUES (%s, %s, %s, %s, %s, %s) ON CONFLICT (tenant, workflow_id, name) DO UPDATE SET"
            " activated_at = excluded.activated_at, checked_until = excluded.checked_until,"
            " telling_until = excluded.telling_until WHERE expectations.activated_at <= excluded.activated_at",
            [
                expectation.tenant,
                expectation.workflow_id,
                rows.text(expectation.name),
                expectation.activated_at,
                expectation.checked_until,
                expectation.telling_until,
            ],
        )

    async def drop(self, tenant: str, workflow_id: str) -> None:
        await self._database.run(
            "DELETE FROM expectations WHERE tenant = %s AND workflow_id = %s", [tenant, rows.text(workflow_id)]
        )
