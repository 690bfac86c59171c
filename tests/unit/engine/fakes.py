"""An engine in one process: journal in memory, handlers as functions, clocks that stand."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

from tests.support.async_workers import AsyncWorkers
from tests.unit.engine.machines import Raised
from tradeloom.engine.clock import Clock
from tradeloom.engine.engine import Engine
from tradeloom.engine.events import Event
from tradeloom.engine.interpreter.failures import StatesError, lambda_failure
from tradeloom.engine.journal import Journal
from tradeloom.engine.workers.invocation import Invocation
from tradeloom.runtime.envelope import RunInfo
from tradeloom.storage.memory.blobs import MemoryBlobs
from tradeloom.storage.memory.journal import MemoryDatabase, MemoryJournal

AS_OF = datetime(2026, 1, 5, 9, tzinfo=UTC)


def run_info(name: str = "e1", **more: Any) -> RunInfo:
    known: dict[str, Any] = {
        "execution_id": name,
        "workflow_id": "w1",
        "version": "v1",
        "trigger": "start",
        "as_of": AS_OF,
        "started_at": AS_OF,
        "account": "paper",
    }
    return RunInfo.model_validate(known | more)


class FunctionWorkers(AsyncWorkers):
    """Calls Python functions (of payload and invocation, perhaps async) instead of handlers in processes."""

    def __init__(self, functions: Mapping[str, Callable[[Any, Invocation], Any]]) -> None:
        self.functions = dict(functions)
        self.calls: list[tuple[str, Any]] = []

    async def answer(self, invocation: Invocation) -> Any:
        invocation.on_begin()
        self.calls.append((invocation.function, invocation.payload))
        try:
            async with asyncio.timeout(invocation.timeout_s):
                answer = self.functions[invocation.function](invocation.payload, invocation)
                return await answer if asyncio.iscoroutine(answer) else answer
        except TimeoutError as error:
            raise StatesError("States.Timeout", "too long") from error
        except Raised as error:
            raise lambda_failure(error.name, str(error)) from error


class Machinery:
    """What outlives an engine that dies: rows, blobs, clock, and the events anybody heard."""

    def __init__(self, clock: Clock | None = None, **functions: Callable[[Any, Invocation], Any]) -> None:
        self.rows = MemoryDatabase()
        self.blobs = MemoryBlobs()
        self.workers = FunctionWorkers(functions)
        self.clock = clock
        self.events: list[Event] = []
        self.effects: set[str] = set()

    @asynccontextmanager
    async def engine(self, journal: Journal | None = None, **more: Any) -> AsyncIterator[Engine]:
        """An engine that is shut down in the end as a good process is."""
        used = journal or MemoryJournal(self.rows)
        await used.open()
        engine = Engine(
            journal=used,
            workers=self.workers,
            blobs=self.blobs,
            is_effect=lambda function: function in self.effects,
            clock_for=None if self.clock is None else lambda run: self.clock,  # type: ignore[arg-type, return-value]
            on_event=self.events.append,
            **more,
        )
        try:
            yield engine
        finally:
            await engine.close()
            await used.close()

    def heard(self, *types: str) -> list[tuple[str, Any]]:
        """(type, node or status) of the events heard."""
        return [
            (event.type, event.data.get("node", event.data.get("status")))
            for event in self.events
            if not types or event.type in types
        ]
