"""Rows to records and back. Text columns cannot hold NUL or lone surrogates, so those become U+FFFD there."""

from collections.abc import Callable, Mapping
from typing import Any

from psycopg.types.json import set_json_dumps, set_json_loads

from tradeloom.engine import codec
from tradeloom.engine.journal import Execution, LogLine, NodeRun, StoredNotification
from tradeloom.engine.stores import VersionRecord, WorkflowRecord
from tradeloom.runtime.services import Notification

Row = Mapping[str, Any]


def use_canonical_json(connection: Any) -> None:
    """Let a connection write and read JSON as the engine does."""
    set_json_dumps(codec.dumps, connection)
    set_json_loads(codec.loads, connection)


def text(value: str) -> str:
    """What a `text` column can hold of a string."""
    return value.replace("\0", "\ufffd").encode("utf-8", "replace").decode("utf-8")


def optional_text(value: str | None) -> str | None:
    return None if value is None else text(value)


def json(value: Any) -> str | None:
    """A `json` column's text; SQL NULL for null."""
    return None if value is None else codec.dumps(value)


def execution(row: Row) -> Execution:
    return Execution(**{name: row[name] for name in EXECUTION})


def node_run(row: Row) -> NodeRun:
    return NodeRun(**{name: row[name] for name in NODE_RUN})


def log_line(row: Row) -> LogLine:
    return LogLine(**{name: row[name] for name in LOG})


def notification(row: Row) -> StoredNotification:
    made = Notification.model_construct(**{name: row[name] for name in _SAID})
    return StoredNotification(tenant=row["tenant"], created_at=row["created_at"], notification=made)


def workflow(row: Row) -> WorkflowRecord:
    return WorkflowRecord(**row)


def version(row: Row) -> VersionRecord:
    return VersionRecord(**row)


# Column name → (PostgreSQL type, how its value is written).
Column = tuple[str, Callable[[Any], Any]]


def _same(value: Any) -> Any:
    return value


_TEXT: Column = ("text", text)
_OPTIONAL: Column = ("text", optional_text)
_JSON: Column = ("json", json)
_TIME: Column = ("timestamptz", _same)
_BOOL: Column = ("boolean", _same)
_NUMBER: Column = ("bigint", _same)
_FLOAT: Column = ("double precision", _same)

EXECUTION: dict[str, Column] = {
    "id": _TEXT,
    "tenant": _TEXT,
    "workflow_id": _TEXT,
    "version": _TEXT,
    "definition": _TEXT,
    "trigger": _TEXT,
    "account": _TEXT,
    "run": _JSON,
    "input": _JSON,
    "as_of": _TIME,
    "created_at": _TIME,
    "dedupe_key": _OPTIONAL,
    "test_mode": _BOOL,
    "manual": _BOOL,
    "exclusive": _BOOL,
    "status": _TEXT,
    "started_at": _TIME,
    "finished_at": _TIME,
    "output": _JSON,
    "error": _JSON,
    "has_errors": _BOOL,
    "stop_reason": _OPTIONAL,
    "last_seq": _NUMBER,
}

# PostgreSQL has no array of arrays of different lengths, so an iteration travels as its text form.
_ITERATION: Column = ("text", lambda value: "{" + ",".join(map(str, value)) + "}")

NODE_RUN: dict[str, Column] = {
    "execution_id": _TEXT,
    "path": _TEXT,
    "attempt": _NUMBER,
    "kind": _TEXT,
    "node": _TEXT,
    "state": _TEXT,
    "iteration": _ITERATION,
    "function": _OPTIONAL,
    "status": _TEXT,
    "started_at": _TIME,
    "finished_at": _TIME,
    "duration_ms": _FLOAT,
    "due": _TIME,
    "input": _JSON,
    "output": _JSON,
    "error": _JSON,
    "started_seq": _NUMBER,
    "finished_seq": _NUMBER,
}

LOG: dict[str, Column] = {
    "execution_id": _TEXT,
    "seq": _NUMBER,
    "time": _TIME,
    "level": _TEXT,
    "message": _TEXT,
    "node": _OPTIONAL,
    "iteration": _ITERATION,
    "fields": _JSON,
}

_SAID = ("id", "execution_id", "workflow_id", "node_id", "level", "title", "message")
NOTIFICATION: dict[str, Column] = dict.fromkeys(("tenant", *_SAID), _TEXT) | {"created_at": _TIME}
