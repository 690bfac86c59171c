"""Reading a tenant's tables: SQL through the gate, or a table with filters that needs none."""

import json
from collections.abc import Collection, Generator, Mapping, Sequence
from typing import Any, Final, LiteralString, cast

from psycopg import Connection, errors, sql

from tradeloom.errors import InvalidInput, NotFound, QueryFailed, QueryRefused, ResultTooLarge
from tradeloom.nodes.tenant_database import Filter, Limits, Order, Rows
from tradeloom.storage.tenants.connection import TenantConnection, first_line
from tradeloom.storage.tenants.gate import judge
from tradeloom.storage.tenants.parameters import MAX_LIST, bind, scalar
from tradeloom.storage.tenants.values import as_json

_COLUMNS: Final = (
    "SELECT table_name, column_name, data_type FROM information_schema.columns"
    " WHERE table_schema = $1 AND table_name NOT LIKE '\\_%' ORDER BY table_name, ordinal_position"
)

_COMPARED: Final[Mapping[str, LiteralString]] = {
    "=": "{} = {}",
    "!=": "{} IS DISTINCT FROM {}",
    "<": "{} < {}",
    "<=": "{} <= {}",
    ">": "{} > {}",
    ">=": "{} >= {}",
    "in": "{} = ANY({})",
    "contains": "strpos({}, {}) > 0",
    "starts_with": "starts_with({}, {})",
}

Tables = Mapping[str, Mapping[str, str]]
"""A tenant's tables: each one's columns with their types, in their order."""


def query(at: TenantConnection, text: str, parameters: Mapping[str, Any], limits: Limits) -> Rows:
    statement = bind(text, parameters)
    with at.transaction(read_only=True, seconds=limits.seconds) as connection:
        judge(statement, tables_of(connection, at.schema))
        return _fetched(connection, statement.text, statement.values, limits)


def select(
    at: TenantConnection,
    table: str,
    limits: Limits,
    columns: Sequence[str],
    filters: Sequence[Filter],
    order: Sequence[Order],
) -> Rows:
    with at.transaction(read_only=True, seconds=limits.seconds) as connection:
        known = known_table(tables_of(connection, at.schema), table)
        _all_known(table, known, columns, "config.columns")
        _all_known(table, known, [one.column for one in filters], "config.filters")
        _all_known(table, known, [one.column for one in order], "config.order")
        values: list[Any] = []
        conditions = [_condition(one, index, known, values) for index, one in enumerate(filters)]
        text = sql.SQL("SELECT {} FROM {}{} ORDER BY {} LIMIT {}").format(
            sql.SQL(", ").join(map(sql.Identifier, columns or known)),
            sql.Identifier(at.schema, table),
            sql.SQL(" WHERE ") + sql.SQL(" AND ").join(conditions) if conditions else sql.SQL(""),
            sql.SQL(", ").join([*map(_ordering, order), sql.Identifier("id")]),
            sql.Literal(limits.rows + 1),
        )
        return _fetched(connection, text.as_string(connection), values, limits)


def tables_of(connection: Connection[Any], schema: str) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for table, column, kind in connection.execute(_COLUMNS, [schema]):
        found.setdefault(table, {})[column] = kind
    return found


def known_table(tables: Tables, table: str) -> Mapping[str, str]:
    """The table's columns. Raises `NotFound`."""
    if table not in tables:
        known = ", ".join(tables) or "none yet"
        raise NotFound(
            f"There is no table {table[:60]!a}.",
            field="config.table",
            hint=f"Yours are: {known[:500]}. database.save makes one.",
        )
    return tables[table]


def _all_known(table: str, known: Collection[str], names: Sequence[str], field: str) -> None:
    for index, name in enumerate(names):
        if name not in known:
            raise NotFound(
                f"The table {table!r} has no column {name[:60]!a}.",
                field=f"{field}.{index}",
                hint=f"It has {', '.join(known)}.",
            )


def _condition(one: Filter, index: int, known: Mapping[str, str], values: list[Any]) -> sql.Composable:
    column, field = sql.Identifier(one.column), f"config.filters.{index}.value"
    if one.operator == "is_null":
        if not isinstance(one.value, bool):
            raise InvalidInput("is_null takes true or false.", field=field)
        return sql.SQL("{} IS NULL" if one.value else "{} IS NOT NULL").format(column)
    if one.value is None:
        raise InvalidInput(f"{one.operator} takes a value.", field=field, hint="To look for no value, use is_null.")
    values.append(_listed(one, field) if one.operator == "in" else scalar("of the filter", one.value, field))
    if one.operator in {"contains", "starts_with"} and known[one.column] != "text":
        raise InvalidInput(f"The column {one.column!r} holds no texts for {one.operator} to look into.", field=field)
    return sql.SQL(_COMPARED[one.operator]).format(column, sql.SQL(f"${len(values)}"))


def _listed(one: Filter, field: str) -> list[Any]:
    if not isinstance(one.value, list) or len(one.value) > MAX_LIST:
        raise InvalidInput(f"in takes a list of at most {MAX_LIST:,} values.", field=field)
    return [scalar("of the filter", item, field) for item in one.value]


def _ordering(one: Order) -> sql.Composable:
    # Rows without a value come last either way, as nobody looks for them first.
    return sql.SQL("{} DESC NULLS LAST" if one.descending else "{} NULLS LAST").format(sql.Identifier(one.column))


def _fetched(connection: Connection[Any], text: str, values: Sequence[Any], limits: Limits) -> Rows:
    """The rows one after another through the extended protocol, as many as are wanted and no larger than they may be.

    What is not fetched any more is cancelled on the server.
    """
    rows: list[dict[str, Any]] = []
    names: list[str] = []
    size, truncated = 0, False
    cursor = connection.cursor()
    try:
        # A generator, though its annotation says less: closing it cancels the query.
        stream = cast("Generator[tuple[Any, ...]]", cursor.stream(text, values))
        for record in stream:
            names = names or _names(cursor.description or ())
            if len(rows) == limits.rows:
                truncated = True
                stream.close()
                break
            row = {name: as_json(value, name) for name, value in zip(names, record, strict=True)}
            size += len(json.dumps(row, ensure_ascii=False).encode("utf-8", "surrogatepass"))
            if size > limits.size:
                stream.close()
                raise ResultTooLarge(
                    f"The result is larger than {limits.size:,} bytes; it was so after {len(rows)} rows.",
                    hint="Take fewer rows or columns.",
                )
            rows.append(row)
        names = names or _described(connection, text)
    except errors.DataError as error:
        raise QueryFailed(f"PostgreSQL cannot answer: {first_line(error)}") from error
    return Rows(rows, names, truncated)


def _described(connection: Connection[Any], text: str) -> list[str]:
    """The columns of a query that gave no rows, which the server tells without running it again."""
    server = connection.pgconn
    server.prepare(b"", text.encode())
    told = server.describe_prepared(b"")
    names = [told.fname(index) or b"" for index in range(told.nfields)]
    return _distinct([name.decode() for name in names])


def _names(description: Sequence[Any]) -> list[str]:
    return _distinct([column.name for column in description])


def _distinct(names: list[str]) -> list[str]:
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise QueryRefused(
            f"Two columns of the result are called {twice[0]!r}.",
            field="config.sql",
            hint="Give one of them another name with AS.",
        )
    return names
