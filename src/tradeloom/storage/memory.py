"""Ports in memory: for unit tests and for runs that need not survive. Each instance is one database."""

import asyncio
import copy
import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from tradeloom.engine.events import Event
from tradeloom.engine.journal import (
    ACTIVE,
    Execution,
    ExecutionFilter,
    History,
    LogLine,
    NodeRun,
    Record,
    StoredNotification,
)
from tradeloom.engine.orders import OPEN, News, OrderFilter, OrderRecord
from tradeloom.engine.stores import VersionRecord, WorkflowRecord
from tradeloom.errors import Conflict, InvalidInput, NotFound
from tradeloom.nodes.variables import MAX_VARIABLES, Variable
from tradeloom.storage.group_commit import LINGER_S, Batch, GroupCommit


class MemoryDatabase:
    """The rows. Journals opened on the same database share them, as engines share PostgreSQL."""

    def __init__(self) -> None:
        self.executions: dict[str, Execution] = {}
        self.owners: dict[str, object] = {}
        self.engines: set[object] = set()
        self.keys: dict[tuple[str, str], str] = {}
        self.runs: dict[tuple[str, str, int], NodeRun] = {}
        self.logs: dict[tuple[str, int], LogLine] = {}
        self.notifications: dict[str, StoredNotification] = {}


class MemoryJournal:
    def __init__(self, database: MemoryDatabase | None = None, *, linger_s: float = LINGER_S) -> None:
        self.database = database or MemoryDatabase()
        self._linger_s = linger_s
        self._commits: GroupCommit | None = None
        self._on_durable: Callable[[Sequence[Event]], None] = lambda events: None
        self.on_lost: Callable[[Sequence[str]], None] = lambda execution_ids: None  # memory is never cut off

    @property
    def on_durable(self) -> Callable[[Sequence[Event]], None]:
        return self._on_durable

    @on_durable.setter
    def on_durable(self, subscriber: Callable[[Sequence[Event]], None]) -> None:
        self._on_durable = subscriber
        if self._commits is not None:
            self._commits.on_durable = subscriber

    async def open(self) -> None:
        self._commits = GroupCommit(self._commit, linger_s=self._linger_s)
        self._commits.on_durable = self._on_durable
        self._commits.start()
        self.database.engines.add(self)

    async def close(self) -> None:
        await self._writer.close()
        self.database.engines.discard(self)

    def record(self, record: Record, event: Event | None = None) -> None:
        self._writer.record(record, event)

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
                self.database.executions[execution.id] = replace(_kept(execution), stop_reason=reason)
        for key, run in batch.runs.items():
            self.database.runs[key] = _kept(run)
        for line in batch.logs:
            self.database.logs.setdefault((line.execution_id, line.seq), _kept(line))
        for name, stored in batch.notifications.items():
            self.database.notifications.setdefault(name, stored)
        return created

    def _insert(self, execution: Execution) -> bool:
        key = None if execution.dedupe_key is None else (execution.tenant, execution.dedupe_key)
        if execution.id in self.database.executions or key in self.database.keys:
            return False
        self.database.executions[execution.id] = _kept(execution)
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
        return _kept(known)

    async def claim(self) -> list[Execution]:
        claimed = [
            execution
            for execution in self.database.executions.values()
            if execution.status in ACTIVE and self.database.owners[execution.id] not in self.database.engines
        ]
        for execution in claimed:
            self.database.owners[execution.id] = self
        return [_kept(execution) for execution in sorted(claimed, key=lambda row: row.created_at)]

    async def history(self, execution_id: str) -> History:
        runs = [_kept(run) for run in self.database.runs.values() if run.execution_id == execution_id]
        numbers = [run.finished_seq or run.started_seq for run in runs]
        numbers += [seq for owner, seq in self.database.logs if owner == execution_id]
        known = self.database.executions.get(execution_id)
        return History(runs, max([*numbers, 0 if known is None else known.last_seq]))

    async def execution(self, tenant: str, execution_id: str) -> Execution | None:
        known = self.database.executions.get(execution_id)
        return None if known is None or known.tenant != tenant else _kept(known)

    async def execution_by_key(self, tenant: str, dedupe_key: str) -> Execution | None:
        return await self.execution(tenant, self.database.keys.get((tenant, dedupe_key), ""))

    async def executions(self, which: ExecutionFilter) -> tuple[list[Execution], int]:
        found = [
            execution
            for execution in self.database.executions.values()
            if execution.tenant == which.tenant
            and which.workflow_id in (None, execution.workflow_id)
            and which.status in (None, execution.status)
        ]
        found.sort(key=lambda row: (row.created_at, row.id), reverse=True)
        return [_kept(row) for row in found[which.offset : which.offset + which.limit]], len(found)

    async def active(self, tenant: str, workflow_id: str) -> list[Execution]:
        found = [
            _kept(row)
            for row in self.database.executions.values()
            if row.tenant == tenant and row.workflow_id == workflow_id and row.status in ACTIVE
        ]
        return sorted(found, key=lambda row: (row.created_at, row.id))

    async def node_runs(self, tenant: str, execution_id: str) -> list[NodeRun]:
        if await self.execution(tenant, execution_id) is None:
            return []
        runs = [_kept(run) for run in self.database.runs.values() if run.execution_id == execution_id]
        return sorted(runs, key=lambda run: run.started_seq)

    async def logs(self, tenant: str, execution_id: str, *, after: int = 0, limit: int = 1000) -> list[LogLine]:
        if await self.execution(tenant, execution_id) is None:
            return []
        lines = [line for (owner, seq), line in self.database.logs.items() if owner == execution_id and seq > after]
        return sorted(lines, key=lambda line: line.seq)[:limit]

    async def notifications(self, tenant: str, *, limit: int = 50) -> list[StoredNotification]:
        found = [stored for stored in self.database.notifications.values() if stored.tenant == tenant]
        return sorted(found, key=lambda stored: stored.created_at, reverse=True)[:limit]


def _kept[T](row: T) -> T:
    """A copy that later changes of the row do not reach."""
    return copy.deepcopy(row)


class MemoryStores:
    """Workflows, versions and schedules' last fires."""

    def __init__(self, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._now = now
        self._workflows: dict[tuple[str, str], WorkflowRecord] = {}
        self._versions: dict[tuple[str, str], dict[str, VersionRecord]] = {}
        self._fires: dict[tuple[str, str, str], datetime] = {}

    async def save(
        self, version: VersionRecord, *, name: str, description: str, expected: str | None = None
    ) -> WorkflowRecord:
        key = (version.tenant, version.workflow_id)
        known = self._workflows.get(key)
        if expected is not None and (known is None or known.version != expected):
            raise Conflict("The workflow was saved by someone else meanwhile.", hint="Load it again.")
        versions = self._versions.setdefault(key, {})
        versions.setdefault(version.version, replace(version, number=len(versions) + 1))
        now = self._now()
        self._workflows[key] = WorkflowRecord(
            tenant=version.tenant,
            id=version.workflow_id,
            name=name,
            description=description,
            version=version.version,
            active_version=None if known is None else known.active_version,
            created_at=now if known is None else known.created_at,
            updated_at=now,
        )
        return self._workflows[key]

    async def workflow(self, tenant: str, workflow_id: str) -> WorkflowRecord:
        known = self._workflows.get((tenant, workflow_id))
        if known is None:
            raise NotFound(f"There is no workflow {workflow_id!r}.")
        return known

    async def workflows(
        self, tenant: str, *, active: bool | None = None, limit: int = 100, offset: int = 0
    ) -> tuple[list[WorkflowRecord], int]:
        found = [row for row in self._workflows.values() if row.tenant == tenant and active in (None, row.active)]
        found.sort(key=lambda row: (row.updated_at, row.id), reverse=True)
        return found[offset : offset + limit], len(found)

    async def version(self, tenant: str, workflow_id: str, version: str) -> VersionRecord:
        known = self._versions.get((tenant, workflow_id), {}).get(version)
        if known is None:
            raise NotFound(f"The workflow {workflow_id!r} has no version {version!r}.")
        return known

    async def versions(self, tenant: str, workflow_id: str) -> list[VersionRecord]:
        known = self._versions.get((tenant, workflow_id), {})
        return sorted(known.values(), key=lambda row: row.number, reverse=True)

    async def set_active(self, tenant: str, workflow_id: str, version: str | None) -> WorkflowRecord:
        known = await self.workflow(tenant, workflow_id)
        if version is not None:
            await self.version(tenant, workflow_id, version)
        changed = replace(known, active_version=version, updated_at=self._now())
        self._workflows[tenant, workflow_id] = changed
        return changed

    async def delete(self, tenant: str, workflow_id: str) -> None:
        await self.workflow(tenant, workflow_id)
        del self._workflows[tenant, workflow_id]
        self._versions.pop((tenant, workflow_id), None)
        for key in [key for key in self._fires if key[:2] == (tenant, workflow_id)]:
            del self._fires[key]

    async def last_fire(self, tenant: str, workflow_id: str, node: str) -> datetime | None:
        return self._fires.get((tenant, workflow_id, node))

    async def set_last_fire(self, tenant: str, workflow_id: str, node: str, at: datetime) -> None:
        known = self._fires.get((tenant, workflow_id, node))
        self._fires[tenant, workflow_id, node] = at if known is None else max(known, at)


class MemoryVariables:
    def __init__(self) -> None:
        self._rows: dict[tuple[str, str, str], Variable] = {}
        self._effects: dict[tuple[str, str], Variable] = {}

    async def read(self, tenant: str, scope: str, key: str) -> Variable:
        return copy.deepcopy(self._rows.get((tenant, scope, key), Variable(None, 0)))

    async def write(
        self,
        tenant: str,
        scope: str,
        key: str,
        value: Any,
        *,
        expected: int | None = None,
        effect: str | None = None,
        expires_at: datetime | None = None,
    ) -> Variable:
        if effect is not None and (tenant, effect) in self._effects:
            return replace(copy.deepcopy(self._effects[tenant, effect]), repeated=True)
        known = self._rows.get((tenant, scope, key), Variable(None, 0))
        if expected is not None and expected != known.revision:
            raise Conflict(f"The variable {key!r} was changed meanwhile.", hint="Read it again.")
        kept = sum(1 for (whose, _, _), each in self._rows.items() if whose == tenant and each.value is not None)
        if value is not None and known.value is None and kept >= MAX_VARIABLES:
            raise InvalidInput(f"{MAX_VARIABLES:,} variables are kept already, which is the most.")
        self._rows[tenant, scope, key] = Variable(copy.deepcopy(value), known.revision + 1)
        written = replace(self._rows[tenant, scope, key], previous=known.value)
        if effect is not None:
            self._effects[tenant, effect] = written
        return copy.deepcopy(written)

    async def keys(self, tenant: str, scope: str, prefix: str = "") -> list[str]:
        return sorted(
            key
            for (whose, where, key), known in self._rows.items()
            if (whose, where) == (tenant, scope) and key.startswith(prefix) and known.value is not None
        )


class MemoryOrders:
    def __init__(self) -> None:
        self._rows: dict[tuple[str, str], OrderRecord] = {}

    async def intend(self, record: OrderRecord) -> None:
        key = record.tenant, record.client_order_id
        known = self._rows.get(key)
        if known is None:
            self._rows[key] = _kept(record)
            return
        if (known.execution_id, known.node) != (record.execution_id, record.node):
            raise Conflict("this client order id was already used for a different order", field="client_order_id")
        if known.state in ("intended", "withdrawn", "unknown"):
            changes = {name: getattr(record, name) for name in ("intent", "check_at", "updated_at", "state")}
            self._rows[key] = _kept(replace(known, **changes))

    async def tell(self, tenant: str, client_order_id: str, news: News) -> OrderRecord | None:
        known = self._rows.get((tenant, client_order_id))
        if known is None or known.state not in OPEN:
            return None
        if news.state == "withdrawn" and known.state not in ("intended", "withdrawn"):
            return None
        told = replace(
            known,
            state=news.state,
            message=news.message,
            outcome=known.outcome if news.outcome is None else news.outcome,
            updated_at=news.at,
            checks=news.checks,
            check_at=news.check_at,
        )
        self._rows[tenant, client_order_id] = _kept(told)
        return _kept(told)

    async def order(self, tenant: str, client_order_id: str) -> OrderRecord | None:
        return _kept(self._rows.get((tenant, client_order_id)))

    async def orders(self, which: OrderFilter) -> tuple[list[OrderRecord], int]:
        found = [
            row
            for row in self._rows.values()
            if row.tenant == which.tenant
            and (not which.states or row.state in which.states)
            and which.account in (None, row.account)
            and which.workflow_id in (None, row.workflow_id)
            and which.execution_id in (None, row.execution_id)
        ]
        found.sort(key=lambda row: (row.created_at, row.client_order_id), reverse=True)
        return [_kept(row) for row in found[which.offset : which.offset + which.limit]], len(found)

    async def due(self, now: datetime, limit: int = 100) -> list[OrderRecord]:
        dated = [(row.check_at, row) for row in self._rows.values() if row.check_at is not None and row.check_at <= now]
        return [_kept(row) for _, row in sorted(dated, key=lambda each: (each[0], each[1].client_order_id))[:limit]]

    async def of_magic(self, tenant: str, account: str, magics: list[int]) -> list[OrderRecord]:
        return [
            _kept(row)
            for row in self._rows.values()
            if (row.tenant, row.account) == (tenant, account) and row.magic in magics
        ]


class MemoryBlobs:
    def __init__(self) -> None:
        self._blobs: dict[str, bytes] = {}
        self._artefacts: dict[str, str] = {}

    def put(self, content: bytes) -> str:
        name = hashlib.sha256(content).hexdigest()
        self._blobs[name] = content
        return name

    def get(self, sha256: str) -> bytes:
        if sha256 not in self._blobs:
            raise NotFound(f"There is no blob {sha256}.")
        return self._blobs[sha256]

    def put_artefact(self, version: str, artefact: dict[str, object]) -> str:
        name = self.put(json.dumps(artefact).encode())
        return self._artefacts.setdefault(version, name)

    def artefact(self, version: str) -> dict[str, object]:
        if version not in self._artefacts:
            raise NotFound(f"There is no artefact of version {version!r}.")
        value = json.loads(self.get(self._artefacts[version]))
        assert isinstance(value, dict)
        return value
