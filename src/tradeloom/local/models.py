"""The model store outside a node: for the command line, beside a running machine or where none runs, and its parts."""

import asyncio
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, Protocol

from tradeloom.engine.stores import VariableStore
from tradeloom.local.home import Home
from tradeloom.local.settings import Settings
from tradeloom.local.storage import TENANT
from tradeloom.nodes.models import ModelStore
from tradeloom.nodes.variables import Variable
from tradeloom.storage.blobs import FileBlobs
from tradeloom.storage.postgres.database import Database
from tradeloom.storage.postgres.migrations import migrate
from tradeloom.storage.postgres.server import PostgresServer
from tradeloom.storage.postgres.variables import PostgresVariables


@contextmanager
def open_models(settings: Settings) -> Iterator[ModelStore]:
    """Takes no lock: PostgreSQL serves several processes, and a model's file never changes.

    Raises `StorageUnavailable`.
    """
    home = Home(settings.home)
    server = PostgresServer(home.postgres, url=settings.database_url or "")
    dsn = server.start()
    try:
        migrate(dsn)
        with asyncio.Runner() as runner:
            database = Database(dsn, pool_size=1)
            runner.run(database.open())
            try:
                variables = TenantVariables(runner.run, PostgresVariables(database), TENANT)
                yield ModelStore(variables, BlobFiles(FileBlobs(home.blobs)))
            finally:
                runner.run(database.close())
    finally:
        server.stop()


class _Waits(Protocol):
    """Runs a coroutine where its store lives, for a caller that waits."""

    def __call__[T](self, work: Coroutine[Any, Any, T], /) -> T: ...


class TenantVariables:
    """A tenant's variables for a caller that stands outside the store's event loop."""

    def __init__(self, wait: _Waits, store: VariableStore, tenant: str) -> None:
        self._wait = wait
        self._store = store
        self._tenant = tenant

    def read(self, scope: str, key: str) -> Variable:
        return self._wait(self._store.read(self._tenant, scope, key))

    def write(
        self, scope: str, key: str, value: Any, *, expected: int | None = None, effect: str | None = None
    ) -> Variable:
        return self._wait(self._store.write(self._tenant, scope, key, value, expected=expected, effect=effect))

    def keys(self, scope: str, prefix: str = "") -> list[str]:
        return self._wait(self._store.keys(self._tenant, scope, prefix))


class BlobFiles:
    """Models' files among a machine's blobs."""

    def __init__(self, blobs: FileBlobs) -> None:
        self._blobs = blobs

    def store_blob(self, content: bytes) -> str:
        return self._blobs.put(content)

    def load_blob(self, sha256: str) -> bytes:
        return self._blobs.get(sha256)
