"""Word between engines on one database, by LISTEN and NOTIFY: who is there, and what they recorded.

Nothing is sent while an engine is alone. Whether it is, it learns when it opens, from the others' greetings, and again
whenever it looks for executions to take over.
"""

import asyncio
import json
import logging
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from typing import Any, Final

import psycopg
from psycopg import AsyncConnection

from tradeloom.engine.events import Hint
from tradeloom.errors import StorageUnavailable
from tradeloom.storage.postgres.database import CONNECT_TIMEOUT_S, Database

log: Final = logging.getLogger(__name__)

CHANNEL: Final = "tradeloom_engines"
MOST_BYTES: Final = 7_500
"""PostgreSQL takes notifications of less than 8,000 bytes."""
AGAIN_S: Final = (0.1, 0.5, 2.0, 10.0)

_COUNT: Final = (
    "SELECT count(*) AS n FROM pg_locks WHERE locktype = 'advisory' AND granted AND classid = %s::oid"
    " AND objid <> %s::oid AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
)


class Hints:
    """One engine's ear and mouth. `lock_class` is that of the advisory locks engines hold while they live."""

    def __init__(self, database: Database, lock_class: int) -> None:
        self.on_hint: Callable[[Sequence[Hint]], None] = lambda hints: None
        self.alone = False
        self._database = database
        self._lock_class = lock_class
        self._engine = 0
        self._waiting: dict[tuple[str, str], Hint] = {}
        self._speaking: asyncio.Task[None] | None = None
        self._listening: asyncio.Task[None] | None = None
        self._heard = asyncio.Event()

    async def open(self, engine: int) -> None:
        """Listen, then look who is there. Raises `StorageUnavailable`."""
        self._engine = engine
        self._listening = asyncio.create_task(self._listen(), name="engine-hints")
        with suppress(TimeoutError):
            async with asyncio.timeout(CONNECT_TIMEOUT_S):
                await self._heard.wait()
        await self.look()

    async def close(self) -> None:
        for task in (self._listening, self._speaking):
            if task is not None:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)

    async def look(self) -> None:
        """See whether other engines live. Raises `StorageUnavailable`."""
        row = await self._database.one(_COUNT, [self._lock_class, self._engine])
        self.alone = row is not None and row["n"] == 0

    # -- speaking -----------------------------------------------------------------------------------------------

    def tell(self, hints: Iterable[Hint]) -> None:
        """Let the other engines know, soon; what is told of one execution meanwhile is told at once."""
        if self.alone:
            return
        for hint in hints:
            key = (hint.tenant, hint.execution_id)
            known = self._waiting.get(key)
            self._waiting[key] = hint if known is None else _joined(known, hint)
        if self._waiting and (self._speaking is None or self._speaking.done()):
            self._speaking = asyncio.create_task(self._speak())

    async def _speak(self) -> None:
        while self._waiting:
            told, self._waiting = list(self._waiting.values()), {}
            for payload in _payloads(self._engine, told):
                try:
                    await self._database.run("SELECT pg_notify(%s, %s)", [CHANNEL, payload])
                except StorageUnavailable as error:
                    log.info("other engines were not told of what was recorded: %s", error)

    # -- listening ----------------------------------------------------------------------------------------------

    async def _listen(self) -> None:
        tries = 0
        while True:
            try:
                async with await self._connect() as connection:
                    if tries:
                        await self.look()
                        self.on_hint([])  # something may have been said meanwhile
                    tries = 0
                    self._heard.set()
                    async for notice in connection.notifies():
                        self._hear(notice.payload)
            except (psycopg.Error, OSError, StorageUnavailable) as error:
                log.info("word from other engines is cut off: %s", error)
            await asyncio.sleep(AGAIN_S[min(tries, len(AGAIN_S) - 1)])
            tries += 1

    async def _connect(self) -> AsyncConnection[Any]:
        connection = await AsyncConnection.connect(
            self._database.dsn, autocommit=True, connect_timeout=CONNECT_TIMEOUT_S
        )
        await connection.execute(f"LISTEN {CHANNEL}")
        await connection.execute("SELECT pg_notify(%s, %s)", [CHANNEL, json.dumps({"engine": self._engine})])
        return connection

    def _hear(self, payload: str) -> None:
        try:
            said = json.loads(payload)
            if said["engine"] == self._engine:
                return
            hints = [
                Hint(tenant=tenant, execution_id=name, seq=seq, status=bool(status), stop=bool(stop))
                for tenant, name, seq, status, stop in said.get("hints", ())
            ]
        except (ValueError, TypeError, KeyError) as error:
            log.warning("a notification on %s is none of an engine: %s", CHANNEL, error)
            return
        self.alone = False
        if hints:
            self.on_hint(hints)


def _joined(first: Hint, then: Hint) -> Hint:
    return Hint(
        tenant=then.tenant,
        execution_id=then.execution_id,
        seq=max(first.seq, then.seq),
        status=first.status or then.status,
        stop=first.stop or then.stop,
    )


def _payloads(engine: int, hints: Sequence[Hint]) -> Iterable[str]:
    """The hints as JSON, in as many notifications as they need."""
    part: list[str] = []
    size = 0
    for hint in hints:
        text = json.dumps([hint.tenant, hint.execution_id, hint.seq, int(hint.status), int(hint.stop)])
        if part and size + len(text) > MOST_BYTES - 100:
            yield f'{{"engine":{engine},"hints":[{",".join(part)}]}}'
            part, size = [], 0
        part.append(text)
        size += len(text) + 1
    if part:
        yield f'{{"engine":{engine},"hints":[{",".join(part)}]}}'
