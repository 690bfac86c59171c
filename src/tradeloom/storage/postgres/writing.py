"""The statements a batch of the journal becomes: one per table, all rows at once, in one transaction."""

from collections.abc import Iterable, Sequence
from typing import Any, Final

from psycopg import AsyncConnection, sql

from tradeloom.engine.journal import NodeRun
from tradeloom.storage.group_commit import Batch
from tradeloom.storage.postgres import rows

Columns = dict[str, rows.Column]

_CHANGES: Final[Columns] = {
    name: rows.EXECUTION[name]
    for name in (
        "id",
        "status",
        "started_at",
        "finished_at",
        "output",
        "error",
        "has_errors",
        "stop_reason",
        "last_seq",
    )
}
_ENDED: Final = ("status", "finished_at", "duration_ms", "output", "error", "finished_seq")
_STARTED: Final = ("started_at", "started_seq", "due")


def _unnested(columns: Columns) -> sql.Composable:
    """`unnest(%s::text[], …) AS r(id, …)`."""
    arrays = [sql.SQL("%s::{}[]").format(sql.SQL(kind)) for kind, _ in columns.values()]
    names = [sql.Identifier(name) for name in columns]
    return sql.SQL("unnest({}) AS r({})").format(sql.SQL(", ").join(arrays), sql.SQL(", ").join(names))


def _selected(columns: Columns) -> sql.Composable:
    parts = []
    for name, column in columns.items():
        cast = "::integer[]" if column is rows.NODE_RUN["iteration"] else ""
        parts.append(sql.SQL("r.{}{}").format(sql.Identifier(name), sql.SQL(cast)))
    return sql.SQL(", ").join(parts)


def _insert(table: str, columns: Columns, more: str) -> sql.Composed:
    return sql.SQL("INSERT INTO {} ({}) SELECT {} FROM {} {}").format(
        sql.Identifier(table),
        sql.SQL(", ").join(map(sql.Identifier, columns)),
        _selected(columns),
        _unnested(columns),
        sql.SQL(more),
    )


_CREATE: Final = sql.SQL(
    "INSERT INTO executions ({}, engine) SELECT {}, %s::bigint FROM {} ON CONFLICT DO NOTHING RETURNING id"
).format(sql.SQL(", ").join(map(sql.Identifier, rows.EXECUTION)), _selected(rows.EXECUTION), _unnested(rows.EXECUTION))
_CHANGE: Final = sql.SQL(
    "UPDATE executions e SET status = r.status, started_at = r.started_at, finished_at = r.finished_at,"
    " output = r.output, error = r.error, has_errors = r.has_errors,"
    " stop_reason = coalesce(e.stop_reason, r.stop_reason), last_seq = r.last_seq"
    " FROM {} WHERE e.id = r.id AND e.status IN ('PENDING', 'RUNNING')"
).format(_unnested(_CHANGES))
_RUN: Final = _insert(
    "node_runs",
    rows.NODE_RUN,
    "ON CONFLICT (execution_id, path, attempt) DO UPDATE SET "
    + ", ".join(f"{name} = excluded.{name}" for name in (*_ENDED, *_STARTED)),
)
_LOG: Final = _insert("logs", rows.LOG, "ON CONFLICT DO NOTHING")
_NOTIFY: Final = _insert("notifications", rows.NOTIFICATION, "ON CONFLICT DO NOTHING")


class BatchWriter:
    """Writes batches on one connection. Knows which rows' inputs it already wrote, to send them once."""

    def __init__(self) -> None:
        self._begun: set[tuple[str, str, int]] = set()

    async def write(self, connection: AsyncConnection[Any], batch: Batch, engine: int) -> set[str]:
        """One transaction; the ids created."""
        statements: list[tuple[sql.Composed, list[Any]]] = []
        if batch.executions:
            statements.append((_CHANGE, _arrays(_CHANGES, batch.executions.values())))
        if batch.runs:
            statements.append((_RUN, self._run_arrays(batch.runs)))
        if batch.logs:
            statements.append((_LOG, _arrays(rows.LOG, batch.logs)))
        if batch.notifications:
            statements.append((_NOTIFY, _notification_arrays(batch)))
        created: set[str] = set()
        if batch.creations:
            values = _arrays(rows.EXECUTION, [creation.execution for creation in batch.creations.values()])
            statements.insert(0, (_CREATE, [engine, *values]))
        if len(statements) == 1:
            created = await _run(connection, *statements[0])
        elif statements:
            async with connection.pipeline(), connection.transaction():
                results = [await connection.execute(*statement, prepare=True) for statement in statements]
                if batch.creations:
                    created = {row[0] for row in await results[0].fetchall()}
        self._note(batch.runs)
        return created

    def _run_arrays(self, runs: dict[tuple[str, str, int], NodeRun]) -> list[Any]:
        arrays = _arrays(rows.NODE_RUN, runs.values())
        inputs = arrays[list(rows.NODE_RUN).index("input")]
        for position, key in enumerate(runs):
            if key in self._begun:
                inputs[position] = None
        return arrays

    def _note(self, runs: dict[tuple[str, str, int], NodeRun]) -> None:
        for key, run in runs.items():
            if run.status == "RUNNING":
                self._begun.add(key)
            else:
                self._begun.discard(key)


async def _run(connection: AsyncConnection[Any], query: sql.Composed, values: list[Any]) -> set[str]:
    cursor = await connection.execute(query, values, prepare=True)
    return {row[0] for row in await cursor.fetchall()} if query is _CREATE else set()


def _arrays(columns: Columns, records: Iterable[Any]) -> list[Any]:
    kept = list(records)
    return [[write(getattr(record, name)) for record in kept] for name, (_, write) in columns.items()]


def _notification_arrays(batch: Batch) -> list[Any]:
    stored: Sequence[Any] = list(batch.notifications.values())
    arrays = []
    for name, (_, write) in rows.NOTIFICATION.items():
        owner = [item if name in ("tenant", "created_at") else item.notification for item in stored]
        arrays.append([write(getattr(item, name)) for item in owner])
    return arrays
