"""One call of a function, as the pool takes it, and the port the engine sees the pool by."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Protocol
from uuid import uuid4


def _no_log(record: dict[str, Any]) -> None:
    pass


async def _no_answer(what: str, body: dict[str, Any]) -> Any:
    return None


@dataclass(slots=True, kw_only=True)
class Invocation:
    """`timeout_s` is the state's. `on_begin` is called when a worker takes it; `on_log` with each of its records,
    `on_progress` with how far it is, `{done, total, note}`;
    `on_ask` with its questions (`may_act`, `notify`), raising a `TradeloomError` to refuse; `on_end` after a worker
    answered and whoever waited for that went on, but not when the worker died."""

    function: str
    payload: Any
    timeout_s: float | None = None
    on_begin: Callable[[], None] = lambda: None
    on_log: Callable[[dict[str, Any]], None] = _no_log
    on_progress: Callable[[dict[str, Any]], None] = _no_log
    on_ask: Callable[[str, dict[str, Any]], Awaitable[Any]] = _no_answer
    on_end: Callable[[], None] = lambda: None
    interrupt: Callable[[], None] = lambda: None
    """Set by whoever runs it: tells the handler that its execution was stopped."""
    id: str = field(default_factory=lambda: str(uuid4()))


class Workers(Protocol):
    async def invoke(self, invocation: Invocation) -> Any:
        """The handler's payload, canonical JSON. Raises `StatesError`. Cancelled, the handler is killed."""
        ...
