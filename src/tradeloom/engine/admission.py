"""Who may run: a bounded number of executions at once, workflows served in turn, exclusive ones never side by side."""

import asyncio
from collections import OrderedDict, deque
from dataclasses import dataclass, field


@dataclass(slots=True, eq=False)
class Ticket:
    """An execution's place. It is `alive` from its first admission to its end, and holds a slot while it works. It has
    `waited` when it did not get its first slot at once."""

    workflow: tuple[str, str]
    exclusive: bool
    alive: bool = False
    holds: bool = False
    waited: bool = False
    _turn: asyncio.Future[None] | None = field(default=None, repr=False)


class Admission:
    """Executions whose every strand waits for a time give their slot to others meanwhile."""

    def __init__(self, most: int) -> None:
        self._free = most
        self._alive: dict[tuple[str, str], int] = {}
        self._returning: deque[Ticket] = deque()
        self._waiting: OrderedDict[tuple[str, str], deque[Ticket]] = OrderedDict()

    async def enter(self, ticket: Ticket) -> None:
        """Wait for the first slot."""
        self._waiting.setdefault(ticket.workflow, deque()).append(ticket)
        await self._wait(ticket)

    def pause(self, ticket: Ticket) -> None:
        """Give the slot to others for a while."""
        if ticket.holds:
            ticket.holds = False
            self._free += 1
            self._serve()

    async def resume(self, ticket: Ticket) -> None:
        """Take a slot again, before those that have not begun."""
        if not ticket.holds:
            self._returning.append(ticket)
            await self._wait(ticket)

    def leave(self, ticket: Ticket) -> None:
        """The execution ended."""
        if ticket.alive:
            ticket.alive = False
            left = self._alive[ticket.workflow] - 1
            if left:
                self._alive[ticket.workflow] = left
            else:
                del self._alive[ticket.workflow]
        self.pause(ticket)
        self._serve()

    def behind(self, ticket: Ticket) -> bool:
        """Whether it waits for another execution of its workflow to end."""
        waits = ticket.exclusive and not ticket.alive and ticket._turn is not None
        return waits and bool(self._alive.get(ticket.workflow))

    async def _wait(self, ticket: Ticket) -> None:
        ticket._turn = asyncio.get_running_loop().create_future()
        self._serve()
        ticket.waited |= not ticket._turn.done()
        try:
            await ticket._turn
        except asyncio.CancelledError:
            self._withdraw(ticket)
            raise

    def _withdraw(self, ticket: Ticket) -> None:
        if ticket.holds:
            self.leave(ticket)
            return
        for queue in (self._returning, self._waiting.get(ticket.workflow, deque())):
            if ticket in queue:
                queue.remove(ticket)
        if not self._waiting.get(ticket.workflow, True):
            del self._waiting[ticket.workflow]

    def _serve(self) -> None:
        while self._free and (ticket := self._next()) is not None:
            self._free -= 1
            ticket.holds = True
            if not ticket.alive:
                ticket.alive = True
                self._alive[ticket.workflow] = self._alive.get(ticket.workflow, 0) + 1
            if ticket._turn is not None and not ticket._turn.done():
                ticket._turn.set_result(None)

    def _next(self) -> Ticket | None:
        """Those that come back first; then one of each workflow in turn. Who waits for others of the workflow holds
        nobody behind it up."""
        if self._returning:
            return self._returning.popleft()
        for workflow, queue in self._waiting.items():
            ticket = next((each for each in queue if not (each.exclusive and self._alive.get(workflow))), None)
            if ticket is None:
                continue
            queue.remove(ticket)
            self._waiting.move_to_end(workflow)
            if not queue:
                del self._waiting[workflow]
            return ticket
        return None
