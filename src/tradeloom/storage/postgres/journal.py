"""The journal in PostgreSQL. What it promises stands in `tradeloom.engine.journal`."""

# ruff: noqa: S608 (what is put into statements are our own column names)

from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any, Final

import psycopg
from psycopg import AsyncConnection

from tradeloom.engine.events import Event, Hint
from tradeloom.engine.journal import ACTIVE, RETRYABLE, Execution, Record, RetryRecord
from tradeloom.storage.batch import Batch, hints_of
from tradeloom.storage.group_commit import LINGER_S, PATIENCE_S, GroupCommit
from tradeloom.storage.postgres import rows, turns
from tradeloom.storage.postgres.database import CONNECT_TIMEOUT_S, Database, columns, told, unavailable
from tradeloom.storage.postgres.hints import Hints
from tradeloom.storage.postgres.recorded import BY_ID, EXECUTION, RETRY, RecordedExecutions
from tradeloom.storage.postgres.writing import BatchWriter

_ENGINES: Final = 7_233_402
"""Class of the advisory locks engines hold while they live; the object is the engine's number."""


class PostgresJournal(RecordedExecutions):
    """One engine's connection: it writes batches, and its session holds the lock that says this engine lives."""

    def __init__(self, database: Database, *, linger_s: float = LINGER_S, patience_s: float = PATIENCE_S) -> None:
        super().__init__(database)
        self._commits = GroupCommit(self._commit, linger_s=linger_s, patience_s=patience_s)
        self._writer = BatchWriter()
        self._hints = Hints(database, _ENGINES)
        self._connection: AsyncConnection[Any] | None = None
        self._engine = 0
        self._owned: set[str] = set()
        self.on_lost: Callable[[Sequence[str]], None] = lambda execution_ids: None

    @property
    def on_durable(self) -> Callable[[Sequence[Event]], None]:
        return self._commits.on_durable

    @on_durable.setter
    def on_durable(self, subscriber: Callable[[Sequence[Event]], None]) -> None:
        self._commits.on_durable = subscriber

    @property
    def on_late(self) -> Callable[[Execution], None]:
        return self._commits.on_late

    @on_late.setter
    def on_late(self, begin: Callable[[Execution], None]) -> None:
        self._commits.on_late = begin

    @property
    def on_hint(self) -> Callable[[Sequence[Hint]], None]:
        return self._hints.on_hint

    @on_hint.setter
    def on_hint(self, subscriber: Callable[[Sequence[Hint]], None]) -> None:
        self._hints.on_hint = subscriber

    @property
    def on_commit(self) -> Callable[[float, bool], None]:
        """Told of each transaction: its seconds, and whether it failed and is tried again."""
        return self._commits.on_commit

    @on_commit.setter
    def on_commit(self, observer: Callable[[float, bool], None]) -> None:
        self._commits.on_commit = observer

    @property
    def waiting(self) -> int:
        return self._commits.waiting

    async def open(self) -> None:
        """Raises `StorageUnavailable`."""
        row = await self._database.one("SELECT nextval('engine_ids') AS engine")
        assert row is not None
        self._engine = row["engine"]
        async with told():
            self._connection = await self._connect()
        await self._hints.open(self._engine)
        self._commits.start()

    async def close(self) -> None:
        await self._commits.close()
        await self._hints.close()
        if self._connection is not None:
            with suppress(psycopg.Error):  # the session's end lets go of the lock too, only later
                await self._connection.execute(
                    "SELECT pg_advisory_unlock(%s::integer, %s::integer)", [_ENGINES, self._engine]
                )
            await self._connection.close()

    async def _connect(self) -> AsyncConnection[Any]:
        connection = await AsyncConnection.connect(
            self._database.dsn, autocommit=True, connect_timeout=CONNECT_TIMEOUT_S
        )
        await connection.execute("SELECT pg_advisory_lock(%s::integer, %s::integer)", [_ENGINES, self._engine])
        return connection

    async def _commit(self, batch: Batch) -> set[str]:
        try:
            if self._connection is None or self._connection.closed:
                self._connection = await self._connect()
                await self._let_go_of_lost(self._connection, batch)
            created = await self._writer.write(self._connection, batch, self._engine)
            self._owned |= created
            self._owned -= {row.id for row in batch.executions.values() if row.status not in ACTIVE}
            if not self._hints.alone:
                self._hints.tell(hints_of(batch.events))
            return created
        except (psycopg.OperationalError, psycopg.InterfaceError) as error:
            raise unavailable(error) from error

    async def _let_go_of_lost(self, connection: AsyncConnection[Any], batch: Batch) -> None:
        """While the session was gone another engine may have taken executions over: they are its own now."""
        cursor = await connection.execute(
            "SELECT id FROM executions WHERE id = ANY(%s) AND engine <> %s", [list(self._owned), self._engine]
        )
        lost = [row[0] for row in await cursor.fetchall()]
        for execution_id in lost:
            batch.drop(execution_id)
            self._commits.refuse(execution_id, "Another engine has taken this execution over.")
        self._owned -= set(lost)
        if lost:
            self.on_lost(lost)

    # -- writing ------------------------------------------------------------------------------------------------

    def record(self, record: Record, event: Event | None = None) -> None:
        self._commits.record(record, event)

    def tell(self, event: Event) -> None:
        self._commits.tell(event)

    async def create(self, execution: Execution) -> bool:
        return await self._commits.create(execution)

    async def barrier(self, execution_id: str) -> None:
        await self._commits.barrier(execution_id)

    def forget(self, execution_id: str) -> None:
        self._commits.forget(execution_id)

    async def request_stop(self, tenant: str, execution_id: str, reason: str) -> Execution | None:
        await self._database.run(
            "UPDATE executions SET stop_reason = coalesce(stop_reason, %s)"
            " WHERE id = %s AND tenant = %s AND status IN ('PENDING', 'RUNNING')",
            [rows.text(reason), execution_id, tenant],
        )
        self._hints.tell([Hint(tenant=tenant, execution_id=execution_id, stop=True)])
        return await self.execution(tenant, execution_id)

    async def attend(self, tenant: str, execution_id: str) -> None:
        await self._database.run(
            "UPDATE executions SET attended = true WHERE tenant = %s AND id = %s", [tenant, execution_id]
        )

    async def take_turn(self, execution: Execution, at: datetime) -> bool:
        return await turns.take_turn(self._database, execution, at, self._engine)

    async def claim(self) -> list[Execution]:
        await self._hints.look()
        async with self._database.connection() as connection, connection.transaction():
            # One at a time: an UPDATE that waited for another's rows would not look at pg_locks again.
            await connection.execute("SELECT pg_advisory_xact_lock(%s)", [_ENGINES])
            cursor = await connection.execute(
                "UPDATE executions SET engine = %s WHERE status IN ('PENDING', 'RUNNING') AND engine <> %s"
                " AND NOT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND granted"
                "  AND classid = %s::oid AND objid = engine::oid"
                "  AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))"
                f" RETURNING {EXECUTION}",
                [self._engine, self._engine, _ENGINES],
            )
            found = await cursor.fetchall()
        self._owned |= {row["id"] for row in found}
        return sorted(map(rows.execution, found), key=lambda execution: (execution.created_at, execution.id))

    async def reopen(self, tenant: str, retry: RetryRecord) -> Execution | None:
        async with self._database.connection() as connection, connection.transaction():
            cursor = await connection.execute(f"{BY_ID} FOR UPDATE", [tenant, rows.text(retry.execution_id)])
            row = await cursor.fetchone()
            if row is None:
                return None
            cursor = await connection.execute(
                f"SELECT {RETRY} FROM execution_retries r WHERE execution_id = %s AND number = %s",
                [retry.execution_id, retry.number],
            )
            made = await cursor.fetchone()
            if made is not None:
                same = rows.retry(made) == retry and row["status"] == "PENDING"
                return rows.execution(row) if same else None
            if row["status"] not in RETRYABLE:
                return None
            values = ", ".join(f"%s{column.cast}" for column in rows.RETRY.values())
            await connection.execute(
                f"INSERT INTO execution_retries ({columns(list(rows.RETRY))}) VALUES ({values})",
                [column.write(getattr(retry, name)) for name, column in rows.RETRY.items()],
            )
            cursor = await connection.execute(
                "UPDATE executions SET status = 'PENDING', finished_at = NULL, output = NULL, error = NULL,"
                " has_errors = false, stop_reason = NULL, start_by = NULL, engine = %s WHERE id = %s"
                f" RETURNING {EXECUTION}",
                [self._engine, retry.execution_id],
            )
            reopened = await cursor.fetchone()
        assert reopened is not None
        self._owned.add(retry.execution_id)
        return rows.execution(reopened)
