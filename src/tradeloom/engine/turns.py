"""What is asked when an execution's turn comes: whether it may still begin, and whether it is alone where it has to be.

An execution that was started at once has just passed the dispatcher. One that waited, in a queue or through a restart,
may find its workflow deactivated or replaced, or the moment it was meant for long gone.
"""

import asyncio
from typing import Final, Protocol

from tradeloom.engine.admission import Admission, Ticket
from tradeloom.engine.clock import Clock
from tradeloom.engine.interpreter.times import timestamp
from tradeloom.engine.journal import Execution, Journal
from tradeloom.errors import ExecutionStopped, StorageUnavailable

LOOK_S: Final = 0.25
"""How often an execution that another engine runs is looked at, and a storage that is away."""


class Permit(Protocol):
    """Asked before a handler acts; raises `ExecutionStopped` when it may not."""

    async def __call__(self, execution: Execution, node: str) -> None: ...


async def why_not(row: Execution, market: Clock, permit: Permit | None) -> str | None:
    """Why an execution that waited does not begin; None when it does. What a person started, does."""
    if row.start_by is not None and market.now() > row.start_by:
        return f"Its turn came too late: it was to begin by {timestamp(row.start_by)}."
    while permit is not None:
        try:
            await permit(row, "")
        except ExecutionStopped as error:
            return error.message
        except StorageUnavailable:
            await asyncio.sleep(LOOK_S)
        else:
            return None
    return None


async def alone(row: Execution, ticket: Ticket, journal: Journal, admission: Admission, clock: Clock) -> None:
    """Wait until nothing of its workflow that was first runs on any engine. Its place here is given up meanwhile: the
    older one may be taken over by this engine, and then needs it."""
    while await _behind(row, journal, clock):
        admission.leave(ticket)
        ticket.waited = True
        await asyncio.sleep(LOOK_S)
        await admission.enter(ticket)


async def _behind(row: Execution, journal: Journal, clock: Clock) -> bool:
    try:
        return not await journal.take_turn(row, clock.now())
    except StorageUnavailable:
        return True
