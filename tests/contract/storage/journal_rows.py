"""Rows of a journal, for the suites that every journal must pass."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from tests.contract.storage.conftest import OpenJournal
from tradeloom.engine.events import Event
from tradeloom.engine.journal import Execution, LogLine, NodeRun, StoredNotification
from tradeloom.runtime.services import Notification

NOW = datetime(2026, 11, 22, 9, 30, 0, 123_000, tzinfo=UTC)


ODD = {"nul": "a\0b", "surrogate": "\ud800", "emoji": "🧵", "big": 2**60, "deep": [[{"x": None}]], "f": 0.1}


def execution(name: str = "e1", **changes: Any) -> Execution:
    made = Execution(
        id=name,
        tenant="local",
        workflow_id="w1",
        version="v1",
        definition="d" * 64,
        trigger="start",
        account="paper",
        run={"execution_id": name},
        input={"payload": ODD},
        as_of=NOW,
        created_at=NOW,
    )
    return replace(made, **changes)


def node_run(path: str = "RSI-rsi", attempt: int = 0, **changes: Any) -> NodeRun:
    made = NodeRun(
        execution_id="e1",
        path=path,
        attempt=attempt,
        kind="task",
        node="rsi",
        state="RSI-rsi",
        function="tradeloom-indicator-rsi",
        started_at=NOW,
        started_seq=2,
        iteration=[3, 1],
        input={"node": "rsi", **ODD},
    )
    return replace(made, **changes)


def event(seq: int) -> Event:
    return Event(
        type="node.log", tenant="local", execution_id="e1", workflow_id="w1", seq=seq, time=NOW, data={"n": seq}
    )


def line(seq: int, message: str = "hello") -> LogLine:
    return LogLine(
        execution_id="e1", seq=seq, time=NOW, level="info", message=message, node="rsi", iteration=[], fields=ODD
    )


def said(name: str, message: str = "Filled", tenant: str = "local") -> StoredNotification:
    notification = Notification(
        id=name, execution_id="e1", workflow_id="w1", node_id="n", level="success", title="Order", message=message
    )
    return StoredNotification(tenant=tenant, created_at=NOW, notification=notification)


def run(open_journal: OpenJournal, body: Any) -> None:
    async def within() -> None:
        async with open_journal() as journal:
            await body(journal)

    asyncio.run(within())
