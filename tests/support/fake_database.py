"""A tenant's tables in memory: typed and bounded by the same rules as the real ones, and telling of every write.

SQL is judged by the real gate and answered with `answer`: there is no second PostgreSQL here.
"""

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from tradeloom.errors import InvalidInput, NotFound, QueryRefused, RowRefused, StorageUnavailable
from tradeloom.nodes.tenant_database import MAX_TABLES, Filter, Limits, Order, Rows, Saved, Write, checked_name

NOW = "2017-06-01T12:00:00Z"
RESERVED = {
    "id": "bigint",
    "created_at": "timestamp with time zone",
    "updated_at": "timestamp with time zone",
    "execution_id": "text",
    "node_id": "text",
}


def _nothing(kind: str, table: str, row: Mapping[str, Any]) -> None:
    pass


@dataclass
class Table:
    kinds: dict[str, str] = field(default_factory=lambda: dict(RESERVED))
    rows: dict[int, dict[str, Any]] = field(default_factory=dict)
    keys: set[str] = field(default_factory=set)
    last_id: int = 0


@dataclass
class FakeDatabase:
    """`down` makes every call raise; `asked` holds the SQL that came through the gate with its values."""

    tables: dict[str, Table] = field(default_factory=dict)
    effects: dict[str, Saved] = field(default_factory=dict)
    answer: Rows = field(default_factory=lambda: Rows([], [], truncated=False))
    asked: list[tuple[str, list[Any], Limits]] = field(default_factory=list)
    down: bool = False
    on_write: Callable[[str, str, Mapping[str, Any]], None] = _nothing

    def query(self, sql: str, parameters: Mapping[str, Any], limits: Limits) -> Rows:
        from tradeloom.storage.tenants.gate import judge
        from tradeloom.storage.tenants.parameters import bind

        self._reach()
        statement = bind(sql, parameters)
        judge(statement, {name: table.kinds for name, table in self.tables.items()})
        self.asked.append((statement.text, list(statement.values), limits))
        return self.answer

    def select(
        self,
        table: str,
        limits: Limits,
        *,
        columns: Sequence[str] = (),
        filters: Sequence[Filter] = (),
        order: Sequence[Order] = (),
    ) -> Rows:
        self._reach()
        known = self._known(table)
        for what, names in (
            ("columns", columns),
            ("filters", [one.column for one in filters]),
            ("order", [one.column for one in order]),
        ):
            for index, name in enumerate(names):
                if name not in known.kinds:
                    raise NotFound(f"The table {table!r} has no column {name!r}.", field=f"config.{what}.{index}")
        rows = [row for row in known.rows.values() if all(_passes(row, one, known.kinds) for one in filters)]
        rows.sort(key=lambda row: row["id"])
        for one in reversed(order):
            present = [row for row in rows if row.get(one.column) is not None]
            absent = [row for row in rows if row.get(one.column) is None]
            # Reversed, the sort is stable all the same: equal ones stay as they were.
            rows = [*sorted(present, key=_by(one.column), reverse=one.descending), *absent]
        names = list(columns) or list(known.kinds)
        shown = [{name: copy.deepcopy(row.get(name)) for name in names} for row in rows[: limits.rows]]
        return Rows(shown, names, truncated=len(rows) > limits.rows)

    def save(self, table: str, values: Mapping[str, Any], write: Write, *, key: str | None = None) -> Saved:
        checked_name(table, "table", field="config.table")
        row = _checked(values, "config.object")
        if key is not None and row.get(key) is None:
            raise InvalidInput(f"The object has no value in {key!r}.", field="config.key")
        return self._written(write, lambda: self._save(table, row, write, key))

    def update(self, table: str, row_id: int, values: Mapping[str, Any], write: Write) -> Saved:
        checked_name(table, "table", field="config.table")
        row = _checked(values, "config.data")
        return self._written(write, lambda: self._update(table, row_id, row))

    def _written(self, write: Write, work: Callable[[], Saved]) -> Saved:
        self._reach()
        if write.effect in self.effects:
            done = self.effects[write.effect]
            return Saved(done.id, done.created, repeated=True)
        before = copy.deepcopy(self.tables)
        try:
            saved = work()
        except Exception:
            self.tables = before
            raise
        if write.keep:
            self.effects[write.effect] = saved
        else:
            self.tables = before
        return saved

    def _save(self, name: str, row: Mapping[str, Any], write: Write, key: str | None) -> Saved:
        if name not in self.tables and len(self.tables) >= MAX_TABLES:
            raise RowRefused(f"There are {MAX_TABLES} tables already.", field="config.table")
        table = self.tables.setdefault(name, Table())
        new = _fit(table, row, "config.object")
        signed = {"execution_id": write.execution_id, "node_id": write.node_id}
        for known in table.rows.values():
            if key is not None and known.get(key) == row[key]:
                known |= {**row, **signed, "updated_at": NOW}
                self.on_write("saved", name, row)
                return Saved(known["id"], created=False, new_columns=new)
        if key is not None:
            table.keys.add(key)
        for unique in table.keys - {key}:
            if any(known.get(unique) == row.get(unique) is not None for known in table.rows.values()):
                raise RowRefused(f"A row of {name!r} with the same key is there already.", field="config.object")
        table.last_id += 1
        table.rows[table.last_id] = {**row, **signed, "id": table.last_id, "created_at": NOW, "updated_at": None}
        self.on_write("saved", name, row)
        return Saved(table.last_id, created=True, new_columns=new)

    def _update(self, name: str, row_id: int, row: Mapping[str, Any]) -> Saved:
        table = self._known(name)
        new = _fit(table, row, "config.data")
        if row_id not in table.rows:
            raise NotFound(f"The table {name!r} has no row {row_id}.", field="config.id")
        table.rows[row_id] |= {**row, "updated_at": NOW}
        self.on_write("updated", name, row)
        return Saved(row_id, created=False, new_columns=new)

    def _known(self, name: str) -> Table:
        if name not in self.tables:
            raise NotFound(f"There is no table {name!r}.", field="config.table")
        return self.tables[name]

    def _reach(self) -> None:
        if self.down:
            raise StorageUnavailable("The database is not available.")


def with_signals() -> FakeDatabase:
    """The table the nodes' examples speak of, with a row in it."""
    database = FakeDatabase()
    signal = {"indicator": "rsi", "value": 27.5, "signal": "oversold"}
    database.save("signals", signal, Write(effect="before", execution_id="earlier", node_id="save"))
    return database


def _checked(values: Mapping[str, Any], field: str) -> dict[str, Any]:
    # psycopg comes with the package, which a light function must never load.
    from tradeloom.storage.tenants.columns import checked_row

    return checked_row(values, field=field)


def _fit(table: Table, row: Mapping[str, Any], field: str) -> list[str]:
    from tradeloom.storage.tenants import columns

    new = []
    for name, value in row.items():
        if name not in table.kinds:
            if value is not None:
                table.kinds[name] = columns.type_for(value, name, field=field)
                new.append(name)
        elif not columns.fits(value, table.kinds[name]):
            if not columns.widens(value, table.kinds[name]):
                raise columns.misfit(value, name, table.kinds[name], field=field)
            table.kinds[name] = columns.DOUBLE
    return new


def _by(column: str) -> Callable[[Mapping[str, Any]], Any]:
    return lambda row: _moment(row[column])


def _moment(value: Any) -> Any:
    if isinstance(value, str) and value[4:5] == "-" and value[10:11] == "T":
        return datetime.fromisoformat(value).astimezone(UTC)
    return value


def _passes(row: Mapping[str, Any], one: Filter, kinds: Mapping[str, str]) -> bool:
    held, value = row.get(one.column), one.value
    if one.operator == "is_null":
        if not isinstance(value, bool):
            raise InvalidInput("is_null takes true or false.", field="config.filters")
        return (held is None) == value
    if value is None:
        raise InvalidInput(f"{one.operator} takes a value.", field="config.filters")
    if one.operator in {"contains", "starts_with"} and kinds[one.column] != "text":
        raise InvalidInput("no texts to look into", field="config.filters")
    if one.operator == "in" and not isinstance(value, list):
        raise InvalidInput("in takes a list", field="config.filters")
    if isinstance(value, float) and value != value:
        raise QueryRefused("not a finite number", field="config.filters")
    if one.operator == "!=":
        return bool(_moment(held) != _moment(value))
    if held is None:
        return False
    held = _moment(held)
    tests: dict[str, Callable[[], bool]] = {
        "=": lambda: bool(held == _moment(value)),
        "<": lambda: bool(held < _moment(value)),
        "<=": lambda: bool(held <= _moment(value)),
        ">": lambda: bool(held > _moment(value)),
        ">=": lambda: bool(held >= _moment(value)),
        "in": lambda: held in [_moment(item) for item in value],
        "contains": lambda: bool(value in held),
        "starts_with": lambda: bool(held.startswith(value)),
    }
    return tests[one.operator]()
