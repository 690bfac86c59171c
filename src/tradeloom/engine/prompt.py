"""A future that wakes at once.

asyncio lets whoever waits for a future go on a turn of the loop later. Between a worker's answer and the next task that
would be two turns, each at the price of a look at every socket.
"""

import asyncio
from collections.abc import Callable
from contextvars import Context
from typing import Any

type _Callback = Callable[[Any], object]


class PromptFuture[T](asyncio.Future[T]):
    """Who waits for it goes on inside `set_result` and `set_exception`, when these are called by the loop; called from
    within a task they wake as any future does. A cancellation always does. One thread's, its loop's, alone."""

    def __init__(self) -> None:
        super().__init__(loop=asyncio.get_running_loop())
        self._waiting: list[tuple[_Callback, Context | None]] = []

    def add_done_callback(self, fn: _Callback, /, *, context: Context | None = None) -> None:
        if self.done():
            super().add_done_callback(fn, context=context)
        else:
            self._waiting.append((fn, context))

    def remove_done_callback(self, fn: _Callback, /) -> int:
        kept = [each for each in self._waiting if each[0] != fn]
        removed, self._waiting = len(self._waiting) - len(kept), kept
        return removed

    def set_result(self, result: T, /) -> None:
        super().set_result(result)
        self._wake()

    def set_exception(self, exception: type[BaseException] | BaseException, /) -> None:
        super().set_exception(exception)
        self._wake()

    def cancel(self, msg: Any | None = None) -> bool:
        if not super().cancel(msg):
            return False
        self._wake_later()
        return True

    def _wake(self) -> None:
        if asyncio.current_task() is not None:  # a task cannot go on inside of another
            self._wake_later()
            return
        waiting, self._waiting = self._waiting, []
        for fn, context in waiting:
            if context is None:
                fn(self)
            else:
                context.run(fn, self)

    def _wake_later(self) -> None:
        waiting, self._waiting = self._waiting, []
        for fn, context in waiting:
            self.get_loop().call_soon(fn, self, context=context)
