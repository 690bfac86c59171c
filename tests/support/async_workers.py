"""Workers that are coroutines of the test's own loop."""

import asyncio
from functools import partial
from typing import Any

from tradeloom.engine.workers.invocation import Invocation, Workers


class AsyncWorkers(Workers):
    """Each invocation is answered by a coroutine of the test's own loop."""

    def begin(self, invocation: Invocation) -> None:
        answering = asyncio.Task(self.answer(invocation), loop=asyncio.get_running_loop(), eager_start=True)
        invocation.holder = _Held(answering)
        answering.add_done_callback(partial(self._answered, invocation))

    async def answer(self, invocation: Invocation) -> Any:
        raise NotImplementedError

    def _answered(self, invocation: Invocation, answering: asyncio.Task[Any]) -> None:
        cancelled, invocation.holder = invocation.holder is None, None
        if cancelled:
            return
        if answering.cancelled():
            invocation.on_end(None, asyncio.CancelledError())
        elif (error := answering.exception()) is not None:
            invocation.on_end(None, error)
        else:
            invocation.on_end(answering.result(), None)


class _Held:
    def __init__(self, answering: asyncio.Task[Any]) -> None:
        self._answering = answering

    def interrupt(self, invocation: Invocation) -> None:
        """A function hears of nothing."""

    def cancel(self, invocation: Invocation) -> None:
        self._answering.cancel()
        invocation.holder = None
        invocation.on_end(None, asyncio.CancelledError())
