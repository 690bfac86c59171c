"""Tenants' databases on a real PostgreSQL: two tenants with tables of their own, as the engine makes them."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.support.postgres import postgres_database, postgres_dsn, postgres_server
from tradeloom.nodes.tenant_database import Write
from tradeloom.storage.postgres.database import Database
from tradeloom.storage.tenants.database import PostgresTenantDatabase
from tradeloom.storage.tenants.provisioning import TenantAccess

__all__ = ["postgres_database", "postgres_dsn", "postgres_server"]

SECRET = "canary-of-the-other-tenant"


@dataclass(frozen=True)
class Tenants:
    """The engine's side of one database."""

    dsn: str
    known: dict[str, dict[str, str]] = field(default_factory=dict)

    def access(self, tenant: str, *, renew: bool = False) -> dict[str, str]:
        async def ask() -> dict[str, str]:
            database = Database(self.dsn, pool_size=1)
            await database.open()
            try:
                return await TenantAccess(database, own_server=True).access(tenant, renew=renew)
            finally:
                await database.close()

        if renew or tenant not in self.known:
            self.known[tenant] = asyncio.run(ask())
        return self.known[tenant]

    def open(self, tenant: str) -> PostgresTenantDatabase:
        return PostgresTenantDatabase(lambda renew: self.access(tenant, renew=renew))


def write(effect: str, **more: Any) -> Write:
    return Write(effect=effect, execution_id="exec-1", node_id="save", **more)


@pytest.fixture(scope="session")
def tenants(postgres_database: str) -> Tenants:
    return Tenants(postgres_database)


@pytest.fixture(scope="session")
def mine(tenants: Tenants) -> Iterator[PostgresTenantDatabase]:
    """A tenant with some trades and bars."""
    database = tenants.open("mine")
    days = [f"2026-01-{day:02}T09:00:00Z" for day in range(1, 31)]
    for n, day in enumerate(days):
        trade = {
            "symbol": ["EURUSD", "XAUUSD", "BTCUSD"][n % 3],
            "side": "buy" if n % 2 else "sell",
            "volume": 0.1 * (n % 5 + 1),
            "profit": (n - 12) * 7.25,
            "opened_at": day,
            "tags": {"strategy": "breakout", "legs": [n, n + 1]},
            "note": None if n % 4 else f"note {n}",
            "won": n > 12,
        }
        database.save("trades", trade, write(f"trade-{n}"))
        bar = {"time": day, "open": 1.1, "high": 1.2 + n / 100, "low": 1.0, "close": 1.1 + n / 100, "volume": 100 + n}
        database.save("bars", bar, write(f"bar-{n}"))
    yield database
    database.close()


@pytest.fixture(scope="session")
def other(tenants: Tenants) -> Iterator[PostgresTenantDatabase]:
    """Somebody else, whose rows nobody may see."""
    database = tenants.open("other")
    database.save("secrets", {"secret": SECRET, "amount": 1_000_000}, write("s-1"))
    yield database
    database.close()
