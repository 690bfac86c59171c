"""What tables a tenant has, how full they are, and how large."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from psycopg import Connection, sql

from tradeloom.storage.tenants.connection import TenantConnection
from tradeloom.storage.tenants.reading import tables_of

MOST_COUNTED: Final = 10_000
"""Rows beyond these are not counted: a list of tables must not take as long as reading them."""
SECONDS: Final = 5.0


@dataclass(frozen=True, slots=True)
class TableFacts:
    """`columns` are types by name, in their order; `rows` at most `MOST_COUNTED`; `size` is in bytes."""

    name: str
    columns: Mapping[str, str]
    rows: int
    size: int


def tables(at: TenantConnection) -> list[TableFacts]:
    """By name. Raises `QueryTimeout` and `StorageUnavailable`."""
    with at.transaction(read_only=True, seconds=SECONDS) as connection:
        return [_facts(connection, at.schema, name, kinds) for name, kinds in tables_of(connection, at.schema).items()]


def _facts(connection: Connection[Any], schema: str, name: str, kinds: Mapping[str, str]) -> TableFacts:
    table = sql.Identifier(schema, name)
    counted = "SELECT (SELECT count(*) FROM (SELECT FROM {} LIMIT {}) AS counted), pg_total_relation_size({}::regclass)"
    text = sql.SQL(counted).format(table, sql.Literal(MOST_COUNTED), sql.Literal(table.as_string(connection)))
    rows, size = connection.execute(text).fetchone() or (0, 0)
    return TableFacts(name, kinds, rows, size)
