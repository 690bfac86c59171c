"""From the API's threads to the engine's event loop."""

import asyncio
from collections.abc import Coroutine
from typing import Any

from tradeloom.errors import StorageUnavailable

CALL_TIMEOUT_S = 35.0
"""Longer than an execution may be waited for."""


class OnLoop:
    """Runs coroutines on the engine's loop for callers on other threads."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop

    def __call__[T](self, work: Coroutine[Any, Any, T], timeout_s: float = CALL_TIMEOUT_S) -> T:
        """The coroutine's result. Raises what it raises, or `StorageUnavailable` when it takes too long."""
        if self._loop.is_closed():
            work.close()
            raise StorageUnavailable("Tradeloom is shutting down.")
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result(timeout_s)
        except TimeoutError as error:
            if not future.done():
                future.cancel()
                raise StorageUnavailable("The engine did not answer in time.") from error
            raise
