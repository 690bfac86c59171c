"""Rows to records and back. Text columns cannot hold NUL or lone surrogates, so those become U+FFFD there."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

from psycopg.types.json import set_json_dumps, set_json_loads

from tradeloom.engine import codec
from tradeloom.engine.journal import Execution, LogLine, NodeRun, RetryRecord, StoredNotification
from tradeloom.engine.stores import VersionRecord, WorkflowRecord
from tradeloom.runtime.services import Notification

Row = Mapping[str, Any]


def use_canonical_json(connection: Any) -> None:
    """Let a connection write and read JSON as the engine does."""
    set_json_dumps(codec.dumps, connection)
    set_json_loads(codec.loads, connection)


def text(value: str) -> str:
    """What a `text` column can hold of a string."""
    if value.isascii() and "\0" not in value:
        return value
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


def retry(row: Row) -> RetryRecord:
    return RetryRecord(**{name: row[name] for name in RETRY})


def log_line(row: Row) -> LogLine:
    return LogLine(**{name: row[name] for name in LOG})


def notification(row: Row) -> StoredNotification:
    made = Notification.model_construct(**{name: row[name] for name in _SAID})
    return StoredNotification(tenant=row["tenant"], created_at=row["created_at"], notification=made)


def workflow(row: Row) -> WorkflowRecord:
    return WorkflowRecord(**{**row, "tags": tuple(row["tags"])})


def version(row: Row) -> VersionRecord:
    return VersionRecord(**row)


def as_it_is(value: Any) -> Any:
    return value


class Column(NamedTuple):
    """How a value is written: as which type it travels, what it is cast to then, and what is made of it before."""

    declared: str
    cast: str = ""
    write: Callable[[Any], Any] = as_it_is


def time(value: datetime | None) -> str | None:
    return None if value is None else value.isoformat()


def array(value: Sequence[int]) -> str:
    return "{" + ",".join(map(str, value)) + "}"


_TEXT: Final = Column("text", write=text)
_OPTIONAL: Final = Column("text", write=optional_text)
_JSON: Final = Column("text", "::json", json)
_TIME: Final = Column("timestamptz", write=time)
_BOOL: Final = Column("boolean")
_NUMBER: Final = Column("bigint")
_FLOAT: Final = Column("double precision")
_ITERATION: Final = Column("text", "::integer[]", array)

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
    "start_by": _TIME,
    "status": _TEXT,
    "started_at": _TIME,
    "finished_at": _TIME,
    "output": _JSON,
    "error": _JSON,
    "has_errors": _BOOL,
    "stop_reason": _OPTIONAL,
    "last_seq": _NUMBER,
    "mode": _JSON,
}

RETRY: dict[str, Column] = {
    "execution_id": _TEXT,
    "number": _NUMBER,
    "at": _TIME,
    "by": _TEXT,
    "anew": _JSON,
    "error": _JSON,
}

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
