"""Writing to a tenant's tables: made and widened as objects need it, once an effect."""

import hashlib
from collections.abc import Mapping
from typing import Any, Final

from psycopg import Connection, errors, sql

from tradeloom.errors import InvalidInput, NotFound, RowRefused
from tradeloom.nodes.tenant_database import (
    MAX_COLUMNS,
    MAX_TABLE_BYTES,
    MAX_TABLES,
    RESERVED_COLUMNS,
    Saved,
    Write,
    checked_name,
)
from tradeloom.storage.tenants import columns as typing
from tradeloom.storage.tenants.connection import WRITE_TIMEOUT_S, TenantConnection
from tradeloom.storage.tenants.reading import known_table, tables_of

_OBJECT: Final = "config.object"
_DATA: Final = "config.data"
_RESERVED: Final = sql.SQL(
    "id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, created_at timestamptz NOT NULL DEFAULT clock_timestamp(),"
    " updated_at timestamptz, execution_id text NOT NULL, node_id text NOT NULL"
)


def save(at: TenantConnection, table: str, values: Mapping[str, Any], write: Write, key: str | None) -> Saved:
    checked_name(table, "table", field="config.table")
    row = typing.checked_row(values, field=_OBJECT)
    if key is not None and row.get(key) is None:
        raise InvalidInput(f"The object has no value in {key!r}, by which its row is found.", field="config.key")
    with at.transaction(read_only=False, seconds=WRITE_TIMEOUT_S, keep=write.keep) as connection:
        return _Writer(connection, at.schema, table, write, _OBJECT).save(row, key)


def update(at: TenantConnection, table: str, row_id: int, values: Mapping[str, Any], write: Write) -> Saved:
    checked_name(table, "table", field="config.table")
    row = typing.checked_row(values, field=_DATA)
    with at.transaction(read_only=False, seconds=WRITE_TIMEOUT_S, keep=write.keep) as connection:
        return _Writer(connection, at.schema, table, write, _DATA).update(row_id, row)


class _Writer:
    """One write, inside its transaction."""

    def __init__(self, connection: Connection[Any], schema: str, table: str, write: Write, field: str) -> None:
        self._connection = connection
        self._schema = schema
        self._table = table
        self._write = write
        self._field = field
        self._effects = sql.Identifier(schema, "_effects")
        self._name = sql.Identifier(schema, table)

    def save(self, row: dict[str, Any], key: str | None) -> Saved:
        done = self._begin()
        if done is not None:
            return done
        kinds, new = self._prepared(row, make=True)
        self._check_room()
        self._check_index(key, kinds)
        kept = {name: typing.adapted(value, kinds[name]) for name, value in row.items() if name in kinds}
        row_id, created = self._insert(kept, key)
        self._end(row_id, created)
        return Saved(row_id, created, new_columns=new)

    def update(self, row_id: int, row: dict[str, Any]) -> Saved:
        done = self._begin()
        if done is not None:
            return done
        kinds, new = self._prepared(row, make=False)
        kept = {name: typing.adapted(value, kinds[name]) for name, value in row.items() if name in kinds}
        settings = [sql.SQL("{} = {}").format(sql.Identifier(name), _place(n)) for n, name in enumerate(kept, 2)]
        statement = sql.SQL("UPDATE {} SET {} WHERE id = $1").format(
            self._name, sql.SQL(", ").join([*settings, sql.SQL("updated_at = clock_timestamp()")])
        )
        if self._run(statement, [row_id, *kept.values()]).rowcount == 0:
            raise NotFound(
                f"The table {self._table!r} has no row {row_id}.",
                field="config.id",
                hint="An id is what database.save gave, or the column id of a query.",
            )
        self._end(row_id, False)
        return Saved(row_id, created=False, new_columns=new)

    # -- once an effect -----------------------------------------------------------------------------------------

    def _begin(self) -> Saved | None:
        """Claim the effect for this transaction, or give what it left. A rival that claims it now is waited for."""
        claim = sql.SQL("INSERT INTO {} (effect, table_name) VALUES ($1, $2) ON CONFLICT DO NOTHING")
        if self._run(claim.format(self._effects), [self._write.effect, self._table]).rowcount:
            return None
        left = sql.SQL("SELECT row_id, created FROM {} WHERE effect = $1").format(self._effects)
        found = self._run(left, [self._write.effect]).fetchone()
        assert found is not None
        return Saved(found[0], found[1], repeated=True)

    def _end(self, row_id: int, created: bool) -> None:
        noted = sql.SQL("UPDATE {} SET row_id = $2, created = $3 WHERE effect = $1").format(self._effects)
        self._run(noted, [self._write.effect, row_id, created])

    # -- the table ----------------------------------------------------------------------------------------------

    def _prepared(self, row: Mapping[str, Any], *, make: bool) -> tuple[Mapping[str, str], list[str]]:
        """The columns' types once the row fits, and which columns are new."""
        tables = tables_of(self._connection, self._schema)
        if not make:
            known_table(tables, self._table)
        missing, wider = self._needed(row, tables.get(self._table, {}))
        if self._table in tables and not missing and not wider:
            return tables[self._table], []
        # One change of tables at a time; others of the tenant's writes go on.
        self._run(sql.SQL("LOCK TABLE {} IN SHARE UPDATE EXCLUSIVE MODE").format(self._effects))
        tables = tables_of(self._connection, self._schema)
        missing, wider = self._needed(row, tables.get(self._table, {}))
        if self._table not in tables:
            self._make(tables)
        self._widen(missing, wider, tables.get(self._table, {}))
        return tables_of(self._connection, self._schema)[self._table], list(missing)

    def _needed(self, row: Mapping[str, Any], known: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
        """Columns to add, and those to widen. Raises `RowRefused`. What is null needs no column yet."""
        missing, wider = {}, []
        for name, value in row.items():
            if name not in known:
                if value is not None:
                    missing[name] = typing.type_for(value, name, field=self._field)
            elif typing.widens(value, known[name]) and not typing.fits(value, known[name]):
                wider.append(name)
            elif not typing.fits(value, known[name]):
                raise typing.misfit(value, name, known[name], field=self._field)
        return missing, wider

    def _make(self, tables: Mapping[str, Any]) -> None:
        if len(tables) >= MAX_TABLES:
            raise RowRefused(f"There are {MAX_TABLES} tables already, which is the most.", field="config.table")
        self._run(sql.SQL("CREATE TABLE {} ({})").format(self._name, _RESERVED))

    def _widen(self, missing: Mapping[str, str], wider: list[str], known: Mapping[str, str]) -> None:
        if len(set(known) - set(RESERVED_COLUMNS)) + len(missing) > MAX_COLUMNS:
            raise RowRefused(
                f"The table {self._table!r} would have more than {MAX_COLUMNS} columns.",
                field=self._field,
                hint="Put what varies into one nested object.",
            )
        for name in wider:
            self._check_exact(name)
        changes = [
            *(sql.SQL("ADD COLUMN {} ").format(sql.Identifier(name)) + _type(kind) for name, kind in missing.items()),
            *(sql.SQL("ALTER COLUMN {} TYPE double precision").format(sql.Identifier(name)) for name in wider),
        ]
        if changes:
            self._run(sql.SQL("ALTER TABLE {} {}").format(self._name, sql.SQL(", ").join(changes)))

    def _check_exact(self, column: str) -> None:
        """Whole numbers beyond 2^53 would come back as others."""
        large = sql.SQL("SELECT 1 FROM {} WHERE {} NOT BETWEEN $1 AND $2 LIMIT 1")
        found = self._run(
            large.format(self._name, sql.Identifier(column)), [-typing.EXACT_IN_DOUBLE, typing.EXACT_IN_DOUBLE]
        )
        if found.fetchone() is not None:
            raise RowRefused(
                f"The column {column!r} holds whole numbers too large to stand beside fractions.",
                field=f"{self._field}.{column}",
                hint="Save the fraction under another name.",
            )

    def _check_room(self) -> None:
        found = self._run(sql.SQL("SELECT pg_total_relation_size({}::regclass)").format(self._quoted())).fetchone()
        if found is not None and found[0] > MAX_TABLE_BYTES:
            raise RowRefused(
                f"The table {self._table!r} takes {found[0]:,} bytes already, which is the most.", field="config.table"
            )

    def _check_index(self, key: str | None, kinds: Mapping[str, str]) -> None:
        """A unique index on the key, made when it is first used as one."""
        if key is None:
            return
        if kinds[key] == typing.JSONB:
            raise InvalidInput("A nested object cannot be what rows are found by.", field="config.key")
        # No table can be called so, and both names together would be too long for PostgreSQL.
        index = "_key_" + hashlib.sha256(f"{self._table}.{key}".encode()).hexdigest()[:32]
        known = self._run(
            sql.SQL("SELECT to_regclass({}) IS NOT NULL").format(
                sql.Literal(sql.Identifier(self._schema, index).as_string(self._connection))
            )
        ).fetchone()
        if known is not None and known[0]:
            return
        self._run(sql.SQL("LOCK TABLE {} IN SHARE UPDATE EXCLUSIVE MODE").format(self._effects))
        made = sql.SQL("CREATE UNIQUE INDEX IF NOT EXISTS {} ON {} ({})")
        try:
            self._run(made.format(sql.Identifier(index), self._name, sql.Identifier(key)))
        except errors.UniqueViolation as error:
            raise RowRefused(
                f"Several rows of {self._table!r} have the same {key!r}, so it cannot tell them apart.",
                field="config.key",
            ) from error

    # -- rows ---------------------------------------------------------------------------------------------------

    def _insert(self, kept: Mapping[str, Any], key: str | None) -> tuple[int, bool]:
        names = ["execution_id", "node_id", *kept]
        values = [self._write.execution_id, self._write.node_id, *kept.values()]
        statement = sql.SQL("INSERT INTO {} ({}) VALUES ({})").format(
            self._name,
            sql.SQL(", ").join(map(sql.Identifier, names)),
            sql.SQL(", ").join(_place(n) for n in range(1, len(names) + 1)),
        )
        if key is not None:
            settings = [sql.SQL("{0} = excluded.{0}").format(sql.Identifier(name)) for name in names]
            statement += sql.SQL(" ON CONFLICT ({}) DO UPDATE SET {}, updated_at = clock_timestamp()").format(
                sql.Identifier(key), sql.SQL(", ").join(settings)
            )
        try:
            # A row that was never overwritten has no time of an update.
            found = self._run(statement + sql.SQL(" RETURNING id, updated_at IS NULL"), values).fetchone()
        except errors.UniqueViolation as error:
            raise RowRefused(
                f"A row of {self._table!r} with the same key is there already: {error.diag.constraint_name}",
                field=self._field,
                hint="Name the key in the node's settings to overwrite it.",
            ) from error
        assert found is not None
        return int(found[0]), bool(found[1])

    def _quoted(self) -> sql.Composable:
        return sql.Literal(self._name.as_string(self._connection))

    def _run(self, statement: sql.Composable, values: Any = ()) -> Any:
        return self._connection.execute(statement.as_string(self._connection), values)


def _place(n: int) -> sql.Composable:
    return sql.SQL(f"${n}")


def _type(kind: str) -> sql.Composable:
    return sql.SQL(kind)
