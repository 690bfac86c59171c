"""What the executions of an engine have around them."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from tradeloom.engine.admission import Admission
from tradeloom.engine.clock import Clock
from tradeloom.engine.journal import Execution, Journal
from tradeloom.engine.questions import Answers
from tradeloom.engine.turns import Permit
from tradeloom.engine.workers.invocation import Workers


class Halt(Protocol):
    """Whether an account's halt reaches an execution."""

    async def __call__(self, execution: Execution, function: str | None) -> str | None:
        """Why the execution may not go on, or with `function` why it may not run that; None when it may."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What all executions of an engine share. `clock` is the wall's; `is_effect` tells functions that act; `answers`
    are to questions of handlers that concern no execution's journal. `halt` is asked before each task, after each wait
    and before a handler acts; an execution it reaches is ended by `stop`."""

    journal: Journal
    workers: Workers
    admission: Admission
    clock: Clock
    is_effect: Callable[[str], bool]
    permit: Permit | None
    answers: Answers
    halt: Halt | None = None
    stop: Callable[[Execution, str], Awaitable[None]] | None = None
