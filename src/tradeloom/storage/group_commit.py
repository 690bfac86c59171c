"""One writer for all executions: whatever was queued while the last transaction ran goes into the next.

Records nobody waits for linger a moment to share a transaction; a barrier or a new execution is written at once. Rows
recorded several times before they are written are written once.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Final

from tradeloom.engine.errors import JournalRefused, RecordRefused
from tradeloom.engine.events import Event
from tradeloom.engine.journal import Execution, Record
from tradeloom.errors import StorageUnavailable
from tradeloom.storage.batch import Batch, Creation

log: Final = logging.getLogger(__name__)

LINGER_S: Final = 0.01
"""How long records that nobody waits for wait for others: most light nodes begin and end within it, and are written
once. Subscribers hear of them that much later."""
CROWD_S: Final = 0.002
"""Between two transactions while several executions wait for one: as many as possible share it."""
PATIENCE_S: Final = 5.0
"""How long a barrier waits for a journal that cannot write before it refuses."""
LONGEST_PAUSE_S: Final = 0.25


Commit = Callable[[Batch], Awaitable[set[str]]]
"""Write a batch in one transaction; the ids of executions it created. Must be repeatable: a lost reply commits twice.
Raises `StorageUnavailable` when it is worth trying again, anything else when the batch itself is at fault."""


class GroupCommit:
    def __init__(self, commit: Commit, *, linger_s: float = LINGER_S, patience_s: float = PATIENCE_S) -> None:
        self.on_durable: Callable[[Sequence[Event]], None] = lambda events: None
        self.on_late: Callable[[Execution], None] = lambda execution: None
        self.on_commit: Callable[[float, bool], None] = lambda seconds, failed: None
        self._commit = commit
        self._linger_s = linger_s
        self._patience_s = patience_s
        self._batch = Batch()
        self._wanted = asyncio.Event()
        self._urgent = asyncio.Event()
        self._closing = False
        self._refused: dict[str, str] = {}
        self._served: set[str] = set()
        self._ended_at = 0.0
        self._writer: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._writer = asyncio.create_task(self._write(), name="journal-writer")

    async def close(self) -> None:
        """Write what is queued, then stop. What cannot be written within the patience is lost with the process."""
        self._closing = True
        self._wanted.set()
        self._urgent.set()
        if self._writer is not None:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._patience_s):
                    await self._writer

    @property
    def waiting(self) -> int:
        """Records that no transaction has taken up yet."""
        batch = self._batch
        rows = len(batch.executions) + len(batch.runs) + len(batch.logs) + len(batch.notifications)
        return rows + len(batch.creations)

    def record(self, record: Record, event: Event | None = None) -> None:
        self._batch.add(record)
        if event is not None:
            self._batch.events.append(event)
        self._wanted.set()

    def tell(self, event: Event) -> None:
        """Announce an event that is not kept after what was recorded before it."""
        self._batch.events.append(event)
        self._wanted.set()

    async def create(self, execution: Execution) -> bool:
        known = self._batch.creations.get(execution.id)
        if known is not None and not known.abandoned:
            return False
        creation = Creation(execution, asyncio.get_running_loop().create_future())
        self._batch.creations[execution.id] = creation
        self._want_now()
        try:
            async with asyncio.timeout(self._patience_s):
                return await creation.answer
        except TimeoutError as error:
            creation.abandoned = True
            raise JournalRefused(
                "The journal cannot be written, so the execution was not started.",
                hint="See the database's log; a full disk is the usual cause.",
            ) from error

    async def barrier(self, execution_id: str) -> None:
        if execution_id in self._refused:
            raise RecordRefused(self._refused[execution_id])
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._batch.barriers.append((execution_id, done))
        self._want_now()
        try:
            async with asyncio.timeout(self._patience_s):
                await done
        except TimeoutError as error:
            raise JournalRefused(
                "The journal cannot be written, so nothing that depends on it was done.",
                hint="See the database's log; a full disk is the usual cause.",
            ) from error

    def forget(self, execution_id: str) -> None:
        """Take records of an execution again after some were refused."""
        self._refused.pop(execution_id, None)

    def refuse(self, execution_id: str, reason: str) -> None:
        """Let barriers of an execution fail from now on."""
        self._refused[execution_id] = reason

    def _want_now(self) -> None:
        self._wanted.set()
        self._urgent.set()

    async def _write(self) -> None:
        while True:
            await self._wanted.wait()
            if not self._urgent.is_set():
                with suppress(TimeoutError):
                    async with asyncio.timeout(self._linger_s):
                        await self._urgent.wait()
            elif (pause_s := self._crowded_s()) > 0 and not self._closing:
                await asyncio.sleep(pause_s)
            batch, self._batch = self._batch, Batch()
            self._wanted.clear()
            self._urgent.clear()
            if batch:
                self._served = batch.crowd()
                await self._settle(batch)
                self._ended_at = time.monotonic()
            if self._closing and not self._batch:
                return

    def _crowded_s(self) -> float:
        """How long to let others join: not at all for an execution that waits alone, however often it does, and where
        nothing lingers."""
        if not self._linger_s or self._served <= self._batch.waiting():
            return 0.0
        return self._ended_at + CROWD_S - time.monotonic()

    async def _settle(self, batch: Batch) -> None:
        """Write a batch for good: again while storage is away, execution by execution when it is refused."""
        try:
            created = await self._commit_when_possible(batch)
        except JournalRefused as error:
            self._fail(batch, error)
            return
        except Exception:
            log.exception("a batch of the journal was refused; writing it execution by execution")
            created = await self._commit_apart(batch)
        self._announce(batch, created)

    async def _commit_when_possible(self, batch: Batch) -> set[str]:
        """As the commit; while storage is away it is tried again. Raises `JournalRefused` when closing in vain."""
        pause_s, tries = 0.02, 0
        while True:
            self._drop_abandoned(batch)
            tries += 1
            begun = time.monotonic()
            try:
                created = await self._commit(batch)
            except StorageUnavailable as error:
                self.on_commit(time.monotonic() - begun, True)
                if self._closing:
                    raise JournalRefused(str(error)) from error
                if tries == 1:
                    log.warning("the journal cannot be written, trying until it can: %s", error)
                await asyncio.sleep(pause_s)
                pause_s = min(pause_s * 2, LONGEST_PAUSE_S)
                continue
            self.on_commit(time.monotonic() - begun, False)
            if tries > 1:
                log.warning("the journal is written again, after %d tries", tries)
            return created

    async def _commit_apart(self, batch: Batch) -> set[str]:
        created: set[str] = set()
        for execution_id, part in batch.by_execution():
            try:
                created |= await self._commit_when_possible(part)
            except Exception as error:
                log.exception("the journal refuses records of execution %s", execution_id)
                self._refused[execution_id] = f"The journal refuses records of this execution: {error}"
                for creation in part.creations.values():
                    if not creation.answer.done():
                        creation.answer.set_exception(RecordRefused(self._refused[execution_id]))
        return created

    def _drop_abandoned(self, batch: Batch) -> None:
        for execution_id in [key for key, creation in batch.creations.items() if creation.abandoned]:
            del batch.creations[execution_id]

    def _announce(self, batch: Batch, created: set[str]) -> None:
        for execution_id, creation in batch.creations.items():
            if execution_id in created and (creation.abandoned or creation.answer.cancelled()):
                self._made_late(creation.execution)
            elif not creation.answer.done():
                creation.answer.set_result(execution_id in created)
        if batch.events:
            try:
                self.on_durable(batch.events)
            except Exception:
                log.exception("whoever hears the journal's events failed")
        for execution_id, done in batch.barriers:
            if done.done():
                continue
            if execution_id in self._refused:
                done.set_exception(RecordRefused(self._refused[execution_id]))
            else:
                done.set_result(None)

    def _made_late(self, execution: Execution) -> None:
        """Whoever asked was told that it was not started. With a key the same event asks again, and would be told that
        it was: so it has to run. Without one nobody expects it any more."""
        if execution.dedupe_key is not None:
            self.on_late(execution)
            return
        execution.status = "STOPPED"
        execution.stop_reason = "the journal answered too late for it to start"
        self.record(execution)

    def _fail(self, batch: Batch, error: JournalRefused) -> None:
        for creation in batch.creations.values():
            if not creation.answer.done():
                creation.answer.set_exception(error)
        for _, done in batch.barriers:
            if not done.done():
                done.set_exception(error)
