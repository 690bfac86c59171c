"""Results of executions that this engine does not run: another does, or they have ended."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import Final

from tradeloom.engine.events import Hint
from tradeloom.engine.journal import ACTIVE, Execution, Journal
from tradeloom.errors import NotFound

LOOK_S: Final = 5.0
"""How often an execution is looked at while somebody waits for its end, should word of it get lost."""


class Results:
    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._awaited: dict[str, set[asyncio.Event]] = {}

    async def of(self, tenant: str, execution_id: str) -> Execution:
        """The execution once it has ended, durably. Raises `NotFound`."""
        said = asyncio.Event()
        self._awaited.setdefault(execution_id, set()).add(said)
        try:
            return await self._ended(tenant, execution_id, said)
        finally:
            self._awaited[execution_id].discard(said)
            if not self._awaited[execution_id]:
                del self._awaited[execution_id]

    def hear(self, hints: Sequence[Hint]) -> None:
        """Word from other engines; none at all when some of it was lost."""
        names = {hint.execution_id for hint in hints if hint.status} if hints else set(self._awaited)
        for name in names & self._awaited.keys():
            for said in self._awaited[name]:
                said.set()

    async def _ended(self, tenant: str, execution_id: str, said: asyncio.Event) -> Execution:
        while True:
            said.clear()
            row = await self._journal.execution(tenant, execution_id)
            if row is None:
                raise NotFound(f"There is no execution {execution_id!r}.")
            if row.status not in ACTIVE:
                return row
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_S):
                    await said.wait()
