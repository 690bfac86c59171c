"""What stays when the machine is down: its PostgreSQL, its files, and the stores on them."""

from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Final

from tradeloom.accounts.credentials.key_file import KeyFile
from tradeloom.accounts.credentials.vault import Vault
from tradeloom.local.home import Home
from tradeloom.local.settings import Settings
from tradeloom.storage.blobs import FileBlobs
from tradeloom.storage.postgres.credentials import PostgresCredentials
from tradeloom.storage.postgres.database import Database
from tradeloom.storage.postgres.drafts import PostgresDrafts
from tradeloom.storage.postgres.expectations import PostgresExpectations
from tradeloom.storage.postgres.journal import PostgresJournal
from tradeloom.storage.postgres.kill_wishes import PostgresKillWishes
from tradeloom.storage.postgres.migrations import migrate
from tradeloom.storage.postgres.orders import PostgresOrders
from tradeloom.storage.postgres.pins import PostgresPins
from tradeloom.storage.postgres.quotas import PostgresQuotas
from tradeloom.storage.postgres.server import PostgresServer
from tradeloom.storage.postgres.stores import PostgresStores
from tradeloom.storage.postgres.trades import PostgresTrades
from tradeloom.storage.postgres.variables import PostgresVariables

TENANT: Final = "local"


@dataclass(frozen=True, kw_only=True)
class Storage:
    database: Database
    journal: PostgresJournal
    stores: PostgresStores
    blobs: FileBlobs
    variables: PostgresVariables
    orders: PostgresOrders
    trades: PostgresTrades
    kill_wishes: PostgresKillWishes
    quotas: PostgresQuotas
    pins: PostgresPins
    drafts: PostgresDrafts
    expectations: PostgresExpectations
    vault: Vault

    async def ping(self) -> None:
        """Raises what keeps the database from answering."""
        await self.database.one("SELECT 1 AS one")


async def storage_up(stack: AsyncExitStack, home: Home, settings: Settings, dsn: str) -> Storage:
    database = Database(dsn)
    await database.open()
    stack.push_async_callback(database.close)
    journal = PostgresJournal(database)
    await journal.open()
    stack.push_async_callback(journal.close)
    variables = PostgresVariables(database)
    await variables.purge()
    return Storage(
        database=database,
        journal=journal,
        stores=PostgresStores(database),
        blobs=FileBlobs(home.blobs),
        variables=variables,
        orders=PostgresOrders(database),
        trades=PostgresTrades(database),
        kill_wishes=PostgresKillWishes(database),
        quotas=PostgresQuotas(database),
        pins=PostgresPins(database),
        drafts=PostgresDrafts(database),
        expectations=PostgresExpectations(database),
        vault=Vault(PostgresCredentials(database), KeyFile(settings.key_file or home.key_file)),
    )


def database_up(server: PostgresServer) -> str:
    """Starts the server and brings its schema up to date. Gives the address of the database."""
    dsn = server.start()
    migrate(dsn)
    return dsn
