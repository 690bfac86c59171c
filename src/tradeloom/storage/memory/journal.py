"""The journal in memory."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime

from tradeloom.engine.events import Event, Hint, Past
from tradeloom.engine.journal import (
    ACTIVE,
    BAD_ENDS,
    RETRYABLE,
    Execution,
    ExecutionFilter,
    History,
    KeyedStart,
    LogLine,
    NodeRun,
    Record,
    RetryRecord,
    StoredNotification,
)
from tradeloom.engine.past import past_of
from tradeloom.storage.batch import Batch, hints_of
from tradeloom.storage.group_commit import LINGER_S, PATIENCE_S, GroupCommit
from tradeloom.storage.memory.rows import kept_row


class MemoryDatabase:
    """The rows. Journals opened on the same database share them, as engines share PostgreSQL."""

    def __init__(self) -> None:
        self.executions: dict[str, Execution] = {}
        self.owners: dict[str, object] = {}
        self.engines: set[MemoryJournal] = set()
        self.keys: dict[tuple[str, str], str] = {}
        self.runs: dict[tuple[str, str, int], NodeRun] = {}
        self.logs: dict[tuple[str, int], LogLine] = {}
        self.notifications: dict[str, StoredNotification] = {}
        self.attended: set[str] = set()
        self.retries: dict[tuple[str, int], RetryRecord] = {}


class MemoryJournal:
    def __init__(
        self,
        database: MemoryDatabase | None = None,
        *,
        linger_s: float = LINGER_S,
        patience_s: float = PATIENCE_S,
    ) -> None:
        self.database = database or MemoryDatabase()
        self._linger_s = linger_s
        self._patience_s = patience_s
        self._commits: GroupCommit | None = None
        self._on_durable: Callable[[Sequence[Event]], None] = lambda events: None
        self.on_lost: Callable[[Sequence[str]], None] = lambda execution_ids: None  # memory is never cut off
        self.on_hint: Callable[[Sequence[Hint]], None] = lambda hints: None
        self._on_late: Callable[[Execution], None] = lambda execution: None

    @property
    def on_late(self) -> Callable[[Execution], None]:
        return self._on_late

    @on_late.setter
    def on_late(self, begin: Callable[[Execution], None]) -> None:
        self._on_late = begin
        if self._commits is not None:
            self._commits.on_late = begin

    @property
    def on_durable(self) -> Callable[[Sequence[Event]], None]:
        return self._on_durable

    @on_durable.setter
    def on_durable(self, subscriber: Callable[[Sequence[Event]], None]) -> None:
        self._on_durable = subscriber
        if self._commits is not None:
            self._commits.on_durable = subscriber

    async def open(self) -> None:
        self._commits = GroupCommit(self._commit, linger_s=self._linger_s, patience_s=self._patience_s)
        self._commits.on_durable, self._commits.on_late = self._on_durable, self._on_late
        self._commits.start()
        self.database.engines.add(self)

    async def close(self) -> None:
        await self._writer.close()
        self.database.engines.discard(self)

    def record(self, record: Record, event: Event | None = None) -> None:
        self._writer.record(record, event)

    def tell(self, event: Event) -> None:
        self._writer.tell(event)

    async def create(self, execution: Execution) -> bool:
        return await self._writer.create(execution)

    async def barrier(self, execution_id: str) -> None:
        await self._writer.barrier(execution_id)

    def forget(self, execution_id: str) -> None:
        self._writer.forget(execution_id)

    @property
    def _writer(self) -> GroupCommit:
        if self._commits is None:
            raise RuntimeError("the journal is not open")
        return self._commits

    async def _commit(self, batch: Batch) -> set[str]:
        await asyncio.sleep(0)
        created = {key for key, creation in batch.creations.items() if self._insert(creation.execution)}
        for execution in batch.executions.values():
            known = self.database.executions.get(execution.id)
            if known is not None and known.status in ACTIVE:
                reason = known.stop_reason or execution.stop_reason
                self.database.executions[execution.id] = replace(kept_row(execution), stop_reason=reason)
        for key, run in batch.runs.items():
            self.database.runs[key] = kept_row(run)
        for line in batch.logs:
            self.database.logs.setdefault((line.execution_id, line.seq), kept_row(line))
        for name, stored in batch.notifications.items():
            self.database.notifications.setdefault(name, stored)
        self._hint(hints_of(batch.events))
        return created

    def _hint(self, hints: Sequence[Hint]) -> None:
        for other in self.database.engines - {self}:
            if hints:
                asyncio.get_running_loop().call_soon(other.on_hint, hints)

    def _insert(self, execution: Execution) -> bool:
        key = None if execution.dedupe_key is None else (execution.tenant, execution.dedupe_key)
        if execution.id in self.database.executions or key in self.database.keys:
            return False
        self.database.executions[execution.id] = kept_row(execution)
        self.database.owners[execution.id] = self
        if key is not None:
            self.database.keys[key] = execution.id
        return True

    async def request_stop(self, tenant: str, execution_id: str, reason: str) -> Execution | None:
        known = self.database.executions.get(execution_id)
        if known is None or known.tenant != tenant:
            return None
        if known.status in ACTIVE and known.stop_reason is None:
            known.stop_reason = reason
        self._hint([Hint(tenant=tenant, execution_id=execution_id, stop=True)])
        return kept_row(known)

    async def take_turn(self, execution: Execution, at: datetime) -> bool:
        me = self.database.executions[execution.id]
        others = [
            each
            for each in self.database.executions.values()
            if (each.tenant, each.workflow_id, each.test_mode) == (me.tenant, me.workflow_id, me.test_mode)
            and each is not me
            and each.status in ACTIVE
        ]
        if me.status not in ACTIVE or self.database.owners[me.id] is not self:
            return False
        if any((each.created_at, each.id) < (me.created_at, me.id) for each in others):
            return False
        if any(each.exclusive and each.status == "RUNNING" for each in others):
            return False
        me.status, me.started_at = "RUNNING", me.started_at or at
        return True

    async def claim(self) -> list[Execution]:
        claimed = [
            execution
            for execution in self.database.executions.values()
            if execution.status in ACTIVE and self.database.owners[execution.id] not in self.database.engines
        ]
        for execution in claimed:
            self.database.owners[execution.id] = self
        return [kept_row(execution) for execution in sorted(claimed, key=lambda row: row.created_at)]

    async def reopen(self, tenant: str, retry: RetryRecord) -> Execution | None:
        known = self.database.executions.get(retry.execution_id)
        if known is None or known.tenant != tenant:
            return None
        key = (retry.execution_id, retry.number)
        if key in self.database.retries:
            same = self.database.retries[key] == retry and known.status == "PENDING"
            return kept_row(known) if same else None
        if known.status not in RETRYABLE:
            return None
        self.database.retries[key] = kept_row(retry)
        known.status, known.finished_at, known.error, known.output = "PENDING", None, None, None
        known.has_errors, known.stop_reason, known.start_by = False, None, None
        self.database.owners[known.id] = self
        return kept_row(known)

    async def retries(self, tenant: str, execution_id: str) -> list[RetryRecord]:
        if await self.execution(tenant, execution_id) is None:
            return []
        return self._retries_of(execution_id)

    def _retries_of(self, execution_id: str) -> list[RetryRecord]:
        found = [kept_row(retry) for retry in self.database.retries.values() if retry.execution_id == execution_id]
        return sorted(found, key=lambda retry: retry.number)

    async def history(self, execution_id: str) -> History:
        runs = [kept_row(run) for run in self.database.runs.values() if run.execution_id == execution_id]
        numbers = [run.finished_seq or run.started_seq for run in runs]
        numbers += [seq for owner, seq in self.database.logs if owner == execution_id]
        known = self.database.executions.get(execution_id)
        last_seq = max([*numbers, 0 if known is None else known.last_seq])
        return History(runs, last_seq, self._retries_of(execution_id))

    async def execution(self, tenant: str, execution_id: str) -> Execution | None:
        known = self.database.executions.get(execution_id)
        return None if known is None or known.tenant != tenant else kept_row(known)

    async def execution_by_key(self, tenant: str, dedupe_key: str) -> Execution | None:
        return await self.execution(tenant, self.database.keys.get((tenant, dedupe_key), ""))

    async def executions(self, which: ExecutionFilter) -> tuple[list[Execution], int]:
        found = [
            execution
            for execution in self.database.executions.values()
            if execution.tenant == which.tenant
            and which.workflow_id in (None, execution.workflow_id)
            and which.status in (None, execution.status)
            and (which.since is None or execution.created_at >= which.since)
            and (which.before is None or execution.created_at < which.before)
        ]
        found.sort(key=lambda row: (row.created_at, row.id), reverse=True)
        return [kept_row(row) for row in found[which.offset : which.offset + which.limit]], len(found)

    async def active(self, tenant: str, workflow_id: str) -> list[Execution]:
        found = [
            kept_row(row)
            for row in self.database.executions.values()
            if row.tenant == tenant and row.workflow_id == workflow_id and row.status in ACTIVE
        ]
        return sorted(found, key=lambda row: (row.created_at, row.id))

    async def starts(self, tenant: str, dedupe_keys: Sequence[str]) -> dict[str, KeyedStart]:
        found = {key: self.database.keys.get((tenant, key)) for key in dedupe_keys}
        known = {key: self.database.executions[name] for key, name in found.items() if name is not None}
        return {
            key: KeyedStart(row.id, row.status, row.started_at is not None, row.stop_reason)
            for key, row in known.items()
        }

    async def last_as_of(self, tenant: str, workflow_id: str, until: datetime) -> datetime | None:
        found = [
            row
            for row in self.database.executions.values()
            if (row.tenant, row.workflow_id) == (tenant, workflow_id)
            and not row.test_mode
            and row.started_at is not None
            and row.as_of <= until
        ]
        return max(found, key=lambda row: (row.created_at, row.id)).as_of if found else None

    async def last_runs(self, tenant: str, workflow_ids: Sequence[str]) -> dict[str, Execution]:
        wanted = set(workflow_ids)
        found = [
            row
            for row in self.database.executions.values()
            if row.tenant == tenant and row.workflow_id in wanted and not row.test_mode
        ]
        return {row.workflow_id: kept_row(row) for row in sorted(found, key=lambda row: (row.created_at, row.id))}

    async def unattended(self, tenant: str, *, limit: int = 100) -> list[Execution]:
        found = [
            row
            for row in self.database.executions.values()
            if row.tenant == tenant and row.status in BAD_ENDS and row.id not in self.database.attended
        ]
        found.sort(key=lambda row: (row.finished_at or row.created_at, row.id))
        return [kept_row(row) for row in found[:limit]]

    async def attend(self, tenant: str, execution_id: str) -> None:
        if await self.execution(tenant, execution_id) is not None:
            self.database.attended.add(execution_id)

    async def node_runs(self, tenant: str, execution_id: str) -> list[NodeRun]:
        if await self.execution(tenant, execution_id) is None:
            return []
        runs = [kept_row(run) for run in self.database.runs.values() if run.execution_id == execution_id]
        return sorted(runs, key=lambda run: run.started_seq)

    async def with_runs(self, tenant: str, execution_id: str) -> tuple[Execution, list[NodeRun]] | None:
        row = await self.execution(tenant, execution_id)
        return None if row is None else (row, await self.node_runs(tenant, execution_id))

    async def logs(self, tenant: str, execution_id: str, *, after: int = 0, limit: int = 1000) -> list[LogLine]:
        if await self.execution(tenant, execution_id) is None:
            return []
        lines = [line for (owner, seq), line in self.database.logs.items() if owner == execution_id and seq > after]
        return sorted(lines, key=lambda line: line.seq)[:limit]

    async def past(self, tenant: str, execution_id: str, *, after: int = 0, limit: int = 1000) -> Past | None:
        row = await self.execution(tenant, execution_id)
        if row is None:
            return None
        runs = [kept_row(run) for run in self.database.runs.values() if run.execution_id == execution_id]
        lines = [line for (owner, _), line in self.database.logs.items() if owner == execution_id]
        last_seq = (await self.history(execution_id)).last_seq
        return past_of(row, runs, lines, after=after, limit=limit, last_seq=last_seq)

    async def notifications(self, tenant: str, *, limit: int = 50) -> list[StoredNotification]:
        found = [stored for stored in self.database.notifications.values() if stored.tenant == tenant]
        return sorted(found, key=lambda stored: stored.created_at, reverse=True)[:limit]
