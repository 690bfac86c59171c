"""A tenant's tables in PostgreSQL. What it promises stands in `tradeloom.nodes.tenant_database`."""

from collections.abc import Mapping, Sequence
from typing import Any

from tradeloom.nodes.tenant_database import Filter, Limits, Order, Rows, Saved, Write
from tradeloom.storage.tenants import listing, reading, writing
from tradeloom.storage.tenants.connection import Access, TenantConnection
from tradeloom.storage.tenants.listing import TableFacts


class PostgresTenantDatabase:
    """One tenant's, in one process. `access` is asked for the login when the first connection is made."""

    def __init__(self, access: Access) -> None:
        self._connection = TenantConnection(access)

    def tables(self) -> list[TableFacts]:
        """By name. Raises `QueryTimeout`, `StorageUnavailable`."""
        return listing.tables(self._connection)

    def query(self, sql: str, parameters: Mapping[str, Any], limits: Limits) -> Rows:
        return reading.query(self._connection, sql, parameters, limits)

    def select(
        self,
        table: str,
        limits: Limits,
        *,
        columns: Sequence[str] = (),
        filters: Sequence[Filter] = (),
        order: Sequence[Order] = (),
    ) -> Rows:
        return reading.select(self._connection, table, limits, columns, filters, order)

    def save(self, table: str, values: Mapping[str, Any], write: Write, *, key: str | None = None) -> Saved:
        return writing.save(self._connection, table, values, write, key)

    def update(self, table: str, row_id: int, values: Mapping[str, Any], write: Write) -> Saved:
        return writing.update(self._connection, table, row_id, values, write)

    def close(self) -> None:
        self._connection.close()
