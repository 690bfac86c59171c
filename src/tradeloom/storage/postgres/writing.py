"""The one statement a batch of the journal becomes: a part for each table, all rows at once, one round trip.

Rows travel as JSON arrays of objects; a `json` column's document travels in them as a string, so that PostgreSQL takes
it as it is, `\\u0000` and all.
"""

from collections.abc import Iterable, Mapping
from functools import cache
from operator import attrgetter
from typing import Any, Final

from psycopg import AsyncConnection

from tradeloom.engine import codec
from tradeloom.engine.journal import NodeRun
from tradeloom.storage.batch import Batch
from tradeloom.storage.postgres import rows

Columns = Mapping[str, rows.Column]
Key = tuple[str, str, int]

_CHANGED: Final = (
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
_CHANGES: Final[Columns] = {name: rows.EXECUTION[name] for name in _CHANGED}
_RUN_CHANGES: Final = (
    "status",
    "started_at",
    "finished_at",
    "duration_ms",
    "due",
    "output",
    "error",
    "started_seq",
    "finished_seq",
)

Parts = tuple[bool, bool, bool, bool, bool]
"""Which parts a statement has: created executions, changed ones, node runs, logs, notifications."""


def _recordset(columns: Columns) -> str:
    declared = ", ".join(f"{name} {column.declared}" for name, column in columns.items())
    return f"json_to_recordset(%s::json) AS r({declared})"


def _insert(table: str, columns: Columns, conflict: str, more: tuple[str, str] = ("", "")) -> str:
    values = ", ".join(f"r.{name}{column.cast}" for name, column in columns.items())
    return (
        f"INSERT INTO {table} ({', '.join(columns)}{more[0]}) SELECT {values}{more[1]} FROM {_recordset(columns)}"  # noqa: S608
        f" ON CONFLICT {conflict}"
    )


_CREATE: Final = _insert("executions", rows.EXECUTION, "DO NOTHING RETURNING id", (", engine", ", %s::bigint"))
_CHANGE: Final = (
    "UPDATE executions e SET status = r.status, started_at = r.started_at, finished_at = r.finished_at,"  # noqa: S608
    " output = r.output::json, error = r.error::json, has_errors = r.has_errors,"
    " stop_reason = coalesce(e.stop_reason, r.stop_reason), last_seq = r.last_seq"
    f" FROM {_recordset(_CHANGES)} WHERE e.id = r.id AND e.status IN ('PENDING', 'RUNNING')"
)
_RUN: Final = _insert(
    "node_runs",
    rows.NODE_RUN,
    "(execution_id, path, attempt) DO UPDATE SET " + ", ".join(f"{name} = excluded.{name}" for name in _RUN_CHANGES),
)
_LOG: Final = _insert("logs", rows.LOG, "DO NOTHING")
_NOTIFY: Final = _insert("notifications", rows.NOTIFICATION, "DO NOTHING")


@cache
def _statement(parts: Parts) -> bytes:
    texts = {"created": _CREATE, "changed": _CHANGE, "runs": _RUN, "said": _LOG, "told": _NOTIFY}
    used = [f"{name} AS ({text})" for (name, text), wanted in zip(texts.items(), parts, strict=True) if wanted]
    answer = "SELECT id FROM created" if parts[0] else "SELECT NULL::text AS id WHERE false"
    return f"WITH {', '.join(used)} {answer}".encode()


class _Form:
    """Writes records of one table as rows travel. What needs no change is taken as it is."""

    def __init__(self, columns: Columns) -> None:
        self._names = tuple(columns)
        self._values = attrgetter(*columns)
        self._changes = [(name, column.write) for name, column in columns.items() if column.write is not rows.as_it_is]

    def __call__(self, record: Any, without: str | None = None) -> dict[str, Any]:
        """The row of a record; null in the column `without`."""
        document = dict(zip(self._names, self._values(record), strict=True))
        if without is not None:
            document[without] = None
        for name, write in self._changes:
            value = document[name]
            if value is not None:
                document[name] = write(value)
        return document


_EXECUTION_FORM: Final = _Form(rows.EXECUTION)
_CHANGES_FORM: Final = _Form(_CHANGES)
_RUN_FORM: Final = _Form(rows.NODE_RUN)
_LOG_FORM: Final = _Form(rows.LOG)


class BatchWriter:
    """Writes batches on one connection. Knows which rows' inputs it already wrote, to send them once."""

    def __init__(self) -> None:
        self._begun: set[Key] = set()

    async def write(self, connection: AsyncConnection[Any], batch: Batch, engine: int) -> set[str]:
        """One transaction; the ids created."""
        parts: Parts = (
            bool(batch.creations),
            bool(batch.executions),
            bool(batch.runs),
            bool(batch.logs),
            bool(batch.notifications),
        )
        if not any(parts):
            return set()
        values: list[Any] = []
        if batch.creations:
            created = (creation.execution for creation in batch.creations.values())
            values += [engine, _documents(_EXECUTION_FORM, created)]
        if batch.executions:
            values.append(_documents(_CHANGES_FORM, batch.executions.values()))
        if batch.runs:
            values.append(self._runs(batch.runs))
        if batch.logs:
            values.append(_documents(_LOG_FORM, batch.logs))
        if batch.notifications:
            values.append(_notifications(batch))
        cursor = await connection.execute(_statement(parts), values, prepare=True)
        ids = {row[0] for row in await cursor.fetchall()} if batch.creations else set()
        self._note(batch.runs)
        return ids

    def _runs(self, runs: Mapping[Key, NodeRun]) -> str:
        return codec.dumps([_RUN_FORM(run, "input" if key in self._begun else None) for key, run in runs.items()])

    def _note(self, runs: Mapping[Key, NodeRun]) -> None:
        for key, run in runs.items():
            if run.status == "RUNNING":
                self._begun.add(key)
            else:
                self._begun.discard(key)


def _documents(form: _Form, records: Iterable[Any]) -> str:
    return codec.dumps([form(record) for record in records])


def _notifications(batch: Batch) -> str:
    made = []
    for stored in batch.notifications.values():
        said = stored.notification.model_dump() | {"tenant": stored.tenant, "created_at": stored.created_at}
        made.append({name: column.write(said[name]) for name, column in rows.NOTIFICATION.items()})
    return codec.dumps(made)
