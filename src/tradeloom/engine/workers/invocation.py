"""One call of a function, as workers take it, and the port the engine sees them by."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from typing import Any, Protocol
from uuid import uuid4


class Holder(Protocol):
    """Who has an invocation: a worker, or the queue for one."""

    def interrupt(self, invocation: "Invocation") -> None: ...

    def cancel(self, invocation: "Invocation") -> None: ...


class Invocation:
    """`timeout_s` is the state's. What becomes of it is told by its methods `on_…`, which do nothing here.

    `on_end` must not raise.
    """

    __slots__ = ("function", "holder", "id", "payload", "timeout_s")

    def __init__(self, *, function: str, payload: Any, timeout_s: float | None = None, id: str | None = None) -> None:
        self.function = function
        self.payload = payload
        self.timeout_s = timeout_s
        self.id = id or str(uuid4())
        self.holder: Holder | None = None
        """Set by who has it, for as long as it does."""

    @property
    def given_up(self) -> bool:
        """Whether nobody waits for it any more: it does not begin then, and ends as cancelled."""
        return False

    def interrupt(self) -> None:
        """Tell the handler, if there is one, that its execution was stopped."""
        if self.holder is not None:
            self.holder.interrupt(self)

    def cancel(self) -> None:
        """It does not begin any more, or its handler is killed; where nothing has ended it yet, it ends by that."""
        if self.holder is not None:
            self.holder.cancel(self)

    def on_begin(self) -> None:
        """A worker has it."""

    def on_log(self, record: dict[str, Any]) -> None:
        """The handler logged something."""

    def on_progress(self, record: dict[str, Any]) -> None:
        """How far the handler is: `{done, total, note}`."""

    async def on_ask(self, what: str, body: dict[str, Any]) -> Any:
        """The handler's question (`may_act`, `notify`); raises a `TradeloomError` to refuse."""
        return None

    def on_end(self, payload: Any, error: BaseException | None) -> None:
        """Called once: with the handler's payload, which is canonical JSON, or with what came instead of one, a
        `StatesError`, another `TradeloomError`, or `CancelledError` after `cancel`."""


class Call(Invocation):
    """An invocation for `Workers.invoke`; what it tells besides its end goes to functions."""

    __slots__ = ("_asked", "_begun", "_logged", "answer")

    def __init__(
        self,
        *,
        function: str,
        payload: Any,
        timeout_s: float | None = None,
        on_begin: Callable[[], object] = lambda: None,
        on_log: Callable[[dict[str, Any]], object] = lambda record: None,
        on_ask: Callable[[str, dict[str, Any]], Awaitable[Any]] | None = None,
    ) -> None:
        super().__init__(function=function, payload=payload, timeout_s=timeout_s)
        self._begun = on_begin
        self._logged = on_log
        self._asked = on_ask
        self.answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

    @property
    def given_up(self) -> bool:
        return self.answer.done()

    def on_begin(self) -> None:
        self._begun()

    def on_log(self, record: dict[str, Any]) -> None:
        self._logged(record)

    async def on_ask(self, what: str, body: dict[str, Any]) -> Any:
        return None if self._asked is None else await self._asked(what, body)

    def on_end(self, payload: Any, error: BaseException | None) -> None:
        if self.answer.done():
            return
        if error is None:
            self.answer.set_result(payload)
        elif isinstance(error, asyncio.CancelledError):
            self.answer.cancel()
        else:
            self.answer.set_exception(error)


class Workers(ABC):
    @abstractmethod
    def begin(self, invocation: Invocation) -> None:
        """Have it run, now or when its turn comes; its `on_end` may be called before this returns."""

    async def invoke(self, call: Call) -> Any:
        """The handler's payload, for who only waits for that. Raises what `on_end` is told; cancelled, it cancels."""
        self.begin(call)
        try:
            return await call.answer
        except asyncio.CancelledError:
            call.cancel()
            raise
