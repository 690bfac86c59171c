"""Whose turn it is among executions that are never side by side, decided by the database: engines that look at the same
moment do not see each other."""

from datetime import datetime
from typing import Final

from tradeloom.engine.journal import Execution
from tradeloom.storage.postgres.database import Database

_LOCK: Final = 7_233_409
_BEGIN: Final = (
    "UPDATE executions e SET status = 'RUNNING', started_at = coalesce(e.started_at, %s)"
    " WHERE e.id = %s AND e.engine = %s AND e.status IN ('PENDING', 'RUNNING') AND NOT EXISTS ("
    "  SELECT FROM executions o WHERE o.tenant = e.tenant AND o.workflow_id = e.workflow_id"
    "  AND o.test_mode = e.test_mode AND o.id <> e.id AND o.status IN ('PENDING', 'RUNNING')"
    "  AND ((o.created_at, o.id) < (e.created_at, e.id) OR (o.exclusive AND o.status = 'RUNNING')))"
)


async def take_turn(database: Database, execution: Execution, at: datetime, engine: int) -> bool:
    """As `Journal.take_turn`. Raises `StorageUnavailable`."""
    async with database.connection() as connection, connection.transaction():
        await connection.execute(
            "SELECT pg_advisory_xact_lock(%s::integer, hashtext(%s))",
            [_LOCK, f"{execution.tenant}/{execution.workflow_id}"],
        )
        # A statement of its own: it sees what whoever had the lock before did.
        cursor = await connection.execute(_BEGIN, [at, execution.id, engine])
        return cursor.rowcount == 1
