"""This machine's model store for the command line: beside a running machine, or where none runs."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

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
                yield ModelStore(_Variables(runner, PostgresVariables(database)), BlobFiles(FileBlobs(home.blobs)))
            finally:
                runner.run(database.close())
    finally:
        server.stop()


class _Variables:
    """The machine's own tenant's variables, one question at a time."""

    def __init__(self, runner: asyncio.Runner, store: PostgresVariables) -> None:
        self._runner = runner
        self._store = store

    def read(self, scope: str, key: str) -> Variable:
        return self._runner.run(self._store.read(TENANT, scope, key))

    def write(
        self, scope: str, key: str, value: Any, *, expected: int | None = None, effect: str | None = None
    ) -> Variable:
        return self._runner.run(self._store.write(TENANT, scope, key, value, expected=expected, effect=effect))

    def keys(self, scope: str, prefix: str = "") -> list[str]:
        return self._runner.run(self._store.keys(TENANT, scope, prefix))


class BlobFiles:
    """Models' files among a machine's blobs."""

    def __init__(self, blobs: FileBlobs) -> None:
        self._blobs = blobs

    def store_blob(self, content: bytes) -> str:
        return self._blobs.put(content)

    def load_blob(self, sha256: str) -> bytes:
        return self._blobs.get(sha256)
