"""The API's tables: each tenant's own, read through the gate and the role that nodes read them through."""

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from tradeloom.api.models.tables import QueryResult, RunQuery, Table, TableColumn, TableList
from tradeloom.errors import StorageUnavailable, TradeloomError
from tradeloom.local.bridging import OnLoop
from tradeloom.nodes.tenant_database import RESERVED_COLUMNS, Limits
from tradeloom.storage.tenants.database import PostgresTenantDatabase
from tradeloom.storage.tenants.listing import MOST_COUNTED
from tradeloom.storage.tenants.provisioning import TenantAccess

WAIT_S: Final = 15.0
"""How long a query waits for the one before it."""


class LocalTables:
    """One connection a tenant, which answers one question at a time."""

    def __init__(self, on_loop: OnLoop, access: TenantAccess) -> None:
        self._on_loop = on_loop
        self._access = access
        self._known: dict[str, tuple[PostgresTenantDatabase, threading.Lock]] = {}
        self._knowing = threading.Lock()

    def listing(self, tenant: str) -> TableList:
        with self._database(tenant) as database:
            found = database.tables()
        return TableList(
            items=[
                Table(
                    name=each.name,
                    columns=[
                        TableColumn(name=name, type=kind, own=name not in RESERVED_COLUMNS)
                        for name, kind in each.columns.items()
                    ],
                    rows=each.rows,
                    counted_to=MOST_COUNTED,
                    bytes=each.size,
                )
                for each in found
            ]
        )

    def query(self, tenant: str, wanted: RunQuery) -> QueryResult:
        limits = Limits(rows=wanted.limit, seconds=wanted.max_seconds)
        with self._database(tenant) as database, _field_of_request():
            begun = time.monotonic()
            found = database.query(wanted.sql, wanted.parameters, limits)
            took = round((time.monotonic() - begun) * 1000, 3)
        return QueryResult(columns=found.columns, rows=found.rows, truncated=found.truncated, duration_ms=took)

    def close(self) -> None:
        with self._knowing:
            for database, _ in self._known.values():
                database.close()
            self._known.clear()

    @contextmanager
    def _database(self, tenant: str) -> Iterator[PostgresTenantDatabase]:
        with self._knowing:
            if tenant not in self._known:
                self._known[tenant] = PostgresTenantDatabase(self._login(tenant)), threading.Lock()
            database, free = self._known[tenant]
        if not free.acquire(timeout=WAIT_S):
            raise StorageUnavailable("Another query is still running.", hint="Try again when it has ended.")
        try:
            yield database
        finally:
            free.release()

    def _login(self, tenant: str) -> Callable[[bool], Mapping[str, Any]]:
        return lambda renew: self._on_loop(self._access.access(tenant, renew=renew))


@contextmanager
def _field_of_request() -> Iterator[None]:
    """Errors name the field of a node's configuration; a request has the same fields one level up."""
    try:
        yield
    except TradeloomError as error:
        if error.field is not None:
            error.field = error.field.removeprefix("config.")
        raise
