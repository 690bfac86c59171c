"""In a driven replay, what starts at one moment of the market starts one after another, in an order of its own.

Without it two workflows that fire at the same bar would race each other to the broker, and a replay would not give the
same orders twice.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

from tradeloom.engine.dispatcher import StartCommand

SCHEDULED: Final = "schedule:"


@dataclass(eq=False, slots=True)
class _Turn:
    place: tuple[str, str, str]
    scheduled: bool
    come: asyncio.Future[None]


class Turns:
    """The dispatcher's gate. Closed for an account, it holds the starts that its market wants until `let_one_pass`.
    What people and other programs start, and what other accounts do, goes through as ever: it belongs to no moment of
    this market."""

    def __init__(self) -> None:
        self._waiting: list[_Turn] = []
        self._passing = 0
        self._account: str | None = None
        self.stirred: Callable[[], None] = lambda: None

    @property
    def closed(self) -> bool:
        return self._account is not None

    @property
    def passing(self) -> bool:
        """Whether a start is being decided right now."""
        return self._passing > 0

    def waiting(self, *, scheduled: bool) -> int:
        """How many wait that a schedule has sent, or with False the market."""
        return sum(1 for each in self._waiting if each.scheduled is scheduled)

    @asynccontextmanager
    async def gate(self, command: StartCommand) -> AsyncIterator[None]:
        """Around the decision about one start."""
        if command.account != self._account or command.manual or command.parent is not None:
            yield
            return
        key = command.dedupe_key or ""
        place = (command.workflow_id, command.trigger, key)
        turn = _Turn(place, key.startswith(SCHEDULED), asyncio.get_running_loop().create_future())
        self._waiting.append(turn)
        self.stirred()
        try:
            await turn.come
            yield
        finally:
            if turn in self._waiting:
                self._waiting.remove(turn)
            else:
                self._passing -= 1
            self.stirred()

    def close(self, account: str) -> None:
        """Hold what starts on this account's market from now on."""
        self._account = account

    def let_one_pass(self) -> None:
        """The first by its name; it counts as passing from now on."""
        first = min(self._waiting, key=lambda each: each.place)
        self._waiting.remove(first)
        self._passing += 1
        if not first.come.done():
            first.come.set_result(None)

    def open(self) -> None:
        """Let everybody pass from now on."""
        self._account = None
        while self._waiting:
            self.let_one_pass()
