"""An execution's events read back from its rows, all of one moment and without the payloads."""

# ruff: noqa: S608 (what is put into statements are our own column names)

from typing import Final

from tradeloom.engine.events import Past
from tradeloom.engine.past import past_of
from tradeloom.storage.postgres import rows
from tradeloom.storage.postgres.database import Database, columns

_EXECUTION: Final = columns([name if name not in {"output", "input"} else f"NULL AS {name}" for name in rows.EXECUTION])
_WORDS: Final = r'"state":"[a-z]*","port":"([a-z_]*)"'
_PORT: Final = (
    f"coalesce(substring(left(output::text, 200) from '^\\{{{_WORDS}'),"
    f" substring(right(output::text, 200) from '{_WORDS}\\}}$')) AS output"
)
"""A node's record begins or ends with its state and port, as the codec writes it. Looked at as text: a value between
may hold what PostgreSQL's own JSON functions refuse."""
_RUN: Final = columns([{"input": "NULL AS input", "output": _PORT}.get(name, name) for name in rows.NODE_RUN])
_LOG: Final = columns(list(rows.LOG))
LAST_SEQ: Final = (
    "SELECT greatest((SELECT max(greatest(started_seq, finished_seq)) FROM node_runs WHERE execution_id = %s),"
    " (SELECT max(seq) FROM logs WHERE execution_id = %s), (SELECT last_seq FROM executions WHERE id = %s), 0) AS seq"
)
"""The number of an execution's last event; takes its id three times."""


async def read_past(database: Database, tenant: str, execution_id: str, after: int, limit: int) -> Past | None:
    """None when there is no such execution. Raises `StorageUnavailable`."""
    name = rows.text(execution_id)
    async with database.snapshot() as connection:
        found = await connection.execute(
            f"SELECT {_EXECUTION} FROM executions WHERE tenant = %s AND id = %s", [tenant, name]
        )
        row = await found.fetchone()
        if row is None:
            return None
        runs = await connection.execute(
            f"SELECT {_RUN} FROM node_runs WHERE execution_id = %s AND greatest(started_seq, finished_seq) > %s"
            " LIMIT %s",
            [name, after, limit + 1],
        )
        lines = await connection.execute(
            f"SELECT {_LOG} FROM logs WHERE execution_id = %s AND seq > %s LIMIT %s", [name, after, limit + 1]
        )
        last = await connection.execute(LAST_SEQ, [name] * 3)
        seq = await last.fetchone()
        assert seq is not None
        return past_of(
            rows.execution(row),
            [rows.node_run({**run, "output": _with_port(run["output"])}) for run in await runs.fetchall()],
            [rows.log_line(line) for line in await lines.fetchall()],
            after=after,
            limit=limit,
            last_seq=seq["seq"],
        )


def _with_port(port: str | None) -> dict[str, str] | None:
    return None if port is None else {"port": port}
